// Data sets of the promqltest suite: floats as given, native histograms and start times out of
// their text, custom-bucket histograms built from classic buckets where a data set asks for them.
import { COUNTER_RESET_HINT, CUSTOM_BUCKETS_SCHEMA } from '../../src/model/histogram.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { compactHistogram } from '../../src/windows/histogram-layout.ts';
import { HistogramSum, scaleHistogram } from '../../src/windows/histogram-math.ts';

/** The 64 bits of the staleness marker. */
export const STALE_BITS = 0x7ff0000000000002n;

export type SampleValue = number | 'stale' | Histogram;

export interface DataSample {
  readonly tMs: number;
  readonly value: SampleValue;
  /** Milliseconds; undefined = none. */
  startMs: number | undefined;
}

export interface DataSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: DataSample[];
}

interface RawSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples?: readonly (readonly [number, number | string])[];
  readonly nhcb?: boolean;
  readonly interval_ms?: number;
  readonly spec?: string;
}

export interface RawDataset {
  readonly dataset: number;
  readonly series: readonly RawSeries[];
}

export function parseNumber(text: number | string): number {
  if (typeof text === 'number') return text;
  const lower = text.toLowerCase();
  if (/^[+-]?inf$/.test(lower)) return lower.startsWith('-') ? -Infinity : Infinity;
  return lower === 'nan' ? Number.NaN : Number(text);
}

const HINTS: Readonly<Record<string, Histogram['counterResetHint']>> = {
  unknown: COUNTER_RESET_HINT.unknown,
  reset: COUNTER_RESET_HINT.reset,
  not_reset: COUNTER_RESET_HINT.notReset,
  gauge: COUNTER_RESET_HINT.gauge,
};

function spansFrom(offset: number, length: number): Histogram['positiveSpans'] {
  return length === 0 ? [] : [{ offset, length }];
}

/** `{{schema:0 count:3 buckets:[1 2]}}`. */
export function parseHistogram(text: string): Histogram {
  const fields = new Map<string, string>();
  for (const [, key, list, plain] of text.matchAll(/([a-z_]+):\s*(?:\[([^\]]*)\]|([^\s}]+))/g))
    fields.set(key!, list ?? plain ?? '');
  const number = (key: string): number => parseNumber(fields.get(key) ?? '0');
  const list = (key: string): Float64Array =>
    Float64Array.from((fields.get(key) ?? '').split(/\s+/).filter(Boolean), parseNumber);
  const positiveBuckets = list('buckets');
  const negativeBuckets = list('n_buckets');
  return {
    isInteger: false,
    schema: number('schema'),
    zeroThreshold: number('z_bucket_w'),
    zeroCount: number('z_bucket'),
    count: number('count'),
    sum: number('sum'),
    counterResetHint: HINTS[fields.get('counter_reset_hint') ?? 'unknown']!,
    positiveSpans: spansFrom(number('offset'), positiveBuckets.length),
    positiveBuckets,
    negativeSpans: spansFrom(number('n_offset'), negativeBuckets.length),
    negativeBuckets,
    customValues: list('custom_values'),
  };
}

const HISTOGRAM = String.raw`\{\{[^}]*\}\}`;
const NUMBER = String.raw`[+-]?(?:[0-9.]+(?:e[+-]?[0-9]+)?|inf|nan)`;
const TOKEN = new RegExp(
  String.raw`(?:(?<gap>_)|(?<stale>stale)|(?<from>${HISTOGRAM}|${NUMBER})` +
    String.raw`(?:(?<sign>[+-])(?<by>${HISTOGRAM}|${NUMBER}))?)(?:x(?<times>\d+))?(?:\s+|$)`,
  'giy',
);

/** Values by position; undefined = no sample. */
export function parseValues(spec: string): (SampleValue | undefined)[] {
  const out: (SampleValue | undefined)[] = [];
  const text = spec.trim();
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    const { gap, stale, from, sign, by, times } = match.groups!;
    if (gap !== undefined || stale !== undefined) {
      const count = gap === undefined ? Number(times ?? 0) + 1 : Number(times ?? 1);
      for (let i = 0; i < count; i++) out.push(gap === undefined ? 'stale' : undefined);
    } else if (from!.startsWith('{{')) pushHistograms(out, from!, sign, by, Number(times ?? 0));
    else {
      const step = by === undefined ? 0 : parseNumber(by) * (sign === '-' ? -1 : 1);
      let value = parseNumber(from!);
      for (let i = 0; i <= Number(times ?? 0); i++, value += step) out.push(value);
    }
  }
  if (end !== text.length) throw new Error(`cannot read the values ${text.slice(end)}`);
  return out;
}

function pushHistograms(
  out: (SampleValue | undefined)[],
  from: string,
  sign: string | undefined,
  by: string | undefined,
  times: number,
): void {
  let value = parseHistogram(from);
  const step = by === undefined ? undefined : parseHistogram(by);
  out.push(value);
  for (let i = 0; i < times; i++) {
    if (step !== undefined) {
      const { counterResetHint } = step;
      const sum = new HistogramSum(value, 'plain');
      sum.add(scaleHistogram(step, sign === '-' ? -1 : 1));
      sum.setHint(counterResetHint);
      value = compactHistogram(sum.finish());
    }
    out.push(value);
  }
}

