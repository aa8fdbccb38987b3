// The PromQL parser: recursive descent for operands, precedence climbing for operators, bounded in
// text length, nesting and depth of the tree. The grammar is that of Prometheus 3.x with every
// experimental part in it. Operators from loose to tight, all to the left but `^`:
//   or | and unless | == != < > <= >= </ >/ | + - | * / % atan2, signs | ^ | offset @ [] anchored
// Syntax first, then types (types.ts); what is returned is checked and complete.
import type {
  AggregateExpr,
  AggregateOp,
  BinaryExpr,
  BinaryOp,
  Call,
  DurationOperand,
  Expr,
  LabelMatcher,
  MatchCardinality,
  VectorMatching,
} from './ast.ts';
import { aggregateTakesParam, childrenOf, isSetOp } from './ast.ts';
import { EXPR_DEPTH_MAX } from './limits.ts';
import { PromqlParseError } from './parse-error.ts';
import { atNumber, isSign, signedLiteral, takeNumber } from './parser-duration.ts';
import { parseAt, parseExtension, parseOffset, parseRange } from './parser-modifiers.ts';
import type { BrokenRanges } from './parser-modifiers.ts';
import { parseGroupingLabels, parseSelector } from './parser-selector.ts';
import { SyntaxAbort, TokenStream } from './parser-stream.ts';
import { FUNCTIONS } from './signatures.ts';
import { quote, unquote } from './text.ts';
import { AGGREGATE_OPS, METRIC_NAME_KINDS } from './token.ts';
import { checkTypes } from './types.ts';

const LEVELS: readonly (readonly BinaryOp[])[] = [
  ['or'],
  ['and', 'unless'],
  ['==', '!=', '<', '>', '<=', '>=', '</', '>/'],
  ['+', '-'],
  ['*', '/', '%', 'atan2'],
  ['^'],
];
const POWER_LEVEL = LEVELS.length - 1;

const PRECEDENCE: ReadonlyMap<string, number> = new Map(
  LEVELS.flatMap((ops, level) => ops.map((op): [string, number] => [op, level])),
);

const CALL_KEYWORDS = new Set(['start', 'end', 'step', 'range', 'max_of', 'min_of']);

interface BinaryModifiers {
  readonly returnBool: boolean;
  readonly matching: VectorMatching;
}

class Parser {
  readonly #stream: TokenStream;
  readonly #broken: BrokenRanges = new WeakSet();

  constructor(stream: TokenStream) {
    this.#stream = stream;
  }

  /** The whole text. */
  query(): Expr {
    const stream = this.#stream;
    if (stream.at('eof')) stream.fail({ start: 0, end: 0 }, 'no expression found in input');
    const expr = this.#expression(0);
    if (!stream.at('eof')) stream.unexpected();
    return expr;
  }

