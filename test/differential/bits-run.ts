// How many bits apart the answers of Orrery and of the newest Prometheus are: each function of
// windows, each aggregation and each function of numbers, over values that round in every addition.
// Windows that overlap little and those that overlap much (src/windows/limits.ts) are told apart.
// Not about names, annotations or what answers at all: random-run.ts asks for that.
import assert from 'node:assert/strict';
import { IN_ORDER_WINDOWS_MAX } from '../../src/windows/limits.ts';
import { randomInt, randomUnit, seededPrng } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { ask, seriesIn } from '../support/prom-compare.ts';
import type { PromSeries } from '../support/prom-compare.ts';
import { startBoth } from './reference.ts';
import type { BothServers } from './reference.ts';
import { writeWalks } from './remote-write.ts';
import { nativeWalkOf } from './sample-walks.ts';
import type { NativeWalk, Walk } from './sample-walks.ts';

const SAMPLES = 240;
const STEP_MS = 15_000;
const SERIES_PER_SHAPE = 6;

/** Steps between the bits of doubles of the same sign, as far as this is counted. */
export const DISTANCE_MAX = 1e6;

/** What values look like: the next one, given the one before. */
const SHAPES: Readonly<Record<string, (prng: Prng, before: number) => number>> = {
  decimals: (prng) => (randomInt(prng, 2_000_001) - 1_000_000) / 100,
  walk: (prng, before) => Math.round((before + randomInt(prng, 201) / 100 - 1) * 100) / 100,
  counter: (prng, before) => (randomInt(prng, 80) === 0 ? 0 : before + randomInt(prng, 50) * 0.001),
  whole: (prng) => randomInt(prng, 4000),
  far: (prng) => 1e9 + randomUnit(prng),
  scattered: (prng) => (randomUnit(prng) - 0.5) * 10 ** (randomInt(prng, 24) - 12),
};

function walksOf(prng: Prng, endMs: number): Walk[] {
  const walks: Walk[] = [];
  for (const [shape, next] of Object.entries(SHAPES))
    for (let i = 0; i < SERIES_PER_SHAPE; i++) {
      const jitterMs = i % 2 === 0 ? 1 : 400;
      const tMs: number[] = [];
      const values: number[] = [];
      let value = 100;
      for (let at = 0; at < SAMPLES; at++) {
        value = next(prng, value);
        if (i % 3 === 2 && randomInt(prng, 12) === 0) continue;
        tMs.push(endMs - (SAMPLES - 1 - at) * STEP_MS - randomInt(prng, jitterMs));
        values.push(value);
      }
      const no = values.map(() => false);
      const labels = { __name__: 'bits', shape, instance: `i${i}` };
      walks.push({ labels, tMs, values, stale: no, late: no });
    }
  return walks;
}

/** Native histograms, some of whose buckets come and go; those of a shape differ in resolution. */
function nativeWalksOf(prng: Prng, endMs: number): NativeWalk[] {
  const times = { startMs: endMs - (SAMPLES - 1) * STEP_MS, stepMs: STEP_MS, count: SAMPLES };
  return ['powers', 'custom'].flatMap((shape) =>
    Array.from({ length: 2 * SERIES_PER_SHAPE }, (_, i) => {
      const labels = { __name__: 'native', shape, instance: `i${i}`, half: `${i % 2}` };
      return nativeWalkOf(labels, times, shape === 'custom', prng);
    }),
  );
}

/** Functions over a window, written with their arguments. */
const OVER_TIME: readonly ((range: string) => string)[] = [
  ...['sum', 'avg', 'min', 'max', 'count', 'stddev', 'stdvar', 'mad', 'last', 'first'].map(
    (name) => (range: string) => `${name}_over_time(bits${range})`,
  ),
  ...['rate', 'increase', 'delta', 'irate', 'idelta', 'deriv', 'changes', 'resets'].map(
    (name) => (range: string) => `${name}(bits${range})`,
  ),
  (range) => `quantile_over_time(0.37, bits${range})`,
  (range) => `predict_linear(bits${range}, 731)`,
  (range) => `predict_linear(bits${range} offset -45s, 731)`,
  (range) => `double_exponential_smoothing(bits${range}, 0.3, 0.7)`,
];

