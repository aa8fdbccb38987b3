// What the writers of an engine run send and what its readers make of the answers, in the terms of
// the oracle: a lane is a writer, a point's value is a text that names its kind, so that a value of
// the wrong kind is a wrong value. Exemplars are points beside their series, metadata a point of
// its own.
import { BatchBuilder } from '../../src/model/batch-builder.ts';
import { ALL_KINDS, KIND, KIND_NAMES, NUMERIC_KINDS } from '../../src/model/columns.ts';
import type { Samples, WriteBatch } from '../../src/model/columns.ts';
import { COUNTER_RESET_HINT } from '../../src/model/histogram.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { labelsFromObject, labelValue, NO_LABELS } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { DeleteRequest, Pin, ReadContext, Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { randomInt, randomUnit } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { BESIDE, laneOf, pointKey } from '../support/write-oracle.ts';
import type {
  DeleteOperation,
  Operation,
  PointValue,
  ReadBack,
  WritePoint,
} from '../support/write-oracle.ts';

export const LANES = 3;
const TENANTS = ['default', 'other'] as const;
const SERIES_PER_LANE = 3;
const POINTS_PER_WRITE_MAX = 8;
const METADATA_TYPES = ['counter', 'gauge'] as const;
const DAY_US = 86_400_000_000;
const FOREVER = { startUs: -1e17, endUs: 1e17 };

/** What times and batches of one seed look like. */
export interface Shape {
  /** Times are baseUs + k * stepUs for k below timeCount. */
  readonly baseUs: number;
  readonly stepUs: number;
  readonly timeCount: number;
  readonly withNanoseconds: boolean;
  readonly deleteShare: number;
  /** Most points come in order; 0: none do. */
  readonly orderShare: number;
}

export function drawShape(prng: Prng): Shape {
  return {
    baseUs: [0, -5_000_000, 1_700_000_000_000_000][randomInt(prng, 3)]!,
    stepUs: [1000, 15_000_000, 5 * DAY_US][randomInt(prng, 3)]!,
    timeCount: [12, 25, 60][randomInt(prng, 3)]!,
    withNanoseconds: randomInt(prng, 4) === 0,
    deleteShare: [0.05, 0.12, 0.25][randomInt(prng, 3)]!,
    orderShare: [0, 0.5, 0.9][randomInt(prng, 3)]!,
  };
}

export function tenantOf(lane: number): string {
  return TENANTS[lane % TENANTS.length]!;
}

/** Draws operations of one lane; remembers where it is in time and which numbers were used. */
export class OperationSource {
  readonly #prng: Prng;
  readonly #shape: Shape;
  readonly #lane: number;
  #count = 0;
  #next = 0;

  constructor(prng: Prng, shape: Shape, lane: number) {
    this.#prng = prng;
    this.#shape = shape;
    this.#lane = lane;
  }

