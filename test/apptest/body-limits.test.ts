// Hostile bodies at every row of the route table: a clear refusal each time, memory that stays
// bounded, and a server that goes on serving everybody else.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import { productRoutes } from '../../src/app/server/routes.ts';
import type { RouteDependencies } from '../../src/app/server/routes.ts';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { routePaths } from '../../src/frontends/http/route.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const GIB = 1_073_741_824;
/**
 * The process, what may be in flight (256 MiB) and what was let go but not yet collected: 475 to
 * 575 MiB, once 707. By calculation, twelve bombs that only have the limit of one body (64 MiB)
 * would come to some 880, without any limit to 3,600.
 */
const RSS_BYTES_MAX = 800 * 1024 * 1024;

/** Parameters that a route looks for before it reads a body. */
const QUERIES: Readonly<Record<string, string>> = {
  '/api/v1/import/csv': '?format=1:metric:a',
};

/** The table itself needs nothing; only handlers do. */
const ROUTES = productRoutes({} as RouteDependencies).flatMap((route) =>
  routePaths(route).map((path) => ({
    method: route.method,
    path: path.replaceAll(/:\w+/g, 'eHh4').replace(/\*\w+$/, 'x/y') + (QUERIES[route.path] ?? ''),
    limitBytes: route.bodyLimitBytes,
    isRemoteWrite: /\/api\/v1\/(write|push)$/.test(path),
    isForm:
      route.bodyLimitBytes > 0 && route.permission !== 'write' && route.permission !== 'admin',
  })),
);
const WITH_BODY = ROUTES.filter((route) => route.limitBytes > 0);
type Row = (typeof ROUTES)[number];

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(async () => {
  const exited = await orrery.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

/** Sends `head` and `body`, keeps the connection open, resolves to what came back. */
function raw(head: string, body: string, until: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(orrery.port, '127.0.0.1');
    const timer = setTimeout(() => socket.destroy(new Error(`no answer to ${head}`)), 10_000);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (until.test(text)) socket.end();
    });
    socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(head + body);
  });
}

function send(row: Row, body: Uint8Array<ArrayBuffer>, coding: string | undefined) {
  const headers: Record<string, string> = {};
  if (coding !== undefined) headers['Content-Encoding'] = coding;
  if (row.isRemoteWrite) headers['Content-Type'] = 'application/x-protobuf';
  else if (row.isForm) headers['Content-Type'] = 'application/x-www-form-urlencoded';
  return orrery.get(row.path, { method: row.method, body, headers });
}

async function checkRefusals(
  body: Uint8Array<ArrayBuffer>,
  coding: string,
  statuses: readonly number[],
  rows: readonly Row[] = WITH_BODY,
) {
  for (const row of rows) {
    const answer = await send(row, body, coding);
    const what = `${row.method} ${row.path}: ${answer.status} ${answer.text}`;
    assert.ok(statuses.includes(answer.status), what);
    assert.ok(answer.text.length > 10 && answer.text.length < 5000, what);
  }
  assert.equal((await orrery.get('/-/healthy')).status, 200);
}

test('a declared length of 1 GiB is refused before a byte is read, everywhere', async () => {
  assert.ok(ROUTES.length > 60, 'the route table is hardly there');
  for (const row of ROUTES) {
    const head =
      `${row.method} ${row.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
      `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${GIB}\r\n\r\n`;
    const answer = await raw(head, 'x'.repeat(1000), /\r\n\r\n.+/s);
    assert.match(answer, /^HTTP\/1\.1 413 /, `${row.method} ${row.path}`);
    assert.match(answer, /\r\nConnection: close\r\n/i, `${row.method} ${row.path}`);
  }
  assert.equal((await orrery.get('/-/healthy')).status, 200);
});

test('a body without a declared length stops at the limit', async () => {
  const endless = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
  for (const row of ROUTES.filter(({ limitBytes }) => limitBytes <= 65_536)) {
    const head = `${row.method} ${row.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await raw(head, endless.repeat(3), /\r\n\r\n.+/s);
    assert.match(answer, /^HTTP\/1\.1 413 /, `${row.method} ${row.path}`);
  }
});

test('garbage that claims to be compressed', async () => {
  const garbage = Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 167) & 255));
  for (const coding of ['gzip', 'deflate', 'zstd'])
    await checkRefusals(garbage, coding, [400, 415]);
  await checkRefusals(garbage, 'br', [415]);
});

test('a compressed body cut short', async () => {
  const text = 'metric_name{label="value"} 1\n'.repeat(1000);
  const gzip = zlib.gzipSync(text);
  await checkRefusals(gzip.subarray(0, gzip.length - 20), 'gzip', [400, 415]);
  const zstd = zlib.zstdCompressSync(text);
  await checkRefusals(zstd.subarray(0, zstd.length - 20), 'zstd', [400, 415]);
});

test('a decompression bomb costs no more than the limit', async () => {
  const bomb = zlib.gzipSync(Buffer.alloc(300 * 1024 * 1024), { level: 9 });
  assert.ok(bomb.length < 512 * 1024);
  await checkRefusals(bomb, 'gzip', [413, 415]);
  const writes = WITH_BODY.filter((row) => row.path === '/write');
  await Promise.all(
    Array.from({ length: 12 }, () => checkRefusals(bomb, 'gzip', [413, 503], writes)),
  );
});

test('snappy: garbage, cut short, a length that lies', async () => {
  const rows = ROUTES.filter((row) => row.isRemoteWrite);
  assert.equal(rows.length, 4);
  const whole = encodeSnappy(Buffer.from('some bytes that are no protobuf '.repeat(100)));
  const cut = Buffer.from(whole.subarray(0, whole.length - 5));
  // The header says 1 GiB; a few bytes follow.
  const lie = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 0x00, 0x41]);
  await checkRefusals(Buffer.from(whole), 'snappy', [400], rows);
  await checkRefusals(cut, 'snappy', [400], rows);
  await checkRefusals(Buffer.from('garbage!'), 'snappy', [400, 413], rows);
  await checkRefusals(lie, 'snappy', [413], rows);
  await checkRefusals(Buffer.from('garbage!'), 'gzip', [415], rows);
  const reads = ROUTES.filter((row) => row.path === '/api/v1/read');
  await checkRefusals(cut, 'snappy', [400], reads);
  await checkRefusals(lie, 'snappy', [413], reads);
  for (const type of ['application/json', 'image/png']) {
    const headers = { 'Content-Type': type, 'Content-Encoding': 'snappy' };
    const answer = await orrery.post('/api/v1/write', Buffer.from('garbage!'), { headers });
    assert.equal(answer.status, 415, type);
  }
});

test('plain garbage at every writing route is the client’s mistake', async () => {
  const garbage = Buffer.from('\u0000\u0001{{{"=,,, \n\\\\ 1 2 3 4\n\xff\xfe', 'latin1');
  for (const row of WITH_BODY) {
    const { status, text } = await send(row, garbage, undefined);
    assert.ok(status < 500, `${row.method} ${row.path}: ${status} ${text}`);
  }
});

test('afterwards memory is bounded and nothing of a body is held', async () => {
  const status = await readFile(`/proc/${orrery.pid}/status`, 'utf8');
  const peakBytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  assert.ok(peakBytes < RSS_BYTES_MAX, `peak memory ${peakBytes} bytes`);
  const metrics = await orrery.get('/metrics');
  assert.match(metrics.text, /^orrery_http_body_bytes_in_flight 0$/m);
  assert.doesNotMatch(metrics.text, /^orrery_http_internal_errors_total [1-9]/m);
});
