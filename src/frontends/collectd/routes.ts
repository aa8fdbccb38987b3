// `POST /collectd`: what collectd's write_http posts, as JSON; docs/protocols/collectd.md. Good
// lists of a body are kept beside bad ones: the answer is then 400 with both counts.
import type { ValueListsResult } from '../../formats/collectd/value-lists.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import { AppError } from '../../model/errors.ts';
import { plainErrors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { COLLECTD_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Route } from '../http/route.ts';
import { extraLabels, withForcedLabels, writeOptions } from '../http/write-options.ts';
import { lazy } from '../../stdx/lazy.ts';

const loadValueLists = lazy(() => import('../../formats/collectd/value-lists.ts'));

export interface CollectdDependencies {
  readonly ingest: Ingest;
}

function refusal({ malformed, errors, errorCount, pointCount }: ValueListsResult): AppError {
  if (malformed !== '') return new AppError('invalid', 'json', malformed);
  const more = errorCount - errors.length;
  const lines = errors.map(({ line, reason }) => `list ${line}: ${reason}`);
  if (more > 0) lines.push(`… and ${more} more`);
  const head = `refused lists: ${errorCount}, kept samples: ${pointCount}`;
  return new AppError('invalid', 'bad-lists', `${head}\n${lines.join('\n')}`);
}

async function post(deps: CollectdDependencies, exchange: Exchange): Promise<void> {
  const options = writeOptions(exchange);
  const principal = withForcedLabels(exchange.principal, extraLabels(exchange.search));
  const body = await exchange.body();
  const { scanValueLists } = await loadValueLists();
  const { scan, overLimit } = await deps.ingest.write<ValueListsResult>(principal, {
    ...options,
    protocol: 'collectd',
    profileKey: '',
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanValueLists(body, body.length, dictionary, sink),
  });
  if (scan.malformed === '' && overLimit !== undefined) throw overLimit;
  if (scan.malformed !== '' || scan.errorCount > 0) throw refusal(scan);
  exchange.send({ status: 204 });
}

export function collectdRoutes(deps: CollectdDependencies): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/collectd',
      prefix: '',
      permission: 'write',
      tenantScope: 'tenant',
      bodyLimitBytes: COLLECTD_BODY_BYTES_MAX,
      errors: plainErrors,
      handler: (exchange) => post(deps, exchange),
    },
  ];
}
