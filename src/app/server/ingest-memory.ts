// What of --memory goes to dictionaries and bodies, and the whole of it as metrics.
import { DEFAULT_INGEST_LIMITS } from '../../ingest/ingest.ts';
import type { IngestLimits } from '../../ingest/ingest.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import type { MemoryBound } from '../../tsdb/memory-bound.ts';

const DICTIONARIES_SHARE = 1 / 8;
const BODIES_SHARE = 1 / 4;

export function ingestShares({ bytesMax }: MemoryBound): IngestLimits {
  const { inFlightBytesMax, dictionaryBounds, dictionariesBytesMax } = DEFAULT_INGEST_LIMITS;
  const ofAll = Math.min(dictionariesBytesMax, Math.floor(bytesMax * DICTIONARIES_SHARE));
  return {
    ...DEFAULT_INGEST_LIMITS,
    inFlightBytesMax: Math.min(inFlightBytesMax, Math.floor(bytesMax * BODIES_SHARE)),
    dictionariesBytesMax: ofAll,
    dictionaryBounds: {
      ...dictionaryBounds,
      bytesMax: Math.min(dictionaryBounds.bytesMax, ofAll),
    },
  };
}

export function registerMemoryMetrics(memory: MemoryBound, registry: MetricsRegistry): void {
  registry.collect(
    {
      name: 'orrery_memory_bytes',
      type: 'gauge',
      help: 'Memory in use that --memory bounds, by what holds it.',
      labelNames: ['holder'],
    },
    () => [...memory.uses()].map(([name, sizeBytes]) => [[name], sizeBytes]),
  );
  registry.collect(
    {
      name: 'orrery_memory_limit_bytes',
      type: 'gauge',
      help: 'What the sum of orrery_memory_bytes may come to.',
    },
    () => [[[], memory.bytesMax + memory.queriesBytesMax]],
  );
}
