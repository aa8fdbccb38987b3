// Limits, estimates, the live list and the kill switch of queries, on a real server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';
import { liveQueries, stuckExport, until } from './live-queries.ts';

const T = 1_750_000_000;
const HOSTS = 40;

let orrery: RunningOrrery;
before(async () => {
  const limits = ['--query-series=30', '--query-samples=20000', '--query-points=500'];
  orrery = await startOrrery(['--no-collect', ...limits, '--slow-query=1ms', '--log-format=json']);
  const lines: string[] = [];
  for (let host = 0; host < HOSTS; host++)
    for (let i = 0; i < 60; i++)
      lines.push(`cpu,host=h${host},dc=d${host % 2} busy=${i * host} ${T + i * 10}`);
  const wrote = await orrery.post('/write?precision=s', lines.join('\n'));
  assert.equal(wrote.status, 204, wrote.text);
});
after(() => orrery.stop());

const RANGE = { start: String(T), end: String(T + 600), step: '10' };

function path(base: string, params: Record<string, string>): string {
  return `${base}?${new URLSearchParams(params).toString()}`;
}

interface Refusal {
  readonly errorType: string;
  readonly error: string;
  readonly limit: { readonly id: string; readonly limit: number; readonly contributors: string[] };
}

async function refusal(params: Record<string, string>): Promise<string> {
  const answer = await orrery.get(path('/api/v1/query_range', { ...RANGE, ...params }));
  assert.equal(answer.status, 422, answer.text);
  const { errorType, error, limit } = JSON.parse(answer.text) as Refusal;
  assert.equal(errorType, 'execution');
  assert.ok(error.includes(`(${limit.id}, see docs/`) && error.includes(` ${limit.limit} `), error);
  assert.equal(limit.contributors.length, 2);
  return error;
}

test('a refusal names limit, value, what was asked and who contributes most', async () => {
  assert.match(
    await refusal({ query: 'sum(cpu_busy)' }),
    /^the query would read 40 series, the limit of one query is 30 \(query-series, see [^)]*\); most of it is cpu_busy: 40 series, about 2400 samples; its label "host" contributes most, with 40 values$/,
  );
  assert.match(
    await refusal({ query: 'cpu_busy{dc="d0"}' }),
    /^the answer has 1220 points, the limit of one query is 500 \(query-points, see [^)]*\); most of it is cpu_busy\{dc="d0"\}: 20 series, about 1200 samples; its label "host" contributes most, with 20 values$/,
  );
  assert.match(
    await refusal({ query: 'max_over_time(cpu_busy{host=~"h[1-9]"}[1h:1s])' }),
    /^query processing would load too many samples.* of at most 20000 \(query-samples, see [^)]*\); .*; its label "host" contributes most, with 9 values$/,
  );
  const twice = await refusal({ query: 'sum(cpu_busy{dc="d0"}) + sum(cpu_busy{dc="d1"})' });
  assert.match(twice, /^the query would read 40 series/);
});

test('what is within the limits is answered, with its estimate and cost in the headers', async () => {
  const query = 'sum(rate(cpu_busy{dc="d1"}[1m]))';
  const answer = await orrery.get(path('/api/v1/query_range', { ...RANGE, query }));
  assert.equal(answer.status, 200, answer.text);
  const header = (name: string): string => answer.headers.get(`x-orrery-${name}`) ?? '';
  assert.match(header('query-id'), /^[0-9a-f]{16}$/);
  assert.equal(header('estimated-series'), '20');
  assert.equal(header('series-read'), '20');
  assert.equal(header('samples-read'), '1200');
  assert.ok(Math.abs(Number(header('estimated-samples')) - 1200) < 100);
  assert.ok(Number(header('estimated-bytes')) > 0);
});

