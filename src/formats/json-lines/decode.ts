// JSON lines → rows: VictoriaMetrics' import form and our exact form (told by its "kind"). Layout:
// docs/protocols/json-lines.md. A line is refused as a whole; good lines around it are kept. Lines
// are parsed by JSON.parse: this is the format of exports and migrations, not of agents.
import { decodeUtf8 } from '../../codec/utf8.ts';
import type { Kind, Points, PositionColumns } from '../../model/columns.ts';
import { KIND, KIND_NAMES } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { SERIES_LABELS_MAX, T_US_MAX } from '../limits.ts';
import { ScanErrors } from '../scan-errors.ts';
import { histogramOf } from './histogram-json.ts';
import { writeFloat } from './float-json.ts';

const LF = 10;

type JsonObject = Readonly<Record<string, unknown>>;

/** A reason why a line is refused; thrown and caught inside this file only. */
class LineProblem extends Error {}

function refuse(reason: string): never {
  throw new LineProblem(reason);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(line: JsonObject, name: string): readonly unknown[] {
  const value = line[name];
  return Array.isArray(value) ? value : refuse(`"${name}" must be an array`);
}

function pairsOf(metric: unknown): string[] {
  if (!isObject(metric)) return refuse('"metric" must be an object');
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(metric)) {
    if (typeof value !== 'string') return refuse(`label '${name}' must be a string`);
    if (name === '') return refuse('a label has an empty name');
    pairs.push(name, value);
    if (pairs.length > SERIES_LABELS_MAX * 2) refuse(`more than ${SERIES_LABELS_MAX} labels`);
  }
  return pairs.length === 0 ? refuse('"metric" has no labels') : pairs;
}

function times(values: readonly unknown[], unitUs: number): Float64Array {
  const out = new Float64Array(values.length);
  for (const [i, value] of values.entries()) {
    const tUs = Number.isInteger(value) ? (value as number) * unitUs : Number.NaN;
    if (!(Math.abs(tUs) <= T_US_MAX)) refuse(`timestamp ${i + 1} must be an integer in range`);
    out[i] = tUs;
  }
  return out;
}

function wide(values: readonly unknown[], into: BigInt64Array | BigUint64Array): void {
  for (const [i, value] of values.entries()) {
    const isText = typeof value === 'string' && /^-?\d{1,20}$/.test(value);
    const number = isText ? BigInt(value) : refuse(`value ${i + 1} must be digits in a string`);
    into[i] = number;
    if (into[i] !== number) refuse(`value ${i + 1} does not fit`);
  }
}

/** Values of a kind as the column that Points wants. */
function valuesOf(kind: Kind, values: readonly unknown[]): Points['values'] {
  const { length } = values;
  if (kind === KIND.f64) {
    const words = new Int32Array(length * 2);
    for (const [i, value] of values.entries())
      if (!writeFloat(value, words, i)) refuse(`value ${i + 1} is no number`);
    return new Float64Array(words.buffer);
  }
  if (kind === KIND.i64 || kind === KIND.u64) {
    const out = kind === KIND.i64 ? new BigInt64Array(length) : new BigUint64Array(length);
    wide(values, out);
    return out;
  }
  if (kind === KIND.boolean)
    return Uint8Array.from(values, (value, i) =>
      typeof value === 'boolean' ? Number(value) : refuse(`value ${i + 1} must be true or false`),
    );
  if (kind === KIND.string)
    return values.map((value, i) =>
      typeof value === 'string' && value.isWellFormed()
        ? value
        : refuse(`value ${i + 1} must be a string of valid Unicode`),
    );
  return values.map((value, i): Histogram => {
    const histogram = isObject(value) ? histogramOf(value) : undefined;
    return histogram ?? refuse(`value ${i + 1} is no histogram`);
  });
}

/** An optional column: null is NaN. undefined where the line has none. */
function companion(line: JsonObject, name: string, count: number): Float64Array | undefined {
  if (line[name] === undefined) return undefined;
  const values = list(line, name);
  if (values.length !== count) refuse(`"${name}" must be as long as "values"`);
  return Float64Array.from(values, (value, i) => {
    if (value === null) return Number.NaN;
    return typeof value === 'number' ? value : refuse(`"${name}" ${i + 1} is no number`);
  });
}

function positionOf(line: JsonObject, count: number): PositionColumns | undefined {
  const latitude = companion(line, 'latitude', count);
  const longitude = companion(line, 'longitude', count);
  const elevation = companion(line, 'elevation', count);
  if (latitude === undefined || longitude === undefined)
    return elevation === undefined && latitude === longitude
      ? undefined
      : refuse('a position needs "latitude" and "longitude"');
  return { latitude, longitude, elevation: elevation ?? new Float64Array(count).fill(Number.NaN) };
}

