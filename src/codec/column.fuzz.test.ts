// Columns of numbers: every shape that the encoders treat differently, and shapes made to hurt
// them, come back bit for bit; damage never reads outside or ends in anything but a CodecError.
// With the reference and with the kernel (dist/wasm, made by `npm run build`), which must agree.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import * as fc from 'fast-check';
import { NASTY_COLUMNS, noise } from '../../test/support/nasty-columns.ts';
import {
  MODE,
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
import { createColumnKernel, doublesByKernel, useColumnKernel, wordsByKernel } from './kernels.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { ByteReader, ByteWriter, CodecError } from './varint.ts';

const out = new ByteWriter(64);
const scratch = new ByteWriter(64);

const wasm = new WebAssembly.Module(
  readFileSync(new URL('../../dist/wasm/columns.wasm', import.meta.url)),
);
const kernel = createColumnKernel(wasm);
/** Below, the kernel is not asked. */
const KERNEL_COUNT_MIN = 32;

afterEach(() => useColumnKernel(undefined));

/** Runs `check` with the reference and with the kernel. */
function withBoth(check: () => void): void {
  for (const engine of [undefined, kernel]) {
    useColumnKernel(engine);
    check();
  }
}

function hex(column: ArrayBufferView): string {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('hex');
}

function sameBits(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const bytes = (x: ArrayBufferView): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}

function encodeDoubles(values: Float64Array): Uint8Array {
  out.reset();
  writeDoubles(out, scratch, values, values.length);
  return out.take();
}

/** The kernel decodes what the encoder writes by itself, in place and to anywhere. */
function checkKernelTakes(bytes: Uint8Array, values: Float64Array, name: string): void {
  const count = values.length;
  const { mode, payload } = readColumn(new ByteReader(bytes));
  if (count < KERNEL_COUNT_MIN || mode !== MODE.doubles) return;
  useColumnKernel(kernel);
  const inPlace = kernel.target.values.subarray(0, count);
  assert.ok(doublesByKernel(payload, inPlace, count), `${name}: refused by the kernel`);
  assert.ok(sameBits(inPlace, values), `${name}, in place`);
}

function checkDoubles(values: Float64Array, name = ''): number {
  const bytes = encodeDoubles(values);
  withBoth(() => {
    const reader = new ByteReader(bytes);
    const back = readDoubles(readColumn(reader), values.length);
    reader.finish();
    assert.ok(sameBits(back, values), name);
  });
  checkKernelTakes(bytes, values, name);
  return bytes.length;
}

/** As signed integers: what is none is a hash of its bits. */
function checkWords(values: Float64Array, name: string): void {
  const bits = new BigInt64Array(values.buffer, values.byteOffset, values.length);
  const whole = BigInt64Array.from(values, (x) =>
    Number.isFinite(x) ? BigInt(Math.trunc(x)) : 7n,
  );
  for (const column of [bits, whole]) {
    out.reset();
    writeBigInts(out, scratch, column, column.length);
    const bytes = out.take();
    withBoth(() => {
      const back = readBigInts(readColumn(new ByteReader(bytes)), column.length);
      assert.ok(sameBits(new Uint8Array(back), column), name);
    });
    const { mode, payload } = readColumn(new ByteReader(bytes));
    if (column.length < KERNEL_COUNT_MIN || mode !== MODE.words) continue;
    const words = new Int32Array(column.length * 2);
    assert.ok(wordsByKernel(payload, words, column.length), `${name}: refused by the kernel`);
  }
}

test('nasty columns of every length come back bit for bit', () => {
  for (const { name, make } of NASTY_COLUMNS)
    for (const count of [1, 2, 3, 4, 5, 31, 39, 41, 127, 128, 129, 130, 257, 600]) {
      checkDoubles(make(count), `${name}, ${count}`);
      checkWords(make(count), `${name}, ${count}, words`);
    }
});

test('the longest columns come back bit for bit', () => {
  for (const { name, make } of NASTY_COLUMNS) {
    checkDoubles(make(BLOCK_COUNT_MAX), name);
    checkWords(make(BLOCK_COUNT_MAX), name);
  }
});

test('nasty columns come back as times, where they are times', () => {
  for (const { name, make } of NASTY_COLUMNS)
    for (const count of [1, 2, 40, 130, 700]) {
      const clamp = (x: number): number =>
        Math.round(Math.max(-(2 ** 53) + 1, Math.min(x, 2 ** 53 - 1)) || 0) + 0;
      const tUs = make(count).map(clamp);
      const sorted = tUs.toSorted();
      for (const times of [tUs, sorted]) {
        out.reset();
        writeTimes(out, scratch, times, count);
        const bytes = out.take();
        withBoth(() => {
          const column = readColumn(new ByteReader(bytes));
          const place = { count, firstUs: times[0]! };
          const back = readTimes(column, place, new Float64Array(count));
          assert.ok(sameBits(back, times), `${name}, ${count}`);
        });
      }
    }
});

test('the kernel writes nothing but its scratch and its output', () => {
  const memory = new WebAssembly.Memory({ initial: 10, maximum: 10 });
  const bytes = new Uint8Array(memory.buffer);
  const { exports } = new WebAssembly.Instance(wasm, {
    env: { memory, abort: () => assert.fail('never called') },
  });
  const decode = exports['decodeDoubles'] as (...places: number[]) => number;
  const [scratchAt, scratchEnd] = [131_072, 131_072 + 157_696];
  const outAt = scratchEnd + 4096;
  const sourceAt = outAt + BLOCK_COUNT_MAX * 8 + 4096;
  bytes.fill(0xa5);
  (exports['prepare'] as (at: number) => void)(scratchAt);
  const without = (count: number, size: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy.fill(0xa5, scratchAt, scratchEnd);
    // Three doubles more than there are may be written behind them.
    copy.fill(0xa5, outAt, outAt + (count + 3) * 8);
    return copy.fill(0xa5, sourceAt, sourceAt + size);
  };
  const clean = Buffer.alloc(bytes.length, 0xa5);
  for (const { name, make } of NASTY_COLUMNS)
    for (const count of [33, 130, 600, BLOCK_COUNT_MAX]) {
      const { mode, payload } = readColumn(new ByteReader(encodeDoubles(make(count))));
      if (mode !== MODE.doubles) continue;
      const source = payload.raw(payload.left);
      for (const flip of [0, 1, 77]) {
        bytes.set(source, sourceAt);
        bytes[sourceAt + ((flip * 31) % Math.min(40, source.length))]! ^= flip;
        decode(scratchAt, sourceAt, sourceAt + source.length, count, outAt);
        assert.ok(without(count, source.length).equals(clean), `${name}, ${count}, ${flip}`);
        bytes.fill(0xa5, outAt, sourceAt + source.length);
      }
    }
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

/** Decodes, or says why not; anything but CodecError is a mistake. */
function tryDoubles(bytes: Uint8Array, n: number): boolean {
  try {
    return readDoubles(readColumn(new ByteReader(bytes)), n).length === n;
  } catch (error) {
    assert.ok(error instanceof CodecError, String(error));
    return false;
  }
}

test('damaged columns of every kind end in CodecError or in numbers', () => {
  fc.assert(
    fc.property(
      fc.nat(NASTY_COLUMNS.length - 1),
      count,
      fc.nat(),
      fc.nat(255),
      (shape, n, place, byte) => {
        const bytes = encodeDoubles(NASTY_COLUMNS[shape]!.make(n));
        bytes[place % bytes.length]! ^= byte;
        for (const input of [bytes, bytes.subarray(0, place % bytes.length)])
          withBoth(() => tryDoubles(input, n));
      },
    ),
    { numRuns: 3000 },
  );
});

test('columns cut off anywhere are refused', () => {
  for (const { name, make } of NASTY_COLUMNS) {
    const bytes = encodeDoubles(make(60));
    withBoth(() => {
      for (let size = 0; size < bytes.length; size++)
        assert.ok(!tryDoubles(bytes.subarray(0, size), 60), `${name}, ${size}`);
    });
  }
});

test('a sparse stream inside a sparse stream is refused', () => {
  const sparse = [STREAM.sparse, 0, 60];
  const bytes = Uint8Array.from([...sparse, ...sparse, 0, 0]);
  assert.throws(() => readIntegers(new ByteReader(bytes), new Float64Array(500), 500), CodecError);
});
