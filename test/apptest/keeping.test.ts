// Keeping house from outside: retention by tenant, deletes with a dry run, their physical removal,
// the storage page, the free-disk floor.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROUTE_WRITERS, WRITE_ROUTES } from '../support/route-writers.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const DAY_MS = 86_400_000;

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(() => orrery.stop());

async function json(path: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await orrery.get(path, init);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
}

async function count(selector: string, tenant: string): Promise<number> {
  const init = { headers: { 'X-Scope-OrgID': tenant } };
  const query = new URLSearchParams({ 'match[]': selector }).toString();
  const { text } = await orrery.get(`/api/v1/export?${query}`, init);
  return text.split('\n').reduce((sum, line) => {
    if (line === '') return sum;
    return sum + (JSON.parse(line) as { timestamps: unknown[] }).timestamps.length;
  }, 0);
}

function write(lines: string, tenant: string): Promise<{ status: number; text: string }> {
  return orrery.post('/write?precision=s', lines, { headers: { 'X-Scope-OrgID': tenant } });
}

/** Files under a folder that hold the bytes. */
function filesWith(directory: string, needle: Uint8Array): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(needle));
}

test('a tenant’s retention is set, read back, taken back', async () => {
  const path = '/orrery/v1/tenants/kept/retention';
  const none = { timeMs: null, sizeBytes: null };
  const unlimited = { tenant: 'kept', own: null, effective: none, horizonUs: null };
  assert.deepEqual(await json(path), unlimited);
  const nowSec = Math.floor(Date.now() / 1000);
  const old = nowSec - 5 * 86_400;
  for (const tenant of ['kept', 'other'])
    assert.equal((await write(`m v=1 ${old}\nm v=2 ${nowSec}`, tenant)).status, 204);
  assert.equal(await count('m_v', 'kept'), 2);
  const body = JSON.stringify({ timeMs: 2 * DAY_MS });
  const set = (await json(path, { method: 'PUT', body })) as { own: unknown; horizonUs: number };
  assert.deepEqual(set.own, { timeMs: 2 * DAY_MS, sizeBytes: null });
  assert.ok(Math.abs(set.horizonUs / 1000 - (Date.now() - 2 * DAY_MS)) < 60_000);
  assert.equal(await count('m_v', 'kept'), 1);
  assert.equal(await count('m_v', 'other'), 2);
  await orrery.post('/orrery/v1/admin/compact', '');
  await json(path, { method: 'DELETE' });
  assert.deepEqual(await json(path), unlimited);
  assert.equal(await count('m_v', 'kept'), 1, 'what was expired is gone');
});

