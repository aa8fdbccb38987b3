// What the OpenAPI document says of the routes of refusals.ts.
import { list, object, operation, ref, TENANT, TEXT, TIME, WHOLE } from './openapi-pieces.ts';
import type { Json } from './openapi-pieces.ts';

const BREACHES = 'Which limits the tenant came to, who did, and rules that would stop it.';
const LINES = 'The last rows of the tenant that were refused, and counts by reason.';

export function refusalPaths(): Json {
  return {
    '/orrery/v1/breaches': {
      get: operation({ id: 'getBreaches', summary: BREACHES, answer: 'Breaches' }),
    },
    '/orrery/v1/tenants/{tenant}/breaches': {
      parameters: [TENANT],
      get: operation({ id: 'getTenantBreaches', summary: BREACHES, answer: 'Breaches' }),
    },
    '/orrery/v1/refused-lines': {
      get: operation({ id: 'getRefusedLines', summary: LINES, answer: 'RefusedLines' }),
    },
    '/orrery/v1/tenants/{tenant}/refused-lines': {
      parameters: [TENANT],
      get: operation({ id: 'getTenantRefusedLines', summary: LINES, answer: 'RefusedLines' }),
    },
  };
}

export function refusalSchemas(): Json {
  const label = object({ name: TEXT, value: TEXT });
  const first = object({ protocol: TEXT, peer: TEXT, token: TEXT, labels: list(label) }, [
    'protocol',
    'peer',
    'token',
  ]);
  const series = object({
    metric: TEXT,
    label: { ...TEXT, description: 'Empty where no label is to blame.' },
    values: WHOLE,
    rules: { ...TEXT, description: 'YAML of relabelling rules.' },
  });
  return {
    Breaches: object({ breaches: list(ref('Breach')) }),
    Breach: object({
      limit: TEXT,
      at_most: { type: 'number' },
      value: { type: 'number' },
      kind: { type: 'string', enum: ['refused', 'near'] },
      count: WHOLE,
      first_at: TIME,
      last_at: TIME,
      first: { anyOf: [first, { type: 'null' }] },
      series: { anyOf: [series, { type: 'null' }] },
    }),
    RefusedLines: object({
      count: WHOLE,
      counts: list(object({ protocol: TEXT, reason: TEXT, count: WHOLE })),
      lines: list(ref('RefusedLine')),
    }),
    RefusedLine: object({
      timeMs: { type: 'number' },
      protocol: TEXT,
      peer: TEXT,
      line: { ...WHOLE, description: '1-based; 0 where it has none.' },
      column: { ...WHOLE, description: '-1: no place in the line.' },
      reason: TEXT,
    }),
  };
}
