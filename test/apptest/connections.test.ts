// Connections as they come: many requests on one, requests in pieces and one byte a second, ten
// thousand that say nothing, bodies that two readers would cut differently, bombs, more than fits,
// and an end in order. What a door does in one process is in src/frontends/http; here it is the
// product, also with threads that hand requests on (connections-shards.test.ts).
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import zlib from 'node:zlib';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { RawConnection } from '../support/raw-connection.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const MIB = 1024 * 1024;
const IDLE_CONNECTIONS = 10_000;
/** Of one idle connection, kernel buffers apart: streams, parser, request and answer objects. */
const IDLE_BYTES_MAX = 32 * 1024;
/** What nine bombs inflated to before they were refused, 64 MiB each, until it is collected. */
const BOMB_BYTES_MAX = 640 * MIB;

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(async () => {
  const exited = await orrery.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

async function statusBytes(name: 'VmRSS' | 'VmHWM'): Promise<number> {
  const text = await readFile(`/proc/${orrery.pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024;
}

async function countOf(server: RunningOrrery, selector: string): Promise<string> {
  const query = encodeURIComponent(`count(${selector}) or vector(0)`);
  const { text } = await server.get(`/api/v1/query?query=${query}&time=${T}`);
  const { data } = JSON.parse(text) as { data: { result: readonly { value: unknown[] }[] } };
  return String(data.result[0]?.value[1]);
}

function request(method: string, path: string, body = '', headers = ''): string {
  const length = method === 'GET' || method === 'HEAD' ? '' : `Content-Length: ${body.length}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}${length}\r\n${body}`;
}

const write = (name: string, headers = ''): string =>
  request('POST', '/write?precision=s', `${name} value=1 ${T}`, headers);

/** In pieces of four bytes, with what a chunk and a body may have behind them. */
function chunkedWrite(name: string): string {
  const body = `${name} value=1 ${T}`;
  const chunks = body.match(/.{1,4}/g)!.map((one) => `${one.length};a=b\r\n${one}\r\n`);
  const head = 'POST /write?precision=s HTTP/1.1\r\nHost: localhost\r\n';
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\nTrailer: x\r\n\r\n`;
}

test('requests on one connection are answered in their order, cut anywhere', async () => {
  const kinds: readonly (readonly [string, string, number])[] = [
    ['POST', write('pipe,i=1'), 204],
    ['GET', request('GET', '/-/healthy'), 200],
    ['GET', request('GET', `/api/v1/query?query=sum(pipe)&time=${T}`), 200],
    ['POST', request('POST', '/write', 'no field'), 400],
    ['HEAD', request('HEAD', '/-/healthy'), 200],
    ['POST', request('POST', '/api/v1/query', 'query=1', 'Content-Type: text/plain\r\n'), 415],
    ['POST', request('POST', '/api/nowhere', 'x'.repeat(1000)), 404],
    ['DELETE', request('DELETE', '/write', 'xyz'), 405],
    ['POST', chunkedWrite('pipe,i=2'), 204],
    ['GET', request('GET', '/api/v1/labels'), 200],
  ];
  const rounds = [kinds, kinds.toReversed(), kinds].flat();
  const all = Buffer.from(rounds.map(([, text]) => text).join(''));
  for (const step of [all.length, 1000, 7]) {
    const connection = await RawConnection.open(orrery.port);
    for (let at = 0; at < all.length; at += step) {
      connection.send(all.subarray(at, at + step));
      if (step < 100) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const [i, [method, text, status]] of rounds.entries()) {
      const answer = await connection.answer(method);
      assert.equal(answer?.status, status, `${i}: ${text} in steps of ${step}: ${answer?.body}`);
    }
    connection.close();
  }
  assert.equal(await countOf(orrery, 'pipe'), '2');
});

test('HTTP/1.0: no chunks, and the end of the connection unless it is kept', async () => {
  const old = (text: string) => text.replace('HTTP/1.1', 'HTTP/1.0');
  const exported = `/api/v1/export?match[]=pipe`;
  for (const [method, text, status] of [
    ['POST', old(write('old,i=1')), 204],
    ['GET', old(request('GET', '/-/healthy')), 200],
    ['GET', old(request('GET', exported)), 200],
    ['GET', old(request('GET', `/api/v1/query?query=pipe&time=${T}`)), 200],
  ] as const) {
    const connection = (await RawConnection.open(orrery.port)).send(text);
    const answer = await connection.answer(method);
    assert.equal(answer?.status, status, text);
    assert.equal(answer.headers.get('transfer-encoding'), undefined, text);
    assert.ok(status === 204 || answer.body.length > 10, text);
    assert.equal(await connection.rest(), '');
  }
  const kept = await RawConnection.open(orrery.port);
  for (let i = 0; i < 3; i++) {
    kept.send(old(request('GET', '/-/healthy', '', 'Connection: keep-alive\r\n')));
    assert.equal((await kept.answer())?.status, 200, String(i));
  }
  kept.close();
  assert.equal(await countOf(orrery, 'old'), '1');
});

test('Expect: 100-continue is answered before the body, a refusal instead of it', async () => {
  const expect = 'Expect: 100-continue\r\n';
  const heads: readonly (readonly [string, number])[] = [
    ['POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n', 413],
    ['POST /-/healthy HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n', 405],
    ['POST /api/nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n', 404],
    ['POST /write HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 5\r\n', 403],
    [
      'POST /write HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil\r\nContent-Length: 5\r\n',
      403,
    ],
    ['POST /write HTTP/1.1\r\nHost: localhost\r\nX-Scope-OrgID: a/b\r\nContent-Length: 5\r\n', 400],
    ['POST /write?precision=x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n', 400],
    [
      'POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 5\r\n',
      415,
    ],
    [
      'POST /v1/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 5\r\n',
      415,
    ],
    [
      'POST /write HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: lz4\r\nContent-Length: 5\r\n',
      415,
    ],
  ];
  for (const [head, status] of heads) {
    const connection = (await RawConnection.open(orrery.port)).send(`${head}${expect}\r\n`);
    const answer = await connection.answer();
    assert.equal(answer?.status, status, `${head}: ${answer?.body}`);
    connection.close();
  }
  for (const [path, body] of [
    ['/write?precision=s', `expected value=1 ${T}`],
    ['/api/v1/query', `query=expected&time=${T}`],
  ] as const) {
    const type = 'Content-Type: application/x-www-form-urlencoded\r\n';
    const text = request('POST', path, body, type + expect);
    const head = text.slice(0, -body.length);
    const connection = (await RawConnection.open(orrery.port)).send(head);
    assert.equal((await connection.answer())?.status, 100, path);
    connection.send(body);
    assert.ok((await connection.answer())!.status < 300, path);
    // And the next one on the same connection.
    connection.send(text);
    assert.equal((await connection.answer())?.status, 100, path);
    assert.ok((await connection.answer())!.status < 300, path);
    connection.close();
  }
  // A client of HTTP/1.0 knows no answer before the answer.
  const old = request('POST', '/write?precision=s', `expected value=1 ${T}`, expect);
  const ignored = await RawConnection.open(orrery.port);
  ignored.send(old.replace('HTTP/1.1', 'HTTP/1.0'));
  assert.equal((await ignored.answer())?.status, 204);
  ignored.close();
  const unknown = await RawConnection.open(orrery.port);
  unknown.send(request('POST', '/write', 'x', 'Expect: the unexpected\r\n'));
  assert.equal((await unknown.answer())?.status, 417);
  unknown.close();
});

test('what two readers could cut differently is refused, and nothing behind it is read', async () => {
  const post = 'POST /write?precision=s HTTP/1.1\r\nHost: localhost\r\n';
  const line = `smuggled value=1 ${T}`;
  const chunked = 'Transfer-Encoding: chunked\r\n\r\n';
  const shapes = {
    'length and chunks': `Content-Length: 4\r\n${chunked}0\r\n\r\n`,
    'chunks and length': `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
    'two lengths': `Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello`,
    'a list of lengths': `Content-Length: 5, 5\r\n\r\nhello`,
    'a length with a sign': `Content-Length: +5\r\n\r\nhello`,
    'chunked twice': `Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
    'chunked not last': `Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    'a coding below the chunks': `Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'another coding': `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    'a blank before the colon': `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    'a folded header': `X: a\r\n b\r\nContent-Length: 0\r\n\r\n`,
    'a folded coding': `Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`,
    'a bare line feed': `X: a\nContent-Length: 0\r\n\r\n`,
    'bare line feeds alone': `Content-Length: 0\n\n`,
    'a bare carriage return': `X: a\rContent-Length: 0\r\n\r\n`,
    'a control character': `X: a\0b\r\nContent-Length: 0\r\n\r\n`,
    'a chunk size with a prefix': `${chunked}0x1\r\nx\r\n0\r\n\r\n`,
    'a chunk size with a sign': `${chunked}+1\r\nx\r\n0\r\n\r\n`,
    'a chunk size with a blank': `${chunked}1 \r\nx\r\n0\r\n\r\n`,
    'a chunk size too large': `${chunked}10000000000000001\r\nx\r\n0\r\n\r\n`,
    'no chunk size': `${chunked}\r\nx\r\n0\r\n\r\n`,
    'a chunk line with a bare line feed': `${chunked}1\nx\r\n0\r\n\r\n`,
    'an extension with a bare line feed': `${chunked}1;a\nx\r\n0\r\n\r\n`,
    'a chunk that is longer': `${chunked}1\r\nxy\r\n0\r\n\r\n`,
    'a chunk without an end': `${chunked}1\r\nx0\r\n\r\n`,
  };
  const behind = request('POST', '/write?precision=s', line);
  for (const [what, shape] of Object.entries(shapes)) {
    const connection = (await RawConnection.open(orrery.port)).send(post + shape + behind);
    const answer = await connection.answer();
    assert.equal(answer?.status, 400, what);
    assert.equal(await connection.rest(), '', `${what}: something behind it was answered`);
    connection.close();
  }
  assert.equal(await countOf(orrery, 'smuggled'), '0');
});

test('writers of one byte a second hold up nobody', { timeout: 60_000 }, async () => {
  const count = 100;
  const slow = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const text = i % 2 === 0 ? write(`slow,i=${i}`) : chunkedWrite(`slow,i=${i}`);
      const connection = await RawConnection.open(orrery.port);
      // Some are slow in their heads as well.
      const at = i % 4 === 0 ? 20 : text.length - 5;
      return { connection: connection.send(text.slice(0, at)), rest: text.slice(at) };
    }),
  );
  const slowEnd = new AbortController();
  const dripping = (async () => {
    for (let seconds = 0; seconds < 5; seconds++) {
      await sleep(1000);
      for (const { connection, rest } of slow) connection.send(rest.charAt(seconds));
    }
    for (const { connection, rest } of slow) connection.send(rest.slice(5));
    slowEnd.abort();
  })();
  let written = 0;
  while (!slowEnd.signal.aborted) {
    const answer = await orrery.post('/write?precision=s', `fast,i=${written++} value=1 ${T}`);
    assert.equal(answer.status, 204, answer.text);
  }
  await dripping;
  assert.ok(written > 20, `${written} writes beside them`);
  for (const { connection } of slow) {
    assert.equal((await connection.answer())?.status, 204);
    connection.close();
  }
  assert.equal(await countOf(orrery, 'slow'), String(count));
});

