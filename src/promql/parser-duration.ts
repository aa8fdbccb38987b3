// Number and duration literals, and duration expressions: what stands in `[…]` and after `offset`.
// Grammar (binding from loose to tight; `^` to the right):
//   duration = duration ("+" | "-") duration | duration ("*" | "/" | "%") duration | sign duration
//            | duration "^" duration | number | "step()" | "range()"
//            | ("min_of" | "max_of") "(" duration "," duration ")" | "(" duration ")"
// After `offset` only one operand is taken unless it starts with a parenthesis, because what
// follows belongs to the expression around: `foo offset 5m - 1` subtracts from foo.
import type { DurationExpr, DurationOperand, NumberLiteral, PosRange } from './ast.ts';
import {
  DURATION_SECONDS_MAX,
  DurationError,
  parseDurationMs,
  secondsFromMs,
} from './durations.ts';
import type { TokenStream } from './parser-stream.ts';
import { parseNumber, quote } from './text.ts';
import type { Token } from './token.ts';

/** What an `unexpected` message says about the place. */
export interface Context {
  readonly context: string;
  readonly expected: string;
}

const OFFSET_CONTEXT: Context = {
  context: 'offset',
  expected: 'number, duration, step(), or range()',
};

type DurationOp = '+' | '-' | '*' | '/' | '%' | '^';

const PRECEDENCE: ReadonlyMap<string, number> = new Map([
  ['+', 1],
  ['-', 1],
  ['*', 2],
  ['/', 2],
  ['%', 2],
  ['^', 3],
]);
const SIGN_OPERAND_PRECEDENCE = 3;

export function isSign(token: Token): boolean {
  return token.kind === '+' || token.kind === '-';
}

export function atNumber(stream: TokenStream): boolean {
  return stream.at('number') || stream.at('duration');
}

/**
 * The value of the number or duration token that is taken; reports and answers 0 where it has none.
 */
export function takeNumber(stream: TokenStream): NumberLiteral {
  const token = stream.next();
  const pos = { start: token.start, end: token.end };
  if (token.kind === 'number') {
    const value = parseNumber(token.text);
    if (value === undefined) {
      const reason = Number.isNaN(Number(token.text)) ? 'invalid syntax' : 'value out of range';
      const text = quote(token.text);
      stream.report(pos, `error parsing number: strconv.ParseFloat: parsing ${text}: ${reason}`);
    }
    return { type: 'NumberLiteral', value: value ?? 0, duration: false, pos };
  }
  try {
    const value = secondsFromMs(parseDurationMs(token.text));
    return { type: 'NumberLiteral', value, duration: true, pos };
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    stream.report(pos, error.message);
    return { type: 'NumberLiteral', value: 0, duration: true, pos };
  }
}

/** A literal with its sign folded in. */
export function signedLiteral(sign: Token, literal: NumberLiteral): NumberLiteral {
  const value = sign.kind === '-' ? -literal.value : literal.value;
  return { ...literal, value, pos: { start: sign.start, end: literal.pos.end } };
}

function checked(stream: TokenStream, literal: NumberLiteral): NumberLiteral {
  if (Math.abs(literal.value) <= DURATION_SECONDS_MAX) return literal;
  stream.report(literal.pos, 'duration out of range');
  return { ...literal, value: 0 };
}

function wrapped(operand: DurationOperand, pos: PosRange): DurationExpr {
  if (operand.type === 'DurationExpr') return { ...operand, wrapped: true };
  return { type: 'DurationExpr', op: '+', lhs: undefined, rhs: operand, wrapped: true, pos };
}

function signed(stream: TokenStream, sign: Token, operand: DurationOperand): DurationOperand {
  if (operand.type === 'NumberLiteral') return checked(stream, signedLiteral(sign, operand));
  if (sign.kind === '+') return operand;
  const pos = { start: sign.start, end: operand.pos.end };
  return { type: 'DurationExpr', op: '-', lhs: undefined, rhs: operand, wrapped: false, pos };
}

function takeParenthesised(stream: TokenStream, place: Context): DurationOperand {
  const open = stream.next();
  const inner = parseDuration(stream, place);
  const close = stream.take(')', place.context, place.expected);
  return wrapped(inner, { start: open.start, end: close.end });
}

function takeCall(stream: TokenStream, place: Context): DurationExpr {
  const name = stream.next();
  const op = name.kind as 'step' | 'range' | 'min_of' | 'max_of';
  stream.take('(', place.context, place.expected);
  let lhs: DurationOperand | undefined;
  let rhs: DurationOperand | undefined;
  if (op === 'min_of' || op === 'max_of') {
    lhs = parseDuration(stream, place);
    stream.take(',', place.context, place.expected);
    rhs = parseDuration(stream, place);
  }
  const close = stream.take(')', place.context, place.expected);
  const pos = { start: name.start, end: close.end };
  return { type: 'DurationExpr', op, lhs, rhs, wrapped: false, pos };
}

function atCall(stream: TokenStream): boolean {
  const { kind } = stream.current;
  return kind === 'step' || kind === 'range' || kind === 'min_of' || kind === 'max_of';
}

function parseOperand(stream: TokenStream, place: Context): DurationOperand {
  if (isSign(stream.current)) {
    const sign = stream.next();
    return signed(stream, sign, parseDuration(stream, place, SIGN_OPERAND_PRECEDENCE));
  }
  if (atNumber(stream)) return checked(stream, takeNumber(stream));
  if (atCall(stream)) return takeCall(stream, place);
  if (stream.at('(')) return takeParenthesised(stream, place);
  return stream.unexpected(place.context, place.expected);
}

function combine(
  stream: TokenStream,
  op: Token,
  lhs: DurationOperand,
  rhs: DurationOperand,
): DurationOperand {
  const byZero = rhs.type === 'NumberLiteral' && rhs.value === 0;
  if (byZero && (op.kind === '/' || op.kind === '%')) {
    stream.report(op, op.kind === '/' ? 'division by zero' : 'modulo by zero');
    return { type: 'NumberLiteral', value: 0, duration: false, pos: rhs.pos };
  }
  const pos = { start: lhs.pos.start, end: rhs.pos.end };
  return { type: 'DurationExpr', op: op.kind as DurationOp, lhs, rhs, wrapped: false, pos };
}

/** A whole duration expression; `place` names the place in messages. */
export function parseDuration(
  stream: TokenStream,
  place: Context,
  precedenceMin = 0,
): DurationOperand {
  return stream.nested(() => {
    let lhs = parseOperand(stream, place);
    for (;;) {
      const precedence = PRECEDENCE.get(stream.current.kind);
      if (precedence === undefined || precedence < precedenceMin) return lhs;
      const op = stream.next();
      const rhs = parseDuration(stream, place, op.kind === '^' ? precedence : precedence + 1);
      lhs = combine(stream, op, lhs, rhs);
    }
  });
}

/** What stands after `offset`. */
export function parseOffsetDuration(stream: TokenStream): DurationOperand {
  const sign = isSign(stream.current) ? stream.current : undefined;
  const first = sign === undefined ? stream.current : stream.ahead(1);
  if (isSign(first) || (sign === undefined && first.kind === '('))
    return parseDuration(stream, OFFSET_CONTEXT);
  if (sign === undefined) return parseOperand(stream, OFFSET_CONTEXT);
  stream.next();
  return signed(stream, sign, parseOperand(stream, OFFSET_CONTEXT));
}
