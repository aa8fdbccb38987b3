// The function table: every PromQL function with its argument types, optional and repeated
// arguments, result type and whether Prometheus calls it experimental. One row a shape, because
// most functions share one. Source: Prometheus 3.x function reference and
// promql/parser/functions.go.
import type { ValueType } from './ast.ts';

export interface FunctionSignature {
  readonly name: string;
  /** Types by position; the last one repeats for further arguments of a variadic function. */
  readonly argTypes: readonly ValueType[];
  /**
   * 0: exactly argTypes. n > 0: the last argument 0 to n times. -1: the last argument any number of
   * times.
   */
  readonly variadic: number;
  readonly argsMin: number;
  /** Infinity where any number is allowed. */
  readonly argsMax: number;
  readonly returnType: ValueType;
  readonly experimental: boolean;
}

interface Shape {
  /** One letter an argument: v instant vector, m range vector, s scalar, t string. */
  readonly args: string;
  readonly names: string;
  readonly variadic?: number;
  readonly returns?: ValueType;
  readonly experimental?: boolean;
}

const LETTERS: Readonly<Record<string, ValueType>> = {
  v: 'vector',
  m: 'matrix',
  s: 'scalar',
  t: 'string',
};

const SHAPES: readonly Shape[] = [
  {
    args: 'v',
    names:
      'abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad ' +
      'sgn sin sinh sort sort_desc sqrt tan tanh timestamp ' +
      'histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar',
  },
  {
    args: 'm',
    names:
      'absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta ' +
      'increase irate last_over_time max_over_time min_over_time present_over_time rate resets ' +
      'stddev_over_time stdvar_over_time sum_over_time',
  },
  {
    args: 'm',
    names:
      'mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ' +
      'ts_of_min_over_time',
    experimental: true,
  },
  {
    args: 'v',
    names: 'day_of_month day_of_week day_of_year days_in_month hour minute month year',
    variadic: 1,
  },
  { args: 'v', names: 'scalar', returns: 'scalar' },
  { args: 'v', names: 'start_timestamp', experimental: true },
  { args: 'vs', names: 'clamp_max clamp_min' },
  { args: 'vss', names: 'clamp' },
  { args: 'vs', names: 'round', variadic: 1 },
  { args: 's', names: 'vector' },
  { args: 'sv', names: 'histogram_quantile' },
  { args: 'ssv', names: 'histogram_fraction' },
  { args: 'vtss', names: 'histogram_quantiles', variadic: 9, experimental: true },
  { args: 'vtttt', names: 'label_replace' },
  { args: 'vttt', names: 'label_join', variadic: -1 },
  { args: 'vt', names: 'sort_by_label sort_by_label_desc', variadic: -1, experimental: true },
  { args: 'vv', names: 'info', variadic: 1, experimental: true },
  { args: 'ms', names: 'predict_linear' },
  { args: 'sm', names: 'quantile_over_time' },
  { args: 'mss', names: 'double_exponential_smoothing', experimental: true },
  { args: '', names: 'pi time', returns: 'scalar' },
  { args: '', names: 'start end step range', returns: 'scalar', experimental: true },
  { args: 'ss', names: 'max_of min_of', returns: 'scalar', experimental: true },
];

function expand(shape: Shape): FunctionSignature[] {
  const argTypes = Array.from(shape.args, (letter) => LETTERS[letter]!);
  const variadic = shape.variadic ?? 0;
  const count = argTypes.length;
  const argsMin = variadic === 0 ? count : count - 1;
  const argsMax = variadic < 0 ? Infinity : argsMin + (variadic === 0 ? 0 : variadic);
  return shape.names.split(' ').map((name) => ({
    name,
    argTypes,
    variadic,
    argsMin,
    argsMax,
    returnType: shape.returns ?? 'vector',
    experimental: shape.experimental ?? false,
  }));
}

/** Every function by name. */
export const FUNCTIONS: ReadonlyMap<string, FunctionSignature> = new Map(
  SHAPES.flatMap(expand).map((signature) => [signature.name, signature]),
);
