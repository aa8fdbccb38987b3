// Bytes of CSV → cells of one row (RFC 4180): cells between commas, quoted where they begin with a
// quotation mark, which is doubled inside; line breaks in quotes belong to the cell. Blanks around
// a quoted cell are left out. Nothing at or behind `end` is read; nothing is copied.
//
// A row that breaks the rules ends at its first line break, so that a stray quotation mark costs
// the line it stands in and no other.

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
/** A reason of CsvRow.read. */
export const QUOTE_WITHOUT_END = 'a quoted cell that does not end';

export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

export class CsvRow {
  /** Of the first `width` cells: where their text stands, without quotation marks. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** 1 where quotation marks inside are doubled. */
  readonly escaped: Uint8Array;
  /** Cells of the row, those beyond `width` included. */
  count = 0;
  /** Where the next row begins. */
  next = 0;
  /** Where the reason was found that the last `read` gave. */
  problemAt = 0;
  readonly #width: number;

  constructor(width: number) {
    this.#width = width;
    this.starts = new Int32Array(width);
    this.ends = new Int32Array(width);
    this.escaped = new Uint8Array(width);
  }

  /** Reads the row at `start`, which is below `end`; a reason or ''. */
  read(body: Uint8Array, start: number, end: number): string {
    this.count = 0;
    let at = start;
    for (;;) {
      let textStart = at;
      while (textStart < end && isBlank(body[textStart]!)) textStart++;
      if (textStart < end && body[textStart] === QUOTE) {
        at = this.#quoted(body, textStart, end);
        if (at < 0) {
          this.next = lineEnd(body, start, end);
          return this.problemAt === textStart ? QUOTE_WITHOUT_END : 'text behind a quoted cell';
        }
      } else at = this.#plain(body, at, end);
      if (at >= end || body[at] !== COMMA) break;
      at++;
    }
    if (at < end && body[at] === CR) at++;
    this.next = at < end ? at + 1 : end;
    return '';
  }

  #cell(start: number, end: number, escaped: number): void {
    const index = this.count++;
    if (index >= this.#width) return;
    this.starts[index] = start;
    this.ends[index] = end;
    this.escaped[index] = escaped;
  }

  /** Position of what ends the cell: a comma, a line break, or the end. */
  #plain(body: Uint8Array, start: number, end: number): number {
    let i = start;
    for (; i < end; i++) {
      const byte = body[i]!;
      if (byte === COMMA || byte === LF) break;
    }
    const isLast = i >= end || body[i] === LF;
    if (isLast && i > start && body[i - 1] === CR) i--;
    this.#cell(start, i, 0);
    return i;
  }

  /** As #plain; -1 where the cell breaks the rules. */
  #quoted(body: Uint8Array, quote: number, end: number): number {
    let escaped = 0;
    let i = quote + 1;
    for (; ; i++) {
      i = body.indexOf(QUOTE, i);
      if (i < 0 || i >= end) {
        this.problemAt = quote;
        return -1;
      }
      if (i + 1 >= end || body[i + 1] !== QUOTE) break;
      escaped = 1;
      i++;
    }
    this.#cell(quote + 1, i, escaped);
    i++;
    while (i < end && isBlank(body[i]!)) i++;
    const isEnd = i >= end || body[i] === COMMA || body[i] === LF || isLineBreak(body, i, end);
    if (isEnd) return i;
    this.problemAt = i;
    return -1;
  }
}

/** A carriage return in front of a line feed or the end. */
function isLineBreak(body: Uint8Array, at: number, end: number): boolean {
  return body[at] === CR && (at + 1 >= end || body[at + 1] === LF);
}

/** Position behind the line break at or behind `start`, or `end`. */
function lineEnd(body: Uint8Array, start: number, end: number): number {
  const at = body.indexOf(LF, start);
  return at < 0 || at >= end ? end : at + 1;
}

/** Position of the first row at or behind `start` that is not blank, or `end`. */
export function skipBlankLines(body: Uint8Array, start: number, end: number): number {
  for (let line = start; line < end;) {
    let i = line;
    while (i < end && (isBlank(body[i]!) || body[i] === CR)) i++;
    if (i < end && body[i] !== LF) return line;
    line = i + 1;
  }
  return end;
}
