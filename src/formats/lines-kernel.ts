// kernels/lines.ts for the scanners of this thread, once app/ has said where its compiled module
// is. Made on first use. A scanner opens a body, lets the kernel take what it knows, reads the line
// where it stops itself (its own code is the reference and the fallback), and teaches what it was.
//
// The memory is the kernel's own and bounded. Pieces of the body that end with a line are copied to
// a window in it, so that nothing at or behind `end` is ever read; what was learned stays between
// bodies under the seed of the dictionary that knew it. It is only a cache: where it is full, no
// more is learned, until so much was missed that all of it is forgotten.
import { parseDecimal } from '../codec/decimal.ts';
import { KIND } from '../model/columns.ts';
import type { ColumnRun, RowPredictor, RowSink } from '../model/rows.ts';
import { LINES_KERNEL_MISSES_MAX, LINES_KERNEL_WINDOW_BYTES } from './limits.ts';

const PAGE_BYTES = 65_536;
/** Places in the memory: the same as in kernels/lines.ts. The first page is the compiler's. */
const CONTROL_AT = PAGE_BYTES;
const NAMES_AT = CONTROL_AT + 512;
const LAYOUT_AT = CONTROL_AT + 4096;
const LAYOUT_TEXT_AT = LAYOUT_AT + 128;
const LAYOUT_END = LAYOUT_AT + 2048;
const COLUMNS_AT = 131_072;
const FIXES_AT = 786_432;
const WINDOW_AT = 917_504;
const ARENA_AT = 22_282_240;
const MEMORY_END = 47_448_064;
/** Bytes behind the window that may be read. */
const SLACK_BYTES = 64;
const LINES_KERNEL_PAGES = MEMORY_END / PAGE_BYTES + 1;

/** Words of the control block. */
const CONTROL = {
  seedLow: 0,
  seedHigh: 1,
  rowCount: 6,
  slotMask: 7,
  arenaEnd: 8,
  lastRow: 9,
  pointCount: 10,
  fixCount: 11,
  counts: 12,
  subNsUsed: 15,
  lineCount: 16,
  lastStart: 17,
  memoLength: 19,
  lastShape: 23,
  stopsAtMinus: 31,
  currentRef: 84,
} as const;
const CONTROL_WORDS = 128;
/** Doubles of the control block. */
const UNIT_US = 1;
const DEFAULT_US = 2;
const POWERS = 16;
const POWERS_COUNT = 23;

const POINTS = 8192;
const KIND_BYTES = POINTS * 26;
/** Points of a kind from which on the kernel wants to be emptied. */
const POINTS_FULL = POINTS - 256;
/** Kinds in the order of the kernel's columns. */
const KINDS = [KIND.f64, KIND.i64, KIND.boolean] as const;
/** Words of the layout of points of JSON; behind the order of its texts. */
const LAYOUT = { pieces: 4, isKnown: 14, metricMemoLength: 21 } as const;
const LAYOUT_WORDS = 32;
/** A point of JSON this far in front of the end of the window is whole, as a rule. */
const POINT_BYTES = 4096;
const NAME_WORDS = 3;
const NAMES_MAX = 256;

const LF = 10;
/** The unit of times that say by their size what they count (precision `auto`). */
export const LINES_KERNEL_GUESS = -1;
const NO_BYTES = new Uint8Array(0);

interface Exports {
  readonly takeFields: (start: number, end: number) => number;
  readonly takePaths: (start: number, end: number) => number;
  readonly takePage: (start: number, end: number) => number;
  readonly takeGts: (start: number, end: number) => number;
  readonly learnFields: (start: number, end: number, count: number) => number;
  readonly learnSeries: (start: number, end: number, ref: number) => number;
  readonly takePoints: (start: number, end: number) => number;
  readonly learnPoint: (
    tags: number,
    tagsBytes: number,
    metric: number,
    metricBytes: number,
    ref: number,
  ) => number;
  readonly hash: (start: number, end: number) => void;
}

export interface OpenOptions {
  readonly predictor: RowPredictor;
  readonly sink: RowSink;
  /** Microseconds of a unit of time; 0: nanoseconds; LINES_KERNEL_GUESS. */
  readonly unitUs: number;
  readonly defaultUs: number;
}

/** Fields of a line that was read: three numbers each (start and end of the name, ref). */
export interface ReadFields {
  readonly count: number;
  readonly names: Int32Array;
  readonly refs: Int32Array;
}

/** How points of JSON are written: their texts by place, and the pieces of the body around them. */
export interface ReadLayout {
  readonly order: Uint8Array;
  readonly pieceStarts: Int32Array;
  readonly pieceEnds: Int32Array;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the lines kernel gave up');
}

