// A head generation as sections of a head snapshot (docs/formats/head-snapshot.md), as it was at
// one moment, copied while appends go on. Pages and lists are only ever appended to; what of a
// series record has changed since is told by the held moment, as a pin's reader is told, and by
// the pages themselves. Nothing is sealed meanwhile; pages that were free may be taken.
import type { Generation } from './head.ts';
import { RECORD, RECORD_WORDS, UNSORTED } from './head-append.ts';
import type { CountHistory } from './head-history.ts';
import { CELLS_PER_SLAB } from './head-memory.ts';
import type { ArenaExtent } from './head-memory.ts';
import type { HeadViews } from './head-pages.ts';
import { capacityOf, layoutOf, metaAt, offsetAt, previousOf, usedOf } from './head-pages.ts';
import { samplesIn } from './head-sealed.ts';
import {
  ATTRIBUTE_ROW,
  COMPANION_ROW,
  EXEMPLAR_ROW,
  firstOf,
  HISTOGRAM_ROW,
  METADATA_ROW,
  rowPieces,
  TEXT_ROW,
} from './head-snapshot-rows.ts';
import type { CompanionRow, RowCodec } from './head-snapshot-rows.ts';
import { HEAD_CHUNK_REFS, HEAD_SNAPSHOT_PIECE_BYTES } from './limits.ts';

/** A section and its bytes in pieces, each borrowed until the next one is asked for. */
export interface SnapshotSection {
  readonly name: string;
  readonly pieces: () => Iterable<Uint8Array>;
}

export interface HeadDump {
  readonly generation: Generation;
  /** Held by the caller until the last piece was taken. */
  readonly moment: number;
  readonly session: number;
  readonly tailBytes: number;
  /** Ref of the series in a slot. */
  readonly refAt: (slot: number) => number;
}

/** How long everything was at the moment. */
interface Lengths {
  readonly firstMoment: number;
  readonly chunks: Int32Array;
  readonly extent: ArenaExtent;
  readonly history: CountHistory;
  readonly historyRows: number;
}

/**
 * Notes how long each list is; the pieces may be taken later, until the caller lets the sealer
 * resume.
 */
export function headSections(dump: HeadDump): SnapshotSection[] {
  const { generation } = dump;
  generation.sealer.rest();
  const { objects, metadata, exemplars, attributes } = generation;
  const { firstMoment, chunks, extent, history } = generation.inside;
  const lengths = { firstMoment, chunks, extent, history, historyRows: history.rowCount };
  const { historyRows } = lengths;
  const [strings, histograms] = [objects.strings.length, objects.histograms.length];
  const counts = [metadata.length, exemplars.length, attributes.length] as const;
  const refCount = generation.refs.count;
  const companionCount = objects.companionPages.size;
  const marks = Float64Array.from(history.marks);
  const numbers = numbersOf(dump, lengths);
  return [
    whole('head-numbers', numbers),
    whole('head-slabs', Uint32Array.from(extent.slabs)),
    whole('head-chunks', chunks),
    { name: 'head-refs', pieces: () => slices(() => generation.refs.view(), refCount * 4) },
    whole('head-free', generation.sealer.free.dump()),
    { name: 'head-pages', pieces: () => slabPieces(dump, lengths) },
    {
      name: 'head-strings',
      pieces: () => rowPieces(firstOf(objects.strings, strings), TEXT_ROW),
    },
    {
      name: 'head-histograms',
      pieces: () => rowPieces(firstOf(objects.histograms, histograms), HISTOGRAM_ROW),
    },
    {
      name: 'head-companions',
      pieces: () => rowPieces(companionRows(generation, companionCount), COMPANION_ROW),
    },
    {
      name: 'head-history',
      pieces: () => slices(() => history.rows(historyRows), historyRows * 12),
    },
    { name: 'head-newest', pieces: () => newestPieces(history, historyRows) },
    whole('head-marks', marks),
    {
      name: 'head-metadata',
      pieces: () => rowPieces(firstOf(metadata, counts[0]), METADATA_ROW),
    },
    {
      name: 'head-exemplars',
      pieces: () => rowPieces(firstOf(exemplars, counts[1]), EXEMPLAR_ROW),
    },
    {
      name: 'head-attributes',
      pieces: () => rowPieces(firstOf(attributes, counts[2]), ATTRIBUTE_ROW),
    },
  ];
}

function numbersOf(
  { generation, moment, session, tailBytes }: HeadDump,
  of: Lengths,
): Float64Array {
  const { sampleCount, deleteCount, sideBytes, objects } = generation;
  const { next, end } = of.extent;
  const sizes = [session, tailBytes, sampleCount, deleteCount, sideBytes, objects.sizeBytes];
  return Float64Array.from([...sizes, of.firstMoment, moment + 1, next, end, of.historyRows]);
}

