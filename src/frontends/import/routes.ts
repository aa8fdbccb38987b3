// Import and export as rows of the route table.
import type { StorageReader } from '../../model/storage.ts';
import type { QueryService } from '../../query/query-service.ts';
import type { Exchange } from '../http/exchange.ts';
import { plainErrors } from '../http/errors.ts';
import { FORM_BODY_BYTES_MAX, WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Route } from '../http/route.ts';
import type { ImportDependencies } from './import.ts';
import { lazy } from '../../stdx/lazy.ts';

// Loaded by the first request, not by the start.
const imports = lazy(() => import('./import.ts'));

export interface ImportExportDependencies extends ImportDependencies {
  readonly storage: StorageReader;
  readonly queries: QueryService;
}

export function importRoutes(deps: ImportExportDependencies): readonly Route[] {
  const common = { prefix: '/prometheus', tenantScope: 'tenant', errors: plainErrors } as const;
  const jsonLines = async (exchange: Exchange): Promise<void> => {
    const { exportJsonLines } = await import('./export.ts');
    await exportJsonLines(deps, exchange);
  };
  const csv = async (exchange: Exchange): Promise<void> => {
    const { exportCsv } = await import('./export.ts');
    await exportCsv(deps, exchange);
  };
  const reads = (path: string, handler: Route['handler']): readonly Route[] => [
    { ...common, path, handler, permission: 'read', method: 'GET', bodyLimitBytes: 0 },
    {
      ...common,
      path,
      handler,
      permission: 'read',
      method: 'POST',
      bodyLimitBytes: FORM_BODY_BYTES_MAX,
    },
  ];
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
    {
      ...common,
      ...writing,
      path: '/api/v1/import/csv',
      handler: async (exchange) => (await imports()).importCsv(deps, exchange),
    },
    ...reads('/api/v1/export', jsonLines),
    ...reads('/api/v1/export/csv', csv),
  ];
}
