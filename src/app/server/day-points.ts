// Points of the day that an earlier process took: they count for `points-per-day` after a start.
import { LIMITS } from '../../tenancy/limit-table.ts';
import type { LimitBook } from '../../tenancy/limit-book.ts';
import type { Quotas } from '../../tenancy/quotas.ts';
import type { TenancyStore } from '../../tenancy/tenancy-store.ts';
import type { UsageBook } from '../../tenancy/usage.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';

const ID = 'points-per-day';
const DAY_MS = 86_400_000;
/** No tenant has this name: the server's own limits hold for it. */
const NOBODY = '/';

interface DayParts {
  readonly usage: UsageBook;
  readonly limits: { readonly book: LimitBook; readonly quotas: Quotas };
  readonly clock: Clock;
}

/** Before anything is written. Rows of use are read only where somebody has such a limit. */
export async function countDay(parts: DayParts, store: TenancyStore): Promise<void> {
  const { book, quotas } = parts.limits;
  const tokens = [...store.tenants()].flatMap(({ id: tenant }) =>
    [...store.tokensOf(tenant)]
      .filter(({ limits, revokedMs }) => revokedMs === undefined && limits[ID] !== undefined)
      .map(({ id }) => ({ tenant, id })),
  );
  const isBounded = (tenant: TenantId): boolean => book.of(tenant, '')[ID] < LIMITS[ID].fallback;
  const hasBounds = isBounded(NOBODY) || [...store.tenants()].some(({ id }) => isBounded(id));
  if (!hasBounds && tokens.length === 0) return;
  const points = await pointsOfDay(parts);
  for (const [tenant, own] of points) {
    const sum = own.values().reduce((total, count) => total + count, 0);
    if (isBounded(tenant)) quotas.addToday(tenant, '', sum);
  }
  for (const { tenant, id } of tokens) {
    const count = points.get(tenant)?.get(id) ?? 0;
    if (count > 0) quotas.addToday(tenant, id, count);
  }
}

/** By tenant and token. */
async function pointsOfDay({ usage, clock }: DayParts) {
  const nowMs = clock.nowMs();
  const fromMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const points = new Map<TenantId, Map<string, number>>();
  for await (const row of usage.rows({ tenant: undefined, fromMs, toMs: nowMs + 1 })) {
    const { tenant, tokenId, values } = row;
    const { pointsWritten = 0 } = values;
    let own = points.get(tenant);
    if (own === undefined) points.set(tenant, (own = new Map()));
    own.set(tokenId, (own.get(tokenId) ?? 0) + pointsWritten);
  }
  return points;
}