function whole(name: string, array: Float64Array | Uint32Array | Int32Array): SnapshotSection {
  return { name, pieces: () => slices(() => array, array.byteLength) };
}

/** The first bytes of an array that may move between two pieces. */
function* slices(
  view: () => Float64Array | Uint32Array | Int32Array,
  sizeBytes: number,
): Generator<Uint8Array, void, undefined> {
  for (let from = 0; from < sizeBytes; from += HEAD_SNAPSHOT_PIECE_BYTES) {
    const { buffer, byteOffset } = view();
    const length = Math.min(HEAD_SNAPSHOT_PIECE_BYTES, sizeBytes - from);
    yield new Uint8Array(buffer, byteOffset + from, length);
  }
}

function* companionRows(
  generation: Generation,
  count: number,
): Generator<CompanionRow, void, undefined> {
  let left = count;
  for (const [page, columns] of generation.objects.companionPages) {
    if (left-- === 0) return;
    yield { page, capacity: capacityOf(metaAt(generation.memory.i32, page)), columns };
  }
}

const PAIR_ROW: RowCodec<readonly [number, number]> = {
  write: (out, [ref, row]) => {
    out.u32(ref);
    out.u32(row);
  },
  read: (reader) => [reader.u32(), reader.u32()],
};

function* newestPieces(
  history: CountHistory,
  historyRows: number,
): Generator<Uint8Array, void, undefined> {
  yield* rowPieces(history.newestBelow(historyRows), PAIR_ROW);
}

// ---------------------------------------------------------------- pages

/** Slab by slab, with the records in it as they were. */
function* slabPieces(dump: HeadDump, of: Lengths): Generator<Uint8Array, void, undefined> {
  const { memory } = dump.generation;
  const { slabs, next, end } = of.extent;
  const scratch = new Uint8Array(CELLS_PER_SLAB * 8);
  const copy = { i32: new Int32Array(scratch.buffer), f64: new Float64Array(scratch.buffer) };
  const chunksOf = Map.groupBy(
    of.chunks.keys().filter((chunk) => of.chunks[chunk] !== 0),
    (chunk) => Math.floor(of.chunks[chunk]! / 2 / CELLS_PER_SLAB),
  );
  for (const [i, slab] of slabs.entries()) {
    const isLast = i === slabs.length - 1;
    const cells = CELLS_PER_SLAB - (isLast ? end - next : 0);
    const piece = scratch.subarray(0, cells * 8);
    piece.set(memory.bytesAt(slab, cells));
    for (const chunk of chunksOf.get(slab / CELLS_PER_SLAB) ?? [])
      mendChunk(dump, of, chunk, copy, slab);
    yield piece;
  }
}

/** Brings the records of a chunk back to the moment, in the copy of the slab that holds them. */
function mendChunk(
  dump: HeadDump,
  of: Lengths,
  chunk: number,
  copy: HeadViews,
  slab: number,
): void {
  const { i32 } = copy;
  const moment = dump.moment - of.firstMoment;
  const first = of.chunks[chunk]! - slab * 2;
  for (let k = 0; k < HEAD_CHUNK_REFS; k++) {
    const record = first + k * RECORD_WORDS;
    if (i32[record + RECORD.page] === 0 || i32[record + RECORD.moment]! <= moment) continue;
    mendRecord(dump, of, copy, record, dump.refAt(chunk * HEAD_CHUNK_REFS + k));
  }
}

function mendRecord(
  { generation, moment }: HeadDump,
  { firstMoment, history }: Lengths,
  { i32: out, f64: outDoubles }: HeadViews,
  record: number,
  ref: number,
): void {
  const { i32, f64 } = generation.memory;
  const count = generation.countAt(ref, moment);
  if (count === 0) {
    out.fill(0, record, record + RECORD_WORDS);
    return;
  }
  // Back from the newest page to the one that held the last sample then.
  let page = out[record + RECORD.page]!;
  let meta = out[record + RECORD.meta]!;
  let before = (out[record + RECORD.count]! & ~UNSORTED) - usedOf(meta);
  while (before >= count) {
    page = previousOf(i32, page);
    meta = metaAt(i32, page);
    before -= samplesIn(i32, page);
  }
  const used = count - before;
  const { moment: last, count: saved } = history.rowUpTo(ref, moment - firstMoment);
  outDoubles[record >>> 1] = f64[page]!;
  out[record + RECORD.page] = page;
  out[record + RECORD.meta] = layoutOf(meta) | used;
  // Times that do not ascend may be later ones: a reader sorts once in vain.
  out[record + RECORD.count] = count | (out[record + RECORD.count]! & UNSORTED);
  out[record + RECORD.moment] = last;
  out[record + RECORD.saved] = saved;
  out[record + RECORD.offset] = i32[offsetAt(page, used - 1)]!;
}
