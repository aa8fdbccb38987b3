// Times of CSV cells: `unix_s`, `unix_ms`, `unix_us`, `unix_ns` (with a sign and decimals, if any),
// `rfc3339`, and `custom:LAYOUT` in Go's way of writing layouts (go-layout.ts). A reader says false
// where the bytes are no such time.
import { decodeUtf8 } from '../../codec/utf8.ts';
import { T_US_MAX } from '../limits.ts';
import { fractionNs, readCivil } from './civil-time.ts';
import type { TimeRead } from './civil-time.ts';
import { layoutReader } from './go-layout.ts';

/** Reads bytes [start, end), which are not empty. */
export type TimeReader = (bytes: Uint8Array, start: number, end: number, out: TimeRead) => boolean;

const PLUS = 43;
const MINUS = 45;
const DOT = 46;

/** Decimal digits between the unit and the nanosecond. */
const UNIT_DIGITS: ReadonlyMap<string, number> = new Map([
  ['unix_s', 9],
  ['unix_ms', 6],
  ['unix_us', 3],
  ['unix_ns', 0],
]);

/** End of the digits at `start`. */
function digitsEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i]! >= 48 && bytes[i]! <= 57) i++;
  return i;
}

/** A decimal number of units; exact to the nanosecond, what is finer is left out. */
function readUnix(
  bytes: Uint8Array,
  start: number,
  end: number,
  unitDigits: number,
  out: TimeRead,
): boolean {
  const isNegative = bytes[start] === MINUS;
  const wholeStart = isNegative || bytes[start] === PLUS ? start + 1 : start;
  const wholeEnd = digitsEnd(bytes, wholeStart, end);
  if (wholeEnd === wholeStart) return false;
  let fractionStart = end;
  if (wholeEnd < end) {
    fractionStart = wholeEnd + 1;
    if (bytes[wholeEnd] !== DOT || fractionStart === end) return false;
    if (digitsEnd(bytes, fractionStart, end) !== end) return false;
  }
  const wholeCount = wholeEnd - wholeStart;
  const usCount = wholeCount + unitDigits - 3;
  let us = 0;
  let ns = 0;
  for (let i = 0; i < usCount + 3; i++) {
    const at = i < wholeCount ? wholeStart + i : fractionStart + i - wholeCount;
    const digit = at < end ? bytes[at]! - 48 : 0;
    if (i >= usCount) ns = ns * 10 + digit;
    else us = us * 10 + digit;
    if (us > T_US_MAX) return false;
  }
  if (!isNegative) [out.tUs, out.subNs] = [us, ns];
  else [out.tUs, out.subNs] = ns === 0 ? [0 - us, 0] : [-us - 1, 1000 - ns];
  return Math.abs(out.tUs) <= T_US_MAX;
}

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

function readRfc3339(bytes: Uint8Array, start: number, end: number, out: TimeRead): boolean {
  const match = RFC3339.exec(decodeUtf8(bytes, start, end) ?? '');
  if (match === null) return false;
  const part = (index: number): number => Number(match[index] ?? 0);
  if (part(9) > 23 || part(10) > 59) return false;
  return readCivil(
    {
      year: part(1),
      month: part(2),
      day: part(3),
      hour: part(4),
      minute: part(5),
      second: part(6),
      nanosecond: fractionNs(match[7] ?? ''),
      offsetSec: (match[8] === '-' ? -1 : 1) * (part(9) * 3600 + part(10) * 60),
    },
    out,
  );
}

export const TIME_FORMATS = 'unix_s, unix_ms, unix_us, unix_ns, rfc3339, custom:LAYOUT';
const CUSTOM = 'custom:';

/** The reader of a format's name; a reason where there is none. */
export function timeReader(format: string): TimeReader | string {
  const unitDigits = UNIT_DIGITS.get(format);
  if (unitDigits !== undefined)
    return (bytes, start, end, out) => readUnix(bytes, start, end, unitDigits, out);
  if (format === 'rfc3339') return readRfc3339;
  if (!format.startsWith(CUSTOM))
    return `unknown time format ${JSON.stringify(format)}; known are ${TIME_FORMATS}`;
  const layout = layoutReader(format.slice(CUSTOM.length));
  if (typeof layout === 'string') return layout;
  return (bytes, start, end, out) => {
    const text = decodeUtf8(bytes, start, end);
    return text !== undefined && layout(text, out);
  };
}
