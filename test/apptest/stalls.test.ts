// What the people on call look at when writes are slow: syncs of the log, turns of the main thread,
// collections.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startOrrery } from './harness.ts';

test('the page of the process tells what writes wait for', async () => {
  const server = await startOrrery(['--no-collect']);
  try {
    for (let i = 0; i < 20; i++) {
      const options = { method: 'POST', body: `m,host=a v=${i} ${1_700_000_000 + i}` };
      assert.equal((await fetch(`${server.url}/write?precision=s`, options)).status, 204);
    }
    const page = await (await fetch(`${server.url}/metrics`)).text();
    const valueOf = (name: string): number => {
      const line = page.split('\n').find((one) => one.startsWith(`${name} `));
      assert.ok(line !== undefined, `${name} is missing`);
      return Number(line.slice(name.length));
    };
    const count = valueOf('orrery_log_sync_duration_seconds_count');
    assert.ok(count >= 20, 'each of the writes waited for one');
    assert.ok(valueOf('orrery_log_sync_duration_seconds_sum') > 0);
    const maxSec = valueOf('nodejs_eventloop_lag_max_seconds');
    const p99Sec = valueOf('nodejs_eventloop_lag_p99_seconds');
    // All of the start, which is one turn, and of fewer looks than a hundred.
    assert.ok(maxSec > 0 && p99Sec > 0 && p99Sec <= maxSec, `${p99Sec} and ${maxSec}`);
    assert.match(page, /^nodejs_gc_duration_seconds_count\{kind="\w+"\} [1-9]/m);
  } finally {
    await server.stop();
  }
});
