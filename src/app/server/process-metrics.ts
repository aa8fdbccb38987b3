// What the process knows about itself, under the names that every client library uses.
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { PerformanceEntry } from 'node:perf_hooks';
import type { MetricsRegistry } from '../../telemetry/registry.ts';

export function registerProcessMetrics(registry: MetricsRegistry, version: string): void {
  const startedSec = (Date.now() - performance.now()) / 1000;
  const rows = [
    [
      'process_cpu_seconds_total',
      'counter',
      'Total user and system CPU time spent in seconds.',
      () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      },
    ],
    [
      'process_resident_memory_bytes',
      'gauge',
      'Resident memory size in bytes.',
      () => process.memoryUsage.rss(),
    ],
    [
      'process_start_time_seconds',
      'gauge',
      'Start time of the process since unix epoch in seconds.',
      () => startedSec,
    ],
  ] as const;
  for (const [name, type, help, read] of rows)
    registry.collect({ name, type, help }, () => [[[], read()]]);
  registerHeapMetrics(registry);
  registerLoopMetrics(registry);
  registry.collect(
    {
      name: 'orrery_build_info',
      type: 'gauge',
      help: 'Version of Orrery and of its runtime; the value is 1.',
      labelNames: ['version', 'nodejs'],
    },
    () => [[[version, process.version], 1]],
  );
}

/** Every thread has a heap of its own. */
export function registerHeapMetrics(registry: MetricsRegistry): void {
  registry.collect(
    {
      name: 'nodejs_heap_used_bytes',
      type: 'gauge',
      help: 'Memory of the JavaScript heap in use, in bytes.',
    },
    () => [[[], process.memoryUsage().heapUsed]],
  );
  registry.collect(
    {
      name: 'nodejs_external_memory_bytes',
      type: 'gauge',
      help: 'Memory outside the JavaScript heap (buffers), in bytes.',
    },
    () => [[[], process.memoryUsage().external]],
  );
}

const GC_KINDS: ReadonlyMap<number | undefined, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);
type GcEntry = PerformanceEntry & { readonly detail?: { readonly kind?: number } };
const GC_BOUNDS_SEC = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1];
/** Every look is a wake-up of the process, also when it is idle. */
const LOOP_LOOK_MS = 20;

/** What makes all that the main thread does wait: its longest turns, and collections. */
function registerLoopMetrics(registry: MetricsRegistry): void {
  const pauses = registry.histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Garbage collection duration by kind: minor, major, incremental or weakcb.',
    labelNames: ['kind'],
    bounds: GC_BOUNDS_SEC,
  });
  const observer = new PerformanceObserver((list) => {
    const entries: readonly GcEntry[] = list.getEntries();
    for (const { duration, detail } of entries)
      pauses.labels(GC_KINDS.get(detail?.kind) ?? 'other').observe(duration / 1000);
  });
  observer.observe({ entryTypes: ['gc'] });
  const delays = monitorEventLoopDelay({ resolution: LOOP_LOOK_MS });
  delays.enable();
  const lag = (ns: number): number => Math.max(0, ns / 1e9 - LOOP_LOOK_MS / 1000);
  // Of the time since the page was last read, as client libraries have it; all three of the same.
  let seen: { readonly p50: number; readonly p99: number; readonly max: number } | undefined;
  const look = (): NonNullable<typeof seen> => {
    if (seen !== undefined) return seen;
    const isNew = delays.count === 0;
    const [p50, p99, max] = isNew
      ? [0, 0, 0]
      : [lag(delays.percentile(50)), lag(delays.percentile(99)), lag(delays.max)];
    delays.reset();
    queueMicrotask(() => (seen = undefined));
    return (seen = { p50, p99, max });
  };
  const lags = [
    ['p50', 'The 50th percentile of the recorded event loop delays.'],
    ['p99', 'The 99th percentile of the recorded event loop delays.'],
    ['max', 'The maximum recorded event loop delay.'],
  ] as const;
  for (const [what, help] of lags)
    registry.collect({ name: `nodejs_eventloop_lag_${what}_seconds`, type: 'gauge', help }, () => [
      [[], look()[what]],
    ]);
}
