// What the storage says about itself, as metrics: read when the page is printed.
import type { Storage, StorageHouse } from '../../model/storage.ts';
import type { CollectedSample, MetricsRegistry } from '../../telemetry/registry.ts';

type Type = 'counter' | 'gauge';

export function registerStorageMetrics(storage: Storage, registry: MetricsRegistry): void {
  const total = (name: string, help: string, read: () => number): void =>
    registry.collect({ name, help, type: 'gauge' }, () => [[[], read()]]);
  const stats = () => storage.stats();
  total(
    'orrery_tsdb_active_series',
    'Series written within the last hour, of all tenants.',
    () => stats().activeSeries,
  );
  total(
    'orrery_tsdb_memory_series',
    'Series in the index in memory.',
    () => stats().seriesInMemory,
  );
  total('orrery_tsdb_head_samples', 'Samples in the head.', () => stats().headSamples);
  total('orrery_tsdb_parts', 'Live parts.', () => stats().partCount);
  total('orrery_tsdb_log_bytes', 'Bytes of the log on disk.', () => stats().logSizeBytes);
  total('orrery_data_disk_bytes', 'Bytes of parts and log on disk.', () => {
    const { dataSizeBytes, logSizeBytes } = stats();
    return dataSizeBytes + logSizeBytes;
  });
  registerHouse(storage, registry);
}

function registerHouse(storage: Storage, registry: MetricsRegistry): void {
  const perShard = (name: string, type: Type, help: string, read: (of: StorageHouse) => number) =>
    registry.collect({ name, help, type, labelNames: ['shard'] }, () =>
      storage.house().map((one) => [[String(one.shard)], read(one)]),
    );
  const perLevel = (name: string, help: string, read: (of: StorageHouse['levels'][0]) => number) =>
    registry.collect({ name, help, type: 'gauge', labelNames: ['shard', 'level'] }, () =>
      storage
        .house()
        .flatMap(({ shard, levels }) =>
          levels.map((one): CollectedSample => [[String(shard), String(one.level)], read(one)]),
        ),
    );
  perLevel('orrery_tsdb_level_parts', 'Live parts, by level.', (one) => one.partCount);
  perLevel('orrery_tsdb_level_bytes', 'Bytes of live parts, by level.', (one) => one.sizeBytes);
  perLevel(
    'orrery_tsdb_level_samples',
    'Samples in live parts, by level.',
    (one) => one.sampleCount,
  );
  perShard(
    'orrery_tsdb_frontier_records',
    'gauge',
    'Records of the log that are in parts.',
    (one) => one.frontier,
  );
  perShard(
    'orrery_tsdb_tail_records',
    'gauge',
    'Records of the log that are not yet in parts.',
    (one) => one.logEndOffset - one.frontier,
  );
  perShard(
    'orrery_tsdb_open_deletes',
    'gauge',
    'Deletes that the bytes of some part do not show yet.',
    (one) => one.openDeletes,
  );
  perShard(
    'orrery_tsdb_flushed_bytes_total',
    'counter',
    'Bytes of parts that flushes wrote.',
    (one) => one.flushedBytes,
  );
  perShard(
    'orrery_tsdb_rewritten_bytes_total',
    'counter',
    'Bytes of parts that merges wrote; over flushed bytes: write amplification less one.',
    (one) => one.rewrittenBytes,
  );
  perShard(
    'orrery_tsdb_merge_progress_ratio',
    'gauge',
    'How far the merge under way is, 0 where there is none.',
    (one) => one.merge?.progress ?? 0,
  );
  registerMergesAndDisk(storage, registry);
}

function registerMergesAndDisk(storage: Storage, registry: MetricsRegistry): void {
  registry.collect(
    {
      name: 'orrery_tsdb_merges_total',
      help: 'Finished merges, by kind; drop: parts removed because all of them had expired.',
      type: 'counter',
      labelNames: ['shard', 'kind'],
    },
    () =>
      storage
        .house()
        .flatMap(({ shard, merges }) =>
          Object.entries(merges).map(([kind, count]): CollectedSample => [
            [String(shard), kind],
            count,
          ]),
        ),
  );
  const disk = (name: string, help: string, key: 'freeBytes' | 'floorBytes') =>
    registry.collect({ name, help, type: 'gauge' }, () => {
      const found = storage.house()[0]?.disk;
      return found === undefined ? [] : [[[], found[key]]];
    });
  disk('orrery_data_disk_free_bytes', 'Free bytes on the disk of the data.', 'freeBytes');
  disk(
    'orrery_data_disk_floor_bytes',
    'Free bytes below which writes are refused (--min-free-disk).',
    'floorBytes',
  );
}
