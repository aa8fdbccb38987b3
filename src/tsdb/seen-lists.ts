// When seen lists are written, which one a start takes up, and when they go. The one of the
// catalog's frontier says which series were written within the window before it, the log behind it
// says it of all that came later. Without it a start would not count what parts hold.
import { CodecError } from '../codec/varint.ts';
import type { BlobInfo } from '../blobs/blobs.ts';
import { AppError } from '../model/errors.ts';
import { errorMessage } from '../stdx/assert.ts';
import { seenListName, shardNames } from './names.ts';
import { readSeenList, seenListChunks } from './seen-list.ts';
import { activeCount } from './series-seen.ts';
import { DEFAULT_TSDB_SETTINGS } from './settings.ts';
import type { TsdbOptions } from './settings.ts';
import type { ShardState } from './state.ts';

/** The list of the catalog's frontier; others of the shard are of flushes that did not happen. */
export async function openSeenList(
  { blobs, settings }: TsdbOptions,
  frontier: number,
): Promise<BlobInfo | undefined> {
  const names = shardNames(settings?.shard ?? DEFAULT_TSDB_SETTINGS.shard);
  const wanted = seenListName(names, frontier);
  let found: BlobInfo | undefined;
  for await (const one of blobs.list(names.seenLists)) {
    if (one.name === wanted) found = one;
    else await blobs.remove(one.name);
  }
  return found;
}

/**
 * Takes the list up into an index that knows of no series yet. One that is damaged is reported and
 * left out: then series are counted from their next write on.
 */
export async function takeSeenList(
  { index, options, mutations }: ShardState,
  info: BlobInfo,
): Promise<void> {
  try {
    const list = await readSeenList(options.blobs, info, mutations.skipCrc);
    const steps = index.takeSeen(list, options.clock.nowMs());
    while (steps.next().done !== true) await options.scheduler.yieldTurn();
  } catch (error) {
    if (!(error instanceof CodecError || error instanceof AppError)) throw error;
    index.seen.remembered.clear(index.seen.tenants);
    options.report?.({ kind: 'seen-list-damaged', blob: info.name, reason: errorMessage(error) });
  }
}

/** Writes the one of a frontier to come, where anything was seen. */
export async function writeSeenList(state: ShardState, frontier: number): Promise<void> {
  const { names, options, index, settings, flushPacer } = state;
  const nowMs = options.clock.nowMs();
  if (activeCount(index.seen.tenants, nowMs) === 0) return;
  const stretch = { shard: settings.shard, frontier, nowMs };
  const name = seenListName(names, frontier);
  state.seenLists.add(name);
  await options.blobs.put(name, seenListChunks(index, stretch, flushPacer.pause));
}

/** Removes those of former frontiers. */
export async function removeFormerSeenLists(state: ShardState): Promise<void> {
  const current = seenListName(state.names, state.frontier);
  for (const name of state.seenLists) {
    if (name === current) continue;
    await state.options.blobs.remove(name);
    state.seenLists.delete(name);
  }
}
