// `/orrery/v1/openapi.json`: what the routes of this folder take and answer, as OpenAPI 3.1. A test
// compares it with the route table, another one with what a running server answers.
import { AUDIT_ACTIONS, AUDIT_LOGS } from '../../tenancy/audit.ts';
import { AUDIT_ANSWER_ROWS_MAX } from '../../tenancy/limits.ts';
import { USAGE_GROUPS } from '../../tenancy/usage-report.ts';
import type { Exchange } from '../http/exchange.ts';
import {
  count,
  inPath,
  inQuery,
  LABELS,
  list,
  NAME,
  object,
  operation,
  ref,
  TENANT,
  TEXT,
  TIME,
  TIME_OR_NONE,
  WHOLE,
} from './openapi-pieces.ts';
import type { Json } from './openapi-pieces.ts';
import { refusalPaths, refusalSchemas } from './openapi-refusals.ts';
import { LIMIT_IDS_OF } from './tenants.ts';
import type { LimitScope } from './tenants.ts';
import { PERMISSIONS } from './tokens.ts';
import { USAGE_FIGURES, USAGE_FORMATS } from './usage.ts';
import {
  AUDIT_ANSWER_DEFAULT,
  CARDINALITY_ANSWER_DEFAULT,
  CARDINALITY_ANSWER_MAX,
  FORCED_LABELS_MAX,
  FORCED_MATCHERS_MAX,
  LABEL_NAME_LENGTH_MAX,
  LABEL_VALUE_LENGTH_MAX,
  MATCHER_LENGTH_MAX,
  METRIC_NAME_LENGTH_MAX,
  TENANTS_ANSWER_DEFAULT,
  TENANTS_ANSWER_MAX,
  TOKEN_NAME_LENGTH_MAX,
  TOKEN_TENANTS_MAX,
  TOKENS_ANSWER_DEFAULT,
  TOKENS_ANSWER_MAX,
} from './limits.ts';

interface DocumentParts {
  readonly version: string;
}

export async function sendDocument(parts: DocumentParts, exchange: Exchange): Promise<void> {
  exchange.sendJson(200, openApiDocument(parts));
}

export function openApiDocument({ version }: DocumentParts): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Orrery: tenants, tokens, limits, refusals, audit log',
      version,
      description:
        'Admins of a tenant see and change their own tenant; a token of scope "server", and open ' +
        "mode, all of them. Another's tenant and one that is not there are the same 404.",
    },
    security: [{}, { bearer: [] }],
    paths: paths(),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: schemas(),
    },
  };
}

// ---------------------------------------------------------------- paths

const TOKEN = inPath('id', { type: 'string', pattern: '^[a-z2-7]{12}$' });

/** Also where the server is left without an admin. */
const FORCE = inQuery('force', { type: 'string', enum: ['', '0', '1', 'false', 'true'] });

const NAMES_PARAMETERS = [
  count(CARDINALITY_ANSWER_MAX, CARDINALITY_ANSWER_DEFAULT),
  inQuery('metric', {
    type: 'string',
    maxLength: METRIC_NAME_LENGTH_MAX,
    description: 'Series of this metric only.',
  }),
];

function paths(): Json {
  return {
    '/orrery/v1/tenants': tenantsPath(),
    '/orrery/v1/tenants/{tenant}': tenantPath(),
    '/orrery/v1/tenants/{tenant}/limits': limitsPath(),
    '/orrery/v1/tenants/{tenant}/tokens': tokensPath(),
    '/orrery/v1/tenants/{tenant}/tokens/{id}': tokenPath(),
    '/orrery/v1/tenants/{tenant}/cardinality': {
      parameters: [TENANT],
      get: operation({
        id: 'getCardinality',
        summary: 'Which names and labels make the series of the tenant many.',
        answer: 'Cardinality',
        parameters: NAMES_PARAMETERS,
      }),
    },
    '/orrery/v1/tenants/{tenant}/growth': {
      parameters: [TENANT],
      get: operation({
        id: 'getGrowth',
        summary:
          'What makes series of the last hour more than those of the same hour a day before, and ' +
          'whose series of a metric were the first.',
        answer: 'Growth',
        parameters: NAMES_PARAMETERS,
      }),
    },
    '/orrery/v1/tenants/{tenant}/usage': {
      parameters: [TENANT],
      get: usageOperation('getTenantUsage', 'What a tenant uses, by the hour.', []),
    },
    '/orrery/v1/usage': {
      get: usageOperation(
        'getUsage',
        'What tenants use, by the hour: all for a server admin, else the own.',
        [inQuery('tenant', { type: 'string', description: 'Name, or id of one that is gone.' })],
      ),
    },
    ...refusalPaths(),
    '/orrery/v1/whoami': {
      get: operation({
        id: 'getWhoami',
        summary: 'What the token that is presented is and may; null where none is asked for.',
        answer: 'Whoami',
      }),
    },
    '/orrery/v1/audit': auditPath(),
    '/orrery/v1/openapi.json': {
      get: operation({ id: 'getDocument', summary: 'This document.', answer: 'Document' }),
    },
  };
}

