/**
 * Time ranges as people type them. A range is kept as two strings in canonical form, because they
 * go into the address: relative ends stay relative (`now-6h`), absolute ends are ISO in UTC: a
 * link means the same moment to every reader whatever zone she displays.
 *
 * Grammar of one end:  now | now (+|-) duration | date [ (T|space) time ] [Z] | epoch seconds or ms
 *                      duration = ( digits unit )+ with unit in ms s m h d w y
 */
import { LOOKBACK_MIN_SEC } from './limits.ts';

export type Zone = 'local' | 'utc';

export interface TimeRange {
  readonly from: string;
  readonly to: string;
}

export interface ResolvedRange {
  readonly startMs: number;
  readonly endMs: number;
}

export type ParsedTime =
  | { readonly kind: 'relative'; readonly offsetMs: number; readonly text: string }
  | { readonly kind: 'absolute'; readonly ms: number; readonly text: string }
  | { readonly kind: 'invalid'; readonly reason: string };

export interface QuickRange {
  readonly from: string;
  readonly label: string;
}

export const QUICK_RANGES: readonly QuickRange[] = [
  { from: 'now-5m', label: 'Last 5 minutes' },
  { from: 'now-15m', label: 'Last 15 minutes' },
  { from: 'now-1h', label: 'Last hour' },
  { from: 'now-6h', label: 'Last 6 hours' },
  { from: 'now-1d', label: 'Last day' },
  { from: 'now-7d', label: 'Last 7 days' },
  { from: 'now-30d', label: 'Last 30 days' },
  { from: 'now-1y', label: 'Last year' },
];

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

const DURATION = /^(?:\d+(?:ms|[smhdwy]))+$/;
const RELATIVE = /^now(?:\s*([+-])\s*(\S+))?$/;
const DATE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?)?\s*(Z|UTC)?$/i;
const EPOCH = /^\d{9,13}(?:\.\d+)?$/;
/** Epochs above this are milliseconds: as seconds it would be the year 5138. */
const EPOCH_SEC_MAX = 1e11;

/** Length in ms of a duration such as `1h30m`; undefined when it is none. */
export function tryParseDurationMs(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) {
    total += Number(digits) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return total;
}

export function parseTime(text: string, zone: Zone): ParsedTime {
  const trimmed = text.trim();
  const relative = RELATIVE.exec(trimmed.toLowerCase());
  if (relative !== null) return parseRelative(relative[1], relative[2]);
  if (EPOCH.test(trimmed)) {
    const value = Number(trimmed);
    return absolute(value > EPOCH_SEC_MAX ? value : value * 1000);
  }
  const date = DATE.exec(trimmed);
  if (date !== null) return parseDate(date, zone);
  return {
    kind: 'invalid',
    reason: `“${trimmed}” is not a time. Try now-6h, 2009-05-02 00:56 or seconds since 1970.`,
  };
}

function parseRelative(sign: string | undefined, duration: string | undefined): ParsedTime {
  if (sign === undefined || duration === undefined) {
    return { kind: 'relative', offsetMs: 0, text: 'now' };
  }
  const ms = tryParseDurationMs(duration);
  if (ms === undefined) {
    return { kind: 'invalid', reason: `“${duration}” is not a duration. Try 30m, 6h or 7d.` };
  }
  return {
    kind: 'relative',
    offsetMs: sign === '-' ? -ms : ms,
    text: `now${sign}${duration}`,
  };
}

function parseDate(match: RegExpExecArray, zone: Zone): ParsedTime {
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', z] = match;
  const parts = [Number(year), Number(month) - 1, Number(day)] as const;
  const clock = [Number(hour), Number(minute), Number(second)] as const;
  const ms = Number(fraction.padEnd(3, '0'));
  const isUtc = z !== undefined || zone === 'utc';
  const at = isUtc ? Date.UTC(...parts, ...clock, ms) : new Date(...parts, ...clock, ms).getTime();
  const seen = new Date(at);
  // Date rolls 31 June over to 1 July; a typed date that does not exist is a mistake worth saying.
  const dayBack = isUtc ? seen.getUTCDate() : seen.getDate();
  if (dayBack !== parts[2] || clock[0] > 23 || clock[1] > 59 || clock[2] > 59) {
    return { kind: 'invalid', reason: `“${match[0]}” is not a date on the calendar.` };
  }
  return absolute(at);
}

function absolute(ms: number): ParsedTime {
  return { kind: 'absolute', ms, text: toIso(ms) };
}

/** ISO in UTC without needless milliseconds: the form in the address. */
export function toIso(ms: number): string {
  return new Date(Math.round(ms)).toISOString().replace('.000Z', 'Z');
}

export function isRelative(range: TimeRange): boolean {
  return range.to.startsWith('now') || range.from.startsWith('now');
}