function subNsOf(line: JsonObject, count: number): Uint16Array | undefined {
  const values = companion(line, 'subNs', count);
  if (values === undefined) return undefined;
  if (!values.every((value) => Number.isInteger(value) && value >= 0 && value <= 999))
    refuse('"subNs" must be integers from 0 to 999');
  return Uint16Array.from(values);
}

/** The samples of a line, for a series whose ref is still to come. */
function samplesOf(line: JsonObject): Omit<Points, 'refs'> {
  const isExact = line['kind'] !== undefined;
  const kind = isExact ? KIND_NAMES.findIndex((name) => name === line['kind']) : KIND.f64;
  if (kind < 0) refuse('"kind" is none of f64, i64, u64, boolean, string, histogram');
  const values = list(line, 'values');
  const tUs = isExact
    ? times(list(line, 'timestampsUs'), 1)
    : times(list(line, 'timestamps'), 1000);
  const count = values.length;
  if (tUs.length !== count) refuse(`${count} values but ${tUs.length} timestamps`);
  const companions = isExact
    ? {
        subNs: subNsOf(line, count),
        startUs: companion(line, 'startUs', count),
        position: positionOf(line, count),
      }
    : { subNs: undefined, startUs: undefined, position: undefined };
  // The kind decides the type of the column; the compiler cannot see that valuesOf keeps to it.
  return {
    kind,
    count,
    tUs,
    rows: undefined,
    values: valuesOf(kind as Kind, values),
    ...companions,
  } as Omit<Points, 'refs'>;
}

function parseLine(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return refuse(`not JSON: ${error.message}`);
    throw error;
  }
  return isObject(value) ? value : refuse('not a JSON object');
}

interface LineReader {
  readonly body: Uint8Array;
  readonly dictionary: RowDictionary;
  readonly sink: RowSink;
}

/** Reads the line [start, end); the number of its points. Throws LineProblem. */
function readLine(reader: LineReader, start: number, end: number): number {
  const { body, dictionary, sink } = reader;
  const text = decodeUtf8(body, start, end);
  if (text === undefined) return refuse('not valid UTF-8');
  const line = parseLine(text);
  const pairs = pairsOf(line['metric']);
  const samples = samplesOf(line);
  if (samples.count === 0) return 0;
  const keyEnd = metricEnd(body, start, end);
  let ref = dictionary.find(body, start, keyEnd, keyEnd, keyEnd);
  if (ref === ROW_UNKNOWN) {
    const key = { bytes: body, start, end: keyEnd, start2: keyEnd, end2: keyEnd };
    ref = dictionary.add(key, pairs, undefined);
  }
  if (ref === REF_REFUSED) return refuse(dictionary.refusal());
  const refs = new Uint32Array(samples.count).fill(ref);
  sink.points({ ...samples, refs } as Points);
  return samples.count;
}

const METRIC_PREFIX = new TextEncoder().encode('{"metric":{');

/** End of the bytes that name the series: the metric object where it leads, else the whole line. */
function metricEnd(body: Uint8Array, start: number, end: number): number {
  for (const [i, byte] of METRIC_PREFIX.entries())
    if (start + i >= end || body[start + i] !== byte) return end;
  for (let i = start + METRIC_PREFIX.length; i < end; i++) {
    const byte = body[i]!;
    if (byte === 125) return i + 1;
    if (byte !== 34) continue;
    for (i++; i < end && body[i] !== 34; i++) if (body[i] === 92) i++;
  }
  return end;
}

/** Scans `body` up to `end`. Never throws for what a client sent. */
export function scanJsonLines(
  body: Uint8Array,
  end: number,
  dictionary: RowDictionary,
  sink: RowSink,
): ScanResult {
  const errors = new ScanErrors();
  const reader: LineReader = { body, dictionary, sink };
  let rowCount = 0;
  let pointCount = 0;
  let lineNumber = 0;
  for (let at = 0; at < end;) {
    const found = body.indexOf(LF, at);
    const stop = found < 0 || found > end ? end : found;
    lineNumber++;
    let start = at;
    while (start < stop && (body[start] === 32 || body[start] === 9 || body[start] === 13)) start++;
    at = stop + 1;
    if (start === stop) continue;
    rowCount++;
    try {
      pointCount += readLine(reader, start, stop);
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error;
      errors.add(lineNumber, -1, error.message);
    }
  }
  return { rowCount, pointCount, errorCount: errors.count, errors: errors.list };
}
