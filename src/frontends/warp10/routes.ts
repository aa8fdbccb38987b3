// Warp 10's ingest as rows of the route table: native paths and the same under `/warp`.
import { plainErrors } from '../http/errors.ts';
import { FORM_BODY_BYTES_MAX, WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Route } from '../http/route.ts';
import type { Warp10DeleteDependencies } from './delete.ts';
import { update, updateMeta } from './update.ts';
import type { Warp10UpdateDependencies } from './update.ts';

export type Warp10Dependencies = Warp10UpdateDependencies & Warp10DeleteDependencies;

export function warp10Routes(deps: Warp10Dependencies): readonly Route[] {
  const common = { prefix: '/warp', tenantScope: 'tenant', errors: plainErrors } as const;
  const writing = {
    ...common,
    method: 'POST',
    permission: 'write',
    bodyLimitBytes: WRITE_BODY_BYTES_MAX,
  } as const;
  const deleting = {
    ...common,
    path: '/api/v0/delete',
    permission: 'delete',
    handler: async (exchange) => (await import('./delete.ts')).deleteSeries(deps, exchange),
  } as const satisfies Partial<Route>;
  return [
    { ...writing, path: '/api/v0/update', handler: (exchange) => update(deps, exchange) },
    { ...writing, path: '/api/v0/meta', handler: (exchange) => updateMeta(deps, exchange) },
    // The real server asks for no method, and its clients use both.
    { ...deleting, method: 'GET', bodyLimitBytes: 0 },
    { ...deleting, method: 'POST', bodyLimitBytes: FORM_BODY_BYTES_MAX },
  ];
}
