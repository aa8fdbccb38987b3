// Kernels over series that hold histograms, alone or mixed with floats. Statistics of floats ignore the
// histograms of a window and say so; sums, averages and rates refuse a mix and say so.
import { AppError } from '../model/errors.ts';
import type { KernelSpec, Note } from './float-kernels.ts';
import type { HistogramSamples, SeriesSamples } from './samples.ts';
import type { Windows } from './sliding.ts';
import type { StepColumn } from './step-column.ts';

const US_PER_SEC = 1e6;

export interface MixedWindows {
  readonly floats: Windows;
  readonly histograms: Windows;
}

export function mixedKernel(
  spec: KernelSpec,
  s: SeriesSamples,
  windows: MixedWindows,
  out: StepColumn,
  note: Note,
): void {
  const others = s.histograms!;
  switch (spec.kernel) {
    case 'last':
    case 'first':
    case 'ts_of_first':
    case 'ts_of_last':
    case 'timestamp':
      return pickMixed(spec, s, others, windows, out);
    case 'count':
    case 'present':
      return countMixed(spec, windows, out);
    default:
      throw new AppError(
        'invalid',
        'not-supported',
        `the function over native histograms (${spec.kernel}) is not supported yet`,
      );
  }
}

function pickMixed(
  spec: KernelSpec,
  s: SeriesSamples,
  others: HistogramSamples,
  windows: MixedWindows,
  out: StepColumn,
): void {
  const { floats, histograms } = windows;
  const isFirst = spec.kernel === 'first' || spec.kernel === 'ts_of_first';
  const wantsTime = spec.kernel !== 'first' && spec.kernel !== 'last';
  for (let k = 0; k < floats.grid.count; k++) {
    const hasFloat = floats.hi[k]! > floats.lo[k]!;
    const hasHistogram = histograms.hi[k]! > histograms.lo[k]!;
    if (!hasFloat && !hasHistogram) continue;
    const f = isFirst ? floats.lo[k]! : floats.hi[k]! - 1;
    const h = isFirst ? histograms.lo[k]! : histograms.hi[k]! - 1;
    const isFloat =
      hasFloat &&
      (!hasHistogram || (isFirst ? s.tUs[f]! < others.tUs[h]! : s.tUs[f]! > others.tUs[h]!));
    if (wantsTime) out.setFloat(k, (isFloat ? s.tUs[f]! : others.tUs[h]!) / US_PER_SEC);
    else if (isFloat) out.setFloat(k, s.values[f]!);
    else out.setHistogram(k, others.values[h]!);
  }
}

function countMixed(spec: KernelSpec, windows: MixedWindows, out: StepColumn): void {
  const { floats, histograms } = windows;
  for (let k = 0; k < floats.grid.count; k++) {
    const count = floats.hi[k]! - floats.lo[k]! + histograms.hi[k]! - histograms.lo[k]!;
    if (count > 0) out.setFloat(k, spec.kernel === 'present' ? 1 : count);
  }
}
