// The seam between scanners (formats/) and ingest/: raw bytes of a row's identity → series ref.
// A scanner asks with the bytes as they stand in the body; only on a miss are labels built,
// relabelled, limited and resolved. The dictionary is bounded, seeded and only a cache: it may
// forget anything at any time. One dictionary per write profile (tenant, protocol, database
// mapping, forced labels, relabel version), so equal bytes under one profile always mean the same
// series.
import type { Kind, Points } from './columns.ts';
import type { Attribute, Exemplar, Metadata, NameSplit, SeriesRef } from './columns.ts';
import type { LabelBytes } from './label-bytes.ts';

/** `find` knows nothing about the bytes: build the labels and `add` them. */
export const ROW_UNKNOWN = -2;

/** Borrowed byte ranges of the body that together identify the series; the second may be empty. */
export interface RowKey {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly start2: number;
  readonly end2: number;
}

/** Numbers a cell has in CellChain.records, and what each one is. */
export const CELL_STRIDE = 4;
/** Where its bytes begin in `words`; they are padded with zeros to whole words. */
export const CELL_WORD = 0;
export const CELL_BYTES = 1;
/** Ref or REF_REFUSED. */
export const CELL_REF = 2;
/** The cell that followed it last time, or -1. */
export const CELL_NEXT = 3;

/** Remembered second ranges of rows; borrowed until the next call of `find` or `add`. */
export interface CellChain {
  /** CELL_STRIDE numbers a cell. */
  readonly records: Int32Array;
  /** Bytes of all cells as little-endian words. */
  readonly words: Int32Array;
}

/** Numbers a row has in HashedRows.words, and what each one is. */
export const HASHED_ROW_STRIDE = 6;
export const HASHED_ROW_START = 0;
export const HASHED_ROW_END = 1;
/** The first of three. */
export const HASHED_ROW_HASH = 2;
/** The scanner's own: where the row's points end. */
export const HASHED_ROW_POINTS_END = 5;

/** Rows of a body, none with a second range, hashed by a RowHasher with the dictionary's seed. */
export interface HashedRows {
  count: number;
  /** HASHED_ROW_STRIDE numbers a row. */
  readonly words: Int32Array;
  /** For the answers. */
  readonly refs: Int32Array;
}

/** Hashes rows in another way than the dictionary does, for scanners that do it as they read. */
export interface RowHasher {
  /** Longer rows are hashed by the dictionary. */
  readonly sizeMaxBytes: number;
  /** 96 bits of the last row. */
  readonly words: Int32Array;
  hash(view: DataView, start: number, end: number, seed: number): void;
}

/**
 * What comes next if this body repeats the order of the one before. Answers come from comparing the
 * body with remembered raw bytes, so they may be missing but never wrong; a row that is
 * answered becomes the current one. Positions are those of the body given to `open`.
 */
export interface RowPredictor {
  /** Before the first question about a body. */
  open(bytes: Uint8Array): void;
  /**
   * End of the row's bytes at `start` if the row that followed the current one last time stands
   * there, followed by the byte `terminator`; else -1 and nothing changes. Reads below `end` only.
   */
  nextRow(start: number, end: number, terminator: number): number;
  /** Makes the row with exactly these bytes the current one, whatever was expected; false: none. */
  seekRow(start: number, end: number): boolean;
  /** First cell (second range) that is expected in the current row, or -1. */
  firstCell(): number;
  /**
   * Two words that stand for what this dictionary knows, for caches that know the same: never those
   * of another one, and others as soon as anything known was forgotten or is doubted.
   */
  readonly seedLow: number;
  readonly seedHigh: number;
  /** For scanners that walk the cells of a row themselves. */
  readonly cells: CellChain;
  /** Ref of the current row with the second range [start, end), or ROW_UNKNOWN: ask `find`. */
  cellAt(start: number, end: number): SeriesRef;
  /**
   * From now on rows are hashed by this; those that are known by another hash are forgotten. The
   * seed for it.
   */
  hashBy(hasher: RowHasher): number;
  /**
   * Answers rows from `from` on, whatever was expected, up to the first one that is not known or
   * was refused: its index. `find` is asked for that one next.
   */
  followRows(rows: HashedRows, from: number): number;
  /** The current row will be asked for again from its first cell, by `find`. */
  rewind(): void;
}

