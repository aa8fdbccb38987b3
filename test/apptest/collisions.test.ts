// Names that several measurements and fields of line protocol share: the first stays as it is, the
// later ones are kept apart for ever, and both are shown. On one shard and on three with threads of
// ingest; after kill -9 (the log alone), after a flush (the catalog), and when many clients begin
// at once.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const NAMES = 40;

interface Split {
  readonly measurement: string;
  readonly field: string;
  readonly origin: string | null;
  readonly seriesCount: number;
  readonly sinceUs: number | null;
  readonly untilUs: number | null;
}
interface Answer {
  readonly tenant: string;
  readonly count: number;
  readonly collisions: readonly { readonly name: string; readonly splits: readonly Split[] }[];
}

const as = (tenant: string) => ({ headers: { 'X-Scope-OrgID': tenant } });

async function write(orrery: RunningOrrery, lines: string, tenant = 'default'): Promise<void> {
  const answer = await orrery.post('/write?precision=s', lines, as(tenant));
  assert.equal(answer.status, 204, answer.text);
}

async function collisions(orrery: RunningOrrery, tenant = 'default'): Promise<Answer> {
  const { status, text } = await orrery.get('/orrery/v1/collisions', as(tenant));
  assert.equal(status, 200, text);
  return JSON.parse(text) as Answer;
}

/** Labels without the name, and values, of all series of a name. */
async function seriesOf(orrery: RunningOrrery, name: string, tenant = 'default') {
  const matcher = encodeURIComponent(`{__name__="${name}"}`);
  const { text } = await orrery.get(`/api/v1/export?exact=1&match[]=${matcher}`, as(tenant));
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const { metric, values } = JSON.parse(line) as {
      metric: Record<string, string>;
      values: unknown[];
    };
    const { __name__, ...labels } = metric;
    assert.equal(__name__, name);
    return [labels, values];
  });
}

async function onEach(run: (args: readonly string[]) => Promise<void>): Promise<void> {
  for (const shards of ['1', '3']) {
    const data = await mkdtemp(join(tmpdir(), 'orrery-collisions-'));
    try {
      await run(['--no-collect', '--shards', shards, '--data', data]);
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  }
}

function split(
  [measurement, field, origin]: readonly [string, string, string | null],
  seriesCount: number,
  [sinceS, untilS]: readonly [number, number],
): Split {
  const times = { sinceUs: sinceS * 1e6, untilUs: untilS * 1e6 };
  return { measurement, field, origin, seriesCount, ...times };
}

const THREE_SPLITS: Answer = {
  tenant: 'default',
  count: 1,
  collisions: [
    {
      name: 'a_b_c',
      splits: [
        split(['a', 'b_c', null], 3, [T - 9, T + 4]),
        split(['a_b', 'c', 'a_b/c'], 1, [T + 2, T + 5]),
        split(['a_b_c', 'value', 'a_b_c/value'], 1, [T + 3, T + 3]),
      ],
    },
  ],
};

const sorted = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).toSorted();

/** Writes three splits of `a_b_c`; the series that there are from then on. */
async function writeThree(orrery: RunningOrrery): Promise<readonly unknown[]> {
  // What another protocol has under the name is no split, and merges with the first.
  const text = await orrery.post('/api/v1/import/prometheus', `a_b_c{x="1"} 7 ${T - 9}000`);
  assert.equal(text.status, 204, text.text);
  await write(orrery, `a,x=1 b_c=1 ${T}`);
  await write(orrery, `a,x=2 b_c="text" ${T + 1}`);
  assert.deepEqual(await collisions(orrery), { tenant: 'default', count: 0, collisions: [] });
  const untouched = await seriesOf(orrery, 'a_b_c');
  await write(orrery, `a_b,x=1 c=2i ${T + 2}\na_b_c,x=1 value=t ${T + 3}\na,x=3 b_c=5 ${T + 4}`);
  await write(orrery, `a_b,x=1 c=3i ${T + 5}`);
  await write(orrery, `a_b,x=1 c=9 ${T}`, 'other');
  return [
    ...untouched,
    [{ x: '3' }, [5]],
    [{ __origin__: 'a_b/c', x: '1' }, ['2', '3']],
    [{ __origin__: 'a_b_c/value', x: '1' }, [true]],
  ];
}

