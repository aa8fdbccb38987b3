// The whole engine on a simulated machine: the drivers that stand on `Files`, with small segments
// and early flushes so that short runs reach every path. What is chosen per seed is drawn once.
import { DirectoryBlobs } from '../../src/blobs/directory-blobs.ts';
import { FilesCatalog } from '../../src/catalog/files-catalog.ts';
import { openSegmentLog } from '../../src/log/segment-log.ts';
import type { LogMutations } from '../../src/log/segment-log.ts';
import type { Storage } from '../../src/model/storage.ts';
import type { Probe } from '../../src/stdx/probe.ts';
import { randomInt } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { openTsdb } from '../../src/tsdb/tsdb.ts';
import type { TsdbEvent, TsdbMutations, TsdbSettings } from '../../src/tsdb/tsdb.ts';
import { mergeElsewhere } from '../support/merge-elsewhere.ts';
import type { Machine } from './world.ts';

export interface EngineMutations {
  readonly log?: LogMutations;
  readonly tsdb?: TsdbMutations;
}

export interface EngineSettings {
  readonly segmentSizeBytes: number;
  readonly tsdb: Partial<TsdbSettings>;
  /** One catalog transaction of so many meets a conflict and runs again. */
  readonly conflictPeriod: number;
  /** Merges are done as a thread of their own does them. */
  readonly areMergesElsewhere: boolean;
}

/** `isUnattended`: parts come often and stay many. */
export function drawEngineSettings(prng: Prng, isUnattended: boolean): EngineSettings {
  const pick = <T>(values: readonly T[]): T => values[randomInt(prng, values.length)]!;
  const segmentSizeBytes = pick([10, 16, 40]) * 1024;
  const seriesEncoding = pick(['ref', 'ref', 'inline'] as const);
  const headBytesMax = pick([15, 40, 100]) * 1000;
  return {
    segmentSizeBytes,
    tsdb: {
      seriesEncoding,
      headBytesMax,
      // The smallest heads have a memory of their own each, the others use theirs again.
      headWarmBytesMin: headBytesMax === 15_000 ? Number.POSITIVE_INFINITY : 0,
      // Heads are so small here that nearly every pin would be taken away.
      headPinnedShare: Number.POSITIVE_INFINITY,
      pageSamples: [1, 2, 3],
      sealSamples: 4,
      sealHeadBytes: pick([0, 0, 5000]),
      logTailMaxBytes: pick([2, 8, 1000]) * 1024,
      flushIntervalMs: isUnattended ? 10 : pick([0, 40, 5000]),
      level0PartsMax: isUnattended ? 1 : pick([2, 3, 5]),
      partitionPartsMax: isUnattended ? 6 : pick([2, 3]),
      mergeShare: 1,
      headSnapshotLogBytes: pick([0, 0.5, 6, 20]) * 1024,
      openingRestMs: pick([0, 0, 30]),
    },
    conflictPeriod: 8,
    areMergesElsewhere: pick([true, false]),
  };
}

export interface OpenOptions {
  readonly settings: EngineSettings;
  readonly report: (event: TsdbEvent) => void;
  readonly probe: Probe;
}

export type OpenEngine = (machine: Machine, options: OpenOptions) => Promise<Storage>;

export function engineOpener(mutations: EngineMutations = {}): OpenEngine {
  return async ({ files, clock, scheduler, prng }, { settings, report, probe }) => {
    const isConflict = (): boolean => randomInt(prng, settings.conflictPeriod) === 0;
    const log = await openSegmentLog({
      files,
      directory: '/data/log',
      prng,
      segmentSizeBytes: settings.segmentSizeBytes,
      inputRead: () => scheduler.yieldTurn(),
      mutations: mutations.log ?? {},
      probe,
    });
    // What breaks checks of the shard breaks them in its own merges alone.
    const isElsewhere = settings.areMergesElsewhere && mutations.tsdb?.skipCrc !== true;
    const runMerge = mergeElsewhere(
      (unique) => DirectoryBlobs.beside(files, '/data/blobs', unique),
      { clock, scheduler },
    );
    return openTsdb({
      ...(isElsewhere ? { runMerge } : {}),
      log,
      blobs: await DirectoryBlobs.open(files, '/data/blobs'),
      catalog: await FilesCatalog.open(files, '/data/catalog', { isConflict, probe }),
      clock,
      scheduler,
      prng,
      settings: settings.tsdb,
      mutations: mutations.tsdb ?? {},
      report,
      probe,
    });
  };
}
