// A server with a tiny --memory: under more load than it can flush, writes are refused with
// Retry-After and go on afterwards; under more series than its index may hold, new ones are refused
// and known ones go on. Memory stays within bounds, nothing acknowledged is missing.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const LANES = 8;
const BODIES_PER_LANE_MIN = 12;
const BODIES_PER_LANE_MAX = 120;
const LINES = 2000;
const START_MS = 1_793_491_200_000;
/** What an empty server takes, and as much again for bodies, garbage and the part being written. */
const RSS_BYTES_MAX = 450 * 1024 * 1024;

/** New series and old ones: a body of 2000 points, one in forty of a series never seen. */
function bodyOf(lane: number, step: number): string {
  const lines: string[] = [];
  for (let i = 0; i < LINES; i++) {
    const series = i % 40 === 0 ? `new${step}_${i}` : `old${i}`;
    lines.push(`m,lane=${lane},series=${series} value=${i} ${START_MS + step}`);
  }
  return lines.join('\n');
}

async function rssBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

interface Sent {
  points: number;
  refusals: number;
}

function assertRefused(answer: { status: number; text: string; headers: Headers }): void {
  assert.equal(answer.status, 503, answer.text);
  assert.match(answer.text, /--memory/);
  assert.match(answer.headers.get('retry-after') ?? '', /^[15]$/);
}

/** Runs `work` while the server's memory is watched; its peak. */
async function peakDuring(pid: number, work: () => Promise<void>): Promise<number> {
  let peakBytes = 0;
  const stop = new AbortController();
  const watch = (async () => {
    while (!stop.signal.aborted) {
      peakBytes = Math.max(peakBytes, await rssBytes(pid));
      await sleep(20);
    }
  })();
  try {
    await work();
  } finally {
    stop.abort();
    await watch;
  }
  return peakBytes;
}

async function countOf(orrery: RunningOrrery, name: string): Promise<number> {
  const query = encodeURIComponent(`sum(count_over_time(${name}[1h]))`);
  const time = START_MS / 1000 + 60;
  const answer = await orrery.get(`/api/v1/query?query=${query}&time=${time}`);
  assert.equal(answer.status, 200, answer.text);
  const { data } = JSON.parse(answer.text) as { data: { result: { value: [number, string] }[] } };
  return Number(data.result[0]?.value[1]);
}

/** Sends bodies, each until it is taken, until some were refused. */
async function writeLane(orrery: RunningOrrery, number: number, sent: Sent): Promise<void> {
  for (let step = 0; step < BODIES_PER_LANE_MAX; step++) {
    if (step >= BODIES_PER_LANE_MIN && sent.refusals > 0) return;
    for (;;) {
      const answer = await orrery.post('/write?db=d&precision=ms', bodyOf(number, step));
      if (answer.status === 204) break;
      assertRefused(answer);
      sent.refusals++;
      await sleep(50);
    }
    sent.points += LINES;
  }
}

test('more load than --memory holds is refused for a while and never lost', async (t) => {
  if (process.platform !== 'linux') return t.diagnostic('memory is read from /proc: Linux only');
  const orrery = await startOrrery(['--no-collect', '--memory', '8MiB']);
  const sent: Sent = { points: 0, refusals: 0 };
  try {
    const peakBytes = await peakDuring(orrery.pid, async () => {
      await Promise.all(
        Array.from({ length: LANES }, (_, number) => writeLane(orrery, number, sent)),
      );
      // A flush that ends beside the query would take its pin away: the head is that small.
      await orrery.post('/orrery/v1/admin/flush', '');
      assert.equal(await countOf(orrery, 'm'), sent.points);
    });
    assert.ok(peakBytes < RSS_BYTES_MAX, `${peakBytes} bytes resident`);
  } finally {
    await orrery.stop();
  }
  assert.ok(sent.refusals > 0, 'the load was too small to fill the head');
});

/** A body of series that only it has. */
function newSeries(step: number): string {
  const lines: string[] = [];
  for (let i = 0; i < LINES; i++)
    lines.push(`churn,pod=pod-${step}-${i},uid=${step * LINES + i} value=${i} ${START_MS}`);
  return lines.join('\n');
}

test('more series than --memory holds are refused, and those in memory are written on', async (t) => {
  if (process.platform !== 'linux') return t.diagnostic('memory is read from /proc: Linux only');
  const orrery = await startOrrery(['--no-collect', '--memory', '32MiB']);
  const write = (body: string) => orrery.post('/write?db=d&precision=ms', body);
  try {
    let points = 0;
    let step = 0;
    const peakBytes = await peakDuring(orrery.pid, async () => {
      // The head may be full for a moment; where a flush does not help, the index is.
      for (let refusals = 0; refusals < 3;) {
        const answer = await write(newSeries(step));
        if (answer.status === 204) {
          points += LINES;
          step++;
          refusals = 0;
          continue;
        }
        assertRefused(answer);
        refusals++;
        await orrery.post('/orrery/v1/admin/flush', '');
      }
      const perSeries = (32 * 1024 * 1024) / points;
      assert.ok(perSeries > 100 && perSeries < 2000, `${points} series were taken`);
      // What a flush or a collection gives back may hold a few more.
      let refusedCount = 0;
      for (let i = 0; i < 50; i++) {
        const answer = await write(newSeries(step++));
        if (answer.status === 204) {
          points += LINES;
          continue;
        }
        assertRefused(answer);
        refusedCount++;
      }
      assert.ok(refusedCount > 40, `${refusedCount} of 50 were refused`);
      const known = await write(newSeries(0).replaceAll(`${START_MS}`, `${START_MS + 1}`));
      assert.equal(known.status, 204, known.text);
      assert.equal(await countOf(orrery, 'churn'), points + LINES);
    });
    assert.ok(peakBytes < RSS_BYTES_MAX, `${peakBytes} bytes resident`);
    const { text } = await orrery.get('/metrics');
    assert.match(text, /^orrery_memory_bytes\{holder="index"\} [1-9]/m);
    assert.match(text, /^orrery_memory_limit_bytes 33554432$/m);
  } finally {
    await orrery.stop();
  }
});

test('with little memory the runtime takes less of it, in the same process', async (t) => {
  if (process.platform !== 'linux') return t.diagnostic('flags are read from /proc: Linux only');
  const flagsOf = async (...args: string[]): Promise<string> => {
    const orrery = await startOrrery(['--no-collect', ...args]);
    try {
      assert.equal(orrery.ready['pid'], orrery.pid);
      return await readFile(`/proc/${orrery.pid}/cmdline`, 'utf8');
    } finally {
      assert.equal((await orrery.stop()).code, 0);
    }
  };
  assert.match(await flagsOf('--memory', '256MB'), /\0--max-semi-space-size=4\0/);
  assert.doesNotMatch(await flagsOf('--memory', '2GB'), /semi-space/);
});
