// OpenTSDB's telnet commands: `put` says nothing unless a line is refused; `version`, `help`,
// `stats`, `exit`, and `auth`, which names the token of the connection. Answers come in the order
// of the lines. Source: OpenTSDB 2.4 tsd/RpcManager.java, tsd/RpcHandler.java,
// tsd/AuthenticationChannelHandler.java.
import { isPutAt, scanPutLines } from '../../formats/opentsdb/put-lines.ts';
import { quoteLine } from '../../formats/scan-errors.ts';
import { AppError } from '../../model/errors.ts';
import type { Clock } from '../../stdx/clock.ts';
import { withoutSecrets } from '../../tenancy/token.ts';
import type { LineMetrics } from '../lines/line-metrics.ts';
import type { LineAnswer, LineSession, OpenSession } from '../lines/line-session.ts';
import { LineSenders } from '../lines/line-senders.ts';
import type { LineSenderDependencies } from '../lines/line-senders.ts';
import { plainLineEnd, tokenRuns } from '../lines/line-tokens.ts';
import type { TokenRules, TokenRun } from '../lines/line-tokens.ts';
import { tellRefused, writeLines } from '../lines/write-lines.ts';
import type { LineSource } from '../lines/write-lines.ts';
import { VERSION_TEXT } from './version.ts';

const PROTOCOL = 'opentsdb-telnet';
const LF = 10;
const NOTHING = new Uint8Array(0);

const HELP = 'available commands: put stats version exit help \n';

const TOKENS: TokenRules = { lineEnd: plainLineEnd, lead: 'put ', takesAny: false };

export interface TelnetDependencies extends LineSenderDependencies {
  readonly clock: Clock;
}

class TelnetSession implements LineSession {
  readonly #deps: TelnetDependencies;
  readonly #source: LineSource;
  readonly #senders: LineSenders;
  #pointCount = 0;
  #refusedCount = 0;

  constructor(deps: TelnetDependencies, source: LineSource) {
    this.#deps = deps;
    this.#source = source;
    this.#senders = new LineSenders(deps, source);
  }

  async take(body: Uint8Array, end: number): Promise<LineAnswer> {
    this.#senders.begin();
    let text = '';
    let at = 0;
    while (at < end) {
      const stop = putsEnd(body, at, end);
      if (stop > at) {
        const puts = body.subarray(at, stop);
        for (const run of tokenRuns(puts, stop - at, TOKENS)) text += await this.#put(run);
        at = stop;
        continue;
      }
      const next = body.indexOf(LF, at) + 1;
      const answer = await this.#command(quoteLine(body, at, next));
      text += answer.text;
      if (answer.isLast) return { text, isLast: true };
      at = next;
    }
    return { text, isLast: false };
  }

  /** Writes lines which are all `put`s; what to answer. */
  async #put(run: TokenRun): Promise<string> {
    const principal = await this.#senders.admit(run);
    if (principal instanceof AppError) return `put: ${principal.message}\n`;
    const { body, end } = run;
    const written = await writeLines(this.#deps, this.#source, principal, {
      protocol: PROTOCOL,
      profileKey: '',
      body,
      end,
      sender: () => this.#senders.find(run.token),
      scan: (dictionary, sink) => scanPutLines(body, [0, end], dictionary, sink),
    });
    if (written instanceof AppError) return `put: HBase error: ${written.message}\n`;
    const { pointCount, errorCount, errors } = written.scan;
    this.#pointCount += pointCount;
    this.#refusedCount += errorCount;
    const more = errorCount - errors.length;
    const reasons = errors.map(({ reason }) => `${reason}\n`).join('');
    return more > 0 ? `${reasons}put: … and ${more} more lines with errors\n` : reasons;
  }

  async #command(line: string): Promise<LineAnswer> {
    const [command = '', ...words] = line.trim().split(/ +/);
    switch (command.toLowerCase()) {
      case '':
        return { text: '', isLast: false };
      case 'version':
        return { text: VERSION_TEXT, isLast: false };
      case 'help':
        return { text: HELP, isLast: false };
      case 'stats':
        return { text: this.#stats(), isLast: false };
      case 'auth':
        return { text: await this.#auth(words.at(-1) ?? ''), isLast: false };
      case 'exit':
        return { text: '', isLast: true };
      case 'put':
        this.refuse('put: illegal argument: not enough arguments (need least 4, got 0)');
        return {
          text: 'put: illegal argument: not enough arguments (need least 4, got 0)\n',
          isLast: false,
        };
      default:
        return {
          text: `unknown command: ${withoutSecrets(command)}.  Try \`help'.\n`,
          isLast: false,
        };
    }
  }

  /** `auth TOKEN`, `auth basic USER TOKEN`. */
  async #auth(token: string): Promise<string> {
    return (await this.#senders.introduce(token)) ? 'AUTH_SUCCESS\r\n' : 'AUTH_FAIL\r\n';
  }

  /** Of this connection; what the process counts is at `/metrics`. */
  #stats(): string {
    const seconds = Math.floor(this.#deps.clock.nowMs() / 1000);
    const line = (name: string, value: number, tag: string): string =>
      `tsd.${name} ${seconds} ${value} ${tag}\n`;
    return (
      line('rpc.received', this.#pointCount + this.#refusedCount, 'type=put') +
      line('rpc.errors', this.#refusedCount, 'type=illegal_arguments')
    );
  }

  refuse(reason: string): void {
    const tenant = this.#senders.tenantOf({ token: undefined, body: NOTHING, end: 0 });
    if (tenant !== undefined) tellRefused(this.#deps, this.#source, tenant, 1, [reason]);
  }
}

/** End of the run of `put` lines at `start`. */
function putsEnd(body: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isPutAt(body, at, end)) at = body.indexOf(LF, at) + 1;
  return at;
}

export function openTelnet(deps: TelnetDependencies, metrics: LineMetrics): OpenSession {
  return (sender, signal) =>
    new TelnetSession(deps, { protocol: PROTOCOL, ...sender, metrics, signal });
}
