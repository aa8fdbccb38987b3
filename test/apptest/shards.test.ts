// A server of several shards, which listens with several threads: writers, deletes and kill -9 lose
// nothing; every protocol writes through every thread; what has arrived is answered before the end;
// the number of shards is kept by the folder, and another one is refused.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { routePaths } from '../../src/frontends/http/route.ts';
import { durabilityRun } from '../support/durability-run.ts';
import { ROUTE_WRITERS, WRITE_ROUTES } from '../support/route-writers.ts';
import { runOrrery, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

test('three shards: acknowledged writes survive kill -9', { timeout: 180_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-shards-'));
  const args = ['--no-collect', '--data', data];
  try {
    const { kills, acknowledgedPoints, violations } = await durabilityRun({
      start: (env) => startOrrery([...args, '--shards', '3'], { env }),
      seed: 3,
      randomKills: 4,
      killsPerPlace: 0,
      isSharded: true,
    });
    assert.ok(kills >= 4 && acknowledgedPoints > kills * 100, 'the writers hardly wrote');
    assert.deepEqual(violations.slice(0, 20), []);
    const refused = await runOrrery([...args, '--shards', '2']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /are in 3 shards and cannot be opened with 2/);
    const again = await startOrrery(args);
    await again.stop();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

const BASE_MS = 1_750_000_000_000;

async function exported(orrery: RunningOrrery): Promise<Map<string, number>> {
  const { text } = await orrery.get('/api/v1/export?match[]=crossed&match[]=crossed_value');
  const found = new Map<string, number>();
  for (const line of text.trim().split('\n')) {
    const { metric, values, timestamps } = JSON.parse(line) as {
      metric: { n?: string; type_instance?: string };
      values: number[];
      timestamps: number[];
    };
    const n = metric.n ?? metric.type_instance;
    for (const [i, tMs] of timestamps.entries()) found.set(`${n} ${tMs}`, values[i]!);
  }
  return found;
}

async function sumOf(orrery: RunningOrrery, name: string): Promise<number> {
  const { text } = await orrery.get('/metrics');
  let sum = 0;
  for (const line of text.split('\n'))
    if (line.startsWith(name)) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  return sum;
}

test('every writing route through every thread; sums of metrics; kill -9', async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-threads-'));
  const args = ['--no-collect', '--data', data];
  const expected = new Map<string, number>();
  try {
    const first = await startOrrery([...args, '--shards', '2']);
    const paths = WRITE_ROUTES.flatMap((route) =>
      routePaths(route).map((path) => ({ path, protocol: ROUTE_WRITERS.get(route.path)! })),
    );
    assert.ok(paths.length >= 10 && paths.every(({ protocol }) => protocol !== undefined));
    let count = 0;
    // A connection for each write: the system spreads them over the threads.
    for (let round = 0; round < 6; round++)
      await Promise.all(
        paths.map(async ({ path, protocol }, i) => {
          const [n, tMs, value] = [i % 3, BASE_MS + count, count];
          count++;
          const headers = { Connection: 'close', ...protocol.headers };
          const body = protocol.body(n, tMs, value);
          const wrote = await first.post(path + (protocol.query ?? ''), body, { headers });
          assert.ok(wrote.status < 300, `${path}: ${wrote.status} ${wrote.text}`);
          // The field of line protocol is part of the name.
          expected.set(`${n} ${tMs}`, value);
        }),
      );
    assert.equal(await sumOf(first, 'orrery_ingest_batches_total'), count);
    assert.equal(await sumOf(first, 'orrery_ingest_samples_total'), count);
    // Three that all protocols write, and collectd's own.
    assert.equal(await sumOf(first, 'orrery_tsdb_active_series'), 4);
    assert.equal(await sumOf(first, 'orrery_http_body_bytes_in_flight'), 0);
    assert.equal(await sumOf(first, 'orrery_memory_bytes{holder="bodies"}'), 0);
    assert.ok((await sumOf(first, 'orrery_memory_bytes{holder="dictionaries"}')) > 1000);
    assert.deepEqual(await exported(first), expected);
    await first.kill();
    const second = await startOrrery(args);
    assert.deepEqual(await exported(second), expected);
    await second.stop();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

/** Half a request on a connection of its own; `finish` sends the rest and gives the answer. */
async function halfRequest(port: number, path: string, body: string) {
  const socket = net.connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  const closed = new Promise<string>((resolve, reject) => {
    socket.once('close', () => resolve(text));
    socket.once('error', reject);
  });
  const type = 'Content-Type: application/x-www-form-urlencoded\r\n';
  const length = `Content-Length: ${body.length}\r\n`;
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${type}${length}`;
  await new Promise<void>((resolve) => {
    socket.write(`${head}\r\n${body.slice(0, 5)}`, () => resolve());
  });
  return {
    finish(): Promise<string> {
      socket.write(body.slice(5));
      return closed;
    },
  };
}

/** Whether nobody listens any more, at the latest after two seconds. */
async function isClosed(port: number): Promise<boolean> {
  for (let n = 0; n < 200; n++) {
    const socket = net.connect(port, '127.0.0.1');
    const isTaken = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (!isTaken) return true;
    await sleep(10);
  }
  return false;
}

test('SIGTERM: threads answer what has begun, and all of the writes are kept', async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-drain-'));
  const args = ['--no-collect', '--data', data];
  try {
    const first = await startOrrery([...args, '--shards', '2']);
    const writes = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        halfRequest(
          first.port,
          '/write?precision=ms',
          String(ROUTE_WRITERS.get('/write')!.body(n, BASE_MS, n)),
        ),
      ),
    );
    const query = await halfRequest(first.port, '/api/v1/query', 'query=1%2B1');
    // The requests have been taken: the thread has read what was sent of them.
    while ((await sumOf(first, 'orrery_http_body_bytes_in_flight')) < 13 * 5) await sleep(10);
    const stoppedMs = performance.now();
    const stopped = first.stop();
    while (!first.output().includes('"stopping"')) await sleep(5);
    assert.ok(await isClosed(first.port), 'a new connection is taken');
    for (const answer of await Promise.all(writes.map((write) => write.finish())))
      assert.match(answer, /^HTTP\/1\.1 204 /);
    assert.match(await query.finish(), /"result":\[[\d.]+,"2"\]/);
    assert.equal((await stopped).code, 0, first.output());
    const tookMs = performance.now() - stoppedMs;
    assert.ok(tookMs < 8000, `connections that are done held up the end: ${tookMs} ms`);
    const second = await startOrrery(args);
    assert.equal((await exported(second)).size, 12);
    await second.stop();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
