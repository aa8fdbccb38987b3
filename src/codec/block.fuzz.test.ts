// Blocks: any column comes back bit for bit; damaged bytes are refused, never misread or over-read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  BLOCK_FLAG,
  decodeBlock,
  decodeBody,
  encodeBlock,
  encodeBody,
  readBodyHeader,
  wrapBody,
} from './block.ts';
import type { BlockHeader, BlockSamples } from './block.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { decodeTimes, encodeTimes, gridTimes, isGrid } from './times.ts';
import { ByteReader, ByteWriter, CodecError, unzigzag, zigzag } from './varint.ts';

const NONE = { subNs: undefined, startUs: undefined, position: undefined };
const bits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const smallInt = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

function doublesOf(words: readonly bigint[]): Float64Array {
  return new Float64Array(BigUint64Array.from(words).buffer);
}

const times = (count: number): fc.Arbitrary<Float64Array> =>
  fc
    .oneof(
      fc.array(fc.maxSafeInteger(), { minLength: count, maxLength: count }),
      fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: count, maxLength: count }),
      fc
        .tuple(smallInt, fc.nat(1e6))
        .map(([first, delta]) => Array.from({ length: count }, (_, i) => first + i * delta)),
    )
    .map((list) => Float64Array.from(list).toSorted());

const values = (count: number): fc.Arbitrary<Pick<BlockSamples, 'kind' | 'values'>> => {
  const list = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    fc.array(item, { minLength: count, maxLength: count });
  return fc.oneof(
    list(bits).map((words) => ({ kind: 0 as const, values: doublesOf(words) })),
    list(smallInt).map((ints) => ({ kind: 0 as const, values: Float64Array.from(ints) })),
    bits.map((word) => ({
      kind: 0 as const,
      values: doublesOf(Array.from({ length: count }, () => word)),
    })),
    list(bits).map((words) => ({
      kind: 1 as const,
      values: new BigInt64Array(BigUint64Array.from(words).buffer),
    })),
    list(smallInt).map((ints) => ({ kind: 1 as const, values: BigInt64Array.from(ints, BigInt) })),
    list(bits).map((words) => ({ kind: 2 as const, values: BigUint64Array.from(words) })),
    list(fc.nat(1000)).map((ints) => ({
      kind: 2 as const,
      values: BigUint64Array.from(ints, BigInt),
    })),
    list(fc.nat(1)).map((ones) => ({ kind: 3 as const, values: Uint8Array.from(ones) })),
    list(fc.string({ unit: 'grapheme', maxLength: 5 })).map((texts) => ({
      kind: 4 as const,
      values: texts,
    })),
  );
};

const samples: fc.Arbitrary<BlockSamples> = fc.integer({ min: 1, max: 40 }).chain((count) =>
  fc
    .record({
      values: values(count),
      tUs: times(count),
      subNs: fc.option(
        fc
          .array(fc.nat(999), { minLength: count, maxLength: count })
          .map((list) => Uint16Array.from(list)),
        { nil: undefined },
      ),
      startUs: fc.option(fc.array(bits, { minLength: count, maxLength: count }).map(doublesOf), {
        nil: undefined,
      }),
    })
    .map(({ values: column, tUs, subNs, startUs }) => {
      const position = startUs && {
        latitude: startUs,
        longitude: startUs,
        elevation: startUs.toReversed(),
      };
      return { ...column, count, tUs, subNs, startUs, position } as BlockSamples;
    }),
);

const memory = (column: unknown): unknown =>
  ArrayBuffer.isView(column)
    ? Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('hex')
    : column;

function comparable(block: BlockSamples): unknown {
  const { kind, count, tUs, subNs, startUs, position } = block;
  const axes = position && [position.latitude, position.longitude, position.elevation].map(memory);
  const columns = [block.values, tUs, subNs, startUs].map(memory);
  return { kind, count, columns, axes };
}

function encoded(block: BlockSamples): Uint8Array {
  const out = new ByteWriter(16);
  encodeBlock(out, block);
  return out.take();
}

test('every column comes back bit for bit', () => {
  fc.assert(
    fc.property(samples, (block) => {
      assert.deepEqual(comparable(decodeBlock(encoded(block), 0)), comparable(block));
    }),
    { numRuns: 400 },
  );
});

