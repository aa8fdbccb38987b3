// Every limit of what a tenant or a token may take, once. From this table come the setting
// `--limit`, docs/operations/limits.md, what the API accepts and the codes of refusals: the id of a
// limit is the code of its error.
//
// What holds for a request: the row's default, over it the server's (`--limit id=value`), over it
// the tenant's, and the token's where that is lower. The defaults fit a laptop: who has the machine
// for himself does not meet them in daily work.
import type { TenantId } from '../model/tenant.ts';

export type LimitUnit =
  | 'series'
  | 'labels'
  | 'bytes'
  | 'samples'
  | 'points'
  | 'requests'
  | 'queries'
  | 'seconds'
  | 'units'
  | 'exemplars'
  | 'entries'
  | 'turns';

export interface LimitRow {
  readonly unit: LimitUnit;
  /** Of a time: what is bounded is so much in each of them. */
  readonly per?: 'second' | 'minute' | 'day';
  readonly fallback: number;
  /** 'tenant': a token has no share of its own. */
  readonly scope: 'tenant' | 'both';
  /** One sentence: what it bounds and how that is counted. */
  readonly what: string;
  /** May the same request succeed later without a change? */
  readonly retryable: boolean;
}

const MIB = 1024 * 1024;

export const LIMITS = {
  'active-series': {
    unit: 'series',
    fallback: 5_000_000,
    scope: 'tenant',
    what:
      'Series written within the last hour, counted to the second: the number that the API, the ' +
      'console and metrics show, and that neither a start nor a delete changes. At the limit new ' +
      'series are refused, and those of the hour are written on.',
    retryable: true,
  },
  'new-series-per-minute': {
    unit: 'series',
    per: 'minute',
    fallback: 50_000_000,
    scope: 'tenant',
    what:
      'Series that were not in the index before, nor written within the last hour. So many may ' +
      'come at once, and so many a minute over time.',
    retryable: true,
  },
  'labels-per-series': {
    unit: 'labels',
    fallback: 64,
    scope: 'both',
    what: 'Labels of one series, the metric name included.',
    retryable: false,
  },
  'label-name-bytes': {
    unit: 'bytes',
    fallback: 1024,
    scope: 'both',
    what: 'UTF-8 bytes of the name of a label.',
    retryable: false,
  },
  'label-value-bytes': {
    unit: 'bytes',
    fallback: 8192,
    scope: 'both',
    what: 'UTF-8 bytes of the value of a label, the metric name included.',
    retryable: false,
  },
  'samples-per-second': {
    unit: 'samples',
    per: 'second',
    fallback: 20_000_000,
    scope: 'both',
    what:
      'Samples written, over time. A batch is taken whole while anything is left; what it takes ' +
      'beyond that is owed.',
    retryable: true,
  },
  'samples-burst': {
    unit: 'samples',
    fallback: 200_000_000,
    scope: 'both',
    what: 'Samples that may come at once after a time of quiet, before `samples-per-second` holds.',
    retryable: true,
  },
  'points-per-day': {
    unit: 'points',
    per: 'day',
    fallback: 1_000_000_000_000,
    scope: 'both',
    what: 'Points stored since midnight, UTC, before the last start too. A batch is taken whole while anything is left.',
    retryable: true,
  },
  'body-bytes': {
    unit: 'bytes',
    fallback: 64 * MIB,
    scope: 'both',
    what:
      'Bytes of the body of one write, decompressed. A route takes no more than it does for ' +
      'everybody, whatever is set here.',
    retryable: false,
  },
  'requests-in-flight': {
    unit: 'requests',
    fallback: 20_000,
    scope: 'both',
    what: 'Writes that are being scanned or stored at one time.',
    retryable: true,
  },
  'bytes-in-flight': {
    unit: 'bytes',
    fallback: 256 * MIB,
    scope: 'both',
    what: 'Bytes of the bodies of these writes, decompressed; one alone is always taken.',
    retryable: true,
  },
  'exemplars-per-minute': {
    unit: 'exemplars',
    per: 'minute',
    fallback: 60_000_000,
    scope: 'both',
    what: 'Exemplars. Those of a batch beyond it are left out, its samples are written.',
    retryable: true,
  },
  'metadata-per-minute': {
    unit: 'entries',
    per: 'minute',
    fallback: 6_000_000,
    scope: 'tenant',
    what:
      'Types, units and helps of metrics that are new or changed. Those of a batch beyond it are ' +
      'left out, its samples are written.',
    retryable: true,
  },
  'query-concurrency': {
    unit: 'queries',
    fallback: 2_000,
    scope: 'both',
    what:
      'Queries that run or wait at one time. How many of all tenants run says ' +
      '`--query-concurrency`.',
    retryable: true,
  },
  'query-series': {
    unit: 'series',
    fallback: 2_000_000,
    scope: 'both',
    what:
      'Series that one query may read, through whatever door: PromQL by estimate before it runs, ' +
      'and all exactly while they do. An export, which keeps nothing of what it read, may read any.',
    retryable: false,
  },
  'query-samples': {
    unit: 'samples',
    fallback: 1_000_000_000,
    scope: 'both',
    what:
      'Samples that one PromQL query may read or hold at one time. What other reads hold is bounded ' +
      'by `query-memory`.',
    retryable: false,
  },
  'query-points': {
    unit: 'points',
    fallback: 10_000_000,
    scope: 'both',
    what: 'Points that one answer may have.',
    retryable: false,
  },
  'query-memory': {
    unit: 'bytes',
    fallback: 512 * MIB,
    scope: 'both',
    what: 'Memory that one query may hold, at most what `--memory` leaves to queries.',
    retryable: false,
  },
  'query-range': {
    unit: 'seconds',
    fallback: 100 * 366 * 86_400,
    scope: 'both',
    what: 'Time between the start and the end of a range query.',
    retryable: false,
  },
  'query-cost-per-minute': {
    unit: 'units',
    per: 'minute',
    fallback: 600_000_000_000,
    scope: 'both',
    what:
      'What queries cost, over time: one unit a sample read and 100 a series read. A query runs ' +
      'to its end while anything is left; what it takes beyond that is owed.',
    retryable: true,
  },
  weight: {
    unit: 'turns',
    fallback: 1,
    scope: 'tenant',
    what:
      'Turns that it has for one of another tenant, where writes or queries of several wait for ' +
      'each other. Refuses nothing; 0 is taken as 1.',
    retryable: false,
  },
} as const satisfies Readonly<Record<string, LimitRow>>;

