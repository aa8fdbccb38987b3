// The same requests to the newest Prometheus and to Orrery, over the same series, written by remote
// write 2.0: status, type and body of each answer are the same, errors included. What differs on
// purpose is in docs/protocols/prometheus.md and not asked here.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeSnappy, encodeSnappy } from '../../src/codec/snappy.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { startBoth } from '../differential/reference.ts';
import type { BothServers } from '../differential/reference.ts';
import { bytesField, varintField } from '../support/protobuf-writer.ts';
import { requestV2 } from '../support/remote-write-v2.ts';
import type { SeriesV2 } from '../support/remote-write-v2.ts';

const T = Math.floor(Date.now() / 60_000) * 60 - 60;
const WRITE_2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';

const histogram = (k: number): Histogram => ({
  isInteger: true,
  schema: 1,
  zeroThreshold: 0.001,
  zeroCount: 1 + k,
  count: 4 + k * 4,
  sum: 10 * k,
  counterResetHint: 0,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveBuckets: Float64Array.of(1 + k, 2 + 2 * k),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
});

const fine = (schema: number, k: number): Histogram => ({
  ...histogram(k),
  isInteger: schema !== 12,
  schema,
  count: 6 * (1 + k),
  positiveSpans: [
    { offset: -3, length: 3 },
    { offset: 5, length: 1 },
  ],
  positiveBuckets: Float64Array.of(1, 1, 1, 1).map((count) => count * (1 + k)),
  negativeSpans: [{ offset: 2 ** 30, length: 1 }],
  negativeBuckets: Float64Array.of(1 + k),
});

const steps = Array.from({ length: 60 }, (_, k) => k);
const SERIES: readonly SeriesV2[] = [
  ...Array.from({ length: 5 }, (_, i) => ({
    labels: ['__name__', 'up', 'instance', `h${i}`, 'job', i % 2 === 0 ? 'b' : 'a'],
    samples: steps.map((k) => ({ value: i / 3, tMs: (T - 600 + k * 10) * 1000 })),
  })),
  {
    labels: ['__name__', 'http_requests_total', 'code', '200'],
    samples: steps.map((k) => ({ value: k * 7, tMs: (T - 600 + k * 10) * 1000 })),
    exemplars: [{ labels: ['trace_id', 'abc'], value: 3.5, tMs: (T - 100) * 1000 }],
  },
  { labels: ['__name__', 'a.b c', 'x.y', 'é'], samples: [{ value: 1.5e7, tMs: T * 1000 }] },
  {
    labels: ['__name__', 'gone'],
    samples: [
      { value: 1, tMs: (T - 60) * 1000 },
      { value: 0x7ff0000000000002n, tMs: (T - 10) * 1000 },
    ],
  },
  {
    labels: ['__name__', 'h'],
    histograms: steps.map((k) => ({ histogram: histogram(k), tMs: (T - 600 + k * 10) * 1000 })),
  },
  {
    labels: ['__name__', 'mixed'],
    samples: steps.slice(0, 40).map((k) => ({ value: k, tMs: (T - 600 + k * 10) * 1000 })),
  },
  {
    labels: ['__name__', 'mixed'],
    histograms: steps
      .slice(40)
      .map((k) => ({ histogram: histogram(k), tMs: (T - 600 + k * 10) * 1000 })),
  },
  // Finer than is stored: buckets are merged to schema 8.
  ...[9, 12, 31].map((schema) => ({
    labels: ['__name__', 'fine', 'schema', String(schema)],
    histograms: steps.map((k) => ({ histogram: fine(schema, k), tMs: (T - 600 + k * 10) * 1000 })),
  })),
];

let servers: BothServers;
before(async () => {
  servers = await startBoth();
});
after(() => servers.end());

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Buffer;
  readonly headers: Headers;
}

async function get(url: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(url, init);
  const body = Buffer.from(await answer.arrayBuffer());
  const { status, headers } = answer;
  return { status, type: headers.get('content-type'), body, headers };
}

async function both(path: string, init: RequestInit = {}): Promise<readonly [Answer, Answer]> {
  return await Promise.all([get(servers.reference + path, init), get(servers.orrery + path, init)]);
}

