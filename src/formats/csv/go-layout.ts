// Layouts in the way of Go's package time: the reference time "Mon Jan 2 15:04:05 MST 2006" written
// as the times are. A layout is cut into words that stand for fields and text between them; for
// reading it becomes one regular expression.
//
// As in Go: a fraction may stand behind the seconds even where the layout has none; without a zone
// times are UTC; names of days are checked for being such names only. Zone abbreviations are UTC
// and GMT: what others mean depends on who asks. Times are written in UTC.
import { civilOf, daysIn, fractionNs, readCivil, weekdayOf } from './civil-time.ts';
import type { CivilTime, TimeRead } from './civil-time.ts';

const MONTHS =
  'January February March April May June July August September October November December'.split(
    ' ',
  );
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const DAY_US = 86_400e6;

type Field =
  | 'year'
  | 'shortYear'
  | 'month'
  | 'monthName'
  | 'day'
  | 'dayOfYear'
  | 'hour'
  | 'hour12'
  | 'minute'
  | 'second'
  | 'fraction'
  | 'half'
  | 'zone'
  | 'dayName';

/** A word of layouts. */
interface Word {
  readonly token: RegExp;
  readonly field: Field;
  /** What times have there. */
  readonly pattern: string;
  readonly write: (civil: CivilTime, tUs: number) => string;
}

type Piece = Omit<Word, 'token'>;

