// The Prometheus API of a real server beyond queries: exemplars, search, targets, what a server
// tells of itself. Answers to compare with are those of Prometheus 3.15.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { bytesField, doubleField, varintField } from '../support/protobuf-writer.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect', '--retention', '100w', '--retention-bytes', '1GiB']);
  const names = ['http_requests_total', 'http_errors_total', 'up', 'Über.temp'];
  const body = names.flatMap((name, i) => seriesMessage(name, i));
  const wrote = await orrery.post(
    '/api/v1/write',
    new Uint8Array(encodeSnappy(Uint8Array.from(body))),
    {
      headers: { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' },
    },
  );
  assert.equal(wrote.status, 204, wrote.text);
});
after(() => orrery.stop());

const label = (name: string, value: string): number[] =>
  bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]);

/** A series with one sample; the first two have an exemplar. */
function seriesMessage(name: string, index: number): number[] {
  const exemplar = [
    ...label('trace_id', `t${index}`),
    ...doubleField(2, index + 0.5),
    ...varintField(3, T * 1000 + index),
  ];
  return bytesField(1, [
    ...label('__name__', name),
    ...label('instance', `h${index}`),
    ...bytesField(2, [...doubleField(1, index), ...varintField(2, T * 1000)]),
    ...(index < 2 ? bytesField(3, exemplar) : []),
  ]);
}

interface Api {
  readonly status: string;
  readonly data: unknown;
  readonly errorType?: string;
  readonly error?: string;
}

async function get(path: string, params: readonly (readonly [string, string])[] = []) {
  const query = new URLSearchParams(params.map(([name, value]) => [name, value])).toString();
  const answer = await orrery.get(`/api/v1/${path}?${query}`);
  return { status: answer.status, headers: answer.headers, text: answer.text };
}

async function data(path: string, params: readonly (readonly [string, string])[] = []) {
  const { status, text } = await get(path, params);
  assert.equal(status, 200, text);
  return (JSON.parse(text) as Api).data;
}

async function refused(path: string, params: readonly (readonly [string, string])[] = []) {
  const { status, text } = await get(path, params);
  const { errorType, error } = JSON.parse(text) as Api;
  return [status, errorType, error];
}

test('exemplars of the series that an expression selects', async () => {
  const query = 'rate(http_requests_total[5m]) / {__name__=~"http_.*"}';
  assert.deepEqual(await data('query_exemplars', [['query', query]]), [
    {
      seriesLabels: { __name__: 'http_errors_total', instance: 'h1' },
      exemplars: [{ labels: { trace_id: 't1' }, value: '1.5', timestamp: T + 0.001 }],
    },
    {
      seriesLabels: { __name__: 'http_requests_total', instance: 'h0' },
      exemplars: [{ labels: { trace_id: 't0' }, value: '0.5', timestamp: T }],
    },
  ]);
  assert.deepEqual(
    await data('query_exemplars', [
      ['query', query],
      ['end', '5'],
    ]),
    [],
  );
  assert.equal((await get('query_exemplars', [['query', '1']])).status, 204);
  assert.deepEqual(await refused('query_exemplars'), [
    400,
    'bad_data',
    'unknown position: parse error: no expression found in input',
  ]);
});

