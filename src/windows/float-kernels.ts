// The kernels over floats by name. What all series of a leaf share is a KernelSpec.
import type { LeafAnnotation, LeafKernel, WindowBounds } from '../model/storage.ts';
import { changesKernel, lastTwoKernel, rateKernel, resetsKernel } from './counters.ts';
import { derivKernel, predictKernel, smoothingKernel } from './regression.ts';
import type { SeriesSamples } from './samples.ts';
import type { StepGrid, Windows } from './sliding.ts';
import {
  avgKernel,
  extremeKernel,
  madKernel,
  pickKernel,
  presentKernel,
  quantileKernel,
  sampleCountKernel,
  sumKernel,
  varianceKernel,
} from './statistics.ts';
import type { StepColumn } from './step-column.ts';

export interface KernelSpec {
  readonly kernel: LeafKernel;
  readonly grid: StepGrid;
  /** 0 with kernel `last` or `timestamp`: the instant selector. */
  readonly windowUs: number;
  readonly lookbackUs: number;
  readonly bounds: WindowBounds;
  readonly args: readonly Float64Array[];
}

/** Where kernels put what a language may want to tell; called any number of times. */
export type Note = (level: LeafAnnotation['level'], code: string) => void;

const RATE = { isCounter: true, isPerSecond: true } as const;
const INCREASE = { isCounter: true, isPerSecond: false } as const;
const DELTA = { isCounter: false, isPerSecond: false } as const;

/** The kernel over floats only. */
export function runFloatKernel(
  spec: KernelSpec,
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
): void {
  if (s.count === 0) return;
  const { args } = spec;
  switch (spec.kernel) {
    case 'rate':
      return rateKernel(s, windows, out, RATE);
    case 'increase':
      return rateKernel(s, windows, out, INCREASE);
    case 'delta':
      return rateKernel(s, windows, out, DELTA);
    case 'irate':
      return lastTwoKernel(s, windows, out, true);
    case 'idelta':
      return lastTwoKernel(s, windows, out, false);
    case 'changes':
      return changesKernel(s, windows, out);
    case 'resets':
      return resetsKernel(s, windows, out);
    case 'deriv':
      return derivKernel(s, windows, out);
    case 'predict_linear':
      return predictKernel(s, windows, out, { aheadSec: args[0]!, shiftUs: args[1]! });
    case 'double_exponential_smoothing':
      return smoothingKernel(s, windows, out, { smoothing: args[0]!, trend: args[1]! });
    default:
      return runStatistic(spec, s, windows, out);
  }
}

function runStatistic(spec: KernelSpec, s: SeriesSamples, windows: Windows, out: StepColumn): void {
  switch (spec.kernel) {
    case 'sum':
      return sumKernel(s, windows, out);
    case 'avg':
      return avgKernel(s, windows, out);
    case 'min':
    case 'max':
      return extremeKernel(s, windows, out, { extreme: spec.kernel, part: 'value' });
    case 'ts_of_min':
      return extremeKernel(s, windows, out, { extreme: 'min', part: 'time' });
    case 'ts_of_max':
      return extremeKernel(s, windows, out, { extreme: 'max', part: 'time' });
    case 'count':
      return sampleCountKernel(windows, out);
    case 'present':
      return presentKernel(windows, out);
    case 'quantile':
      return quantileKernel(s, windows, out, spec.args[0]!);
    case 'stddev':
      return varianceKernel(s, windows, out, true);
    case 'stdvar':
      return varianceKernel(s, windows, out, false);
    case 'mad':
      return madKernel(s, windows, out);
    case 'first':
      return pickKernel(s, windows, out, { sample: 'first', part: 'value' });
    case 'ts_of_first':
      return pickKernel(s, windows, out, { sample: 'first', part: 'time' });
    case 'ts_of_last':
    case 'timestamp':
      return pickKernel(s, windows, out, { sample: 'last', part: 'time' });
    default:
      return pickKernel(s, windows, out, { sample: 'last', part: 'value' });
  }
}
