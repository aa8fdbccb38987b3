// `POST /graphite/api/v1/sink`: Graphite lines over HTTP, as a body of lines. The good lines of a
// bad body are kept: 202, or 422 with both counts and the first bad lines;
// docs/protocols/graphite.md.
import type { PlaintextResult } from '../../formats/graphite/plaintext.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import { plainErrors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Route } from '../http/route.ts';
import { extraLabels, withForcedLabels, writeOptions } from '../http/write-options.ts';
import { lazy } from '../../stdx/lazy.ts';

const loadPlaintext = lazy(() => import('../../formats/graphite/plaintext.ts'));

export interface GraphiteDependencies {
  readonly ingest: Ingest;
  readonly clock: Clock;
}

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };

function refusalText({ errors, errorCount, pointCount }: PlaintextResult): string {
  const more = errorCount - errors.length;
  const lines = errors.map(({ line, reason }) => `line ${line}: ${reason}`);
  if (more > 0) lines.push(`… and ${more} more`);
  return `refused lines: ${errorCount}, kept samples: ${pointCount}\n${lines.join('\n')}\n`;
}

async function sink(deps: GraphiteDependencies, exchange: Exchange): Promise<void> {
  const options = writeOptions(exchange);
  const principal = withForcedLabels(exchange.principal, extraLabels(exchange.search));
  const body = await exchange.body();
  const { scanPlaintext } = await loadPlaintext();
  const scanOptions = { defaultTimeUs: nowUs(deps.clock) };
  const { scan, overLimit } = await deps.ingest.write(principal, {
    ...options,
    protocol: 'graphite',
    profileKey: '',
    sizeBytes: body.length,
    scan: (dictionary, rows) => scanPlaintext(body, body.length, scanOptions, dictionary, rows),
  });
  if (overLimit !== undefined) throw overLimit;
  if (scan.errorCount === 0) exchange.send({ status: 202 });
  else exchange.send({ status: 422, headers: TEXT, body: refusalText(scan) });
}

export function graphiteRoutes(deps: GraphiteDependencies): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/graphite/api/v1/sink',
      prefix: '',
      permission: 'write',
      tenantScope: 'tenant',
      bodyLimitBytes: WRITE_BODY_BYTES_MAX,
      errors: plainErrors,
      handler: (exchange) => sink(deps, exchange),
    },
  ];
}
