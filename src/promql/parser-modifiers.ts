// What may follow an operand: `[range]`, `[range:step]`, `offset`, `@`, `anchored`, `smoothed`.
// They bind tighter than any operator and return new nodes. Range, step and offset literals are
// normalised here (whole nanoseconds, `duration` set, an offset of 0 is no offset), so that a tree
// and the tree of its printed form are equal.
import {
  atNumber,
  isSign,
  parseDuration,
  parseOffsetDuration,
  signedLiteral,
  takeNumber,
} from './parser-duration.ts';
import type {
  AtModifier,
  DurationOperand,
  Expr,
  MatrixSelector,
  NumberLiteral,
  SubqueryExpr,
  VectorSelector,
} from './ast.ts';
import { secondsFromMs, wholeMs } from './durations.ts';
import type { TokenStream } from './parser-stream.ts';
import { formatFloat, roundAway } from './text.ts';

const NANOS_PER_SECOND = 1e9;
const INT64_MAX = 2 ** 63;
const RANGE_WANTED = 'number, duration, step(), or range()';

/** A selector or subquery whose `offset` and `at` can still be set. */
type Modifiable = VectorSelector | MatrixSelector | SubqueryExpr;

const NOT_A_SELECTOR =
  'modifier must be preceded by an instant vector selector or range vector selector or a subquery';

/**
 * Ranges over something else than a selector, already reported. They keep the parse going, so that
 * later complaints are found; such a tree never leaves the parser.
 */
export type BrokenRanges = WeakSet<MatrixSelector>;

function normalised(operand: DurationOperand): DurationOperand {
  if (operand.type === 'DurationExpr') return operand;
  const durationMs = wholeMs(operand.value);
  const value =
    durationMs === undefined
      ? roundAway(operand.value * NANOS_PER_SECOND) / NANOS_PER_SECOND
      : secondsFromMs(durationMs);
  return { ...operand, value, duration: true };
}

function positive(stream: TokenStream, operand: DurationOperand): DurationOperand {
  const result = normalised(operand);
  if (result.type === 'NumberLiteral' && !(result.value > 0))
    stream.report(result.pos, 'duration must be greater than 0');
  return result;
}

const BLANK_SELECTOR: VectorSelector = {
  type: 'VectorSelector',
  name: '',
  matchers: [],
  offset: undefined,
  at: undefined,
  anchored: false,
  smoothed: false,
  pos: { start: 0, end: 0 },
};

function rangeFault(expr: Expr): string | undefined {
  if (expr.type !== 'VectorSelector') return 'ranges only allowed for vector selectors';
  if (expr.offset !== undefined) return 'no offset modifiers allowed before range';
  return expr.at === undefined ? undefined : 'no @ modifiers allowed before range';
}

/** `[…]` after `expr`. */
export function parseRange(stream: TokenStream, expr: Expr, broken: BrokenRanges): Expr {
  const open = stream.next();
  const place = { context: 'subquery or range selector', expected: RANGE_WANTED };
  const range = positive(stream, parseDuration(stream, place));
  if (stream.tryTake(':') !== undefined) return parseSubqueryTail(stream, expr, range);
  const close = stream.take(']', 'subquery or range', '":" or "]"');
  const pos = { start: expr.pos.start, end: close.end };
  const fault = rangeFault(expr);
  if (fault !== undefined) stream.report({ start: open.start, end: close.end }, fault);
  if (expr.type === 'VectorSelector') return { type: 'MatrixSelector', selector: expr, range, pos };
  const matrix: MatrixSelector = { type: 'MatrixSelector', selector: BLANK_SELECTOR, range, pos };
  broken.add(matrix);
  return matrix;
}

function parseSubqueryTail(stream: TokenStream, expr: Expr, range: DurationOperand): SubqueryExpr {
  const place = {
    context: 'subquery selector',
    expected: 'number, duration, step(), range(), or "]"',
  };
  const step = stream.at(']') ? undefined : positive(stream, parseDuration(stream, place));
  const close = stream.take(']', 'subquery selector', '"]"');
  return {
    type: 'SubqueryExpr',
    expr,
    range,
    step,
    offset: undefined,
    at: undefined,
    pos: { start: expr.pos.start, end: close.end },
  };
}