test('search gives lines of JSON in batches', async () => {
  const range = [
    ['start', String(T - 10)],
    ['end', String(T + 10)],
  ] as const;
  const lines = async (path: string, params: readonly (readonly [string, string])[]) => {
    const { headers, text } = await get(`search/${path}`, [...range, ...params]);
    assert.equal(headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  };
  const done = { status: 'success', has_more: false };
  assert.deepEqual(await lines('metric_names', [['search[]', 'http']]), [
    { results: [{ name: 'http_errors_total' }, { name: 'http_requests_total' }] },
    done,
  ]);
  const [best] = (await lines('metric_names', [
    ['search[]', 'reqs'],
    ['sort_by', 'score'],
    ['include_score', 'true'],
  ])) as [{ results: { name: string; score: number }[] }];
  assert.equal(best.results[0]!.name, 'http_requests_total');
  assert.ok(best.results[0]!.score > 0.5 && best.results[0]!.score < 1);
  assert.deepEqual(
    await lines('label_values', [
      ['label', 'instance'],
      ['batch_size', '2'],
      ['limit', '3'],
      ['sort_by', 'alpha'],
      ['sort_dir', 'dsc'],
    ]),
    [
      { results: [{ value: 'h3' }, { value: 'h2' }] },
      { results: [{ value: 'h1' }] },
      { ...done, has_more: true },
    ],
  );
  assert.deepEqual(await lines('label_names', [['search[]', 'zzz']]), [{ results: [] }, done]);
  const folded = await lines('metric_names', [
    ['search[]', 'über'],
    ['case_sensitive', 'false'],
  ]);
  assert.deepEqual(folded[0], { results: [{ name: 'Über.temp' }] });
  assert.deepEqual(await refused('search/label_values'), [
    400,
    'bad_data',
    'missing required parameter "label"',
  ]);
  assert.deepEqual((await refused('search/label_names', [['limit', '10001']]))[0], 400);
});

test('what a server tells of itself', async () => {
  const build = (await data('status/buildinfo')) as Record<string, string>;
  assert.match(build['version']!, /^3\./);
  const runtime = (await data('status/runtimeinfo')) as Record<string, unknown>;
  assert.equal(runtime['storageRetention'], '100w or 1GiB');
  assert.ok(Math.abs(Date.parse(String(runtime['serverTime'])) - Date.now()) < 60_000);
  const flags = (await data('status/flags')) as Record<string, string>;
  assert.equal(flags['collect'], 'false');
  assert.match(flags['memory']!, /^[1-9]\d*[MG]iB$/, 'what half of the machine comes to');
  const { yaml } = (await data('status/config')) as { yaml: string };
  assert.match(yaml, /^retention: "100w"$/m);
  const features = (await data('features')) as Record<string, Record<string, boolean>>;
  assert.equal(features['promql']!['delayed_name_removal'], false);
  assert.equal(features['promql_functions']!['rate'], true);
  const own = (await data('status/self_metrics', [['metric_name_pattern', 'orrery_build_.*']])) as {
    name: string;
  }[];
  assert.deepEqual(
    own.map(({ name }) => name),
    ['orrery_build_info'],
  );
  const tsdb = (await data('status/tsdb', [['limit', '1']])) as {
    headStats: { numSeries: number; numLabelPairs: number };
    seriesCountByLabelValuePair: unknown;
    memoryInBytesByLabelName: unknown;
  };
  assert.equal(tsdb.headStats.numSeries, 4);
  assert.equal(tsdb.headStats.numLabelPairs, 8);
  assert.deepEqual(tsdb.seriesCountByLabelValuePair, [
    { name: '__name__=http_errors_total', value: 1 },
  ]);
  assert.deepEqual(tsdb.memoryInBytesByLabelName, [{ name: '__name__', value: 48 }]);
  assert.deepEqual(await refused('status/tsdb', [['limit', '0']]), [
    400,
    'bad_data',
    'limit must be a positive number',
  ]);
});

test('a server that collects nothing has no targets', async () => {
  assert.deepEqual(await data('targets'), {
    activeTargets: [],
    droppedTargets: [],
    droppedTargetCounts: {},
  });
  assert.deepEqual(await data('targets/metadata'), []);
  assert.deepEqual(await data('scrape_pools'), { scrapePools: [] });
  assert.deepEqual(await refused('scrape_pools/config', [['scrapePool', 'x']]), [
    400,
    'bad_data',
    'error retrieving scrape config: scrape pool "x" not found',
  ]);
});

test('a collecting server shows its targets, to its own tenant', async () => {
  const collecting = await startOrrery(['--collect-interval', '1s']);
  try {
    const ask = async (path: string, init: RequestInit = {}): Promise<unknown> =>
      (JSON.parse((await collecting.get(`/api/v1/${path}`, init)).text) as Api).data;
    interface Target {
      readonly labels: { readonly job: string };
      readonly health: string;
    }
    let targets: readonly Target[] = [];
    for (let tries = 0; tries < 100 && targets[1]?.health !== 'up'; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      targets = ((await ask('targets')) as { activeTargets: Target[] }).activeTargets;
    }
    assert.deepEqual(
      targets.map(({ labels, health }) => [labels.job, health]),
      [
        ['node', 'up'],
        ['orrery', 'up'],
      ],
    );
    const metadata = (await ask('targets/metadata?metric=orrery_build_info')) as unknown[];
    assert.equal(metadata.length, 1, JSON.stringify(metadata));
    const { yaml } = (await ask('scrape_pools/config?scrapePool=node')) as { yaml: string };
    assert.match(yaml, /^job_name: node$/m);
    const foreign = await ask('targets', { headers: { 'X-Scope-OrgID': 'other' } });
    assert.deepEqual((foreign as { activeTargets: unknown }).activeTargets, []);
  } finally {
    await collecting.stop();
  }
});

test('rules look at their parameters, notices at nobody', async () => {
  assert.deepEqual(
    await data('rules', [
      ['type', 'alert'],
      ['group_limit', '3'],
    ]),
    { groups: [] },
  );
  const cases = [
    ['type', 'x', /invalid parameter "type": not supported value "x"/],
    ['exclude_alerts', 'maybe', /"exclude_alerts": .*parsing "maybe": invalid syntax/],
    ['group_limit', '0', /group_limit needs to be greater than 0/],
    ['group_limit', '2147483648', /parsing "2147483648": value out of range/],
    ['group_next_token', 'a', /group_limit needs to be present/],
    ['match[]', '{', /parse error/],
  ] as const;
  for (const [name, value, reason] of cases) {
    const [status, type, error] = await refused('rules', [[name, value]]);
    assert.deepEqual([status, type], [400, 'bad_data'], name);
    assert.match(String(error), reason);
  }
  assert.equal((await get('notifications/live')).status, 204);
});

test('durations that come to nothing, and patterns that stop short, are bad queries', async () => {
  for (const [query, reason] of [
    ['up[range()]', '3:10: duration must be greater than 0'],
    ['sum_over_time(up[5m:step()])', '20:26: duration must be greater than 0'],
    [
      'up{instance=~"h\\\\"}',
      '1:4: parse error: error parsing regexp: trailing backslash at end of expression: ``',
    ],
  ] as const)
    assert.deepEqual(await refused('query', [['query', query]]), [
      400,
      'bad_data',
      `invalid parameter "query": ${reason}`,
    ]);
});

test('what is said of samples has the position of the first argument', async () => {
  const lines = ['float', 'histogram'].map((kind, i) => {
    const t = T * 1000 - i * 1000;
    return kind === 'float'
      ? [...bytesField(2, [...doubleField(1, 3), ...varintField(2, t)])]
      : [...bytesField(4, [...varintField(1, 1), ...varintField(6, 1), ...varintField(15, t)])];
  });
  const series = bytesField(1, [...label('__name__', 'mixed'), ...lines.flat()]);
  const body = new Uint8Array(encodeSnappy(Uint8Array.from(series)));
  const headers = { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' };
  const wrote = await orrery.post('/api/v1/write', body, { headers });
  assert.equal(wrote.status, 204, wrote.text);
  for (const query of [
    'quantile_over_time(0.5, mixed[5m])',
    'quantile_over_time(0.5,mixed[5m:1s])',
  ]) {
    const { text } = await get('query', [
      ['query', query],
      ['time', String(T)],
    ]);
    const { infos } = JSON.parse(text) as { infos: string[] };
    assert.deepEqual(infos, [
      'PromQL info: ignored histograms in a range containing both floats and histograms for ' +
        'metric name "mixed" (1:20)',
    ]);
  }
});

test('a sample that is forced into order for several quantiles is counted once', async () => {
  const buckets = [
    ['0.5', 5],
    ['1', 4],
    ['+Inf', 10],
  ] as const;
  const series = buckets.flatMap(([le, value]) =>
    bytesField(1, [
      ...label('__name__', 'b_bucket'),
      ...label('le', le),
      ...bytesField(2, [...doubleField(1, value), ...varintField(2, T * 1000)]),
    ]),
  );
  const body = new Uint8Array(encodeSnappy(Uint8Array.from(series)));
  const headers = { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' };
  assert.equal((await orrery.post('/api/v1/write', body, { headers })).status, 204);
  const { text } = await get('query', [
    ['query', 'histogram_quantiles(b_bucket, "q", 0.1, 0.5, 0.9)'],
    ['time', String(T)],
  ]);
  const { infos } = JSON.parse(text) as { infos: string[] };
  assert.match(infos[0]!, /, over 1 samples from /);
});

test('statistics of a query', async () => {
  const query = [
    ['query', 'sum(up)'],
    ['time', String(T)],
  ] as const;
  const { stats } = (await data('query', [...query, ['stats', 'all']])) as {
    stats: { timings: Record<string, number>; samples: Record<string, unknown> };
  };
  assert.ok(stats.timings['execTotalTime']! > 0);
  assert.deepEqual(
    { ...stats.samples, peakSamples: 0 },
    {
      totalQueryableSamplesPerStep: [[T, 1]],
      totalQueryableSamples: 1,
      samplesReadPerStep: [[T, 1]],
      samplesRead: 1,
      peakSamples: 0,
    },
  );
  assert.equal(((await data('query', query)) as { stats?: unknown }).stats, undefined);
  assert.deepEqual(await refused('query', [...query, ['timeout', '-1']]), [
    503,
    'timeout',
    'query timed out in query execution',
  ]);
});
