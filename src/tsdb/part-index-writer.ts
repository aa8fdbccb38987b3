// The index of one tenant in a part (docs/formats/part.md, "Index"): collected series by series,
// written piece by piece when all are known.
import { crc32c } from '../codec/crc32c.ts';
import { ByteWriter } from '../codec/varint.ts';
import type { SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { LabelSource } from './label-writer.ts';
import {
  POSTINGS_SHORT_MAX,
  ROW_GROUP_BLOCKS,
  ROW_GROUP_SERIES,
  VALUE_GROUP_COUNT,
  VALUE_RESTART_COUNT,
} from './limits.ts';
import { NO_SECTION } from './part-format.ts';
import type { PiecePlace, SectionPlace } from './part-format.ts';
import { LabelColumns } from './part-labels.ts';
import type { RankedLabel, RunCursor, SymbolRow } from './part-labels.ts';
import { NumberList, writeDoubleColumn, writeNumbers } from './part-numbers.ts';
import type { TimeColumnsWriter } from './part-times.ts';
import type { TextPlaces } from './symbols.ts';

/** Where pieces go: their bytes are taken before the next piece is asked for. */
export interface PieceSink {
  /** Offset in the part of the next byte. */
  readonly offset: number;
  append(bytes: Uint8Array): void;
}

/** A label as the root describes it. */
interface WrittenLabel {
  readonly name: Uint8Array;
  readonly valueCount: number;
  readonly seriesCount: number;
  readonly firstGroup: number;
  readonly table: PiecePlace;
}

export class PartIndexWriter {
  readonly #labels: LabelColumns;
  blockCount = 0;
  // The open row group.
  #rows = 0;
  readonly #blockCounts = new NumberList();
  readonly #kinds = new NumberList();
  readonly #times = new NumberList();
  readonly #sizes = new NumberList();
  readonly #siblings = new NumberList();
  #minUs = Number.POSITIVE_INFINITY;
  #maxUs = Number.NEGATIVE_INFINITY;
  // Closed row groups: the block part of each, and what the row table says.
  readonly #groups: Uint8Array[] = [];
  readonly #groupRows = new NumberList();
  readonly #groupOffsets = new NumberList();
  readonly #groupMinUs = new NumberList();
  readonly #groupMaxUs = new NumberList();

  constructor(source: LabelSource) {
    this.#labels = new LabelColumns(source);
  }

  get seriesCount(): number {
    return this.#labels.seriesCount;
  }

  get isGroupFull(): boolean {
    return this.#rows >= ROW_GROUP_SERIES || this.#kinds.count >= ROW_GROUP_BLOCKS;
  }

  get isGroupEmpty(): boolean {
    return this.#rows === 0;
  }

  /** Symbols of the series added last. */
  get lastRow(): SymbolRow {
    return this.#labels.lastRow;
  }

  addSeries(series: Labels | SeriesRef, blockCount: number): void {
    this.#labels.add(series);
    this.#blockCounts.push(blockCount);
    this.#rows++;
    this.blockCount += blockCount;
  }

  addBlock(
    block: {
      readonly kind: number;
      readonly times: number;
      readonly sizeBytes: number;
      readonly sibling: number;
    },
    tUs: { readonly firstUs: number; readonly lastUs: number },
  ): void {
    this.#kinds.push(block.kind);
    this.#times.push(block.times);
    this.#sizes.push(block.sizeBytes);
    this.#siblings.push(block.sibling);
    this.#minUs = Math.min(this.#minUs, tUs.firstUs);
    this.#maxUs = Math.max(this.#maxUs, tUs.lastUs);
  }

  /** Ends the row group, whose blocks begin at `dataOffset`. */
  closeGroup(dataOffset: number): void {
    const out = scratch;
    out.reset();
    writeNumbers(out, this.#blockCounts.values, 0, this.#rows);
    const blocks = [this.#kinds, this.#times, this.#sizes, this.#siblings];
    for (const list of blocks) writeNumbers(out, list.values, 0, list.count);
    this.#groups.push(out.take());
    this.#groupRows.push(this.#rows);
    this.#groupOffsets.push(dataOffset);
    this.#groupMinUs.push(this.#minUs);
    this.#groupMaxUs.push(this.#maxUs);
    for (const list of [this.#blockCounts, ...blocks]) list.clear();
    this.#rows = 0;
    this.#minUs = Number.POSITIVE_INFINITY;
    this.#maxUs = Number.NEGATIVE_INFINITY;
  }

  /** Writes all pieces, gives control back after each, returns the place of the root. */
  *write(sink: PieceSink, times: TimeColumnsWriter): Generator<void, SectionPlace, void> {
    if (this.seriesCount === 0) return NO_SECTION;
    const labels: WrittenLabel[] = [];
    const columns = yield* this.#labels.columns();
    for (const one of columns)
      labels.push(yield* writeLabel(sink, yield* this.#labels.ranked(one)));
    const firstRows = sink.offset;
    const cursors = columns.map((one) => one.cursor());
    const rowTable = yield* this.#writeRows(sink, cursors);
    const firstTimes = sink.offset;
    for (const group of times.groups) {
      sink.append(group);
      yield;
    }
    const timeTable = put(sink, times.table());
    const root = new ByteWriter(1024);
    for (const count of [this.seriesCount, this.blockCount, times.count, labels.length])
      root.varint(count);
    for (const { name, valueCount, seriesCount, firstGroup, table } of labels) {
      root.varint(name.length);
      root.raw(name);
      root.varint(valueCount);
      root.varint(seriesCount);
      root.varint(firstGroup);
      writePlace(root, table);
    }
    root.varint(firstRows);
    root.varint(this.#groups.length);
    writePlace(root, rowTable);
    root.varint(firstTimes);
    writePlace(root, timeTable);
    return put(sink, root.take());
  }

  *#writeRows(sink: PieceSink, cursors: readonly RunCursor[]): Generator<void, PiecePlace, void> {
    for (const cursor of cursors) cursor.next();
    const sizes = new NumberList();
    const crcs = new ByteWriter(FEW_BYTES);
    const out = new ByteWriter(1024);
    let from = 0;
    for (const [g, blocks] of this.#groups.entries()) {
      const to = from + this.#groupRows.values[g]!;
      out.reset();
      writeLabelColumns(out, cursors, from, to);
      out.raw(blocks);
      const piece = out.bytes();
      sizes.push(piece.length);
      crcs.u32(crc32c(piece));
      sink.append(piece);
      from = to;
      yield;
    }
    const table = new ByteWriter(256);
    const count = this.#groups.length;
    for (const list of [this.#groupRows, sizes, this.#groupOffsets])
      writeNumbers(table, list.values, 0, count);
    writeDoubleColumn(table, this.#groupMinUs.values, count);
    writeDoubleColumn(table, this.#groupMaxUs.values, count);
    table.raw(crcs.bytes());
    return put(sink, table.take());
  }
}

/** Appends a piece. */
function put(sink: PieceSink, bytes: Uint8Array): PiecePlace {
  const place = { offset: sink.offset, sizeBytes: bytes.length, crc: crc32c(bytes) };
  sink.append(bytes);
  return place;
}

function writePlace(out: ByteWriter, { offset, sizeBytes, crc }: PiecePlace): void {
  out.varint(offset);
  out.varint(sizeBytes);
  out.u32(crc);
}

const rowValues = new Float64Array(ROW_GROUP_SERIES);
/** What is finished before anybody else writes. */
const scratch = new ByteWriter(1024);
const column = new ByteWriter(1024);

/** Rank + 1 of the series [from, to) in each label that one of them has; 0 for the others. */
function writeLabelColumns(
  out: ByteWriter,
  cursors: readonly RunCursor[],
  from: number,
  to: number,
): void {
  const body = scratch;
  body.reset();
  let present = 0;
  let previous = -1;
  for (const [label, run] of cursors.entries()) {
    if (run.isOver || run.start >= to) continue;
    rowValues.fill(0, 0, to - from);
    while (!run.isOver && run.start < to) {
      rowValues.fill(run.value + 1, Math.max(run.start, from) - from, Math.min(run.end, to) - from);
      if (run.end > to) break;
      run.next();
    }
    column.reset();
    writeNumbers(column, rowValues, 0, to - from);
    body.varint(label - previous - 1);
    body.varint(column.size);
    body.raw(column.bytes());
    previous = label;
    present++;
  }
  out.varint(present);
  out.raw(body.bytes());
}

// ---------------------------------------------------------------- values and postings

/** What labels of small tenants need, and the heap holds; large ones double it a few times. */
const FEW_BYTES = 64;

function* writeLabel(sink: PieceSink, label: RankedLabel): Generator<void, WrittenLabel, void> {
  const firstGroup = sink.offset;
  const table = new ByteWriter(FEW_BYTES);
  const texts = new ByteWriter(FEW_BYTES);
  let firstOfLast: Uint8Array = new Uint8Array(0);
  for (let from = 0; from < label.valueCount; from += VALUE_GROUP_COUNT) {
    const to = Math.min(from + VALUE_GROUP_COUNT, label.valueCount);
    texts.reset();
    writeTexts(texts, label, from, to);
    const start = sink.offset;
    yield* writePostings(sink, texts, label, { from, to });
    table.varint(sink.offset - start);
    table.varint(texts.size);
    table.u32(crc32c(texts.bytes()));
    const first = label.text(from);
    writeText(table, firstOfLast, first);
    firstOfLast = first.slice();
    sink.append(texts.bytes());
    yield;
  }
  const { name, valueCount, seriesCount } = label;
  const place = put(sink, table.take());
  return { name, valueCount, seriesCount, firstGroup, table: place };
}

/** Of the texts of one group. */
const textPlaces: TextPlaces = {
  places: new Uint32Array(VALUE_GROUP_COUNT),
  sizes: new Uint32Array(VALUE_GROUP_COUNT),
};
const counts = new Uint32Array(VALUE_GROUP_COUNT);

/** Texts of the ranks [from, to), front-coded as `writeText`, then how many series have each. */
function writeTexts(out: ByteWriter, label: RankedLabel, from: number, to: number): void {
  const { places, sizes } = textPlaces;
  const memory = label.locate({ from, to }, textPlaces);
  let previous = 0;
  let previousSize = 0;
  for (let i = 0; i < to - from; i++) {
    const place = places[i]!;
    const size = sizes[i]!;
    const most = i % VALUE_RESTART_COUNT === 0 ? 0 : Math.min(previousSize, size);
    let shared = 0;
    while (shared < most && memory[previous + shared] === memory[place + shared]) shared++;
    out.varint(shared);
    out.varint(size - shared);
    out.range(memory, place + shared, place + size);
    previous = place;
    previousSize = size;
    counts[i] = label.starts[from + i + 1]! - label.starts[from + i]!;
  }
  writeNumbers(out, counts, 0, to - from);
}

/** Front-coded: shared bytes with the one before, further bytes. */
function writeText(out: ByteWriter, previous: Uint8Array, text: Uint8Array): void {
  const most = Math.min(previous.length, text.length);
  let shared = 0;
  while (shared < most && previous[shared] === text[shared]) shared++;
  out.varint(shared);
  out.varint(text.length - shared);
  out.raw(text.subarray(shared));
}

/** Puts the lists of some values; their places are appended to `texts`. */
function* writePostings(
  sink: PieceSink,
  texts: ByteWriter,
  label: RankedLabel,
  { from, to }: { readonly from: number; readonly to: number },
): Generator<void, void, void> {
  const { starts, ordinals } = label;
  const lists = new ByteWriter(FEW_BYTES);
  const isShort = (rank: number): boolean =>
    starts[rank + 1]! - starts[rank]! <= POSTINGS_SHORT_MAX;
  let shortCount = 0;
  for (let rank = from; rank < to; rank++)
    if (isShort(rank)) shortCount += starts[rank + 1]! - starts[rank]!;
  const end = (): void => {
    const bytes = lists.bytes();
    texts.varint(bytes.length);
    texts.u32(crc32c(bytes));
    sink.append(bytes);
    lists.reset();
  };
  if (shortCount > 0) {
    if (shortCount === starts[to]! - starts[from]!)
      writeNumbers(lists, ordinals, starts[from]!, starts[to]!);
    else writeNumbers(lists, shortOf(label, { from, to }, shortCount), 0, shortCount);
    end();
    yield;
  }
  for (let rank = from; rank < to; rank++)
    if (!isShort(rank)) {
      writeNumbers(lists, ordinals, starts[rank]!, starts[rank + 1]!);
      end();
      yield;
    }
}

/** The short lists of some values, one behind the other. */
function shortOf(
  { starts, ordinals }: RankedLabel,
  { from, to }: { readonly from: number; readonly to: number },
  count: number,
): Uint32Array {
  const short = new Uint32Array(count);
  let at = 0;
  for (let rank = from; rank < to; rank++) {
    const size = starts[rank + 1]! - starts[rank]!;
    if (size > POSTINGS_SHORT_MAX) continue;
    short.set(ordinals.subarray(starts[rank], starts[rank + 1]), at);
    at += size;
  }
  return short;
}
