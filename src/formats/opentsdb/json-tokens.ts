// JSON as bytes: where the tokens end. Strict (RFC 8259) but for what the reader of OpenTSDB takes
// too: NaN and Infinity as numbers. Positions are -1 where the text is malformed. Nothing at or
// behind `end` is read.
import { JSON_DEPTH_MAX } from '../limits.ts';

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const BACKSLASH = 92;
const LOWER_E = 101;

export function skipSpace(body: Uint8Array, start: number, end: number): number {
  let i = start;
  for (; i < end; i++) {
    const byte = body[i]!;
    if (byte !== SPACE && byte !== LF && byte !== CR && byte !== TAB) break;
  }
  return i;
}

/** Position of the quote that closes the string whose first character is at `start`. */
export function closingQuote(body: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = body[i]!;
    if (byte === QUOTE) return i;
    if (byte === BACKSLASH) i++;
    else if (byte < SPACE) return -1;
  }
  return -1;
}

function digitsEnd(body: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && body[i]! >= ZERO && body[i]! <= 57) i++;
  return i;
}

/** End of the number at `start`. */
function numberEnd(body: Uint8Array, start: number, end: number): number {
  let i = start < end && body[start] === MINUS ? start + 1 : start;
  const wholeStart = i;
  i = digitsEnd(body, i, end);
  if (i === wholeStart || (body[wholeStart] === ZERO && i > wholeStart + 1)) return -1;
  if (i < end && body[i] === DOT) {
    const fractionStart = ++i;
    i = digitsEnd(body, i, end);
    if (i === fractionStart) return -1;
  }
  if (i < end && (body[i]! | 32) === LOWER_E) {
    i++;
    if (i < end && (body[i] === PLUS || body[i] === MINUS)) i++;
    const exponentStart = i;
    i = digitsEnd(body, i, end);
    if (i === exponentStart) return -1;
  }
  return i;
}

const WORDS = ['true', 'false', 'null', 'NaN', 'Infinity', '-Infinity'].map((word) =>
  new TextEncoder().encode(word),
);

/** End of the literal at `start`. */
function wordEnd(body: Uint8Array, start: number, end: number): number {
  for (const word of WORDS) {
    if (start + word.length > end) continue;
    let length = 0;
    while (length < word.length && body[start + length] === word[length]) length++;
    if (length === word.length) return start + length;
  }
  return -1;
}

/** End of the string, number or literal at `start`. */
export function scalarEnd(body: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  const first = body[start]!;
  if (first === QUOTE) {
    const close = closingQuote(body, start + 1, end);
    return close < 0 ? -1 : close + 1;
  }
  const stop = numberEnd(body, start, end);
  return stop < 0 ? wordEnd(body, start, end) : stop;
}

/** End of an array (`close` is `]`) or object (`}`) whose bracket is at `start`. */
function containerEnd(body: Uint8Array, start: number, end: number, depth: number): number {
  const isObject = body[start] === 123;
  const close = isObject ? 125 : 93;
  let i = skipSpace(body, start + 1, end);
  if (i < end && body[i] === close) return i + 1;
  for (;;) {
    if (isObject) {
      if (i >= end || body[i] !== QUOTE) return -1;
      i = closingQuote(body, i + 1, end);
      if (i < 0) return -1;
      i = skipSpace(body, i + 1, end);
      if (i >= end || body[i] !== COLON) return -1;
      i = skipSpace(body, i + 1, end);
    }
    i = valueEnd(body, i, end, depth + 1);
    if (i < 0) return -1;
    i = skipSpace(body, i, end);
    if (i >= end) return -1;
    if (body[i] === close) return i + 1;
    if (body[i] !== COMMA) return -1;
    i = skipSpace(body, i + 1, end);
  }
}

/** End of any value at `start`. */
export function valueEnd(body: Uint8Array, start: number, end: number, depth = 0): number {
  if (start >= end || depth > JSON_DEPTH_MAX) return -1;
  const first = body[start]!;
  if (first === 123 || first === 91) return containerEnd(body, start, end, depth);
  return scalarEnd(body, start, end);
}
