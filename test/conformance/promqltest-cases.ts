// The flat promqltest cases (../shared/corpora/promqltest) as question, answer and comparison. Who
// is asked is a parameter: the engine in this process or a server over HTTP; answers have the shape
// of Prometheus' JSON API.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Histogram } from '../../src/model/histogram.ts';
import { allBuckets } from '../../src/windows/histogram-layout.ts';
import { parseHistogram, parseNumber, parseValues } from './promqltest-data.ts';
import type { RawDataset } from './promqltest-data.ts';
import { sharedPath } from '../support/shared.ts';

export interface PromqlCase {
  readonly file: string;
  readonly line: number;
  readonly dataset: number;
  readonly type: 'instant' | 'range';
  readonly time_ms?: number;
  readonly start_ms?: number;
  readonly end_ms?: number;
  readonly step_ms?: number;
  readonly query: string;
  readonly ordered: boolean;
  readonly fail: boolean;
  readonly warn: boolean;
  readonly info: boolean;
  readonly scalar?: number | string;
  readonly string?: string;
  readonly expected: readonly ExpectedSeries[];
  readonly expects: readonly string[];
  readonly dataset_specials: readonly string[];
}

interface ExpectedSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value?: number | string;
  readonly spec?: string;
  readonly samples?: readonly (readonly [number, number | string])[];
}

/** A histogram in Prometheus' JSON: numbers as text, buckets as [kind, lower, upper, count]. */
export interface JsonHistogram {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly (readonly [number, string, string, string])[];
}

export interface JsonSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly histogram?: readonly [number, JsonHistogram];
  readonly values?: readonly (readonly [number, string])[];
  readonly histograms?: readonly (readonly [number, JsonHistogram])[];
}

export type JsonData =
  | { readonly resultType: 'vector' | 'matrix'; readonly result: readonly JsonSeries[] }
  | { readonly resultType: 'scalar' | 'string'; readonly result: readonly [number, string] };

