// Clients that people have for Prometheus' query API, unchanged: promtool, npm's prometheus-query,
// PyPI's prometheus-api-client, and the requests that Grafana's Prometheus data source sends.
// Installed into a temporary folder, with exact versions.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';
import { writeWalks } from '../differential/remote-write.ts';
import type { Walk } from '../differential/sample-walks.ts';

const run = promisify(execFile);
const POINTS = 120;
const END_MS = Date.UTC(2026, 5, 1, 12);
const START_MS = END_MS - (POINTS - 1) * 15_000;

const NODE_SCRIPT = `
import { PrometheusDriver } from 'prometheus-query';
const prom = new PrometheusDriver({ endpoint: process.argv[2], baseURL: '/api/v1' });
const end = new Date(${END_MS}), start = new Date(${START_MS});
const instant = await prom.instantQuery('sum by (instance) (visits_total)', end);
const range = await prom.rangeQuery('rate(visits_total[1m])', start, end, 60);
const series = await prom.series('visits_total', start, end);
const names = await prom.labelNames([], start, end);
const values = await prom.labelValues('instance', [], start, end);
console.log(JSON.stringify({
  type: instant.resultType,
  sums: instant.result.map((one) => [one.metric.labels.instance, one.value.value]),
  ranges: range.result.map((one) => one.values.length),
  series: series.map((one) => one.labels.instance),
  names, values,
  metadata: typeof await prom.metadata(),
  targets: Object.keys(await prom.targets()),
  alerts: await prom.alerts(),
  rules: await prom.rules(),
}));
`;

const PYTHON_SCRIPT = `
import datetime, json, sys
from prometheus_api_client import PrometheusConnect
prom = PrometheusConnect(url=sys.argv[1])
start = datetime.datetime.fromtimestamp(${START_MS / 1000}, datetime.timezone.utc)
end = datetime.datetime.fromtimestamp(${END_MS / 1000}, datetime.timezone.utc)
window = {'start_time': start, 'end_time': end}
print(json.dumps({
  'up': prom.check_prometheus_connection(),
  'names': prom.all_metrics(),
  'labels': prom.get_label_names(),
  'values': prom.get_label_values('instance'),
  'query': prom.custom_query('sum(visits_total)', params={'time': ${END_MS / 1000}}),
  'range': prom.custom_query_range('visits_total{instance="b"}', start, end, '30s'),
  'samples': prom.get_metric_range_data('visits_total', {'instance': 'a'}, **window,
    chunk_size=datetime.timedelta(minutes=10)),
}))
`;

let folder: string;
let orrery: RunningOrrery;

function walk(instance: string, perSample: number): Walk {
  const at = Array.from({ length: POINTS }, (_, i) => i);
  return {
    labels: { __name__: 'visits_total', instance, job: 'shop' },
    tMs: at.map((i) => START_MS + i * 15_000),
    values: at.map((i) => i * perSample),
    stale: at.map(() => false),
    late: at.map(() => false),
  };
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-readers-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', 'prometheus-query@3.5.1'];
  const pip = ['-m', 'pip', 'install', '--quiet', '--target', join(folder, 'python')];
  await run('npm', npm, { cwd: folder });
  await run('python3', [...pip, 'prometheus-api-client==0.7.2'], { cwd: folder });
  orrery = await startOrrery(['--no-collect']);
  await writeWalks([walk('a', 1), walk('b', 2)], [orrery.url]);
});

