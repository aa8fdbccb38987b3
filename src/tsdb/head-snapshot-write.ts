// Writes a head snapshot (docs/formats/head-snapshot.md): everything of a shard that the records
// of [frontier, S) have made, as it is at the call, copied in pieces between which writes go on.
import { crc32 } from '../codec/crc32.ts';
import { AppError } from '../model/errors.ts';
import { assert } from '../stdx/assert.ts';
import { headSections } from './head-dump.ts';
import type { SnapshotSection } from './head-dump.ts';
import { encodeDirectory, encodeFooter, encodeHead } from './head-snapshot-format.ts';
import type { DirectorySection, SnapshotStretch } from './head-snapshot-format.ts';
import { BATCH_ID_ROW, DELETE_ROW, rowPieces, SPLIT_ROW, TEXT_ROW } from './head-snapshot-rows.ts';
import type { DatedSplit, TenantBatchId } from './head-snapshot-rows.ts';
import { grownU8 } from '../stdx/growable.ts';
import { readCaptured } from './index-sections.ts';
import type { CapturedSection } from './index-sections.ts';
import { HEAD_SNAPSHOT_CHUNK_BYTES, HEAD_SNAPSHOT_PIECE_BYTES } from './limits.ts';
import type { ShardState } from './state.ts';

/** Where the application of the log is. */
export interface AppliedLog {
  /** Every record below is applied, none from there on. */
  readonly offset: number;
  /** Bytes of the records of [frontier, offset). */
  readonly tailBytes: number;
}

export interface ShardCapture {
  readonly frontier: number;
  readonly offset: number;
  readonly sections: readonly SnapshotSection[];
  /** Throws AppError where the index could not keep what was captured. */
  check(): void;
  /** Ends it. */
  release(): void;
}

/** Nothing may be flushed, retired or swept before its release. */
export function captureShard(state: ShardState, { offset, tailBytes }: AppliedLog): ShardCapture {
  const { view, index, moments, frontier } = state;
  const [generation, ...others] = view.generations;
  assert(generation !== undefined && others.length === 0, 'all of the tail is in one generation');
  const moment = moments.hold();
  // Records of this session are below `offset` only where there are any: else another process may
  // use the same number.
  const session = offset > state.session ? state.session : -1;
  const refAt = (slot: number): number => index.refAt(slot);
  const deletes = view.deletes.filter((one) => one.offset >= frontier);
  const tenants = [...state.tenants].filter(([, isStored]) => !isStored).map(([id]) => id);
  const stretch = { from: frontier, to: offset };
  const sections = [
    ...indexSections(index.capture()),
    ...headSections({ generation, moment, session, tailBytes, refAt }),
    { name: 'deletes', pieces: () => rowPieces(deletes, DELETE_ROW) },
    { name: 'splits', pieces: () => rowPieces(splitsOf(state, stretch), SPLIT_ROW) },
    { name: 'tenants', pieces: () => rowPieces(tenants, TEXT_ROW) },
    { name: 'batch-ids', pieces: () => rowPieces(batchIdsOf(state, stretch), BATCH_ID_ROW) },
  ];
  const check = (): void => {
    if (!index.isCaptureWhole)
      throw new AppError(
        'unavailable',
        'no-series-left',
        'the shard has no number left for series',
      );
  };
  const release = (): void => {
    moments.release(moment);
    generation.sealer.resume();
    index.release();
  };
  return { frontier, offset, sections, check, release };
}

/** Records [from, to). */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

function* splitsOf(
  { splits }: ShardState,
  { from, to }: Stretch,
): Generator<DatedSplit, void, undefined> {
  for (const [tenant, ofTenant] of splits)
    for (const { split, offset } of ofTenant.values())
      if (offset >= from && offset < to) yield { offset, split: { ...split, tenant } };
}

function* batchIdsOf(
  { batchIds }: ShardState,
  { from, to }: Stretch,
): Generator<TenantBatchId, void, undefined> {
  for (const [tenant, one] of batchIds.all())
    if (one.offset >= from && one.offset < to) yield { ...one, tenant };
}