/** Ends of a range at `nowMs`; both are inclusive, as in the HTTP API. Undefined when invalid. */
export function tryResolve(range: TimeRange, nowMs: number): ResolvedRange | undefined {
  const startMs = tryResolveEnd(range.from, nowMs);
  const endMs = tryResolveEnd(range.to, nowMs);
  if (startMs === undefined || endMs === undefined || startMs >= endMs) return undefined;
  return { startMs, endMs };
}

function tryResolveEnd(text: string, nowMs: number): number | undefined {
  const parsed = parseTime(text, 'utc');
  if (parsed.kind === 'invalid') return undefined;
  return parsed.kind === 'relative' ? nowMs + parsed.offsetMs : parsed.ms;
}

/** Canonical range from two typed ends, or the sentence that says what is wrong. */
export function parseRange(
  typed: TimeRange,
  zone: Zone,
  nowMs: number,
): { readonly range: TimeRange } | { readonly error: string } {
  const from = parseTime(typed.from, zone);
  if (from.kind === 'invalid') return { error: from.reason };
  const to = parseTime(typed.to.trim() === '' ? 'now' : typed.to, zone);
  if (to.kind === 'invalid') return { error: to.reason };
  const range = { from: from.text, to: to.text };
  if (tryResolve(range, nowMs) === undefined) {
    return { error: 'The range ends before it starts. Swap the two times.' };
  }
  return { range };
}

const two = (value: number): string => String(value).padStart(2, '0');

interface DateParts {
  readonly date: string;
  readonly time: string;
  readonly seconds: number;
  readonly ms: number;
}

function partsOf(ms: number, zone: Zone): DateParts {
  const d = new Date(ms);
  if (zone === 'utc') {
    return {
      date: `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`,
      time: `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`,
      seconds: d.getUTCSeconds(),
      ms: d.getUTCMilliseconds(),
    };
  }
  return {
    date: `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`,
    time: `${two(d.getHours())}:${two(d.getMinutes())}`,
    seconds: d.getSeconds(),
    ms: d.getMilliseconds(),
  };
}

/** `2009-05-02 00:56`, with seconds and milliseconds only where they are not zero. */
export function formatTime(ms: number, zone: Zone): string {
  const p = partsOf(ms, zone);
  const fraction = p.ms === 0 ? '' : `.${String(p.ms).padStart(3, '0')}`;
  const seconds = p.seconds === 0 && p.ms === 0 ? '' : `:${two(p.seconds)}${fraction}`;
  return `${p.date} ${p.time}${seconds}`;
}

/** Tick label for a time axis whose ticks are `incrementSec` apart. */
export function formatTick(ms: number, incrementSec: number, zone: Zone): string {
  const p = partsOf(ms, zone);
  if (incrementSec >= 28 * 86_400) return p.date.slice(0, 7);
  if (incrementSec >= 86_400) return p.date.slice(5);
  if (p.time === '00:00' && p.seconds === 0 && p.ms === 0) return p.date.slice(5);
  if (incrementSec >= 60) return p.time;
  if (incrementSec >= 1) return `${p.time}:${two(p.seconds)}`;
  return `${two(p.seconds)}.${String(p.ms).padStart(3, '0')}`;
}

/** What the time control says: the quick range's name, or both ends. */
export function describeRange(range: TimeRange, zone: Zone): string {
  if (range.to === 'now') {
    const quick = QUICK_RANGES.find((entry) => entry.from === range.from);
    if (quick !== undefined) return quick.label;
    if (range.from.startsWith('now-')) return `Last ${range.from.slice(4)}`;
  }
  return `${describeEnd(range.from, zone)} – ${describeEnd(range.to, zone)}`;
}

/** One end as it is shown and typed: absolute times in the displayed zone. */
export function describeEnd(text: string, zone: Zone): string {
  const parsed = parseTime(text, 'utc');
  return parsed.kind === 'absolute' ? formatTime(parsed.ms, zone) : text;
}

const NICE_STEPS_SEC = [
  0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
  10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000,
];

/** Step of a range query: the first round one that gives at most one point per pixel. */
export function pickStepSec(rangeSec: number, pixels: number): number {
  const least = rangeSec / Math.max(1, pixels);
  return NICE_STEPS_SEC.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400;
}

/** How far back a value is looked for: sparse data is found at least one step back. */
export function pickLookbackSec(stepSec: number): number {
  return Math.max(LOOKBACK_MIN_SEC, stepSec);
}

/** `15s`, `2m`, `500ms`: a step or window in PromQL's own units. */
export function formatDurationSec(sec: number): string {
  if (sec < 1) return `${Math.round(sec * 1000)}ms`;
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (sec >= size && sec % size === 0) return `${sec / size}${unit}`;
  }
  return `${Number(sec.toFixed(3))}s`;
}
