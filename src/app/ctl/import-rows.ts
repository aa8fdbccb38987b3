// Where rows end, by format: bodies are cut there, so that each row reaches the server whole. Each
// function looks at the bytes [0, end) of what was read so far, which begin with a row, and gives
// the position behind the last row that is surely complete; 0 where there is none yet.
import { CsvRow, QUOTE_WITHOUT_END, skipBlankLines } from '../../formats/csv/rows.ts';

export type RowsEnd = (bytes: Uint8Array, end: number) => number;

const LF = 10;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const APOSTROPHE = 39;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;
const OPEN_BRACE = 123;
/** A quoted cell without an end is waited for this long; then it costs its line, as in a body. */
const QUOTED_CELL_BYTES_MAX = 1024 * 1024;

/** A row is a line. */
export function linesEnd(bytes: Uint8Array, end: number): number {
  return bytes.subarray(0, end).lastIndexOf(LF) + 1;
}

/** Rows of CSV: line breaks may stand in quoted cells. */
export function csvEnd(bytes: Uint8Array, end: number): number {
  const quote = bytes.indexOf(QUOTE);
  if (quote < 0 || quote >= end) return linesEnd(bytes, end);
  const row = new CsvRow(0);
  let complete = 0;
  for (let at = skipBlankLines(bytes, 0, end); at < end;) {
    const isOpen = row.read(bytes, at, end) === QUOTE_WITHOUT_END;
    if (row.next >= end || (isOpen && end - at < QUOTED_CELL_BYTES_MAX)) break;
    complete = row.next;
    at = skipBlankLines(bytes, row.next, end);
  }
  return complete;
}

/**
 * InfluxDB lines: line breaks may stand in strings, which are quoted values of fields. As InfluxDB
 * finds the end of a line: quotes count behind the first blank, in front of an equals sign.
 */
export function influxEnd(bytes: Uint8Array, end: number): number {
  let complete = 0;
  let at = 0;
  while (at < end) {
    const next = bytes[at] === HASH ? commentEnd(bytes, at, end) : influxLineEnd(bytes, at, end);
    if (next < 0) break;
    complete = next;
    at = next;
  }
  return complete;
}

function commentEnd(bytes: Uint8Array, start: number, end: number): number {
  const at = bytes.indexOf(LF, start);
  return at < 0 || at >= end ? -1 : at + 1;
}

/** Position behind the line at `start`, -1 where it does not end. */
function influxLineEnd(bytes: Uint8Array, start: number, end: number): number {
  let inFields = false;
  let isQuoted = false;
  let equals = 0;
  let commas = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === BACKSLASH) i++;
    else if (byte === QUOTE) {
      if (inFields && equals > commas) isQuoted = !isQuoted;
    } else if (isQuoted) continue;
    else if (byte === LF) return i + 1;
    else if (byte === SPACE) inFields ||= i > start;
    else if (inFields && byte === EQUALS) equals++;
    else if (inFields && byte === COMMA) commas++;
  }
  return -1;
}

/** Warp 10: a line without a class goes on with the series of the one before. */
export function warp10End(bytes: Uint8Array, end: number): number {
  for (let at = end; at > 0;) {
    const brace = bytes.subarray(0, at).lastIndexOf(OPEN_BRACE);
    const line = bytes.subarray(0, Math.max(brace, 0)).lastIndexOf(LF) + 1;
    if (brace < 0 || line === 0) return 0;
    // A brace in a string is none of a class.
    const quote = bytes.subarray(line, brace).indexOf(APOSTROPHE);
    if (bytes[line] !== EQUALS && quote < 0) return line;
    at = line;
  }
  return 0;
}
