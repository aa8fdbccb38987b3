// kernels/windows.ts for the kernels of this thread, once app/ has said where its compiled module
// is; made by the first query that has use for it. Values are copied in, one series at a time; what
// the windows of a walk have in common is copied once. Without it, and for what it refuses,
// counters.ts, statistics.ts and groups.ts do the same.
import {
  KERNEL_SAMPLES_MAX,
  KERNEL_STATES_BYTES,
  KERNEL_STEPS_MAX,
  KERNEL_STEPS_MIN,
  KERNEL_TOUCHED_MIN,
} from './limits.ts';
import type { SeriesSamples } from './samples.ts';
import type { Windows } from './sliding.ts';
import { StepColumn } from './step-column.ts';

const PAGE_BYTES = 65_536;
/** The first page is the compiler's. */
const CONTROL_AT = PAGE_BYTES;
const VALUES_AT = CONTROL_AT + 256;
const ARRAYS_AT = VALUES_AT + KERNEL_SAMPLES_MAX * 8 + 16;
/** Room for one step more, 16-byte aligned. */
const WORDS = (KERNEL_STEPS_MAX + 4) * 4;
const DOUBLES = (KERNEL_STEPS_MAX + 2) * 8;
/** A window begins and ends at bounds of segments, so there are at most twice as many. */
const SEGMENTS_MAX = KERNEL_STEPS_MAX * 2 + 1;

type InOrder = (
  control: number,
  values: number,
  samples: number,
  steps: number,
  isMeanOrRoot: number,
  out: number,
) => number;

interface WindowExports {
  readonly growths: (
    control: number,
    values: number,
    steps: number,
    isCounter: number,
    isPerSecond: number,
    out: number,
  ) => void;
  /** Sums or means, variances or their roots: 0 where it refuses the values. */
  readonly sums: InOrder;
  readonly variances: InOrder;
  readonly isRising: (values: number, count: number) => number;
  readonly addSums: (
    present: number,
    values: number,
    steps: number,
    main: number,
    extra: number,
    counts: number,
  ) => void;
  readonly mergeSums: (
    main: number,
    extra: number,
    counts: number,
    addedMain: number,
    addedExtra: number,
    addedCounts: number,
    steps: number,
  ) => void;
  readonly addExtremes: (
    present: number,
    values: number,
    steps: number,
    main: number,
    counts: number,
    isMax: number,
  ) => void;
  readonly extremes: (
    control: number,
    values: number,
    segments: number,
    steps: number,
    isMax: number,
    out: number,
  ) => number;
}

/** Places of arrays in the memory, in the order of the kernel's control block. */
function layout() {
  let end = ARRAYS_AT;
  const place = (sizeBytes: number): number => {
    const start = end;
    end += Math.ceil(sizeBytes / 16) * 16;
    return start;
  };
  const control = {
    lo: place(WORDS),
    hi: place(WORDS),
    interval: place(DOUBLES),
    toStart: place(DOUBLES),
    toEnd: place(DOUBLES),
    range: place(DOUBLES),
    segments: place((SEGMENTS_MAX + 1) * 4),
    loSegment: place(WORDS),
    hiSegment: place(WORDS),
    folded: place(SEGMENTS_MAX * 8),
    suffixes: place(SEGMENTS_MAX * 8),
  };
  const out = place(DOUBLES);
  const present = place(KERNEL_STEPS_MAX + 2);
  const states = place(KERNEL_STATES_BYTES);
  return { control, out, present, states, pages: Math.ceil((end + 64) / PAGE_BYTES) };
}

/** What of a walk is in the memory. */
type Prepared = 'stretches' | 'segments' | 'bounds';

