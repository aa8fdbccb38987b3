// A real server on a small disk: full, it refuses writes with a date to come back and goes on
// reading, also after a start; it recovers by itself when there is space. Read-only, it does not
// start and says so. Nothing acknowledged is lost, nothing refused is there.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mountSkip, Tmpfs } from '../support/tmpfs.ts';
import { runOrrery, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const DISK_MB = 96;
const POINTS_PER_WRITE = 4000;
const WRITES_MAX = 2000;
const RECOVERY_MS = 40_000;
const BASE_MS = Date.UTC(2026, 0, 1);
const skip = mountSkip();

/** Writes numbered batches; remembers which were acknowledged. */
class NumberedWriter {
  readonly acknowledged = new Set<number>();
  #count = 0;

  async write(server: RunningOrrery): Promise<{ status: number; retryAfter: string | null }> {
    const batch = this.#count++;
    const lines = Array.from({ length: POINTS_PER_WRITE }, (_, i) => {
      const noise = Math.sin(batch * POINTS_PER_WRITE + i);
      return `disk,batch=${batch % 7},i=${i % 100} value=${noise} ${BASE_MS + batch * 1000 + i}`;
    });
    const answer = await server.post('/write?precision=ms', lines.join('\n'));
    if (answer.status === 204) this.acknowledged.add(batch);
    return { status: answer.status, retryAfter: answer.headers.get('retry-after') };
  }

  /** Every acknowledged point is there and none of a refused batch. */
  async check(server: RunningOrrery): Promise<void> {
    const answer = await server.get('/api/v1/export?match[]=disk');
    assert.equal(answer.status, 200);
    const counts = new Map<number, number>();
    for (const line of answer.text.split('\n').filter((text) => text !== '')) {
      const { timestamps } = JSON.parse(line) as { timestamps: number[] };
      for (const tMs of timestamps) {
        // Batches are a second apart and four long: a point is of the batch whose number fits.
        counts.set(tMs, (counts.get(tMs) ?? 0) + 1);
      }
    }
    let total = 0;
    for (const count of counts.values()) total += count;
    assert.equal(total, this.acknowledged.size * POINTS_PER_WRITE);
  }
}

async function writeUntilFull(server: RunningOrrery, writer: NumberedWriter): Promise<void> {
  for (let i = 0; i < WRITES_MAX; i++) {
    const { status, retryAfter } = await writer.write(server);
    if (status === 204) continue;
    assert.equal(status, 503);
    assert.ok(Number(retryAfter) >= 1, `Retry-After is ${retryAfter}`);
    return;
  }
  assert.fail('the disk never filled');
}

async function writeUntilAccepted(server: RunningOrrery, writer: NumberedWriter): Promise<void> {
  const untilMs = performance.now() + RECOVERY_MS;
  for (;;) {
    const { status } = await writer.write(server);
    if (status === 204) return;
    assert.ok(performance.now() < untilMs, `writes are still answered with ${status}`);
    await sleep(500);
  }
}

test('a full disk refuses writes, and ends by itself', { skip, timeout: 240_000 }, async () => {
  const disk = Tmpfs.mount(DISK_MB);
  try {
    const args = ['--no-collect', '--data', join(disk.path, 'data')];
    const writer = new NumberedWriter();
    let server = await startOrrery(args);
    await writer.write(server);
    await disk.fill(2 * 1024 * 1024);
    await writeUntilFull(server, writer);
    await writer.check(server);
    const flush = await server.post('/orrery/v1/admin/flush', '');
    assert.ok([200, 204, 503].includes(flush.status), `a flush is answered with ${flush.status}`);
    await writer.check(server);
    await server.kill();
    server = await startOrrery(args);
    await writer.check(server);
    await disk.free();
    await writeUntilAccepted(server, writer);
    await writer.check(server);
    await server.kill();
    server = await startOrrery(args);
    await writer.check(server);
    await server.stop();
  } finally {
    disk.unmount();
  }
});

test('a read-only disk stops the start with a sentence', { skip, timeout: 90_000 }, async () => {
  const disk = Tmpfs.mount(DISK_MB);
  try {
    const args = ['--no-collect', '--data', join(disk.path, 'data')];
    const writer = new NumberedWriter();
    const server = await startOrrery(args);
    await writer.write(server);
    await server.kill();
    disk.setReadOnly(true);
    const ended = await runOrrery(['serve', ...args, '--http', '127.0.0.1:0']);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /^orrery: .*(?:read-only|readonly|EROFS)/im);
    assert.equal(ended.stderr.trim().split('\n').length, 1, ended.stderr);
    disk.setReadOnly(false);
    const again = await startOrrery(args);
    await writer.check(again);
    await again.stop();
  } finally {
    disk.unmount();
  }
});
