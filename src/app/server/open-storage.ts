// The storage of one process on one folder: segment log, blob folder, SQLite catalog, one shard or
// several.
//
//   DATA/catalog.sqlite   small rows; its lock keeps a second process out
//   DATA/log/             segments of the log of shard 0
//   DATA/log-N/           the same of shard N, where there are several
//   DATA/blobs/           parts and dead letters
//   DATA/snapshots/       folders that are data folders of their own
import { availableParallelism } from 'node:os';
import type { Catalog } from '../../catalog/catalog.ts';
import { DirectoryBlobs } from '../../blobs/directory-blobs.ts';
import { SqliteCatalog } from '../../catalog/sqlite-catalog.ts';
import type { Log } from '../../log/log.ts';
import { openSegmentLog } from '../../log/segment-log.ts';
import type { Storage } from '../../model/storage.ts';
import type { SnapshotKeeper } from '../../model/snapshots.ts';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import type { RunLeaf } from '../../windows/leaf.ts';
import type { LeafParcel } from '../../windows/leaf-parcel.ts';
import type { LeafAnswer } from '../../windows/leaf-thread.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Files } from '../../stdx/files.ts';
import type { Prng } from '../../stdx/prng.ts';
import type { Probe } from '../../stdx/probe.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { WorkerPool } from '../../stdx/worker-pool.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import type { MemoryBound } from '../../tsdb/memory-bound.ts';
import type { MergeAnswer, RunMerge } from '../../tsdb/merge-thread.ts';
import { openShards } from '../../tsdb/open-shards.ts';
import { Snapshots } from '../../tsdb/snapshots.ts';
import type { UsageBook } from '../../tenancy/usage.ts';
import type { TsdbEvent, TsdbSettings } from '../../tsdb/tsdb.ts';
import { inputRead } from '../real/scheduler.ts';
import { threadEnv } from '../real/thread-env.ts';
import type { Settings } from '../settings/flags.ts';
import {
  BLOBS_FOLDER,
  CATALOG_FILE,
  logFolder,
  RESTORING_FOLDER,
  SNAPSHOTS_FOLDER,
} from '../data-folder.ts';
import type { DiskShare } from '../settings/kinds.ts';
import { isLittleMemory } from '../real/little-memory.ts';
import type { MergeParcel } from '../real/merge-worker.ts';
import { checkDataFolder } from './check-data-folder.ts';
import { memoryBound, storageShares, wholeMemoryBytes } from './memory.ts';
import { openUsage } from './usage.ts';
import { openQuotas } from './quotas.ts';
import type { OpenQuotas } from './quotas.ts';

export interface OpenStorageOptions {
  readonly settings: Settings;
  readonly files: Files;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly probe: Probe;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
  readonly onFatal: (error: unknown) => void;
  /** What tests make smaller; NaN or 0: nothing. */
  readonly test: { readonly headSnapshotLogBytes: number };
}

const SYNC_BOUNDS_SEC = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
];

export interface OpenedStorage {
  readonly storage: Storage;
  readonly snapshots: SnapshotKeeper;
  /** Of all that holds memory in this process. */
  readonly memory: MemoryBound;
  readonly limits: OpenQuotas;
  readonly usage: UsageBook;
  /** Closed by the storage. */
  readonly catalog: Catalog;
}

/** Throws FatalError with a sentence where the folder is in use, damaged or of a newer version. */
export async function openStorage(options: OpenStorageOptions): Promise<OpenedStorage> {
  const { files, clock, scheduler, prng, probe } = options;
  const { data } = options.settings;
  const limits = openQuotas(options.settings, clock);
  await checkDataFolder(files, data);
  if ((await files.stat(`${data}/${RESTORING_FOLDER}`)) !== undefined)
    throw new FatalError(
      `'${data}' holds a restore that did not end: run the same \`orrery restore\` again`,
    );
  const catalog = await SqliteCatalog.open(`${data}/${CATALOG_FILE}`, threadEnv(), probe);
  try {
    const blobs = await DirectoryBlobs.open(files, `${data}/${BLOBS_FOLDER}`);
    const report = reporter(options);
    const usage = await openUsage(catalog, options);
    const memory = memoryBound(options.settings.memoryBytes);
    const logs = new Map<number, Log>();
    const synced = syncDurations(options.registry);
    const storage = await openShards({
      shardCount: options.settings.shards || undefined,
      openLog: async (shard) => {
        const directory = `${data}/${logFolder(shard)}`;
        const log = await openSegmentLog({
          files,
          directory,
          prng,
          probe,
          inputRead,
          watch: { clock, synced },
        });
        logs.set(shard, log);
        return log;
      },
      blobs,
      catalog,
      clock,
      scheduler,
      prng,
      probe,
      report,
      runLeaf: sharedLeaves(options),
      ...sharedMerges(options),
      settings: tsdbSettings(options, memory),
      memory,
      seriesGate: limits.makers.counting(limits.quotas),
      meter: usage,
      diskSpace: () => files.space(data),
    });
    const snapshots = await Snapshots.open({
      files,
      clock,
      prng,
      directory: `${data}/${SNAPSHOTS_FOLDER}`,
      catalog,
      blobs,
      storage,
      logs,
      logFolder,
      catalogFile: CATALOG_FILE,
      blobsFolder: BLOBS_FOLDER,
      probe,
    });
    return { storage, snapshots, memory, limits, usage, catalog };
  } catch (error) {
    await catalog.close();
    throw error;
  }
}

