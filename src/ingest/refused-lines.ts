// The last rows that were refused, by whatever protocol, for their tenant to look at: a sample of
// them with place and reason, and counts since the start. Bounded per tenant and in tenants; the
// oldest goes first.
import type { RowError } from '../model/rows.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import { withoutSecrets } from '../tenancy/token.ts';
import type { WriteReport } from './ingest.ts';
import { REFUSED_LINES_MAX, REFUSED_TENANTS_MAX } from './limits.ts';

export interface RefusedLine {
  readonly timeMs: number;
  /** Or the path of a request that reached no parser. */
  readonly protocol: string;
  /** Who sent it; '' where that is not known. */
  readonly peer: string;
  /** 1-based line or series of its write; 0 where it has none. */
  readonly line: number;
  /** As in RowError; -1: no place in the line. */
  readonly column: number;
  /** Names the line, as far as it is known. */
  readonly reason: string;
}

export interface RefusedCount {
  readonly protocol: string;
  /** As RefusalReason, or of lines and requests that reached no parser: not-parsed, request. */
  readonly reason: string;
  readonly count: number;
}

/** Rows of one write that were refused, all together. */
export interface Refused {
  readonly tenant: TenantId;
  readonly protocol: string;
  readonly peer: string;
  readonly counts: readonly (readonly [reason: string, count: number])[];
  /** Some of them. */
  readonly rows: readonly RowError[];
}

interface Kept {
  count: number;
  readonly byReason: Map<string, RefusedCount>;
  readonly lines: RefusedLine[];
}

/** What a write refused; undefined: nothing. */
export function refusedOf(report: WriteReport): Refused | undefined {
  const { tenant, protocol, peer, refused, errors } = report;
  if (refused.size === 0) return undefined;
  return { tenant, protocol, peer, counts: [...refused], rows: errors };
}

/** A write that did not come to a parser, as one row of its path. */
export function refusedWrite(refused: {
  readonly tenant: TenantId;
  readonly path: string;
  readonly peer: string;
  readonly reason: string;
}): Refused {
  const { tenant, path: protocol, peer, reason } = refused;
  const rows = [{ line: 0, column: -1, reason }];
  return { tenant, protocol, peer, counts: [['request', 1]], rows };
}

export class RefusedLines {
  readonly #clock: Clock;
  /** In order of last refusal. */
  readonly #byTenant = new Map<TenantId, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add({ tenant, protocol, peer, counts, rows }: Refused): void {
    const kept: Kept = this.#byTenant.get(tenant) ?? { count: 0, byReason: new Map(), lines: [] };
    this.#byTenant.delete(tenant);
    this.#byTenant.set(tenant, kept);
    for (const [reason, count] of counts) {
      kept.count += count;
      // Protocols and reasons are names of ours: there are few of them.
      const key = `${protocol} ${reason}`;
      const before = kept.byReason.get(key)?.count ?? 0;
      kept.byReason.set(key, { protocol, reason, count: before + count });
    }
    const timeMs = this.#clock.nowMs();
    // What was wrong may be quoted from a path or a line in which somebody put a token.
    for (const { reason, ...row } of rows)
      kept.lines.push({ timeMs, protocol, peer, ...row, reason: withoutSecrets(reason) });
    if (kept.lines.length > REFUSED_LINES_MAX)
      kept.lines.splice(0, kept.lines.length - REFUSED_LINES_MAX);
    const oldest = this.#byTenant.keys().next().value;
    if (this.#byTenant.size > REFUSED_TENANTS_MAX && oldest !== undefined)
      this.#byTenant.delete(oldest);
  }

  forget(tenant: TenantId): void {
    this.#byTenant.delete(tenant);
  }

  /** All that were counted since the start, and the last ones, the newest first. */
  of(tenant: TenantId): {
    readonly count: number;
    readonly counts: readonly RefusedCount[];
    readonly lines: readonly RefusedLine[];
  } {
    const kept = this.#byTenant.get(tenant);
    return {
      count: kept?.count ?? 0,
      counts: [...(kept?.byReason.values() ?? [])].toSorted((a, b) => b.count - a.count),
      lines: kept?.lines.toReversed() ?? [],
    };
  }
}
