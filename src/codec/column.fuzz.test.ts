// Columns of numbers: every shape that the encoders treat differently, and shapes made to hurt
// them, come back bit for bit; damage never reads outside or ends in anything but a CodecError.
// With the reference and with the kernel (dist/wasm, made by `npm run build`), which must agree.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import * as fc from 'fast-check';
import {
  readBigInts,
  readColumn,
  readDoubles,
  readTimes,
  writeBigInts,
  writeDoubles,
  writeTimes,
} from './column.ts';
import { readIntegers } from './integer-decode.ts';
import { STREAM, writeIntegers } from './integer-encode.ts';
import { createIntegerKernel, useIntegerKernel } from './kernels.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { ByteReader, ByteWriter, CodecError } from './varint.ts';

const out = new ByteWriter(64);
const scratch = new ByteWriter(64);

const wasm = new URL('../../dist/wasm/integers.wasm', import.meta.url);
const kernel = createIntegerKernel(new WebAssembly.Module(readFileSync(wasm)));

afterEach(() => useIntegerKernel(undefined));

/** Runs `check` with the reference and with the kernel. */
function withBoth(check: () => void): void {
  for (const engine of [undefined, kernel]) {
    useIntegerKernel(engine);
    check();
  }
}

function hex(column: ArrayBufferView): string {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('hex');
}

function encodeDoubles(values: Float64Array): Uint8Array {
  out.reset();
  writeDoubles(out, scratch, values, values.length);
  return out.take();
}

function checkDoubles(values: Float64Array, name = ''): number {
  const bytes = encodeDoubles(values);
  withBoth(() => {
    const reader = new ByteReader(bytes);
    const back = readDoubles(readColumn(reader), values.length);
    reader.finish();
    assert.equal(hex(back), hex(values), name);
  });
  return bytes.length;
}

const PAYLOAD_NAN = 0x7ff8dead0000beefn;

/** Deterministic noise in [0, 1). */
function noise(i: number): number {
  const x = Math.imul(i ^ (i >>> 15), 0x2c1b3c6d);
  return (Math.imul(x ^ (x >>> 12), 0x297a2d39) >>> 0) / 4294967296;
}

/** The n-th sample of each nasty shape. */
const SHAPES: Readonly<Record<string, (i: number) => number>> = {
  'zeros and minus zeros': (i) => (noise(i) < 0.5 ? 0 : -0),
  subnormals: (i) => i * 5e-324,
  'largest and smallest': (i) => (i % 2 === 0 ? Number.MAX_VALUE : -Number.MAX_VALUE),
  'infinities among decimals': (i) => (i % 7 === 3 ? Infinity : i % 7 === 5 ? -Infinity : i / 10),
  'NaN among integers': (i) => (noise(i) < 0.3 ? Number.NaN : i),
  'only NaN and infinity': (i) => (noise(i) < 0.5 ? Number.NaN : Infinity),
  'minus zero first': (i) => (i === 0 ? -0 : i),
  'sums of tenths': (i) => 0.1 + i * 0.1 + 0.2,
  'float32 of decimals': (i) => Math.fround(21.7 + Math.floor(noise(i) * 90) / 10),
  'float32 noise': (i) => Math.fround(noise(i)),
  'crossing zero': (i) => Math.sin(i / 9),
  'tiny and huge': (i) => 10 ** (noise(i) * 600 - 300),
  'negative doubles': (i) => -Math.exp(noise(i)),
  'integers around 2^53': (i) => 2 ** 53 - 50 + i,
  'integers around 2^52': (i) => 2 ** 52 - 8 + Math.floor(noise(i) * 16),
  'steps of 2^50': (i) => (i % 2 === 0 ? 2 ** 50 : -(2 ** 50)),
  'microseconds of today': (i) => 1.76e15 + i * 15e6 + Math.floor(noise(i) * 3),
  'counter with resets': (i) => (i % 97) * 1_000_003,
  pages: (i) => Math.floor(noise(i) * 1e6) * 4096,
  'odd divisor': (i) => 7 + Math.floor(noise(i) * 50) * 1_000_003,
  parabola: (i) => i * i * 3 - 1000 * i,
  'rare large outliers': (i) => (i % 50 === 49 ? 1e14 : Math.floor(noise(i) * 8)),
  'rare negative outliers': (i) => (i % 50 === 49 ? -1e14 : Math.floor(noise(i) * 8)),
  'rare changes': (i) => Math.floor(i / 120),
  'sparse changes': (i) => Math.floor(i / 9) * 3 + (noise(Math.floor(i / 9)) < 0.5 ? 1 : 0),
  'late decimals': (i) => (i % 83 === 82 ? 1.234_567 : i),
  'widths that grow': (i) => Math.floor(noise(i) * 2 ** (i / 16)),
  'large decimals': (i) => 123_456_789_012.25 + i / 4,
  '40 bits of noise': (i) => Math.floor(noise(i) * 2 ** 32) * 256 + (i & 255),
};

test('nasty shapes of every length come back bit for bit', () => {
  for (const [name, shape] of Object.entries(SHAPES))
    for (const count of [1, 2, 3, 4, 5, 31, 39, 41, 127, 128, 129, 130, 257, 600]) {
      const values = Float64Array.from({ length: count }, (_, i) => shape(i));
      checkDoubles(values, `${name}, ${count}`);
      const isStale = values.slice();
      const words = new BigUint64Array(isStale.buffer);
      for (let i = 0; i < count; i += 9) words[i] = 0x7ff0000000000002n;
      for (let i = 4; i < count; i += 31) words[i] = PAYLOAD_NAN;
      checkDoubles(isStale, `${name}, ${count}, with markers`);
    }
});

