// Columns that hurt an encoder of numbers: every shape that some mode is made for, and shapes made
// to break it. Deterministic, of any length. Words (64 bits as low and high halves) because NaN
// payloads must not pass through arithmetic.

/** Deterministic noise in [0, 1). */
export function noise(i: number): number {
  const x = Math.imul(i ^ (i >>> 15), 0x2c1b3c6d);
  return (Math.imul(x ^ (x >>> 12), 0x297a2d39) >>> 0) / 4294967296;
}

const STALE = 0x7ff0000000000002n;
const PAYLOAD_NAN = 0x7ff8dead0000beefn;

/** The n-th sample of each shape that is made of doubles. */
const DOUBLES: Readonly<Record<string, (i: number) => number>> = {
  'zeros and minus zeros': (i) => (noise(i) < 0.5 ? 0 : -0),
  subnormals: (i) => i * 5e-324,
  'subnormals and their neighbours': (i) => 2 ** -1022 + (i % 5) * 5e-324 - 1e-323,
  'largest and smallest': (i) => (i % 2 === 0 ? Number.MAX_VALUE : -Number.MAX_VALUE),
  'infinities among decimals': (i) => (i % 7 === 3 ? Infinity : i % 7 === 5 ? -Infinity : i / 10),
  'NaN among integers': (i) => (noise(i) < 0.3 ? Number.NaN : i),
  'only NaN and infinity': (i) => (noise(i) < 0.5 ? Number.NaN : Infinity),
  'minus zero first': (i) => (i === 0 ? -0 : i),
  'minus zero last': (i) => (i % 64 === 63 ? -0 : i),
  'sums of tenths': (i) => 0.1 + i * 0.1 + 0.2,
  'float32 of decimals': (i) => Math.fround(21.7 + Math.floor(noise(i) * 90) / 10),
  'float32 noise': (i) => Math.fround(noise(i)),
  'float32 light curve': (i) => Math.fround(47_073.64 + 30 * Math.sin(i / 70) + 8 * noise(i)),
  'crossing zero': (i) => Math.sin(i / 9),
  'tiny and huge': (i) => 10 ** (noise(i) * 600 - 300),
  'negative doubles': (i) => -Math.exp(noise(i)),
  'integers around 2^53': (i) => 2 ** 53 - 50 + i,
  'integers around 2^52': (i) => 2 ** 52 - 8 + Math.floor(noise(i) * 16),
  'integers around 2^51': (i) => 2 ** 51 - 8 + Math.floor(noise(i) * 16),
  'integers around 2^50': (i) => (i % 2 === 0 ? -1 : 1) * (2 ** 50 - 2 + (i % 4)),
  'integers around 2^31': (i) => 2 ** 31 - 2 + (i % 5),
  'integers around 2^32': (i) => 2 ** 32 - 2 + (i % 5),
  'steps of 2^50': (i) => (i % 2 === 0 ? 2 ** 50 : -(2 ** 50)),
  'steps of 2^31': (i) => (i % 2 === 0 ? 2 ** 30 : -(2 ** 30)),
  'one step of 2^49': (i) => (i < 20 ? i : 2 ** 49 + i),
  'microseconds of today': (i) => 1.76e15 + i * 15e6 + Math.floor(noise(i) * 3),
  'counter with resets': (i) => (i % 97) * 1_000_003,
  'large counter with one reset': (i) => (i === 70 ? 0 : 1e12 + i * 1e7 + Math.floor(noise(i) * 9)),
  pages: (i) => Math.floor(noise(i) * 1e6) * 4096,
  'odd divisor': (i) => 7 + Math.floor(noise(i) * 50) * 1_000_003,
  'divisor above 2^32': (i) => Math.floor(noise(i) * 50) * 8_589_934_592,
  parabola: (i) => i * i * 3 - 1000 * i,
  'rare large outliers': (i) => (i % 50 === 49 ? 1e14 : Math.floor(noise(i) * 8)),
  'rare negative outliers': (i) => (i % 50 === 49 ? -1e14 : Math.floor(noise(i) * 8)),
  'one outlier': (i) => (i === 100 ? 1e9 : Math.floor(noise(i) * 8)),
  'rare changes': (i) => Math.floor(i / 120),
  'sparse changes': (i) => Math.floor(i / 9) * 3 + (noise(Math.floor(i / 9)) < 0.5 ? 1 : 0),
  'late decimals': (i) => (i % 83 === 82 ? 1.234_567 : i),
  'widths that grow': (i) => Math.floor(noise(i) * 2 ** (i / 16)),
  'large decimals': (i) => 123_456_789_012.25 + i / 4,
  'decimals of every length': (i) => Number((noise(i) * 1000).toFixed(i % 15)),
  ratios: (i) => Math.round(noise(i) * 1e5) / (100_000 + Math.floor(noise(i + 9999) * 5000)),
  'units in the last place': (i) => 31.153 + (i % 3) * 2 ** -47,
  'a few values in turn': (i) => [0.1 + 0.2, Math.PI, -Math.E, 1e300][Math.floor(noise(i) * 4)]!,
  'a period of 24': (i) => Math.exp(Math.sin((i % 24) / 4)),
  '40 bits of noise': (i) => Math.floor(noise(i) * 2 ** 32) * 256 + (i & 255),
  'geometric steps': (i) => Math.floor(1.1 ** (i % 300)),
  'alternating magnitudes': (i) => (i % 2 === 0 ? 1e-9 : 1e15),
  'whole seconds and a fraction': (i) => 1.76e9 + i * 15 + Math.floor(noise(i) * 1e6) / 1e6,
};