function tenantsPath(): Json {
  return {
    get: operation({
      id: 'listTenants',
      summary: 'Tenants by name; `next` is the `after` of the question that goes on.',
      answer: 'TenantList',
      parameters: [
        inQuery('after', { type: 'string' }),
        count(TENANTS_ANSWER_MAX, TENANTS_ANSWER_DEFAULT),
      ],
    }),
    post: operation({
      id: 'createTenant',
      summary: 'A new tenant. Data that was written under its name without a record becomes its.',
      body: 'TenantDraft',
      answer: 'Tenant',
      status: 201,
    }),
  };
}

function tenantPath(): Json {
  return {
    parameters: [TENANT],
    get: operation({ id: 'getTenant', summary: 'One tenant.', answer: 'Tenant' }),
    patch: operation({
      id: 'changeTenant',
      summary: 'Renames, suspends or resumes a tenant; its data and tokens stay.',
      parameters: [FORCE],
      body: 'TenantEdit',
      answer: 'Tenant',
    }),
    delete: operation({
      id: 'deleteTenant',
      summary: 'Deletes a tenant, its tokens and its data, and answers when they are gone.',
      parameters: [FORCE],
      answer: 'TenantRemoval',
    }),
  };
}

function limitsPath(): Json {
  const answer = 'TenantLimits';
  return {
    parameters: [TENANT],
    get: operation({
      id: 'getLimits',
      summary: 'Limits that are not the defaults, and those that hold, with who set them.',
      parameters: [inQuery('token', { type: 'string', description: 'A token of the tenant.' })],
      answer,
    }),
    put: operation({
      id: 'setLimits',
      summary: 'Replaces them: what is not named has its default.',
      body: 'Limits',
      answer,
    }),
    patch: operation({
      id: 'changeLimits',
      summary: 'Changes those that are named; null is the default again.',
      body: 'LimitsEdit',
      answer,
    }),
  };
}

function tokensPath(): Json {
  return {
    parameters: [TENANT],
    get: operation({
      id: 'listTokens',
      summary: 'Tokens of the tenant, without their secrets; `next` is the `after` that goes on.',
      parameters: [
        inQuery('after', { type: 'string' }),
        count(TOKENS_ANSWER_MAX, TOKENS_ANSWER_DEFAULT),
      ],
      answer: 'TokenList',
    }),
    post: operation({
      id: 'createToken',
      summary: 'A new token. `token` is shown this once.',
      body: 'TokenDraft',
      answer: 'NewToken',
      status: 201,
    }),
  };
}

function tokenPath(): Json {
  return {
    parameters: [TENANT, TOKEN],
    get: operation({ id: 'getToken', summary: 'One token.', answer: 'Token' }),
    delete: operation({
      id: 'revokeToken',
      summary: 'Revokes a token within a second.',
      parameters: [FORCE],
      answer: 'Token',
    }),
  };
}

