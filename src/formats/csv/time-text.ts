// Times as text of an exported cell: whole units of unix times (what is finer is cut), RFC 3339 in
// UTC with as many decimals as there are, and Go's layouts in UTC.
import { layoutWriter } from './go-layout.ts';
import { TIME_FORMATS } from './time-formats.ts';
import { civilOf } from './civil-time.ts';

export type TimeText = (tUs: number, subNs: number) => string;

const UNIX_US: ReadonlyMap<string, number> = new Map([
  ['unix_s', 1_000_000],
  ['unix_ms', 1000],
  ['unix_us', 1],
]);

/** Of one number: microseconds with the nanoseconds behind them. */
function nanoseconds(tUs: number, subNs: number): string {
  if (tUs >= 0) return tUs === 0 ? String(subNs) : `${tUs}${String(subNs).padStart(3, '0')}`;
  return String(BigInt(tUs) * 1000n + BigInt(subNs));
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** `2026-01-02T03:04:05.006Z`. */
function rfc3339(tUs: number, subNs: number): string {
  const { year, month, day, hour, minute, second, nanosecond } = civilOf(tUs, subNs);
  const digits = String(nanosecond).padStart(9, '0').replace(/0+$/, '');
  const fraction = digits === '' ? '' : `.${digits}`;
  const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  return `${date}T${two(hour)}:${two(minute)}:${two(second)}${fraction}Z`;
}

/** The writer of a format's name; a reason where there is none. */
export function timeText(format: string): TimeText | string {
  const unitUs = UNIX_US.get(format);
  if (unitUs !== undefined) return (tUs) => String(Math.floor(tUs / unitUs));
  if (format === 'unix_ns') return nanoseconds;
  if (format === 'rfc3339') return rfc3339;
  if (format.startsWith('custom:')) return layoutWriter(format.slice('custom:'.length));
  return `unknown time format ${JSON.stringify(format)}; known are ${TIME_FORMATS}`;
}
