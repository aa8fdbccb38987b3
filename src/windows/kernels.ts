// One call for every kernel: samples of a series in, one slot per step out. A KernelRun holds what
// all series of a leaf share (grid, arguments, window scratch); it is used by one thread at a time.
import type { LeafKernel } from '../model/storage.ts';
import { countStartOverlaps } from './counters.ts';
import { runFloatKernel } from './float-kernels.ts';
import type { KernelSpec, Note } from './float-kernels.ts';
import { instantKernel } from './instant.ts';
import { FITTED_IN_THREAD_MAX } from './limits.ts';
import { mixedKernel } from './mixed.ts';
import type { SeriesSamples } from './samples.ts';
import { Windows, windowShape } from './sliding.ts';
import type { WindowShape } from './sliding.ts';
import { StepColumn } from './step-column.ts';

export class KernelRun {
  readonly spec: KernelSpec;
  readonly isInstant: boolean;
  readonly #floats: Windows;
  readonly #shape: WindowShape;
  #histograms: Windows | undefined;

  constructor(spec: KernelSpec) {
    this.spec = spec;
    this.isInstant = spec.windowUs === 0 && isSelector(spec.kernel);
    this.#shape = this.isInstant
      ? { beforeUs: spec.lookbackUs, afterUs: 0, includesStart: false, includesEnd: true }
      : windowShape(spec.bounds, spec.windowUs);
    this.#floats = new Windows(spec.grid, this.#shape);
  }

  /** Time range of the samples that any step can see, inclusive at both ends. */
  get sampleRange(): { readonly startUs: number; readonly endUs: number } {
    const { grid } = this.spec;
    const lastUs = grid.startUs + Math.max(0, grid.count - 1) * grid.stepUs;
    return {
      startUs: grid.startUs - this.#shape.beforeUs,
      endUs: lastUs + this.#shape.afterUs,
    };
  }

  /**
   * Fills `out` (which must be empty). Complexity: samples + steps for all but the fits, times a
   * logarithm where values are ranked.
   */
  run(samples: SeriesSamples, out: StepColumn, note: Note): void {
    const floats = this.#floats;
    if (samples.hasFixedTimes === true) floats.walkFixed(samples.tUs, samples.count);
    else floats.walk(samples.tUs, samples.count);
    const { histograms } = samples;
    if (histograms !== undefined) {
      this.#histograms ??= new Windows(this.spec.grid, this.#shape);
      this.#histograms.walk(histograms.tUs, histograms.count);
    }
    if (RATES.has(this.spec.kernel)) this.#noteOverlaps(samples, note);
    if (this.isInstant) {
      const others = histograms === undefined ? undefined : this.#histograms;
      instantKernel(samples, floats, others, out, this.spec.kernel === 'timestamp');
    } else if (histograms !== undefined && this.#histograms !== undefined)
      mixedKernel(this.spec, samples, { floats, histograms: this.#histograms }, out, note);
    else runFloatKernel(this.spec, samples, floats, out);
  }

  #noteOverlaps(samples: SeriesSamples, note: Note): void {
    let found = countStartOverlaps(samples, this.#floats);
    if (samples.histograms !== undefined && this.#histograms !== undefined)
      found += countStartOverlaps(samples.histograms, this.#histograms);
    for (let i = 0; i < found; i++) note('warning', 'start-time-overlap');
  }
}

const FITS: ReadonlySet<LeafKernel> = new Set<LeafKernel>([
  'deriv',
  'predict_linear',
  'double_exponential_smoothing',
]);

/**
 * How many steps of a series of so many samples a thread should compute in one go that others wait
 * for: all of them, but of kernels that look at each window anew.
 */
export function stepsAtOnce(
  { kernel, grid, windowUs }: Pick<KernelSpec, 'kernel' | 'grid' | 'windowUs'>,
  sampleCount: number,
): number {
  if (!FITS.has(kernel)) return grid.count;
  const shared = grid.stepUs === 0 ? grid.count : Math.ceil(windowUs / grid.stepUs);
  const touched = sampleCount * Math.min(grid.count, Math.max(1, shared));
  if (touched <= FITTED_IN_THREAD_MAX) return grid.count;
  return Math.max(1, Math.floor((grid.count * FITTED_IN_THREAD_MAX) / touched));
}

/** Some steps of a series that is long to compute. */
export interface Stretch {
  readonly spec: KernelSpec;
  /** Its first step in the grid of all. */
  readonly from: number;
}

/** All steps, so many at once that others need not wait for long; the bits are the same. */
export function* stretchesOf(spec: KernelSpec, sampleCount: number): Generator<Stretch> {
  const { grid } = spec;
  const size = stepsAtOnce(spec, sampleCount);
  for (let from = 0; from < grid.count; from += size) {
    const count = Math.min(size, grid.count - from);
    const part = { ...grid, startUs: grid.startUs + from * grid.stepUs, count };
    const args = spec.args.map((arg) =>
      arg.length === 1 ? arg : arg.subarray(from, from + count),
    );
    yield { spec: { ...spec, grid: part, args }, from };
  }
}

/** As KernelRun.run; kernels that have stretches make floats alone. */
export function runStretch(
  { spec, from }: Stretch,
  samples: SeriesSamples,
  out: StepColumn,
  note: Note,
): void {
  const to = from + spec.grid.count;
  const values = out.values.subarray(from, to);
  const column = new StepColumn(spec.grid.count, values, out.present.subarray(from, to));
  new KernelRun(spec).run(samples, column, note);
}

const RATES: ReadonlySet<LeafKernel> = new Set<LeafKernel>(['rate', 'increase']);

function isSelector(kernel: LeafKernel): boolean {
  return kernel === 'last' || kernel === 'timestamp';
}
