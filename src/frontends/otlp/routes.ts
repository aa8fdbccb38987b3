// OTLP/HTTP as rows of the route table: at its own path, and at those of other servers that take
// it, so that only the host changes in a sender's settings.
import type { DeltaLedger } from '../../ingest/delta-sums.ts';
import { WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Route } from '../http/route.ts';
import { otlpErrors } from './errors.ts';
import { otlpMetrics } from './metrics.ts';
import type { OtlpDependencies } from './metrics.ts';

export function otlpRoutes(deps: OtlpDependencies): readonly Route[] {
  let ledger: Promise<DeltaLedger> | undefined = undefined;
  const sharedLedger = (): Promise<DeltaLedger> =>
    (ledger ??= import('../../ingest/delta-sums.ts').then((module) => new module.DeltaLedger()));
  const common = {
    method: 'POST',
    permission: 'write',
    tenantScope: 'tenant',
    bodyLimitBytes: WRITE_BODY_BYTES_MAX,
    errors: otlpErrors,
    handler: (exchange) => otlpMetrics(deps, sharedLedger, exchange),
  } as const satisfies Partial<Route>;
  return [
    { ...common, path: '/v1/metrics', prefix: '/otlp' },
    // Prometheus' path and VictoriaMetrics'.
    { ...common, path: '/api/v1/otlp/v1/metrics', prefix: '/prometheus' },
    { ...common, path: '/opentelemetry/v1/metrics', prefix: '' },
  ];
}
