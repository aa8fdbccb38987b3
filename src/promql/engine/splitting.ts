// May a range query be evaluated in parts? Only where the result of every step follows from the
// data that the step itself looks at, to the last bit and to the last annotation. What a shape does
// not tell (histograms, sums that are not sure of their last bit) the result does: dependsOnRange.
import type { DurationOperand, Expr, VectorSelector } from '../ast.ts';
import { stringArg } from './label-functions.ts';
import { childrenOf, unwrap } from './prepare.ts';
import { keepsName, rangeKernel } from './range-kernels.ts';

/** Why the expression cannot be evaluated in parts; undefined: it can. */
export function whyWhole(expr: Expr): string | undefined {
  switch (expr.type) {
    case 'NumberLiteral':
    case 'StringLiteral':
      return undefined;
    case 'VectorSelector':
      return selectorReason(expr);
    case 'MatrixSelector':
      return durationReason(expr.range) ?? selectorReason(expr.selector);
    case 'SubqueryExpr':
      if (expr.at !== undefined) return AT;
      return (
        durationReason(expr.range) ??
        durationReason(expr.step) ??
        durationReason(expr.offset) ??
        whyWhole(expr.expr)
      );
    case 'ParenExpr':
    case 'UnaryExpr':
      return whyWhole(expr.expr);
    case 'BinaryExpr':
      return whyWhole(expr.lhs) ?? whyWhole(expr.rhs);
    case 'AggregateExpr':
      if (expr.op === 'stddev' || expr.op === 'stdvar') return `${expr.op} rounds by all series`;
      if (expr.param !== undefined && !isLiteral(expr.param))
        return `the parameter of ${expr.op} is checked over all steps`;
      return whyWhole(expr.expr);
    case 'Call':
      return callReason(expr.func, expr.args);
  }
}

const AT = 'the @ modifier looks at one time from all steps';

function selectorReason({ at, anchored, smoothed, offset }: VectorSelector): string | undefined {
  if (at !== undefined) return AT;
  if (anchored || smoothed) return 'anchored and smoothed windows';
  return durationReason(offset);
}

/** Only a plain duration is the same whatever the times of the query are. */
function durationReason(operand: DurationOperand | undefined): string | undefined {
  return operand === undefined || operand.type === 'NumberLiteral'
    ? undefined
    : 'a duration that is computed';
}

function isLiteral(expr: Expr): boolean {
  const { type } = unwrap(expr);
  return type === 'NumberLiteral' || type === 'StringLiteral';
}

const WHOLE_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['start', 'the start of the query'],
  ['end', 'the end of the query'],
  ['range', 'the length of the query'],
  ['step', 'the step of the query'],
  ['info', 'info() looks for series of the whole range'],
  ['start_timestamp', 'start_timestamp() reads samples of the whole range'],
  ['sort', 'sort'],
  ['sort_desc', 'sort'],
  ['sort_by_label', 'sort'],
  ['sort_by_label_desc', 'sort'],
  ['stddev_over_time', 'stddev_over_time rounds by all windows'],
  ['stdvar_over_time', 'stdvar_over_time rounds by all windows'],
]);

const RELABELS: ReadonlySet<string> = new Set(['label_replace', 'label_join']);

function callReason(func: string, args: readonly Expr[]): string | undefined {
  const whole = WHOLE_FUNCTIONS.get(func);
  if (whole !== undefined) return whole;
  if (RELABELS.has(func) && stringArg(args[1]!) === '__name__') return `${func} makes metric names`;
  for (const arg of args) {
    const reason = whyWhole(arg);
    if (reason !== undefined) return reason;
  }
  if (rangeKernel(func) === undefined || keepsName(func)) return undefined;
  return hasOneName(args) ? undefined : `${func} refuses series that are equal but for their names`;
}

/** Do all series below have the same metric name, if any? */
function hasOneName(args: readonly Expr[]): boolean {
  const names = new Set<string | undefined>();
  const collect = (expr: Expr): void => {
    if (expr.type === 'VectorSelector') names.add(exactName(expr));
    else if (expr.type === 'MatrixSelector') names.add(exactName(expr.selector));
    else for (const child of childrenOf(expr)) collect(child);
  };
  args.forEach(collect);
  return names.size <= 1 && !names.has(undefined);
}

/** The metric name that a selector asks for; undefined where it may be several. */
export function exactName({ matchers }: VectorSelector): string | undefined {
  return matchers.find(({ name, type }) => name === '__name__' && type === '=')?.value;
}