export interface RowDictionary {
  /** Absent where every row has to come through `find`. */
  readonly predictor?: RowPredictor | undefined;
  /** Ref >= 0, REF_REFUSED (storage.ts) or ROW_UNKNOWN. Arguments as in RowKey; nothing is kept. */
  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): SeriesRef;
  /**
   * Remembers what the bytes mean and returns the ref or REF_REFUSED. `pairs` is flat name, value,
   * unsorted, may hold duplicates (last wins) and empty values (dropped); at least the metric name
   * (`__name__`) unless the protocol allows none.
   */
  add(key: RowKey, pairs: readonly string[], split: NameSplit | undefined): SeriesRef;
  /**
   * As `add`, from labels as they stand in the row (key.bytes, opened as the labels' body), for
   * protocols whose labels need no decoding and know no split. ROW_UNKNOWN where they are not plain
   * enough or break a limit: `add` the pairs, which says why. Absent: as if it said so always.
   */
  addBytes?(key: RowKey, labels: LabelBytes): SeriesRef;
  /**
   * The ref of rows that their reader leaves out, without a mistake: its points are taken out of
   * the batch. Absent in those that know no such rows.
   */
  drop?(): SeriesRef;
  /** Why the last `add` or `find` answered REF_REFUSED: a sentence naming the limit. */
  refusal(): string;
}

/** Points of fixed-width kinds in columns, in the client's order; borrowed. See PointBlock. */
export interface PointRun {
  readonly count: number;
  readonly refs: Uint32Array;
  readonly kinds: Uint8Array;
  readonly tUs: Float64Array;
  readonly subNs: Uint16Array;
  /** 64 bits a point as low and high halves; a boolean is the double 0 or 1. */
  readonly words: Int32Array;
  /** Start times, as in Companions. */
  readonly startUs: Float64Array | undefined;
}

/** Points of one fixed-width kind in columns; the first `count` of each are meant. Borrowed. */
export interface ColumnRun {
  readonly kind: Kind;
  readonly count: number;
  readonly refs: Uint32Array;
  /** Places among the points of all kinds that come together, ascending. */
  readonly rows: Uint32Array;
  readonly tUs: Float64Array;
  /** As in PointRun. */
  readonly words: Int32Array;
  readonly subNs: Uint16Array;
}

/**
 * Where a scanner puts what it understood. Implemented by BatchBuilder (model/batch-builder.ts).
 */
export interface RowSink {
  f64(ref: SeriesRef, tUs: number, subNs: number, value: number): void;
  /** Bit-exact (NaN payloads, staleness markers): the 64 bits as low and high halves. */
  f64Bits(ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void;
  /** The 64 bits as two halves, so that no BigInt is made. */
  i64(ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void;
  u64(ref: SeriesRef, tUs: number, subNs: number, low: number, high: number): void;
  boolean(ref: SeriesRef, tUs: number, subNs: number, value: boolean): void;
  string(ref: SeriesRef, tUs: number, subNs: number, value: string): void;
  /** Copies all of `run`; absent where points have to come one by one (PointBlock.flush knows). */
  block?(run: PointRun): void;
  /**
   * Copies points that come sorted by kind, `pointCount` in all; without `hasSubNs` all their subNs
   * are 0. Absent where points have to come one by one: do not ask the kernel of lines.
   */
  columns?(
    runs: readonly ColumnRun[],
    all: { readonly pointCount: number; readonly hasSubNs: boolean },
  ): void;
  /** Copies whole column sets (histograms, companions, bulk paths). */
  points(points: Points): void;
  metadata(row: Metadata): void;
  exemplar(row: Exemplar): void;
  attribute(row: Attribute): void;
}

/** One refused row: nothing else of the batch is affected unless the protocol says so. */
export interface RowError {
  /** 1-based line (text formats) or series index (remote write). */
  readonly line: number;
  /** Byte offset in the line or message where the reason was found; -1 where there is none. */
  readonly column: number;
  readonly reason: string;
}

/** What a scanner returns beside the rows in the sink. The first `errorsMax` errors are kept. */
export interface ScanResult {
  /** Rows (lines, series) seen, blank and comment lines excluded. */
  readonly rowCount: number;
  /** Points put into the sink. */
  readonly pointCount: number;
  readonly errorCount: number;
  readonly errors: readonly RowError[];
}
