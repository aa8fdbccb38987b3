// `/orrery/v1/tenants[/{tenant}[/limits]]`: who there is, and what each may use.
import { compareUtf8 } from '../../model/labels.ts';
import { AppError } from '../../model/errors.ts';
import { isRestricted } from '../../model/tenant.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { SourcedLimit } from '../../tenancy/limit-book.ts';
import { LIMIT_IDS, limitProblem } from '../../tenancy/limit-table.ts';
import type { LimitId } from '../../tenancy/limit-table.ts';
import type { Limits, TenantRecord } from '../../tenancy/records.ts';
import type { Forced } from '../../tenancy/tenancy-store.ts';
import type { TenantRemoval } from '../../tenancy/tenant-removal.ts';
import type { Exchange } from '../http/exchange.ts';
import {
  actorOf,
  isAdminOfAll,
  keptTenantOf,
  tenantOf,
  unkeptRecord,
  unkeptTenants,
} from './access.ts';
import type { AccessDependencies } from './access.ts';
import { bodyFields, choiceOf, FieldError, fieldsOf, pathTo, queryFields } from './fields.ts';
import { textOf, wholeOf, wholeParameter } from './fields.ts';
import type { Fields } from './fields.ts';
import { TENANTS_ANSWER_DEFAULT, TENANTS_ANSWER_MAX } from './limits.ts';

export interface TenantDependencies extends AccessDependencies {
  readonly removal: TenantRemoval;
  /** Of a tenant, or of a token of it ('': none). */
  readonly limitsInForce: (tenant: TenantId, tokenId: string) => ReadonlyMap<LimitId, SourcedLimit>;
  /** What is used of some of them now. */
  readonly limitUse: (
    tenant: TenantId,
    tokenId: string,
  ) => Readonly<Partial<Record<LimitId, number>>>;
}

