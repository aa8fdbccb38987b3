// `/orrery/v1/tenants/{tenant}/tokens[/{id}]`: created with the secret shown once, listed without,
// revoked. Whoever creates a token gives at most what it has itself: the new one carries its
// creator's restrictions beside its own.
import { AppError } from '../../model/errors.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import type { Permission, TenantId } from '../../model/tenant.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import { lazy } from '../../stdx/lazy.ts';
import type { TokenRecord, TokenScope } from '../../tenancy/records.ts';
import type { TokenDraft } from '../../tenancy/tenancy-store.ts';
import type { Exchange } from '../http/exchange.ts';
import { parseTime } from '../prometheus/params.ts';
import { actorOf, isAdminOfAll, keptTenantOf, tenantOf } from './access.ts';
import {
  bodyFields,
  choiceOf,
  durationOf,
  FieldError,
  fieldsOf,
  listOf,
  pathTo,
  queryFields,
  textOf,
  timeUsOf,
  wholeParameter,
} from './fields.ts';
import type { Fields } from './fields.ts';
import { narrowedBy } from './inheritance.ts';
import {
  FORCED_LABELS_MAX,
  FORCED_MATCHERS_MAX,
  LABEL_NAME_LENGTH_MAX,
  LABEL_VALUE_LENGTH_MAX,
  MATCHER_LENGTH_MAX,
  TOKEN_NAME_LENGTH_MAX,
  TOKEN_TENANTS_MAX,
  TOKENS_ANSWER_DEFAULT,
  TOKENS_ANSWER_MAX,
} from './limits.ts';
import { forcedOf, limitsOf, optional, tenantName, timeText } from './tenants.ts';
import type { TenantDependencies } from './tenants.ts';

export interface TokenDependencies extends TenantDependencies {
  readonly clock: Clock;
  /** A new token: what the client gets, and what is kept of it. */
  readonly mintToken: () => { readonly id: string; readonly token: string; readonly hash: string };
}

const loadParser = lazy(() => import('../../promql/parser.ts'));

export const PERMISSIONS: readonly Permission[] = [
  'read',
  'write',
  'delete',
  'rules',
  'admin',
  'metrics',
];
const SCOPES: readonly TokenScope[] = ['tenant', 'server'];

export const TOKEN_FIELDS = [
  'name',
  'permissions',
  'labels',
  'matchers',
  'application',
  'expires_in',
  'not_before',
  'min_time',
  'max_time',
  'limits',
  'tenants',
  'scope',
] as const;

const LINE = {
  lengthMax: TOKEN_NAME_LENGTH_MAX,
  pattern: /^\P{Cc}*$/u,
  allowed: 'text without control characters',
};

function tokenState(record: TokenRecord, nowMs: number): string {
  if (record.revokedMs !== undefined) return 'revoked';
  if (record.expiresMs !== undefined && record.expiresMs <= nowMs) return 'expired';
  if (record.notBeforeMs !== undefined && record.notBeforeMs > nowMs) return 'pending';
  return 'active';
}

function timeUsText(tUs: number | undefined): string | null {
  return timeText(tUs === undefined ? undefined : tUs / 1000);
}

/** What the one who asks may know of the token. */
function tokenJson(deps: TokenDependencies, exchange: Exchange, record: TokenRecord) {
  const { tenancy, clock } = deps;
  const isAll = isAdminOfAll(deps, exchange);
  const seen = record.tenants.filter((id) => isAll || id === exchange.principal.tenant);
  return {
    id: record.id,
    name: record.name,
    state: tokenState(record, clock.nowMs()),
    scope: record.scope,
    tenants: seen.map((id) => tenancy.tenant(id)?.name ?? id),
    permissions: record.permissions,
    labels: record.labels,
    matchers: record.matchers,
    application: record.application,
    min_time: timeUsText(record.minTUs),
    max_time: timeUsText(record.maxTUs),
    not_before: timeText(record.notBeforeMs),
    expires_at: timeText(record.expiresMs),
    limits: record.limits,
    created_at: timeText(record.createdMs),
    revoked_at: timeText(record.revokedMs),
  };
}