  #expression(levelMin: number): Expr {
    return this.#stream.nested(() => {
      let lhs = this.#signed();
      for (;;) {
        const level = PRECEDENCE.get(this.#stream.current.kind);
        if (level === undefined || level < levelMin) return lhs;
        const op = this.#stream.next().kind as BinaryOp;
        const modifiers = this.#binaryModifiers();
        const rhs = this.#expression(level === POWER_LEVEL ? level : level + 1);
        lhs = binary(op, modifiers, lhs, rhs);
      }
    });
  }

  #signed(): Expr {
    if (!isSign(this.#stream.current)) return this.#modified(this.#operand());
    const sign = this.#stream.next();
    const expr = this.#expression(POWER_LEVEL);
    if (expr.type === 'NumberLiteral') return signedLiteral(sign, expr);
    const pos = { start: sign.start, end: expr.pos.end };
    return { type: 'UnaryExpr', op: sign.kind as '+' | '-', expr, pos };
  }

  #modified(operand: Expr): Expr {
    let expr = operand;
    for (;;) {
      switch (this.#stream.current.kind) {
        case '[':
          expr = parseRange(this.#stream, expr, this.#broken);
          break;
        case 'offset':
          expr = parseOffset(this.#stream, expr, this.#broken);
          break;
        case '@':
          expr = parseAt(this.#stream, expr, this.#broken);
          break;
        case 'anchored':
        case 'smoothed':
          expr = parseExtension(this.#stream, expr, this.#broken);
          break;
        default:
          return expr;
      }
    }
  }

  #operand(): Expr {
    const stream = this.#stream;
    if (atNumber(stream)) return takeNumber(stream);
    const { kind } = stream.current;
    if (kind === '(') return this.#parenthesised();
    if (kind === 'string') {
      const token = stream.next();
      const pos = { start: token.start, end: token.end };
      return { type: 'StringLiteral', value: unquote(token.text), pos };
    }
    const after = stream.ahead(1).kind;
    if (AGGREGATE_OPS.has(kind) && (after === '(' || after === 'by' || after === 'without'))
      return this.#aggregate();
    if (after === '(' && (kind === 'identifier' || CALL_KEYWORDS.has(kind))) return this.#call();
    if (kind === '{' || METRIC_NAME_KINDS.has(kind)) return parseSelector(stream);
    return stream.unexpected();
  }

  #parenthesised(): Expr {
    const open = this.#stream.next();
    const expr = this.#expression(0);
    const close = this.#stream.take(')');
    return { type: 'ParenExpr', expr, pos: { start: open.start, end: close.end } };
  }

  /** `(a, b)` of a call or an aggregation. */
  #arguments(): Expr[] {
    const stream = this.#stream;
    const args: Expr[] = [];
    stream.take('(');
    if (stream.tryTake(')') !== undefined) return args;
    args.push(this.#expression(0));
    while (stream.at(',')) {
      const comma = stream.next();
      if (stream.at(')') || stream.at(','))
        stream.report(comma, 'trailing commas not allowed in function call args');
      else args.push(this.#expression(0));
    }
    stream.take(')');
    return args;
  }

  #call(): Call {
    const token = this.#stream.next();
    const args = this.#arguments();
    if (!FUNCTIONS.has(token.text))
      this.#stream.report(token, `unknown function with name ${quote(token.text)}`);
    const pos = { start: token.start, end: this.#stream.lastEnd };
    return { type: 'Call', func: token.text, args, pos };
  }

  #grouping(): { grouping: string[]; without: boolean } | undefined {
    const { kind } = this.#stream.current;
    if (kind !== 'by' && kind !== 'without') return undefined;
    this.#stream.next();
    return { grouping: parseGroupingLabels(this.#stream), without: kind === 'without' };
  }

  #aggregate(): Expr {
    const stream = this.#stream;
    const token = stream.next();
    const op = token.kind as AggregateOp;
    const before = this.#grouping();
    const args = stream.aggregation(() => this.#arguments());
    const { grouping, without } = before ?? this.#grouping() ?? { grouping: [], without: false };
    const pos = { start: token.start, end: stream.lastEnd };
    const withParam = aggregateTakesParam(op);
    const wanted = withParam ? 2 : 1;
    if (args.length === 0) stream.report(pos, 'no arguments for aggregate expression provided');
    else if (args.length !== wanted)
      stream.report(
        pos,
        'wrong number of arguments for aggregate expression provided, ' +
          `expected ${wanted}, got ${args.length}`,
      );
    // With the wrong number of arguments a stand-in keeps the tree complete; it is never returned.
    const expr = args[wanted - 1] ?? args[0] ?? { type: 'StringLiteral', value: '', pos };
    const param = withParam ? args[0] : undefined;
    return {
      type: 'AggregateExpr',
      op,
      expr,
      param,
      grouping,
      without,
      pos,
    } satisfies AggregateExpr;
  }

  #binaryModifiers(): BinaryModifiers {
    const stream = this.#stream;
    const returnBool = stream.tryTake('bool') !== undefined;
    const on = stream.at('on');
    let labels: string[] = [];
    let card: MatchCardinality = 'one-to-one';
    let include: string[] = [];
    if (on || stream.at('ignoring')) {
      stream.next();
      labels = parseGroupingLabels(stream);
      if (stream.at('group_left') || stream.at('group_right')) {
        card = stream.next().kind === 'group_left' ? 'many-to-one' : 'one-to-many';
        if (stream.at('(')) include = parseGroupingLabels(stream);
      }
    }
    const fills = this.#fills();
    return { returnBool, matching: { card, labels, on, include, ...fills } };
  }

  #fills(): { fillLeft: number | undefined; fillRight: number | undefined } {
    const stream = this.#stream;
    if (stream.tryTake('fill') !== undefined) {
      const value = this.#fillValue();
      return { fillLeft: value, fillRight: value };
    }
    let fillLeft: number | undefined;
    let fillRight: number | undefined;
    const leftFirst = stream.at('fill_left');
    for (const kind of leftFirst ? ['fill_left', 'fill_right'] : ['fill_right', 'fill_left']) {
      if (stream.tryTake(kind) === undefined) break;
      if (kind === 'fill_left') fillLeft = this.#fillValue();
      else fillRight = this.#fillValue();
    }
    return { fillLeft, fillRight };
  }

  #fillValue(): number {
    const stream = this.#stream;
    stream.take('(');
    const sign = isSign(stream.current) ? stream.next() : undefined;
    if (!atNumber(stream)) stream.unexpected();
    const literal = takeNumber(stream);
    stream.take(')');
    return (sign === undefined ? literal : signedLiteral(sign, literal)).value;
  }
}