/** Keys in order, series in order where Prometheus promises none; statistics apart. */
function canonical(path: string, body: Buffer): string {
  const text = body.toString();
  if (!text.startsWith('{') || path.includes('/search/')) return text;
  const answer = JSON.parse(text) as { data?: { result?: unknown[]; stats?: unknown } };
  if (answer.data?.stats !== undefined) delete answer.data.stats;
  const list = answer.data?.result ?? answer.data;
  const ordered = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(ordered);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, inner]) => [key, ordered(inner)]));
  };
  if (Array.isArray(list) && /\/(?:series|query)\?/.test(path))
    list.sort((a, b) => (JSON.stringify(ordered(a)) < JSON.stringify(ordered(b)) ? -1 : 1));
  return JSON.stringify(ordered(answer));
}

const RANGE = `start=${T - 100}&end=${T}&step=10`;
const SEARCH = `start=${T - 700}&end=${T + 10}`;
const under = (path: string, questions: readonly string[]): string[] =>
  questions.map((text) => path + text);

const INSTANT = [
  'query=up&limit=2',
  'query=up',
  'query="a"',
  'query=up[1m]',
  'query=h',
  'query=sum(rate(h[5m]))',
  'query=histogram_quantile(2,h)',
  'query=rate(up[5m])',
  'query=gone',
  'query=fine',
  'query=rate(fine[5m])',
  'query=histogram_quantile(0.4,fine)',
  'query={"a.b c"}',
  'query={"x.y"="é"}',
  'query=up&query=down',
  'query=up&lookback_delta=-5',
  'query=up&lookback_delta=1s',
  'query=1&stats=foo',
  'query=',
  'query=1&limit=x',
  'query=1&limit=-1',
  'query=up&limit=9223372036854775807',
  'query=1&limit=99999999999999999999',
  'query=1&timeout=x',
  'query=1&lookback_delta=x',
  'query=sum(',
  'query=up{a=~"("}',
  'query=up{a=~"[a"}',
  'query=up{a=~"h\\\\"}',
  'query=up[range()]',
  'query=sum_over_time(up[5m:step()])',
  'query=quantile_over_time(0.5, mixed[5m])',
  'query=foo bar',
  'query=up on up',
  'query=1)',
  'query=1e309',
  'query=1__0',
];
const PATHS = [
  ...INSTANT.map((text) => `query?${text}&time=${T}`),
  'query?query=1&time=abc',
  'query?query=1&time=2026-01-01t00:00:00z',
  ...under('query_range?', [
    `${RANGE}&query=up`,
    `${RANGE}&query=up&limit=1`,
    `${RANGE}&query=h`,
    `${RANGE}&query=sum(`,
    'query=up',
    'query=up&start=5&end=1&step=1',
    'query=up&start=1&end=5&step=0',
    'query=up&start=1&end=5&step=1e300',
    'query=up&start=1&end=1000000&step=1',
    'query=up[5m]&start=1&end=10&step=1',
    'query="a"&start=1&end=10&step=1',
  ]),
  ...under('query_exemplars', [
    '',
    '?query=1',
    '?query=http_requests_total',
    '?query=up&start=5&end=1',
    '?query=up{a=~"("}',
    `?query=rate(http_requests_total[5m])/up&start=${T - 200}&end=${T}`,
  ]),
  ...under('labels', [
    '',
    '?limit=1',
    '?match[]=up',
    '?match[]=up&match[]=h&limit=2',
    '?match[]=up[5m]',
    '?match[]={}',
    '?start=x',
    '?start=5&end=1',
    '?limit=1.5',
    '?match[]=',
  ]),
  ...under('label/', [
    'job/values',
    'job/values?match[]=up{job="a"}',
    'job/values?limit=1',
    'nope/values',
    'U__x_2e_y/values',
    'U__/values',
    'x.y/values',
    'a%20b/values',
    'job/values?match[]=up[',
  ]),
  ...under('series', [
    '',
    '?match[]=up',
    '?match[]=up&limit=9',
    '?match[]=up&match[]=h',
    '?match[]={}',
    '?match[]=up[',
    '?match[]=up&end=x',
    '?match[]={job=~"("}',
  ]),
  ...under('metadata?', [
    'limit_per_metric=9223372036854775807',
    'limit=x',
    'limit=0',
    'limit_per_metric=x',
    'metric=no',
  ]),
  'format_query?query=sum(rate(x[5m]))by(job)',
  'format_query',
  'parse_query?query=-up[5m:]',
  ...under('targets', ['', '?state=dropped', '/metadata', '/metadata?limit=x']),
  ...under('targets/relabel_steps', ['', '?scrapePool=x']),
  ...under('scrape_pools', ['', '/config', '/config?scrapePool=x']),
  'alertmanagers',
  ...under('rules', [
    '',
    '?type=alert&exclude_alerts=T',
    '?type=x',
    '?exclude_alerts=maybe',
    '?match[]={',
    '?match[]=up&type=record',
    '?group_limit=x',
    '?group_limit=0',
    '?group_limit=2147483648',
    '?group_limit=3',
    '?group_next_token=a',
    '?group_limit=3&group_next_token=a',
    '?rule_name[]=a&rule_group[]=b&file[]=c',
  ]),
  'alerts',
  'notifications',
  ...under('status/', ['walreplay', 'tsdb/blocks', 'tsdb?limit=0', 'tsdb?limit=20000']),
  'status/self_metrics?metric_name_pattern=nope',
  ...[
    'metric_names?',
    'metric_names?search[]=ht&include_score=true&',
    'metric_names?search[]=rqst&include_score=true&sort_by=score&',
    'metric_names?search[]=requets&fuzz_alg=jarowinkler&fuzz_threshold=50&include_score=1&',
    'metric_names?search[]=B&case_sensitive=false&include_score=true&',
    'label_names?batch_size=2&',
    'label_names?limit=2&',
    'label_names?sort_by=alpha&sort_dir=dsc&',
    'label_values?',
    'label_values?label=instance&search[]=h&search[]=4&include_score=1&',
    'label_names?limit=0&',
    'label_names?sort_by=x&',
    'label_names?fuzz_alg=x&',
    'label_names?fuzz_threshold=101&',
    'label_names?case_sensitive=2&',
  ].map((text) => `search/${text}${SEARCH}`),
];