test('a retention that makes no sense is refused with a sentence', async () => {
  for (const [path, body, pattern] of [
    ['kept', 'nonsense', /no JSON/],
    ['kept', '[]', /no object/],
    ['kept', '{"days": 3}', /unknown field \\"days\\"/],
    ['kept', '{"timeMs": -1}', /timeMs is neither null nor/],
    ['a%20b', '{}', /no tenant's name/],
  ] as const) {
    const answer = await orrery.get(`/orrery/v1/tenants/${path}/retention`, {
      method: 'PUT',
      body,
    });
    assert.equal(answer.status, 400);
    assert.match(answer.text, pattern);
  }
});

test('deletes: dry run, counts, tenants, both methods', async () => {
  assert.equal(
    (await write(`d,h=a v=1 ${T}\nd,h=a v=2 ${T + 60}\nd,h=b v=3 ${T}`, 'x')).status,
    204,
  );
  const params = new URLSearchParams([
    ['match[]', 'd_v{h="a"}'],
    ['match[]', 'd_v{h="absent"}'],
    ['end', String(T + 10)],
  ]).toString();
  const headers = { 'X-Scope-OrgID': 'x' };
  const expected = [
    { match: 'd_v{h="a"}', seriesCount: 1, pointCount: 1 },
    { match: 'd_v{h="absent"}', seriesCount: 0, pointCount: 0 },
  ];
  const path = `/orrery/v1/delete?${params}`;
  const dry = await json(`${path}&dry_run=1`, { method: 'POST', headers });
  assert.deepEqual(dry, { dryRun: true, deletes: expected });
  assert.equal(await count('d_v', 'x'), 3);
  const done = await json(path, { method: 'DELETE', headers });
  assert.deepEqual(done, { dryRun: false, deletes: expected });
  assert.equal(await count('d_v', 'x'), 2);
  for (const bad of ['/orrery/v1/delete', `${path}&dry_run=maybe`])
    assert.equal((await orrery.get(bad, { method: 'POST', headers })).status, 400);
});

test('after clean_tombstones no file holds a deleted value, and the rest is there', async () => {
  // Doubles without structure are stored bit by bit.
  const values = Array.from({ length: 300 }, (_, i) => Math.sin(i + 1) * 1e-9);
  const lines = (name: string, shift: number): string =>
    values.map((value, i) => `${name} v=${value + shift * 1e-12} ${T + i}`).join('\n');
  const needle = new Uint8Array(Float64Array.of(values[7]!).buffer);
  assert.equal((await write(lines('gone', 0), 'clean')).status, 204);
  assert.equal((await write(lines('stays', 1), 'clean')).status, 204);
  assert.notDeepEqual(filesWith(orrery.data, needle), [], 'the log holds it');
  await orrery.post('/orrery/v1/admin/compact', '');
  assert.notDeepEqual(filesWith(orrery.data, needle), [], 'a part holds it');
  const query = new URLSearchParams({ 'match[]': 'gone_v' }).toString();
  const headers = { 'X-Scope-OrgID': 'clean' };
  const url = `/api/v1/admin/tsdb/delete_series?${query}`;
  assert.equal((await orrery.get(url, { method: 'PUT', headers })).status, 204);
  assert.equal(await count('gone_v', 'clean'), 0);
  const cleaned = await orrery.post('/api/v1/admin/tsdb/clean_tombstones', '');
  assert.deepEqual([cleaned.status, cleaned.text], [204, '']);
  assert.deepEqual(filesWith(orrery.data, needle), []);
  assert.equal(await count('stays_v', 'clean'), 300);
});

test('the storage page and the metrics say what is where', async () => {
  await orrery.post('/orrery/v1/admin/compact', '');
  const { shards } = (await json('/orrery/v1/storage')) as {
    shards: { shard: number; levels: { level: number; partCount: number }[]; disk: object }[];
  };
  assert.equal(shards[0]!.shard, 0);
  assert.ok(shards[0]!.levels.some(({ level, partCount }) => level > 0 && partCount > 0));
  assert.ok('freeBytes' in shards[0]!.disk);
  const { text } = await orrery.get('/metrics');
  for (const line of [
    /^orrery_tsdb_level_parts\{shard="0",level="\d"\} \d+$/m,
    /^orrery_tsdb_merges_total\{shard="0",kind="divide"\} [1-9]/m,
    /^orrery_tsdb_rewritten_bytes_total\{shard="0"\} [1-9]/m,
    /^orrery_data_disk_free_bytes [1-9]/m,
  ])
    assert.match(text, line);
});

test('below --min-free-disk writes are 503 with Retry-After, reads answer', async () => {
  const full = await startOrrery(['--no-collect', '--min-free-disk', '99.9999%']);
  try {
    // No protocol acknowledges what is not stored, and each says when to come back.
    for (const { path } of WRITE_ROUTES) {
      const { query = '', headers = {}, body } = ROUTE_WRITERS.get(path)!;
      const refused = await full.post(path + query, body(1, 1_750_000_000_000, 1), { headers });
      assert.equal(refused.status, 503, path);
      assert.equal(refused.headers.get('retry-after'), '10', path);
      assert.match(refused.text, /--min-free-disk/, path);
    }
    const pushed = await full.post('/metrics/job/full', 'm 1\n');
    assert.deepEqual([pushed.status, pushed.headers.get('retry-after')], [503, '10']);
    assert.equal((await full.get('/api/v1/labels')).status, 200);
  } finally {
    await full.stop();
  }
});