/** In the order in which they were created; `after` is the id of one of them. */
export async function listTokens(deps: TokenDependencies, exchange: Exchange): Promise<void> {
  const fields = queryFields(exchange, ['after', 'limit']);
  const limit = wholeParameter(fields, 'limit', {
    min: 1,
    max: TOKENS_ANSWER_MAX,
    fallback: TOKENS_ANSWER_DEFAULT,
  });
  const after = fields.get('after') || undefined;
  const { record } = tenantOf(deps, exchange);
  const all = [...deps.tenancy.tokensOf(record.id)];
  const at = after === undefined ? -1 : all.findIndex(({ id }) => id === after);
  // The one that was shown last may be gone: to begin anew would repeat, to end would hide.
  if (after !== undefined && at < 0)
    throw new AppError('notFound', 'no-such-token', '"after" is no token of the tenant');
  const page = all.slice(at + 1, at + 1 + limit);
  exchange.sendJson(200, {
    tokens: page.map((one) => tokenJson(deps, exchange, one)),
    next: at + 1 + limit < all.length ? page.at(-1)!.id : null,
  });
}

function tokenOf(deps: TokenDependencies, exchange: Exchange): TokenRecord {
  const { record } = tenantOf(deps, exchange);
  const id = exchange.params.get('id') ?? '';
  const token = deps.tenancy.token(id);
  if (token?.tenants.includes(record.id) === true) return token;
  const message = `the tenant has no token ${JSON.stringify(id.slice(0, 100))}`;
  throw new AppError('notFound', 'no-such-token', message);
}

export async function getToken(deps: TokenDependencies, exchange: Exchange): Promise<void> {
  queryFields(exchange, []);
  exchange.sendJson(200, tokenJson(deps, exchange, tokenOf(deps, exchange)));
}

/** One that reaches farther than its tenant is not the tenant's to revoke. */
export async function revokeToken(deps: TokenDependencies, exchange: Exchange): Promise<void> {
  const forced = forcedOf(exchange);
  const token = tokenOf(deps, exchange);
  const { scope, tenants, permissions } = token;
  const reachesFarther =
    scope === 'server' || tenants.length > 1 || permissions.includes('metrics');
  if (reachesFarther && !isAdminOfAll(deps, exchange))
    throw new AppError(
      'forbidden',
      'server-scope',
      'the token is one for several tenants, or for the server: only a token of scope "server" ' +
        'may revoke it',
    );
  const record = await deps.tenancy.revokeToken(token.id, actorOf(deps, exchange), forced);
  exchange.sendJson(200, tokenJson(deps, exchange, record));
}

export async function createToken(deps: TokenDependencies, exchange: Exchange): Promise<void> {
  const fields = await bodyFields(exchange, TOKEN_FIELDS);
  const wanted = await readToken(deps, fields);
  const { id: tenant } = await keptTenantOf(deps, exchange);
  const isAll = isAdminOfAll(deps, exchange);
  const tenants = tenantIds(deps, fields, tenant);
  checkReach({ ...wanted, tenants }, isAll);
  const { id, token, hash } = deps.mintToken();
  const draft: TokenDraft = { ...wanted, tenants, id, hash };
  const creator = isAll ? undefined : deps.tenancy.token(exchange.principal.tokenId);
  const narrowed = creator === undefined ? draft : narrowedBy(draft, creator);
  const record = await deps.tenancy.createToken(narrowed, actorOf(deps, exchange));
  const { id: _, ...rest } = tokenJson(deps, exchange, record);
  // A secret belongs into no cache.
  exchange.response.setHeader('Cache-Control', 'no-store');
  exchange.sendJson(201, { id, token, ...rest });
}

/** The tenant of the path first, then those that the body names beside it. */
function tenantIds({ tenancy }: TokenDependencies, fields: Fields, own: TenantId): TenantId[] {
  const rule = { countMax: TOKEN_TENANTS_MAX };
  const named = optional(fields, 'tenants', (value, path) =>
    listOf(value, path, rule, (one, at) => {
      const found = tenancy.tenantByName(tenantName(one, at));
      if (found !== undefined) return found.id;
      throw new AppError('notFound', 'no-such-tenant', `${at} is no tenant`);
    }),
  );
  return [...new Set([own, ...(named ?? [])])];
}

