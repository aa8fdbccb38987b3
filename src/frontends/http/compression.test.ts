// Answers in the coding that a client likes best, whole, in step with it, and cut when it goes
// away.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { acceptedCoding } from './compression.ts';
import { plainErrors } from './errors.ts';
import type { KeptBodies } from './answer.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './route.ts';
import { openDoor } from './testing.ts';
import type { TestDoor } from './testing.ts';

const LINE = '{"metric":{"__name__":"up"},"value":[1,"1"]}\n';
const LONG = LINE.repeat(20_000);
let produced = 0;

async function* pieces(count: number): AsyncGenerator<string> {
  for (let i = 0; i < count; i++) {
    produced++;
    yield LINE.repeat(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function route(path: string, handler: (exchange: Exchange) => Promise<void>): Route {
  return {
    method: 'GET',
    path,
    prefix: '',
    permission: 'none',
    tenantScope: 'server',
    bodyLimitBytes: 0,
    errors: plainErrors,
    handler,
  };
}

const JSON_TYPE = { 'Content-Type': 'application/json' };
const ROUTES = [
  route('/stream', (exchange) => exchange.sendStream(200, JSON_TYPE, pieces(20))),
  route('/endless', (exchange) => exchange.sendStream(200, JSON_TYPE, pieces(1e9))),
  route('/short', (exchange) =>
    exchange.sendStream(
      200,
      JSON_TYPE,
      (async function* short() {
        yield '{}';
      })(),
    ),
  ),
  route('/empty', (exchange) => exchange.sendStream(200, JSON_TYPE, pieces(0))),
  route('/broken', (exchange) =>
    exchange.sendStream(
      200,
      JSON_TYPE,
      (async function* broken() {
        yield LINE.repeat(1000);
        yield LINE.repeat(1000);
        throw new RangeError('in the middle');
      })(),
    ),
  ),
  route('/bytes', (exchange) =>
    exchange.sendStream(200, { 'Content-Type': 'application/x-protobuf' }, pieces(2)),
  ),
  route('/whole', async (exchange) =>
    exchange.send({ status: 200, headers: JSON_TYPE, body: LINE.repeat(1000) }),
  ),
];

class OneBody implements KeptBodies {
  sizeBytesMax = 1e6;
  readonly bodies = new Map<string, Uint8Array>();
  of(coding: string): Uint8Array | undefined {
    return this.bodies.get(coding);
  }
  keep(coding: string, body: Uint8Array): void {
    this.bodies.set(coding, body);
  }
}

let kept = new OneBody();
ROUTES.push(
  route('/kept', (exchange) => exchange.sendStream(200, JSON_TYPE, pieces(20), { kept })),
  route('/kept-endless', (exchange) => exchange.sendStream(200, JSON_TYPE, pieces(1e9), { kept })),
);

let door: TestDoor;
before(async () => {
  door = await openDoor(ROUTES);
});
after(() => door.close());

interface Got {
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly isComplete: boolean;
}

/** fetch would decode by itself. */
function get(path: string, accepted?: string, bytesMax = Infinity): Promise<Got> {
  return new Promise((resolve, reject) => {
    const headers = accepted === undefined ? {} : { 'Accept-Encoding': accepted };
    const request = http.get(door.url + path, { headers }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > bytesMax) request.destroy();
      });
      const done = (): void =>
        resolve({
          headers: response.headers,
          body: Buffer.concat(chunks),
          isComplete: response.complete,
        });
      response.on('close', done);
      response.on('error', done);
    });
    request.on('error', (error) => {
      if (!request.destroyed) reject(error);
    });
  });
}

test('the coding that a client likes best', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['zstd;q=0.5, gzip', 'gzip'],
    ['GZIP; q=0.1', 'gzip'],
    ['*', 'zstd'],
    ['*;q=0, gzip;q=0.3', 'gzip'],
    ['zstd;q=0, *', 'gzip'],
    ['br, deflate', undefined],
    ['identity', undefined],
    ['', undefined],
    ['gzip;q=x', undefined],
  ];
  for (const [accepted, coding] of cases) assert.equal(acceptedCoding(accepted), coding, accepted);
});

test('streams and complete answers are compressed as asked', async () => {
  for (const [path, text] of [
    ['/stream', LONG],
    ['/whole', LINE.repeat(1000)],
  ] as const) {
    const plain = await get(path);
    assert.equal(plain.body.toString(), text);
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.match(plain.headers.vary ?? '', /Accept-Encoding/);
    const gzip = await get(path, 'gzip');
    assert.equal(gzip.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(gzip.body).toString(), text);
    const zstd = await get(path, 'gzip, zstd');
    assert.equal(zstd.headers['content-encoding'], 'zstd');
    assert.equal(zstdDecompressSync(zstd.body).toString(), text);
    assert.ok(zstd.body.length < text.length / 10);
  }
});

test('what is short or no text is left as it is', async () => {
  for (const [path, text] of [
    ['/short', '{}'],
    ['/empty', ''],
    ['/bytes', LINE.repeat(2000)],
  ] as const) {
    const got = await get(path, 'gzip');
    assert.equal(got.headers['content-encoding'], undefined);
    assert.equal(got.body.toString(), text);
  }
});

test('an answer that breaks off is cut, not ended', async () => {
  const got = await get('/broken', 'gzip');
  assert.equal(got.isComplete, false);
});

test('a client that goes away ends the work', async () => {
  await get('/endless', 'gzip', 1000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const count = produced;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(produced, count);
});

test('a compressed answer is kept, and sent again without being made', async () => {
  kept = new OneBody();
  const plain = await get('/kept');
  assert.equal(kept.bodies.size, 0, 'what is not compressed is not kept');
  const first = await get('/kept', 'gzip');
  assert.deepEqual([...kept.bodies.keys()], ['gzip']);
  const count = produced;
  const again = await get('/kept', 'gzip');
  assert.equal(produced, count);
  assert.ok(again.isComplete);
  assert.deepEqual(again.body, first.body);
  assert.equal(gunzipSync(again.body).toString(), plain.body.toString());
  assert.equal(again.headers['content-encoding'], 'gzip');
  assert.equal(Number(again.headers['content-length']), first.body.length);
  assert.match(again.headers.vary ?? '', /Accept-Encoding/);
  assert.equal(again.headers['content-type'], 'application/json');
  const other = await get('/kept', 'zstd');
  assert.equal(zstdDecompressSync(other.body).toString(), plain.body.toString());
  assert.deepEqual([...kept.bodies.keys()], ['gzip', 'zstd']);
});

test('what is too long, or was not sent whole, is not kept', async () => {
  kept = new OneBody();
  kept.sizeBytesMax = 100;
  assert.equal(gunzipSync((await get('/kept', 'gzip')).body).toString(), LONG);
  kept.sizeBytesMax = 1e9;
  await get('/kept-endless', 'gzip', 1000);
  assert.equal(kept.bodies.size, 0);
});
