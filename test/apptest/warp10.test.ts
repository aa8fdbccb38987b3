// Warp 10's doors at a real server: points of every kind with positions, attributes, deletes; gzip
// by Content-Type; reasons in body and headers; everything as written, also from parts and after
// kill -9.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000_000_000;
const TOKEN = { 'X-Warp10-Token': 'any' };

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(() => orrery.stop());

async function update(text: string, headers: Record<string, string> = {}, query = '') {
  return await orrery.post(`/api/v0/update${query}`, text, { headers: { ...TOKEN, ...headers } });
}

async function exported(selector: string, from = orrery) {
  const match = encodeURIComponent(selector);
  const { text } = await from.get(`/api/v1/export?exact=1&match[]=${match}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function remove(query: string, headers: Record<string, string> = TOKEN) {
  return await orrery.get(`/api/v0/delete?${query}`, { headers });
}

const LINES = [
  `${T}/48.5:-4.25/1500 io.test{site=a%2Cb} 21.5`,
  `=${T + 1}// 22`,
  `=${T + 2}//-7 T`,
  `=${T + 3}/1:2/ 'a%20b'`,
  `${T + 4}// io.test{site=c} 9007199254740993`,
].join('\n');

const EXPECTED = [
  {
    kind: 'f64',
    values: [21.5],
    timestampsUs: [T],
    latitude: [48.5],
    longitude: [-4.25],
    elevation: [1.5],
  },
  { kind: 'i64', timestampsUs: [T + 1] },
  { kind: 'boolean', values: [true], latitude: [null], longitude: [null], elevation: [-0.007] },
  { kind: 'string', values: ['a b'], latitude: [1], longitude: [2], elevation: [null] },
];

test('every kind, positions, and elevations alone come back, from the head, parts and the log', async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-warp10-'));
  const args = ['--no-collect', '--data', data];
  try {
    const first = await startOrrery(args);
    const answer = await first.post('/warp/api/v0/update', LINES, { headers: TOKEN });
    assert.deepEqual([answer.status, answer.text], [200, '']);
    const head = await exported('{site="a,b"}', first);
    assert.partialDeepStrictEqual(head, EXPECTED);
    await first.kill();
    const second = await startOrrery(args);
    assert.deepEqual(await exported('{site="a,b"}', second), head);
    assert.equal((await second.post('/orrery/v1/admin/flush', '')).status, 200);
    assert.deepEqual(await exported('{site="a,b"}', second), head);
    const [wide] = await exported('{site="c"}', second);
    assert.match(JSON.stringify(wide), /9007199254740993/);
    await second.stop();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

test('bodies that are gzip by type or by coding; relative times', async () => {
  const body = new Uint8Array(gzipSync(`${T}// gz{by=type} 1.5`));
  const type = { ...TOKEN, 'Content-Type': 'application/gzip' };
  assert.equal((await orrery.post('/api/v0/update', body, { headers: type })).status, 200);
  const coded = new Uint8Array(gzipSync(`${T}// gz{by=coding} 1.5`));
  const coding = { ...type, 'Content-Encoding': 'gzip' };
  assert.equal((await orrery.post('/api/v0/update', coded, { headers: coding })).status, 200);
  assert.equal((await exported('gz')).length, 2);
  assert.equal((await update('T5// rel{} 1', { 'X-Warp10-Now': '1000000' })).status, 200);
  assert.equal((await update('T7// rel{} 2', {}, '?now=1000000')).status, 200);
  assert.deepEqual((await exported('rel'))[0]!['timestampsUs'], [1_000_005, 1_000_007]);
  const nowMs = Date.now();
  assert.equal((await update('// rel{} 3', { 'X-Warp10-Now': '+60000000' })).status, 200);
  const late = (await exported('rel'))[0]!['timestampsUs'] as number[];
  assert.ok(Math.abs(late[2]! / 1000 - nowMs - 60_000) < 30_000);
  const bad = await update('// rel{} 3', { 'X-Warp10-Now': 'soon' });
  assert.equal(bad.status, 400);
  assert.match(bad.text, /Error when updating data: Invalid base timestamp\./);
});

test('good lines of a bad body are kept; body and headers name the first bad one', async () => {
  const answer = await update(`${T}// kept{} 1\n${T}// bad{} x\n=// y\n${T + 1}// kept{} 2`);
  assert.equal(answer.status, 400);
  const reason = `Parse error at index 25 in '${T}// bad{} x' (Cannot parse value.)`;
  assert.equal(
    answer.text,
    `Error when updating data: ${reason} at line 2 and 1 more; 2 of 4 lines were kept\n`,
  );
  assert.equal(answer.headers.get('x-warp10-error-line'), '2');
  assert.equal(answer.headers.get('x-warp10-error-message'), `Error when updating data: ${reason}`);
  assert.equal((await exported('kept'))[0]!['values'] !== undefined, true);
  assert.equal((await exported('bad')).length, 0);
});

test('attributes are kept with the series; deletes list, dry or not, and hide', async () => {
  await update(`${T}// del.a{k=1} 1\n=${T + 1000}// 2\n${T}// del.b{k=2} 1\n${T}// stays{} 1`);
  const meta = await orrery.post('/api/v0/meta', 'del.a{k=1}{unit=%C2%B0C,note=x}\nbad\n', {
    headers: TOKEN,
  });
  assert.equal(meta.status, 400);
  assert.match(meta.text, /Error when updating meta: Invalid metadata 'bad'/);
  const selector = `selector=${encodeURIComponent('~del.*{k~.}')}`;
  const dry = await remove(`${selector}&deleteall&dryrun`);
  assert.deepEqual([dry.status, dry.text], [200, 'del.a{k=1}{note=x,unit=°C}\r\ndel.b{k=2}{}\r\n']);
  const head = await orrery.get(`/api/v0/delete?${selector}&deleteall`, {
    method: 'HEAD',
    headers: TOKEN,
  });
  assert.deepEqual([head.status, head.text], [200, '']);
  const ranged = await remove(`${selector}&start=${T + 1}&end=${T + 5000}`);
  assert.equal(ranged.text, 'del.a{k=1}{note=x,unit=°C}\r\n');
  assert.deepEqual((await exported('{__name__="del.a"}'))[0]!['timestampsUs'], [T]);
  const day = new Date(T / 1000).toISOString();
  const named = await remove(`${selector}&start=${day}&end=${day}`);
  assert.equal(named.text.split('\r\n').length, 3);
  assert.equal((await exported('{__name__=~"del.*"}')).length, 0);
  assert.equal((await exported('stays')).length, 1);
});

test('deletes need a token header, a selector and a range', async () => {
  const selector = `selector=${encodeURIComponent('stays{}')}`;
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /Invalid 'selector' query parameter/],
    ['selector=stays', /invalid selector: expected class\{labels\}/],
    [`selector=${encodeURIComponent('~({}')}`, /invalid selector/],
    [selector, /deleteall should be set/],
    [`${selector}&start=1`, /Both start and end should be defined/],
    [`${selector}&start=2&end=1`, /Invalid time range/],
    [`${selector}&start=x&end=1`, /invalid time "x"/],
    [`${selector}&deleteall&minage=1`, /minage is not supported/],
  ];
  for (const [query, reason] of cases) {
    const answer = await remove(query);
    assert.equal(answer.status, 400, query);
    assert.match(answer.text, reason);
  }
  const bare = await remove(`${selector}&deleteall`, {});
  assert.deepEqual([bare.status, bare.text], [400, 'Missing token.\n']);
  const foreign = await orrery.get(`/api/v0/delete?${selector}&deleteall`, {
    method: 'OPTIONS',
    headers: { Origin: 'http://evil.example', 'Access-Control-Request-Headers': 'x-warp10-token' },
  });
  assert.equal(foreign.headers.get('access-control-allow-headers'), null);
  assert.equal((await exported('stays')).length, 1);
});

test('other units of time', async () => {
  const other = await startOrrery(['--no-collect', '--warp10-time-unit', 'ns']);
  try {
    const body = '1750000000123456789// c{} 1';
    assert.equal((await other.post('/api/v0/update', body, { headers: TOKEN })).status, 200);
    const [series] = await exported('c', other);
    assert.match(JSON.stringify(series), /"subNs":\[789\]/);
  } finally {
    await other.stop();
  }
});
