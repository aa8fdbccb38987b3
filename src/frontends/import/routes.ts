// Import and export as rows of the route table.
import type { StorageReader } from '../../model/storage.ts';
import type { QueryService } from '../../query/query-service.ts';
import { plainErrors } from '../http/errors.ts';
import { FORM_BODY_BYTES_MAX, WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Route } from '../http/route.ts';
import { exportSeries } from './export.ts';
import { importJsonLines, importPrometheus } from './import.ts';
import type { ImportDependencies } from './import.ts';

export interface ImportExportDependencies extends ImportDependencies {
  readonly storage: StorageReader;
  readonly queries: QueryService;
}

export function importRoutes(deps: ImportExportDependencies): readonly Route[] {
  const common = { prefix: '/prometheus', tenantScope: 'tenant', errors: plainErrors } as const;
  const reading: Pick<Route, 'path' | 'permission' | 'handler'> = {
    path: '/api/v1/export',
    permission: 'read',
    handler: (exchange) => exportSeries(deps, exchange),
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
      handler: (exchange) => importPrometheus(deps, exchange),
    },
    {
      ...common,
      ...writing,
      path: '/api/v1/import',
      handler: (exchange) => importJsonLines(deps, exchange),
    },
    { ...common, ...reading, method: 'GET', bodyLimitBytes: 0 },
    { ...common, ...reading, method: 'POST', bodyLimitBytes: FORM_BODY_BYTES_MAX },
  ];
}