/** An answer of `query` or `query_range`; `data` is there where status is 'success'. */
export interface JsonAnswer {
  readonly status: 'success' | 'error';
  readonly data?: JsonData;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** Times in milliseconds; stepMs 0 is an instant query at startMs. */
export interface AskParams {
  readonly dataset: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly delayedNameRemoval: boolean;
}

export type Ask = (query: string, params: AskParams) => Promise<JsonAnswer>;

export const SUITE = sharedPath('corpora/promqltest');

function readLines<T>(name: string): T[] {
  const text = readFileSync(join(SUITE.path, name), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

export function readCases(): PromqlCase[] {
  return readLines<PromqlCase>('flat-cases.jsonl');
}

export function readDatasets(): RawDataset[] {
  return readLines<RawDataset>('flat-datasets.jsonl');
}

export function caseName(one: PromqlCase): string {
  return `${one.file}:${one.line} ${one.query.replaceAll(/\s+/g, ' ')}`;
}

/** Files with cases that suppose metric names to be dropped at the end of a query. */
const DELAYED_NAME_FILES = new Set(['name_label_dropping.test', 'type_and_unit.test']);

/** Asks and compares. The reason of a failure in words; undefined = passed. */
export async function runCase(one: PromqlCase, ask: Ask): Promise<string | undefined> {
  const failure = await runWith(one, ask, false);
  if (failure === undefined || !DELAYED_NAME_FILES.has(one.file)) return failure;
  return (await runWith(one, ask, true)) === undefined ? undefined : failure;
}

async function runWith(
  one: PromqlCase,
  ask: Ask,
  delayedNameRemoval: boolean,
): Promise<string | undefined> {
  const isRange = one.type === 'range';
  const answer = await ask(one.query, {
    dataset: one.dataset,
    startMs: (isRange ? one.start_ms : one.time_ms) ?? 0,
    endMs: (isRange ? one.end_ms : one.time_ms) ?? 0,
    stepMs: isRange ? (one.step_ms ?? 0) : 0,
    delayedNameRemoval,
  });
  return compareFailure(one, answer) ?? compareNotes(one, answer) ?? compareData(one, answer);
}

/** `expect warn msg: …` and its like. */
interface Expectation {
  readonly type: string;
  readonly match: 'msg' | 'regex' | undefined;
  readonly text: string;
}

function parseExpect(line: string): Expectation {
  const parts = /^expect\s+(\S+)(?:\s+(msg|regex):\s*(.*))?$/.exec(line.trim());
  if (parts === null) return { type: line, match: undefined, text: '' };
  return {
    type: parts[1]!,
    match: parts[2] as Expectation['match'],
    text: parts[3] ?? '',
  };
}

function accepts({ match, text }: Expectation, message: string): boolean {
  if (match === undefined) return true;
  return match === 'msg' ? message === text : new RegExp(text).test(message);
}

function compareFailure(one: PromqlCase, answer: JsonAnswer): string | undefined {
  if (!one.fail) return answer.status === 'error' ? `refused: ${answer.error}` : undefined;
  if (answer.status !== 'error') return 'should be refused';
  for (const expectation of one.expects.map(parseExpect))
    if (expectation.type === 'fail' && !accepts(expectation, answer.error ?? ''))
      return `refused as "${answer.error}", not as "${expectation.text}"`;
  return undefined;
}

function compareNotes(one: PromqlCase, answer: JsonAnswer): string | undefined {
  const all = one.expects.map(parseExpect);
  for (const [type, given] of [
    ['warn', answer.warnings ?? []],
    ['info', answer.infos ?? []],
  ] as const) {
    const wanted = all.filter((expectation) => expectation.type === type);
    const none = all.some((expectation) => expectation.type === `no_${type}`);
    if (none && given.length > 0) return `unexpected ${type}: ${given.join(' | ')}`;
    const isWanted = wanted.length > 0 || one[type];
    if (isWanted && given.length === 0) return `expected ${type}: ${wanted[0]?.text ?? ''}`;
    for (const expectation of wanted)
      if (!given.some((message) => accepts(expectation, message)))
        return `expected ${type} "${expectation.text}", got ${given.join(' | ')}`;
    for (const message of isWanted ? given : [])
      if (wanted.length > 0 && !wanted.some((expectation) => accepts(expectation, message)))
        return `unexpected ${type}: ${message}`;
  }
  return undefined;
}

const TOLERANCE = 1e-6;

/** Relative equality; NaN equals NaN. */
function almostEqual(a: number, b: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  const diff = Math.abs(a - b);
  const scale = Math.min(Math.abs(a) + Math.abs(b), Number.MAX_VALUE);
  if (a === 0 || b === 0) return diff < 1e-300;
  return diff / scale < TOLERANCE;
}

function compareData(one: PromqlCase, answer: JsonAnswer): string | undefined {
  if (one.fail) return undefined;
  const { data } = answer;
  if (data === undefined) return 'no data';
  if (one.string !== undefined)
    return data.resultType === 'string' && data.result[1] === one.string
      ? undefined
      : `expected the string ${JSON.stringify(one.string)}`;
  if (one.scalar !== undefined && one.type === 'instant') {
    if (data.resultType !== 'scalar') return `expected a scalar, got ${data.resultType}`;
    const value = parseNumber(data.result[1]);
    return almostEqual(value, parseNumber(one.scalar))
      ? undefined
      : `expected ${one.scalar}, got ${value}`;
  }
  if (isSeries(data)) return compareSeries(one, data.result);
  return `expected series, got ${data.resultType}`;
}

type SeriesData = Extract<JsonData, { readonly result: readonly JsonSeries[] }>;

function isSeries(data: JsonData): data is SeriesData {
  return data.resultType === 'vector' || data.resultType === 'matrix';
}

/** A label with an empty value is no label. */
function labelsText(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels).filter(([, value]) => value !== '');
  return JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function compareSeries(one: PromqlCase, given: readonly JsonSeries[]): string | undefined {
  const byLabels = new Map(given.map((series) => [labelsText(series.metric), series]));
  if (byLabels.size !== given.length) return 'two series with the same labels';
  for (const [i, expected] of one.expected.entries()) {
    const text = labelsText(expected.labels);
    const series = byLabels.get(text);
    if (series === undefined) return `missing ${text}; got ${summary(given)}`;
    if (one.ordered && labelsText(given[i]!.metric) !== text) return `order: ${text} at ${i}`;
    const problem =
      one.type === 'instant'
        ? compareInstant(expected, series)
        : compareRange(one, expected, series);
    if (problem !== undefined) return `${text}: ${problem}`;
  }
  if (given.length !== one.expected.length) return `too many series: ${summary(given)}`;
  return undefined;
}

function summary(given: readonly JsonSeries[]): string {
  return JSON.stringify(given.slice(0, 5)).slice(0, 400);
}

function compareInstant(expected: ExpectedSeries, series: JsonSeries): string | undefined {
  if (expected.spec !== undefined) {
    if (series.histogram === undefined) return `expected ${expected.spec}, got a float`;
    return compareHistogram(parseHistogram(expected.spec), series.histogram[1]);
  }
  if (series.value === undefined) return `expected ${expected.value}, got a histogram`;
  const value = parseNumber(series.value[1]);
  return almostEqual(value, parseNumber(expected.value ?? Number.NaN))
    ? undefined
    : `expected ${expected.value}, got ${value}`;
}

function compareRange(
  one: PromqlCase,
  expected: ExpectedSeries,
  series: JsonSeries,
): string | undefined {
  if (expected.spec !== undefined) return compareMixedRange(one, expected.spec, series);
  const samples = expected.samples ?? [];
  const values = series.values ?? [];
  if (values.length !== samples.length || series.histograms !== undefined)
    return `expected ${samples.length} samples, got ${JSON.stringify(values).slice(0, 300)}`;
  for (const [i, [tMs, wanted]] of samples.entries()) {
    const [seconds, text] = values[i]!;
    if (Math.round(seconds * 1000) !== tMs) return `expected a sample at ${tMs}, got ${seconds}`;
    if (!almostEqual(parseNumber(text), parseNumber(wanted)))
      return `at ${tMs}: expected ${wanted}, got ${text}`;
  }
  return undefined;
}

/** An expectation with histograms comes as text, one value a step. */
function compareMixedRange(one: PromqlCase, spec: string, series: JsonSeries): string | undefined {
  const wanted = new Map<number, number | Histogram>();
  for (const [i, value] of parseValues(spec).entries())
    if (value !== undefined && value !== 'stale')
      wanted.set((one.start_ms ?? 0) + i * (one.step_ms ?? 0), value);
  const values = new Map(
    series.values?.map(([seconds, text]) => [Math.round(seconds * 1000), text]),
  );
  const histograms = new Map(
    series.histograms?.map(([seconds, h]) => [Math.round(seconds * 1000), h]),
  );
  if (values.size + histograms.size !== wanted.size)
    return `expected ${wanted.size} samples, got ${values.size + histograms.size}`;
  for (const [tMs, value] of wanted) {
    const text = values.get(tMs);
    const histogram = histograms.get(tMs);
    if (typeof value === 'number') {
      if (text === undefined || !almostEqual(parseNumber(text), value))
        return `at ${tMs}: expected ${value}, got ${text}`;
    } else if (histogram === undefined) return `at ${tMs}: expected a histogram`;
    else {
      const problem = compareHistogram(value, histogram);
      if (problem !== undefined) return `at ${tMs}: ${problem}`;
    }
  }
  return undefined;
}

export function histogramToJson(h: Histogram): JsonHistogram {
  const buckets = allBuckets(h)
    .filter(({ count }) => count !== 0)
    .map(({ lower, upper, count, lowerInclusive, upperInclusive }) => {
      const kind = lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2;
      return [kind, String(lower), String(upper), String(count)] as const;
    });
  const totals = { count: String(h.count), sum: String(h.sum) };
  return buckets.length === 0 ? totals : { ...totals, buckets };
}

function differs(a: string, b: string): boolean {
  return !almostEqual(parseNumber(a), parseNumber(b));
}

function compareHistogram(expected: Histogram, given: JsonHistogram): string | undefined {
  const wanted = histogramToJson(expected);
  if (differs(wanted.count, given.count)) return `count ${given.count}, expected ${wanted.count}`;
  if (differs(wanted.sum, given.sum)) return `sum ${given.sum}, expected ${wanted.sum}`;
  const left = wanted.buckets ?? [];
  const right = given.buckets ?? [];
  const isSame =
    left.length === right.length &&
    left.every((bucket, i) => {
      const other = right[i]!;
      return (
        bucket[0] === other[0] && [1, 2, 3].every((at) => !differs(`${bucket[at]}`, `${other[at]}`))
      );
    });
  return isSame
    ? undefined
    : `buckets ${JSON.stringify(right)}, expected ${JSON.stringify(left)}`.slice(0, 600);
}
