// Values and timestamps as OpenTSDB reads them. A value with none of `.eE` is a 64-bit integer, any
// other a double; an integer is kept as the double that equals it, or as an integer where none
// does, so that nothing is lost and a series that counts 1, 1.5, 2 stays of one kind. A timestamp
// below 2^32 is seconds, above it milliseconds. Source: OpenTSDB 2.4 core/Tags.java (parseLong,
// looksLikeInteger), core/TSDB.java (addPoint, checkTimestampAndTags).
import { parseDecimal, parseInt64 } from '../../codec/decimal.ts';
import { KIND } from '../../model/columns.ts';

/** Integers of this many digits are doubles. */
const EXACT_DIGITS = 15;
const MILLISECONDS_FROM = 2 ** 32;
const MILLISECONDS_MAX = 9_999_999_999_999;

const PLUS = 43;
const MINUS = 45;
const DOT = 46;
const LOWER_E = 101;

/** A number that was read; one serves a whole scan. */
export interface NumberRead {
  /** f64, or i64 where `words` holds the number. */
  kind: typeof KIND.f64 | typeof KIND.i64;
  value: number;
  readonly words: Int32Array;
}

export function numberRead(): NumberRead {
  return { kind: KIND.f64, value: 0, words: new Int32Array(2) };
}

function looksLikeInteger(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++)
    if (bytes[i] === DOT || (bytes[i]! | 32) === LOWER_E) return false;
  return true;
}

/** Reads the value [start, end); false where it is no number. It may be infinite. */
export function readValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  read: NumberRead,
): boolean {
  read.kind = KIND.f64;
  read.value = parseDecimal(bytes, start, end);
  if (read.value !== read.value) return false;
  if (end - start <= EXACT_DIGITS || !looksLikeInteger(bytes, start, end)) return true;
  const { words } = read;
  const digits = bytes[start] === PLUS ? start + 1 : start;
  if (digits !== start && bytes[digits] === MINUS) return false;
  if (!parseInt64(bytes, digits, end, words)) return false;
  const exact = (BigInt(words[1]!) << 32n) | BigInt(words[0]! >>> 0);
  if (BigInt(read.value) !== exact) read.kind = KIND.i64;
  return true;
}

/** Microseconds of a timestamp above 0, NaN where it is beyond what OpenTSDB takes. */
export function timestampUs(timestamp: number): number {
  if (timestamp < MILLISECONDS_FROM) return timestamp * 1_000_000;
  return timestamp <= MILLISECONDS_MAX ? timestamp * 1000 : Number.NaN;
}