/** In runs of some hundred, so that the line of those who wait to be taken stays short. */
async function inRuns<T>(count: number, run: (i: number) => Promise<T>): Promise<T[]> {
  const out: T[] = [];
  for (let from = 0; from < count; from += 500) {
    const size = Math.min(500, count - from);
    out.push(...(await Promise.all(Array.from({ length: size }, (_, i) => run(from + i)))));
  }
  return out;
}

test('ten thousand connections that say nothing', { timeout: 120_000 }, async () => {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const files = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1]);
  assert.ok(files > IDLE_CONNECTIONS + 500, `the hard limit of open files is ${files}`);
  const emptyBytes = await statusBytes('VmRSS');
  // Half of them have asked something, the others never do.
  const idle = await inRuns(IDLE_CONNECTIONS, async (i) => {
    const connection = await RawConnection.open(orrery.port);
    if (i % 2 === 0) {
      connection.send(request('GET', '/-/ready'));
      assert.equal((await connection.answer())?.status, 200);
    }
    return connection;
  });
  const grown = (await statusBytes('VmRSS')) - emptyBytes;
  process.stdout.write(`# ${Math.round(grown / IDLE_CONNECTIONS)} bytes a connection\n`);
  assert.ok(grown < IDLE_CONNECTIONS * IDLE_BYTES_MAX, `${grown} bytes for them`);
  // Everybody else is served, and so is each of them.
  for (let i = 0; i < 50; i++) {
    const answer = await orrery.post('/write?precision=s', `beside,i=${i} value=1 ${T}`);
    assert.equal(answer.status, 204, answer.text);
  }
  for (const connection of idle.slice(0, 200)) {
    connection.send(request('GET', '/-/ready'));
    assert.equal((await connection.answer())?.status, 200);
  }
  for (const connection of idle) connection.close();
  assert.equal(await countOf(orrery, 'beside'), '50');
});

