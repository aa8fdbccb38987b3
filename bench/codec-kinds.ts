// Generated series for the codec benchmark: the kinds that monitoring is made of, each from a seed,
// so that two runs measure the same numbers.
import { randomUnit, seededPrng } from '../src/stdx/prng.ts';
import type { Prng } from '../src/stdx/prng.ts';

interface Kind {
  readonly name: string;
  readonly make: (count: number, seed: number) => Float64Array;
}

interface SeriesKind extends Kind {
  /** Bytes a sample that the value column may take at most, and a twentieth more. */
  readonly reference: number;
}

/** Uniform in [0, 1), standard normal, Poisson. */
class Source {
  readonly #prng: Prng;
  #spare: number | undefined;

  constructor(seed: number) {
    this.#prng = seededPrng(seed);
  }

  uniform(): number {
    return randomUnit(this.#prng);
  }

  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  poisson(mean: number): number {
    if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    const limit = Math.exp(-mean);
    let count = -1;
    for (let product = 1; product > limit; count++) product *= this.uniform();
    return Math.max(0, count);
  }
}

/** Rounded to `digits` decimals. */
function decimal(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

/** `start` makes the function that gives sample after sample. */
function kind(name: string, start: (source: Source, seed: number) => (i: number) => number): Kind {
  return {
    name,
    make: (count, seed) => {
      const next = start(new Source(seed * 7919 + name.length * 131 + 17), seed);
      return Float64Array.from({ length: count }, (_, i) => next(i));
    },
  };
}

/** Sizes of the storage prototype's dense form, one block a series. */
const REFERENCES: Readonly<Record<string, number>> = {
  'cpu percent, integer walk': 0.274,
  'memory bytes, pages': 1.245,
  'request counter': 0.762,
  'bursty counter': 0.032,
  'network byte counter': 2.759,
  'cpu seconds, 2 decimals': 0.89,
  'temperature, 1 decimal': 0.182,
  'load average, 2 decimals': 0.546,
  'latency, 4 decimals': 1.287,
  'ratio, full double': 6.92,
  'smooth, full double': 5.25,
  constant: 0.001,
  'flag, rare flips': 0.004,
};

const kinds: readonly Kind[] = [
  kind('cpu percent, integer walk', (s) => {
    let x = s.uniform() * 100;
    return () => Math.trunc((x = clamp(x + s.normal(), 0, 100)));
  }),
  kind('memory bytes, pages', (s) => {
    let pages = Math.floor(1e6 + s.uniform() * 3e6);
    return () => {
      const spread = s.uniform() < 0.05 ? 5000 : 150;
      pages = Math.max(0, pages + Math.round(s.normal() * spread));
      return pages * 4096;
    };
  }),
  kind('request counter', (s, seed) => {
    const base = 10 ** (0.5 + (seed % 30) / 10);
    let x = Math.floor(s.uniform() * 1e8);
    return (i) => {
      const day = 1 + 0.5 * Math.sin((i / 8640) * 2 * Math.PI);
      x += s.poisson(Math.max(0, base * day * (1 + 0.1 * s.normal())));
      if (s.uniform() < 1 / 20_000) x = 0;
      return x;
    };
  }),
  kind('bursty counter', (s) => {
    let x = Math.floor(s.uniform() * 1e4);
    let isOn = false;
    return () => {
      if (isOn) {
        x += 1 + s.poisson(3);
        if (s.uniform() < 0.1) isOn = false;
      } else if (s.uniform() < 0.004) isOn = true;
      return x;
    };
  }),
  kind('network byte counter', (s) => {
    let x = Math.floor(s.uniform() * 1e12);
    const mean = Math.log(1e5 + s.uniform() * 1e7);
    let level = mean;
    return () => {
      level += 0.1 * s.normal() - 0.02 * (level - mean);
      return (x += Math.floor(Math.exp(level + 0.15 * s.normal())));
    };
  }),
  kind('cpu seconds, 2 decimals', (s) => {
    let x = Math.floor(s.uniform() * 1e8);
    let use = s.uniform() * 800;
    return () => {
      use = clamp(use + 15 * s.normal(), 0, 1000);
      x += Math.round(clamp(use + 20 * s.normal(), 0, 1000));
      return x / 100;
    };
  }),
  kind('temperature, 1 decimal', (s) => {
    let x = 20 + s.uniform() * 40;
    return (i) => decimal((x += 0.05 * s.normal() + 0.01 * Math.cos(i / 1000)), 1);
  }),
  kind('load average, 2 decimals', (s) => {
    let x = s.uniform() * 4;
    let queue = x;
    return () => {
      queue = Math.max(0, queue + 0.3 * s.normal() - 0.02 * (queue - 2));
      return decimal((x = x * 0.85 + 0.15 * queue), 2);
    };
  }),
  kind('latency, 4 decimals', (s) => {
    const mean = Math.log(0.02 + s.uniform() * 0.2);
    return () => decimal(Math.exp(mean + 0.3 * s.normal()), 4);
  }),
  kind('ratio, full double', (s) => {
    let x = 0.2 + 0.6 * s.uniform();
    return () => {
      x = clamp(x + 0.01 * s.normal(), 0.001, 0.999);
      const total = 100_000 + Math.floor(s.uniform() * 5000);
      return Math.round(x * total) / total;
    };
  }),
  kind('smooth, full double', (s) => {
    let x = 50 + 50 * s.uniform();
    return () => (x += 0.01 * s.normal()) * 1.000_000_1;
  }),
  kind('constant', (s) => {
    const x = Math.floor(s.uniform() * 1e6);
    return () => x;
  }),
  kind('flag, rare flips', (s) => {
    let x = 1;
    return () => (s.uniform() < 0.001 ? (x = 1 - x) : x);
  }),
];

export const seriesKinds: readonly SeriesKind[] = kinds.map((one) => ({
  ...one,
  reference: REFERENCES[one.name]!,
}));

const BUCKET_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, Infinity];

/** A classic histogram: about 20 latencies a sample, counted into twelve cumulative buckets. */
export function classicHistogram(count: number, seed: number): Float64Array[] {
  const source = new Source(seed * 7919 + 3);
  const counts = BUCKET_BOUNDS.map(() => 0);
  const columns = BUCKET_BOUNDS.map(() => new Float64Array(count));
  for (let i = 0; i < count; i++) {
    const requests = Math.max(0, Math.round(20 + 4 * source.normal()));
    for (let r = 0; r < requests; r++) {
      const seconds = Math.exp(-3.5 + 0.8 * source.normal());
      for (const [b, bound] of BUCKET_BOUNDS.entries()) if (seconds <= bound) counts[b]!++;
    }
    for (const [b, column] of columns.entries()) column[i] = counts[b]!;
  }
  return columns;
}

const MS = 1000;
const START_US = 1.75e15;

/** Times in microseconds, whole milliseconds as scrapers write them. */
export const timeKinds: readonly Kind[] = [
  kind('every 10 s', () => (i) => START_US + i * 10_000 * MS),
  kind('every 15 s, 1 % gaps', (s) => {
    let t = START_US;
    return () => {
      t += 15_000 * MS;
      if (s.uniform() < 0.01) t += 15_000 * MS * (1 + Math.floor(s.uniform() * 3));
      return t;
    };
  }),
  kind('15 s ± 1 ms', (s) => (i) => START_US + (i * 15_000 + Math.floor(s.uniform() * 3) - 1) * MS),
  kind('15 s, sd 5 ms', (s) => (i) => START_US + (i * 15_000 + Math.round(5 * s.normal())) * MS),
  kind('10 s, sd 50 ms', (s) => (i) => START_US + (i * 10_000 + Math.round(50 * s.normal())) * MS),
  kind('10 s, drifting', (s) => {
    let t = START_US;
    return () => (t += (10_000 + Math.abs(Math.round(2 * s.normal()))) * MS);
  }),
  kind('Poisson, mean 30 s', (s) => {
    let t = START_US;
    return () => (t += Math.ceil(-30_000 * Math.log(1 - s.uniform())) * MS);
  }),
];
