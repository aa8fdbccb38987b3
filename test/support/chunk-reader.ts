// Reads Prometheus' chunks for tests, with 64-bit integers as BigInt: written after
// tsdb/chunkenc, not after the encoder that it checks.
import type { BucketSpan, Histogram } from '../../src/model/histogram.ts';

class Bits {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(count: number): bigint {
    let value = 0n;
    for (let i = 0; i < count; i++, this.at++) {
      const byte = this.#bytes[this.at >> 3];
      if (byte === undefined) throw new Error('chunk ends early');
      value = (value << 1n) | BigInt((byte >> (7 - (this.at & 7))) & 1);
    }
    return value;
  }

  /** How many ones stand in front of a zero, at most `max`. */
  ones(max: number): number {
    let count = 0;
    while (count < max && this.read(1) === 1n) count++;
    return count;
  }

  uvarint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.read(8);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  }

  varint(): bigint {
    const code = this.uvarint();
    return (code & 1n) === 0n ? code >> 1n : -(code >> 1n) - 1n;
  }

  /** `size` bits, of which the highest value stands for itself and all above are negative. */
  signed(size: number): bigint {
    const value = this.read(size);
    if (size === 64) return BigInt.asIntN(64, value);
    return value > 1n << BigInt(size - 1) ? value - (1n << BigInt(size)) : value;
  }

  varbitUint(): bigint {
    const sizes = [0, 3, 6, 9, 12, 18, 25, 56, 64];
    return this.read(sizes[this.ones(8)]!);
  }

  varbitInt(): bigint {
    const sizes = [0, 3, 6, 9, 12, 18, 25, 56, 64];
    const size = sizes[this.ones(8)]!;
    return size === 0 ? 0n : this.signed(size);
  }
}

class Xor {
  bits = 0n;
  #leading = 0;
  #trailing = 0;

  first(bits: Bits): bigint {
    return (this.bits = bits.read(64));
  }

  next(bits: Bits): bigint {
    if (bits.read(1) === 0n) return this.bits;
    if (bits.read(1) === 1n) {
      this.#leading = Number(bits.read(5));
      const size = Number(bits.read(6));
      this.#trailing = 64 - this.#leading - (size === 0 ? 64 : size);
    }
    const size = 64 - this.#leading - this.#trailing;
    return (this.bits ^= bits.read(size) << BigInt(this.#trailing));
  }
}

function doubleOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0]!;
}

export function bitsOfDouble(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0]!;
}

/** Time in milliseconds and the 64 bits of each value. */
export function readXorChunk(data: Uint8Array): [number, bigint][] {
  const bits = new Bits(data);
  const count = Number(bits.read(16));
  const values = new Xor();
  const out: [number, bigint][] = [];
  let time = 0n;
  let delta = 0n;
  for (let i = 0; i < count; i++) {
    if (i === 0) time = bits.varint();
    else {
      if (i === 1) delta = bits.uvarint();
      else {
        const size = [0, 14, 17, 20, 64][bits.ones(4)]!;
        if (size > 0) delta += bits.signed(size);
      }
      time += delta;
    }
    out.push([Number(time), i === 0 ? values.first(bits) : values.next(bits)]);
  }
  return out;
}

export interface ReadHistogram {
  readonly timeMs: number;
  readonly histogram: Histogram;
}

function readSpans(bits: Bits): BucketSpan[] {
  const count = Number(bits.varbitUint());
  return Array.from({ length: count }, () => {
    const length = Number(bits.varbitUint());
    return { length, offset: Number(bits.varbitInt()) };
  });
}

function readZeroThreshold(bits: Bits): number {
  const code = Number(bits.read(8));
  if (code === 0) return 0;
  return code === 255 ? doubleOf(bits.read(64)) : 2 ** (code - 244);
}

function readBound(bits: Bits): number {
  const code = bits.varbitUint();
  return code === 0n ? doubleOf(bits.read(64)) : Number(code - 1n) / 1000;
}

