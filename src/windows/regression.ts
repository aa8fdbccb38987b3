// Kernels that fit: deriv and predict_linear (least squares over compensated sums) and double
// exponential smoothing (Holt). Source: Prometheus promql/functions.go, linearRegression and
// funcDoubleExponentialSmoothing. A window needs two floats.
import { CompensatedSum } from './compensated.ts';
import type { SeriesSamples } from './samples.ts';
import type { Windows } from './sliding.ts';
import { argAt } from './step-column.ts';
import type { StepColumn } from './step-column.ts';

const US_PER_SEC = 1e6;

interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** Least-squares line through the samples [lo, hi); x in seconds from `originUs`. */
function fitLine(s: SeriesSamples, lo: number, hi: number, originUs: number): Line {
  const sumX = new CompensatedSum();
  const sumY = new CompensatedSum();
  const sumXy = new CompensatedSum();
  const sumXx = new CompensatedSum();
  const first = s.values[lo]!;
  let isConstant = true;
  for (let i = lo; i < hi; i++) {
    const x = (s.tUs[i]! - originUs) / US_PER_SEC;
    const y = s.values[i]!;
    if (i > lo && y !== first) isConstant = false;
    sumX.add(x);
    sumY.add(y);
    sumXy.add(x * y);
    sumXx.add(x * x);
  }
  if (isConstant)
    return Number.isFinite(first) || Number.isNaN(first)
      ? { slope: 0, intercept: first }
      : { slope: Number.NaN, intercept: Number.NaN };
  const n = hi - lo;
  const x = sumX.sum + sumX.error;
  const y = sumY.sum + sumY.error;
  const covariance = sumXy.sum + sumXy.error - (x * y) / n;
  const variance = sumXx.sum + sumXx.error - (x * x) / n;
  const slope = covariance / variance;
  return { slope, intercept: y / n - (slope * x) / n };
}

export function derivKernel(s: SeriesSamples, windows: Windows, out: StepColumn): void {
  const { lo, hi, grid } = windows;
  for (let k = 0; k < grid.count; k++)
    if (hi[k]! - lo[k]! >= 2) out.setFloat(k, fitLine(s, lo[k]!, hi[k]!, s.tUs[lo[k]!]!).slope);
}

/**
 * `aheadSec`: seconds after the step of the query whose value is predicted. `shiftUs`: from the
 * step of the data to that of the query, where x is 0: with infinite values the origin shows.
 */
export function predictKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  { aheadSec, shiftUs }: { readonly aheadSec: Float64Array; readonly shiftUs: Float64Array },
): void {
  const { lo, hi, grid } = windows;
  for (let k = 0; k < grid.count; k++) {
    if (hi[k]! - lo[k]! < 2) continue;
    const line = fitLine(s, lo[k]!, hi[k]!, windows.stepAt(k) + argAt(shiftUs, k));
    out.setFloat(k, line.slope * argAt(aheadSec, k) + line.intercept);
  }
}

export function smoothingKernel(
  s: SeriesSamples,
  windows: Windows,
  out: StepColumn,
  factors: { readonly smoothing: Float64Array; readonly trend: Float64Array },
): void {
  const { lo, hi, grid } = windows;
  for (let k = 0; k < grid.count; k++) {
    const from = lo[k]!;
    if (hi[k]! - from < 2) continue;
    const smoothing = argAt(factors.smoothing, k);
    const trendFactor = argAt(factors.trend, k);
    let previous = 0;
    let level = s.values[from]!;
    let trend = s.values[from + 1]! - level;
    for (let i = from + 1; i < hi[k]!; i++) {
      if (i > from + 1) trend = trendFactor * (level - previous) + (1 - trendFactor) * trend;
      const next = smoothing * s.values[i]! + (1 - smoothing) * (level + trend);
      previous = level;
      level = next;
    }
    out.setFloat(k, level);
  }
}