function word(token: string, field: Field, pattern: string, write: Word['write']): Word {
  return { token: new RegExp(token, 'y'), field, pattern: `(${pattern})`, write };
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** The hour on the face of a clock. */
function faceHour({ hour }: CivilTime): number {
  return hour % 12 === 0 ? 12 : hour % 12;
}

function short(names: readonly string[]): string[] {
  return names.map((name) => name.slice(0, 3));
}

function dayOfYear({ year }: CivilTime, tUs: number): number {
  const start = { tUs: 0, subNs: 0 };
  const fields = { month: 1, day: 1, hour: 0, minute: 0, second: 0, nanosecond: 0, offsetSec: 0 };
  readCivil({ year, ...fields }, start);
  return Math.floor((tUs - start.tUs) / DAY_US) + 1;
}

/** In the order in which they are tried: longer words first. */
const WORDS: readonly Word[] = [
  word('January', 'monthName', MONTHS.join('|'), ({ month }) => MONTHS[month - 1]!),
  word('Jan', 'monthName', short(MONTHS).join('|'), ({ month }) => short(MONTHS)[month - 1]!),
  word('Monday', 'dayName', DAYS.join('|'), (_, tUs) => DAYS[weekdayOf(tUs)]!),
  word('Mon', 'dayName', short(DAYS).join('|'), (_, tUs) => short(DAYS)[weekdayOf(tUs)]!),
  word('MST', 'zone', 'UTC|GMT', () => 'UTC'),
  word('2006', 'year', '\\d{4}', ({ year }) => String(year).padStart(4, '0')),
  word('002', 'dayOfYear', '\\d{3}', (civil, tUs) =>
    String(dayOfYear(civil, tUs)).padStart(3, '0'),
  ),
  word('01', 'month', '\\d\\d', ({ month }) => two(month)),
  word('02', 'day', '\\d\\d', ({ day }) => two(day)),
  word('03', 'hour12', '\\d\\d', (civil) => two(faceHour(civil))),
  word('04', 'minute', '\\d\\d', ({ minute }) => two(minute)),
  word('05', 'second', '\\d\\d', ({ second }) => two(second)),
  word('06', 'shortYear', '\\d\\d', ({ year }) => two(year % 100)),
  word('15', 'hour', '\\d\\d', ({ hour }) => two(hour)),
  word('1', 'month', '\\d\\d?', ({ month }) => String(month)),
  word('_2', 'day', ' ?\\d\\d?', ({ day }) => String(day).padStart(2)),
  word('2', 'day', '\\d\\d?', ({ day }) => String(day)),
  word('3', 'hour12', '\\d\\d?', (civil) => String(faceHour(civil))),
  word('4', 'minute', '\\d\\d?', ({ minute }) => String(minute)),
  word('5', 'second', '\\d\\d?', ({ second }) => String(second)),
  word('PM', 'half', '[AaPp][Mm]', ({ hour }) => (hour < 12 ? 'AM' : 'PM')),
  word('pm', 'half', '[AaPp][Mm]', ({ hour }) => (hour < 12 ? 'am' : 'pm')),
  word('Z07:00', 'zone', 'Z|[+-]\\d\\d:\\d\\d', () => 'Z'),
  word('Z0700', 'zone', 'Z|[+-]\\d{4}', () => 'Z'),
  word('Z07', 'zone', 'Z|[+-]\\d\\d', () => 'Z'),
  word('-07:00', 'zone', '[+-]\\d\\d:\\d\\d', () => '+00:00'),
  word('-0700', 'zone', '[+-]\\d{4}', () => '+0000'),
  word('-07', 'zone', '[+-]\\d\\d', () => '+00'),
];

const FRACTION = /([.,])(0+|9+)(?!\d)/y;

/** Digits of a fraction as the layout wants them. */
function fractionText(nanosecond: number, count: number, isFixed: boolean): string {
  const digits = String(nanosecond).padStart(9, '0').padEnd(count, '0').slice(0, count);
  return isFixed ? digits : digits.replace(/0+$/, '');
}

/** A fraction behind the seconds: of the layout, or one that times may have and layouts not. */
function fraction(layout: string, at: number): Piece & { readonly length: number } {
  FRACTION.lastIndex = at;
  const match = FRACTION.exec(layout);
  const digits = match?.[2]?.length ?? 0;
  const isFixed = match?.[2]?.startsWith('0') ?? false;
  return {
    field: 'fraction',
    pattern: isFixed ? `[.,](\\d{${digits}})` : '(?:[.,](\\d+))?',
    length: match?.[0].length ?? 0,
    write: ({ nanosecond }) => {
      const text = fractionText(nanosecond, digits, isFixed);
      return text === '' ? '' : `${match?.[1] ?? ''}${text}`;
    },
  };
}

/** Words and the text between them; a reason where the layout cannot be one. */
function piecesOf(layout: string): readonly (Piece | string)[] | string {
  const pieces: (Piece | string)[] = [];
  const told = new Set<Field>();
  for (let at = 0; at < layout.length;) {
    const known = WORDS.find(({ token }) => {
      token.lastIndex = at;
      return token.test(layout);
    });
    if (known === undefined) {
      pieces.push(layout[at++]!);
      continue;
    }
    // Twice the same would also be many ways to share out digits between them.
    if (told.has(known.field)) return `the layout ${JSON.stringify(layout)} says something twice`;
    told.add(known.field);
    at = known.token.lastIndex;
    pieces.push(known);
    if (known.field !== 'second') continue;
    const piece = fraction(layout, at);
    pieces.push(piece);
    at += piece.length;
  }
  if (told.has('year') || told.has('shortYear')) return pieces;
  return `the layout ${JSON.stringify(layout)} has no year (2006 or 06)`;
}

function zoneSec(text: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(text);
  if (match === null) return 0;
  const [hours, minutes] = [Number(match[2]), Number(match[3] ?? 0)];
  if (hours > 23 || minutes > 59) return Number.NaN;
  return (match[1] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** 12 o'clock is the first hour of its half. NaN where there is no such hour. */
function hourOf(hour12: number, half: string): number {
  if (hour12 < 1 || hour12 > 12) return Number.NaN;
  return (hour12 % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
}

function yearOf(found: ReadonlyMap<Field, string>): number {
  const text = found.get('shortYear');
  if (text === undefined) return Number(found.get('year'));
  // As in Go: 69 to 99 are 1969 to 1999.
  return Number(text) + (Number(text) >= 69 ? 1900 : 2000);
}

/** The day of a year, from 1. */
function readOrdinal(civil: CivilTime, ordinal: number, out: TimeRead): boolean {
  let day = ordinal;
  let month = 1;
  for (; month < 12 && day > daysIn(civil.year, month); month++) day -= daysIn(civil.year, month);
  return readCivil({ ...civil, month, day }, out);
}

function readFields(found: ReadonlyMap<Field, string>, out: TimeRead): boolean {
  const name = found.get('monthName')?.slice(0, 3);
  const monthOfName = name === undefined ? 1 : short(MONTHS).indexOf(name) + 1;
  const hour12 = found.get('hour12');
  const number = (field: Field, fallback: number): number => Number(found.get(field) ?? fallback);
  const civil = {
    year: yearOf(found),
    month: number('month', monthOfName),
    day: number('day', 1),
    hour:
      hour12 === undefined ? number('hour', 0) : hourOf(Number(hour12), found.get('half') ?? 'am'),
    minute: number('minute', 0),
    second: number('second', 0),
    nanosecond: fractionNs(found.get('fraction') ?? ''),
    offsetSec: zoneSec(found.get('zone') ?? ''),
  };
  const ordinal = found.get('dayOfYear');
  return ordinal === undefined ? readCivil(civil, out) : readOrdinal(civil, Number(ordinal), out);
}

/** A reader of times in this layout; a reason where the layout cannot be one. */
export function layoutReader(layout: string): ((text: string, out: TimeRead) => boolean) | string {
  const pieces = piecesOf(layout);
  if (typeof pieces === 'string') return pieces;
  const source = pieces.map((one) => (typeof one === 'string' ? RegExp.escape(one) : one.pattern));
  const pattern = new RegExp(`^${source.join('')}$`);
  const fields = pieces.filter((one) => typeof one !== 'string').map(({ field }) => field);
  return (text, out) => {
    const match = pattern.exec(text);
    if (match === null) return false;
    const found = new Map<Field, string>();
    for (const [i, field] of fields.entries()) {
      const value = match[i + 1];
      if (value !== undefined) found.set(field, value);
    }
    return readFields(found, out);
  };
}

/** A writer of times in this layout; a reason where the layout cannot be one. */
export function layoutWriter(layout: string): ((tUs: number, subNs: number) => string) | string {
  const pieces = piecesOf(layout);
  if (typeof pieces === 'string') return pieces;
  return (tUs, subNs) => {
    const civil = civilOf(tUs, subNs);
    return pieces.map((one) => (typeof one === 'string' ? one : one.write(civil, tUs))).join('');
  };
}
