// What the process knows about itself, under the names that every client library uses.
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
