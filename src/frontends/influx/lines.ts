// Line protocol over TCP and UDP: lines of one database, as the settings of the listener name it.
// A string may hold line breaks here too; nothing is answered, what is refused is counted and kept.
import type { InfluxPrecision } from '../../formats/influx/line-protocol.ts';
import { LineEnds, lineEnd } from '../../formats/influx/line-ends.ts';
import { scanLineProtocol } from '../../formats/influx/line-protocol.ts';
import { quoteLine } from '../../formats/scan-errors.ts';
import { AppError } from '../../model/errors.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import { withoutSecrets } from '../../tenancy/token.ts';
import { LONG_LINE_BYTES_MAX } from '../lines/limits.ts';
import type { LineMetrics } from '../lines/line-metrics.ts';
import { LineSenders } from '../lines/line-senders.ts';
import type { LineSenderDependencies } from '../lines/line-senders.ts';
import { NO_ANSWER } from '../lines/line-session.ts';
import type { LineAnswer, LineRules, LineSession, OpenSession } from '../lines/line-session.ts';
import { tokenRuns } from '../lines/line-tokens.ts';
import type { TokenRules, TokenRun } from '../lines/line-tokens.ts';
import { lineCount, tellRefused, writeLines } from '../lines/write-lines.ts';
import type { LineSource } from '../lines/write-lines.ts';
import { INFLUX_PROTOCOL, mappingOf } from './target.ts';
import type { InfluxDatabase } from './target.ts';

export const INFLUX_LINES: LineRules = {
  ends: () => new LineEnds(),
  lineBytesMax: LONG_LINE_BYTES_MAX,
};

const TOKENS: TokenRules = { lineEnd, lead: '', takesAny: false };

export interface InfluxLineDependencies extends LineSenderDependencies {
  readonly clock: Clock;
}

export interface InfluxLineTarget extends InfluxDatabase {
  readonly precision: InfluxPrecision;
}

class InfluxLineSession implements LineSession {
  readonly #deps: InfluxLineDependencies;
  readonly #source: LineSource;
  readonly #senders: LineSenders;
  readonly #precision: InfluxPrecision;
  readonly #mapping: readonly string[];
  readonly #profileKey: string;

  constructor(deps: InfluxLineDependencies, source: LineSource, target: InfluxLineTarget) {
    this.#deps = deps;
    this.#source = source;
    this.#senders = new LineSenders(deps, source);
    this.#precision = target.precision;
    this.#mapping = mappingOf(target);
    this.#profileKey = JSON.stringify(this.#mapping);
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
    const options = {
      precision: this.#precision,
      defaultTimeUs: nowUs(this.#deps.clock),
      mapping: this.#mapping,
    };
    await writeLines(this.#deps, this.#source, principal, {
      protocol: INFLUX_PROTOCOL,
      profileKey: this.#profileKey,
      body,
      end,
      sender: () => this.#senders.find(run.token),
      scan: (dictionary, sink) => scanLineProtocol(body, end, options, dictionary, sink),
    });
  }

  /** What a quote has kept open may be many lines. */
  refuse(reason: string, start: Uint8Array): void {
    for (const run of tokenRuns(start, start.length, TOKENS)) {
      const tenant = this.#senders.tenantOf(run);
      const count = lineCount(run.body, run.end) + 1;
      const text = withoutSecrets(quoteLine(run.body, 0, run.end));
      const whole = `unable to parse '${text}': ${reason}`;
      if (tenant !== undefined) tellRefused(this.#deps, this.#source, tenant, count, [whole]);
    }
  }
}

export function openInfluxLines(
  deps: InfluxLineDependencies,
  metrics: LineMetrics,
  target: InfluxLineTarget,
): OpenSession {
  return (sender, signal) =>
    new InfluxLineSession(deps, { protocol: INFLUX_PROTOCOL, ...sender, metrics, signal }, target);
}