  next(): Operation {
    const prng = this.#prng;
    if (randomUnit(prng) < this.#shape.deleteShare) return this.delete();
    const points: WritePoint[] = [];
    for (let i = randomInt(prng, POINTS_PER_WRITE_MAX); i >= 0; i--) points.push(this.#point());
    if (randomInt(prng, 6) === 0) {
      const value = `exemplar ${this.#number()}`;
      points.push({ series: this.#series() + BESIDE, t: this.#time(), value });
    }
    if (randomInt(prng, 10) === 0)
      points.push({ series: `${this.#lane}/metadata`, t: 0, value: `metadata ${this.#number()}` });
    return { kind: 'write', points };
  }

  delete(): DeleteOperation {
    const { baseUs, stepUs, timeCount } = this.#shape;
    const start = baseUs + randomInt(this.#prng, timeCount) * stepUs;
    const end = start + randomInt(this.#prng, Math.ceil(timeCount / 3)) * stepUs;
    return { kind: 'delete', series: this.#series(), start, end };
  }

  #series(): string {
    return `${this.#lane}/${randomInt(this.#prng, SERIES_PER_LANE)}`;
  }

  #number(): number {
    return this.#lane + LANES * this.#count++;
  }

  #time(): number {
    const { baseUs, stepUs, timeCount, withNanoseconds, orderShare } = this.#shape;
    const prng = this.#prng;
    const k = randomUnit(prng) < orderShare ? this.#next++ % timeCount : randomInt(prng, timeCount);
    const fine = withNanoseconds && randomInt(prng, 2) === 0 ? 0.5 : 0;
    return baseUs + k * stepUs + fine;
  }

  #point(): WritePoint {
    const n = this.#number();
    const kind = KIND_NAMES[randomInt(this.#prng, 3) === 0 ? randomInt(this.#prng, 6) : 0]!;
    const value = kind === 'f64' && n % 4 === 0 ? n / 8 : kind === 'boolean' ? n % 2 : n;
    return { series: this.#series(), t: this.#time(), value: `${kind} ${value}` };
  }
}

/** All seeds have the same few series and times: what a text of them is, is worked out once. */
const knownLabels = new Map<string, readonly string[]>();
const knownKeys = new Map<string, Map<number, string>>();

function labelsOf(series: string): readonly string[] {
  let labels = knownLabels.get(series);
  if (labels === undefined) {
    const [lane, index] = series.replace(BESIDE, '').split('/');
    labels = labelsFromObject({ __name__: 'sim', lane: lane!, index: index! });
    knownLabels.set(series, labels);
  }
  // Each time another array, as labels of requests are.
  return [...labels];
}

function keyOf(series: string, t: number): string {
  let keys = knownKeys.get(series);
  if (keys === undefined) knownKeys.set(series, (keys = new Map()));
  let key = keys.get(t);
  if (key === undefined) keys.set(t, (key = pointKey(series, t)));
  return key;
}

function histogramOf(n: number): Histogram {
  return {
    isInteger: true,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: n,
    sum: n,
    counterResetHint: COUNTER_RESET_HINT.unknown,
    positiveSpans: [{ offset: n % 3, length: 1 }],
    positiveBuckets: new Float64Array([n]),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  };
}

export function batchOf(storage: Storage, lane: number, points: readonly WritePoint[]): WriteBatch {
  const builder = new BatchBuilder();
  for (const { series, t, value } of points) {
    const [kind, text] = String(value).split(' ');
    const n = Number(text);
    const tUs = Math.floor(t);
    const subNs = t === tUs ? 0 : 500;
    if (kind === 'metadata') {
      const type = METADATA_TYPES[n % 2]!;
      builder.metadata({ family: `sim_${lane}`, type, unit: '', help: text! });
      continue;
    }
    const ref = storage.resolve(tenantOf(lane), labelsOf(series));
    if (kind === 'exemplar') builder.exemplar({ ref, labels: NO_LABELS, tUs, subNs, value: n });
    else if (kind === 'f64') builder.f64(ref, tUs, subNs, n);
    else if (kind === 'i64') builder.i64(ref, tUs, subNs, n, 0);
    else if (kind === 'u64') builder.u64(ref, tUs, subNs, n, 0);
    else if (kind === 'boolean') builder.boolean(ref, tUs, subNs, n === 1);
    else if (kind === 'string') builder.string(ref, tUs, subNs, text!);
    else builder.histogram(ref, tUs, subNs, histogramOf(n));
  }
  return builder.finish();
}

export function deleteOf(operation: DeleteOperation, dryRun: boolean): DeleteRequest {
  const [lane, index] = operation.series.split('/');
  const matchers = [
    matcher('__name__', '=', 'sim'),
    matcher('lane', '=', lane!),
    matcher('index', '=', index!),
  ];
  return { matchers, startUs: operation.start, endUs: operation.end, dryRun };
}

/** A histogram that is not wholly the one of its count says so. */
function histogramText(histogram: Histogram): string {
  const { count, sum, positiveBuckets, positiveSpans } = histogram;
  const isWhole =
    sum === count && positiveBuckets[0] === count && positiveSpans[0]?.offset === count % 3;
  return isWhole ? String(count) : `${count} with sum ${sum} and other buckets`;
}

function valueText(samples: Samples, i: number): PointValue {
  const name = KIND_NAMES[samples.kind];
  if (samples.kind === KIND.histogram) return `${name} ${histogramText(samples.values[i]!)}`;
  return `${name} ${samples.values[i]}`;
}

/** A read that breaks the contract by itself. */
export class ReadViolation extends Error {}

interface Reading {
  readonly storage: Storage;
  readonly context: ReadContext;
  readonly out: Map<string, Map<string, PointValue>>;
}

function readContext(tenant: string, pin: Pin): ReadContext {
  return {
    principal: openPrincipal(tenant),
    pin,
    signal: new AbortController().signal,
    budget: { take: () => undefined, give: () => undefined },
  };
}

function pointsOf({ out }: Reading, series: string): Map<string, PointValue> {
  const lane = laneOf(series);
  let points = out.get(lane);
  if (points === undefined) out.set(lane, (points = new Map()));
  return points;
}

function seriesOf(labels: readonly string[]): string {
  return `${labelValue(labels, 'lane')}/${labelValue(labels, 'index')}`;
}

async function readPoints(reading: Reading): Promise<void> {
  const request = { matchers: [], ...FOREVER, kinds: ALL_KINDS };
  for await (const { labels, chunks } of reading.storage.select(reading.context, request)) {
    const series = seriesOf(labels);
    const points = pointsOf(reading, series);
    let last = Number.NEGATIVE_INFINITY;
    for (const chunk of chunks) {
      if (chunk.count === 0) throw new ReadViolation(`${series} has an empty chunk`);
      for (let i = 0; i < chunk.count; i++) {
        const t = chunk.tUs[i]! + (chunk.subNs?.[i] ?? 0) / 1000;
        if (t <= last) throw new ReadViolation(`${series} has ${t} after ${last}`);
        last = t;
        points.set(keyOf(series, t), valueText(chunk, i));
      }
    }
    if (chunks.length === 0) throw new ReadViolation(`${series} has no chunk`);
  }
}

async function readBeside(reading: Reading): Promise<void> {
  const { storage, context } = reading;
  const all = await storage.exemplars(context, { matchers: [], ...FOREVER });
  for (const { labels, exemplars } of all) {
    const series = seriesOf(labels) + BESIDE;
    for (const { tUs, subNs, value } of exemplars)
      pointsOf(reading, series).set(keyOf(series, tUs + subNs / 1000), `exemplar ${value}`);
  }
  for (const row of await storage.metadata(context, { family: undefined, limit: 0 })) {
    const isWhole = row.type === METADATA_TYPES[Number(row.help) % 2];
    const value = isWhole ? `metadata ${row.help}` : `metadata ${row.help} of type ${row.type}`;
    const series = `${row.family.slice('sim_'.length)}/metadata`;
    pointsOf(reading, series).set(keyOf(series, 0), value);
  }
}

/** Everything a pin shows of every tenant. */
export async function readAll(storage: Storage, pin: Pin): Promise<ReadBack> {
  const out = new Map<string, Map<string, PointValue>>();
  for (const tenant of TENANTS) {
    const reading = { storage, context: readContext(tenant, pin), out };
    await readPoints(reading);
    await readBeside(reading);
  }
  return out;
}

/** Names, counts and series under the same pin must say what the points said. */
export async function checkQueries(storage: Storage, pin: Pin, found: ReadBack): Promise<void> {
  for (const [i, tenant] of TENANTS.entries()) {
    const context = readContext(tenant, pin);
    const series = new Map<string, number>();
    for (const [lane, points] of found)
      if (Number(lane) % TENANTS.length === i)
        for (const [key, value] of points) {
          const name = key.slice(0, key.indexOf(' at '));
          if (name.includes(BESIDE) || name.endsWith('metadata')) continue;
          const isNumber = !/^(string|histogram)/.test(String(value));
          series.set(name, (series.get(name) ?? 0) + (isNumber ? 1 : 0));
        }
    await checkNames(storage, context, [...series.keys()].toSorted());
    await checkCounts(storage, context, series);
  }
}

function need(what: string, actual: unknown, expected: unknown): void {
  const [shown, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (shown !== wanted) throw new ReadViolation(`${what}: ${shown}, the points say ${wanted}`);
}

async function checkNames(
  storage: Storage,
  context: ReadContext,
  series: readonly string[],
): Promise<void> {
  const selector = { matchers: [], ...FOREVER, limit: 0 };
  const listed = await storage.series(context, selector);
  need('series', listed.map(seriesOf).toSorted(), series);
  const lanes = [...new Set(series.map(laneOf))].toSorted();
  need('label values', await storage.labelValues(context, 'lane', selector), lanes);
  const names = series.length === 0 ? [] : ['__name__', 'index', 'lane'];
  need('label names', await storage.labelNames(context, selector), names);
}

async function checkCounts(
  storage: Storage,
  context: ReadContext,
  series: ReadonlyMap<string, number>,
): Promise<void> {
  const byLane = new Map<string, number>();
  for (const [name, count] of series)
    if (count > 0) byLane.set(laneOf(name), (byLane.get(laneOf(name)) ?? 0) + count);
  const result = await storage.runLeaf(context, {
    matchers: [],
    startUs: 2e15,
    endUs: 2e15,
    stepUs: 0,
    windowUs: 4e15,
    lookbackUs: 0,
    bounds: 'closed',
    kernel: 'count',
    args: [],
    grouping: { aggregation: 'sum', mode: 'by', labels: ['lane'] },
    kinds: NUMERIC_KINDS,
  });
  const counts = result.groups.map(({ labels, values }) => [labelValue(labels, 'lane'), values[0]]);
  const lanes = [...byLane.keys()].toSorted();
  need(
    'counts',
    counts,
    lanes.map((lane) => [lane, byLane.get(lane)]),
  );
}