class WindowKernel {
  readonly exports: WindowExports;
  readonly #buffer: ArrayBuffer;
  readonly #places: ReturnType<typeof layout>;
  readonly #values: Float64Array;
  readonly #out: Float64Array;
  #windows: Windows | undefined = undefined;
  #walk = 0;
  readonly #prepared = new Set<Prepared>();
  segmentCount = 0;
  /** Of each step, whether its window has so many samples. */
  readonly #present: Readonly<Record<Prepared, Uint8Array>> = {
    stretches: new Uint8Array(KERNEL_STEPS_MAX),
    segments: new Uint8Array(KERNEL_STEPS_MAX),
    bounds: new Uint8Array(KERNEL_STEPS_MAX),
  };

  constructor(module: WebAssembly.Module) {
    this.#places = layout();
    const { control, out, pages } = this.#places;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
    // The names and types are those of kernels/windows.ts.
    this.exports = exports as unknown as WindowExports;
    this.#buffer = memory.buffer;
    this.#values = new Float64Array(this.#buffer, VALUES_AT, KERNEL_SAMPLES_MAX);
    this.#out = new Float64Array(this.#buffer, out, KERNEL_STEPS_MAX);
    new Uint32Array(this.#buffer, CONTROL_AT).set(Object.values(control));
  }

  get outAt(): number {
    return this.#places.out;
  }

  /** Nobody has a lease of the states. */
  isFree = true;

  /** The column that outputs are written to. */
  column(stepCount: number): StepColumn {
    const values = new Float64Array(this.#buffer, this.#places.out, stepCount);
    return new StepColumn(
      stepCount,
      values,
      new Uint8Array(this.#buffer, this.#places.present, stepCount),
    );
  }

  /** Where states begin. */
  get states(): { readonly buffer: ArrayBuffer; readonly start: number } {
    return { buffer: this.#buffer, start: this.#places.states };
  }

  has(array: ArrayBufferView): boolean {
    return array.buffer === this.#buffer;
  }

  /** Copies values of the series in, and what the walk has in common, if that is not there. */
  feed({ values, count, tUs }: SeriesSamples, windows: Windows, wanted: Prepared): void {
    if (this.#windows !== windows || this.#walk !== windows.walkNumber) {
      this.#windows = windows;
      this.#walk = windows.walkNumber;
      this.#prepared.clear();
    }
    if (!this.#prepared.has(wanted)) {
      if (wanted === 'stretches') this.#putStretches(windows, tUs);
      else if (wanted === 'segments') this.#putSegments(windows);
      else this.#putBounds(windows);
      this.#prepared.add(wanted);
      const least = wanted === 'stretches' ? 2 : 1;
      const present = this.#present[wanted];
      for (const [k, end] of windows.hi.entries())
        present[k] = end - windows.lo[k]! >= least ? 1 : 0;
    }
    this.#values.set(values.length === count ? values : values.subarray(0, count));
  }

  #putStretches(windows: Windows, tUs: Float64Array): void {
    const { interval, toStart, toEnd, range } = windows.stretches(tUs);
    const { control } = this.#places;
    this.#putBounds(windows);
    this.#doubles(control.interval).set(interval);
    this.#doubles(control.toStart).set(toStart);
    this.#doubles(control.toEnd).set(toEnd);
    this.#doubles(control.range).set(range);
  }

  #putBounds({ lo, hi }: Windows): void {
    const { control } = this.#places;
    this.#words(control.lo).set(lo);
    this.#words(control.hi).set(hi);
  }

  /** Cuts the samples where a window begins or ends. */
  #putSegments({ lo, hi, grid }: Windows): void {
    const { control } = this.#places;
    const starts = this.#words(control.segments);
    let count = 0;
    const cut = (at: number): void => {
      if (count === 0 || starts[count - 1] !== at) starts[count++] = at;
    };
    // Both only move forward.
    for (let i = 0, k = 0; k < grid.count;) {
      if (i < grid.count && lo[i]! <= hi[k]!) cut(lo[i++]!);
      else cut(hi[k++]!);
    }
    this.segmentCount = count - 1;
    this.#place(lo, starts, this.#words(control.loSegment));
    this.#place(hi, starts, this.#words(control.hiSegment));
  }

  #place(bounds: Int32Array, starts: Int32Array, out: Int32Array): void {
    let segment = 0;
    for (const [k, bound] of bounds.entries()) {
      while (starts[segment]! < bound) segment++;
      out[k] = segment;
    }
  }

  #words(at: number): Int32Array {
    return new Int32Array(this.#buffer, at);
  }

  #doubles(at: number): Float64Array {
    return new Float64Array(this.#buffer, at, KERNEL_STEPS_MAX);
  }

  /** Copies the output into an empty column. */
  take({ count, present, values }: StepColumn, prepared: Prepared): void {
    if (values.buffer !== this.#buffer) values.set(this.#out.subarray(0, count));
    present.set(this.#present[prepared].subarray(0, count));
  }
}

let load: (() => WebAssembly.Module) | undefined;
let kernel: WindowKernel | undefined;

/** Makes this thread compute with the compiled kernels/windows.ts; undefined: without it. */
export function useWindowKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  kernel = undefined;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the window kernel gave up');
}

function kernelFor({ count }: SeriesSamples, windows: Windows): WindowKernel | undefined {
  if (load === undefined || count > KERNEL_SAMPLES_MAX) return undefined;
  const { grid, touched } = windows;
  if (grid.count > KERNEL_STEPS_MAX) return undefined;
  if (grid.count < KERNEL_STEPS_MIN && touched < KERNEL_TOUCHED_MIN) return undefined;
  return (kernel ??= new WindowKernel(load()));
}

