// Packed values: every bit pattern comes back, few bytes where numbers are small, nonsense is
// refused within its bounds.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ByteReader, ByteWriter, CodecError } from '../codec/varint.ts';
import { useRecordValuesKernel } from './record-values-kernel.ts';
import { packingOf, readPacked, writePacked } from './record-values.ts';
import type { WordColumn } from './record-values.ts';

const wasm = new WebAssembly.Module(
  readFileSync(new URL('../../dist/wasm/record-values.wasm', import.meta.url)),
);
const NASTY: readonly number[] = [
  0,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  127,
  128,
  -128,
  -129,
  32_767,
  32_768,
  -32_768,
  -32_769,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  2 ** 32,
  2 ** 53 + 2,
  1e300,
  5e-324,
  0.1 + 0.2,
  21_474_836.47,
  214_748.3648,
];
const someDouble = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -200, max: 200 }).map((n) => n / 100) },
  { weight: 4, arbitrary: fc.integer().map((n) => n / 10_000) },
  { weight: 2, arbitrary: fc.integer() },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.constantFrom(...NASTY) },
);
/** Long columns are several groups. */
const lengths = fc.constantFrom(1, 2, 3, 500, 4095, 4096, 4097, 8194);

function columnOf(values: readonly number[], count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => values[i % values.length]!);
}

function bytesOf({ buffer, byteOffset }: WordColumn, count: number): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, count * 8);
}

/** Written and read by the kernel and by the reference, which write and read the same. */
function throughBytes(column: WordColumn, count: number, packing: number): Buffer {
  const written = bothWays(() => {
    const writer = new ByteWriter();
    writePacked(writer, column, count, packing);
    return Buffer.from(writer.take());
  });
  return bothWays(() => {
    const reader = new ByteReader(written);
    const out = readPacked(reader, new Float64Array(count), column instanceof Float64Array);
    assert.equal(reader.left, 0);
    return bytesOf(out, count);
  });
}

function bothWays(make: () => Buffer): Buffer {
  useRecordValuesKernel(() => wasm);
  const byKernel = make();
  useRecordValuesKernel(undefined);
  assert.deepEqual(byKernel, make());
  return byKernel;
}

test('doubles come back bit for bit under each scale', () => {
  fc.assert(
    fc.property(
      fc.array(someDouble, { minLength: 1, maxLength: 50 }),
      lengths,
      fc.nat(4),
      (values, count, packing) => {
        const column = columnOf(values, count);
        assert.deepEqual(throughBytes(column, count, packing), bytesOf(column, count));
      },
    ),
    { numRuns: 200 },
  );
});

test('payloads of NaN come back', () => {
  const words = Uint32Array.from({ length: 64 }, (_, i) =>
    i % 2 === 0 ? i * 77 : 0x7ff00000 + i * 3 + 1,
  );
  const column = new Float64Array(words.buffer);
  assert.deepEqual(throughBytes(column, 32, 2), bytesOf(column, 32));
});

test('whole numbers of 64 bits come back, signed or not', () => {
  const some = fc.oneof(
    fc.bigInt({ min: -200n, max: 200n }),
    fc.bigInt({ min: -(2n ** 32n), max: 2n ** 32n }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(2n ** 31n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 32n - 1n, -1n),
  );
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 50 }), lengths, (values, count) => {
      const signed = BigInt64Array.from({ length: count }, (_, i) => values[i % values.length]!);
      const unsigned = new BigUint64Array(signed.buffer);
      for (const column of [signed, unsigned])
        assert.deepEqual(throughBytes(column, count, 0), bytesOf(column, count));
    }),
    { numRuns: 200 },
  );
});

test('the scale of the values is found, and columns that do not gain are left', () => {
  const steps = Array.from({ length: 3000 }, (_, i) => i);
  const column = (value: (i: number) => number): Float64Array => Float64Array.from(steps, value);
  assert.equal(
    packingOf(
      column((i) => i % 100),
      3000,
    ),
    0,
  );
  assert.equal(
    packingOf(
      column((i) => (i % 100) / 10),
      3000,
    ),
    1,
  );
  assert.equal(
    packingOf(
      column((i) => (i * 7) / 100),
      3000,
    ),
    2,
  );
  assert.equal(
    packingOf(
      column((i) => Math.sqrt(i)),
      3000,
    ),
    -1,
  );
  assert.equal(
    packingOf(
      column((i) => i),
      15,
    ),
    -1,
  );
  const large = BigInt64Array.from(steps, (i) => 2n ** 40n + BigInt(i));
  assert.equal(packingOf(large, 3000), -1);
  const writer = new ByteWriter();
  writePacked(
    writer,
    column((i) => i % 100),
    3000,
    0,
  );
  assert.equal(writer.size, 1 + 3000 + 3000 / 4);
});

test('nonsense is refused and never reads outside', () => {
  const writer = new ByteWriter();
  const column = columnOf([1, 200, 70_000, 1 / 3, 5], 1029);
  writePacked(writer, column, 1029, 0);
  const good = writer.take();
  const read = (bytes: Uint8Array): void => {
    readPacked(new ByteReader(bytes), new Float64Array(1029), true);
  };
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), (place, byte, isCut) => {
      const bytes = isCut ? good.slice(0, place) : good.slice();
      if (!isCut) bytes[place] = byte;
      for (const load of [() => wasm, undefined]) {
        useRecordValuesKernel(load);
        try {
          read(bytes);
          assert.ok(!isCut, 'a cut column is refused');
        } catch (error) {
          assert.ok(error instanceof CodecError, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
  const other = good.slice();
  other[0] = 5;
  assert.throws(() => read(other), /CodecError: unknown packing 5/);
  const whole = new ByteReader(Uint8Array.of(1, 0, 7));
  assert.throws(() => readPacked(whole, new Float64Array(1), false), CodecError);
  // Two values, and forms for a third.
  const over = new ByteReader(Uint8Array.of(0, 0b110000, 7, 7));
  assert.throws(() => readPacked(over, new Float64Array(2), true), /forms of values/);
});
