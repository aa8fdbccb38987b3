// The last rows that were refused where nobody could be told: protocols without an answer put a
// sample of them here, and their tenant may look at it. Bounded per tenant and in tenants; the
// oldest goes first.
import type { TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import { REFUSED_LINES_MAX, REFUSED_TENANTS_MAX } from './limits.ts';

export interface RefusedLine {
  readonly timeMs: number;
  readonly protocol: string;
  /** Who sent it. */
  readonly peer: string;
  /** Names the line, as far as it is known. */
  readonly reason: string;
}

interface Kept {
  count: number;
  readonly lines: RefusedLine[];
}

export class RefusedLines {
  readonly #clock: Clock;
  /** In order of last refusal. */
  readonly #byTenant = new Map<TenantId, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `count` rows were refused, `reasons` of some of them. */
  add(
    tenant: TenantId,
    from: { readonly protocol: string; readonly peer: string },
    refused: { readonly count: number; readonly reasons: readonly string[] },
  ): void {
    const kept = this.#byTenant.get(tenant) ?? { count: 0, lines: [] };
    this.#byTenant.delete(tenant);
    this.#byTenant.set(tenant, kept);
    kept.count += refused.count;
    const timeMs = this.#clock.nowMs();
    for (const reason of refused.reasons) kept.lines.push({ timeMs, ...from, reason });
    if (kept.lines.length > REFUSED_LINES_MAX)
      kept.lines.splice(0, kept.lines.length - REFUSED_LINES_MAX);
    const oldest = this.#byTenant.keys().next().value;
    if (this.#byTenant.size > REFUSED_TENANTS_MAX && oldest !== undefined)
      this.#byTenant.delete(oldest);
  }

  /** All that were counted since the start, and the last ones, the newest first. */
  of(tenant: TenantId): { readonly count: number; readonly lines: readonly RefusedLine[] } {
    const kept = this.#byTenant.get(tenant);
    return { count: kept?.count ?? 0, lines: kept?.lines.toReversed() ?? [] };
  }
}