const ACROSS: readonly string[] = [
  ...['sum', 'avg', 'min', 'max', 'count', 'stddev', 'stdvar'].flatMap((name) => [
    `${name} by (shape) (bits)`,
    `${name}(bits)`,
    `${name} by (shape) (rate(bits[3m]))`,
  ]),
  'quantile by (shape) (0.37, bits)',
];

/** Functions from number to number, over numbers of any size. */
const OF_NUMBERS: readonly string[] = [
  ...['sin', 'cos', 'tan', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'exp'].map(
    (name) => `${name}(bits)`,
  ),
  ...['asin', 'acos', 'atanh'].map((name) => `${name}(bits % 1)`),
  ...['ln', 'log2', 'log10', 'sqrt', 'deg', 'rad'].map((name) => `${name}(abs(bits))`),
  'bits ^ 3',
  'abs(bits) ^ 1.1',
  'abs(bits) ^ -2.7',
  '1.01 ^ bits',
  'bits % 0.7',
  'bits atan2 3',
  '3 atan2 bits',
  'round(bits, 0.3)',
  'sin(exp(bits / 50))',
];

/** The same over native histograms. */
const NATIVE_OVER_TIME: readonly ((range: string) => string)[] = [
  ...['sum', 'avg', 'count', 'last', 'first'].map(
    (name) => (range: string) => `${name}_over_time(native${range})`,
  ),
  ...['rate', 'increase', 'delta', 'irate', 'idelta', 'changes', 'resets'].map(
    (name) => (range: string) => `${name}(native${range})`,
  ),
];

const NATIVE_EXTENDED: readonly ((range: string) => string)[] = [
  (range) => `rate(native${range} smoothed)`,
  (range) => `delta(native${range} smoothed)`,
  (range) => `increase(native${range} anchored)`,
];

const OTHER_HALF =
  'on (shape, instance) label_replace(native{half="1"}, "instance", "i0", "instance", "i1")';

const NATIVE_ACROSS: readonly string[] = [
  'sum by (shape) (native)',
  'avg by (shape) (native)',
  `native{instance="i0"} + ${OTHER_HALF}`,
  `rate(native{instance="i0"}[3m]) - ${OTHER_HALF}`,
  'rate(native[3m]) * 0.7',
  'rate(native[3m]) / 0.7',
  'histogram_quantile(0.37, rate(native[3m]))',
  'histogram_fraction(0.2, 3, rate(native[3m]))',
  'histogram_sum(rate(native[3m]))',
  'histogram_avg(rate(native[3m]))',
  'histogram_stddev(rate(native[3m]))',
];

/** Windows of one sample, of some and of many, in seconds, and samples made by a subquery. */
const WINDOWS: readonly (readonly [range: string, lengthSec: number])[] = [
  ['[20s]', 20],
  ['[1m]', 60],
  ['[5m]', 300],
  ['[17m]', 1020],
  ['[50m]', 3000],
  ['[10m:17s]', 600],
];
const STEPS_SEC: readonly number[] = [7, 15, 60, 61, 600];

/** Histograms are many numbers each: some of both. */
const NATIVE_WINDOWS = WINDOWS.slice(1).filter(([range]) => range !== '[17m]');
const NATIVE_STEPS_SEC: readonly number[] = [61, 300];

export interface BitsFound {
  /** Values compared, values that are not the same, and the most steps that one is apart. */
  compared: number;
  different: number;
  furthest: number;
  example: string;
}

const words = new DataView(new ArrayBuffer(8));

function orderOf(value: number): bigint {
  words.setFloat64(0, value);
  const bits = words.getBigInt64(0);
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits;
}

/** 0 where both are the same number, or both are none. */
export function bitsApart(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Object.is(a, b) ? 0 : DISTANCE_MAX;
  const off = Number(orderOf(a) - orderOf(b));
  return Math.min(DISTANCE_MAX, Math.abs(off));
}

/** Every number of an answer: a float, or what a histogram says of itself and of its buckets. */
type Numbers = readonly number[];

