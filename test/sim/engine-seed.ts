// The engine as the simulator runs it: one shard on the segment log, the blob folder and the catalog
// over `Files`, all on one simulated disk, small enough that every mechanism is at work.
import { DirectoryBlobs } from '../../src/blobs/directory-blobs.ts';
import { FilesCatalog } from '../../src/catalog/files-catalog.ts';
import { openSegmentLog } from '../../src/log/segment-log.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openTsdb, type TsdbMutations } from '../../src/tsdb/tsdb.ts';
import { engineRun } from './engine-run.ts';
import type { DiskMutations } from './sim-disk.ts';
import type { Machine } from './world.ts';

const SEGMENT_SIZE_BYTES = 12 * 1024;

export interface EngineSeedOptions {
  readonly seed: number;
  readonly disk?: DiskMutations;
  readonly tsdb?: TsdbMutations;
  readonly skipLogCrc?: boolean;
  readonly faults?: boolean;
}

async function open(machine: Machine, options: EngineSeedOptions): Promise<Storage> {
  const { files, clock, scheduler, prng } = machine;
  const catalog = await FilesCatalog.open(files, '/data/catalog.snapshot');
  const blobs = await DirectoryBlobs.open(files, '/data/blobs');
  const log = await openSegmentLog({
    files,
    directory: '/data/log',
    prng,
    segmentSizeBytes: SEGMENT_SIZE_BYTES,
    mutations: { skipCrc: options.skipLogCrc ?? false },
  });
  const settings = { headSamplesMax: 300, flushIntervalMs: 0 };
  const mutations = options.tsdb ?? {};
  return openTsdb({ log, blobs, catalog, clock, scheduler, prng, settings, mutations });
}

/** The answer is what went wrong, in words. */
export async function engineSeed(options: EngineSeedOptions): Promise<readonly string[]> {
  const { violations } = await engineRun({
    seed: options.seed,
    open: (machine) => open(machine, options),
    disk: options.disk ?? {},
    faults: options.faults ?? false,
  });
  return violations;
}
