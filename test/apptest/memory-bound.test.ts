// A server with a tiny --memory under more load than it can flush: writes are refused with
// Retry-After and go on afterwards, memory stays within bounds, nothing acknowledged is missing.
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

/** New series and old ones: a body of 2000 points, a quarter of them of series never seen. */
function bodyOf(lane: number, step: number): string {
  const lines: string[] = [];
  for (let i = 0; i < LINES; i++) {
    const series = i % 4 === 0 ? `new${step}_${i}` : `old${i}`;
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

/** Sends bodies, each until it is taken, until some were refused. */
async function writeLane(orrery: RunningOrrery, number: number, sent: Sent): Promise<void> {
  for (let step = 0; step < BODIES_PER_LANE_MAX; step++) {
    if (step >= BODIES_PER_LANE_MIN && sent.refusals > 0) return;
    for (;;) {
      const answer = await orrery.post('/write?db=d&precision=ms', bodyOf(number, step));
      if (answer.status === 204) break;
      assert.equal(answer.status, 503, answer.text);
      assert.match(answer.text, /--memory/);
      assert.equal(answer.headers.get('retry-after'), '1');
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
  let peakBytes = 0;
  const stop = new AbortController();
  const watch = (async () => {
    while (!stop.signal.aborted) {
      peakBytes = Math.max(peakBytes, await rssBytes(orrery.pid));
      await sleep(20);
    }
  })();
  try {
    await Promise.all(
      Array.from({ length: LANES }, (_, number) => writeLane(orrery, number, sent)),
    );
    // A flush that ends beside the query would take its pin away: the head is that small.
    await orrery.post('/orrery/v1/admin/flush', '');
    const query = encodeURIComponent('sum(count_over_time(m[1h]))');
    const time = START_MS / 1000 + 60;
    const answer = await orrery.get(`/api/v1/query?query=${query}&time=${time}`);
    assert.equal(answer.status, 200, answer.text);
    const { data } = JSON.parse(answer.text) as { data: { result: { value: [number, string] }[] } };
    assert.equal(Number(data.result[0]?.value[1]), sent.points);
  } finally {
    stop.abort();
    await watch;
    await orrery.stop();
  }
  assert.ok(sent.refusals > 0, 'the load was too small to fill the head');
  assert.ok(peakBytes < RSS_BYTES_MAX, `${peakBytes} bytes resident`);
});
