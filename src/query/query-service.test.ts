// Admission, deadline, cancellation, hang-up, tenants, and that a pin is always given back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../model/errors.ts';
import type { Pin, StorageReader } from '../model/storage.ts';
import { matcher } from '../model/matcher.ts';
import { openPrincipal } from '../model/tenant.ts';
import type { Principal } from '../model/tenant.ts';
import { seededPrng } from '../stdx/prng.ts';
import { createLogger } from '../telemetry/logger.ts';
import { MetricsRegistry } from '../telemetry/registry.ts';
import { LARGE_QUERY_BYTES } from './limits.ts';
import { QueryService } from './query-service.ts';
import type { QueryRequest } from './query-service.ts';

function setup(
  options: {
    concurrency?: number;
    memoryBytes?: number;
    allMemoryBytes?: number;
    slowMs?: number;
  } = {},
) {
  const pins = { open: 0 };
  const pin = (): Pin => {
    pins.open += 1;
    return { release: () => void (pins.open -= 1) };
  };
  const timers: { delayMs: number; task: () => void; live: boolean }[] = [];
  const scheduler = {
    after(delayMs: number, task: () => void) {
      const timer = { delayMs, task, live: true };
      timers.push(timer);
      return () => void (timer.live = false);
    },
    sleep: () => Promise.resolve(),
    yieldTurn: () => Promise.resolve(),
  };
  const registry = new MetricsRegistry();
  const ends: boolean[] = [];
  const clock = { ms: 1000 };
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    clock: { nowMs: () => 0, monotonicMs: () => 0 },
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    format: 'json',
    level: 'info',
  });
  const service = new QueryService({
    storage: { pin } as StorageReader,
    clock: { nowMs: () => clock.ms, monotonicMs: () => clock.ms },
    scheduler,
    prng: seededPrng(1),
    registry,
    timeoutMs: 120_000,
    concurrency: options.concurrency ?? 2,
    heavyConcurrency: 1,
    heavySamples: 100,
    memoryBytes: options.memoryBytes ?? 1000,
    allMemoryBytes: options.allMemoryBytes ?? 5000,
    logger,
    slowMs: options.slowMs,
    onLargeEnd: (isKilled) => ends.push(isKilled),
  });
  return { service, pins, timers, registry, clock, lines, ends };
}

function request(changes: Partial<QueryRequest> = {}): QueryRequest {
  return {
    principal: openPrincipal('default'),
    language: 'promql',
    text: 'up',
    timeoutMs: undefined,
    signal: new AbortController().signal,
    ...changes,
  };
}

