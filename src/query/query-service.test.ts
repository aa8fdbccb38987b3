// Admission, deadline, cancellation, hang-up, tenants, and that a pin is always given back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../model/errors.ts';
import type { Pin, StorageReader } from '../model/storage.ts';
import { openPrincipal } from '../model/tenant.ts';
import { seededPrng } from '../stdx/prng.ts';
import { MetricsRegistry } from '../telemetry/registry.ts';
import { QueryService } from './query-service.ts';
import type { QueryRequest } from './query-service.ts';

function setup(options: { concurrency?: number; memoryBytes?: number } = {}) {
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
  const service = new QueryService({
    storage: { pin } as StorageReader,
    clock: { nowMs: () => 1000, monotonicMs: () => 1000 },
    scheduler,
    prng: seededPrng(1),
    registry,
    timeoutMs: 120_000,
    concurrency: options.concurrency ?? 2,
    memoryBytes: options.memoryBytes ?? 1000,
  });
  return { service, pins, timers, registry };
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

test('the byte budget refuses and names the limit', async () => {
  const { service } = setup({ memoryBytes: 100 });
  const run = service.run(request(), async ({ context }) => {
    context.budget.take(60);
    context.budget.give(50);
    context.budget.take(80);
    context.budget.take(20);
  });
  await assert.rejects(run, /more than 100 bytes/);
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
