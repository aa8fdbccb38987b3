// How each route is asked by somebody who guesses the names of another tenant. A route without a
// row here fails the walk: who adds one says how it is tried.
import { encodeSnappy } from '../../../src/codec/snappy.ts';
import * as otlp from '../../support/otlp.ts';
import { bytesField, doubleField, varintField } from '../../support/protobuf-writer.ts';
import { END_SEC, form, RANGE, START_SEC, V2_HEADERS, writtenSeries } from './secrets.ts';

export interface Guess {
  /** In all names that are guessed. */
  readonly mark: string;
  /** Who asks. */
  readonly own: string;
  /** Of the token that asks; 'none' where nobody needs one. */
  readonly ownTokenId: string;
  /** Name of the tenant that is guessed. */
  readonly tenant: string;
  readonly queryId: string;
  /** Of a token of that tenant. */
  readonly tokenId: string;
  readonly snapshot: string;
}

export interface Visit {
  /** Of the path, as they are sent. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>> | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

type Visits = (guess: Guess) => readonly Visit[];

const NOTHING: Visits = () => [{}];
const BODY: Visits = () => [{ body: '' }];
const T_MS = END_SEC * 1000;
const EVER = { start: '-9000000000', end: '9000000000' };

function expressions({ mark }: Guess): readonly string[] {
  const name = `${mark}_metric`;
  return [
    name,
    `{__name__=~"${mark}.*"}`,
    `{${mark}_label=~".+"}`,
    `{${mark}_label!~"${mark}"}`,
    '{__name__=~".*"}',
    '{__name__!=""}',
    `absent(${name})`,
    `absent_over_time(${name}[1h])`,
    `${name} or {__name__=~".+"} or vector(1)`,
    `max_over_time(${name}[1h:5m])`,
    `count by (__name__) ({__name__=~".+"})`,
    `count_values("v", {__name__=~"${mark}.+"})`,
    `label_replace(vector(1), "x", "$1", "__name__", "(.*)") or ${name}`,
    `last_over_time({team="b"}[1h])`,
    `sum(${name} @ end()) or sum(${name} offset 5m)`,
    // What a key of kept results might look like to somebody who tries to write one.
    `${name}"]],["b"`,
    `${name} # ","b",[],["-Infinity"`,
  ];
}

function selectors({ mark }: Guess): readonly string[] {
  return [
    `${mark}_metric`,
    `{__name__=~"${mark}.*"}`,
    `{${mark}_label=~".+"}`,
    '{__name__=~".+"}',
    '{team="b"}',
  ];
}

/** Parameters in the query string, or the same as a form. */
type Params = readonly Readonly<Record<string, string>>[];

function both(path: string, params: (guess: Guess) => Params): readonly [string, Visits][] {
  return [
    [`GET ${path}`, (guess) => params(guess).map((query) => ({ query }))],
    [`POST ${path}`, (guess) => params(guess).map(formVisit)],
  ];
}

function formVisit(params: Readonly<Record<string, string>>): Visit {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return { headers, body: form(params) };
}

const INSTANT = { time: String(END_SEC) };

const queried = (guess: Guess): Params =>
  expressions(guess).map((query) => ({ query, ...INSTANT }));
const ranged = (guess: Guess): Params => expressions(guess).map((query) => ({ query, ...RANGE }));
const matched = (guess: Guess): Params =>
  selectors(guess).map((match) => ({ 'match[]': match, ...EVER }));
const searched = (guess: Guess): Params =>
  ['', guess.mark, 'hu', 't'].map((term) => ({
    'search[]': term,
    label: `${guess.mark}_label`,
    ...EVER,
    include_metadata: 'true',
    include_score: 'true',
  }));

function label(name: string, value: string): readonly number[] {
  return bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]);
}

function remoteWrite({ mark }: Guess): Uint8Array<ArrayBuffer> {
  const sample = bytesField(2, [...doubleField(1, 1), ...varintField(2, T_MS)]);
  const series = [...label('__name__', `${mark}_metric`), ...label(`${mark}_label`, 'x')];
  return new Uint8Array(encodeSnappy(Uint8Array.from(bytesField(1, [...series, ...sample]))));
}