function auditPath(): Json {
  return {
    get: operation({
      id: 'getAudit',
      summary: 'Who changed what, the newest first; `next` is the `before` that goes on.',
      answer: 'AuditAnswer',
      parameters: [
        inQuery('log', { type: 'string', enum: AUDIT_LOGS, default: 'changes' }),
        inQuery('tenant', { type: 'string', description: 'Name, or id of one that is gone.' }),
        inQuery('action', { type: 'string', enum: AUDIT_ACTIONS }),
        inQuery('start', TIME),
        inQuery('end', TIME),
        inQuery('before', { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
        count(AUDIT_ANSWER_ROWS_MAX, AUDIT_ANSWER_DEFAULT),
      ],
    }),
  };
}

const USAGE_TEXT =
  'Hours that begin in [from, to), the last 24 where nothing is said. Points written are counted ' +
  'from the log; what is stored stands in rows of the protocol "storage".';

function usageOperation(id: string, summary: string, more: readonly Json[]): Json {
  const answer = operation({
    id,
    summary,
    answer: 'Usage',
    parameters: [
      inQuery('from', TIME),
      inQuery('to', TIME),
      inQuery('group', {
        type: 'string',
        pattern: `^(${USAGE_GROUPS.join('|')})(,(${USAGE_GROUPS.join('|')}))*$`,
        description: 'What rows are told apart by; all of it unless given.',
      }),
      inQuery('format', { type: 'string', enum: USAGE_FORMATS, default: 'json' }),
      ...more,
    ],
  }) as { readonly responses: Readonly<Record<string, { readonly content: Json }>> };
  const csv = { 'text/csv': { schema: TEXT } };
  const { content } = answer.responses['200']!;
  const done = { description: 'Done.', content: { ...content, ...csv } };
  return { ...answer, description: USAGE_TEXT, responses: { ...answer.responses, 200: done } };
}

// ---------------------------------------------------------------- schemas

const LINE = { type: 'string', maxLength: TOKEN_NAME_LENGTH_MAX, pattern: '^[ -~]*$' };

function schemas(): Json {
  return {
    Error: object(
      {
        error: object(
          {
            code: TEXT,
            kind: TEXT,
            message: TEXT,
            retryable: { type: 'boolean' },
            path: { type: 'string', description: 'JSON pointer to the wrong field.' },
          },
          ['code', 'kind', 'message', 'retryable'],
        ),
        limit: { type: 'object', description: 'The limit that refused, and what is used of it.' },
      },
      ['error'],
    ),
    Document: { type: 'object' },
    ...tenantSchemas(),
    ...tokenSchemas(),
    ...auditSchemas(),
    ...usageSchemas(),
    Whoami: whoamiSchema(),
    Cardinality: object({
      tenant: TEXT,
      series: WHOLE,
      label_pairs: WHOLE,
      series_by_metric: list(object({ name: TEXT, series: WHOLE })),
      series_by_label: list(object({ name: TEXT, series: WHOLE })),
      series_by_label_value: list(object({ name: TEXT, series: WHOLE })),
      values_by_label: list(object({ name: TEXT, values: WHOLE })),
    }),
    ...growthSchemas(),
    ...refusalSchemas(),
  };
}

const LIMIT = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

function limits(scope: LimitScope, value: Json): Json {
  const ids = LIMIT_IDS_OF[scope].map((id): [string, Json] => [id, value]);
  return object(Object.fromEntries(ids), []);
}

function effectiveLimits(): Json {
  const source = { type: 'string', enum: ['default', 'server', 'tenant', 'token'] };
  const used = { ...WHOLE, description: 'How much of it is used now, where that is counted.' };
  const one = object({ value: LIMIT, source, used }, ['value', 'source']);
  return object(Object.fromEntries(LIMIT_IDS_OF.tenant.map((id) => [id, one])));
}

function tenantSchemas(): Json {
  return {
    Limits: limits('tenant', LIMIT),
    LimitsEdit: limits('tenant', { anyOf: [LIMIT, { type: 'null' }] }),
    Tenant: object({
      name: TEXT,
      id: TEXT,
      state: { type: 'string', enum: ['active', 'suspended', 'deleting'] },
      created_at: TIME_OR_NONE,
      limits: ref('Limits'),
      tokens: { type: 'integer', description: 'How many are not revoked.' },
    }),
    TenantList: object({
      tenants: list(ref('Tenant')),
      next: { anyOf: [TEXT, { type: 'null' }] },
    }),
    TenantDraft: object({ name: NAME, limits: ref('Limits') }, ['name']),
    TenantEdit: {
      ...object({ name: NAME, state: { type: 'string', enum: ['active', 'suspended'] } }, []),
      minProperties: 1,
    },
    TenantLimits: object({ tenant: TEXT, limits: ref('Limits'), effective: effectiveLimits() }),
    TenantRemoval: object({
      name: TEXT,
      id: TEXT,
      left: object({ series: WHOLE, points: WHOLE }),
      remains: list(TEXT),
    }),
  };
}

function tokenSchemas(): Json {
  const permissions = { type: 'array', items: { type: 'string', enum: PERMISSIONS } };
  const scope = { type: 'string', enum: ['tenant', 'server'] };
  const token = {
    id: TEXT,
    name: TEXT,
    state: { type: 'string', enum: ['active', 'pending', 'expired', 'revoked'] },
    scope,
    tenants: list(TEXT),
    permissions,
    labels: LABELS,
    matchers: list(TEXT),
    application: TEXT,
    min_time: TIME_OR_NONE,
    max_time: TIME_OR_NONE,
    not_before: TIME_OR_NONE,
    expires_at: TIME_OR_NONE,
    limits: ref('TokenLimits'),
    created_at: TIME,
    revoked_at: TIME_OR_NONE,
  };
  return {
    TokenLimits: limits('token', LIMIT),
    Token: object(token),
    NewToken: object({ ...token, token: TEXT }),
    TokenList: object({
      tokens: list(ref('Token')),
      next: { anyOf: [TEXT, { type: 'null' }] },
    }),
    TokenDraft: tokenDraft(permissions, scope),
  };
}

function tokenDraft(permissions: Json, scope: Json): Json {
  const name = { type: 'string', minLength: 1, maxLength: LABEL_NAME_LENGTH_MAX };
  const value = { type: 'string', minLength: 1, maxLength: LABEL_VALUE_LENGTH_MAX };
  const matcher = { type: 'string', minLength: 1, maxLength: MATCHER_LENGTH_MAX };
  const unique = { uniqueItems: true };
  const fields = {
    name: { ...LINE, minLength: 1 },
    permissions: { ...permissions, ...unique, minItems: 1 },
    labels: {
      type: 'object',
      description: 'Forced on every write. The metric name is not forced.',
      maxProperties: FORCED_LABELS_MAX,
      propertyNames: name,
      additionalProperties: value,
    },
    matchers: {
      ...list({ ...matcher, description: 'A selector such as {env="prod"}.' }),
      ...unique,
      description: 'Forced on every read.',
      maxItems: FORCED_MATCHERS_MAX,
    },
    application: LINE,
    expires_in: {
      type: 'string',
      pattern: '^[1-9][0-9]{0,3}[smhdw]$',
      description: 'A duration: 30d, 12h.',
    },
    not_before: TIME,
    min_time: { ...TIME, description: 'Earlier points are neither read nor written.' },
    max_time: { ...TIME, description: 'Later points are neither read nor written.' },
    limits: ref('TokenLimits'),
    tenants: {
      ...list(NAME),
      ...unique,
      description: 'Further tenants that the token reads.',
      maxItems: TOKEN_TENANTS_MAX,
    },
    scope,
  };
  return object(fields, ['name', 'permissions']);
}

function whoamiSchema(): Json {
  const permissions = list({ type: 'string', enum: PERMISSIONS });
  const token = object({
    id: TEXT,
    name: TEXT,
    scope: { type: 'string', enum: ['tenant', 'server'] },
    tenants: list(TEXT),
    application: TEXT,
    labels: LABELS,
    matchers: list(TEXT),
    not_before: TIME_OR_NONE,
    expires_at: TIME_OR_NONE,
    min_time: TIME_OR_NONE,
    max_time: TIME_OR_NONE,
  });
  return object({
    tenant: object({ id: TEXT, name: TEXT }),
    permissions,
    token: { anyOf: [token, { type: 'null' }] },
  });
}

function growthSchemas(): Json {
  const hour = object({ from: TIME, to: TIME, series: WHOLE });
  const row = { name: TEXT, series: WHOLE, before: WHOLE };
  const maker = object({ time: TIME, token: TEXT, protocol: TEXT, labels: LABELS });
  return {
    Growth: object({
      tenant: TEXT,
      now: hour,
      before: hour,
      growth_by_metric: list(object({ ...row, started_by: { anyOf: [maker, { type: 'null' }] } })),
      growth_by_label: list(object(row)),
      growth_by_label_value: list(object(row)),
      growth_by_values: list(object({ name: TEXT, values: WHOLE, before: WHOLE })),
      makers_since: TIME,
    }),
  };
}

function usageSchemas(): Json {
  const group = { type: 'string', enum: USAGE_GROUPS };
  const figures = USAGE_FIGURES.map((name): [string, Json] => [name, { type: 'number' }]);
  const about = { hour: TIME, tenant: TEXT, tenant_id: TEXT, token: TEXT, protocol: TEXT };
  return {
    Usage: object({ from: TIME, to: TIME, group: list(group), rows: list(ref('UsageRow')) }),
    UsageRow: object({ ...about, ...Object.fromEntries(figures) }, USAGE_FIGURES),
  };
}

function auditSchemas(): Json {
  return {
    AuditAnswer: object({
      rows: list(ref('AuditRow')),
      next: { anyOf: [WHOLE, { type: 'null' }] },
    }),
    AuditRow: object({
      seq: WHOLE,
      time: TIME,
      action: { type: 'string', enum: AUDIT_ACTIONS },
      tenants: list(TEXT),
      subject: TEXT,
      by: object({ token_id: TEXT, token_name: TEXT, tenant: TEXT, peer: TEXT }),
      before: { description: 'The record as it was; null where there was none.' },
      after: { description: 'The record as it is; null where there is none.' },
    }),
  };
}