/** Runs until the context's signal aborts. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

const kind = (expected: string) => (error: unknown) =>
  error instanceof AppError && error.kind === expected;

test('runs, releases the pin once, disarms the deadline', async () => {
  const { service, pins, timers } = setup();
  const result = await service.run(request(), async ({ evaluated, id }) => {
    assert.equal(pins.open, 1);
    assert.equal(service.list(openPrincipal('default'))[0]!.id, id);
    evaluated();
    assert.equal(pins.open, 0);
    assert.equal(service.list(openPrincipal('default'))[0]!.state, 'sending');
    return 7;
  });
  assert.equal(result, 7);
  assert.equal(pins.open, 0);
  assert.deepEqual(service.list(openPrincipal('default')), []);
  assert.ok(timers.every((timer) => !timer.live));
});

test('the deadline aborts; a parameter only shortens it', async () => {
  const { service, pins, timers } = setup();
  const short = service.run(request({ timeoutMs: 50 }), ({ context }) =>
    untilAborted(context.signal),
  );
  const long = service.run(request({ timeoutMs: 1e9 }), ({ context }) =>
    untilAborted(context.signal),
  );
  assert.deepEqual(
    timers.map((timer) => timer.delayMs),
    [50, 120_000],
  );
  for (const timer of timers) timer.task();
  await assert.rejects(short, kind('timeout'));
  await assert.rejects(long, kind('timeout'));
  assert.equal(pins.open, 0);
});

test('a hang-up, running or waiting, ends the query and frees its place', async () => {
  const { service, pins } = setup({ concurrency: 1 });
  const first = new AbortController();
  const second = new AbortController();
  const running = service.run(request({ signal: first.signal }), ({ context }) =>
    untilAborted(context.signal),
  );
  const waiting = service.run(request({ signal: second.signal }), async () => 1);
  const third = service.run(request(), async () => 3);
  second.abort(new AppError('canceled', 'client-gone', 'gone'));
  await assert.rejects(waiting, kind('canceled'));
  first.abort(new AppError('canceled', 'client-gone', 'gone'));
  await assert.rejects(running, kind('canceled'));
  assert.equal(await third, 3);
  assert.equal(pins.open, 0);
});

test('cancel works for the own tenant only', async () => {
  const { service } = setup();
  const running = service.run(request(), ({ context }) => untilAborted(context.signal));
  const [live] = service.list(openPrincipal('default'));
  assert.deepEqual(service.list(openPrincipal('other')), []);
  assert.equal(service.cancel(openPrincipal('other'), live!.id), false);
  assert.equal(service.cancel(openPrincipal('default'), live!.id), true);
  await assert.rejects(running, kind('canceled'));
  assert.equal(service.cancel(openPrincipal('default'), live!.id), false);
});

test('who sees a part of the tenant sees and cancels its own queries only', async () => {
  const { service } = setup();
  const seeing = (tokenId: string): Principal => {
    const principal = { ...openPrincipal('default'), tokenId };
    return { ...principal, forcedMatchers: [matcher('env', '=', tokenId)] };
  };
  const [one, two] = [seeing('one'), seeing('two')];
  const running = service.run(request({ principal: one, text: 'up{secret="x"}' }), ({ context }) =>
    untilAborted(context.signal),
  );
  const [live] = service.list(openPrincipal('default'));
  assert.equal(service.list(one)[0]?.id, live!.id);
  assert.equal(service.list({ ...one, minTUs: 0 })[0]?.id, live!.id);
  for (const other of [two, seeing(''), { ...openPrincipal('default'), minTUs: 0 }]) {
    assert.deepEqual(service.list(other), []);
    assert.equal(service.cancel(other, live!.id), false);
  }
  assert.equal(service.cancel(one, live!.id), true);
  await assert.rejects(running, kind('canceled'));
});

test('the byte budget refuses and names the limit', async () => {
  const { service } = setup({ memoryBytes: 100 });
  const run = service.run(request(), async ({ context }) => {
    context.budget.take(60);
    context.budget.give(50);
    context.budget.take(80);
    context.budget.take(20);
  });
  await assert.rejects(run, {
    kind: 'limited',
    code: 'query-memory',
    message: /^the query needs 110 bytes of memory, the limit of one query is 100 \(query-memory/,
  });
  assert.equal(service.heldBytes, 0);
});

test('running queries share one bound, and a query that ends gives all of it back', async () => {
  const { service } = setup({ memoryBytes: 100, allMemoryBytes: 150 });
  const held = Promise.withResolvers<void>();
  const first = service.run(request(), async ({ context }) => {
    context.budget.take(90);
    await held.promise;
    throw new AppError('canceled', 'x', 'gone');
  });
  const second = service.run(request(), async ({ context }) => {
    context.budget.take(60);
    context.budget.take(1);
  });
  await assert.rejects(second, {
    kind: 'unavailable',
    code: 'queries-memory',
    retryAfterSec: 1,
    message:
      'running queries would hold 151 bytes of memory, 61 of them this one; the limit of all ' +
      'together is 150 (a share of --memory); try again',
  });
  assert.equal(service.heldBytes, 90);
  held.resolve();
  await assert.rejects(first, kind('canceled'));
  assert.equal(service.heldBytes, 0);
});

test('a bound of all that is below that of one is the limit of one', async () => {
  const { service } = setup({ memoryBytes: 100, allMemoryBytes: 80 });
  const run = service.run(request(), async ({ context }) => context.budget.take(81));
  await assert.rejects(run, { code: 'query-memory', message: /limit of one query is 80 / });
});

test('outcomes are counted', async () => {
  const { service, registry } = setup();
  await service.run(request(), async () => 1);
  await assert.rejects(
    service.run(request({ text: 'x'.repeat(1e6) }), async () => 1),
    kind('invalid'),
  );
  await assert.rejects(
    service.run(request(), async () => {
      throw new AppError('timeout', 'x', 'late');
    }),
  );
  assert.match(registry.render(), /orrery_queries_total\{result="ok"\} 1\n/);
  assert.match(registry.render(), /orrery_queries_total\{result="timeout"\} 1\n/);
  assert.match(registry.render(), /orrery_queries_live 0\n/);
});

const estimateOf = (sampleCount: number) => async () => ({
  seriesCount: 7,
  sampleCount,
  sizeBytes: 70,
});

test('an estimate chooses the line, and the list tells cost and progress', async () => {
  const { service, pins } = setup();
  const principal = openPrincipal('default');
  const hold = Promise.withResolvers<void>();
  const heavy = (text: string) =>
    service.run(request({ text, estimate: estimateOf(200) }), async ({ countRead }) => {
      countRead(3, 50);
      await hold.promise;
    });
  const first = heavy('a');
  const second = heavy('b');
  const light = service.run(request({ text: 'c', estimate: estimateOf(4) }), async (query) => {
    query.countRead(7, 4);
    assert.deepEqual(query.headers(), {
      'X-Orrery-Query-Id': query.id,
      'X-Orrery-Series-Read': '7',
      'X-Orrery-Samples-Read': '4',
      'X-Orrery-Estimated-Series': '7',
      'X-Orrery-Estimated-Samples': '4',
      'X-Orrery-Estimated-Bytes': '70',
    });
  });
  await light;
  const rows = service.list(principal).map(({ text, state, lane, progress, cost }) => {
    return [text, state, lane, progress, cost.samplesRead];
  });
  assert.deepEqual(rows, [
    ['a', 'evaluating', 'heavy', 0.25, 50],
    ['b', 'waiting', 'heavy', 0, 0],
  ]);
  hold.resolve();
  await Promise.all([first, second]);
  assert.equal(pins.open, 0);
});

test('a query that reads more than was expected becomes heavy', async () => {
  const { service } = setup();
  const principal = openPrincipal('default');
  await service.run(request({ estimate: estimateOf(1) }), async ({ countRead }) => {
    assert.equal(service.list(principal)[0]!.lane, 'light');
    countRead(1, 101);
    const [live] = service.list(principal);
    assert.equal(live!.lane, 'heavy');
    assert.equal(live!.progress, 0.99);
  });
});

test('an estimate that refuses ends the query before it takes a place', async () => {
  const { service, pins } = setup({ concurrency: 1 });
  const estimate = async () => {
    throw new AppError('limited', 'query-series', 'too many');
  };
  await assert.rejects(
    service.run(request({ estimate }), async () => 1),
    { code: 'query-series' },
  );
  assert.equal(await service.run(request(), async () => 2), 2);
  assert.equal(pins.open, 0);
});

test('the end of a heavy query, or of one that held much, is told', async () => {
  const sizes = { memoryBytes: 2 ** 30, allMemoryBytes: 2 ** 30 };
  const { service, ends } = setup(sizes);
  await service.run(request(), async ({ context }) => context.budget.take(1000));
  assert.deepEqual(ends, []);
  await service.run(request(), async ({ context }) => context.budget.take(LARGE_QUERY_BYTES));
  await service.run(request(), async ({ countRead }) => countRead(1, 101));
  assert.deepEqual(ends, [false, false]);
  const killed = service.run(request({ lane: 'heavy' }), async ({ id, context }) => {
    service.cancel(openPrincipal('default'), id);
    context.signal.throwIfAborted();
  });
  await assert.rejects(killed, kind('canceled'));
  assert.deepEqual(ends, [false, false, true]);
});

test('slow queries are logged once they end, with their cost and a shortened text', async () => {
  const { service, clock, lines } = setup({ slowMs: 500 });
  const run = (ms: number, text: string) =>
    service.run(request({ text, estimate: estimateOf(9) }), async ({ countRead, context }) => {
      countRead(2, 3);
      context.budget.take(30);
      clock.ms += ms;
    });
  await run(499, 'fast');
  await run(500, 'x'.repeat(2000));
  assert.equal(lines.length, 1);
  const [{ id, time, query, ...line } = {}] = lines;
  assert.equal(typeof id, 'string');
  assert.equal(typeof time, 'string');
  assert.equal(query, 'x'.repeat(500));
  assert.deepEqual(line, {
    level: 'warn',
    msg: 'slow query',
    tenant: 'default',
    token: '',
    language: 'promql',
    outcome: 'ok',
    elapsedMs: 500,
    waitedMs: 0,
    lane: 'light',
    seriesRead: 2,
    samplesRead: 3,
    estimatedSamples: 9,
    peakBytes: 30,
  });
});