test('bombs of every coding stop at the limit', { timeout: 120_000 }, async () => {
  const half = Buffer.alloc(40 * MIB, 'x 1\n');
  const whole = Buffer.concat([half, half]);
  const gzip = { level: 1 };
  const bombs: readonly (readonly [string, string, Uint8Array, Record<string, string>])[] = [
    ['gzip', '/write', zlib.gzipSync(whole, gzip), { 'Content-Encoding': 'gzip' }],
    [
      'gzip in two members',
      '/write',
      Buffer.concat([zlib.gzipSync(half, gzip), zlib.gzipSync(half, gzip)]),
      { 'Content-Encoding': 'gzip' },
    ],
    ['deflate', '/api/put', zlib.deflateSync(whole, gzip), { 'Content-Encoding': 'deflate' }],
    [
      'bare deflate',
      '/api/put',
      zlib.deflateRawSync(whole, gzip),
      { 'Content-Encoding': 'deflate' },
    ],
    ['zstd', '/api/v1/import', zlib.zstdCompressSync(whole), { 'Content-Encoding': 'zstd' }],
    [
      'zstd in two frames',
      '/api/v1/import',
      Buffer.concat([zlib.zstdCompressSync(half), zlib.zstdCompressSync(half)]),
      { 'Content-Encoding': 'zstd' },
    ],
    [
      'Warp 10',
      '/api/v0/update',
      zlib.gzipSync(whole, gzip),
      { 'Content-Type': 'application/gzip' },
    ],
    [
      'OTLP',
      '/v1/metrics',
      zlib.gzipSync(whole, gzip),
      { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'gzip' },
    ],
    [
      'snappy',
      '/api/v1/write',
      encodeSnappy(whole),
      { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy' },
    ],
  ];
  for (const [what, path, body, headers] of bombs) {
    const answer = await orrery.post(path, new Uint8Array(body), { headers });
    assert.equal(answer.status, 413, `${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  // All at once.
  const all = await Promise.all(
    bombs.map(([, path, body, headers]) => orrery.post(path, new Uint8Array(body), { headers })),
  );
  for (const { status, headers } of all) {
    assert.ok(status === 413 || status === 503, String(status));
    assert.equal(headers.get('retry-after') !== null, status === 503);
  }
  const peak = await statusBytes('VmHWM');
  assert.ok(peak < BOMB_BYTES_MAX + IDLE_CONNECTIONS * IDLE_BYTES_MAX, `peak of ${peak} bytes`);
});

test('more bodies than fit are told when to come back', { timeout: 60_000 }, async () => {
  const body = Buffer.alloc(60 * MIB, ' ');
  const head = request('POST', '/write', '').replace('Length: 0', `Length: ${body.length + 1}`);
  const uploads = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const connection = await RawConnection.open(orrery.port);
      return connection.send(head).send(body);
    }),
  );
  // Whoever is refused is answered; the others wait for their last byte.
  const refused = await Promise.race(uploads.map((one) => one.answer()));
  assert.equal(refused?.status, 503, refused?.body ?? '');
  assert.equal(refused.headers.get('retry-after'), '1');
  for (const one of uploads) one.close();
  for (let i = 0; i < 100; i++) {
    const { text } = await orrery.get('/metrics');
    if (/^orrery_http_body_bytes_in_flight 0$/m.test(text)) break;
    assert.ok(i < 99, 'bodies of clients that went away are still held');
    await sleep(50);
  }
  assert.equal((await orrery.post('/write?precision=s', `again value=1 ${T}`)).status, 204);
});

test(
  'SIGTERM: what has begun is answered and kept, what waits is let go',
  { timeout: 60_000 },
  async () => {
    const data = await mkdtemp(join(tmpdir(), 'orrery-drain-'));
    try {
      const args = ['--no-collect', '--data', data, '--drain-timeout', '3s'];
      const first = await startOrrery(args);
      const idle = await Promise.all(
        Array.from({ length: 20 }, () => RawConnection.open(first.port)),
      );
      const begun = await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const text = write(`begun,i=${i}`);
          const connection = await RawConnection.open(first.port);
          return { connection: connection.send(text.slice(0, -3)), rest: text.slice(-3) };
        }),
      );
      const never = await RawConnection.open(first.port);
      never.send(write('never').slice(0, -3));
      const held = async (): Promise<number> => {
        const { text } = await first.get('/metrics');
        return Number(/^orrery_http_body_bytes_in_flight (\d+)$/m.exec(text)?.[1]);
      };
      while ((await held()) < 21 * 5) await sleep(10);
      const stopped = first.stop();
      while (!first.output().includes('"stopping"')) await sleep(5);
      for (const connection of idle) assert.equal(await connection.rest(), '');
      for (const { connection, rest } of begun) {
        const answer = await connection.send(rest).answer();
        assert.equal(answer?.status, 204);
        assert.equal(await connection.rest(), '');
      }
      assert.equal(await never.rest(), '');
      const exited = await stopped;
      assert.equal(exited.code, 0, exited.stdout + exited.stderr);
      const second = await startOrrery(args);
      assert.equal(await countOf(second, 'begun'), '20');
      assert.equal(await countOf(second, 'never'), '0');
      await second.stop();
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  },
);
