/** Tenants, their tokens, limits and series, and who changed them (docs/protocols/tenants.md). */
import { CARDINALITY_ROWS } from '../util/limits.ts';
import { sendOwn } from './client.ts';

export interface Tenant {
  readonly name: string;
  readonly id: string;
  readonly state: 'active' | 'suspended' | 'deleting';
  /** null: its data came by a header, nobody made it. */
  readonly created_at: string | null;
  readonly limits: Readonly<Record<string, number>>;
  readonly tokens: number;
}

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly state: 'active' | 'pending' | 'expired' | 'revoked';
  readonly scope: 'tenant' | 'server';
  readonly tenants: readonly string[];
  readonly permissions: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly matchers: readonly string[];
  readonly application: string;
  readonly expires_at: string | null;
  readonly created_at: string | null;
}

export interface NewToken {
  readonly name: string;
  readonly permissions: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly matchers: readonly string[];
  /** Such as `30d`; undefined: it does not expire. */
  readonly expires_in: string | undefined;
}

/** The token itself is told this once. */
export interface CreatedToken extends Token {
  readonly token: string;
}

export interface SeriesCount {
  readonly name: string;
  readonly series: number;
}

export interface TenantCardinality {
  readonly series: number;
  readonly series_by_metric: readonly SeriesCount[];
  readonly series_by_label: readonly SeriesCount[];
  readonly series_by_label_value: readonly SeriesCount[];
  readonly values_by_label: readonly { readonly name: string; readonly values: number }[];
}

/** Of a name: how much there is of it now, and was a day before. */
export interface Grown {
  readonly name: string;
  readonly series: number;
  readonly before: number;
}

/** Whose new series of a metric were the first. */
export interface SeriesMaker {
  readonly time: string;
  /** '' where there was none. */
  readonly token: string;
  readonly protocol: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface GrownMetric extends Grown {
  /** null: not known. */
  readonly started_by: SeriesMaker | null;
}

export interface TenantGrowth {
  readonly now: { readonly series: number };
  readonly before: { readonly series: number };
  readonly growth_by_metric: readonly GrownMetric[];
  readonly growth_by_label: readonly Grown[];
  readonly growth_by_label_value: readonly Grown[];
  readonly growth_by_values: readonly {
    readonly name: string;
    readonly values: number;
    readonly before: number;
  }[];
  /** Earlier makers are not known. */
  readonly makers_since: string;
}

/** Who signs the requests of this page. */
export interface Whoami {
  readonly tenant: { readonly name: string };
  readonly permissions: readonly string[];
  /** null: no token is asked for. */
  readonly token: { readonly scope: 'tenant' | 'server' } | null;
}

export interface AuditRow {
  readonly seq: number;
  readonly time: string;
  readonly action: string;
  readonly tenants: readonly string[];
  readonly subject: string;
  readonly by: { readonly token_id: string; readonly token_name: string; readonly peer: string };
}

const TENANTS_MAX = 1000;

function pathOf(tenant: string, rest = ''): string {
  return `tenants/${encodeURIComponent(tenant)}${rest}`;
}

function json(method: string, value: unknown): RequestInit {
  return { method, body: new Blob([JSON.stringify(value)], { type: 'application/json' }) };
}

export async function listTenants(
  signal?: AbortSignal,
): Promise<{ readonly tenants: readonly Tenant[]; readonly next: string | null }> {
  return sendOwn(`tenants?limit=${TENANTS_MAX}`, {}, signal);
}

export async function createTenant(name: string): Promise<Tenant> {
  return sendOwn('tenants', json('POST', { name }), undefined);
}

export async function setTenantState(tenant: string, state: string): Promise<Tenant> {
  return sendOwn(pathOf(tenant), json('PATCH', { state }), undefined);
}

/** `value` null: the default again. */
export async function setLimit(tenant: string, id: string, value: number | null): Promise<unknown> {
  return sendOwn(pathOf(tenant, '/limits'), json('PATCH', { [id]: value }), undefined);
}

export async function listTokens(tenant: string, signal?: AbortSignal): Promise<readonly Token[]> {
  const path = pathOf(tenant, '/tokens');
  return (await sendOwn<{ tokens: readonly Token[] }>(path, {}, signal)).tokens;
}

export async function createToken(tenant: string, token: NewToken): Promise<CreatedToken> {
  return sendOwn(pathOf(tenant, '/tokens'), json('POST', token), undefined);
}

export async function revokeToken(tenant: string, id: string): Promise<Token> {
  const path = pathOf(tenant, `/tokens/${encodeURIComponent(id)}`);
  return sendOwn(path, { method: 'DELETE' }, undefined);
}

/** Of one metric, or of all where that is ''. */
export async function tenantCardinality(
  tenant: string,
  metric: string,
  signal?: AbortSignal,
): Promise<TenantCardinality> {
  return sendOwn(pathOf(tenant, `/cardinality?${namesQuery(metric)}`), {}, signal);
}

/** The same of what became more since yesterday. */
export async function tenantGrowth(
  tenant: string,
  metric: string,
  signal?: AbortSignal,
): Promise<TenantGrowth> {
  return sendOwn(pathOf(tenant, `/growth?${namesQuery(metric)}`), {}, signal);
}

function namesQuery(metric: string): string {
  const query = new URLSearchParams({ limit: String(CARDINALITY_ROWS) });
  if (metric !== '') query.set('metric', metric);
  return query.toString();
}

export async function whoami(signal?: AbortSignal): Promise<Whoami> {
  return sendOwn('whoami', {}, signal);
}

/** May see and change every tenant. */
export function isServerAdmin({ token, permissions }: Whoami): boolean {
  return token === null || (token.scope === 'server' && permissions.includes('admin'));
}

export async function auditRows(
  tenant: string,
  signal?: AbortSignal,
): Promise<readonly AuditRow[]> {
  const path = `audit?limit=50&tenant=${encodeURIComponent(tenant)}`;
  return (await sendOwn<{ rows: readonly AuditRow[] }>(path, {}, signal)).rows;
}