export function timeText(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

function tenantJson({ tenancy }: AccessDependencies, record: TenantRecord) {
  const { id, name, state, createdMs, limits } = record;
  let tokens = 0;
  for (const { revokedMs } of tenancy.tokensOf(id)) if (revokedMs === undefined) tokens++;
  return {
    name,
    id,
    state,
    created_at: createdMs === 0 ? null : timeText(createdMs),
    limits,
    tokens,
  };
}

export async function listTenants(deps: TenantDependencies, exchange: Exchange): Promise<void> {
  const fields = queryFields(exchange, ['after', 'limit']);
  const after = fields.get('after') ?? '';
  const limit = wholeParameter(fields, 'limit', {
    min: 1,
    max: TENANTS_ANSWER_MAX,
    fallback: TENANTS_ANSWER_DEFAULT,
  });
  const { tenancy } = deps;
  if (!isAdminOfAll(deps, exchange)) {
    const own = tenancy.tenant(exchange.principal.tenant);
    const tenants = own === undefined || compareUtf8(own.name, after) <= 0 ? [] : [own];
    const shown = tenants.map((record) => tenantJson(deps, record));
    return exchange.sendJson(200, { tenants: shown, next: null });
  }
  const kept = tenancy.tenantsByName({ after, limit: limit + 1 });
  const unkept = unkeptTenants(deps).filter((id) => compareUtf8(id, after) > 0);
  const all = [...kept, ...unkept.map(unkeptRecord)];
  all.sort((a, b) => compareUtf8(a.name, b.name));
  const page = all.slice(0, limit);
  exchange.sendJson(200, {
    tenants: page.map((record) => tenantJson(deps, record)),
    next: all.length > limit ? page.at(-1)!.name : null,
  });
}

const NAME_RULE = {
  lengthMax: 128,
  pattern: /^[a-zA-Z0-9_-][a-zA-Z0-9_.-]*$/,
  allowed: 'a-z, A-Z, 0-9, "_", "-" and ".", not starting with "."',
};

export function tenantName(value: unknown, path: string): string {
  return textOf(value, path, NAME_RULE);
}

/** Whose limits: a token has none of those that are of a tenant as a whole. */
export type LimitScope = 'tenant' | 'token';

export const LIMIT_IDS_OF: Readonly<Record<LimitScope, readonly string[]>> = {
  tenant: LIMIT_IDS,
  token: LIMIT_IDS.filter((id) => limitProblem(id, 0, 'token') === undefined),
};

/** Values by id; null (where it is allowed): the default. */
export function limitsOf(scope: LimitScope, value: unknown, path: string): Map<string, number> {
  const limits = new Map<string, number>();
  for (const [id, given] of fieldsOf(value, path, LIMIT_IDS_OF[scope]))
    limits.set(id, limitValue(given, pathTo(path, id)));
  return limits;
}

function limitValue(value: unknown, path: string): number {
  return wholeOf(value, path, { min: 0, max: Number.MAX_SAFE_INTEGER });
}

/** Where there is none of the name, the fallback. */
export function optional<T>(
  fields: Fields,
  name: string,
  read: (value: unknown, path: string) => T,
  parent = '',
): T | undefined {
  return fields.has(name) ? read(fields.get(name), pathTo(parent, name)) : undefined;
}

export async function createTenant(deps: TenantDependencies, exchange: Exchange): Promise<void> {
  const fields = await bodyFields(exchange, ['name', 'limits']);
  const name = tenantName(fields.get('name'), '/name');
  const limits = optional(fields, 'limits', (value, path) => limitsOf('tenant', value, path));
  const record = await deps.tenancy.createTenant(
    { name, limits: Object.fromEntries(limits ?? []) },
    actorOf(deps, exchange),
  );
  exchange.sendJson(201, tenantJson(deps, record));
}

export async function getTenant(deps: TenantDependencies, exchange: Exchange): Promise<void> {
  queryFields(exchange, []);
  exchange.sendJson(200, tenantJson(deps, tenantOf(deps, exchange).record));
}

const STATES = ['active', 'suspended'] as const;
const SWITCH = ['', '0', '1', 'false', 'true'] as const;

/** `force=1`, of what takes the last admin of the server away. */
export function forcedOf(exchange: Exchange): Forced {
  const text = queryFields(exchange, ['force']).get('force') ?? '0';
  return { isForced: ['', '1', 'true'].includes(choiceOf(text, 'force', SWITCH)) };
}

export async function patchTenant(deps: TenantDependencies, exchange: Exchange): Promise<void> {
  const fields = await bodyFields(exchange, ['name', 'state']);
  if (fields.size === 0) throw new FieldError('', 'must have a field: name or state');
  const forced = forcedOf(exchange);
  const name = optional(fields, 'name', tenantName);
  const state = optional(fields, 'state', (value, path) => choiceOf(value, path, STATES));
  const { id } = await keptTenantOf(deps, exchange);
  const by = actorOf(deps, exchange);
  const record = await deps.tenancy.changeTenant(id, { name, state }, by, forced);
  exchange.sendJson(200, tenantJson(deps, record));
}

/** What a removal does not take along. */
const REMAINS = [
  'the id, which is not given to another tenant',
  'rows of the audit log',
  'rows of use, under the id, for 93 days',
  'snapshots and backups that were made before',
] as const;

export async function deleteTenant(deps: TenantDependencies, exchange: Exchange): Promise<void> {
  const forced = forcedOf(exchange);
  const { id, name } = await keptTenantOf(deps, exchange);
  const by = actorOf(deps, exchange);
  const { seriesLeft, pointsLeft } = await deps.removal.remove(id, by, forced);
  const left = { series: seriesLeft, points: pointsLeft };
  exchange.sendJson(200, { name, id, left, remains: REMAINS });
}

/** What the record says, and what holds: of a token where one is asked for, or asks. */
function sendLimits(
  deps: TenantDependencies,
  exchange: Exchange,
  { id, name, limits }: TenantRecord,
  tokenId = '',
): void {
  // How much a tenant uses is more than who sees a part of it should learn.
  const used = isRestricted(exchange.principal) ? {} : deps.limitUse(id, tokenId);
  const effective = [...deps.limitsInForce(id, tokenId)].map(([limit, one]) => [
    limit,
    { ...one, ...(used[limit] !== undefined && { used: used[limit] }) },
  ]);
  exchange.sendJson(200, { tenant: name, limits, effective: Object.fromEntries(effective) });
}

export async function getLimits(deps: TenantDependencies, exchange: Exchange): Promise<void> {
  const token = queryFields(exchange, ['token']).get('token');
  const { record } = tenantOf(deps, exchange);
  const { tenant, tokenId, permissions } = exchange.principal;
  const own = tenant === record.id ? tokenId : '';
  if (token === undefined || token === own) return sendLimits(deps, exchange, record, own);
  const isOfTenant = deps.tenancy.token(token)?.tenants.includes(record.id) === true;
  if (!isOfTenant || !permissions.has('admin'))
    throw new AppError(
      'notFound',
      'no-such-token',
      `the tenant has no token ${JSON.stringify(token.slice(0, 100))}`,
    );
  sendLimits(deps, exchange, record, token);
}

/** All of the tenant's own limits; what is not named has the default. */
export async function putLimits(deps: TenantDependencies, exchange: Exchange): Promise<void> {
  const fields = await bodyFields(exchange, LIMIT_IDS);
  const given = new Map([...fields].map(([id, value]) => [id, limitValue(value, pathTo('', id))]));
  await changeLimits(deps, exchange, () => Object.fromEntries(given));
}

/** Some of them; null is the default again. */
export async function patchLimits(deps: TenantDependencies, exchange: Exchange): Promise<void> {
  const given = new Map<string, number | null>();
  for (const [id, value] of await bodyFields(exchange, LIMIT_IDS))
    given.set(id, value === null ? null : limitValue(value, pathTo('', id)));
  await changeLimits(deps, exchange, (before) => {
    const limits = new Map(Object.entries(before));
    for (const [id, value] of given)
      if (value === null) limits.delete(id);
      else limits.set(id, value);
    return Object.fromEntries(limits);
  });
}

async function changeLimits(
  deps: TenantDependencies,
  exchange: Exchange,
  limits: (before: Limits) => Limits,
): Promise<void> {
  const { id } = await keptTenantOf(deps, exchange);
  const record = await deps.tenancy.changeTenant(id, { limits }, actorOf(deps, exchange));
  sendLimits(deps, exchange, record);
}