/** The one number that says whether writes wait for the disk. */
function syncDurations(registry: MetricsRegistry): (durationMs: number) => void {
  const durations = registry
    .histogram({
      name: 'orrery_log_sync_duration_seconds',
      help: 'Time that a sync of the log took; every write waits for one or two.',
      bounds: SYNC_BOUNDS_SEC,
    })
    .labels();
  return (durationMs) => durations.observe(durationMs / 1000);
}

/** The pool is made by the first query, its threads start with the first large one. */
function sharedLeaves({ settings, clock, scheduler }: OpenStorageOptions): RunLeaf {
  const threadCount = settings.queryWorkers || Math.max(1, availableParallelism() - 1);
  let run: Promise<RunLeaf> | undefined;
  const load = async (): Promise<RunLeaf> => {
    const [{ leafRunner }, { ThreadPool }] = await Promise.all([
      import('../../windows/leaf-runner.ts'),
      import('../real/thread-pool.ts'),
    ]);
    const module = new URL('../real/leaf-worker.ts', import.meta.url);
    const pool = new ThreadPool<LeafParcel, LeafAnswer>({
      name: 'query',
      module,
      threadCount,
      scheduler,
      env: threadEnv(),
    });
    return leafRunner({ pool, clock, scheduler });
  };
  return async (reader, context, plan) => {
    run ??= load();
    return (await run)(reader, context, plan);
  };
}

/** The thread starts with the first merge. Without room or a processor for it there is none. */
function sharedMerges({ settings, scheduler }: OpenStorageOptions): { runMerge?: RunMerge } {
  const { data, memoryBytes } = settings;
  if (availableParallelism() < 2 || isLittleMemory(wholeMemoryBytes(memoryBytes))) return {};
  let pool: Promise<WorkerPool<MergeParcel, MergeAnswer>> | undefined;
  const load = async (): Promise<WorkerPool<MergeParcel, MergeAnswer>> => {
    const { ThreadPool } = await import('../real/thread-pool.ts');
    const module = new URL('../real/merge-worker.ts', import.meta.url);
    return new ThreadPool({ name: 'merge', module, threadCount: 1, scheduler, env: threadEnv() });
  };
  const directory = `${data}/${BLOBS_FOLDER}`;
  return {
    runMerge: async ({ task, control, share }) => {
      pool ??= load();
      return (await pool).run({ directory, task, share, memory: control.memory }, []);
    },
  };
}

function tsdbSettings(
  { settings, test }: OpenStorageOptions,
  memory: MemoryBound,
): Partial<TsdbSettings> {
  const { flushIntervalMs, retentionMs, retentionBytes, minFreeDisk } = settings;
  return {
    ...storageShares(memory),
    flushIntervalMs,
    retention: { timeMs: retentionMs, sizeBytes: retentionBytes },
    diskFloorBytes: (totalBytes) => diskFloorBytes(minFreeDisk, totalBytes),
    ...(test.headSnapshotLogBytes > 0 ? test : {}),
  };
}

const FLOOR_PERCENT = 5;
const FLOOR_MAX_BYTES = 1024 ** 3;

function diskFloorBytes({ sizeBytes, percent }: DiskShare, totalBytes: number): number {
  if (sizeBytes !== undefined) return sizeBytes;
  if (percent !== undefined) return (totalBytes * percent) / 100;
  return Math.min((totalBytes * FLOOR_PERCENT) / 100, FLOOR_MAX_BYTES);
}

/** What went wrong inside the engine is logged and counted; a fatal event ends the process. */
function reporter({ logger, registry, onFatal }: OpenStorageOptions): (event: TsdbEvent) => void {
  const counter = registry.counter({
    name: 'orrery_tsdb_events_total',
    help: 'Dead letters, damage, corruption, orphans removed and failed maintenance, by kind.',
    labelNames: ['kind'],
  });
  return (event) => {
    counter.labels(event.kind).add(1);
    if (event.kind === 'fatal') return onFatal(event.error);
    const { kind, ...fields } = event;
    const shown = 'error' in fields ? { error: errorMessage(fields.error) } : fields;
    if (kind === 'orphan-removed') logger.info(`storage: ${kind}`, shown);
    else logger.error(`storage: ${kind}`, shown);
  };
}
