// The PromQL syntax tree: plain immutable-by-convention objects with a discriminating `type`, ready
// for `switch`. Every node carries `pos`, the range of UTF-16 offsets [start, end) in the query
// text. Durations and ranges stay operands (a literal in seconds or a duration expression) until
// query time, because `step()` and `range()` are known only then: durations.ts resolves them.
// The tree comes out of parser.ts type-checked; its meaning is Prometheus 3.x
// (promql/parser/ast.go).

/** Half-open range of UTF-16 code units in the query text. */
export interface PosRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The four types of a PromQL value. `vector` is documented as "instant vector", `matrix` as "range
 * vector".
 */
export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

export type MatcherType = '=' | '!=' | '=~' | '!~';

/** A matcher as written: syntax only. model/matcher.ts makes the executable one. */
export interface LabelMatcher {
  readonly name: string;
  readonly type: MatcherType;
  readonly value: string;
}

export type AggregateOp =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'count_values'
  | 'quantile'
  | 'limitk'
  | 'limit_ratio';

export type ArithmeticOp = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOp = '==' | '!=' | '<' | '>' | '<=' | '>=';
export type SetOp = 'and' | 'or' | 'unless';
/** `</` keeps observations below a bound (trims the upper part), `>/` those above it. */
export type TrimOp = '</' | '>/';
export type BinaryOp = ArithmeticOp | ComparisonOp | SetOp | TrimOp;

/** A number, also one written as a duration (`1h30m` is 5400). */
export interface NumberLiteral {
  readonly type: 'NumberLiteral';
  /** Plain value; seconds where it stands for a duration. */
  readonly value: number;
  /** Written with units; printed so again. */
  readonly duration: boolean;
  readonly pos: PosRange;
}

export interface StringLiteral {
  readonly type: 'StringLiteral';
  /**
   * Bytes written as escapes that are not UTF-8 stand as lone surrogates (text.ts): check
   * `isWellFormed()` before it becomes a label name or value.
   */
  readonly value: string;
  readonly pos: PosRange;
}

/**
 * An operator between durations, in seconds. Without operands: `step`, `range`. `lhs` undefined and
 * op `+` or `-`: the unary form. `+` with `wrapped` also stands for a parenthesised literal.
 */
export interface DurationExpr {
  readonly type: 'DurationExpr';
  readonly op: '+' | '-' | '*' | '/' | '%' | '^' | 'step' | 'range' | 'min_of' | 'max_of';
  readonly lhs: DurationOperand | undefined;
  readonly rhs: DurationOperand | undefined;
  /** Stood in parentheses. */
  readonly wrapped: boolean;
  readonly pos: PosRange;
}

/** A duration in seconds: known (literal) or to be computed at query time. */
export type DurationOperand = NumberLiteral | DurationExpr;

/**
 * The `@` modifier: a fixed time (Unix epoch, milliseconds, may be negative) or an end of the query
 * range.
 */
export type AtModifier =
  | { readonly kind: 'timestamp'; readonly timestampMs: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

export interface VectorSelector {
  readonly type: 'VectorSelector';
  /** Metric name written outside the braces; '' where there is none. */
  readonly name: string;
  /** Every matcher, the one for a `name` outside the braces last (`__name__` = name). */
  readonly matchers: readonly LabelMatcher[];
  /** Undefined = no offset. A literal of 0 also means none. */
  readonly offset: DurationOperand | undefined;
  readonly at: AtModifier | undefined;
  readonly anchored: boolean;
  readonly smoothed: boolean;
  readonly pos: PosRange;
}

/** `selector[range]`; offset, `@`, anchored and smoothed live on the inner selector. */
export interface MatrixSelector {
  readonly type: 'MatrixSelector';
  readonly selector: VectorSelector;
  readonly range: DurationOperand;
  readonly pos: PosRange;
}

/** `expr[range:step]`; an undefined step means the default evaluation interval. */
export interface SubqueryExpr {
  readonly type: 'SubqueryExpr';
  readonly expr: Expr;
  readonly range: DurationOperand;
  readonly step: DurationOperand | undefined;
  readonly offset: DurationOperand | undefined;
  readonly at: AtModifier | undefined;
  readonly pos: PosRange;
}

/** A function call; `func` is a name of signatures.ts and the arguments fit that signature. */
export interface Call {
  readonly type: 'Call';
  readonly func: string;
  readonly args: readonly Expr[];
  readonly pos: PosRange;
}

export interface AggregateExpr {
  readonly type: 'AggregateExpr';
  readonly op: AggregateOp;
  readonly expr: Expr;
  /**
   * Present for topk, bottomk, quantile, limitk, limit_ratio (scalar) and count_values (string).
   */
  readonly param: Expr | undefined;
  readonly grouping: readonly string[];
  readonly without: boolean;
  readonly pos: PosRange;
}

export type MatchCardinality = 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';

/** How the two vectors of a binary operation find each other. */
export interface VectorMatching {
  /** `group_left` = many-to-one, `group_right` = one-to-many, set operators = many-to-many. */
  readonly card: MatchCardinality;
  readonly labels: readonly string[];
  /** True: match on `labels`; false: match on everything but `labels` (and the name). */
  readonly on: boolean;
  /** Labels taken over from the "one" side. */
  readonly include: readonly string[];
  /** Stand-in for a missing series of the left or right side; undefined = the pair is dropped. */
  readonly fillLeft: number | undefined;
  readonly fillRight: number | undefined;
}

export interface BinaryExpr {
  readonly type: 'BinaryExpr';
  readonly op: BinaryOp;
  readonly lhs: Expr;
  readonly rhs: Expr;
  /** Present exactly when both sides are instant vectors. */
  readonly matching: VectorMatching | undefined;
  /** Comparison answers 0 or 1 instead of filtering. */
  readonly returnBool: boolean;
  readonly pos: PosRange;
}

/** A sign before anything but a number literal (which absorbs it). */
export interface UnaryExpr {
  readonly type: 'UnaryExpr';
  readonly op: '+' | '-';
  readonly expr: Expr;
  readonly pos: PosRange;
}

export interface ParenExpr {
  readonly type: 'ParenExpr';
  readonly expr: Expr;
  readonly pos: PosRange;
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | SubqueryExpr
  | Call
  | AggregateExpr
  | BinaryExpr
  | UnaryExpr
  | ParenExpr;

const AGGREGATES_WITH_PARAM: ReadonlySet<AggregateOp> = new Set<AggregateOp>([
  'topk',
  'bottomk',
  'count_values',
  'quantile',
  'limitk',
  'limit_ratio',
]);

export function aggregateTakesParam(op: AggregateOp): boolean {
  return AGGREGATES_WITH_PARAM.has(op);
}

export function isComparisonOp(op: BinaryOp): op is ComparisonOp {
  return op === '==' || op === '!=' || op === '<' || op === '>' || op === '<=' || op === '>=';
}

export function isSetOp(op: BinaryOp): op is SetOp {
  return op === 'and' || op === 'or' || op === 'unless';
}

/** Direct sub-expressions in evaluation order; the selector of a range is one. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.type) {
    case 'MatrixSelector':
      return [expr.selector];
    case 'SubqueryExpr':
    case 'UnaryExpr':
    case 'ParenExpr':
      return [expr.expr];
    case 'Call':
      return expr.args;
    case 'AggregateExpr':
      return expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
    case 'BinaryExpr':
      return [expr.lhs, expr.rhs];
    default:
      return [];
  }
}
