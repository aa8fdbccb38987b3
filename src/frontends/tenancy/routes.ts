// Tenants, their tokens and limits, and who changed them (docs/protocols/tenants.md). Rows of scope
// 'server' are for admins of all; what a tenant may see of itself is decided in access.ts.
import type { Exchange } from '../http/exchange.ts';
import { SMALL_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Method, Route } from '../http/route.ts';
import type { GrowthDependencies } from './growth.ts';
import type { RefusalDependencies } from './refusals.ts';
import type { UsageDependencies } from './usage.ts';
import { fieldErrors } from './fields.ts';
import type { TokenDependencies } from './tokens.ts';

export interface TenancyApiDependencies
  extends TokenDependencies, GrowthDependencies, UsageDependencies, RefusalDependencies {
  /** Of the product. */
  readonly version: string;
}

// Loaded by the first request, not by the start.
const tenants = () => import('./tenants.ts');
const tokens = () => import('./tokens.ts');
const audit = () => import('./audit.ts');
const cardinality = () => import('./cardinality.ts');
const growth = () => import('./growth.ts');
const usage = () => import('./usage.ts');
const refusals = () => import('./refusals.ts');
const openApi = () => import('./openapi.ts');

type Run = (deps: TenancyApiDependencies, exchange: Exchange) => Promise<void>;

interface Row {
  readonly method: Method;
  readonly path: string;
  readonly permission: Route['permission'];
  readonly tenantScope: Route['tenantScope'];
  /** As of Route. */
  readonly isWhole?: true;
  readonly run: Run;
}

const LIST = '/orrery/v1/tenants';
const ONE = `${LIST}/:tenant`;
const OWN = { permission: 'read', tenantScope: 'tenant' } as const;
const OWN_ADMIN = { permission: 'admin', tenantScope: 'tenant' } as const;
const SERVER = { permission: 'admin', tenantScope: 'server' } as const;

const ROWS: readonly Row[] = [
  { method: 'GET', path: LIST, ...OWN, run: async (...a) => (await tenants()).listTenants(...a) },
  {
    method: 'POST',
    path: LIST,
    ...SERVER,
    run: async (...a) => (await tenants()).createTenant(...a),
  },
  { method: 'GET', path: ONE, ...OWN, run: async (...a) => (await tenants()).getTenant(...a) },
  {
    method: 'PATCH',
    path: ONE,
    ...SERVER,
    run: async (...a) => (await tenants()).patchTenant(...a),
  },
  {
    method: 'DELETE',
    path: ONE,
    ...SERVER,
    run: async (...a) => (await tenants()).deleteTenant(...a),
  },
  {
    method: 'GET',
    path: `${ONE}/limits`,
    ...OWN,
    run: async (...a) => (await tenants()).getLimits(...a),
  },
  {
    method: 'PUT',
    path: `${ONE}/limits`,
    ...SERVER,
    run: async (...a) => (await tenants()).putLimits(...a),
  },
  {
    method: 'PATCH',
    path: `${ONE}/limits`,
    ...SERVER,
    run: async (...a) => (await tenants()).patchLimits(...a),
  },
  {
    method: 'GET',
    path: `${ONE}/tokens`,
    ...OWN_ADMIN,
    run: async (...a) => (await tokens()).listTokens(...a),
  },
  {
    method: 'POST',
    path: `${ONE}/tokens`,
    ...OWN_ADMIN,
    run: async (...a) => (await tokens()).createToken(...a),
  },
  {
    method: 'GET',
    path: `${ONE}/tokens/:id`,
    ...OWN_ADMIN,
    run: async (...a) => (await tokens()).getToken(...a),
  },
  {
    method: 'DELETE',
    path: `${ONE}/tokens/:id`,
    ...OWN_ADMIN,
    run: async (...a) => (await tokens()).revokeToken(...a),
  },
  {
    method: 'GET',
    path: `${ONE}/cardinality`,
    ...OWN,
    run: async (...a) => (await cardinality()).getCardinality(...a),
  },
  {
    method: 'GET',
    path: `${ONE}/growth`,
    ...OWN,
    run: async (...a) => (await growth()).getGrowth(...a),
  },
  {
    method: 'GET',
    path: `${ONE}/usage`,
    ...OWN,
    isWhole: true,
    run: async (...a) => (await usage()).getTenantUsage(...a),
  },
  {
    method: 'GET',
    path: '/orrery/v1/usage',
    ...OWN,
    isWhole: true,
    run: async (...a) => (await usage()).getUsage(...a),
  },
  {
    method: 'GET',
    path: `${ONE}/breaches`,
    ...OWN,
    isWhole: true,
    run: async (...a) => (await refusals()).getTenantBreaches(...a),
  },
  {
    method: 'GET',
    path: `${ONE}/refused-lines`,
    ...OWN,
    isWhole: true,
    run: async (...a) => (await refusals()).getTenantRefusedLines(...a),
  },
  {
    method: 'GET',
    path: '/orrery/v1/breaches',
    ...OWN,
    isWhole: true,
    run: async (...a) => (await refusals()).getOwnBreaches(...a),
  },
  {
    method: 'GET',
    path: '/orrery/v1/refused-lines',
    ...OWN,
    isWhole: true,
    run: async (...a) => (await refusals()).getOwnRefusedLines(...a),
  },
  {
    method: 'GET',
    path: '/orrery/v1/whoami',
    permission: 'any',
    tenantScope: 'tenant',
    run: async (...a) => (await import('./whoami.ts')).whoami(...a),
  },
  {
    method: 'GET',
    path: '/orrery/v1/audit',
    ...OWN_ADMIN,
    run: async (...a) => (await audit()).getAudit(...a),
  },
  {
    method: 'GET',
    path: '/orrery/v1/openapi.json',
    permission: 'none',
    tenantScope: 'server',
    run: async (...a) => (await openApi()).sendDocument(...a),
  },
];

export function tenancyRoutes(deps: TenancyApiDependencies): readonly Route[] {
  return ROWS.map(({ run, ...row }) => ({
    ...row,
    prefix: '',
    bodyLimitBytes: ['POST', 'PUT', 'PATCH'].includes(row.method) ? SMALL_BODY_BYTES_MAX : 0,
    errors: fieldErrors,
    handler: (exchange) => run(deps, exchange),
  }));
}