async function threeOfOne(args: readonly string[]): Promise<void> {
  let orrery = await startOrrery(args);
  try {
    const series = await writeThree(orrery);
    const check = async () => {
      assert.deepEqual(sorted(await seriesOf(orrery, 'a_b_c')), sorted(series));
      assert.deepEqual(await collisions(orrery), THREE_SPLITS);
      // In another tenant the same split is the first one.
      assert.deepEqual(await seriesOf(orrery, 'a_b_c', 'other'), [[{ x: '1' }, [9]]]);
      assert.equal((await collisions(orrery, 'other')).count, 0);
    };
    await check();
    // The log alone, then with the same lines again, which are the same series.
    await orrery.kill();
    orrery = await startOrrery(args);
    await check();
    await write(orrery, `a_b,x=1 c=3i ${T + 5}`);
    await write(orrery, `a,x=3 b_c=5 ${T + 4}`);
    await check();
    // The catalog and parts alone.
    assert.equal((await orrery.post('/orrery/v1/admin/flush', '')).status, 200);
    await check();
    await orrery.stop();
    orrery = await startOrrery(args);
    await check();
    await write(orrery, `a_b_c,x=1 value=t ${T + 3}\na,x=1 b_c=1 ${T}`);
    await check();
    await deleteLater(orrery);
  } finally {
    await orrery.stop();
  }
}

/** What is deleted is no collision any more; who came first stays so. */
async function deleteLater(orrery: RunningOrrery): Promise<void> {
  const deleted = await orrery.post(
    '/orrery/v1/delete',
    new URLSearchParams({ 'match[]': '{__origin__!=""}' }).toString(),
    { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
  );
  assert.equal(deleted.status, 200, deleted.text);
  assert.equal((await collisions(orrery)).count, 0);
  await write(orrery, `a_b,x=1 c=4i ${T + 6}`);
  assert.equal((await collisions(orrery)).collisions[0]?.splits[1]?.origin, 'a_b/c');
}

test(
  'first, second and third split of a name; restarts; tenants',
  { timeout: 120_000 },
  async () => {
    await onEach(threeOfOne);
  },
);

/** Every name has its two splits written by many clients at once, each from its first write on. */
async function manyAtOnce(args: readonly string[]): Promise<void> {
  let orrery = await startOrrery(args);
  try {
    const lines = Array.from({ length: NAMES }, (_, i) => [
      `n${i},x=1 b_c=1 ${T}`,
      `n${i}_b,x=1 c=2 ${T}`,
    ]);
    const writes: Promise<void>[] = [];
    for (let client = 0; client < 8; client++) {
      // Half of the clients begin with the one, half with the other, in several bodies.
      const order = lines.map((pair) => (client % 2 === 0 ? pair : pair.toReversed()));
      for (const at of [0, 1])
        for (let from = 0; from < NAMES; from += 10) {
          const body = order.slice(from, from + 10).map((pair) => pair[at]!);
          writes.push(write(orrery, body.join('\n')));
        }
    }
    await Promise.all(writes);
    const check = async () => {
      const answer = await collisions(orrery);
      assert.equal(answer.count, NAMES);
      for (const { name, splits } of answer.collisions) {
        assert.equal(splits.length, 2, JSON.stringify(splits));
        const [first, second] = splits;
        assert.deepEqual([first?.origin, first?.seriesCount], [null, 1], name);
        assert.equal(second?.seriesCount, 1, name);
        const value = first?.field === 'c' ? 2 : 1;
        const series = await seriesOf(orrery, name);
        const others = series.filter(([labels]) => '__origin__' in (labels as object));
        assert.equal(others.length, 1);
        assert.deepEqual(others[0]?.[1], [3 - value], name);
        const plain = series.filter((one) => !others.includes(one));
        assert.deepEqual(plain, [[{ x: '1' }, [value]]], name);
      }
      return answer;
    };
    const before = await check();
    await orrery.kill();
    orrery = await startOrrery(args);
    assert.deepEqual(await check(), before);
    await write(orrery, lines.flatMap((pair) => pair.toReversed()).join('\n'));
    assert.deepEqual(await check(), before);
  } finally {
    await orrery.stop();
  }
}

test(
  'clients that begin at once agree, and a restart agrees with them',
  { timeout: 120_000 },
  async () => {
    await onEach(manyAtOnce);
  },
);

test('the label of origins is nobody else’s in line protocol, and anybody’s elsewhere', async () => {
  const orrery = await startOrrery(['--no-collect']);
  try {
    const answer = await orrery.post('/write', `m,__origin__=a/b f=1 ${T}`);
    assert.equal(answer.status, 400);
    assert.match(answer.text, /tag key __origin__ is reserved/);
    const text = await orrery.post('/api/v1/import/prometheus', `m_f{__origin__="not one"} 7`);
    assert.equal(text.status, 204);
    assert.equal((await collisions(orrery)).count, 0);
  } finally {
    await orrery.stop();
  }
});
