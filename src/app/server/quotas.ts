// Limits wired: the server's own from the settings, those of tenants and tokens from their records.
import { turnClock } from '../../stdx/clock.ts';
import type { Clock } from '../../stdx/clock.ts';
import { Breaches } from '../../tenancy/breaches.ts';
import { LimitBook } from '../../tenancy/limit-book.ts';
import type { LimitCopy, TenantLimits } from '../../tenancy/limit-book.ts';
import { isLimitId } from '../../tenancy/limit-table.ts';
import type { LimitId, LimitValues } from '../../tenancy/limit-table.ts';
import { Quotas } from '../../tenancy/quotas.ts';
import type { QuotasParts } from '../../tenancy/quotas.ts';
import { SeriesMakers } from '../../tenancy/series-makers.ts';
import type { HttpServerOptions } from '../../frontends/http/server.ts';
import type { GrowthDependencies } from '../../frontends/tenancy/growth.ts';
import type { TenantDependencies } from '../../frontends/tenancy/tenants.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { TenancyStore } from '../../tenancy/tenancy-store.ts';
import type { BreachTold, LimitTold } from './ingest-protocol.ts';
import type { Settings } from '../settings/flags.ts';

/** Settings that had a name before there was a table, and `--limit` over them. */
function serverLimits(settings: Settings): LimitValues {
  const limits: Partial<Record<LimitId, number>> = {
    'query-memory': settings.queryMemoryBytes,
    'query-series': settings.querySeries,
    'query-samples': settings.querySamples,
    'query-points': settings.queryPoints,
  };
  for (const { id, value } of settings.limits) limits[id] = value;
  return limits;
}

export interface OpenQuotas {
  readonly quotas: Quotas;
  readonly breaches: Breaches;
  readonly book: LimitBook;
  readonly makers: SeriesMakers;
}

export function openQuotas(
  settings: Settings,
  clock: Clock,
  threads: Pick<QuotasParts, 'threadCount'> = {},
): OpenQuotas {
  const book = new LimitBook(serverLimits(settings));
  const limitsOf = book.of.bind(book);
  const quotas = new Quotas({ limitsOf, clock, ...threads });
  const breaches = new Breaches(clock);
  return { book, quotas, breaches, makers: new SeriesMakers(turnClock(clock), breaches) };
}

/** Those that have limits of their own, or a token that has. */
export function limitsOfTenants(store: TenancyStore): readonly TenantLimits[] {
  return [...store.tenants()]
    .map(({ id }) => limitsOfTenant(store, id))
    .filter(({ limits, tokens }) => tokens.length > 0 || Object.keys(limits).length > 0);
}

function limitsOfTenant(store: TenancyStore, tenant: TenantId): TenantLimits {
  const tokens = [...store.tokensOf(tenant)]
    .filter((token) => token.revokedMs === undefined && Object.keys(token.limits).length > 0)
    .map(({ id, limits }) => [id, limits] as const);
  return { tenant, limits: store.tenant(tenant)?.limits ?? {}, tokens };
}

/** What a thread without records is told holds in it from now on. */
export function hearLimits({ book, quotas }: OpenQuotas, copy: LimitCopy, told: TenantLimits) {
  copy.set(told);
  book.changed(told.tenant);
  quotas.changed(told.tenant);
}

/**
 * What is set for a tenant or a token holds from the moment on in which its record says so; threads
 * are told of it, and of what is over.
 */
export function followLimits(
  { book, quotas, breaches }: OpenQuotas,
  store: TenancyStore,
  tell: (told: LimitTold) => void,
): void {
  book.readFrom(store);
  store.onChange((change) => {
    const { kind, id } = change;
    const tenants = kind === 'tenant' ? [id] : (change.record?.tenants ?? []);
    for (const tenant of tenants) {
      book.changed(tenant);
      quotas.changed(tenant);
      tell({ kind: 'records', limits: limitsOfTenant(store, tenant) });
    }
  });
  quotas.listen({
    onNear: (hit) => breaches.addNear(hit),
    onClosed: (account) => tell({ kind: 'writes', account }),
    onSeriesRefused: (hit) => tell({ kind: 'series', hit }),
    onLeftOut: (hit, sender) => breaches.addLeftOut(hit, sender),
  });
}

/** What the API tells of limits, and of who makes series. */
export function limitsTold({
  book,
  quotas,
  makers,
}: OpenQuotas): Pick<TenantDependencies, 'limitsInForce' | 'limitUse'> &
  Pick<GrowthDependencies, 'makers'> {
  return {
    makers,
    limitsInForce: (tenant, tokenId) => book.sourced(tenant, tokenId),
    limitUse: (tenant, tokenId) => quotas.used(tenant, tokenId),
  };
}

/** What a door asks of limits before a body is read, and tells of what they refused. */
export function doorLimits(
  { quotas, breaches }: OpenQuotas,
  tell = (breach: BreachTold) => hearBreach(breaches, breach),
): Pick<HttpServerOptions, 'writeGuard' | 'onLimited'> {
  return {
    writeGuard: (principal, declaredBytes) => quotas.checkWrite(principal, declaredBytes),
    onLimited: ({ principal, limit: { id, limit, value }, path: protocol, peer }) => {
      if (!isLimitId(id)) return;
      const { tenant, tokenId } = principal;
      const hit = { tenant, tokenId, id, limit, value };
      tell({ kind: 'request', hit, offence: { protocol, peer, tokenId } });
    },
  };
}

export function hearBreach(breaches: Breaches, told: BreachTold): void {
  if (told.kind === 'series') breaches.addSeries(told.refused);
  else if (told.kind === 'left-out') breaches.addLeftOut(told.hit, told.sender);
  else breaches.addRequest(told.hit, told.offence);
}