after(async () => {
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

test('promtool queries, lists series and labels', async () => {
  const ask = async (...args: readonly string[]) =>
    (await run('promtool', ['query', ...args], { cwd: folder })).stdout.trim();
  const time = new Date(END_MS).toISOString();
  assert.equal(
    await ask('instant', `--time=${time}`, orrery.url, 'sum(visits_total)'),
    `{} => 357 @[${END_MS / 1000}]`,
  );
  const span = [`--start=${START_MS / 1000}`, `--end=${END_MS / 1000}`];
  const range = await ask('range', ...span, '--step=60s', orrery.url, 'rate(visits_total[1m])');
  assert.match(range, /\{instance="a", job="shop"\} =>\n[^]*0\.0666/);
  const series = await ask('series', ...span, '--match=visits_total', orrery.url);
  assert.deepEqual(series.split('\n').toSorted(), [
    '{__name__="visits_total", instance="a", job="shop"}',
    '{__name__="visits_total", instance="b", job="shop"}',
  ]);
  assert.deepEqual((await ask('labels', ...span, orrery.url, 'instance')).split('\n'), ['a', 'b']);
});

test('prometheus-query of npm', async () => {
  await writeFile(join(folder, 'read.mjs'), NODE_SCRIPT);
  const { stdout } = await run(process.execPath, ['read.mjs', orrery.url], { cwd: folder });
  assert.deepEqual(JSON.parse(stdout), {
    type: 'vector',
    sums: [
      ['a', 119],
      ['b', 238],
    ],
    ranges: [29, 29],
    series: ['a', 'b'],
    names: ['__name__', 'instance', 'job'],
    values: ['a', 'b'],
    metadata: 'object',
    targets: ['activeTargets', 'droppedTargets'],
    alerts: [],
    rules: [],
  });
});

test('prometheus-api-client of PyPI', async () => {
  await writeFile(join(folder, 'read.py'), PYTHON_SCRIPT);
  const { stdout } = await run('python3', ['read.py', orrery.url], {
    cwd: folder,
    env: { ...process.env, PYTHONPATH: join(folder, 'python') },
  });
  const answer = JSON.parse(stdout) as Record<string, unknown> & {
    range: { values: unknown[] }[];
    samples: { values: unknown[] }[];
  };
  assert.equal(answer['up'], true);
  assert.deepEqual(answer['names'], ['visits_total']);
  assert.deepEqual(answer['labels'], ['__name__', 'instance', 'job']);
  assert.deepEqual(answer['values'], ['a', 'b']);
  assert.deepEqual(answer['query'], [{ metric: {}, value: [END_MS / 1000, '357'] }]);
  assert.equal(answer.range[0]!.values.length, POINTS / 2);
  const samples = answer.samples.flatMap(({ values }) => values);
  // It asks for ranges, which are open on the left: the sample at the very start is not in them.
  assert.equal(samples.length, POINTS - 1);
});

/** What the stock data source asks when it is tested, and while somebody builds a panel. */
test('what Grafana’s Prometheus data source sends', async () => {
  const form = (fields: Record<string, string>) => ({
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });
  const json = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${orrery.url}/api/v1/${path}`, init);
    const body = (await response.json()) as { status: string; data: never };
    assert.equal(response.status, 200, `${path}: ${JSON.stringify(body)}`);
    assert.equal(body.status, 'success');
    return body.data;
  };
  const span = { start: String(START_MS / 1000), end: String(END_MS / 1000) };
  const get = new URLSearchParams(span).toString();
  assert.deepEqual(await json('query', form({ query: '1+1', time: '4' })), {
    resultType: 'scalar',
    result: [4, '2'],
  });
  const build = (await json('status/buildinfo')) as Record<string, unknown>;
  assert.match(String(build['version']), /^\d+\.\d+\.\d+/);
  for (const data of [await json(`labels?${get}`), await json('labels', form(span))])
    assert.deepEqual(data, ['__name__', 'instance', 'job']);
  const match = { ...span, 'match[]': 'visits_total' };
  const matched = new URLSearchParams(match).toString();
  for (const data of [await json(`series?${matched}`), await json('series', form(match))])
    assert.equal((data as unknown[]).length, 2);
  assert.deepEqual(await json(`label/__name__/values?${get}`), ['visits_total']);
  assert.deepEqual(await json(`label/instance/values?${matched}`), ['a', 'b']);
  const panel = { ...span, query: 'rate(visits_total[1m0s])', step: '15' };
  const asked = new URLSearchParams(panel).toString();
  for (const init of [undefined, form(panel)]) {
    const path = init === undefined ? `query_range?${asked}` : 'query_range';
    const data = (await json(path, init)) as { resultType: string; result: unknown[] };
    assert.equal(data.resultType, 'matrix');
    assert.equal(data.result.length, 2);
  }
  assert.deepEqual(await json(`query_exemplars?${asked}`), []);
  assert.deepEqual(await json('metadata?limit=10'), {});
  assert.deepEqual(await json('rules'), { groups: [] });
});
