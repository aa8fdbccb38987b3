// The JSON of collectd's write_http: an array of value lists → rows, one for each data source of a
// list. The series is what InfluxDB makes of collectd's values, with the plugin as one more label,
// so that the list can be told from it (docs/protocols/collectd.md). A list is refused as a whole;
// good ones around it are kept. Parsed by JSON.parse: a body holds some kilobytes.
// Source: collectd 5.12 src/utils/format_json/format_json.c.
import { decodeUtf8 } from '../../codec/utf8.ts';
import { KIND } from '../../model/columns.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { BLOCK_POINTS, PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowSink, ScanResult } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { isNestedDeeper } from '../json-depth.ts';
import { COLLECTD_SOURCES_MAX, JSON_DEPTH_MAX, T_US_MAX } from '../limits.ts';
import { ScanErrors } from '../scan-errors.ts';

export interface ValueListsResult extends ScanResult {
  /** Why the body as a whole is none; '' where it is one. */
  readonly malformed: string;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** A reason why a list is refused; thrown and caught inside this file only. */
class ListProblem extends Error {}

function refuse(reason: string): never {
  throw new ListProblem(reason);
}

/** Scans are synchronous and begin with an empty one, so one serves them all. */
const sharedBlock = new PointBlock();
const encoder = new TextEncoder();

const U64_MAX = 2n ** 64n - 1n;
const I64_MAX = 2n ** 63n - 1n;
const I64_MIN = -(2n ** 63n);

/** null: collectd has no value yet. A bigint is a whole number that no double equals. */
type Sample = number | bigint | null;

/** Whole numbers beyond doubles keep their digits. */
function exactNumbers(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  if (!/^-?\d{1,20}$/.test(source)) return value;
  const whole = BigInt(source);
  return BigInt(value) === whole ? value : whole;
}

function text(list: JsonObject, name: string): string {
  const value = list[name] ?? '';
  if (typeof value !== 'string') return refuse(`"${name}" must be a string`);
  return value.isWellFormed() ? value : refuse(`"${name}" is not valid Unicode`);
}

function needed(list: JsonObject, name: string): string {
  const value = text(list, name);
  return value === '' ? refuse(`"${name}" is empty`) : value;
}

function sampleOf(value: unknown): Sample {
  if (value === null || typeof value === 'number') return value;
  if (typeof value !== 'bigint') return refuse('a value must be a number or null');
  return value < I64_MIN || value > U64_MAX ? refuse('a value does not fit into 64 bits') : value;
}

function timeUs(list: JsonObject): number {
  const { time } = list;
  if (typeof time !== 'number') return refuse('"time" must be seconds since 1970');
  // Three decimals are what collectd writes: exact, also where a double has no microseconds left.
  const tMs = Math.round(time * 1000);
  const tUs = tMs / 1000 === time ? tMs * 1000 : Math.round(time * 1e6);
  return Math.abs(tUs) <= T_US_MAX ? tUs : refuse('"time" must be seconds since 1970');
}

interface ValueList {
  readonly tUs: number;
  readonly samples: readonly Sample[];
  readonly sources: readonly string[];
  /** Of all its series, but for the name. */
  readonly labels: readonly string[];
  readonly plugin: string;
}

/** Checks all of it before a value of it is stored. */
function valueListOf(list: JsonObject): ValueList {
  const { values, dsnames } = list;
  if (!Array.isArray(values) || values.length === 0) return refuse('"values" must be an array');
  if (values.length > COLLECTD_SOURCES_MAX)
    return refuse(`more than ${COLLECTD_SOURCES_MAX} values in a list`);
  if (!Array.isArray(dsnames) || dsnames.length !== values.length)
    return refuse('"dsnames" must be as long as "values"');
  const sources = dsnames.map((name: unknown) =>
    typeof name === 'string' && name !== '' && name.isWellFormed()
      ? name
      : refuse('"dsnames" must be strings'),
  );
  if (new Set(sources).size !== sources.length) return refuse('two data sources of one name');
  const plugin = needed(list, 'plugin');
  const labels = ['host', needed(list, 'host'), 'plugin', plugin, 'type', needed(list, 'type')];
  // An empty label is the same as none.
  labels.push('instance', text(list, 'plugin_instance'));
  labels.push('type_instance', text(list, 'type_instance'));
  return { tUs: timeUs(list), samples: values.map(sampleOf), sources, labels, plugin };
}

class ListReader {
  readonly errors = new ScanErrors();
  rowCount = 0;
  pointCount = 0;
  readonly #dictionary: RowDictionary;
  readonly #sink: RowSink;
  constructor(dictionary: RowDictionary, sink: RowSink) {
    this.#dictionary = dictionary;
    this.#sink = sink;
    sharedBlock.count = 0;
  }