test('a native histogram of counters costs a byte or two a bucket', () => {
  const count = 512;
  const buckets = 40;
  const histograms = Array.from({ length: count }, (_, i) => ({
    isInteger: true,
    schema: 3,
    zeroThreshold: 1e-128,
    zeroCount: 0,
    count: i * 4000,
    sum: i * 123.5,
    counterResetHint: 0 as const,
    positiveSpans: [{ offset: -20, length: buckets }],
    positiveBuckets: Float64Array.from({ length: buckets }, (_x, k) => i * 100 + ((i * k) % 17)),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: new Float64Array(0),
  }));
  const tUs = Float64Array.from(histograms, (_, i) => i * 15e6);
  const sizeBytes = encoded({ kind: 5, values: histograms, count, tUs, ...NONE }).length;
  assert.ok(sizeBytes < count * buckets, `${sizeBytes} bytes`);
});

/** The body alone, and the place that says what it does not. */
function bodyOf(block: BlockSamples): {
  bytes: Uint8Array;
  place: { start: number; sizeBytes: number; kind: number; count: number };
} {
  const out = new ByteWriter(16);
  const sizeBytes = encodeBody(out, block);
  return {
    bytes: out.take(),
    place: { start: 0, sizeBytes, kind: block.kind, count: block.count },
  };
}

function headerOf(block: BlockSamples): BlockHeader {
  const { bytes, place } = bodyOf(block);
  return readBodyHeader(bytes, place);
}

test('a body comes back with its times, and only as what it was written', () => {
  fc.assert(
    fc.property(samples, (block) => {
      const { bytes, place } = bodyOf(block);
      assert.deepEqual(comparable(decodeBody(bytes, place, block.tUs)), comparable(block));
      const wrapped = new ByteWriter(16);
      wrapBody(wrapped, block, bytes);
      assert.deepEqual(comparable(decodeBlock(wrapped.bytes(), 0)), comparable(block));
      const { count, kind } = block;
      for (const wrong of [
        { ...place, count: count + 1 },
        { ...place, kind: (kind + 1) % 6 },
      ])
        assert.throws(() => decodeBody(bytes, wrong, new Float64Array(wrong.count)), CodecError);
    }),
    { numRuns: 200 },
  );
});

test('times that stand alone come back, and only with their first, last and count', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }).chain(times), fc.nat(), (tUs, place) => {
      const count = tUs.length;
      const known = { firstUs: tUs[0]!, lastUs: tUs[count - 1]!, count };
      if (isGrid(tUs, count)) assert.deepEqual(gridTimes(known), tUs);
      const out = new ByteWriter(16);
      encodeTimes(out, tUs, count);
      const bytes = out.take();
      assert.deepEqual(decodeTimes(bytes, known), tUs);
      for (const wrong of [
        { ...known, firstUs: known.firstUs - 1 },
        { ...known, lastUs: known.lastUs + 1 },
        { ...known, count: count + 1 },
      ])
        assert.throws(() => decodeTimes(bytes, wrong), CodecError);
      bytes[place % bytes.length]! ^= 1 << (place % 8);
      assert.throws(() => decodeTimes(bytes, known), CodecError);
    }),
    { numRuns: 300 },
  );
});

test('a flipped bit anywhere is refused', () => {
  fc.assert(
    fc.property(samples, fc.nat(), fc.nat(7), (block, place, bit) => {
      const bytes = encoded(block);
      bytes[place % bytes.length]! ^= 1 << bit;
      assert.throws(() => decodeBlock(bytes, 0), CodecError);
    }),
    { numRuns: 300 },
  );
});

test('damage behind a good checksum, and truncation, end in CodecError or in a value', () => {
  fc.assert(
    fc.property(samples, fc.nat(), fc.nat(255), (block, place, byte) => {
      const bytes = encoded(block);
      bytes[place % bytes.length] = byte;
      for (const input of [bytes, bytes.subarray(0, place % bytes.length)])
        try {
          decodeBlock(input, 0, { skipCrc: true });
        } catch (error) {
          assert.ok(error instanceof CodecError, String(error));
        }
    }),
    { numRuns: 500 },
  );
});

test('aggregates and flags of a counter with a reset and a staleness marker', () => {
  const list = Array.from({ length: 20 }, (_, i) => (i < 10 ? i * 2 : i - 10));
  const tUs = Float64Array.from(list, (_, i) => i * 15_000_000);
  const column = Float64Array.from(list);
  new BigUint64Array(column.buffer)[19] = 0x7ff0000000000002n;
  const header = headerOf({ kind: 0, values: column, count: 20, tUs, ...NONE });
  assert.deepEqual(header.aggregates, {
    min: 0,
    max: 18,
    sum: 90 + 36,
    first: 0,
    last: 8,
    increase: 18 + 0 + 8,
  });
  assert.equal(header.flags, BLOCK_FLAG.hasStale | BLOCK_FLAG.hasAggregates);
});

