// Value types of expressions, and the check that a tree obeys them: operands, arguments, matching
// and at least one selective matcher. Runs once over a finished tree, reports in tree order, and
// clears `matching` where an operand turns out not to be a vector (the tree is still the parser's
// own then). Rules and messages follow Prometheus (promql/parser/parse.go, checkAST).
import { compileRegex } from '../codec/regex.ts';
import { METRIC_NAME } from '../model/labels.ts';
import { unreachable } from '../stdx/assert.ts';
import { isComparisonOp, isSetOp } from './ast.ts';
import type {
  AggregateExpr,
  BinaryExpr,
  Call,
  Expr,
  LabelMatcher,
  PosRange,
  ValueType,
  VectorMatching,
  VectorSelector,
} from './ast.ts';
import { FUNCTIONS } from './signatures.ts';
import { quote } from './text.ts';

type Report = (pos: PosRange, message: string) => void;

const DOCUMENTED: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
};

/** The type an expression evaluates to. */
export function valueTypeOf(expr: Expr): ValueType {
  switch (expr.type) {
    case 'NumberLiteral':
      return 'scalar';
    case 'StringLiteral':
      return 'string';
    case 'VectorSelector':
    case 'AggregateExpr':
      return 'vector';
    case 'MatrixSelector':
    case 'SubqueryExpr':
      return 'matrix';
    case 'Call':
      return FUNCTIONS.get(expr.func)?.returnType ?? 'vector';
    case 'BinaryExpr': {
      if (expr.matching !== undefined) return 'vector';
      const scalar = valueTypeOf(expr.rhs) === 'scalar' && valueTypeOf(expr.lhs) === 'scalar';
      return scalar ? 'scalar' : 'vector';
    }
    case 'UnaryExpr':
    case 'ParenExpr':
      return valueTypeOf(expr.expr);
    default:
      return unreachable(expr);
  }
}

class Checker {
  readonly #query: string;
  readonly #report: Report;

  constructor(query: string, report: Report) {
    this.#query = query;
    this.#report = report;
  }

  check(expr: Expr): ValueType {
    switch (expr.type) {
      case 'NumberLiteral':
      case 'StringLiteral':
        break;
      case 'VectorSelector':
        this.#selector(expr, false);
        break;
      case 'MatrixSelector':
        this.#selector(expr.selector, false);
        break;
      case 'SubqueryExpr':
        this.#subquery(expr.pos, this.check(expr.expr));
        break;
      case 'ParenExpr':
        return this.check(expr.expr);
      case 'UnaryExpr':
        return this.#unary(expr.pos, this.check(expr.expr));
      case 'AggregateExpr':
        this.#aggregate(expr);
        break;
      case 'Call':
        this.#call(expr);
        break;
      case 'BinaryExpr':
        return this.#binary(expr);
      default:
        return unreachable(expr);
    }
    return valueTypeOf(expr);
  }