export type LimitId = keyof typeof LIMITS;

export const LIMIT_IDS: readonly LimitId[] = Object.keys(LIMITS) as LimitId[];

/** The greatest value of any limit: every number up to it is exact. */
const LIMIT_VALUE_MAX = Number.MAX_SAFE_INTEGER;

export function isLimitId(id: string): id is LimitId {
  return Object.hasOwn(LIMITS, id);
}

/** What is wrong with a value for a tenant or a token, as a sentence. */
export function limitProblem(
  id: string,
  value: number,
  scope: 'tenant' | 'token',
): string | undefined {
  if (!isLimitId(id)) return `"${id}" is no limit; known are ${LIMIT_IDS.join(', ')}`;
  if (scope === 'token' && LIMITS[id].scope === 'tenant')
    return `${id} is a limit of tenants: a token cannot have one of its own`;
  if (!Number.isSafeInteger(value) || value < 0)
    return `${id} takes a whole number from 0 to ${LIMIT_VALUE_MAX}`;
  return undefined;
}

/** Some limits, by id; what is no limit (any more) is left alone. */
export type LimitValues = Readonly<Partial<Record<string, number>>>;

/** Every limit that holds, with its value. */
export type EffectiveLimits = Readonly<Record<LimitId, number>>;

/**
 * Which limits hold: those of a tenant, or of a token of it ('': none). The same object each time
 * until they change; a token without limits of its own has its tenant's object.
 */
export type LimitSource = (tenant: TenantId, tokenId: string) => EffectiveLimits;

/** The table's defaults, over them `server`, over them `tenant`. */
export function tenantLimits(server: LimitValues, tenant: LimitValues = {}): EffectiveLimits {
  const limits: Partial<Record<LimitId, number>> = {};
  for (const id of LIMIT_IDS)
    limits[id] = own(tenant, id) ?? own(server, id) ?? LIMITS[id].fallback;
  return limits as EffectiveLimits;
}

/** Those of a token: what it has lower than its tenant. */
export function tokenLimits(ofTenant: EffectiveLimits, token: LimitValues): EffectiveLimits {
  const limits: Record<LimitId, number> = { ...ofTenant };
  for (const id of LIMIT_IDS) {
    const value = own(token, id);
    if (value === undefined || LIMITS[id].scope === 'tenant') continue;
    if (value < limits[id]) limits[id] = value;
  }
  return limits;
}

function own(values: LimitValues, id: LimitId): number | undefined {
  return Object.hasOwn(values, id) ? values[id] : undefined;
}
