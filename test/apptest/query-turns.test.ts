// Who runs and who waits, on a real server: light queries beside heavy ones that wait, tenants that
// take turns, memory that comes back, and what a refusal for want of memory says.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';
import { liveQueries, stuckExport, until } from './live-queries.ts';

const T = 1_750_000_000;
const HOSTS = 40;
const HEAVY = { query: 'sum(cpu_busy)', start: `${T}`, end: `${T + 600}`, step: '10' };

let orrery: RunningOrrery;
before(async () => {
  const places = ['--query-concurrency=2', '--query-heavy-concurrency=1'];
  const sizes = ['--query-heavy-samples=1000', '--query-memory=100KiB'];
  orrery = await startOrrery(['--no-collect', ...places, ...sizes]);
  const lines: string[] = [];
  for (let host = 0; host < HOSTS; host++)
    for (let i = 0; i < 60; i++) lines.push(`cpu,host=h${host} busy=${i * host} ${T + i * 10}`);
  for (const tenant of ['default', 'b']) {
    const headers = { 'X-Scope-OrgID': tenant };
    const wrote = await orrery.post('/write?precision=s', lines.join('\n'), { headers });
    assert.equal(wrote.status, 204, wrote.text);
  }
});
after(() => orrery.stop());

function ask(params: Record<string, string>, tenant = 'default') {
  const headers = { 'X-Scope-OrgID': tenant };
  const path = params['time'] === undefined ? 'query_range' : 'query';
  const text = new URLSearchParams({ ...params, nocache: '1' }).toString();
  return orrery.get(`/api/v1/${path}?${text}`, { headers });
}

/** Takes the only place of heavy queries until it is ended. */
async function holdHeavyPlace() {
  const stuck = await stuckExport(orrery);
  const { id } = await until(async () =>
    (await liveQueries(orrery)).find(({ state }) => state === 'evaluating'),
  );
  const end = async (): Promise<void> => {
    const killed = await orrery.get(`/orrery/v1/queries/${id}`, { method: 'DELETE' });
    assert.equal(killed.status, 204);
    stuck.read();
    assert.equal(await stuck.ended, 'cut');
  };
  return { end };
}

async function untilWaiting(count: number, tenant = 'default'): Promise<void> {
  await until(async () => {
    const waiting = (await liveQueries(orrery, tenant)).filter(({ state }) => state === 'waiting');
    return waiting.length === count ? waiting : undefined;
  });
}

async function heldBytes(): Promise<number> {
  const { text } = await orrery.get('/metrics');
  const line = /^orrery_memory_bytes\{holder="queries"\} (\d+)$/m.exec(text);
  assert.ok(line, text);
  return Number(line[1]);
}

test('light queries are answered while heavy ones wait', async () => {
  const held = await holdHeavyPlace();
  const heavy = ask(HEAVY);
  await untilWaiting(1);
  for (let i = 0; i < 5; i++) {
    const light = await ask({ query: 'cpu_busy{host="h3"}', time: `${T + 590}` });
    assert.equal(light.status, 200, light.text);
  }
  const rows = await liveQueries(orrery);
  assert.deepEqual(
    rows.map(({ lane, state }) => [lane, state]),
    [
      ['heavy', 'evaluating'],
      ['heavy', 'waiting'],
    ],
  );
  await held.end();
  assert.equal((await heavy).status, 200);
});

test('a tenant that asks much does not put off another that asks once', async () => {
  const held = await holdHeavyPlace();
  const order: string[] = [];
  const asked: Promise<unknown>[] = [];
  const heavy = (name: string, tenant: string): void => {
    asked.push(ask(HEAVY, tenant).then(({ status }) => order.push(`${name} ${status}`)));
  };
  for (let i = 0; i < 6; i++) {
    heavy('a', 'default');
    await untilWaiting(i + 1);
  }
  heavy('b', 'b');
  await untilWaiting(1, 'b');
  await held.end();
  await Promise.all(asked);
  assert.equal(order.length, 7);
  const place = order.indexOf('b 200');
  // Answers travel on connections of their own: the first two may overtake each other.
  assert.ok(place >= 0 && place <= 2, order.join(', '));
});

test('a query that was canceled has given all its memory back', async () => {
  assert.equal(await heldBytes(), 0);
  const held = await holdHeavyPlace();
  await until(async () => ((await heldBytes()) > 0 ? true : undefined));
  await held.end();
  await until(async () => ((await heldBytes()) === 0 ? true : undefined));
});

test('a refusal for want of memory names limit, value, what was asked and who takes most', async () => {
  const range = { start: `${T}`, end: `${T + 600}`, step: '1' };
  const answer = await ask({ query: 'cpu_busy * 2', ...range });
  assert.equal(answer.status, 422, answer.text);
  const { error, limit } = JSON.parse(answer.text) as { error: string; limit: object };
  const { value, ...facts } = limit as { readonly value: number };
  assert.ok(value > 102_400);
  assert.deepEqual(facts, {
    id: 'query-memory',
    limit: 102_400,
    contributors: ['cpu_busy', 'label host'],
    docs: 'docs/operations/limits.md#query-memory',
  });
  assert.match(
    error,
    /^the query needs \d+ bytes of memory, the limit of one query is 102400 \(query-memory,.*; most of it is cpu_busy: 40 series, about 2400 samples; its label "host" contributes most, with 40 values$/,
  );
  assert.equal(await heldBytes(), 0);
});
