// How each route of the table that writes is written to: one sample of one series, whose name is
// `crossed` or begins so. A writing route without a row here fails the tests that walk the table.
import { productRoutes } from '../../src/app/server/routes.ts';
import type { RouteDependencies } from '../../src/app/server/routes.ts';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import * as otlpMessages from './otlp.ts';
import { bytesField, doubleField, varintField } from './protobuf-writer.ts';

/** One sample of one series as a protocol writes it. */
interface RouteWriter {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: (n: number, tMs: number, value: number) => string | Uint8Array<ArrayBuffer>;
}

const influx: RouteWriter = {
  query: '?precision=ms',
  body: (n, tMs, value) => `crossed,n=${n} value=${value} ${tMs}`,
};

function remoteWrite(n: number, tMs: number, value: number): Uint8Array<ArrayBuffer> {
  const label = (name: string, text: string) =>
    bytesField(1, [...bytesField(1, name), ...bytesField(2, text)]);
  const sample = bytesField(2, [...doubleField(1, value), ...varintField(2, tMs)]);
  const series = [...label('__name__', 'crossed'), ...label('n', String(n)), ...sample];
  return new Uint8Array(encodeSnappy(Uint8Array.from(bytesField(1, series))));
}

const otlp: RouteWriter = {
  headers: { 'Content-Type': 'application/x-protobuf' },
  body: (n, tMs, value) =>
    otlpMessages.request([
      otlpMessages.gauge({ name: 'crossed' }, [
        { timeNs: BigInt(tMs) * 1_000_000n, value, attributes: { n: String(n) } },
      ]),
    ]),
};

function opentsdb(n: number, timestamp: number, value: number): string {
  return JSON.stringify({ metric: 'crossed', timestamp, value, tags: { n: String(n) } });
}

/** Names its series by plugin and data source, and has no labels of its sender's choice. */
function collectd(n: number, tMs: number, value: number): string {
  const source = { dsnames: ['value'], host: 'h', plugin: 'crossed', type: 'gauge' };
  return JSON.stringify([
    { ...source, values: [value], time: tMs / 1000, type_instance: String(n) },
  ]);
}

export const ROUTE_WRITERS: ReadonlyMap<string, RouteWriter> = new Map<string, RouteWriter>([
  ['/api/v1/write', { body: remoteWrite }],
  ['/api/v1/push', { body: remoteWrite }],
  ['/write', influx],
  ['/api/v2/write', influx],
  ['/api/v3/write_lp', influx],
  ['/api/put', { body: opentsdb }],
  ['/api/v1/put', { body: opentsdb }],
  ['/graphite/api/v1/sink', { body: (n, tMs, value) => `crossed;n=${n} ${value} ${tMs / 1000}\n` }],
  [
    '/api/v0/update',
    { body: (n, tMs, value) => `${tMs * 1000}// crossed{n=${n}} ${value.toFixed(1)}` },
  ],
  ['/collectd', { body: collectd }],
  ['/v1/metrics', otlp],
  ['/api/v1/otlp/v1/metrics', otlp],
  ['/opentelemetry/v1/metrics', otlp],
  ['/api/v1/import/prometheus', { body: (n, tMs, value) => `crossed{n="${n}"} ${value} ${tMs}\n` }],
  [
    '/api/v1/import/csv',
    {
      query: '?format=1:label:n,2:metric:crossed,3:time:unix_ms',
      body: (n, tMs, value) => `${n},${value},${tMs}\n`,
    },
  ],
  [
    '/api/v1/import',
    {
      body: (n, tMs, value) =>
        JSON.stringify({
          metric: { __name__: 'crossed', n: String(n) },
          values: [value],
          timestamps: [tMs],
        }),
    },
  ],
]);

/**
 * The table itself needs nothing; only handlers do. `/meta` writes no points, and the Pushgateway
 * takes no times.
 */
export const WRITE_ROUTES = productRoutes({} as RouteDependencies).filter(
  ({ permission, path }) =>
    permission === 'write' && path !== '/api/v0/meta' && !path.startsWith('/metrics/'),
);