/** The n-th word of each shape that is made of bits. */
const WORDS: Readonly<Record<string, (i: number) => bigint>> = {
  'random words': (i) => BigInt(Math.floor(noise(i) * 2 ** 32)) * 2n ** 32n + BigInt(i * 40_503),
  'NaN payloads': (i) => 0x7ff0000000000001n + BigInt(Math.floor(noise(i) * 2 ** 32)),
  'negative NaN payloads': (i) => 0xfff8000000000000n + BigInt(i),
  'only staleness markers': () => STALE,
  'markers, values, markers': (i) => (i % 3 === 0 ? bitsOf(i) : STALE),
  'a value between two kinds of NaN': (i) => [PAYLOAD_NAN, bitsOf(1.5), STALE][i % 3]!,
  'smallest and largest i64': (i) => (i % 2 === 0 ? 2n ** 63n : 2n ** 63n - 1n),
  'largest u64': (i) => 2n ** 64n - 1n - BigInt(i % 3),
  'nanoseconds of today': (i) => 1_764_300_000_000_000_000n + BigInt(i) * 15_000_000_007n,
  'words that wrap around': (i) => BigInt.asUintN(64, 2n ** 64n - 100n + BigInt(i * 3)),
  'small words': (i) => BigInt(Math.floor(noise(i) * 100)),
  'small negative words': (i) => BigInt.asUintN(64, -BigInt(Math.floor(noise(i) * 100))),
  'one bit': (i) => 1n << BigInt(i % 64),
};

const one = new Float64Array(1);
const oneWord = new BigUint64Array(one.buffer);

function bitsOf(value: number): bigint {
  one[0] = value;
  return oneWord[0]!;
}

/** A column of doubles by their bits. */
export interface NastyColumn {
  readonly name: string;
  readonly make: (count: number) => Float64Array;
}

function marked(values: Float64Array): Float64Array {
  const words = new BigUint64Array(values.buffer);
  for (let i = 0; i < words.length; i += 9) words[i] = STALE;
  for (let i = 4; i < words.length; i += 31) words[i] = PAYLOAD_NAN;
  return values;
}

function ended(values: Float64Array): Float64Array {
  new BigUint64Array(values.buffer)[values.length - 1] = STALE;
  return values;
}

export const NASTY_COLUMNS: readonly NastyColumn[] = [
  ...Object.entries(DOUBLES).flatMap(([name, at]) => {
    const make = (count: number): Float64Array =>
      Float64Array.from({ length: count }, (_, i) => at(i));
    return [
      { name, make },
      { name: `${name}, with markers`, make: (count: number) => marked(make(count)) },
      { name: `${name}, ended`, make: (count: number) => ended(make(count)) },
    ];
  }),
  ...Object.entries(WORDS).map(([name, at]) => ({
    name,
    make: (count: number) =>
      new Float64Array(BigUint64Array.from({ length: count }, (_, i) => at(i)).buffer),
  })),
];
