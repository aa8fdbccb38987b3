// What a shard is made of and what may be chosen about it.
import type { Blobs } from '../blobs/blobs.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Log } from '../log/log.ts';
import type { BatchMeter, Retention, SeriesGate } from '../model/storage.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Prng } from '../stdx/prng.ts';
import type { Probe } from '../stdx/probe.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import type { RunLeaf } from '../windows/leaf.ts';
import type { DiskSpace } from './disk-floor.ts';
import type { PageRules } from './head.ts';
import {
  HEAD_SNAPSHOT_LOG_BYTES,
  HEAD_WARM_BYTES_MIN,
  OPENING_REST_MS,
  SEAL_HEAD_BYTES,
  SEAL_HEAD_SHARE,
  SEAL_SAMPLES,
} from './limits.ts';
import type { MemoryBound } from './memory-bound.ts';
import type { RunMerge } from './merge-thread.ts';
import type { SeriesEncoding } from './record-layout.ts';

export interface TsdbSettings {
  /** Number of the shard in blob names and catalog keys. */
  readonly shard: number;
  /** How many there are. */
  readonly shardCount: number;
  readonly seriesEncoding: SeriesEncoding;
  /**
   * Bytes that the head may take: it is flushed above HEAD_FLUSH_SHARE of them, and writes are
   * refused before it could pass them.
   */
  readonly headBytesMax: number;
  /** A head that may have less than this keeps no larger memory between two flushes. */
  readonly headWarmBytesMin: number;
  /** Above this share of it in flushed generations the oldest query that holds one is cancelled. */
  readonly headPinnedShare: number;
  /** Samples of a series' first head page, of its second and of all later ones. */
  readonly pageSamples: readonly [number, number, number];
  /** Closed pages of a series are sealed when they have about so many samples; 0: never. */
  readonly sealSamples: number;
  /** Nothing is sealed while a head has fewer bytes, or less than SEAL_HEAD_SHARE of the most. */
  readonly sealHeadBytes: number;
  /** The head is flushed when the log behind the frontier passes this. */
  readonly logTailMaxBytes: number;
  /** A head snapshot is taken after so many bytes of log; 0: never. */
  readonly headSnapshotLogBytes: number;
  /** A long log tail at the start is flushed no earlier than after so long. */
  readonly openingRestMs: number;
  /** The head is flushed at least so often; 0 = never by time. */
  readonly flushIntervalMs: number;
  /** Bytes of parts kept in memory: half as they are on disk, half decoded pieces of indexes. */
  readonly cacheBytes: number;
  /** So many level-0 parts are divided into time partitions. */
  readonly level0PartsMax: number;
  /** So many adjacent parts of one time partition may become one. */
  readonly partitionPartsMax: number;
  /** No merge makes a larger part. */
  readonly partSizeMaxBytes: number;
  /** Share of the thread that merges take while writes are under way and nothing piles up. */
  readonly mergeShare: number;
  /** Of tenants without limits of their own. */
  readonly retention: Retention;
  /** Bytes that stay free on a disk of the given size; needs `TsdbOptions.diskSpace`. */
  readonly diskFloorBytes: (totalBytes: number) => number;
}

export const DEFAULT_TSDB_SETTINGS: TsdbSettings = {
  shard: 0,
  shardCount: 1,
  seriesEncoding: 'ref',
  headBytesMax: 256 * 1024 * 1024,
  headWarmBytesMin: HEAD_WARM_BYTES_MIN,
  headPinnedShare: 0.25,
  pageSamples: [4, 8, 16],
  sealSamples: SEAL_SAMPLES,
  sealHeadBytes: SEAL_HEAD_BYTES,
  logTailMaxBytes: 128 * 1024 * 1024,
  headSnapshotLogBytes: HEAD_SNAPSHOT_LOG_BYTES,
  openingRestMs: OPENING_REST_MS,
  flushIntervalMs: 2 * 3600 * 1000,
  cacheBytes: 128 * 1024 * 1024,
  level0PartsMax: 8,
  partitionPartsMax: 4,
  partSizeMaxBytes: 2 * 1024 ** 3,
  mergeShare: 0.33,
  retention: { timeMs: undefined, sizeBytes: undefined },
  diskFloorBytes: () => 0,
};

/** How the pages of a generation are made and sealed. */
export function pageRules(settings: TsdbSettings): PageRules {
  const { pageSamples, sealSamples, sealHeadBytes, headBytesMax } = settings;
  const sealFromBytes = Math.min(sealHeadBytes, headBytesMax * SEAL_HEAD_SHARE);
  return { pageSamples, sealSamples, sealFromBytes };
}

/** Test-only switches: each breaks one safety mechanism, and a suite must go red. */
export interface TsdbMutations {
  /**
   * Replay starts at the log's start; the flush moves the frontier apart from its part, unchecked.
   */
  readonly skipFrontier?: boolean;
  /** Checksums of blocks, sections and records are not compared. */
  readonly skipCrc?: boolean;
  /** Replaced parts are removed although a pin holds them. */
  readonly skipPin?: boolean;
  /** Batch ids are not written to the catalog by the flush. */
  readonly skipBatchIds?: boolean;
  /** Deletes are not moved to the catalog by the flush. */
  readonly skipDeletes?: boolean;
  /** Merges take parts of one partition that are not adjacent in log order. */
  readonly skipAdjacency?: boolean;
  /** The start uses any head snapshot, whether it fits catalog and log or not. */
  readonly skipHeadCheck?: boolean;
}

/** Things an operator should hear about; never thrown. */
export type TsdbEvent =
  | {
      readonly kind: 'dead-letter';
      readonly offset: number;
      readonly blob: string;
      readonly reason: string;
    }
  | { readonly kind: 'log-damage'; readonly reason: string }
  | { readonly kind: 'corrupt'; readonly blob: string; readonly reason: string }
  | { readonly kind: 'head-snapshot-damaged'; readonly blob: string; readonly reason: string }
  | { readonly kind: 'seen-list-damaged'; readonly blob: string; readonly reason: string }
  | { readonly kind: 'orphan-removed'; readonly blob: string }
  | { readonly kind: 'maintenance-failed'; readonly error: unknown }
  | { readonly kind: 'fatal'; readonly error: unknown };

export interface TsdbOptions {
  readonly log: Log;
  readonly blobs: Blobs;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Fresh batch ids and unique blob names. */
  readonly prng: Prng;
  readonly settings?: Partial<TsdbSettings>;
  readonly mutations?: TsdbMutations;
  readonly probe?: Probe;
  readonly report?: (event: TsdbEvent) => void;
  /** How leaves are evaluated; runLeafInThread where nothing is given. */
  readonly runLeaf?: RunLeaf;
  /** How the long half of merges is done; undefined: in slices of the shard's own thread. */
  readonly runMerge?: RunMerge;
  /** Blobs and catalog are used by other shards too: whoever opened them closes them. */
  readonly sharesPlanes?: boolean;
  /** Shared by all that holds memory in this process; undefined: there is no bound. */
  readonly memory?: MemoryBound;
  /** Asked before a series is made; undefined: every one may be. */
  readonly seriesGate?: SeriesGate;
  /** Counts what is written; undefined: nobody asks. */
  readonly meter?: BatchMeter;
  /** Space on the disk of the data; undefined: it is not watched. */
  readonly diskSpace?: () => Promise<DiskSpace>;
}