function numbersAt({ values, histograms }: PromSeries): ReadonlyMap<number, Numbers> {
  const floats = (values ?? []).map(([t, text]) => [t, [numberOf(text)]] as const);
  const others = (histograms ?? []).map(([t, { count, sum, buckets }]) => {
    const ends = (buckets ?? []).flatMap(([, ...numbers]) => numbers.map(numberOf));
    return [t, [numberOf(count), numberOf(sum), ...ends]] as const;
  });
  return new Map<number, Numbers>([...floats, ...others]);
}

/** The most steps that two numbers of the same place are apart. */
function mostApart(a: Numbers, b: Numbers): number {
  if (a.length !== b.length) return DISTANCE_MAX;
  return a.reduce((most, number, i) => Math.max(most, bitsApart(number, b[i]!)), 0);
}

function numberOf(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

async function compareOne(
  servers: BothServers,
  query: string,
  times: Readonly<Record<string, string>>,
  found: BitsFound,
): Promise<void> {
  const form = new URLSearchParams({ query, ...times });
  const [theirs, ours] = await Promise.all([
    ask(servers.reference, 'query_range', form),
    ask(servers.orrery, 'query_range', form),
  ]);
  assert.equal(ours.status, theirs.status, `${query}: ${ours.error}, ${theirs.error}`);
  const keyOf = (metric: Readonly<Record<string, string>>): string =>
    JSON.stringify(Object.entries(metric).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const mine = new Map(seriesIn(ours).map((one) => [keyOf(one.metric), numbersAt(one)] as const));
  for (const one of seriesIn(theirs))
    for (const [t, numbers] of numbersAt(one)) {
      const { metric } = one;
      const own = mine.get(keyOf(metric))?.get(t);
      assert.ok(own !== undefined, `${query}: nothing at ${t} of ${keyOf(metric)}`);
      const apart = mostApart(own, numbers);
      found.compared++;
      if (apart === 0) continue;
      found.different++;
      if (apart <= found.furthest) continue;
      found.furthest = apart;
      found.example = `${query} at ${t} of ${keyOf(metric)}: ${own.join(' ')}, not ${numbers.join(' ')}`;
    }
}

/** Behind the name of a function, where its windows overlap much. */
export const SLIDING = ' sliding';

/** By function or aggregation, what differs. */
export async function compareBits(seed: number): Promise<ReadonlyMap<string, BitsFound>> {
  const servers = await startBoth();
  const found = new Map<string, BitsFound>();
  try {
    const prng = seededPrng(seed);
    const endMs = Math.floor(Date.now() / 60_000) * 60_000;
    const walks = [...walksOf(prng, endMs), ...nativeWalksOf(prng, endMs)];
    await writeWalks(walks, [servers.reference, servers.orrery]);
    const endSec = endMs / 1000;
    const look = async (
      name: string,
      query: string,
      lengthSec: number,
      steps = STEPS_SEC,
    ): Promise<void> => {
      for (const stepSec of steps) {
        const key = lengthSec > IN_ORDER_WINDOWS_MAX * stepSec ? `${name}${SLIDING}` : name;
        const so = found.get(key) ?? { compared: 0, different: 0, furthest: 0, example: '' };
        found.set(key, so);
        const start = endSec - 2400 - randomInt(prng, 60);
        const times = { start: String(start), end: String(endSec), step: String(stepSec) };
        await compareOne(servers, query, times, so);
      }
    };
    const nameOf = (query: string): string => query.split('(')[0]!;
    for (const write of OVER_TIME)
      for (const [range, lengthSec] of WINDOWS)
        await look(nameOf(write('')), write(range), lengthSec);
    for (const query of ACROSS) await look(query, query, 0);
    for (const query of OF_NUMBERS) await look(query, query, 0, [15]);
    for (const write of NATIVE_OVER_TIME)
      for (const [range, lengthSec] of NATIVE_WINDOWS)
        await look(`native ${nameOf(write(''))}`, write(range), lengthSec, NATIVE_STEPS_SEC);
    for (const write of NATIVE_EXTENDED)
      for (const [range, lengthSec] of NATIVE_WINDOWS.filter(([one]) => !one.includes(':')))
        await look(write(''), write(range), lengthSec, NATIVE_STEPS_SEC);
    for (const query of NATIVE_ACROSS) await look(query, query, 0);
  } finally {
    await servers.end();
  }
  return found;
}
