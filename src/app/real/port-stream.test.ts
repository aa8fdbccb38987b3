// Connections over message ports: bytes in order, no faster than they are read, half-closed, cut;
// and HTTP through one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { Readable } from 'node:stream';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { PortStream } from './port-stream.ts';

function pair(): readonly [PortStream, PortStream] {
  const { port1, port2 } = new MessageChannel();
  return [new PortStream(port1), new PortStream(port2)];
}

/** All of it; an iterator would destroy the other direction with its own. */
async function read(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  await once(stream, 'end');
  return Buffer.concat(pieces);
}

test('bytes cross both ways in order, and each way ends by itself', async () => {
  const [a, b] = pair();
  const large = Buffer.alloc(1_000_000, 'abc');
  const heard = read(b);
  for (let at = 0; at < large.length; at += 70_000) a.write(large.subarray(at, at + 70_000));
  a.end('!');
  assert.deepEqual(await heard, Buffer.concat([large, Buffer.from('!')]));
  b.end('answer after the end');
  assert.equal(String(await read(a)), 'answer after the end');
  for (const side of [a, b]) if (!side.closed) await once(side, 'close');
});

test('a reader that does not read holds the writer up', async () => {
  const [a, b] = pair();
  const chunk = Buffer.alloc(50_000);
  let written = 0;
  for (let i = 0; i < 100; i++) a.write(chunk, () => written++);
  for (let i = 0; i < 200; i++) await turn();
  assert.ok(written < 10, `${written} chunks were taken by nobody`);
  a.end();
  assert.equal((await read(b)).length, 5_000_000);
  b.end();
});

test('what was sent before the end is read although the sender is gone', async () => {
  const [a, b] = pair();
  a.resume();
  b.end();
  await once(a, 'end');
  a.end('last words');
  await once(a, 'close');
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(String(await read(b)), 'last words');
});

test('a side that is destroyed cuts the other, and its writes end', async () => {
  const [a, b] = pair();
  const failed = once(b, 'error');
  const write = new Promise((resolve) => {
    b.write(Buffer.alloc(200_000), resolve);
  });
  await turn();
  a.destroy();
  assert.match(String((await failed)[0]), /is gone/);
  assert.ok((await write) instanceof Error);
});

test('a connection that nothing crosses times out, one that is read does not', async (t) => {
  const [a, b] = pair();
  // Open ports would keep the process where an assertion fails.
  t.after(() => a.destroy());
  b.on('error', () => undefined);
  let timeouts = 0;
  a.on('timeout', () => timeouts++);
  a.setTimeout(1500);
  for (let i = 0; i < 6; i++) {
    a.write('x');
    b.read();
    await sleep(300);
  }
  assert.equal(timeouts, 0);
  await once(a, 'timeout');
  a.setTimeout(0);
  await sleep(1600);
  assert.equal(timeouts, 1);
});

test('HTTP over a connection that is no socket', async () => {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    request.pipe(response);
  });
  const [a, b] = pair();
  server.emit('connection', b);
  const request = http.request({ method: 'POST', createConnection: () => a });
  request.end('x'.repeat(300_000));
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  assert.equal((await read(answer)).length, 300_000);
  server.close();
});

test('HTTP cuts a client behind it that takes nothing of an answer', async () => {
  const server = http.createServer((_request, response) => {
    for (let i = 0; i < 50; i++) response.write(Buffer.alloc(100_000));
    response.end();
    response.setTimeout(100);
  });
  const [a, b] = pair();
  server.emit('connection', b);
  const request = http.request({ createConnection: () => a });
  request.on('error', () => undefined);
  request.end();
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  await assert.rejects(once(answer, 'end'), /aborted|is gone/);
  assert.ok(b.destroyed);
  server.close();
});