export class LinesKernel {
  readonly #exports: Exports;
  readonly bytes: Uint8Array;
  readonly #control: Int32Array;
  readonly #doubles: Float64Array;
  readonly #fixes: Uint32Array;
  readonly #names: Int32Array;
  readonly #layout: Uint32Array;
  readonly #values: Float64Array;
  readonly #runs: (ColumnRun & { count: number })[];
  #body: Uint8Array = NO_BYTES;
  #end = 0;
  #sink: RowSink | undefined = undefined;
  #windowStart = 0;
  #windowEnd = 0;
  #seedHigh = 0;
  #missCount = 0;
  /** The last thing taught found no room: predict without the kernel. */
  isFull = false;
  /** Start of the last line that was taken, where its format has one point a line. */
  lastStart = -1;
  /** Points handed to the sink since `open`. */
  pointCount = 0;

  constructor(module: WebAssembly.Module) {
    const memory = new WebAssembly.Memory({
      initial: LINES_KERNEL_PAGES,
      maximum: LINES_KERNEL_PAGES,
    });
    const { buffer } = memory;
    const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
    // The names and the types are those of kernels/lines.ts.
    this.#exports = exports as unknown as Exports;
    this.bytes = new Uint8Array(buffer);
    this.#control = new Int32Array(buffer, CONTROL_AT, CONTROL_WORDS);
    this.#doubles = new Float64Array(buffer, CONTROL_AT, CONTROL_WORDS / 2);
    this.#fixes = new Uint32Array(buffer, FIXES_AT, POINTS * 3);
    this.#names = new Int32Array(buffer, NAMES_AT, NAMES_MAX * NAME_WORDS);
    this.#layout = new Uint32Array(buffer, LAYOUT_AT, LAYOUT_WORDS);
    this.#values = new Float64Array(buffer, COLUMNS_AT + POINTS * 16, POINTS);
    for (let i = 0; i < POWERS_COUNT; i++) this.#doubles[POWERS + i] = Number(`1e${i}`);
    this.#runs = KINDS.map((kind, i) => {
      const at = COLUMNS_AT + i * KIND_BYTES;
      return {
        kind,
        count: 0,
        refs: new Uint32Array(buffer, at, POINTS),
        rows: new Uint32Array(buffer, at + POINTS * 4, POINTS),
        tUs: new Float64Array(buffer, at + POINTS * 8, POINTS),
        words: new Int32Array(buffer, at + POINTS * 16, POINTS * 2),
        subNs: new Uint16Array(buffer, at + POINTS * 24, POINTS),
      };
    });
    this.#forget();
  }

  /** Lines taken since `open`. */
  get lineCount(): number {
    return this.#control[CONTROL.lineCount]!;
  }

  open(body: Uint8Array, end: number, options: OpenOptions): void {
    const control = this.#control;
    this.#body = body;
    this.#end = end;
    this.#sink = options.sink;
    this.#windowStart = 0;
    this.#windowEnd = 0;
    this.pointCount = 0;
    this.#empty();
    control[CONTROL.lineCount] = 0;
    control[CONTROL.stopsAtMinus] = 0;
    control[CONTROL.lastRow] = -1;
    this.#layout[LAYOUT.isKnown] = 0;
    control[CONTROL.seedLow] = options.predictor.seedLow;
    this.#seedHigh = options.predictor.seedHigh;
    control[CONTROL.seedHigh] = this.#seedHigh;
    this.#doubles[UNIT_US] = options.unitUs;
    this.#doubles[DEFAULT_US] = options.defaultUs;
  }

  /**
   * Rows that are taken or learned from now on mean something else than under another number (0 to
   * 255). `stopsAtMinus`: values below zero are not taken.
   */
  under(number: number, stopsAtMinus: boolean): void {
    this.#control[CONTROL.stopsAtMinus] = stopsAtMinus ? 1 : 0;
    const seedHigh = this.#seedHigh ^ (number << 24);
    if (this.#control[CONTROL.seedHigh] === seedHigh) return;
    this.#control[CONTROL.seedHigh] = seedHigh;
    this.#control[CONTROL.lastRow] = -1;
  }

  /** Takes lines of line protocol; the start of the first to be read by the book, or `end`. */
  takeFields(start: number): number {
    return this.#take(this.#exports.takeFields, start);
  }

  /** As takeFields, lines of Graphite. */
  takePaths(start: number): number {
    return this.#take(this.#exports.takePaths, start);
  }

  /** As takeFields, samples of exposition text. */
  takePage(start: number): number {
    return this.#take(this.#exports.takePage, start);
  }

  /** As takeFields, lines of Warp 10 behind one of this series; negative: of none that is known. */
  takeGts(start: number, ref: number): number {
    this.#control[CONTROL.currentRef] = ref;
    return this.#take(this.#exports.takeGts, start);
  }

  /** Series of the last line of Warp 10 that was taken, else what `takeGts` was told. */
  get currentRef(): number {
    return this.#control[CONTROL.currentRef]!;
  }

  #take(take: (start: number, end: number) => number, start: number): number {
    let at = start;
    while (at < this.#end && this.#show(at)) {
      const from = WINDOW_AT + at - this.#windowStart;
      this.#control[CONTROL.lastStart] = 0;
      const stop = take(from, WINDOW_AT + this.#windowEnd - this.#windowStart);
      at = Math.min(at + stop - from, this.#windowEnd);
      const last = this.#control[CONTROL.lastStart]!;
      if (last > 0) this.lastStart = last - WINDOW_AT + this.#windowStart;
      this.#fix();
      if (this.#needsRoom()) this.flush();
      else if (at < this.#windowEnd) break;
    }
    return at;
  }

  /**
   * Takes points of an array of JSON that are written like the layout that was learned last; behind
   * the last of them, or `start`.
   */
  takePoints(start: number): number {
    if (this.#layout[LAYOUT.isKnown] === 0) return start;
    this.#showAny(start);
    const from = WINDOW_AT + start - this.#windowStart;
    const stop = this.#exports.takePoints(from, WINDOW_AT + this.#windowEnd - this.#windowStart);
    this.#fix();
    if (this.#needsRoom()) this.flush();
    return start + stop - from;
  }

  /** Copies a piece of the body from `at` on, wherever it ends. */
  #showAny(at: number): void {
    const isWithin = at >= this.#windowStart && at < this.#windowEnd;
    const isFar = this.#windowEnd - at >= POINT_BYTES || this.#windowEnd === this.#end;
    if (isWithin && isFar) return;
    this.#copy(at, Math.min(this.#end, at + LINES_KERNEL_WINDOW_BYTES));
  }

  /** Copies a piece of the body with the line at `at`; false where no piece has all of it. */
  #show(at: number): boolean {
    if (at >= this.#windowStart && at < this.#windowEnd) return true;
    let stop = this.#end;
    if (stop - at > LINES_KERNEL_WINDOW_BYTES) {
      stop = this.#body.lastIndexOf(LF, at + LINES_KERNEL_WINDOW_BYTES - 1) + 1;
      if (stop <= at) return false;
    }
    this.#copy(at, stop);
    return true;
  }

  #copy(start: number, end: number): void {
    this.bytes.set(this.#body.subarray(start, end), WINDOW_AT);
    const behind = WINDOW_AT + end - start;
    this.bytes.fill(LF, behind, behind + SLACK_BYTES);
    this.#windowStart = start;
    this.#windowEnd = end;
    this.#control[CONTROL.memoLength] = 0;
    this.#layout[LAYOUT.metricMemoLength] = 0;
  }

  /** Numbers that need more than one division. */
  #fix(): void {
    const count = this.#control[CONTROL.fixCount]!;
    const fixes = this.#fixes;
    for (let i = 0; i < count * 3; i += 3)
      this.#values[fixes[i]!] = parseDecimal(this.bytes, fixes[i + 1]!, fixes[i + 2]!);
    this.#control[CONTROL.fixCount] = 0;
  }

  #needsRoom(): boolean {
    for (let kind = 0; kind < KINDS.length; kind++)
      if (this.#control[CONTROL.counts + kind]! > POINTS_FULL) return true;
    return false;
  }

  /** Gives all points to the sink. Before anything else goes there. */
  flush(): void {
    const control = this.#control;
    const pointCount = control[CONTROL.pointCount]!;
    if (pointCount === 0) return;
    for (const [i, run] of this.#runs.entries()) run.count = control[CONTROL.counts + i]!;
    this.#sink?.columns?.(this.#runs, {
      pointCount,
      hasSubNs: control[CONTROL.subNsUsed] !== 0,
    });
    this.pointCount += pointCount;
    this.#empty();
  }

  #empty(): void {
    this.#control.fill(0, CONTROL.pointCount, CONTROL.subNsUsed + 1);
  }

  /** The last thing of a scan: lets go of the body. */
  close(): void {
    this.flush();
    this.#body = NO_BYTES;
    this.#sink = undefined;
  }

  /** Where [start, end) of the body stands in the window; -1: it is not there. */
  #addressOf(start: number, end: number): number {
    if (start < this.#windowStart || end > this.#windowEnd) return -1;
    return WINDOW_AT + start - this.#windowStart;
  }

  /** The row [start, end) may have these fields. */
  learnFields(start: number, end: number, { count, names, refs }: ReadFields): void {
    if (count > NAMES_MAX) return;
    const address = this.#addressOf(start, end);
    if (address < 0) return;
    const shift = address - start;
    for (let i = 0; i < count; i++) {
      const nameStart = names[i * 2]!;
      // With the equals sign behind it.
      const nameEnd = names[i * 2 + 1]! + 1;
      if (this.#addressOf(nameStart, nameEnd) < 0) return;
      this.#names[i * NAME_WORDS] = nameStart + shift;
      this.#names[i * NAME_WORDS + 1] = nameEnd + shift;
      this.#names[i * NAME_WORDS + 2] = refs[i]!;
    }
    this.#learned(this.#exports.learnFields(address, end + shift, count));
  }

  /** The row [start, end) is this series. */
  learnSeries(start: number, end: number, ref: number): void {
    const address = this.#addressOf(start, end);
    if (address < 0) return;
    this.#learned(this.#exports.learnSeries(address, address + end - start, ref));
  }

  /** Points may be written like this from now on. */
  learnLayout({ order, pieceStarts, pieceEnds }: ReadLayout): void {
    const layout = this.#layout;
    layout[LAYOUT.isKnown] = 0;
    layout.set(order);
    let at = LAYOUT_TEXT_AT;
    for (let piece = 0; piece < pieceStarts.length; piece++) {
      const start = pieceStarts[piece]!;
      const length = pieceEnds[piece]! - start;
      // Zeros fill whole words.
      const space = (length + 8) & ~7;
      if (at + space > LAYOUT_END) return;
      this.bytes.fill(0, at + space - 8, at + space);
      this.bytes.set(this.#body.subarray(start, start + length), at);
      layout[LAYOUT.pieces + piece * 2] = at;
      layout[LAYOUT.pieces + piece * 2 + 1] = length;
      at += space;
    }
    layout[LAYOUT.isKnown] = 1;
  }

  /** A point with these tags (with their braces) and this metric is of this series. */
  learnPoint(
    [tagsStart, tagsEnd]: readonly [number, number],
    [metricStart, metricEnd]: readonly [number, number],
    ref: number,
  ): void {
    const tags = this.#addressOf(tagsStart, tagsEnd);
    const metric = this.#addressOf(metricStart, metricEnd);
    if (tags < 0 || metric < 0) return;
    const tagsBytes = tagsEnd - tagsStart;
    const metricBytes = metricEnd - metricStart;
    this.#learned(this.#exports.learnPoint(tags, tagsBytes, metric, metricBytes, ref));
  }

  #learned(isKept: number): void {
    this.isFull = isKept === 0;
    if (this.isFull && ++this.#missCount > LINES_KERNEL_MISSES_MAX) this.#forget();
  }

  #forget(): void {
    const control = this.#control;
    control[CONTROL.rowCount] = 0;
    control[CONTROL.slotMask] = 0;
    control[CONTROL.arenaEnd] = ARENA_AT;
    control[CONTROL.lastRow] = -1;
    control[CONTROL.lastShape] = 0;
    this.#missCount = 0;
    this.isFull = false;
  }

  /** For tests: the words that tell rows apart. */
  hashOf(bytes: Uint8Array): readonly number[] {
    this.open(bytes, bytes.length, {
      predictor: { seedLow: 1, seedHigh: 2 } as RowPredictor,
      sink: {} as RowSink,
      unitUs: 0,
      defaultUs: 0,
    });
    this.#show(0);
    this.#exports.hash(WINDOW_AT, WINDOW_AT + bytes.length);
    return Array.from(this.#control.subarray(24, 28));
  }
}

let load: (() => WebAssembly.Module) | undefined;
let kernel: LinesKernel | undefined;

/** Makes scanners of this thread read with the compiled kernels/lines.ts; undefined: without it. */
export function useLinesKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  kernel = undefined;
}

/**
 * The kernel, open for a body, where there is one and `sink` takes its columns. Scans are
 * synchronous: one serves all.
 */
export function openLinesKernel(
  body: Uint8Array,
  end: number,
  options: Omit<OpenOptions, 'predictor'> & { readonly predictor: RowPredictor | undefined },
): LinesKernel | undefined {
  const { predictor, sink } = options;
  if (predictor === undefined || sink.columns === undefined || load === undefined) return undefined;
  kernel ??= new LinesKernel(load());
  kernel.open(body, end, { ...options, predictor });
  return kernel;
}