test('an estimate costs nothing and needs no limit', async () => {
  const query = 'sum(cpu_busy) / max_over_time(cpu_busy{dc="d1"}[5m])';
  const params = { ...RANGE, query };
  const answer = await orrery.get(path('/orrery/v1/queries/estimate', params));
  assert.equal(answer.status, 200, answer.text);
  const { seriesCount, selectors } = JSON.parse(answer.text) as {
    seriesCount: number;
    selectors: {
      selector: string;
      startUs: number;
      seriesCount: number;
      byLabel: { name: string; valueCount: number }[];
    }[];
  };
  assert.equal(seriesCount, 60);
  assert.deepEqual(
    selectors.map((one) => [one.selector, one.seriesCount, one.startUs / 1e6 - T]),
    [
      ['cpu_busy', 40, -300],
      ['cpu_busy{dc="d1"}', 20, -300],
    ],
  );
  assert.deepEqual(selectors[0]!.byLabel.slice(0, 2), [
    { name: 'host', valueCount: 40 },
    { name: 'dc', valueCount: 2 },
  ]);
  const bad = await orrery.get(path('/orrery/v1/queries/estimate', { query: 'sum(' }));
  assert.equal(bad.status, 400);
  assert.match(bad.text, /^\{"error":\{"code":"promql-parse","kind":"invalid"/);
});

test('a range that is not whole is no instant', async () => {
  for (const [given, missing] of [
    [{ start: '1' }, 'end, step'],
    [{ start: '1', end: '2' }, 'step'],
    [{ end: '2', step: '1' }, 'start'],
    [{ step: '1' }, 'start, end'],
  ] as const)
    for (const action of ['estimate', 'explain']) {
      const params = { query: 'cpu_busy', ...given };
      const { status, text } = await orrery.get(path(`/orrery/v1/queries/${action}`, params));
      assert.equal(status, 400, text);
      assert.match(text, new RegExp(`missing: ${missing};`));
    }
});

interface Plan {
  node: string;
  text: string;
  timeMs: number;
  selfMs: number;
  isShared: boolean;
  seriesRead: number;
  children: Plan[];
}

test('explain tells the plan with what each node did', async () => {
  const body = new URLSearchParams({
    ...RANGE,
    query: 'abs(cpu_busy{host="h3"}) + cpu_busy{host="h3"}',
  });
  const answer = await fetch(`${orrery.url}/orrery/v1/queries/explain`, { method: 'POST', body });
  const json = (await answer.json()) as {
    id: string;
    cost: object;
    result: object;
    plan: Plan;
  };
  assert.equal(answer.status, 200);
  assert.deepEqual(json.cost, { seriesRead: 1, samplesRead: 60 });
  assert.deepEqual(json.result, { type: 'matrix', seriesCount: 1, stepCount: 61 });
  const names: string[] = [];
  const walk = (node: Plan): void => {
    names.push(`${node.node}${node.isShared ? ' shared' : ''} ${node.seriesRead}`);
    assert.ok(node.timeMs >= node.selfMs && node.selfMs >= 0);
    node.children.forEach(walk);
  };
  walk(json.plan);
  assert.deepEqual(names, [
    'BinaryExpr 1',
    'Call 1',
    'VectorSelector 1',
    'Leaf 1',
    'VectorSelector shared 0',
  ]);
});

test('a live query is listed, and ends by DELETE or when its client hangs up', async () => {
  const first = await stuckExport(orrery);
  const row = await until(async () =>
    (await liveQueries(orrery)).find(({ state }) => state === 'evaluating'),
  );
  assert.equal(row.lane, 'heavy');
  assert.match(row.text, /^stuck/);
  assert.equal(typeof row.cost.heldBytes, 'number');
  const other = { headers: { 'X-Scope-OrgID': 'other' }, method: 'DELETE' };
  assert.equal((await orrery.get(`/orrery/v1/queries/${row.id}`, other)).status, 404);
  const killed = await orrery.get(`/orrery/v1/queries/${row.id}`, { method: 'DELETE' });
  assert.equal(killed.status, 204);
  first.read();
  assert.equal(await first.ended, 'cut');
  const second = await stuckExport(orrery);
  await until(async () => (await liveQueries(orrery)).find(({ state }) => state === 'evaluating'));
  second.hangUp();
  await until(async () => ((await liveQueries(orrery)).length === 0 ? true : undefined));
});
