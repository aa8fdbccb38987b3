/**
 * Units of values: guessed from the query's metric name and outermost operations, or taken from
 * metadata, and printed with three significant digits. The exact value is the string the server
 * sent; it is shown on hover and in the table, never reprinted from here.
 */
export type BaseUnit = 'none' | 'bytes' | 'seconds' | 'ratio';

export interface Unit {
  readonly base: BaseUnit;
  /** The value is a speed: base unit per second. */
  readonly perSec: boolean;
}

export const NO_UNIT: Unit = { base: 'none', perSec: false };

const SUFFIX_UNIT: readonly (readonly [RegExp, BaseUnit])[] = [
  [/_(?:timestamp|time)_seconds$/, 'none'],
  [/_bytes$/, 'bytes'],
  [/_seconds$/, 'seconds'],
  [/_ratio$/, 'ratio'],
];

const METADATA_UNIT: Readonly<Record<string, BaseUnit>> = {
  byte: 'bytes',
  bytes: 'bytes',
  By: 'bytes',
  second: 'seconds',
  seconds: 'seconds',
  s: 'seconds',
  ratio: 'ratio',
};

const KEYWORDS = new Set(
  `by without on ignoring group_left group_right bool offset and or unless atan2 inf nan start end
   sum avg min max count stddev stdvar topk bottomk quantile group count_values limitk`.split(
    /\s+/,
  ),
);

/** Query text with strings, label matchers, ranges and grouping lists blanked out. */
function bare(expr: string): string {
  return expr
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, '')
    .replaceAll(/#[^\n]*/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
}

/** Names of the metrics a query reads, in order of first use. Lexical: good enough for hints. */
export function metricNames(expr: string): string[] {
  const names = new Set<string>();
  for (const match of bare(expr).matchAll(/(?<![\w.:])[A-Za-z_:][\w:]*(?!\w*\s*\()/g)) {
    if (!KEYWORDS.has(match[0].toLowerCase())) names.add(match[0]);
  }
  return [...names];
}

/** `metadataUnit` is the unit the metric's writer declared; it wins over the name's suffix. */
export function inferUnit(expr: string, metadataUnit?: string): Unit {
  const text = bare(expr);
  // A product or quotient has a unit of its own which a name cannot tell.
  if (/[*/%^]/.test(text) || /^\s*(?:count|group|absent|changes|resets)\b/.test(text)) {
    return NO_UNIT;
  }
  const name = metricNames(expr)[0];
  if (name === undefined) return NO_UNIT;
  const isQuantile = /\bhistogram_(?:quantile|avg|stddev)\b/.test(text);
  const isCount = name.endsWith('_count') && !isQuantile;
  const stem = name.replace(/_(?:total|sum|bucket|count)$/, '');
  const base = isCount ? 'none' : baseUnit(stem, metadataUnit);
  const perSec = !isQuantile && /\b(?:i?rate|i?deriv)\s*\(/.test(text);
  return { base, perSec };
}

function baseUnit(stem: string, metadataUnit: string | undefined): BaseUnit {
  const declared = metadataUnit === undefined ? undefined : METADATA_UNIT[metadataUnit];
  if (declared !== undefined) return declared;
  return SUFFIX_UNIT.find(([suffix]) => suffix.test(stem))?.[1] ?? 'none';
}

const SI = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** Most digits of a tick; more would not fit beside the chart. */
const TICK_DIGITS_MAX = 5;

/** Labels of ticks: three digits, or as many as it takes for each label to be its tick exactly. */
export function formatTicks(values: readonly number[], unit: Unit): string[] {
  const exact = values.map((value) => formatValue(value, unit, 9));
  for (let digits = 3; digits < TICK_DIGITS_MAX; digits += 1) {
    const texts = values.map((value) => formatValue(value, unit, digits));
    if (texts.every((text, index) => text === exact[index])) return alignDecimals(texts);
  }
  return alignDecimals(values.map((value) => formatValue(value, unit, TICK_DIGITS_MAX)));
}

/** As many decimals on all labels of one unit; zero needs none. */
function alignDecimals(texts: readonly string[]): string[] {
  const parts = texts.map((text) => /^(-?\d+)(?:\.(\d+))?(|%|\/s|%\/s| .*)$/.exec(text));
  const longest = new Map<string, number>();
  for (const part of parts) {
    const [, , decimals = '', unit = ''] = part ?? [];
    longest.set(unit, Math.max(longest.get(unit) ?? 0, decimals.length));
  }
  return parts.map((part, index) => {
    const [, whole = '', decimals = '', unit = ''] = part ?? [];
    const length = longest.get(unit) ?? 0;
    const isBare = part === null || length === 0 || Number(`${whole}.${decimals}`) === 0;
    return isBare ? (texts[index] ?? '') : `${whole}.${decimals.padEnd(length, '0')}${unit}`;
  });
}

/** Three significant digits with the unit: `1.21 GiB/s`, `45.2%`, `12.5 ms`. */
export function formatValue(value: number, unit: Unit, digits = 3): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const text = formatBase(value, unit, digits);
  return unit.perSec ? `${text}/s` : text;
}

/** A count of things in three digits: `2.4 k`. */
export function formatCount(count: number): string {
  return formatValue(count, NO_UNIT);
}

function formatBase(value: number, unit: Unit, digits: number): string {
  switch (unit.base) {
    case 'bytes':
      return formatScaled(value, digits, 1024, IEC);
    case 'seconds':
      return formatSeconds(value, digits);
    case 'ratio':
      return `${significant(value * 100, digits)}%`;
    default:
      return formatPlain(value, digits);
  }
}

function formatPlain(value: number, digits: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 10_000) return String(value);
  if ((size !== 0 && size < 1e-3) || size >= 1e21) {
    return value.toExponential(digits - 1).replace(/\.?0+e/, 'e');
  }
  return formatScaled(value, digits, 1000, SI);
}

function formatScaled(
  value: number,
  digits: number,
  base: number,
  names: readonly string[],
): string {
  let scaled = value;
  let index = 0;
  while (Math.abs(Number(scaled.toPrecision(digits))) >= base && index < names.length - 1) {
    scaled /= base;
    index += 1;
  }
  const name = names[index] ?? '';
  return name === '' ? significant(scaled, digits) : `${significant(scaled, digits)} ${name}`;
}

function formatSeconds(value: number, digits: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  if (size < 1e-6) return `${significant(value * 1e9, digits)} ns`;
  if (size < 1e-3) return `${significant(value * 1e6, digits)} µs`;
  if (size < 1) return `${significant(value * 1e3, digits)} ms`;
  if (size < 120) return `${significant(value, digits)} s`;
  if (size < 7200) return `${significant(value / 60, digits)} min`;
  if (size < 172_800) return `${significant(value / 3600, digits)} h`;
  return `${significant(value / 86_400, digits)} d`;
}

/** Significant digits without an exponent and without trailing zeros. */
function significant(value: number, digits: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 10 ** digits) return String(Math.round(value));
  return String(Number(value.toPrecision(digits)));
}