function binary(op: BinaryOp, modifiers: BinaryModifiers, lhs: Expr, rhs: Expr): BinaryExpr {
  const { matching, returnBool } = modifiers;
  const card = isSetOp(op) && matching.card === 'one-to-one' ? 'many-to-many' : matching.card;
  return {
    type: 'BinaryExpr',
    op,
    lhs,
    rhs,
    matching: { ...matching, card },
    returnBool,
    pos: { start: lhs.pos.start, end: rhs.pos.end },
  };
}

function durationsOf(expr: Expr | DurationOperand): (DurationOperand | undefined)[] {
  switch (expr.type) {
    case 'DurationExpr':
      return [expr.lhs, expr.rhs];
    case 'VectorSelector':
      return [expr.offset];
    case 'MatrixSelector':
      return [expr.range];
    case 'SubqueryExpr':
      return [expr.range, expr.step, expr.offset];
    default:
      return [];
  }
}

/**
 * Depth of a tree, durations included, found without recursion; a chain of n operators is n deep.
 */
function checkDepth(stream: TokenStream, root: Expr): void {
  const pending: { readonly node: Expr | DurationOperand; readonly depth: number }[] = [
    { node: root, depth: 1 },
  ];
  for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
    const { node, depth } = item;
    if (depth > EXPR_DEPTH_MAX)
      stream.fail(node.pos, `the expression is deeper than the limit of ${EXPR_DEPTH_MAX} levels`);
    const children = node.type === 'DurationExpr' ? [] : childrenOf(node);
    for (const child of children) pending.push({ node: child, depth: depth + 1 });
    for (const duration of durationsOf(node))
      if (duration !== undefined) pending.push({ node: duration, depth: depth + 1 });
  }
}

function parseWith<T>(input: string, body: (stream: TokenStream) => T): T {
  const stream = new TokenStream(input);
  let result: T | undefined;
  try {
    if (stream.issues.length === 0) result = body(stream);
  } catch (error) {
    if (!(error instanceof SyntaxAbort)) throw error;
  }
  if (result === undefined || stream.issues.length > 0)
    throw new PromqlParseError(input, stream.issues);
  return result;
}

/**
 * A query as a checked tree. Throws PromqlParseError with every complaint found. Linear in the
 * text; bounds in limits.ts.
 */
export function parseExpr(input: string): Expr {
  return parseWith(input, (stream) => {
    const expr = new Parser(stream).query();
    checkDepth(stream, expr);
    if (stream.issues.length === 0)
      checkTypes(input, expr, (pos, message) => stream.report(pos, message));
    return expr;
  });
}

/**
 * The matchers of a series selector as `match[]` takes it: a name, braces, or both, nothing else. A
 * name outside the braces comes last. An empty selector is allowed; callers that must not select
 * everything check for it. Throws PromqlParseError.
 */
export function parseMetricSelector(input: string): readonly LabelMatcher[] {
  return parseWith(input, (stream) => {
    if (!stream.at('{') && !METRIC_NAME_KINDS.has(stream.current.kind)) stream.unexpected();
    const { matchers } = parseSelector(stream);
    if (!stream.at('eof')) stream.unexpected();
    return matchers;
  });
}
