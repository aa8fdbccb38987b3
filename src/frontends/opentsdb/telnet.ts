// OpenTSDB's telnet commands: `put` says nothing unless a line is refused; `version`, `help`,
// `stats`, `exit`. Answers come in the order of the lines. Source: OpenTSDB 2.4
// tsd/RpcManager.java, tsd/RpcHandler.java.
import { isPutAt, scanPutLines } from '../../formats/opentsdb/put-lines.ts';
import { quoteLine } from '../../formats/scan-errors.ts';
import { AppError } from '../../model/errors.ts';
import { DEFAULT_TENANT } from '../../model/tenant.ts';
import type { Principal } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import type { LineMetrics } from '../lines/line-metrics.ts';
import type { LineAnswer, LineSession, OpenSession } from '../lines/line-session.ts';
import { tellRefused, writeLines } from '../lines/write-lines.ts';
import type { LineDependencies, LineSource } from '../lines/write-lines.ts';
import { VERSION_TEXT } from './version.ts';

const PROTOCOL = 'opentsdb-telnet';
const LF = 10;

const HELP = 'available commands: put stats version exit help \n';

export interface TelnetDependencies extends LineDependencies {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
}

class TelnetSession implements LineSession {
  readonly #deps: TelnetDependencies;
  readonly #source: LineSource;
  readonly #principal: Principal;
  #pointCount = 0;
  #refusedCount = 0;

  constructor(deps: TelnetDependencies, source: LineSource) {
    this.#deps = deps;
    this.#source = source;
    const nobody = { tenant: undefined, token: undefined };
    this.#principal = deps.authenticator.authenticate(nobody, 'write');
  }

  async take(body: Uint8Array, end: number): Promise<LineAnswer> {
    let text = '';
    let at = 0;
    while (at < end) {
      const stop = putsEnd(body, at, end);
      if (stop > at) {
        text += await this.#put(body, at, stop);
        at = stop;
        continue;
      }
      const next = body.indexOf(LF, at) + 1;
      const answer = this.#command(quoteLine(body, at, next));
      text += answer.text;
      if (answer.isLast) return { text, isLast: true };
      at = next;
    }
    return { text, isLast: false };
  }

  /** Writes the lines [start, end), which are all `put`s; what to answer. */
  async #put(body: Uint8Array, start: number, end: number): Promise<string> {
    const written = await writeLines(this.#deps, this.#source, this.#principal, {
      protocol: PROTOCOL,
      profileKey: '',
      body: body.subarray(start, end),
      end: end - start,
      scan: (dictionary, sink) => scanPutLines(body, [start, end], dictionary, sink),
    });
    if (written instanceof AppError) return `put: HBase error: ${written.message}\n`;
    const { pointCount, errorCount, errors } = written.scan;
    this.#pointCount += pointCount;
    this.#refusedCount += errorCount;
    const more = errorCount - errors.length;
    const reasons = errors.map(({ reason }) => `${reason}\n`).join('');
    return more > 0 ? `${reasons}put: … and ${more} more lines with errors\n` : reasons;
  }

  #command(line: string): LineAnswer {
    const [command = ''] = line.trim().split(' ', 1);
    switch (command.toLowerCase()) {
      case '':
        return { text: '', isLast: false };
      case 'version':
        return { text: VERSION_TEXT, isLast: false };
      case 'help':
        return { text: HELP, isLast: false };
      case 'stats':
        return { text: this.#stats(), isLast: false };
      case 'exit':
        return { text: '', isLast: true };
      case 'put':
        this.refuse('put: illegal argument: not enough arguments (need least 4, got 0)');
        return {
          text: 'put: illegal argument: not enough arguments (need least 4, got 0)\n',
          isLast: false,
        };
      default:
        return { text: `unknown command: ${command}.  Try \`help'.\n`, isLast: false };
    }
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
    tellRefused(this.#deps, this.#source, this.#principal.tenant ?? DEFAULT_TENANT, 1, [reason]);
  }
}

/** End of the run of `put` lines at `start`. */
function putsEnd(body: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isPutAt(body, at, end)) at = body.indexOf(LF, at) + 1;
  return at;
}

export function openTelnet(deps: TelnetDependencies, metrics: LineMetrics): OpenSession {
  return (peer, signal) => new TelnetSession(deps, { protocol: PROTOCOL, peer, metrics, signal });
}
