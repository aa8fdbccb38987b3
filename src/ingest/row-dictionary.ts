// The raw-bytes → series ref cache of one write profile; implements the seam of model/rows.ts.
//
// Two levels, because protocols with several fields a row ask with the same first range many times
// in a row: `rows` maps the first range to a row, `cells` maps (row, second range) to a ref; the
// ref of an empty second range stands in the row itself. Both are tried by prediction first: a row
// remembers which row followed it last time and a cell which cell, so a body that repeats the order
// of the one before costs one look at its bytes and no search. Predictions are verified, cells byte
// by byte, rows by 96 bits of a seeded hash (docs/decisions/0010), so they can be wrong but do not
// lie.
//
// Only a cache: at its bound it forgets everything, and `clear` may be called between scans at any
// time. `begin` must be called before each scan, because the memo of the last row holds positions
// in the caller's buffer.
//
// A scan that meets many new rows may be cut short by its turn (write-turns.ts), which throws out
// of `add`, and begins again later. What it has added is known then; what was refused is too, but
// to that write only (refused-for-now.ts).
import type { NameSplit, SeriesRef } from '../model/columns.ts';
import type { LimitFacts } from '../model/errors.ts';
import type {
  CellChain,
  HashedRows,
  RowDictionary,
  RowHasher,
  RowKey,
  RowPredictor,
} from '../model/rows.ts';
import {
  CELL_BYTES,
  CELL_NEXT,
  CELL_REF,
  CELL_STRIDE,
  CELL_WORD,
  ROW_UNKNOWN,
} from '../model/rows.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import { REF_REFUSED } from '../model/storage.ts';
import { grownI32 } from '../stdx/growable.ts';
import { ByteTable } from './byte-table.ts';
import { DICTIONARY_BYTES_MAX, DICTIONARY_CELLS_MAX, REFUSALS_MAX } from './limits.ts';
import { NO_ROW, ROWS_MAX, RowTable } from './row-table.ts';
import { ByteAdmission } from './byte-admission.ts';
import { REF_DROPPED } from './dropped-points.ts';
import type { RefusalReason } from './refusal-reasons.ts';
import { reasonOf, refusedForNow, STAMPS_MAX, stampOf } from './refused-for-now.ts';
import type { AdmissionContext, SeriesRefusal } from './series-admission.ts';
import { admitSeries } from './series-admission.ts';

const NONE = -1;
const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** Of all dictionaries of this thread, so that no two of them ever stand for the same. */
let epochCount = 0;

export interface DictionaryBounds {
  readonly bytesMax: number;
  readonly cellsMax: number;
}

interface Refusal extends SeriesRefusal {
  readonly reason: RefusalReason;
}

/** What a scan is that may be one of several of the same body. */
export interface ScanStart {
  /** Refs that the storage does not know any more are unknown. */
  readonly isDoubtful?: boolean;
  /** Told of each row that is added and will be known in the next scan; may throw. */
  readonly turn?: { takeNewRow(): void } | undefined;
  /** What `begin` gave for the first scan of this write; undefined: this is it. */
  readonly since?: number | undefined;
}

const NO_REFUSAL: Refusal = { sentence: '', limit: undefined, reason: 'malformed' };

/** For a row whose own words nobody has kept. */
function alike({ sentence, limit }: Refusal, reason: RefusalReason): Refusal {
  return { sentence: `refused as another one of its write: ${sentence}`, limit, reason };
}

export const DEFAULT_DICTIONARY_BOUNDS: DictionaryBounds = {
  bytesMax: DICTIONARY_BYTES_MAX,
  cellsMax: DICTIONARY_CELLS_MAX,
};

export class ProfileDictionary implements RowDictionary, RowPredictor {
  readonly #context: AdmissionContext;
  readonly #bounds: DictionaryBounds;
  readonly #seed: number;
  readonly #admission: ByteAdmission;
  #rows: RowTable;
  #cells: ByteTable;
  /** Rows that have been asked for without a second range. */
  #plainRows = 0;
  /** Of rows that have cells the first one + 1; shorter where none has. */
  #rowFirstCell = new Int32Array(64);
  /** As in CellChain. */
  #records = new Int32Array(64 * CELL_STRIDE);
  /** Reasons of cells that are REF_REFUSED, and of rows (as -1 - row) that are. */
  #refusals = new Map<number, Refusal>();
  #refusal = NO_REFUSAL;
  /** As `#refusals`, of rows that are refused for now; of the first ones only. */
  #forNow = new Map<number, Refusal>();
  #lastForNow = NO_REFUSAL;
  /** Of the scan that is running, by reason. */
  #refusedRows = new Map<RefusalReason, number>();
  #firstLimit: LimitFacts | undefined = undefined;
  #hasDropped = false;
  #isDoubtful = false;
  #turn: ScanStart['turn'] = undefined;
  /** Writes that may take several scans, as begun so far. */
  #stamp = 0;
  /** The stamp of the write that is scanned. */
  #since = 0;
  /** Writes between two of their scans. */
  #pausedCount = 0;
  #epoch = ++epochCount;
  /** Splits met in the scan that is running, or in those of paused writes: not yet in storage. */
  #newSplits = new Map<string, NameSplit>();

  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = NO_VIEW;
  #lastStart = NONE;
  #lastEnd = NONE;
  #lastRow = NONE;
  #lastCell = NONE;

