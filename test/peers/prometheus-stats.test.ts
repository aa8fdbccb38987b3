// `stats=all` at the newest Prometheus and at Orrery: the same shape, and the same samples, whole
// and by step. `peakSamples` is what an engine holds at a time, and each holds other things.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { startBoth } from '../differential/reference.ts';
import type { BothServers } from '../differential/reference.ts';
import { requestV2 } from '../support/remote-write-v2.ts';
import type { SeriesV2 } from '../support/remote-write-v2.ts';

const T = Math.floor(Date.now() / 60_000) * 60 - 60;
const WRITE_2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
const STALE = 0x7ff0000000000002n;

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

const steps = Array.from({ length: 120 }, (_, k) => k);
const atMs = (k: number): number => (T - 1200 + k * 10) * 1000;
const SERIES: readonly SeriesV2[] = [
  ...['a', 'b', 'c'].map((host, i) => ({
    labels: ['__name__', 'm_total', 'host', host, 'job', 'j', 'instance', host],
    samples: steps
      .filter((k) => k % (i + 7) !== 3)
      .map((k) => ({ value: k === 60 && i === 1 ? STALE : k * (i + 1), tMs: atMs(k) })),
  })),
  ...['a', 'b'].map((host) => ({
    labels: ['__name__', 'nh', 'host', host],
    histograms: steps.map((k) => ({ histogram: histogram(k), tMs: atMs(k) })),
  })),
  {
    labels: ['__name__', 'target_info', 'job', 'j', 'instance', 'a', 'v', '1'],
    samples: steps.map((k) => ({ value: 1, tMs: atMs(k) })),
  },
];

let servers: BothServers;
before(async () => {
  servers = await startBoth();
  const body = new Uint8Array(encodeSnappy(requestV2(SERIES)));
  const headers = { 'Content-Type': WRITE_2, 'Content-Encoding': 'snappy' };
  for (const url of [servers.reference, servers.orrery]) {
    const answer = await fetch(`${url}/api/v1/write`, { method: 'POST', body, headers });
    assert.equal(answer.status, 204, await answer.text());
  }
});
after(() => servers.end());

const QUERIES = [
  'm_total',
  'm_total + m_total',
  'sum(m_total)',
  'sum by (host) (rate(m_total[1m]))',
  'rate(m_total[35s])',
  'increase(m_total[10m]) / 2',
  'nh',
  'sum(nh)',
  'rate(nh[1m])',
  'sum(rate(nh[45s]))',
  'histogram_quantile(0.9, sum(rate(nh[5m])))',
  'm_total @ end()',
  'sum_over_time(m_total[2m] @ start())',
  'm_total offset 1m - m_total',
  'timestamp(m_total)',
  'topk(scalar(count(m_total)), m_total)',
  'max_over_time(m_total[3m:20s])',
  'max_over_time(rate(m_total[1m])[3m:30s])',
  'sum(avg_over_time(sum(m_total)[1m:10s] offset 30s))',
  'max_over_time(max_over_time(m_total[1m:10s])[2m:30s])',
  'rate(nh[2m:20s])',
  'max_over_time(rate(m_total[1m])[10s:1s])',
  'quantile_over_time(scalar(sum(m_total)) * 0 + 0.5, m_total[1m])',
  'absent(m_total)',
  'absent_over_time(m_total[1m])',
  'm_total and on (host) nh',
  '{__name__=~"m_total|nh"}',
  'count({__name__=~"m_total|nh"})',
  'increase(m_total[1m] anchored)',
  'rate(m_total[1m] smoothed)',
  'start_timestamp(m_total)',
  'info(m_total)',
  '1 + 2',
  'vector(time())',
  'nothing',
];
const INSTANT = [...QUERIES, 'm_total[2m]', 'nh[2m]', 'rate(m_total[1m])[2m:20s]', '"text"'];

interface Stats {
  readonly timings: object;
  readonly samples: Readonly<Record<string, unknown>>;
}

async function stats(url: string, path: string, params: Record<string, string>): Promise<Stats> {
  const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(params).toString()}`);
  const { data } = (await answer.json()) as { data: { stats: Stats } };
  return data.stats;
}

/** Samples that the reference counted so far: what compares nothing must not pass. */
let counted = 0;

async function differing(path: string, params: Record<string, string>): Promise<string[]> {
  const [theirs, ours] = await Promise.all([
    stats(servers.reference, path, params),
    stats(servers.orrery, path, params),
  ]);
  counted += Number(theirs.samples['totalQueryableSamples']);
  assert.deepEqual(Object.keys(ours.samples), Object.keys(theirs.samples));
  assert.deepEqual(Object.keys(ours.timings), Object.keys(theirs.timings));
  return Object.keys(theirs.samples)
    .filter(
      (key) =>
        key !== 'peakSamples' &&
        JSON.stringify(theirs.samples[key]) !== JSON.stringify(ours.samples[key]),
    )
    .map(
      (key) =>
        `${path} ${params['query']} ${key}\n  ${JSON.stringify(theirs.samples[key]).slice(0, 300)}` +
        `\n  ${JSON.stringify(ours.samples[key]).slice(0, 300)}`,
    );
}

test('samples of range queries, by step', async () => {
  const found: string[] = [];
  for (const step of ['15', '60', '300'])
    for (const query of QUERIES)
      found.push(
        ...(await differing('query_range', {
          query,
          start: String(T - 900),
          end: String(T),
          step,
          stats: 'all',
        })),
      );
  console.log(`${QUERIES.length * 3} queries, ${found.length} counts differ`);
  assert.ok(counted > 5000, `only ${counted} samples counted`);
  assert.deepEqual(found, []);
});

test('samples of instant queries', async () => {
  const found: string[] = [];
  for (const all of ['all', 'true'])
    for (const query of INSTANT)
      found.push(...(await differing('query', { query, time: String(T - 100), stats: all })));
  console.log(`${INSTANT.length * 2} queries, ${found.length} counts differ`);
  assert.ok(counted > 5000, `only ${counted} samples counted`);
  assert.deepEqual(found, []);
});
