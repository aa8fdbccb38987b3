// A sender of Graphite lines over TCP or UDP. Who it is says the first line (`SECRET@.` in front of
// its path); the lines of one sender are one tenant's.
import type { Authenticator } from '../../tenancy/authenticator.ts';
import type { PlaintextResult } from '../../formats/graphite/plaintext.ts';
import { secretAt } from '../../formats/graphite/path.ts';
import { scanPlaintext } from '../../formats/graphite/plaintext.ts';
import { quoteLine } from '../../formats/scan-errors.ts';
import { AppError } from '../../model/errors.ts';
import { DEFAULT_TENANT } from '../../model/tenant.ts';
import type { Principal } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Counter } from '../../telemetry/registry.ts';
import type { LineMetrics } from '../lines/line-metrics.ts';
import { NO_ANSWER } from '../lines/line-session.ts';
import type { LineAnswer, LineSession, OpenSession } from '../lines/line-session.ts';
import { lineCount, tellRefused, writeLines } from '../lines/write-lines.ts';
import type { LineDependencies, LineSource } from '../lines/write-lines.ts';

const GRAPHITE_PROTOCOL = 'graphite';

export interface GraphiteLineDependencies extends LineDependencies {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  /** Lines whose value is NaN. */
  readonly nanLines: Counter;
}

class GraphiteSession implements LineSession {
  readonly #deps: GraphiteLineDependencies;
  readonly #source: LineSource;
  #principal: Principal | undefined = undefined;

  constructor(deps: GraphiteLineDependencies, source: LineSource) {
    this.#deps = deps;
    this.#source = source;
  }

  async take(body: Uint8Array, end: number): Promise<LineAnswer> {
    const principal = this.#admit(body, end);
    if (principal === undefined) return NO_ANSWER;
    const options = { defaultTimeUs: nowUs(this.#deps.clock) };
    const written = await writeLines<PlaintextResult>(this.#deps, this.#source, principal, {
      protocol: GRAPHITE_PROTOCOL,
      profileKey: '',
      body,
      end,
      scan: (dictionary, sink) => scanPlaintext(body, end, options, dictionary, sink),
    });
    if (!(written instanceof AppError)) this.#deps.nanLines.add(written.scan.nanCount);
    return NO_ANSWER;
  }

  /** The principal; undefined where the secret is worth nothing, which loses these lines. */
  #admit(body: Uint8Array, end: number): Principal | undefined {
    if (this.#principal !== undefined) return this.#principal;
    const token = secretAt(body, 0, end);
    try {
      this.#principal = this.#deps.authenticator.authenticate(
        { tenant: undefined, token },
        'write',
      );
      return this.#principal;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const count = lineCount(body, end);
      this.#source.metrics.lost('not writable').add(count);
      tellRefused(this.#deps, this.#source, DEFAULT_TENANT, count, [error.message]);
      return undefined;
    }
  }

  refuse(reason: string, start: Uint8Array): void {
    const tenant = this.#principal?.tenant ?? DEFAULT_TENANT;
    const text = quoteLine(start, 0, start.length);
    const whole = text === '' ? reason : `unable to parse '${text}': ${reason}`;
    tellRefused(this.#deps, this.#source, tenant, 1, [whole]);
  }
}

export function openGraphite(deps: GraphiteLineDependencies, metrics: LineMetrics): OpenSession {
  return (peer, signal) =>
    new GraphiteSession(deps, { protocol: GRAPHITE_PROTOCOL, peer, metrics, signal });
}
