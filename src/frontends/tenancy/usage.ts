// `/orrery/v1/usage` and `/orrery/v1/tenants/{tenant}/usage`: what tenants use, by the hour.
import type { TenantId } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import { USAGE_KEPT_HOURS } from '../../tenancy/limits.ts';
import type { UsageBook } from '../../tenancy/usage.ts';
import { USAGE_GROUPS, usageReport } from '../../tenancy/usage-report.ts';
import type { UsageGroup, UsageLine } from '../../tenancy/usage-report.ts';
import { HOUR_MS, hourOf } from '../../tenancy/usage-rows.ts';
import type { Exchange } from '../http/exchange.ts';
import { parseTime } from '../prometheus/params.ts';
import { isAdminOfAll, noSuchTenant, tenantOf } from './access.ts';
import type { AccessDependencies } from './access.ts';
import { choiceOf, queryFields, timeUsOf } from './fields.ts';
import { USAGE_HOURS_DEFAULT } from './limits.ts';
import { timeText } from './tenants.ts';

export interface UsageDependencies extends AccessDependencies {
  readonly usage: UsageBook;
  readonly clock: Clock;
  /** What tenants keep now is known to `usage` when it resolves. */
  readonly lookAtUsage: () => Promise<void>;
}

type Fields = ReadonlyMap<string, string>;

const FIELDS = ['from', 'to', 'group', 'format'];
export const USAGE_FORMATS = ['json', 'csv'] as const;

export async function getTenantUsage(deps: UsageDependencies, exchange: Exchange): Promise<void> {
  const fields = queryFields(exchange, FIELDS);
  await sendUsage(deps, exchange, { fields, tenant: tenantOf(deps, exchange).record.id });
}

/** Of all for who sees all, of its own tenant for everybody else. */
export async function getUsage(deps: UsageDependencies, exchange: Exchange): Promise<void> {
  const fields = queryFields(exchange, [...FIELDS, 'tenant']);
  await sendUsage(deps, exchange, { fields, tenant: askedTenant(deps, exchange, fields) });
}

/** undefined: all of them. */
function askedTenant(
  deps: UsageDependencies,
  exchange: Exchange,
  fields: Fields,
): TenantId | undefined {
  const own = exchange.principal.tenant;
  const name = fields.get('tenant');
  const named = name === undefined ? undefined : deps.tenancy.tenantByName(name)?.id;
  if (!isAdminOfAll(deps, exchange)) {
    if (name !== undefined && named !== own) throw noSuchTenant(name);
    return own;
  }
  // Of a tenant that is no more only the id is known.
  if (name === undefined || named !== undefined) return named;
  const isThere = deps.tenancy.isRemoved(name) || deps.storage.tenants().includes(name);
  if (!isThere) throw noSuchTenant(name);
  return name;
}

interface Asked {
  readonly fields: Fields;
  readonly tenant: TenantId | undefined;
}

async function sendUsage(
  deps: UsageDependencies,
  exchange: Exchange,
  { fields, tenant }: Asked,
): Promise<void> {
  const range = rangeOf(fields, deps.clock.nowMs());
  const groups = groupsOf(fields.get('group'));
  const format = choiceOf(fields.get('format') ?? 'json', 'format', USAGE_FORMATS);
  await deps.lookAtUsage();
  const lines = await usageReport(deps.usage.rows({ tenant, ...range }), groups);
  const rows = lines.map((line) => rowJson(deps, line, groups));
  if (format === 'json') {
    const { fromMs, toMs } = range;
    const head = { from: timeText(fromMs), to: timeText(toMs), group: groups };
    return exchange.sendJson(200, { ...head, rows });
  }
  exchange.send({
    status: 200,
    headers: { 'Content-Type': 'text/csv; charset=utf-8' },
    body: csvText(columnsOf(groups), rows),
  });
}

/** Whole hours: those that begin in it. */
function rangeOf(
  fields: Fields,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  const timeMs = (name: string): number | undefined => {
    const text = fields.get(name);
    return text === undefined ? undefined : Math.floor(timeUsOf(text, name, parseTime) / 1000);
  };
  const toMs = timeMs('to') ?? hourOf(nowMs) + HOUR_MS;
  const fromMs = hourOf(timeMs('from') ?? toMs - USAGE_HOURS_DEFAULT * HOUR_MS);
  // What is older is not kept, and the answer says what it is of.
  const keptMs = hourOf(nowMs) - USAGE_KEPT_HOURS * HOUR_MS;
  const firstMs = Math.max(fromMs, keptMs);
  return { fromMs: firstMs, toMs: Math.max(firstMs, Math.min(toMs, nowMs + HOUR_MS)) };
}

function groupsOf(text: string | undefined): readonly UsageGroup[] {
  if (text === undefined) return USAGE_GROUPS;
  const named = text.split(',').map((one) => choiceOf(one, 'group', USAGE_GROUPS));
  return USAGE_GROUPS.filter((group) => named.includes(group));
}

const COLUMNS_OF: Readonly<Record<UsageGroup, readonly string[]>> = {
  hour: ['hour'],
  tenant: ['tenant', 'tenant_id'],
  token: ['token'],
  protocol: ['protocol'],
};

export const USAGE_FIGURES = [
  'points_written',
  'points_read',
  'queries',
  'query_cost',
  'requests',
  'active_series',
  'series_days',
  'bytes_stored',
  'byte_days',
] as const;

function columnsOf(groups: readonly UsageGroup[]): readonly string[] {
  return [...groups.flatMap((group) => COLUMNS_OF[group]), ...USAGE_FIGURES];
}

type RowJson = Readonly<Record<string, string | number | null>>;

function rowJson(
  { tenancy }: AccessDependencies,
  line: UsageLine,
  groups: readonly UsageGroup[],
): RowJson {
  const { hourMs, tenant, tokenId, protocol } = line.first;
  const about: Record<UsageGroup, RowJson> = {
    hour: { hour: timeText(hourMs) },
    tenant: { tenant: tenancy.tenant(tenant)?.name ?? tenant, tenant_id: tenant },
    token: { token: tokenId },
    protocol: { protocol },
  };
  return {
    ...Object.assign({}, ...groups.map((group) => about[group])),
    points_written: line.sums.pointsWritten,
    points_read: line.sums.pointsRead,
    queries: line.sums.queries,
    query_cost: line.sums.queryCost,
    requests: line.sums.requests,
    active_series: line.activeSeries,
    series_days: line.seriesDays,
    bytes_stored: line.bytesStored,
    byte_days: line.byteDays,
  };
}

/** Ids, names, protocols and numbers: nothing in them is to be quoted. */
function csvText(columns: readonly string[], rows: readonly RowJson[]): string {
  const lines = rows.map((row) => columns.map((name) => String(row[name])).join(','));
  return [columns.join(','), ...lines].map((line) => `${line}\r\n`).join('');
}