  #subquery(pos: PosRange, type: ValueType): void {
    if (type !== 'vector')
      this.#report(pos, `subquery is only allowed on instant vector, got ${type} instead`);
  }

  #unary(pos: PosRange, type: ValueType): ValueType {
    if (type !== 'scalar' && type !== 'vector')
      this.#report(
        pos,
        'unary expression only allowed on expressions of type scalar or instant vector, got ' +
          quote(DOCUMENTED[type]),
      );
    return type;
  }

  #expect(expr: Expr, want: ValueType, place: string): void {
    const type = this.check(expr);
    if (type !== want)
      this.#report(
        expr.pos,
        `expected type ${DOCUMENTED[want]} in ${place}, got ${DOCUMENTED[type]}`,
      );
  }

  #aggregate(expr: AggregateExpr): void {
    this.#expect(expr.expr, 'vector', 'aggregation expression');
    if (expr.param === undefined) return;
    const want = expr.op === 'count_values' ? 'string' : 'scalar';
    this.#expect(expr.param, want, 'aggregation parameter');
  }

  #call(call: Call): void {
    const signature = FUNCTIONS.get(call.func)!;
    const { argTypes, argsMin, argsMax, variadic } = signature;
    const count = call.args.length;
    const where = `argument(s) in call to ${quote(call.func)}, got ${count}`;
    if (variadic === 0 && count !== argsMin) this.#report(call.pos, `expected ${argsMin} ${where}`);
    else if (count < argsMin) this.#report(call.pos, `expected at least ${argsMin} ${where}`);
    else if (count > argsMax) this.#report(call.pos, `expected at most ${argsMax} ${where}`);
    const place = `call to function ${quote(call.func)}`;
    const second = call.args[1];
    if (call.func === 'info' && second !== undefined) this.#infoSelector(call, second, place);
    for (const [i, arg] of call.args.entries()) {
      if (i >= argTypes.length && variadic === 0) break;
      if (call.func === 'info' && i === 1 && arg.type === 'VectorSelector') {
        this.#selector(arg, true);
        continue;
      }
      this.#expect(arg, argTypes[Math.min(i, argTypes.length - 1)]!, place);
    }
  }

  /** The second argument of info() selects labels of info metrics: matchers, but no metric name. */
  #infoSelector(call: Call, arg: Expr, place: string): void {
    const type = valueTypeOf(arg);
    if (type !== 'vector')
      this.#report(call.pos, `expected type instant vector in ${place}, got ${DOCUMENTED[type]}`);
    if (arg.type !== 'VectorSelector') this.#report(arg.pos, 'expected label selectors only');
    else if (arg.name !== '')
      this.#report(arg.pos, 'expected label selectors only, got vector selector instead');
  }

  #selector(selector: VectorSelector, mayBeEmpty: boolean): void {
    if (selector.name !== '') {
      for (const matcher of selector.matchers.slice(0, -1))
        if (matcher.name === METRIC_NAME) {
          const names = `${quote(selector.name)} or ${quote(matcher.value)}`;
          this.#report(selector.pos, `metric name must not be set twice: ${names}`);
        }
      return;
    }
    if (!mayBeEmpty && !selector.matchers.some(refusesEmpty))
      this.#report(selector.pos, 'vector selector must contain at least one non-empty matcher');
  }

  /** The operator and its modifiers without the space around them. */
  #operatorRange(expr: BinaryExpr): PosRange {
    const gap = this.#query.slice(expr.lhs.pos.end, expr.rhs.pos.start);
    const start = expr.lhs.pos.end + (gap.length - gap.trimStart().length);
    return { start, end: expr.rhs.pos.start - (gap.length - gap.trimEnd().length) };
  }

  #binary(expr: BinaryExpr): ValueType {
    const left = this.check(expr.lhs);
    const right = this.check(expr.rhs);
    const scalars = left === 'scalar' && right === 'scalar';
    if (expr.returnBool && !isComparisonOp(expr.op))
      this.#report(
        this.#operatorRange(expr),
        'bool modifier can only be used on comparison operators',
      );
    if (isComparisonOp(expr.op) && !expr.returnBool && scalars)
      this.#report(this.#operatorRange(expr), 'comparisons between scalars must use BOOL modifier');
    this.#labelOverlap(expr);
    for (const [side, type] of [
      [expr.lhs, left],
      [expr.rhs, right],
    ] as const)
      if (type !== 'scalar' && type !== 'vector')
        this.#report(
          side.pos,
          'binary expression must contain only scalar and instant vector types',
        );
    this.#matching(expr, left === 'vector' && right === 'vector');
    if ((left === 'scalar' || right === 'scalar') && isSetOp(expr.op))
      this.#report(
        expr.pos,
        `set operator ${quote(expr.op)} not allowed in binary scalar expression`,
      );
    return scalars ? 'scalar' : 'vector';
  }

  #labelOverlap(expr: BinaryExpr): void {
    const matching = expr.matching;
    if (matching === undefined || !matching.on) return;
    const included = new Set(matching.include);
    for (const label of matching.labels)
      if (included.has(label))
        this.#report(
          this.#operatorRange(expr),
          `label ${quote(label)} must not occur in ON and GROUP clause at once`,
        );
  }

  #matching(expr: BinaryExpr, vectors: boolean): void {
    const matching = expr.matching;
    if (matching === undefined) return;
    const fills = matching.fillLeft !== undefined || matching.fillRight !== undefined;
    if (!vectors) {
      if (matching.labels.length > 0)
        this.#report(expr.pos, 'vector matching only allowed between instant vectors');
      if (fills)
        this.#report(expr.pos, 'filling in missing series only allowed between instant vectors');
      (expr as { matching: VectorMatching | undefined }).matching = undefined;
      return;
    }
    if (!isSetOp(expr.op)) return;
    if (matching.card !== 'many-to-many') {
      this.#report(expr.pos, `no grouping allowed for ${quote(expr.op)} operation`);
      this.#report(expr.pos, 'set operations must always be many-to-many');
    }
    if (fills) this.#report(expr.pos, 'filling in missing series not allowed for set operators');
  }
}

function refusesEmpty(matcher: LabelMatcher): boolean {
  switch (matcher.type) {
    case '=':
      return matcher.value !== '';
    case '!=':
      return matcher.value === '';
    case '=~':
      return !compileRegex(matcher.value).test('');
    case '!~':
      return compileRegex(matcher.value).test('');
    default:
      return unreachable(matcher.type);
  }
}

/** Checks a whole tree and answers its type; complaints go to `report` in the order found. */
export function checkTypes(query: string, expr: Expr, report: Report): ValueType {
  return new Checker(query, report).check(expr);
}
