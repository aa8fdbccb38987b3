// Functions over range vectors by the window kernel that computes them.
import type { LeafKernel } from '../../model/storage.ts';

const KERNELS: ReadonlyMap<string, LeafKernel> = new Map<string, LeafKernel>([
  ['absent_over_time', 'present'],
  ['avg_over_time', 'avg'],
  ['changes', 'changes'],
  ['count_over_time', 'count'],
  ['delta', 'delta'],
  ['deriv', 'deriv'],
  ['double_exponential_smoothing', 'double_exponential_smoothing'],
  ['first_over_time', 'first'],
  ['idelta', 'idelta'],
  ['increase', 'increase'],
  ['irate', 'irate'],
  ['last_over_time', 'last'],
  ['mad_over_time', 'mad'],
  ['max_over_time', 'max'],
  ['min_over_time', 'min'],
  ['predict_linear', 'predict_linear'],
  ['present_over_time', 'present'],
  ['quantile_over_time', 'quantile'],
  ['rate', 'rate'],
  ['resets', 'resets'],
  ['stddev_over_time', 'stddev'],
  ['stdvar_over_time', 'stdvar'],
  ['sum_over_time', 'sum'],
  ['ts_of_first_over_time', 'ts_of_first'],
  ['ts_of_last_over_time', 'ts_of_last'],
  ['ts_of_max_over_time', 'ts_of_max'],
  ['ts_of_min_over_time', 'ts_of_min'],
]);

/**
 * The window kernel behind a function name; undefined where it is no function over a range vector.
 */
export function rangeKernel(func: string): LeafKernel | undefined {
  return KERNELS.get(func);
}

/** Functions that answer samples as they are keep the metric name. */
export function keepsName(func: string): boolean {
  return func === 'last_over_time' || func === 'first_over_time';
}