/** False where there is no kernel for it: start times, counters with resets. */
export function growthsByKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  options: { readonly isCounter: boolean; readonly isPerSecond: boolean },
): boolean {
  const own = kernelFor(s, windows);
  if (own === undefined) return false;
  own.feed(s, windows, 'stretches');
  const { isCounter, isPerSecond } = options;
  const { exports } = own;
  const canFall = isCounter && s.isRising !== true;
  if (canFall && exports.isRising(VALUES_AT, s.count) === 0) return false;
  const steps = windows.grid.count;
  exports.growths(CONTROL_AT, VALUES_AT, steps, +isCounter, +isPerSecond, own.outAt);
  own.take(out, 'stretches');
  return true;
}

/** False where there is no kernel for it: values that are no numbers, or huge ones. */
export function inOrderByKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  wanted: 'sum' | 'avg' | 'stdvar' | 'stddev',
): boolean {
  const own = kernelFor(s, windows);
  if (own === undefined) return false;
  own.feed(s, windows, 'bounds');
  const compute = wanted === 'sum' || wanted === 'avg' ? own.exports.sums : own.exports.variances;
  const isMeanOrRoot = +(wanted === 'avg' || wanted === 'stddev');
  const steps = windows.grid.count;
  if (compute(CONTROL_AT, VALUES_AT, s.count, steps, isMeanOrRoot, own.outAt) === 0) return false;
  own.take(out, 'bounds');
  return true;
}

/** False where there is no kernel for it: NaN, zeros with a sign. */
export function extremesByKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  isMax: boolean,
): boolean {
  const own = kernelFor(s, windows);
  if (own === undefined) return false;
  own.feed(s, windows, 'segments');
  const { exports, segmentCount, outAt } = own;
  const steps = windows.grid.count;
  if (exports.extremes(CONTROL_AT, VALUES_AT, segmentCount, steps, +isMax, outAt) === 0)
    return false;
  own.take(out, 'segments');
  return true;
}

// ---------------------------------------------------------------- groups

/** Memory of the kernel for the column and the states of one leaf, until it ends. */
export class StateLease {
  readonly #kernel: WindowKernel;
  #usedBytes = 0;

  constructor(own: WindowKernel) {
    this.#kernel = own;
    own.isFree = false;
  }

  /** Used by others between two series: it is empty only as long as nobody else runs. */
  column(stepCount: number): StepColumn {
    const column = this.#kernel.column(stepCount);
    column.reset();
    return column;
  }

  /** Zeroed memory, a multiple of 8 bytes; undefined where there is no more. */
  take(sizeBytes: number): { readonly buffer: ArrayBuffer; readonly start: number } | undefined {
    if (this.#usedBytes + sizeBytes > KERNEL_STATES_BYTES) return undefined;
    const { buffer, start: first } = this.#kernel.states;
    const start = first + this.#usedBytes;
    this.#usedBytes += sizeBytes;
    new Uint8Array(buffer, start, sizeBytes).fill(0);
    return { buffer, start };
  }

  end(): void {
    this.#kernel.isFree = true;
  }
}

/** undefined where there is no kernel, or another leaf has the lease. */
export function leaseStates(stepCount: number): StateLease | undefined {
  if (load === undefined || stepCount > KERNEL_STEPS_MAX || stepCount < KERNEL_STEPS_MIN)
    return undefined;
  kernel ??= new WindowKernel(load());
  return kernel.isFree ? new StateLease(kernel) : undefined;
}

/** Arrays of a group's state. */
interface KernelState {
  readonly floatCounts: Uint32Array;
  readonly main: Float64Array;
  readonly extra: Float64Array;
}

interface FloatColumn {
  readonly present: Uint8Array;
  readonly values: Float64Array;
}

/** False where one of them is not in the kernel's memory. */
export function addSumsByKernel(state: KernelState, { present, values }: FloatColumn): boolean {
  const { main, extra, floatCounts } = state;
  if (kernel === undefined || !kernel.has(main) || !kernel.has(values)) return false;
  kernel.exports.addSums(
    present.byteOffset,
    values.byteOffset,
    present.length,
    main.byteOffset,
    extra.byteOffset,
    floatCounts.byteOffset,
  );
  return true;
}

/** The same. */
export function mergeSumsByKernel(into: KernelState, from: KernelState): boolean {
  if (kernel === undefined || !kernel.has(into.main) || !kernel.has(from.main)) return false;
  kernel.exports.mergeSums(
    into.main.byteOffset,
    into.extra.byteOffset,
    into.floatCounts.byteOffset,
    from.main.byteOffset,
    from.extra.byteOffset,
    from.floatCounts.byteOffset,
    into.main.length,
  );
  return true;
}

/** The same. */
export function addExtremesByKernel(
  { main, floatCounts }: KernelState,
  { present, values }: FloatColumn,
  isMax: boolean,
): boolean {
  if (kernel === undefined || !kernel.has(main) || !kernel.has(values)) return false;
  kernel.exports.addExtremes(
    present.byteOffset,
    values.byteOffset,
    present.length,
    main.byteOffset,
    floatCounts.byteOffset,
    +isMax,
  );
  return true;
}
