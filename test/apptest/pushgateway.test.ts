// The Pushgateway API: paths, codes, what PUT, POST and DELETE do to queries, what is refused, and
// that groups survive a kill.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { bytesField, doubleField, varintBytes, varintField } from '../support/protobuf-writer.ts';
import { zigzagField } from '../support/protobuf-writer.ts';
import type { RunningOrrery, TextAnswer } from './harness.ts';
import { startOrrery } from './harness.ts';

let folder: string;
let orrery: RunningOrrery;
const start = () =>
  startOrrery(['--no-collect', '--data', join(folder, 'data'), '--scrape-interval', '1s']);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-push-'));
  orrery = await start();
});
after(async () => {
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

type Method = 'PUT' | 'POST' | 'DELETE';

function send(
  method: Method,
  path: string,
  body?: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<TextAnswer> {
  const bytes = body === undefined || typeof body === 'string' ? body : new Uint8Array(body);
  return orrery.get(`/metrics/${path}`, { method, headers, ...(bytes && { body: bytes }) });
}

async function check(
  method: Method,
  path: string,
  body: string | undefined,
  status: number,
  reason?: RegExp,
): Promise<void> {
  const answer = await send(method, path, body);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  if (reason !== undefined) assert.match(answer.text, reason);
}

/** `labels value` of an instant query, sorted. */
async function ask(query: string, tenant = 'default'): Promise<readonly string[]> {
  const headers = { 'X-Scope-OrgID': tenant };
  const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
  const { text } = await orrery.get(path, { headers });
  const { data } = JSON.parse(text) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return data.result
    .map(({ metric, value }) => {
      const { __name__: name = '', ...labels } = metric;
      const pairs = Object.entries(labels).map(([label, own]) => `${label}=${own}`);
      return `${name}{${pairs.toSorted().join()}} ${value[1]}`;
    })
    .toSorted();
}

/** Asks until the answer is right. */
async function until(query: string, expected: readonly string[], tenant?: string): Promise<void> {
  const end = Date.now() + 30_000;
  for (;;) {
    const found = await ask(query, tenant);
    if (JSON.stringify(found) === JSON.stringify(expected)) return;
    if (Date.now() > end) assert.deepEqual(found, expected, query);
    await sleep(100);
  }
}

test('a push is seen at once, with the labels of its group, and stays seen', async () => {
  await check('PUT', 'job/batch/instance/i1', '# TYPE a gauge\na{job="own",x="y"} 1\n', 200);
  assert.deepEqual(await ask('a'), ['a{instance=i1,job=batch,x=y} 1']);
  const [, pushed] = (await ask('push_time_seconds{job="batch"}'))[0]!.split(' ');
  assert.ok(Math.abs(Number(pushed) - Date.now() / 1000) < 60);
  assert.deepEqual(await ask('push_failure_time_seconds{job="batch"}'), [
    'push_failure_time_seconds{instance=i1,job=batch} 0',
  ]);
  await until('count_over_time(a[5m]) >= bool 3', ['{instance=i1,job=batch,x=y} 1']);
});

test('PUT replaces the group, POST the metrics of the same names', async () => {
  await check('PUT', 'job/replace', 'b 1\nc{x="1"} 1\nc{x="2"} 1\n', 200);
  await check('POST', 'job/replace', 'c{x="3"} 3\nd 4\n', 200);
  assert.deepEqual(await ask('{job="replace",__name__=~"[bcd]"}'), [
    'b{job=replace} 1',
    'c{job=replace,x=3} 3',
    'd{job=replace} 4',
  ]);
  await check('PUT', 'job/replace', 'e 5\n', 200);
  assert.deepEqual(await ask('{job="replace",__name__=~"[bcde]"}'), ['e{job=replace} 5']);
  await check('PUT', 'job/replace', undefined, 200);
  assert.deepEqual(await ask('count({job="replace"}) by (job)'), ['{job=replace} 2']);
});

test('no value is dropped or rounded: infinities, NaN, tiny and precise ones', async () => {
  const values: Readonly<Record<string, readonly [string, unknown]>> = {
    up: ['+Inf', 'Infinity'],
    down: ['-Inf', '-Infinity'],
    none: ['NaN', 'NaN:7ff8000000000001'],
    zero: ['-0', -0],
    least: ['5e-324', 5e-324],
    tiny: ['1e-9', 1e-9],
    precise: ['0.1234567890123456', 0.1234567890123456],
    large: ['1.7976931348623157e308', Number.MAX_VALUE],
  };
  const page = Object.entries(values).map(([name, [text]]) => `bits_${name} ${text}\n`);
  await check('PUT', 'job/bits', page.join(''), 200);
  const selector = encodeURIComponent('{job="bits",__name__=~"bits_.*"}');
  const { text } = await orrery.get(`/api/v1/export?exact=1&match[]=${selector}`);
  const lines = text.trim().split('\n');
  assert.equal(lines.length, Object.keys(values).length);
  for (const line of lines) {
    const { metric, values: stored } = JSON.parse(line) as {
      metric: Readonly<Record<string, string>>;
      values: unknown[];
    };
    const expected = values[metric['__name__']!.slice('bits_'.length)]![1];
    for (const one of stored) assert.ok(Object.is(one, expected), line);
  }
  assert.deepEqual(await ask('{__name__=~"bits_(up|down|none|tiny)"}'), [
    'bits_down{job=bits} -Inf',
    'bits_none{job=bits} NaN',
    'bits_tiny{job=bits} 1e-09',
    'bits_up{job=bits} +Inf',
  ]);
});

test('DELETE forgets the group: its series end', async () => {
  await check('PUT', 'job/gone/x/1', 'f 1\n', 200);
  await check('PUT', 'job/gone/x/2', 'f 2\n', 200);
  await check('DELETE', 'job/gone/x/1', undefined, 202);
  await check('DELETE', 'job/gone/x/1', undefined, 202);
  assert.deepEqual(await ask('f'), ['f{job=gone,x=2} 2']);
  assert.deepEqual(await ask('count(push_time_seconds{job="gone"})'), ['{} 1']);
  await sleep(1_500);
  assert.deepEqual(await ask('f'), ['f{job=gone,x=2} 2']);
});

test('labels in base64, encoded ones, and the empty value', async () => {
  const base64 = Buffer.from('/var/tmp').toString('base64url');
  await check('PUT', `job/paths/path@base64/${base64}`, 'g 1\n', 200);
  await check(
    'PUT',
    `job@base64/${Buffer.from('a/b').toString('base64url')}/path/x%2Fy`,
    'g 2\n',
    200,
  );
  await check('PUT', 'job/paths/path@base64/=', 'g 3\n', 200);
  assert.deepEqual(await ask('g'), [
    'g{job=a/b,path=x/y} 2',
    'g{job=paths,path=/var/tmp} 1',
    'g{job=paths} 3',
  ]);
});

test('paths that name no group are 400', async () => {
  await check('PUT', 'job/x/y', 'h 1\n', 400, /odd number of components/);
  await check('PUT', 'job/x/__y/z', 'h 1\n', 400, /improper label name "__y"/);
  await check('PUT', 'job/x/0y/z', 'h 1\n', 400, /improper label name "0y"/);
  await check('PUT', 'job/x/y@base64/!', 'h 1\n', 400, /invalid base64 encoding for label y/);
  await check('PUT', 'job@base64/!', 'h 1\n', 400, /invalid base64 encoding in job name/);
  await check('PUT', 'job@base64/=', 'h 1\n', 400, /job name is required/);
  assert.deepEqual(await ask('h'), []);
  assert.equal((await orrery.get('/metrics/job/x')).status, 405);
});

test('what cannot be pushed is refused whole, and the failure is told', async () => {
  await check('POST', 'job/bad', 'i 1\n', 200);
  await check('POST', 'job/bad', 'i 2\nj{ 3\n', 400, /text format parsing error in line 2/);
  await check('POST', 'job/bad', 'i 2 1000\n', 400, /must not have timestamps/);
  await check('POST', 'job/bad', 'i{x="y"} 1\ni{x="y"} 2\n', 400, /collected before/);
  await check('POST', 'job/other', '# TYPE i counter\ni 1\n', 400, /"i" has type unknown/);
  await check('PUT', 'job/bad/x/y', 'q 1\n', 200);
  await check('POST', 'job/bad', 'q{x="y"} 1\n', 400, /collected before/);
  assert.deepEqual(await ask('i'), ['i{job=bad} 1']);
  for (const job of ['bad', 'other']) {
    const [failed] = await ask(`push_failure_time_seconds{job="${job}"} > 0`);
    assert.match(failed ?? '', new RegExp(`job=${job}`));
  }
  const wrong = await send('POST', 'job/bad', 'i 1', { 'Content-Encoding': 'br' });
  assert.equal(wrong.status, 415);
});

test('OpenMetrics, protobuf with native histograms, and compressed bodies', async () => {
  const om = await send('PUT', 'job/om', '# TYPE k counter\nk_total 1\n# EOF\n', {
    'Content-Type': 'application/openmetrics-text; version=1.0.0',
  });
  assert.equal(om.status, 200, om.text);
  const histogram = bytesField(7, [
    ...varintField(1, 2),
    ...doubleField(2, 4.5),
    ...zigzagField(5, 0),
    ...doubleField(6, 0.001),
    ...bytesField(12, [...zigzagField(1, 0), ...varintField(2, 1)]),
    ...zigzagField(13, 2),
  ]);
  const message = [...bytesField(1, 'l'), ...varintField(3, 4), ...bytesField(4, histogram)];
  const body = gzipSync(Uint8Array.from([...varintBytes(message.length), ...message]));
  const pushed = await send('PUT', 'job/proto', body, {
    'Content-Encoding': 'gzip',
    'Content-Type':
      'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
  });
  assert.equal(pushed.status, 200, pushed.text);
  assert.deepEqual(await ask('k_total'), ['k_total{job=om} 1']);
  assert.deepEqual(await ask('histogram_count(l)'), ['{job=proto} 2']);
});

test('the list of groups', async () => {
  const page =
    '# HELP m Help.\n# TYPE m histogram\nm_bucket{le="1"} 1\nm_bucket{le="+Inf"} 2\nm_sum 3\nm_count 2\n';
  await check('PUT', 'job/listed/instance/i', page, 200);
  const { text } = await orrery.get('/api/v1/metrics');
  const { status, data } = JSON.parse(text) as {
    status: string;
    data: { labels: Record<string, string>; m?: { metrics: object[] } }[];
  };
  assert.equal(status, 'success');
  const group = data.find(({ labels }) => labels['job'] === 'listed')! as Record<string, unknown>;
  assert.deepEqual(group['labels'], { instance: 'i', job: 'listed' });
  assert.equal(group['last_push_successful'], true);
  const { time_stamp: time, ...m } = group['m'] as Record<string, unknown>;
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  const buckets = { '1.0': '1', '+Inf': '2' };
  assert.deepEqual(m, {
    type: 'HISTOGRAM',
    help: 'Help.',
    metrics: [{ labels: { instance: 'i', job: 'listed' }, buckets, sum: '3', count: '2' }],
  });
  assert.ok('push_time_seconds' in group && 'push_failure_time_seconds' in group);
});

test('tenants have their own groups', async () => {
  await send('PUT', 'job/tenant', 'n 1\n', { 'X-Scope-OrgID': 'b' });
  assert.deepEqual(await ask('n'), []);
  assert.deepEqual(await ask('n', 'b'), ['n{job=tenant} 1']);
});

test('a group above its bound is refused', async () => {
  const lines = Array.from({ length: 50_000 }, (_, i) => `o{i="${i}",pad="${'x'.repeat(50)}"} 1\n`);
  await check('PUT', 'job/large', lines.join(''), 413, /a group may take/);
  assert.deepEqual(await ask('count(o)'), []);
});

test('groups survive a kill, and are written again', async () => {
  const lines = Array.from({ length: 3_000 }, (_, i) => `p{i="${i}"} ${i}\n`);
  await check('PUT', 'job/kept', lines.join(''), 200);
  await check('DELETE', 'job/batch/instance/i1', undefined, 202);
  await orrery.kill();
  orrery = await start();
  const startedSec = Date.now() / 1000;
  await until(`count(timestamp(p{job="kept"}) > ${startedSec})`, ['{} 3000']);
  await until(`count(timestamp(n) > ${startedSec})`, ['{} 1'], 'b');
  assert.deepEqual(await ask('a{job="batch"}'), []);
  assert.deepEqual(await ask('histogram_sum(l{job="proto"})'), ['{job=proto} 4.5']);
});