function indexSections(all: readonly CapturedSection[]): SnapshotSection[] {
  const scratch = new Uint8Array(HEAD_SNAPSHOT_PIECE_BYTES);
  const pieces = function* (section: CapturedSection): Generator<Uint8Array, void, undefined> {
    const { sizeBytes } = section;
    for (let from = 0; from < sizeBytes; from += scratch.length)
      yield readCaptured(section, from, Math.min(from + scratch.length, sizeBytes), scratch);
  };
  return all.map((section) => ({ name: section.name, pieces: () => pieces(section) }));
}

export interface WriteOptions {
  readonly stretch: SnapshotStretch;
  /** Called between pieces; what it returns is waited for. */
  readonly pause: () => Promise<void> | undefined;
  /** Called before the end is written: what it throws leaves nothing behind. */
  readonly finish: () => void;
}

/** A chunk, and the piece that goes beyond it. */
const MOST = HEAD_SNAPSHOT_CHUNK_BYTES + HEAD_SNAPSHOT_PIECE_BYTES;

/** The object in chunks, each borrowed until the one after the next is asked for. */
export async function* headSnapshotChunks(
  sections: readonly SnapshotSection[],
  { stretch, pause, finish }: WriteOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const crcs: number[] = [];
  const told: { name: string; sizeBytes: number }[] = [];
  // Grows to a chunk and a piece: most of a small head's chunk would be zeros nobody reads.
  let buffer = new Uint8Array(HEAD_SNAPSHOT_PIECE_BYTES);
  // What is filled while the other one is written; as large as that when it is needed.
  let other = new Uint8Array(0);
  let used = 0;
  let crc = 0;
  let sizeBytes = 0;
  for (const { name, pieces } of [{ name: '', pieces: () => [encodeHead()] }, ...sections]) {
    if (name !== '' && told.at(-1)?.name !== name) told.push({ name, sizeBytes: 0 });
    for (const piece of pieces()) {
      // Whole, before anything else runs: what it is a view of may move.
      if (used + piece.length > buffer.length)
        buffer = grownU8(buffer, Math.max(used + piece.length, Math.min(buffer.length * 2, MOST)));
      buffer.set(piece, used);
      let from = used;
      used += piece.length;
      sizeBytes += piece.length;
      if (name !== '') told.at(-1)!.sizeBytes += piece.length;
      for (; used >= HEAD_SNAPSHOT_CHUNK_BYTES; used -= HEAD_SNAPSHOT_CHUNK_BYTES, from = 0) {
        const chunk = buffer.subarray(0, HEAD_SNAPSHOT_CHUNK_BYTES);
        crcs.push(crc32(chunk.subarray(from), crc));
        crc = 0;
        yield chunk;
        // Now the chunk before this one is nobody's.
        if (other.length < buffer.length) other = new Uint8Array(buffer.length);
        other.set(buffer.subarray(HEAD_SNAPSHOT_CHUNK_BYTES, used));
        [buffer, other] = [other, buffer];
      }
      // While it is in the processor's cache.
      crc = crc32(buffer.subarray(from, used), crc);
      const rest = pause();
      if (rest !== undefined) await rest;
    }
  }
  const last = buffer.subarray(0, used);
  if (used > 0) crcs.push(crc);
  finish();
  yield Buffer.concat([last, closing(told, crcs, sizeBytes, stretch)]);
}

function closing(
  sections: readonly DirectorySection[],
  crcs: readonly number[],
  sizeBytes: number,
  stretch: SnapshotStretch,
): Uint8Array {
  const directory = encodeDirectory({ sections, chunkCrcs: Uint32Array.from(crcs) });
  const footer = encodeFooter({
    ...stretch,
    directoryOffset: sizeBytes,
    directorySize: directory.length,
    directoryCrc: crc32(directory),
  });
  return Buffer.concat([directory, footer]);
}
