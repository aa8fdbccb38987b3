// Samples of a query as Prometheus counts them for `stats`: what each step looks at
// (totalQueryableSamples), and what of it no earlier step of the same selector has looked at
// (samplesRead). A float is one sample, a histogram as many as its size is doubles and times. Only
// a query that asks for statistics counts: leaves are then run once more to count.
// Source: Prometheus promql/engine.go, util/stats/query_stats.go.
import type { Histogram } from '../../model/histogram.ts';
import type { SeriesSamples } from '../../windows/samples.ts';
import { Windows } from '../../windows/sliding.ts';
import type { StepGrid, WindowShape } from '../../windows/sliding.ts';
import type { Column } from './column.ts';
import { SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';
import type { SampleCounts } from './result.ts';

export interface CountedGrid {
  readonly grid: StepGrid;
  /** Its first step follows others: what the window of one step before saw is not new. */
  readonly isContinued: boolean;
}

interface Frame extends SampleCounts, CountedGrid {}

/** Bytes of Prometheus' FloatHistogram without its slices, of a time, and of one sample. */
const HISTOGRAM_BYTES = 168;
const TIME_BYTES = 8;
const SAMPLE_BYTES = 16;
const SLOT_BYTES = 8;

/** How many samples a histogram counts for. */
function histogramSamples(h: Histogram): number {
  const slots =
    h.positiveSpans.length +
    h.negativeSpans.length +
    h.positiveBuckets.length +
    h.negativeBuckets.length +
    h.customValues.length;
  return Math.floor((HISTOGRAM_BYTES + slots * SLOT_BYTES + TIME_BYTES) / SAMPLE_BYTES);
}

export class QuerySamples {
  #frame: Frame | undefined;

  constructor(grid: StepGrid) {
    this.#frame = newFrame({ grid, isContinued: false });
  }

  get counts(): SampleCounts | undefined {
    return this.#frame;
  }

  /** Is the step at hand the first that its selector ever looked at? */
  get isContinued(): boolean {
    return this.#frame?.isContinued ?? false;
  }

  get isCounting(): boolean {
    return this.#frame !== undefined;
  }

  /** Runs `evaluate` without counting: what it does is counted elsewhere. */
  async quietly<T>(evaluate: () => Promise<T>): Promise<T> {
    return (await this.#inside(undefined, evaluate)).value;
  }

  /** Counts what `evaluate` looks at by itself, on a grid of its own. */
  async apart<T>(
    counted: CountedGrid,
    evaluate: () => Promise<T>,
  ): Promise<{ readonly value: T; readonly counts: SampleCounts }> {
    const frame = newFrame(counted);
    const { value } = await this.#inside(this.isCounting ? frame : undefined, evaluate);
    return { value, counts: frame };
  }

  async #inside<T>(
    frame: Frame | undefined,
    evaluate: () => Promise<T>,
  ): Promise<{ readonly value: T }> {
    const outer = this.#frame;
    this.#frame = frame;
    try {
      return { value: await evaluate() };
    } finally {
      this.#frame = outer;
    }
  }

  /** A part that is the same at all steps was evaluated once: each step looks at it, one reads. */
  async repeated<T>(evaluate: () => Promise<T>): Promise<T> {
    const frame = this.#frame;
    if (frame === undefined) return await evaluate();
    const once = { grid: { ...frame.grid, count: 1 }, isContinued: false };
    const { value, counts } = await this.apart(once, evaluate);
    for (let k = 0; k < frame.total.length; k++) frame.total[k]! += counts.total[0]!;
    if (!frame.isContinued) frame.read[0]! += counts.read[0]!;
    return value;
  }

  add(k: number, total: number, read: number): void {
    if (this.#frame === undefined) return;
    this.#frame.total[k]! += total;
    this.#frame.read[k]! += read;
  }

  /** Values of an instant selector: each is one sample looked at and read. */
  addColumns(columns: readonly Column[], areTimes = false): void {
    if (this.#frame === undefined) return;
    for (const { present, histograms } of columns)
      for (let k = 0; k < present.length; k++) {
        const isHistogram = present[k] === SLOT_HISTOGRAM && !areTimes;
        if (isHistogram) {
          const size = histogramSamples(histograms![k]!);
          this.add(k, size, size);
        } else if (present[k] === SLOT_FLOAT || present[k] === SLOT_HISTOGRAM) this.add(k, 1, 1);
      }
  }

  /**
   * Windows of every step over the samples of a series. `isRead`: they were read for it, and are
   * not the values of a subquery.
   */
  addWindows(
    { count, tUs, histograms }: SeriesSamples,
    data: StepGrid,
    shape: WindowShape,
    isRead: boolean,
  ): void {
    if (this.#frame === undefined) return;
    this.#addPart({ count, tUs, sizes: undefined }, data, shape, isRead);
    if (histograms === undefined) return;
    const sizes = new Float64Array(histograms.count + 1);
    for (let i = 0; i < histograms.count; i++)
      sizes[i + 1] = sizes[i]! + histogramSamples(histograms.values[i]!);
    const part = { count: histograms.count, tUs: histograms.tUs, sizes };
    this.#addPart(part, data, shape, isRead);
  }

  #addPart(
    { count, tUs, sizes }: WindowedPart,
    data: StepGrid,
    shape: WindowShape,
    isRead: boolean,
  ): void {
    const windows = new Windows(data, shape);
    windows.walk(tUs, count);
    const { lo, hi } = windows;
    const sizeOf = (from: number, to: number): number =>
      to <= from ? 0 : sizes === undefined ? to - from : sizes[to]! - sizes[from]!;
    let seen = this.isContinued ? this.#seenBefore(tUs, count, data, shape) : lo[0]!;
    for (let k = 0; k < data.count; k++) {
      const isNew = isRead && (k === 0 || data.stepUs > 0);
      const read = isNew ? sizeOf(Math.max(lo[k]!, seen), hi[k]!) : 0;
      this.add(k, sizeOf(lo[k]!, hi[k]!), read);
      seen = hi[k]!;
    }
  }

  /** Samples up to the end of the window one step before the first. */
  #seenBefore(tUs: Float64Array, count: number, data: StepGrid, shape: WindowShape): number {
    const stepUs = this.#frame!.grid.stepUs;
    const endUs = data.startUs + shape.afterUs - stepUs;
    let seen = 0;
    while (seen < count && tUs[seen]! <= endUs) seen++;
    return seen;
  }

  /**
   * What a subquery read, step by step of its own grid, belongs to the first step of the outer one
   * whose window has it; what no window has is not counted. `rangeUs` 0: there are no windows.
   */
  addSubquery(
    counts: SampleCounts,
    inner: StepGrid,
    windows: { readonly offsetUs: number; readonly rangeUs: number },
  ): void {
    const frame = this.#frame;
    if (frame === undefined) return;
    const { grid, read } = frame;
    for (let k = 0; k < inner.count; k++) {
      if (counts.read[k] === 0) continue;
      const tUs = inner.startUs + k * inner.stepUs + windows.offsetUs;
      let outer = grid.count === 1 ? 0 : Math.ceil((tUs - grid.startUs) / grid.stepUs);
      outer = Math.min(Math.max(outer, 0), grid.count - 1);
      const outerUs = grid.startUs + outer * grid.stepUs;
      if (grid.count > 1 && windows.rangeUs > 0 && tUs <= outerUs - windows.rangeUs) continue;
      read[outer]! += counts.read[k]!;
    }
  }
}

interface WindowedPart {
  readonly count: number;
  readonly tUs: Float64Array;
  /** Sums of sizes before each sample; undefined: each counts for one. */
  readonly sizes: Float64Array | undefined;
}

function newFrame(counted: CountedGrid): Frame {
  const { count } = counted.grid;
  return { ...counted, total: new Float64Array(count), read: new Float64Array(count) };
}