const DURATION = String.raw`[+-]?(?:\d+(?:ms|s|m|h))+|[+-]?0`;
const START_TOKEN = new RegExp(
  String.raw`(?:(?<gap>_)|(?<from>${DURATION})(?<by>[+-](?:\d+(?:ms|s|m|h))+)?)` +
    String.raw`(?:x(?<times>\d+))?(?:\s+|$)`,
  'gy',
);

function durationMs(text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 36e5 };
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|s|m|h)/g))
    total += Number(digits) * units[unit!]!;
  return text.startsWith('-') ? -total : total;
}

/** Start times relative to their samples, milliseconds by position; undefined = none. */
function parseStarts(spec: string): (number | undefined)[] {
  const out: (number | undefined)[] = [];
  const text = spec.replace('@st', '').trim();
  for (const match of text.matchAll(START_TOKEN)) {
    const { gap, from, by, times } = match.groups!;
    if (gap !== undefined) {
      for (let i = 0; i < Number(times ?? 1); i++) out.push(undefined);
      continue;
    }
    let start = durationMs(from!);
    for (let i = 0; i <= Number(times ?? 0); i++) {
      out.push(start);
      start += by === undefined ? 0 : durationMs(by);
    }
  }
  return out;
}

function seriesKey(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels);
  return JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** All series of a data set. */
export function readDataset(raw: RawDataset): DataSeries[] {
  const out = new Map<string, DataSeries>();
  const seriesOf = (labels: Readonly<Record<string, string>>): DataSeries => {
    let series = out.get(seriesKey(labels));
    if (series === undefined) out.set(seriesKey(labels), (series = { labels, samples: [] }));
    return series;
  };
  for (const { labels, samples = [], spec, interval_ms: intervalMs = 0 } of raw.series) {
    if (spec?.startsWith('@st') === true) continue;
    const series = seriesOf(labels);
    for (const [tMs, value] of samples)
      series.samples.push({
        tMs,
        value: value === 'stale' ? value : parseNumber(value),
        startMs: undefined,
      });
    for (const [i, value] of parseValues(spec ?? '').entries())
      if (value !== undefined)
        series.samples.push({ tMs: i * intervalMs, value, startMs: undefined });
  }
  setStarts(raw, seriesOf);
  for (const series of customHistograms(raw)) out.set(seriesKey(series.labels), series);
  return Array.from(out.values());
}

/** Start times stand in lines of their own, before or after the samples they belong to. */
function setStarts(raw: RawDataset, seriesOf: (labels: DataSeries['labels']) => DataSeries): void {
  for (const { labels, spec, interval_ms: intervalMs = 0 } of raw.series) {
    if (spec?.startsWith('@st') !== true) continue;
    for (const [i, startMs] of parseStarts(spec).entries())
      for (const sample of seriesOf(labels).samples)
        if (sample.tMs === i * intervalMs && startMs !== undefined)
          sample.startMs = sample.tMs + startMs;
  }
}

/** Cumulative counts of a classic histogram at one time. */
interface Classic {
  readonly buckets: Map<number, number>;
  count: number | undefined;
  sum: number;
}

/** Classic buckets, counts and sums of a data set as histograms with custom buckets. */
function customHistograms(raw: RawDataset): DataSeries[] {
  const found = new Map<string, { labels: Record<string, string>; at: Map<number, Classic> }>();
  for (const { labels, samples = [], nhcb } of raw.series) {
    const match = /^(.*)_(bucket|count|sum)$/.exec(labels['__name__'] ?? '');
    if (nhcb !== true || match === null) continue;
    const { le, ...rest } = labels;
    const base: Record<string, string> = { ...rest, __name__: match[1]! };
    if (match[2] === 'bucket' && le === undefined) continue;
    const entry = found.get(seriesKey(base)) ?? { labels: base, at: new Map<number, Classic>() };
    found.set(seriesKey(base), entry);
    for (const [tMs, value] of samples) {
      const classic = entry.at.get(tMs) ?? { buckets: new Map(), count: undefined, sum: 0 };
      entry.at.set(tMs, classic);
      if (match[2] === 'bucket') classic.buckets.set(parseNumber(le!), parseNumber(value));
      else if (match[2] === 'count') classic.count = parseNumber(value);
      else classic.sum = parseNumber(value);
    }
  }
  return Array.from(found.values(), ({ labels, at }) => ({
    labels,
    samples: Array.from(at, ([tMs, classic]) => toCustom(tMs, classic))
      .filter((sample) => sample !== undefined)
      .toSorted((a, b) => a.tMs - b.tMs),
  }));
}

function toCustom(tMs: number, { buckets, count, sum }: Classic): DataSample | undefined {
  const bounds = Array.from(buckets.keys()).toSorted((a, b) => a - b);
  const total = count ?? buckets.get(bounds.at(-1) ?? Infinity) ?? 0;
  const cumulative = bounds.map((bound) => buckets.get(bound)!);
  if (bounds.at(-1) !== Infinity) {
    bounds.push(Infinity);
    cumulative.push(total);
  }
  const counts = cumulative.map((value, i) => value - (cumulative[i - 1] ?? 0));
  if (counts.some((value) => !(value >= 0))) return undefined;
  const value: Histogram = compactHistogram({
    isInteger: false,
    schema: CUSTOM_BUCKETS_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    count: total,
    sum,
    counterResetHint: COUNTER_RESET_HINT.unknown,
    positiveSpans: [{ offset: 0, length: counts.length }],
    positiveBuckets: Float64Array.from(counts),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: Float64Array.from(bounds.slice(0, -1)),
  });
  return { tMs, value, startMs: undefined };
}