/** Values percent-encoded as a client would. */
function encoded(path: string): string {
  const cut = path.indexOf('?');
  if (cut < 0 || path.endsWith('?')) return path;
  const pairs = path.slice(cut + 1).split('&');
  const params = pairs.map((pair): [string, string] => {
    const equals = pair.indexOf('=');
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  return `${path.slice(0, cut)}?${new URLSearchParams(params).toString()}`;
}

test('remote write 2.0 counts the same', async () => {
  const body = new Uint8Array(encodeSnappy(requestV2(SERIES)));
  const headers = { 'Content-Type': WRITE_2, 'Content-Encoding': 'snappy' };
  const answers = await both('/api/v1/write', { method: 'POST', body, headers });
  const [theirs, ours] = answers.map((answer) => [
    answer.status,
    ...['samples', 'histograms', 'exemplars'].map((what) =>
      answer.headers.get(`x-prometheus-remote-write-${what}-written`),
    ),
  ]);
  assert.equal(theirs![0], 204);
  assert.deepEqual(ours, theirs);
});

test('paths, parameters and errors', async () => {
  const differing: string[] = [];
  for (const path of PATHS) {
    const url = `/api/v1/${encoded(path)}`;
    const [theirs, ours] = await both(url);
    const shown = ({ status, type, body }: Answer): string =>
      `${status} ${type} ${canonical(url, body)}`;
    if (shown(theirs) !== shown(ours))
      differing.push(`${path}\n  ${shown(theirs).slice(0, 400)}\n  ${shown(ours).slice(0, 400)}`);
  }
  console.log(`${PATHS.length} requests, ${differing.length} answers differ`);
  assert.deepEqual(differing, []);
});

test('remote read of floats, and federation, byte by byte', async () => {
  const matcher = [...varintField(1, 2), ...bytesField(2, '__name__'), ...bytesField(3, 'http_.*')];
  const query = [
    ...varintField(1, (T - 700) * 1000),
    ...varintField(2, T * 1000),
    ...bytesField(3, matcher),
  ];
  const body = new Uint8Array(encodeSnappy(Uint8Array.from(bytesField(1, query))));
  const headers = { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' };
  const reads = await both('/api/v1/read', { method: 'POST', body, headers });
  const [theirs, ours] = reads.map((answer) => decodeSnappy(answer.body, 1e8));
  // One series: Prometheus promises no order of them here.
  assert.ok(theirs!.length > 1000);
  assert.deepEqual(Buffer.from(ours!), Buffer.from(theirs!));
  const path = `/federate?${new URLSearchParams([['match[]', '{__name__=~".+"}']]).toString()}`;
  const protobuf =
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
  for (const accept of ['text/plain', 'text/plain;escaping=values', protobuf, '*/*']) {
    const [reference, orrery] = await both(path, { headers: { Accept: accept } });
    assert.equal(orrery.type, reference.type);
    assert.ok(reference.body.length > 100);
    assert.deepEqual(orrery.body, reference.body, accept);
  }
});
