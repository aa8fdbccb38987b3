// Import and export as rows of the route table.
import type { StorageReader } from '../../model/storage.ts';
import type { QueryService } from '../../query/query-service.ts';
import { plainErrors } from '../http/errors.ts';
import { FORM_BODY_BYTES_MAX, WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Route } from '../http/route.ts';
import type { ImportDependencies } from './import.ts';

// Loaded by the first request, not by the start.
const imports = () => import('./import.ts');

export interface ImportExportDependencies extends ImportDependencies {
  readonly storage: StorageReader;
  readonly queries: QueryService;
}

export function importRoutes(deps: ImportExportDependencies): readonly Route[] {
  const common = { prefix: '/prometheus', tenantScope: 'tenant', errors: plainErrors } as const;
  const reading: Pick<Route, 'path' | 'permission' | 'handler'> = {
    path: '/api/v1/export',
    permission: 'read',
    handler: async (exchange) => {
      const { exportSeries } = await import('./export.ts');
      await exportSeries(deps, exchange);
    },
  };
  const writing: Pick<Route, 'method' | 'permission' | 'bodyLimitBytes'> = {
    method: 'POST',
    permission: 'write',
    bodyLimitBytes: WRITE_BODY_BYTES_MAX,
  };
  return [
    {
      ...common,
      ...writing,
      path: '/api/v1/import/prometheus',
      handler: async (exchange) => (await imports()).importPrometheus(deps, exchange),
    },
    {
      ...common,
      ...writing,
      path: '/api/v1/import',
      handler: async (exchange) => (await imports()).importJsonLines(deps, exchange),
    },
    { ...common, ...reading, method: 'GET', bodyLimitBytes: 0 },
    { ...common, ...reading, method: 'POST', bodyLimitBytes: FORM_BODY_BYTES_MAX },
  ];
}
