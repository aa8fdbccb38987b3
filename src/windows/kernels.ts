// One call for every kernel: samples of a series in, one slot per step out. A KernelRun holds what
// all series of a leaf share (grid, arguments, window scratch); it is used by one thread at a time.
import type { LeafKernel } from '../model/storage.ts';
import { countStartOverlaps } from './counters.ts';
import { runFloatKernel } from './float-kernels.ts';
import type { KernelSpec, Note } from './float-kernels.ts';
import { instantKernel } from './instant.ts';
import { mixedKernel } from './mixed.ts';
import type { SeriesSamples } from './samples.ts';
import { Windows, windowShape } from './sliding.ts';
import type { WindowShape } from './sliding.ts';
import type { StepColumn } from './step-column.ts';

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

const RATES: ReadonlySet<LeafKernel> = new Set<LeafKernel>(['rate', 'increase']);

function isSelector(kernel: LeafKernel): boolean {
  return kernel === 'last' || kernel === 'timestamp';
}
