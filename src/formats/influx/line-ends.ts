// Where lines of line protocol end, known without understanding them: a line break ends its line
// unless it stands in a quoted string. A good line and a bad one end by the same rule, so the
// scanner (line-protocol.ts), which has the whole body, and a listener, which gets pieces of it,
// always agree.
//
// What opens a string: a quote right behind an equals sign, behind the first space that has no
// backslash before it. In a key and in a comment quotes mean nothing. A backslash takes the
// meaning of what follows it, in a string that of a line break too.
const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const EQUALS = 61;
const BACKSLASH = 92;

/** In front of a line: blanks are no part of it. */
const START = 0;
const COMMENT = 1;
const KEY = 2;
const KEY_BACKSLASH = 3;
const FIELDS = 4;
const FIELDS_BACKSLASH = 5;
/** Behind an equals sign. */
const VALUE = 6;
const STRING = 7;
const STRING_BACKSLASH = 8;
const STATE_COUNT = 9;
/** The line break that ends a line; START follows. */
const END = STATE_COUNT;

type State = number;

/** The state behind `byte`, by state and byte. */
const NEXT = transitions();

function transitions(): Uint8Array {
  const next = new Uint8Array(STATE_COUNT * 256);
  const rule = (state: State, otherwise: State, special: readonly (readonly [number, State])[]) => {
    next.fill(otherwise, state * 256, (state + 1) * 256);
    for (const [byte, to] of special) next[state * 256 + byte] = to;
  };
  const ends = [LF, END] as const;
  const toFields = [BACKSLASH, FIELDS_BACKSLASH] as const;
  rule(START, KEY, [
    ends,
    [0, START],
    [TAB, START],
    [CR, START],
    [SPACE, START],
    [HASH, COMMENT],
    [BACKSLASH, KEY_BACKSLASH],
  ]);
  rule(COMMENT, COMMENT, [ends]);
  rule(KEY, KEY, [ends, [SPACE, FIELDS], [BACKSLASH, KEY_BACKSLASH]]);
  // Two of them are two characters in a key, and the second one has the space behind it.
  rule(KEY_BACKSLASH, KEY, [ends, [BACKSLASH, KEY_BACKSLASH]]);
  rule(FIELDS, FIELDS, [ends, toFields, [EQUALS, VALUE]]);
  rule(FIELDS_BACKSLASH, FIELDS, [ends]);
  rule(VALUE, FIELDS, [ends, toFields, [EQUALS, VALUE], [QUOTE, STRING]]);
  rule(STRING, STRING, [
    [QUOTE, FIELDS],
    [BACKSLASH, STRING_BACKSLASH],
  ]);
  rule(STRING_BACKSLASH, STRING, []);
  return next;
}

/** Position behind the line at `start`, whatever is wrong with it; `end` where it does not end. */
export function lineEnd(body: Uint8Array, start: number, end: number): number {
  let state: State = START;
  for (let i = start; i < end; i++) {
    state = NEXT[(state << 8) | body[i]!]!;
    if (state === END) return i + 1;
  }
  return end;
}

/** The same for a stream of pieces, wherever it is cut. */
export class LineEnds {
  #state: State = START;
  /** Behind the first line break of the last piece that ends a line; 0: none does. */
  first = 0;
  /** Behind the last such. */
  last = 0;

  /** Looks at the next piece of the stream. */
  take(piece: Uint8Array): void {
    this.first = 0;
    this.last = 0;
    const start = this.#state < STRING ? this.#takeUnquoted(piece) : 0;
    let state = this.#state;
    for (let i = start; i < piece.length; i++) {
      state = NEXT[(state << 8) | piece[i]!]!;
      if (state !== END) continue;
      state = START;
      this.last = i + 1;
      if (this.first === 0) this.first = i + 1;
    }
    this.#state = state;
  }

  /** In front of a quote each line break ends a line: behind the last of those. */
  #takeUnquoted(piece: Uint8Array): number {
    const quote = piece.indexOf(QUOTE);
    if (quote === 0) return 0;
    const end = piece.lastIndexOf(LF, quote < 0 ? piece.length : quote) + 1;
    if (end === 0) return 0;
    this.first = piece.indexOf(LF) + 1;
    this.last = end;
    this.#state = START;
    return end;
  }

  /** A line begins with the next piece, whatever was before it. */
  restart(): void {
    this.#state = START;
  }
}