function remoteRead({ mark }: Guess, types: readonly number[]): Uint8Array<ArrayBuffer> {
  const matcher = (type: number, name: string, value: string): readonly number[] =>
    bytesField(3, [...varintField(1, type), ...bytesField(2, name), ...bytesField(3, value)]);
  const query = (own: readonly number[]): readonly number[] =>
    bytesField(1, [
      ...varintField(1, START_SEC * 1000),
      ...varintField(2, (END_SEC + 60) * 1000),
      ...own,
    ]);
  const message = [
    ...query(matcher(0, '__name__', `${mark}_metric`)),
    ...query(matcher(2, '__name__', '.+')),
    ...query(matcher(1, 'none', 'x')),
    ...types.flatMap((type) => varintField(2, type)),
  ];
  return new Uint8Array(encodeSnappy(Uint8Array.from(message)));
}

const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
const SNAPPY = { ...PROTOBUF, 'Content-Encoding': 'snappy' };

const lines: Visits = ({ mark }) => [
  { query: { precision: 's' }, body: `${mark}a,team=a b=1 ${END_SEC}\n${mark}bad x y` },
  { query: { precision: 's', db: 'hu', bucket: 'x' }, body: `${mark}c v=2 ${END_SEC}` },
];
const puts: Visits = ({ mark }) => [
  {
    query: 'details&summary',
    body: JSON.stringify([
      { metric: `${mark}.put`, timestamp: T_MS, value: 1, tags: { team: 'a' } },
      { metric: `${mark}.put`, timestamp: 'no', value: 1, tags: {} },
    ]),
  },
];
const otlpMetrics: Visits = ({ mark }) => [
  {
    headers: PROTOBUF,
    body: otlp.request([
      otlp.gauge({ name: `${mark}_otlp`, description: 'mine' }, [
        { timeNs: BigInt(T_MS) * 1_000_000n, value: 1, attributes: { team: 'a' } },
      ]),
    ]),
  },
];
const pushes: Visits = ({ mark }) => [
  {
    params: { job: `${mark}job`, job64: Buffer.from(`${mark}job`).toString('base64url') },
    body: `# HELP ${mark}_push mine\n${mark}_push{team="a"} 1\n`,
  },
];
const removals: Visits = (guess) =>
  [...pushes(guess)].map(({ params }) => ({ params: params!, body: '' }));
const warp10: Visits = ({ mark }) =>
  [`${mark}_metric{}`, `~${mark}.*{}`, '~.*{}'].map((selector) => ({
    query: { selector, deleteall: '' },
    headers: { 'X-Warp10-Token': 'x' },
  }));
const snapshotName: Visits = ({ snapshot }) => [{ params: { name: snapshot } }];

const explained: Visits = (guess) => [
  { query: { protocol: 'influx', precision: 's' }, body: lines(guess)[0]!.body! },
  { query: { protocol: guess.mark }, body: '' },
];

const TENANT: Visits = ({ own, tenant }) =>
  [own, tenant].map((name) => ({ params: { tenant: name } }));

const OTHER_TENANT: Visits = ({ tenant }) => [{ params: { tenant } }];
const TOKEN: Visits = ({ own, tenant, tokenId }) =>
  [own, tenant].map((name) => ({ params: { tenant: name, id: tokenId } }));

function tenantBody(body: string): Visits {
  return (guess) => TENANT(guess).map((one) => ({ ...one, body }));
}

const remoteWrites: Visits = (guess) => [
  { headers: SNAPPY, body: remoteWrite(guess) },
  { headers: V2_HEADERS, body: writtenSeries(guess.mark, 'own', 11) },
  { headers: SNAPPY, body: `${guess.mark} no message` },
];