function modifiable(
  stream: TokenStream,
  expr: Expr,
  broken: BrokenRanges,
  modifier: string,
): Modifiable | undefined {
  if (expr.type === 'VectorSelector' || expr.type === 'SubqueryExpr') return expr;
  if (expr.type !== 'MatrixSelector') {
    stream.report(expr.pos, `${modifier} ${NOT_A_SELECTOR}`);
    return undefined;
  }
  if (!broken.has(expr)) return expr;
  stream.report(expr.pos, 'ranges only allowed for vector selectors');
  return undefined;
}

interface ModifierFields {
  readonly offset?: DurationOperand;
  readonly at?: AtModifier;
}

function withFields(expr: Modifiable, end: number, fields: ModifierFields): Modifiable {
  const pos = { start: expr.pos.start, end };
  if (expr.type !== 'MatrixSelector') return { ...expr, ...fields, pos };
  return { ...expr, selector: { ...expr.selector, ...fields }, pos };
}

/** `offset …` after `expr`. */
export function parseOffset(stream: TokenStream, expr: Expr, broken: BrokenRanges): Expr {
  stream.next();
  const offset = normalised(parseOffsetDuration(stream));
  const target = modifiable(stream, expr, broken, 'offset');
  if (target === undefined) return expr;
  const holder = target.type === 'MatrixSelector' ? target.selector : target;
  if (holder.offset !== undefined) stream.report(expr.pos, 'offset may not be set multiple times');
  if (offset.type === 'NumberLiteral') {
    if (Number.isNaN(offset.value)) stream.report(offset.pos, 'duration out of range');
    if (offset.value === 0) return withFields(target, stream.lastEnd, {});
  }
  return withFields(target, stream.lastEnd, { offset });
}

function takeAtTime(stream: TokenStream): AtModifier | NumberLiteral {
  const kind = stream.current.kind;
  if (kind === 'start' || kind === 'end') {
    stream.next();
    stream.take('(', '@', 'timestamp');
    stream.take(')', '@', 'timestamp');
    return { kind };
  }
  const sign = isSign(stream.current) ? stream.next() : undefined;
  if (!atNumber(stream)) return stream.unexpected('@', 'timestamp');
  const literal = takeNumber(stream);
  return sign === undefined ? literal : signedLiteral(sign, literal);
}

function formatFixed(seconds: number): string {
  return Number.isFinite(seconds) ? seconds.toFixed(6) : formatFloat(seconds);
}

/** `@ …` after `expr`. */
export function parseAt(stream: TokenStream, expr: Expr, broken: BrokenRanges): Expr {
  stream.next();
  const time = takeAtTime(stream);
  const target = modifiable(stream, expr, broken, '@');
  if (target === undefined) return expr;
  let at: AtModifier;
  if ('kind' in time) at = time;
  else {
    if (!(Math.abs(time.value) < INT64_MAX))
      stream.report(expr.pos, `timestamp out of bounds for @ modifier: ${formatFixed(time.value)}`);
    at = { kind: 'timestamp', timestampMs: roundAway(time.value * 1_000) };
  }
  const holder = target.type === 'MatrixSelector' ? target.selector : target;
  if (holder.at !== undefined)
    stream.report(expr.pos, '@ <timestamp> may not be set multiple times');
  return withFields(target, stream.lastEnd, { at });
}

/** `anchored` or `smoothed` after `expr`. */
export function parseExtension(stream: TokenStream, expr: Expr, broken: BrokenRanges): Expr {
  const kind = stream.next().kind as 'anchored' | 'smoothed';
  if (expr.type === 'SubqueryExpr') {
    stream.report(expr.pos, `${kind} modifier is not supported for subqueries`);
    return expr;
  }
  if (expr.type !== 'VectorSelector' && expr.type !== 'MatrixSelector') {
    stream.report(expr.pos, `${kind} modifier not implemented`);
    return expr;
  }
  if (expr.type === 'MatrixSelector' && broken.has(expr)) return expr;
  const old = expr.type === 'MatrixSelector' ? expr.selector : expr;
  if (kind === 'anchored' ? old.smoothed : old.anchored)
    stream.report(expr.pos, 'anchored and smoothed modifiers cannot be used together');
  const pos = { start: expr.pos.start, end: stream.lastEnd };
  const fields = kind === 'anchored' ? { anchored: true } : { smoothed: true };
  if (expr.type === 'VectorSelector') return { ...expr, ...fields, pos };
  return { ...expr, selector: { ...expr.selector, ...fields }, pos };
}
