// What keeping house looks like from outside: parts by level, the log, the merge at hand.
import type { StorageHouse, StorageLevel } from '../model/storage.ts';
import type { ShardState } from './state.ts';

export function houseOf(state: ShardState): StorageHouse {
  const { view, frontier, headSamples, options, progress, disk, settings } = state;
  return {
    shard: settings.shard,
    frontier,
    logEndOffset: options.log.endOffset,
    logSizeBytes: options.log.sizeBytes,
    headSamples,
    levels: levelsOf(state),
    openDeletes: view.deletes.length,
    merge: progress.running,
    merges: { ...progress.merges },
    flushedBytes: progress.flushedBytes,
    rewrittenBytes: progress.rewrittenBytes,
    disk: disk.space,
  };
}

function levelsOf({ view }: ShardState): StorageLevel[] {
  const byLevel = Map.groupBy(view.parts, ({ row }) => row.level);
  return [...byLevel]
    .toSorted(([a], [b]) => a - b)
    .map(([level, parts]) => ({
      level,
      partCount: parts.length,
      sizeBytes: parts.reduce((sum, { row }) => sum + row.sizeBytes, 0),
      sampleCount: parts.reduce((sum, { row }) => sum + row.sampleCount, 0),
    }));
}
