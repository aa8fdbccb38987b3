// What of an expression depends on the query alone: step-invariant parts (they are evaluated once
// and repeated), fixed evaluation times (@, start(), end()) and durations. Source of the rules:
// Prometheus promql/engine.go, PreprocessExpr.
import type { AtModifier, DurationOperand, Expr } from '../ast.ts';
import type { LeafAggregation } from '../../model/storage.ts';
import { resolveDurationUs } from '../durations.ts';

/** Times of the whole query; subqueries keep them. */
export interface QueryTimes {
  readonly startUs: number;
  readonly endUs: number;
  /** 0 for an instant query. */
  readonly stepUs: number;
}

/** Functions whose result moves with the step even where their arguments do not. */
const STEP_BOUND: ReadonlySet<string> = new Set([
  'days_in_month',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'hour',
  'minute',
  'month',
  'year',
  'predict_linear',
  'time',
  'timestamp',
]);

const LEAF_AGGREGATIONS: ReadonlySet<string> = new Set<LeafAggregation>([
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'group',
  'stddev',
  'stdvar',
]);

/** Aggregations that a leaf can do. */
export function isLeafAggregation(op: string): op is LeafAggregation {
  return LEAF_AGGREGATIONS.has(op);
}

export function unwrap(expr: Expr): Expr {
  let inner = expr;
  while (inner.type === 'ParenExpr') inner = inner.expr;
  return inner;
}

/** Expressions inside of one, selectors of ranges not among them. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.type) {
    case 'NumberLiteral':
    case 'StringLiteral':
    case 'VectorSelector':
    case 'MatrixSelector':
      return [];
    case 'SubqueryExpr':
    case 'ParenExpr':
    case 'UnaryExpr':
      return [expr.expr];
    case 'BinaryExpr':
      return [expr.lhs, expr.rhs];
    case 'AggregateExpr':
      return expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
    case 'Call':
      return expr.args;
  }
}

/** Does the expression have the same value at every step? */
export function isStepInvariant(expr: Expr): boolean {
  switch (expr.type) {
    case 'NumberLiteral':
    case 'StringLiteral':
      return true;
    case 'VectorSelector':
      return expr.at !== undefined;
    case 'MatrixSelector':
      return expr.selector.at !== undefined;
    case 'SubqueryExpr':
      return expr.at !== undefined;
    case 'ParenExpr':
    case 'UnaryExpr':
      return isStepInvariant(expr.expr);
    case 'BinaryExpr':
      return isStepInvariant(expr.lhs) && isStepInvariant(expr.rhs);
    case 'AggregateExpr':
      return (
        isStepInvariant(expr.expr) && (expr.param === undefined || isStepInvariant(expr.param))
      );
    case 'Call':
      if (expr.func === 'timestamp' && unwrap(expr.args[0]!).type === 'VectorSelector')
        return isStepInvariant(expr.args[0]!);
      if (STEP_BOUND.has(expr.func)) return false;
      return expr.args.every(isStepInvariant);
  }
}

/** Length of a range, step or offset in microseconds. */
export function durationUs(
  operand: DurationOperand | undefined,
  times: QueryTimes,
  allowNegative: boolean,
): number {
  if (operand === undefined) return 0;
  const context = {
    stepMs: times.stepUs / 1000,
    rangeMs: (times.endUs - times.startUs) / 1000,
  };
  return resolveDurationUs(operand, context, { allowNegative });
}

/** The time of an @ modifier, microseconds; undefined where there is none. */
export function atTimeUs(at: AtModifier | undefined, times: QueryTimes): number | undefined {
  if (at === undefined) return undefined;
  if (at.kind === 'timestamp') return at.timestampMs * 1000;
  return at.kind === 'start' ? times.startUs : times.endUs;
}
