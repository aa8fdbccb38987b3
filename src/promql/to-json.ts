// The tree as `/api/v1/parse_query` answers it: every node an object with `type`, numbers as
// decimal text, durations in whole milliseconds (0 where they are expressions or absent) with the
// expression beside. Shape: Prometheus web/api/v1/translate_ast.go, which its own UI reads.
import { unreachable } from '../stdx/assert.ts';
import type {
  AtModifier,
  BinaryExpr,
  DurationExpr,
  DurationOperand,
  Expr,
  VectorSelector,
} from './ast.ts';
import { wholeMs } from './durations.ts';
import { FUNCTIONS } from './signatures.ts';
import { formatFloat } from './text.ts';

export type AstJson =
  | string
  | number
  | boolean
  | null
  | readonly AstJson[]
  | { readonly [key: string]: AstJson };

function milliseconds(operand: DurationOperand | undefined): number {
  if (operand?.type !== 'NumberLiteral') return 0;
  return wholeMs(operand.value) ?? Math.trunc(operand.value * 1_000);
}

function durationExpr(operand: DurationOperand | undefined): AstJson {
  return operand?.type === 'DurationExpr' ? durationExprJson(operand) : null;
}

function durationExprJson(expr: DurationExpr): AstJson {
  const side = (operand: DurationOperand | undefined): AstJson => {
    if (operand === undefined) return null;
    if (operand.type === 'DurationExpr') return durationExprJson(operand);
    const { value, duration } = operand;
    return { type: 'numberLiteral', val: formatFloat(value), duration };
  };
  const { op, lhs, rhs, wrapped } = expr;
  return { type: 'durationExpr', op, lhs: side(lhs), rhs: side(rhs), wrapped };
}

function times(node: {
  readonly offset: DurationOperand | undefined;
  readonly at: AtModifier | undefined;
}): Record<string, AstJson> {
  const { at, offset } = node;
  return {
    offset: milliseconds(offset),
    offsetExpr: durationExpr(offset),
    timestamp: at?.kind === 'timestamp' ? at.timestampMs : null,
    startOrEnd: at === undefined || at.kind === 'timestamp' ? null : at.kind,
  };
}

function selectorFields(selector: VectorSelector): Record<string, AstJson> {
  return {
    name: selector.name,
    ...times(selector),
    matchers: selector.matchers.map(({ name, value, type }) => ({
      name: name.toWellFormed(),
      value: value.toWellFormed(),
      type,
    })),
    anchored: selector.anchored,
    smoothed: selector.smoothed,
  };
}

/** JSON has no NaN or infinities; a fill value that is one becomes null, as in any JSON encoder. */
function fillJson(value: number | undefined): AstJson {
  return value === undefined || !Number.isFinite(value) ? null : value;
}

function binaryJson(expr: BinaryExpr): AstJson {
  const { matching } = expr;
  return {
    type: 'binaryExpr',
    op: expr.op,
    lhs: exprToJson(expr.lhs),
    rhs: exprToJson(expr.rhs),
    matching:
      matching === undefined
        ? null
        : {
            card: matching.card,
            labels: matching.labels,
            on: matching.on,
            include: matching.include,
            fillValues: { lhs: fillJson(matching.fillLeft), rhs: fillJson(matching.fillRight) },
          },
    bool: expr.returnBool,
  };
}

function callJson(name: string, args: readonly Expr[]): AstJson {
  const { argTypes, variadic, returnType } = FUNCTIONS.get(name)!;
  const func = { name, argTypes, variadic, returnType };
  return { type: 'call', func, args: args.map(exprToJson) };
}

/** The tree in the shape of `parse_query`'s `data`; plain values ready for JSON. */
export function exprToJson(expr: Expr): AstJson {
  switch (expr.type) {
    case 'NumberLiteral':
      return { type: 'numberLiteral', val: formatFloat(expr.value) };
    case 'StringLiteral':
      return { type: 'stringLiteral', val: expr.value.toWellFormed() };
    case 'VectorSelector':
      return { type: 'vectorSelector', ...selectorFields(expr) };
    case 'MatrixSelector':
      return {
        type: 'matrixSelector',
        ...selectorFields(expr.selector),
        range: milliseconds(expr.range),
        rangeExpr: durationExpr(expr.range),
      };
    case 'SubqueryExpr':
      return {
        type: 'subquery',
        expr: exprToJson(expr.expr),
        range: milliseconds(expr.range),
        rangeExpr: durationExpr(expr.range),
        step: milliseconds(expr.step),
        stepExpr: durationExpr(expr.step),
        ...times(expr),
      };
    case 'Call':
      return callJson(expr.func, expr.args);
    case 'AggregateExpr':
      return {
        type: 'aggregation',
        op: expr.op,
        expr: exprToJson(expr.expr),
        param: expr.param === undefined ? null : exprToJson(expr.param),
        grouping: expr.grouping,
        without: expr.without,
      };
    case 'BinaryExpr':
      return binaryJson(expr);
    case 'UnaryExpr':
      return { type: 'unaryExpr', op: expr.op, expr: exprToJson(expr.expr) };
    case 'ParenExpr':
      return { type: 'parenExpr', expr: exprToJson(expr.expr) };
    default:
      return unreachable(expr);
  }
}