const bucketCount = (spans: readonly BucketSpan[]): number =>
  spans.reduce((sum, { length }) => sum + length, 0);

/** Layout of a chunk of histograms, and what its header says of a reset. */
function readHead(bits: Bits) {
  const count = Number(bits.read(16));
  const header = Number(bits.read(8)) >> 6;
  const zeroThreshold = readZeroThreshold(bits);
  const schema = Number(bits.varbitInt());
  const positiveSpans = readSpans(bits);
  const negativeSpans = readSpans(bits);
  const boundCount = schema === -53 ? Number(bits.varbitUint()) : 0;
  const customValues = Float64Array.from({ length: boundCount }, () => readBound(bits));
  const layout = { zeroThreshold, schema, positiveSpans, negativeSpans, customValues };
  // In the header 1 is "no reset" and 2 "a reset"; behind the first there is none.
  const hint = ([0, 2, 1, 3] as const)[header]!;
  const hintAt = (i: number) => (i === 0 || hint === 3 ? hint : 2);
  return { count, layout, hintAt };
}

export function readFloatHistogramChunk(data: Uint8Array): ReadHistogram[] {
  const bits = new Bits(data);
  const { count, layout, hintAt } = readHead(bits);
  const positive = bucketCount(layout.positiveSpans);
  const size = 3 + positive + bucketCount(layout.negativeSpans);
  const series = Array.from({ length: size }, () => new Xor());
  let timeMs = 0n;
  let delta = 0n;
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) timeMs = bits.varbitInt();
    else timeMs += delta += bits.varbitInt();
    const [counted, zeroCount, sum, ...buckets] = series.map((one) =>
      doubleOf(i === 0 ? one.first(bits) : one.next(bits)),
    );
    return {
      timeMs: Number(timeMs),
      histogram: {
        ...layout,
        isInteger: false,
        counterResetHint: hintAt(i),
        count: counted!,
        zeroCount: zeroCount!,
        sum: sum!,
        positiveBuckets: Float64Array.from(buckets.slice(0, positive)),
        negativeBuckets: Float64Array.from(buckets.slice(positive)),
      },
    };
  });
}

/** Sums of what integer histograms hold between buckets. */
function absolute(deltas: readonly bigint[]): Float64Array {
  let sum = 0n;
  return Float64Array.from(deltas, (delta) => Number((sum += delta)));
}

export function readHistogramChunk(data: Uint8Array): ReadHistogram[] {
  const bits = new Bits(data);
  const { count, layout, hintAt } = readHead(bits);
  const positive = bucketCount(layout.positiveSpans);
  const size = positive + bucketCount(layout.negativeSpans);
  const sum = new Xor();
  // Time, count, zero count, then the buckets.
  const values = Array.from({ length: 3 + size }, () => 0n);
  const deltas = Array.from({ length: 3 + size }, () => 0n);
  const move = (k: number): void => {
    deltas[k]! += bits.varbitInt();
    values[k]! += deltas[k]!;
  };
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) {
      values[0] = bits.varbitInt();
      values[1] = bits.varbitUint();
      values[2] = bits.varbitUint();
    } else for (const k of [0, 1, 2]) move(k);
    const sumBits = i === 0 ? sum.first(bits) : sum.next(bits);
    for (let k = 3; k < values.length; k++)
      if (i === 0) values[k] = bits.varbitInt();
      else move(k);
    return {
      timeMs: Number(values[0]),
      histogram: {
        ...layout,
        isInteger: true,
        counterResetHint: hintAt(i),
        count: Number(values[1]),
        zeroCount: Number(values[2]),
        sum: doubleOf(sumBits),
        positiveBuckets: absolute(values.slice(3, 3 + positive)),
        negativeBuckets: absolute(values.slice(3 + positive)),
      },
    };
  });
}