function checkReach(
  { tenants, scope, permissions }: Pick<TokenDraft, 'tenants' | 'scope' | 'permissions'>,
  isServerAdmin: boolean,
): void {
  const isOfServer = scope === 'server' || permissions.includes('metrics');
  if (!isServerAdmin && (tenants.length > 1 || isOfServer))
    throw new AppError(
      'forbidden',
      'server-scope',
      'only a token of scope "server" may create tokens for several tenants, for the server or ' +
        'for its metrics',
    );
  if (tenants.length > 1 && permissions.some((one) => one !== 'read'))
    throw new FieldError('/permissions', 'must be only "read" where there are several tenants');
  if (scope === 'server' && !permissions.includes('admin'))
    throw new FieldError('/permissions', 'must have "admin" where the scope is "server"');
}

async function readToken(
  deps: TokenDependencies,
  fields: Fields,
): Promise<Omit<TokenDraft, 'id' | 'hash' | 'tenants'>> {
  const nowMs = deps.clock.nowMs();
  const name = textOf(fields.get('name'), '/name', LINE);
  const permissions = listOf(
    fields.get('permissions'),
    '/permissions',
    { countMin: 1, countMax: PERMISSIONS.length },
    (value, path) => choiceOf(value, path, PERMISSIONS),
  );
  const expiresInMs = optional(fields, 'expires_in', durationOf);
  const notBeforeUs = optional(fields, 'not_before', timeOf);
  const minTUs = optional(fields, 'min_time', timeOf);
  const maxTUs = optional(fields, 'max_time', timeOf);
  if (minTUs !== undefined && maxTUs !== undefined && minTUs > maxTUs)
    throw new FieldError('/max_time', 'must not be before min_time');
  const expiresMs = expiresInMs === undefined ? undefined : nowMs + expiresInMs;
  const notBeforeMs = notBeforeUs === undefined ? undefined : Math.ceil(notBeforeUs / 1000);
  if (expiresMs !== undefined && notBeforeMs !== undefined && notBeforeMs >= expiresMs)
    throw new FieldError('/not_before', 'must be before the token expires');
  const limits = optional(fields, 'limits', (value, path) => limitsOf('token', value, path));
  const scope = optional(fields, 'scope', (value, path) => choiceOf(value, path, SCOPES));
  return {
    name,
    permissions,
    scope: scope ?? 'tenant',
    labels: Object.fromEntries(optional(fields, 'labels', labelsOf) ?? []),
    matchers: await matchersOf(optional(fields, 'matchers', matcherTexts) ?? []),
    application: optional(fields, 'application', applicationOf) ?? '',
    limits: Object.fromEntries(limits ?? []),
    ...(expiresMs !== undefined && { expiresMs }),
    ...(notBeforeMs !== undefined && { notBeforeMs }),
    ...(minTUs !== undefined && { minTUs }),
    ...(maxTUs !== undefined && { maxTUs }),
  };
}

function applicationOf(value: unknown, path: string): string {
  return textOf(value, path, { ...LINE, lengthMin: 0 });
}

function timeOf(value: unknown, path: string): number {
  return timeUsOf(value, path, parseTime);
}

function labelsOf(value: unknown, path: string): Map<string, string> {
  const fields = fieldsOf(value, path);
  if (fields.size > FORCED_LABELS_MAX)
    throw new FieldError(path, `must have at most ${FORCED_LABELS_MAX} labels`);
  const labels = new Map<string, string>();
  for (const [name, given] of fields) {
    const at = pathTo(path, name);
    textOf(name, at, { lengthMax: LABEL_NAME_LENGTH_MAX });
    if (name === METRIC_NAME) throw new FieldError(at, 'is the metric name, which is not forced');
    labels.set(name, textOf(given, at, { lengthMax: LABEL_VALUE_LENGTH_MAX }));
  }
  return labels;
}

function matcherTexts(value: unknown, path: string): string[] {
  return listOf(value, path, { countMax: FORCED_MATCHERS_MAX }, (one, at) =>
    textOf(one, at, { lengthMax: MATCHER_LENGTH_MAX }),
  );
}

/** Each is a selector; a text that is none says where. */
async function matchersOf(texts: readonly string[]): Promise<readonly string[]> {
  if (texts.length === 0) return texts;
  const { parseMetricSelector } = await loadParser();
  for (const [i, text] of texts.entries())
    try {
      parseMetricSelector(text);
    } catch (cause) {
      const reason = `must be a selector such as {env="prod"}: ${errorMessage(cause)}`;
      throw new FieldError(pathTo('/matchers', i), reason, { cause });
    }
  return texts;
}