  /** Stores what a list says; counted from 1. */
  read(list: unknown, number: number): void {
    this.rowCount++;
    try {
      if (typeof list !== 'object' || list === null || Array.isArray(list))
        return refuse('not an object');
      this.#store(valueListOf(list as JsonObject));
    } catch (error) {
      if (!(error instanceof ListProblem)) throw error;
      this.errors.add(number, -1, error.message);
    }
  }

  #store({ tUs, samples, sources, labels, plugin }: ValueList): void {
    const refs = samples.map((sample, i) =>
      sample === null ? undefined : this.#ref([METRIC_NAME, `${plugin}_${sources[i]}`, ...labels]),
    );
    for (const [i, sample] of samples.entries()) {
      const ref = refs[i];
      if (sample === null || ref === undefined) continue;
      if (sharedBlock.count === BLOCK_POINTS) sharedBlock.flush(this.#sink);
      const slot = sharedBlock.count++;
      sharedBlock.refs[slot] = ref;
      sharedBlock.tUs[slot] = tUs;
      sharedBlock.subNs[slot] = 0;
      if (typeof sample === 'number') {
        sharedBlock.kinds[slot] = KIND.f64;
        sharedBlock.values[slot] = sample;
      } else {
        sharedBlock.kinds[slot] = sample > I64_MAX ? KIND.u64 : KIND.i64;
        sharedBlock.words[slot * 2] = Number(BigInt.asIntN(32, sample));
        sharedBlock.words[slot * 2 + 1] = Number(BigInt.asIntN(32, sample >> 32n));
      }
      this.pointCount++;
    }
  }

  #ref(pairs: readonly string[]): number {
    const bytes = encoder.encode(JSON.stringify(pairs));
    const end = bytes.length;
    let ref = this.#dictionary.find(bytes, 0, end, end, end);
    if (ref === ROW_UNKNOWN) {
      const key = { bytes, start: 0, end, start2: end, end2: end };
      ref = this.#dictionary.add(key, pairs, undefined);
    }
    return ref === REF_REFUSED ? refuse(this.#dictionary.refusal()) : ref;
  }
}

function parse(body: string): unknown {
  if (isNestedDeeper(body, JSON_DEPTH_MAX))
    return new SyntaxError(`values in each other more than ${JSON_DEPTH_MAX} deep`);
  try {
    return JSON.parse(body, exactNumbers) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}

/** Scans `body` up to `end`. Never throws for what a client sent. */
export function scanValueLists(
  body: Uint8Array,
  end: number,
  dictionary: RowDictionary,
  sink: RowSink,
): ValueListsResult {
  const reader = new ListReader(dictionary, sink);
  const json = decodeUtf8(body, 0, end);
  const lists = json === undefined ? undefined : parse(json);
  let malformed = '';
  if (json === undefined) malformed = 'not valid UTF-8';
  else if (lists instanceof SyntaxError) malformed = `not JSON: ${lists.message}`;
  else if (!Array.isArray(lists)) malformed = 'the JSON must be an array of value lists';
  else for (const [i, list] of lists.entries()) reader.read(list, i + 1);
  sharedBlock.flush(sink);
  const { rowCount, pointCount, errors } = reader;
  return { rowCount, pointCount, errorCount: errors.count, errors: errors.list, malformed };
}
