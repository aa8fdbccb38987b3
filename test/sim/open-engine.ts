// The whole engine on a simulated machine: the drivers that stand on `Files`, with small segments
// and early flushes so that short runs reach every path.
import { DirectoryBlobs } from '../../src/blobs/directory-blobs.ts';
import { FilesCatalog } from '../../src/catalog/files-catalog.ts';
import { openSegmentLog } from '../../src/log/segment-log.ts';
import type { LogMutations } from '../../src/log/segment-log.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openTsdb } from '../../src/tsdb/tsdb.ts';
import type { TsdbMutations } from '../../src/tsdb/tsdb.ts';
import type { Machine } from './world.ts';

const SEGMENT_SIZE_BYTES = 16 * 1024;

export interface EngineMutations {
  readonly log?: LogMutations;
  readonly tsdb?: TsdbMutations;
}

export function engineOpener(
  mutations: EngineMutations = {},
): (machine: Machine) => Promise<Storage> {
  return async ({ files, clock, scheduler, prng }) => {
    const log = await openSegmentLog({
      files,
      directory: '/data/log',
      prng,
      segmentSizeBytes: SEGMENT_SIZE_BYTES,
      ...(mutations.log === undefined ? {} : { mutations: mutations.log }),
    });
    return openTsdb({
      log,
      blobs: await DirectoryBlobs.open(files, '/data/blobs'),
      catalog: await FilesCatalog.open(files, '/data/catalog'),
      clock,
      scheduler,
      prng,
      settings: {
        headBytesMax: 100_000,
        pageSamples: [1, 2, 3],
        flushIntervalMs: 0,
        level0PartsMax: 3,
        partitionPartsMax: 2,
      },
      ...(mutations.tsdb === undefined ? {} : { mutations: mutations.tsdb }),
    });
  };
}
