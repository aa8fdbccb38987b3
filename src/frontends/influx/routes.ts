// InfluxDB's HTTP API as rows of the route table: native paths and the same under `/influxdb`.
import { FORM_BODY_BYTES_MAX, WRITE_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Route } from '../http/route.ts';
import { createDatabases } from './databases.ts';
import { influxV1Errors, influxV2Errors, influxV3Errors } from './errors.ts';
import { writeV1, writeV2, writeV3 } from './write.ts';
import type { InfluxDependencies } from './write.ts';

/** Clients choose their dialect by it: the level of the 1.x API spoken here. */
const API_LEVEL = '1.8.10';

async function ping(exchange: Exchange): Promise<void> {
  const headers = { 'X-Influxdb-Version': API_LEVEL, 'X-Influxdb-Build': 'OSS' };
  const isVerbose = !['', 'false', '0'].includes(exchange.search.get('verbose') ?? '');
  if (!isVerbose) return exchange.send({ status: 204, headers });
  exchange.send({
    status: 200,
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ version: API_LEVEL }),
  });
}

async function health(exchange: Exchange): Promise<void> {
  exchange.sendJson(200, {
    name: 'influxdb',
    message: 'ready for queries and writes',
    status: 'pass',
    checks: [],
    version: API_LEVEL,
  });
}

export function influxRoutes(deps: InfluxDependencies): readonly Route[] {
  const common = { prefix: '/influxdb', tenantScope: 'tenant' } as const;
  const writing = {
    method: 'POST',
    permission: 'write',
    bodyLimitBytes: WRITE_BODY_BYTES_MAX,
    // Clients of 1.x send `u` and `p`.
    tokenParameter: 'p',
  } as const;
  const asking = { method: 'GET', permission: 'none', bodyLimitBytes: 0 } as const;
  const open = { ...common, ...asking, tenantScope: 'server', errors: influxV1Errors } as const;
  return [
    {
      ...common,
      ...writing,
      path: '/write',
      errors: influxV1Errors,
      handler: (exchange) => writeV1(deps, exchange),
    },
    {
      ...common,
      ...writing,
      path: '/api/v2/write',
      errors: influxV2Errors,
      handler: (exchange) => writeV2(deps, exchange),
    },
    {
      ...common,
      ...writing,
      path: '/api/v3/write_lp',
      errors: influxV3Errors,
      handler: (exchange) => writeV3(deps, exchange),
    },
    { ...open, path: '/query', handler: createDatabases },
    {
      ...open,
      path: '/query',
      method: 'POST',
      bodyLimitBytes: FORM_BODY_BYTES_MAX,
      handler: createDatabases,
    },
    { ...open, path: '/ping', handler: ping },
    { ...open, path: '/health', handler: health },
  ];
}