test('a column of one large unsigned number stays unsigned', () => {
  const large = new BigUint64Array(3).fill(2n ** 63n + 5n);
  const tUs = Float64Array.of(0, 1, 2);
  const out = new ByteWriter(64);
  const sizeBytes = encodeBody(out, { kind: 2, values: large, count: 3, tUs, ...NONE });
  const back = decodeBody(out.bytes(), { start: 0, sizeBytes, kind: 2, count: 3 }, tUs);
  assert.deepEqual(back.values, large);
});

test('aggregates are those of a plain loop, bit for bit', () => {
  const value = fc.oneof(
    fc.constantFrom(0, -0, 5, 1e300, 0.1, Number.POSITIVE_INFINITY, Number.NaN, 2 ** 51, 2 ** 52),
    fc.double(),
    fc.integer(),
  );
  const decimal = fc.integer({ min: -1e6, max: 1e9 }).map((n) => n / 100);
  const list = fc.oneof(
    fc.array(decimal, { minLength: 16, maxLength: 40 }),
    fc.array(decimal, { minLength: 16, maxLength: 40 }).map((one) => one.toSorted((a, b) => a - b)),
    fc
      .array(fc.nat(1e9), { minLength: 16, maxLength: 40 })
      .map((one) => one.toSorted((a, b) => a - b)),
    fc.array(value, { minLength: 16, maxLength: 40 }),
    fc.array(fc.constantFrom(0, -0), { minLength: 16, maxLength: 20 }),
    value.map((one) => Array.from({ length: 20 }, () => one)),
  );
  fc.assert(
    fc.property(list, fc.boolean(), (numbers, withMarker) => {
      const column = Float64Array.from(numbers);
      if (withMarker) new BigUint64Array(column.buffer)[3] = 0x7ff0000000000002n;
      const kept = withMarker ? numbers.toSpliced(3, 1) : numbers;
      const sum = kept.reduce((a, b) => a + b, 0);
      let increase = 0;
      let drops = 0;
      for (let i = 1; i < kept.length; i++) {
        increase += kept[i]! < kept[i - 1]! ? kept[i]! : kept[i]! - kept[i - 1]!;
        if (!(kept[i]! >= kept[i - 1]!)) drops++;
      }
      const tUs = Float64Array.from(numbers, (_, i) => i);
      const block = { kind: 0, values: column, count: numbers.length, tUs, ...NONE } as const;
      assert.deepStrictEqual(headerOf(block).aggregates, {
        min: Math.min(...kept),
        max: Math.max(...kept),
        sum,
        first: kept[0],
        last: kept.at(-1),
        increase: drops * 8 > kept.length ? undefined : increase,
      });
    }),
    { numRuns: 2000 },
  );
});

test('regular scrapes of an integer counter cost about a byte a sample', () => {
  const count = BLOCK_COUNT_MAX;
  const tUs = Float64Array.from({ length: count }, (_, i) => 1.7e15 + i * 15e6);
  const column = Float64Array.from({ length: count }, (_, i) => 1e9 + i * 17);
  const sizeBytes = encoded({ kind: 0, values: column, count, tUs, ...NONE }).length;
  assert.ok(sizeBytes < count * 1.1, `${sizeBytes} bytes`);
});

test('a block of no or too many samples is not written', () => {
  const column = new Float64Array(BLOCK_COUNT_MAX + 1);
  for (const count of [0, BLOCK_COUNT_MAX + 1])
    assert.throws(
      () => encoded({ kind: 0, values: column, count, tUs: column, ...NONE }),
      CodecError,
    );
});

test('varints and zigzag at the edges of their range', () => {
  const out = new ByteWriter(1);
  const numbers = [0, 127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 35, 2 ** 53 - 1];
  for (const value of numbers) out.varint(value);
  const reader = new ByteReader(out.take());
  assert.deepEqual(
    numbers.map(() => reader.varint()),
    numbers,
  );
  reader.finish();
  for (const value of [0, -1, 1, 2 ** 52 - 1, -(2 ** 52)])
    assert.equal(unzigzag(zigzag(value)), value);
  assert.throws(() => new ByteReader(new Uint8Array(8).fill(255)).varint(), CodecError);
});
