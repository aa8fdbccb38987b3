// A sender of Graphite lines over TCP or UDP: each line is written by its token (`TOKEN.` or
// `TOKEN@.` in front of its path), or by that of the connection or of the listener.
import type { PlaintextResult } from '../../formats/graphite/plaintext.ts';
import { scanPlaintext } from '../../formats/graphite/plaintext.ts';
import { quoteLine } from '../../formats/scan-errors.ts';
import { AppError } from '../../model/errors.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Counter } from '../../telemetry/registry.ts';
import { withoutSecrets } from '../../tenancy/token.ts';
import type { LineMetrics } from '../lines/line-metrics.ts';
import { LineSenders } from '../lines/line-senders.ts';
import type { LineSenderDependencies } from '../lines/line-senders.ts';
import { NO_ANSWER } from '../lines/line-session.ts';
import type { LineAnswer, LineSession, OpenSession } from '../lines/line-session.ts';
import { plainLineEnd, tokenRuns } from '../lines/line-tokens.ts';
import type { TokenRules, TokenRun } from '../lines/line-tokens.ts';
import { tellRefused, writeLines } from '../lines/write-lines.ts';
import type { LineSource } from '../lines/write-lines.ts';

const GRAPHITE_PROTOCOL = 'graphite';

const TOKENS: TokenRules = { lineEnd: plainLineEnd, lead: '', takesAny: true };

export interface GraphiteLineDependencies extends LineSenderDependencies {
  readonly clock: Clock;
  /** Lines whose value is NaN. */
  readonly nanLines: Counter;
}

class GraphiteSession implements LineSession {
  readonly #deps: GraphiteLineDependencies;
  readonly #source: LineSource;
  readonly #senders: LineSenders;

  constructor(deps: GraphiteLineDependencies, source: LineSource) {
    this.#deps = deps;
    this.#source = source;
    this.#senders = new LineSenders(deps, source);
  }

  async take(body: Uint8Array, end: number): Promise<LineAnswer> {
    this.#senders.begin();
    for (const run of tokenRuns(body, end, TOKENS)) await this.#write(run);
    return NO_ANSWER;
  }

  async #write(run: TokenRun): Promise<void> {
    const principal = await this.#senders.admit(run);
    if (principal instanceof AppError) return;
    const { body, end } = run;
    const options = { defaultTimeUs: nowUs(this.#deps.clock) };
    const written = await writeLines<PlaintextResult>(this.#deps, this.#source, principal, {
      protocol: GRAPHITE_PROTOCOL,
      profileKey: '',
      body,
      end,
      sender: () => this.#senders.find(run.token),
      scan: (dictionary, sink) => scanPlaintext(body, end, options, dictionary, sink),
    });
    if (!(written instanceof AppError)) this.#deps.nanLines.add(written.scan.nanCount);
  }

  refuse(reason: string, start: Uint8Array): void {
    for (const run of tokenRuns(start, start.length, TOKENS)) {
      const tenant = this.#senders.tenantOf(run);
      const text = withoutSecrets(quoteLine(run.body, 0, run.end));
      const whole = text === '' ? reason : `unable to parse '${text}': ${reason}`;
      if (tenant !== undefined) tellRefused(this.#deps, this.#source, tenant, 1, [whole]);
    }
  }
}

export function openGraphite(deps: GraphiteLineDependencies, metrics: LineMetrics): OpenSession {
  return (sender, signal) =>
    new GraphiteSession(deps, { protocol: GRAPHITE_PROTOCOL, ...sender, metrics, signal });
}
