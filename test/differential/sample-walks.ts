// Values over time for series of a given shape: counters with resets, gauges, cumulative buckets,
// and in some of them gaps, staleness markers, NaN, infinities and samples that arrive late.
import type { Prng } from '../../src/stdx/prng.ts';
import { randomInt } from '../../src/stdx/prng.ts';
import type { FittingSeries, SeriesShape } from './fitting-series.ts';

export interface Walk {
  readonly labels: Readonly<Record<string, string>>;
  readonly tMs: readonly number[];
  /** NaN here is an ordinary one; staleness markers stand in `stale`. */
  readonly values: readonly number[];
  readonly stale: readonly boolean[];
  /** Sent in a second pass. */
  readonly late: readonly boolean[];
}

/** One native histogram with whole counts; a bucket stands at `offset` + its place. */
export interface NativeSample {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly sum: number;
  readonly offset: number;
  readonly positive: readonly number[];
  readonly negative: readonly number[];
  /** Upper bounds, where the schema is CUSTOM_BUCKETS. */
  readonly customValues: readonly number[];
}

export interface NativeWalk {
  readonly labels: Readonly<Record<string, string>>;
  readonly tMs: readonly number[];
  readonly samples: readonly NativeSample[];
}

const CUSTOM_BUCKETS = -53;

export interface WalkTimes {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

function nextValue(shape: SeriesShape, value: number, prng: Prng, scale: number): number {
  switch (shape) {
    case 'one':
      return 1;
    case 'counter':
    case 'bucket':
      return randomInt(prng, 60) === 0 ? 0 : value + randomInt(prng, 20) * scale;
    case 'gauge':
      return Math.round((value + (randomInt(prng, 2001) - 1000) * 0.01 * scale) * 1000) / 1000;
  }
}

function special(prng: Prng): number {
  return [NaN, Infinity, -Infinity, -0][randomInt(prng, 4)]!;
}

/** `seed` differs by series; buckets of one histogram stay in order through `le`. */
export function walkOf({ labels, shape }: FittingSeries, times: WalkTimes, prng: Prng): Walk {
  const le = Number(labels['le']?.replace('+Inf', 'Infinity') ?? 1);
  const scale =
    shape === 'bucket' ? Math.ceil(Math.min(le, 20) * 4) / 4 : [1, 0.5, 1000][randomInt(prng, 3)]!;
  const isOdd = shape !== 'one' && randomInt(prng, 12) === 0;
  const hasGap = randomInt(prng, 8) === 0;
  const gapAt = randomInt(prng, times.count);
  const gapSize = 1 + randomInt(prng, 25);
  const jitterMs = randomInt(prng, 4) === 0 ? 400 : 0;
  const tMs: number[] = [];
  const values: number[] = [];
  const stale: boolean[] = [];
  const late: boolean[] = [];
  let value = shape === 'gauge' ? randomInt(prng, 100) - 20 : randomInt(prng, 1000);
  for (let i = 0; i < times.count; i++) {
    value = nextValue(shape, value, prng, scale);
    if (hasGap && i > gapAt && i < gapAt + gapSize) continue;
    tMs.push(times.startMs + i * times.stepMs + (jitterMs === 0 ? 0 : randomInt(prng, jitterMs)));
    stale.push(hasGap && i === gapAt);
    values.push(isOdd && randomInt(prng, 40) === 0 ? special(prng) : value);
    late.push(i > 0 && i < times.count - 2 && isOdd && randomInt(prng, 20) === 0);
  }
  return { labels, tMs, values, stale, late };
}

/** Counters: buckets grow until a reset, which is seen at every bucket at once. */
export function nativeWalkOf(
  labels: Readonly<Record<string, string>>,
  times: WalkTimes,
  isCustom: boolean,
  prng: Prng,
): NativeWalk {
  const tMs: number[] = [];
  const samples: NativeSample[] = [];
  const customValues = isCustom ? [0.1, 0.5, 1, 2.5, 10] : [];
  const schema = isCustom ? CUSTOM_BUCKETS : randomInt(prng, 4);
  const gapAt = randomInt(prng, times.count);
  let positive: number[] = [0, 0, 0, 0, 0];
  let negative: number[] = isCustom ? [] : [0, 0];
  let zeroCount = 0;
  let sum = 0;
  for (let i = 0; i < times.count; i++) {
    if (randomInt(prng, 50) === 0) {
      positive = positive.map(() => 0);
      negative = negative.map(() => 0);
      zeroCount = sum = 0;
    }
    positive = positive.map((count) => count + randomInt(prng, 6));
    negative = negative.map((count) => count + randomInt(prng, 3));
    if (!isCustom) zeroCount += randomInt(prng, 2);
    sum += randomInt(prng, 1000) / 8;
    if (i > gapAt && i < gapAt + 5) continue;
    tMs.push(times.startMs + i * times.stepMs);
    const zeroThreshold = isCustom ? 0 : 0.001;
    const offset = isCustom ? 0 : randomInt(prng, 40) === 0 ? 1 : 0;
    samples.push({
      schema,
      zeroThreshold,
      zeroCount,
      sum,
      offset,
      positive,
      negative,
      customValues,
    });
  }
  return { labels, tMs, samples };
}
