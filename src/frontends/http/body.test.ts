// Bodies over real sockets, in pieces of all sizes: what a handler gets is what was sent, whatever
// memory it came through, and its memory is given back when it has ended.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { freeAtOnce, freeOutput } from '../../stdx/freed.ts';
import { plainErrors } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { openDoor, rawRequest } from './testing.ts';
import type { TestDoor } from './testing.ts';

const LIMIT_BYTES = 24 * 1024 * 1024;
const held: Uint8Array[] = [];

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function answerDigest(exchange: Exchange): Promise<void> {
  const body = await exchange.body();
  held.push(body);
  // Others send meanwhile.
  await new Promise((done) => void setTimeout(done, 5));
  exchange.send({ status: 200, body: digest(body) });
}

let door: TestDoor;
before(async () => {
  door = await openDoor([
    {
      method: 'POST',
      path: '/digest',
      prefix: '',
      permission: 'write',
      tenantScope: 'tenant',
      bodyLimitBytes: LIMIT_BYTES,
      errors: plainErrors,
      handler: answerDigest,
    },
  ]);
});
after(() => door.close());

function bytesOf(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = Math.imul(i + seed, 2_654_435_761) >>> 24;
  return bytes;
}

async function post(body: Uint8Array, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`${door.url}/digest`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers,
  });
  return answer.ok ? await answer.text() : `${answer.status}`;
}

const SIZES = [0, 1, 1000, 65_535, 65_536, 65_537, 131_072, 175_000, 300_000, 1_600_000, 9_000_001];

test('bodies of all sizes come as they were sent, several at once', async () => {
  const all = [...SIZES, ...SIZES.toReversed()].map((size, i) => bytesOf(size, i));
  assert.deepEqual(await Promise.all(all.map((body) => post(body))), all.map(digest));
  for (const body of all) assert.equal(await post(body), digest(body));
});

test('a body without a declared length comes as it was sent', async () => {
  for (const size of SIZES) {
    const body = bytesOf(size, 7);
    const chunks: (string | Uint8Array)[] = [];
    for (let at = 0; at < size; at += 50_000) {
      const piece = body.subarray(at, at + 50_000);
      chunks.push(`${piece.length.toString(16)}\r\n`, piece, '\r\n');
    }
    const head = 'POST /digest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
    const text = await rawRequest(door.port, [head, ...chunks, '0\r\n\r\n'], {
      until: digest(body),
    });
    assert.match(text, /^HTTP\/1\.1 200 /);
  }
});

test('decompressed bodies come as they were, whatever they say of their size', async () => {
  for (const size of SIZES) {
    const body = Buffer.alloc(size, bytesOf(997, 3));
    const packed = gzipSync(body);
    const gzip = { 'content-encoding': 'gzip' };
    assert.equal(await post(packed, gzip), digest(body));
    assert.equal(
      await post(Buffer.concat([packed, gzipSync('more')]), gzip),
      digest(Buffer.concat([body, Buffer.from('more')])),
    );
    assert.equal(await post(zstdCompressSync(body), { 'content-encoding': 'zstd' }), digest(body));
    for (const said of [0, 1, 0xff_ff_ff_ff]) {
      if (said === size) continue;
      const lying = Buffer.from(packed);
      lying.writeUInt32LE(said, lying.length - 4);
      assert.equal(await post(lying, gzip), '400');
    }
  }
});

test('the memory of a decompressed body is gone when its exchange has ended', async () => {
  const body = Buffer.alloc(200_000, 'a');
  held.length = 0;
  await post(gzipSync(body), { 'content-encoding': 'gzip' });
  assert.equal(held[0]!.length, 0);
});

test('the memory of a body in one piece is gone when its exchange has ended', async () => {
  for (const size of [0, 1, 50_000]) {
    const body = bytesOf(size, 5);
    held.length = 0;
    const request = ['POST /digest HTTP/1.1', 'Host: localhost', `Content-Length: ${size}`];
    const all = Buffer.concat([Buffer.from(`${request.join('\r\n')}\r\n\r\n`), body]);
    await rawRequest(door.port, [all], { until: digest(body) });
    // The next one is answered when that has ended.
    assert.equal(await post(body), digest(body));
    assert.equal(held[0]!.length, 0);
  }
});

test('memory that may be shared is not given back', () => {
  const whole = new Uint8Array(100);
  const part = whole.subarray(10, 20);
  freeAtOnce(part);
  assert.equal(part.length, 10);
  freeAtOnce(whole);
  assert.equal(whole.length, 0);
  const pooled = Buffer.from('a text in a pool');
  freeAtOnce(pooled);
  freeOutput(pooled);
  assert.equal(pooled.toString(), 'a text in a pool');
  const nothing = new Uint8Array(0);
  for (let i = 0; i < 2; i++) freeAtOnce(nothing);
  const output = new Uint8Array(1_000_000).subarray(0, 900_000);
  freeOutput(output);
  assert.equal(output.length, 0);
});
