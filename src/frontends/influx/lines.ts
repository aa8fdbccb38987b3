// Line protocol over TCP and UDP: lines of one database, as the settings of the listener name it.
// A string may hold line breaks here too; nothing is answered, what is refused is counted and kept.
import type { InfluxPrecision } from '../../formats/influx/line-protocol.ts';
import { LineEnds } from '../../formats/influx/line-ends.ts';
import { scanLineProtocol } from '../../formats/influx/line-protocol.ts';
import { quoteLine } from '../../formats/scan-errors.ts';
import { DEFAULT_TENANT } from '../../model/tenant.ts';
import type { Principal } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import { LONG_LINE_BYTES_MAX } from '../lines/limits.ts';
import type { LineMetrics } from '../lines/line-metrics.ts';
import { NO_ANSWER } from '../lines/line-session.ts';
import type { LineAnswer, LineRules, LineSession, OpenSession } from '../lines/line-session.ts';
import { lineCount, tellRefused, writeLines } from '../lines/write-lines.ts';
import type { LineDependencies, LineSource } from '../lines/write-lines.ts';
import { INFLUX_PROTOCOL, mappingOf } from './target.ts';
import type { InfluxDatabase } from './target.ts';

export const INFLUX_LINES: LineRules = {
  ends: () => new LineEnds(),
  lineBytesMax: LONG_LINE_BYTES_MAX,
};

export interface InfluxLineDependencies extends LineDependencies {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
}

export interface InfluxLineTarget extends InfluxDatabase {
  readonly precision: InfluxPrecision;
}

class InfluxLineSession implements LineSession {
  readonly #deps: InfluxLineDependencies;
  readonly #source: LineSource;
  readonly #principal: Principal;
  readonly #precision: InfluxPrecision;
  readonly #mapping: readonly string[];
  readonly #profileKey: string;

  constructor(deps: InfluxLineDependencies, source: LineSource, target: InfluxLineTarget) {
    this.#deps = deps;
    this.#source = source;
    const nobody = { tenant: undefined, token: undefined };
    this.#principal = deps.authenticator.authenticate(nobody, 'write');
    this.#precision = target.precision;
    this.#mapping = mappingOf(target);
    this.#profileKey = JSON.stringify(this.#mapping);
  }

  async take(body: Uint8Array, end: number): Promise<LineAnswer> {
    const options = {
      precision: this.#precision,
      defaultTimeUs: nowUs(this.#deps.clock),
      mapping: this.#mapping,
    };
    await writeLines(this.#deps, this.#source, this.#principal, {
      protocol: INFLUX_PROTOCOL,
      profileKey: this.#profileKey,
      body,
      end,
      scan: (dictionary, sink) => scanLineProtocol(body, end, options, dictionary, sink),
    });
    return NO_ANSWER;
  }

  /** What a quote has kept open may be many lines. */
  refuse(reason: string, start: Uint8Array): void {
    const tenant = this.#principal.tenant ?? DEFAULT_TENANT;
    const count = lineCount(start, start.length) + 1;
    const text = quoteLine(start, 0, start.length);
    const whole = `unable to parse '${text}': ${reason}`;
    tellRefused(this.#deps, this.#source, tenant, count, [whole]);
  }
}

export function openInfluxLines(
  deps: InfluxLineDependencies,
  metrics: LineMetrics,
  target: InfluxLineTarget,
): OpenSession {
  return (peer, signal) =>
    new InfluxLineSession(deps, { protocol: INFLUX_PROTOCOL, peer, metrics, signal }, target);
}