test('the longest columns come back bit for bit', () => {
  for (const [name, shape] of Object.entries(SHAPES))
    checkDoubles(
      Float64Array.from({ length: BLOCK_COUNT_MAX }, (_, i) => shape(i)),
      name,
    );
});

test('a staleness marker at the end costs a few bytes', () => {
  const values = Float64Array.from({ length: 500 }, (_, i) => i * 3);
  const before = checkDoubles(values);
  new BigUint64Array(values.buffer)[499] = 0x7ff0000000000002n;
  const after = checkDoubles(values);
  assert.ok(after < before + 32, `${before}, then ${after}`);
});

test('regular columns cost next to nothing', () => {
  const count = BLOCK_COUNT_MAX;
  const of = (shape: (i: number) => number): number =>
    checkDoubles(Float64Array.from({ length: count }, (_, i) => shape(i)));
  assert.ok(of(() => Math.PI) <= 10);
  assert.ok(of((i) => 100 + 17 * i) <= 16);
  assert.ok(of((i) => (100 + 17 * i) / 1000) <= 16);
  assert.ok(of((i) => (i < 4000 ? 0 : 1)) <= 16);
  assert.ok(of((i) => (i * i * 3) / 10) <= 40, 'second differences');
});

const count = fc.integer({ min: 1, max: 300 });
const scale = fc.integer({ min: 0, max: 51 }).map((bits) => 2 ** bits);

test('any integers within the limits of a stream come back', () => {
  const columns = fc
    .tuple(count, scale, fc.nat(6), fc.integer(), fc.nat(99))
    .map(([length, magnitude, style, seed, odds]) => {
      let walk = 0;
      return Float64Array.from({ length }, (_, i) => {
        const x = noise(seed + i);
        const isRare = noise(seed ^ (i * 7)) * 100 < odds;
        if (style === 0) return Math.floor((x - 0.5) * magnitude);
        if (style === 1) return isRare ? (walk += Math.floor((x * magnitude) / length)) : walk;
        if (style === 2) return 5 * i + (isRare ? Math.floor((x * magnitude) / 4) : 0);
        if (style === 3) return Math.floor(x ** 8 * (magnitude / 4));
        return Math.floor(x * 2 ** (style + 4)) * Math.floor(magnitude / 2 ** (style + 8));
      });
    });
  fc.assert(
    fc.property(columns, (column) => {
      const values = column.map((x) => Math.max(-(2 ** 49) + 1, Math.min(x, 2 ** 49)) + 0);
      out.reset();
      writeIntegers(out, values, values.length);
      const bytes = out.take();
      withBoth(() => {
        const reader = new ByteReader(bytes);
        const back = new Float64Array(values.length);
        readIntegers(reader, back, values.length);
        reader.finish();
        assert.equal(hex(back), hex(values));
      });
    }),
    { numRuns: 1500 },
  );
});

test('any 64-bit integers and any sorted times come back', () => {
  const word = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: 0n, max: 1000n }).map((x) => x * 1_000_000n + 1_700_000_000_000_000_000n),
    fc.bigInt({ min: 0n, max: 2n ** 56n }),
  );
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 200 }), (list) => {
      for (const values of [BigInt64Array.from(list), BigUint64Array.from(list).toSorted()]) {
        out.reset();
        writeBigInts(out, scratch, values, values.length);
        const back = readBigInts(readColumn(new ByteReader(out.take())), values.length);
        assert.equal(hex(new Uint8Array(back)), hex(values));
      }
      const tUs = Float64Array.from(list, (x) => Number(x % 2n ** 53n)).toSorted();
      out.reset();
      writeTimes(out, scratch, tUs, tUs.length);
      const times = readColumn(new ByteReader(out.take()));
      const place = { count: tUs.length, firstUs: tUs[0]! };
      assert.equal(hex(readTimes(times, place, new Float64Array(tUs.length))), hex(tUs));
    }),
    { numRuns: 400 },
  );
});

test('damaged columns of every kind end in CodecError or in numbers', () => {
  const kinds = Object.values(SHAPES);
  fc.assert(
    fc.property(fc.nat(kinds.length - 1), count, fc.nat(), fc.nat(255), (shape, n, place, byte) => {
      const bytes = encodeDoubles(Float64Array.from({ length: n }, (_, i) => kinds[shape]!(i)));
      bytes[place % bytes.length]! ^= byte;
      for (const input of [bytes, bytes.subarray(0, place % bytes.length)])
        withBoth(() => {
          try {
            assert.equal(readDoubles(readColumn(new ByteReader(input)), n).length, n);
          } catch (error) {
            assert.ok(error instanceof CodecError, String(error));
          }
        });
    }),
    { numRuns: 3000 },
  );
});

test('a sparse stream inside a sparse stream is refused', () => {
  const sparse = [STREAM.sparse, 0, 60];
  const bytes = Uint8Array.from([...sparse, ...sparse, 0, 0]);
  assert.throws(() => readIntegers(new ByteReader(bytes), new Float64Array(500), 500), CodecError);
});