const ROWS: readonly (readonly [string, Visits])[] = [
  ...both('/api/v1/query', queried),
  ...both('/api/v1/query_range', ranged),
  ...both('/api/v1/query_exemplars', (guess) =>
    selectors(guess).map((query) => ({ query, ...EVER })),
  ),
  ...both('/api/v1/parse_query', queried),
  ...both('/api/v1/format_query', queried),
  ...both('/api/v1/series', matched),
  ...both('/api/v1/labels', (guess) => [...matched(guess), EVER]),
  [
    'GET /api/v1/label/:name/values',
    (guess) =>
      [`${guess.mark}_label`, '__name__', 'team', 'job', 'db', '__origin__'].flatMap((name) =>
        [...matched(guess), EVER].map((query) => ({ params: { name }, query })),
      ),
  ],
  [
    'GET /api/v1/metadata',
    ({ mark }) => [{}, { query: { metric: `${mark}_metric` } }, { query: { limit: '5' } }],
  ],
  ...both('/api/v1/search/metric_names', searched),
  ...both('/api/v1/search/label_names', searched),
  ...both('/api/v1/search/label_values', searched),
  ['GET /api/v1/scrape_pools', NOTHING],
  ['GET /api/v1/scrape_pools/config', ({ mark }) => [{ query: { scrapePool: `${mark}job` } }]],
  ['GET /api/v1/targets', ({ mark }) => [{}, { query: { scrapePool: `${mark}job` } }]],
  ['GET /api/v1/targets/metadata', ({ mark }) => [{}, { query: { metric: `${mark}_metric` } }]],
  [
    'GET /api/v1/targets/relabel_steps',
    ({ mark }) => [{ query: { scrapePool: `${mark}job`, labels: '{}' } }],
  ],
  ['GET /api/v1/rules', ({ mark }) => [{}, { query: { 'rule_name[]': mark } }]],
  ['GET /api/v1/alerts', NOTHING],
  ['GET /api/v1/alertmanagers', NOTHING],
  ['GET /api/v1/notifications', NOTHING],
  ['GET /api/v1/notifications/live', NOTHING],
  ['GET /api/v1/status/tsdb', () => [{}, { query: { limit: '10000' } }]],
  ['GET /api/v1/status/tsdb/blocks', NOTHING],
  ['GET /api/v1/status/buildinfo', NOTHING],
  ['GET /api/v1/status/runtimeinfo', NOTHING],
  ['GET /api/v1/status/walreplay', NOTHING],
  ['GET /api/v1/features', NOTHING],
  ['GET /api/v1/openapi.yaml', NOTHING],
  ['GET /api/v1/status/config', NOTHING],
  ['GET /api/v1/status/flags', NOTHING],
  ['GET /api/v1/status/self_metrics', NOTHING],
  ['POST /api/v1/write', remoteWrites],
  ['POST /api/v1/push', remoteWrites],
  [
    'POST /api/v1/read',
    (guess) => [[], [0], [1]].map((types) => ({ headers: SNAPPY, body: remoteRead(guess, types) })),
  ],
  ['GET /federate', (guess) => matched(guess).map((query) => ({ query }))],
  ...(['POST', 'PUT'] as const).flatMap((method): [string, Visits][] => [
    [`${method} /api/v1/admin/tsdb/delete_series`, (guess) => matched(guess).map(formVisit)],
    [`${method} /api/v1/admin/tsdb/snapshot`, BODY],
    [`${method} /api/v1/admin/tsdb/clean_tombstones`, BODY],
  ]),
  ['POST /write', lines],
  ['POST /api/v2/write', lines],
  ['POST /api/v3/write_lp', lines],
  ...both('/query', ({ mark }) => [
    { q: `CREATE DATABASE ${mark}db` },
    { q: `SELECT * FROM ${mark}a` },
    { q: 'SHOW DATABASES' },
  ]),
  ['GET /ping', () => [{}, { query: { verbose: 'true' } }]],
  ['GET /health', NOTHING],
  [
    'POST /graphite/api/v1/sink',
    ({ mark }) => [
      { body: `${mark}.path 1 ${END_SEC}\n${mark}_metric;team=a 1 ${END_SEC}\nbad\n` },
    ],
  ],
  ['POST /v1/metrics', otlpMetrics],
  ['POST /api/v1/otlp/v1/metrics', otlpMetrics],
  ['POST /opentelemetry/v1/metrics', otlpMetrics],
  ['POST /api/put', puts],
  ['POST /api/v1/put', puts],
  ['GET /api/version', NOTHING],
  [
    'POST /api/v0/update',
    ({ mark }) => [{ body: `${T_MS * 1000}// ${mark}_metric{team=a} 1\n${mark} no\n` }],
  ],
  [
    'POST /api/v0/meta',
    ({ mark }) => [{ body: `${mark}_metric{${mark}_label=x}{a=b}\n${mark}_metric{}{a=b}\n` }],
  ],
  ['GET /api/v0/delete', warp10],
  ['POST /api/v0/delete', warp10],
  [
    'POST /collectd',
    ({ mark }) => [
      {
        body: JSON.stringify([
          {
            dsnames: ['value'],
            host: 'h',
            plugin: mark,
            type: 'gauge',
            values: [1],
            time: END_SEC,
          },
          { plugin: mark },
        ]),
      },
    ],
  ],
  [
    'POST /api/v1/import/prometheus',
    ({ mark }) => [
      { body: `# HELP ${mark}_imported mine\n${mark}_imported{team="a"} 1 ${T_MS}\n` },
      { body: `${mark}{ no\n` },
    ],
  ],
  [
    'POST /api/v1/import',
    ({ mark }) => [
      {
        body: JSON.stringify({
          metric: { __name__: `${mark}_json`, team: 'a' },
          values: [1],
          timestamps: [T_MS],
        }),
      },
    ],
  ],
  [
    'POST /api/v1/import/csv',
    ({ mark }) => [
      { query: { format: `1:metric:${mark}_csv,2:time:unix_ms` }, body: `1,${T_MS}\nx,y\n` },
    ],
  ],
  ...both('/api/v1/export', (guess) => [
    ...matched(guess),
    ...matched(guess).map((one) => ({ ...one, exact: '1' })),
    { 'match[]': '{__name__=~".+"}', extra_label: 'team=b' },
  ]),
  ...both('/api/v1/export/csv', (guess) =>
    matched(guess).map((one) => ({ ...one, format: '__name__,__value__,__timestamp__' })),
  ),
  ['PUT /metrics/job/:job/*labels', pushes],
  ['POST /metrics/job/:job/*labels', pushes],
  ['DELETE /metrics/job/:job/*labels', removals],
  ['PUT /metrics/job@base64/:job64/*labels', pushes],
  ['POST /metrics/job@base64/:job64/*labels', pushes],
  ['DELETE /metrics/job@base64/:job64/*labels', removals],
  ['GET /api/v1/metrics', NOTHING],
  ['GET /-/healthy', NOTHING],
  ['GET /-/ready', NOTHING],
  ['GET /metrics', NOTHING],
  ['GET /orrery/v1/whoami', NOTHING],
  ['GET /orrery/v1/status', NOTHING],
  ['GET /orrery/v1/storage', NOTHING],
  ['GET /orrery/v1/collisions', NOTHING],
  ['GET /orrery/v1/refused-lines', NOTHING],
  ['GET /orrery/v1/breaches', NOTHING],
  ['POST /orrery/v1/ingest/explain', explained],
  ['GET /orrery/v1/relabel', () => [{}, { headers: { Accept: 'application/yaml' } }]],
  ['PUT /orrery/v1/relabel', () => [{ query: { dry_run: '1' }, body: '- action: x' }]],
  ['DELETE /orrery/v1/relabel', NOTHING],
  [
    'POST /orrery/v1/relabel/debug',
    ({ mark }) => [{ body: JSON.stringify({ labels: { __name__: mark } }) }, { body: mark }],
  ],
  ['POST /orrery/v1/relabel/preview', () => [{}, { query: { last: '90d' } }]],
  ['GET /orrery/v1/tenants/:tenant/retention', TENANT],
  ['PUT /orrery/v1/tenants/:tenant/retention', tenantBody('{"timeMs":null}')],
  ['DELETE /orrery/v1/tenants/:tenant/retention', TENANT],
  ['GET /orrery/v1/tenants', NOTHING],
  ['POST /orrery/v1/tenants', ({ tenant }) => [{ body: JSON.stringify({ name: tenant }) }]],
  ['GET /orrery/v1/tenants/:tenant', TENANT],
  ['PATCH /orrery/v1/tenants/:tenant', tenantBody('{"name":"another"}')],
  ['DELETE /orrery/v1/tenants/:tenant', OTHER_TENANT],
  ['GET /orrery/v1/tenants/:tenant/limits', TENANT],
  ['PUT /orrery/v1/tenants/:tenant/limits', tenantBody('{}')],
  ['PATCH /orrery/v1/tenants/:tenant/limits', tenantBody('{}')],
  ['GET /orrery/v1/tenants/:tenant/tokens', TENANT],
  [
    'POST /orrery/v1/tenants/:tenant/tokens',
    (guess) =>
      OTHER_TENANT(guess).map((one) => ({ ...one, body: '{"name":"x","permissions":["read"]}' })),
  ],
  ['GET /orrery/v1/tenants/:tenant/tokens/:id', TOKEN],
  ['DELETE /orrery/v1/tenants/:tenant/tokens/:id', TOKEN],
  ['GET /orrery/v1/tenants/:tenant/cardinality', TENANT],
  ['GET /orrery/v1/tenants/:tenant/growth', TENANT],
  ['GET /orrery/v1/tenants/:tenant/usage', TENANT],
  ['GET /orrery/v1/tenants/:tenant/breaches', TENANT],
  ['GET /orrery/v1/tenants/:tenant/refused-lines', TENANT],
  ['GET /orrery/v1/usage', ({ tenant }) => [{}, { query: { tenant } }]],
  ['GET /orrery/v1/audit', ({ tenant }) => [{}, { query: { tenant } }]],
  ['GET /orrery/v1/openapi.json', NOTHING],
  [
    'POST /orrery/v1/delete',
    (guess) => [
      ...matched(guess).map((one) => formVisit({ ...one, dry_run: '1' })),
      ...matched(guess).map(formVisit),
    ],
  ],
  ['DELETE /orrery/v1/delete', (guess) => matched(guess).map((query) => ({ query }))],
  ['POST /-/reload', BODY],
  ['PUT /-/reload', BODY],
  ['POST /orrery/v1/admin/flush', BODY],
  ['POST /orrery/v1/admin/compact', BODY],
  ['POST /orrery/v1/admin/snapshot', BODY],
  ['GET /orrery/v1/admin/snapshot', NOTHING],
  ['GET /orrery/v1/admin/snapshot/:name', snapshotName],
  ['DELETE /orrery/v1/admin/snapshot/:name', snapshotName],
  ['GET /orrery/v1/admin/snapshot/:name/files', snapshotName],
  [
    'GET /orrery/v1/admin/snapshot/:name/files/:path',
    ({ snapshot }) =>
      ['catalog.sqlite', '..%2f..%2fcatalog.sqlite'].map((path) => ({
        params: { name: snapshot, path },
      })),
  ],
  ['POST /orrery/v1/admin/clean_tombstones', BODY],
  ['GET /orrery/v1/queries', NOTHING],
  ['DELETE /orrery/v1/queries/:id', ({ queryId }) => [{ params: { id: queryId } }]],
  ...both('/orrery/v1/queries/estimate', (guess) => [...queried(guess), ...ranged(guess)]),
  ...both('/orrery/v1/queries/explain', (guess) => [...queried(guess), ...ranged(guess)]),
  ...['/', '/explore', '/metrics-browser', '/ingest', '/tenants', '/status'].map(
    (path): readonly [string, Visits] => [`GET ${path}`, NOTHING],
  ),
  ['GET /assets/:name', ({ mark }) => [{ params: { name: mark } }]],
  [
    'GET /:name',
    ({ mark }) => [{ params: { name: mark } }, { params: { name: '..%2fadmin-token' } }],
  ],
];

/** By method and path of the table. */
export const VISITS: ReadonlyMap<string, Visits> = new Map(ROWS);