  constructor(context: AdmissionContext, seed: number, bounds = DEFAULT_DICTIONARY_BOUNDS) {
    this.#context = context;
    this.#seed = seed;
    this.#bounds = bounds;
    this.#admission = new ByteAdmission(context);
    this.#rows = new RowTable(seed);
    this.#cells = new ByteTable(seed);
  }

  /** None where each ref has to be looked at. */
  get predictor(): RowPredictor | undefined {
    return this.#isDoubtful ? undefined : this;
  }

  get seedLow(): number {
    return this.#epoch;
  }

  /** Eight bits are free for the scanner. */
  get seedHigh(): number {
    return this.#seed & 0xff_ffff;
  }

  get sizeBytes(): number {
    const own = (this.#records.length + this.#rowFirstCell.length) * 4;
    return this.#rows.sizeBytes + this.#cells.sizeBytes + own;
  }

  /** Refs it holds. */
  get cellCount(): number {
    return this.#cells.count + this.#plainRows;
  }

  get cells(): CellChain {
    return { records: this.#records, words: this.#cells.words };
  }

  /**
   * Before each scan: forgets positions in the buffer of the scan before. What it gives is `since`
   * of further scans of the same write.
   */
  begin({ isDoubtful = false, turn, since }: ScanStart = {}): number {
    this.release();
    this.#isDoubtful = isDoubtful;
    if (isDoubtful) this.#epoch = ++epochCount;
    this.#turn = turn;
    this.#refusedRows.clear();
    this.#firstLimit = undefined;
    if (since === undefined) this.#forget();
    // One that takes one turn remembers no such refusal and knows of none.
    this.#since = since ?? this.#stamp + 1;
    if (since === undefined && turn !== undefined) this.#stamp += 1;
    return this.#since;
  }

  /** In front of a new write; between scans of one, what they have met must stay. */
  #forget(): void {
    if (this.#pausedCount === 0) {
      this.#newSplits.clear();
      this.#forNow.clear();
    }
    if (this.#isFull() || this.#stamp === STAMPS_MAX) this.clear();
    if (this.#stamp === STAMPS_MAX) this.#stamp = 0;
  }

  /**
   * The scan that is running has been cut short and will be begun again: what it has met counts
   * until `resume` is called, once for each pause and before that scan begins.
   */
  pause(): void {
    this.#pausedCount += 1;
  }

  resume(): void {
    this.#pausedCount -= 1;
  }

  /** After each scan: lets go of the body. */
  release(): void {
    this.#bytes = NO_BYTES;
    this.#view = NO_VIEW;
    this.#lastStart = NONE;
    this.#lastEnd = NONE;
    this.#rows.forgetPosition();
  }

  /** Splits that belong into the batch of the scan that just ended. */
  newSplits(): Iterable<NameSplit> {
    return this.#newSplits.values();
  }

  get hasNewSplits(): boolean {
    return this.#newSplits.size > 0;
  }

  /** Rows that were answered REF_REFUSED since `begin`, by reason. */
  get refusedRows(): ReadonlyMap<RefusalReason, number> {
    return this.#refusedRows;
  }

  /** The first limit that refused a row since `begin`. */
  get firstLimit(): LimitFacts | undefined {
    return this.#firstLimit;
  }

  /** Did it answer REF_DROPPED since it was cleared? */
  get hasDropped(): boolean {
    return this.#hasDropped;
  }

  drop(): SeriesRef {
    this.#hasDropped = true;
    return REF_DROPPED;
  }

  clear(): void {
    this.#hasDropped = false;
    this.#epoch = ++epochCount;
    this.#rows = new RowTable(this.#seed, this.#rows.hasher);
    this.#cells = new ByteTable(this.#seed);
    this.#plainRows = 0;
    this.#rowFirstCell = new Int32Array(64);
    this.#records = new Int32Array(64 * CELL_STRIDE);
    this.#refusals.clear();
    this.#forNow.clear();
    this.#newSplits.clear();
    this.#lastStart = NONE;
    this.#lastRow = NONE;
    this.#lastCell = NONE;
  }

  #isFull(): boolean {
    if (this.#rows.count === ROWS_MAX) return true;
    return this.cellCount >= this.#bounds.cellsMax || this.sizeBytes > this.#bounds.bytesMax;
  }

  open(bytes: Uint8Array): void {
    if (bytes === this.#bytes) return;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#lastStart = NONE;
    this.#rows.forgetPosition();
  }

  nextRow(start: number, end: number, terminator: number): number {
    const last = this.#lastRow;
    if (last < 0) return NONE;
    const guess = this.#rows.nextOf(last);
    if (guess < 0) return NONE;
    const stop = start + this.#rows.lengthOf(guess);
    if (stop >= end || this.#bytes[stop] !== terminator) return NONE;
    if (!this.#rows.matches(guess, this.#view, start, stop)) return NONE;
    this.#lastRow = guess;
    this.#lastStart = start;
    this.#lastEnd = stop;
    this.#lastCell = NONE;
    return stop;
  }

  seekRow(start: number, end: number): boolean {
    const row = this.#findRow(this.#view, start, end);
    if (row < 0) return false;
    this.#lastRow = row;
    this.#lastStart = start;
    this.#lastEnd = end;
    this.#lastCell = NONE;
    return true;
  }

  hashBy(hasher: RowHasher): number {
    if (this.#rows.hasher !== hasher) {
      this.clear();
      this.#rows = new RowTable(this.#seed, hasher);
    }
    return this.#seed;
  }

  followRows(rows: HashedRows, from: number): number {
    const stop = this.#rows.follow(rows, from, this.#lastRow);
    this.#lastRow = this.#rows.followed;
    this.#lastStart = NONE;
    this.#lastCell = NONE;
    return stop;
  }

  firstCell(): number {
    return (this.#rowFirstCell[this.#lastRow] ?? 0) - 1;
  }

  cellAt(start: number, end: number): SeriesRef {
    if (start === end) return this.#rows.refOf(this.#lastRow);
    const guess = this.firstCell();
    if (guess < 0 || this.#records[guess * CELL_STRIDE + CELL_BYTES] !== end - start)
      return ROW_UNKNOWN;
    if (this.#cells.prefixEnd(guess, this.#view, start, end) !== end) return ROW_UNKNOWN;
    return this.#records[guess * CELL_STRIDE + CELL_REF]!;
  }

  rewind(): void {
    this.#lastCell = NONE;
  }

  find(bytes: Uint8Array, start: number, end: number, start2: number, end2: number): SeriesRef {
    this.open(bytes);
    const view = this.#view;
    if (start !== this.#lastStart || end !== this.#lastEnd) {
      const row = this.#findRow(view, start, end);
      if (row < 0) return ROW_UNKNOWN;
      this.#lastRow = row;
      this.#lastStart = start;
      this.#lastEnd = end;
      this.#lastCell = NONE;
    }
    if (start2 === end2) {
      return this.#checked(this.#rows.refOf(this.#lastRow), -1 - this.#lastRow);
    }
    const cell = this.#findCell(view, start2, end2);
    if (cell < 0) return ROW_UNKNOWN;
    this.#lastCell = cell;
    return this.#checked(this.#records[cell * CELL_STRIDE + CELL_REF]!, cell);
  }

  /** `place`: of a refusal's reason. */
  #checked(ref: SeriesRef, place: number): SeriesRef {
    if (ref < REF_REFUSED && ref !== ROW_UNKNOWN) {
      if (stampOf(ref) < this.#since) return ROW_UNKNOWN;
      this.#refuse(this.#forNow.get(place) ?? alike(this.#lastForNow, reasonOf(ref)));
      return REF_REFUSED;
    }
    if (ref === REF_REFUSED) this.#refuse(this.#refusals.get(place));
    if (!this.#isDoubtful || ref < 0) return ref;
    const { storage, tenant } = this.#context;
    return storage.knows(tenant, ref) ? ref : ROW_UNKNOWN;
  }

  #findRow(view: DataView, start: number, end: number): number {
    const last = this.#lastRow;
    if (last >= 0) {
      const guess = this.#rows.nextOf(last);
      if (guess >= 0 && this.#rows.matches(guess, view, start, end)) return guess;
    }
    const row = this.#rows.find(view, start, end);
    if (row >= 0 && last >= 0) this.#rows.setNext(last, row);
    return row;
  }

  #findCell(view: DataView, start: number, end: number): number {
    const row = this.#lastRow;
    const last = this.#lastCell;
    const guess = last < 0 ? this.firstCell() : this.#records[last * CELL_STRIDE + CELL_NEXT]!;
    if (guess >= 0 && this.#cells.matches(guess, view, start, end, row)) return guess;
    const hash = this.#cells.hash(view, start, end, row);
    const cell = this.#cells.find(view, start, end, row, hash);
    if (cell >= 0) {
      if (last < 0) this.#setFirstCell(row, cell);
      else this.#records[last * CELL_STRIDE + CELL_NEXT] = cell;
    }
    return cell;
  }

  #setFirstCell(row: number, cell: number): void {
    this.#rowFirstCell = grownI32(this.#rowFirstCell, row + 1);
    this.#rowFirstCell[row] = cell + 1;
  }

  #refuse(refusal = NO_REFUSAL): void {
    this.#refusal = refusal;
    const { reason, limit } = refusal;
    this.#firstLimit ??= limit;
    this.#refusedRows.set(reason, (this.#refusedRows.get(reason) ?? 0) + 1);
  }

  add(key: RowKey, pairs: readonly string[], split: NameSplit | undefined): SeriesRef {
    this.#takeTurn();
    const admission = admitSeries(this.#context, pairs, split, this.#newSplits);
    const { newSplit, reason, limit, ref } = admission;
    if (newSplit !== undefined) this.#newSplits.set(newSplit.name, newSplit);
    if (ref === REF_DROPPED) this.#hasDropped = true;
    const refusal =
      reason === undefined ? undefined : { sentence: admission.refusal, limit, reason };
    if (refusal !== undefined) {
      this.#refuse(refusal);
      if (!admission.isFinal || this.#refusals.size >= REFUSALS_MAX)
        return this.#refuseForNow(key, refusal);
    }
    if (this.#isFull()) return ref;
    this.open(key.bytes);
    const place = this.#remember(key, ref);
    if (refusal !== undefined) this.#refusals.set(place, refusal);
    return ref;
  }

  /** Nothing is known afterwards of a row that a full dictionary does not remember. */
  #takeTurn(): void {
    if (this.#turn !== undefined && !this.#isFull()) this.#turn.takeNewRow();
  }

  /** Known to this write, as long as it lasts; every other one asks anew. */
  #refuseForNow(key: RowKey, refusal: Refusal): SeriesRef {
    if (this.#turn === undefined || this.#isFull()) return REF_REFUSED;
    this.#lastForNow = refusal;
    this.open(key.bytes);
    const place = this.#remember(key, refusedForNow(this.#stamp, refusal.reason));
    if (this.#forNow.size < REFUSALS_MAX) this.#forNow.set(place, refusal);
    return REF_REFUSED;
  }

  addBytes(key: RowKey, labels: LabelBytes): SeriesRef {
    this.#takeTurn();
    const ref = this.#admission.admit(labels);
    if (ref < 0) return ROW_UNKNOWN;
    if (this.#isFull()) return ref;
    this.open(key.bytes);
    this.#remember(key, ref);
    return ref;
  }

  /** The body is open. Returns the place of a refusal's reason. */
  #remember({ bytes, start, end, start2, end2 }: RowKey, ref: SeriesRef): number {
    const view = this.#view;
    let row = this.#rows.find(view, start, end);
    if (row === NO_ROW) {
      row = this.#rows.insert(view, start, end);
      if (this.#lastRow >= 0) this.#rows.setNext(this.#lastRow, row);
    }
    if (start2 === end2) {
      if (this.#rows.refOf(row) === ROW_UNKNOWN) this.#plainRows++;
      this.#rows.setRef(row, ref);
      // The row that follows is expected behind it from the first time on.
      this.#lastRow = row;
      this.#lastStart = start;
      this.#lastEnd = end;
      this.#lastCell = NONE;
      return -1 - row;
    }
    const cellHash = this.#cells.hash(view, start2, end2, row);
    let cell = this.#cells.find(view, start2, end2, row, cellHash);
    if (cell < 0) {
      cell = this.#cells.insert(bytes, start2, end2, row, cellHash);
      this.#records = grownI32(this.#records, (cell + 1) * CELL_STRIDE);
      this.#records[cell * CELL_STRIDE + CELL_NEXT] = NONE;
      this.#records[cell * CELL_STRIDE + CELL_WORD] = this.#cells.wordOf(cell);
      this.#records[cell * CELL_STRIDE + CELL_BYTES] = end2 - start2;
    }
    this.#records[cell * CELL_STRIDE + CELL_REF] = ref;
    return cell;
  }

  refusal(): string {
    return this.#refusal.sentence;
  }
}
