// Head vectors: any bit pattern comes back, by the reference and by the kernel, which agree; the
// kernel decodes in place in a foreign shared memory and touches nothing around its output, source
// and scratch; damage ends in a refusal or in numbers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import * as fc from 'fast-check';
import { NASTY_COLUMNS, noise } from '../../test/support/nasty-columns.ts';
import { VECTOR_COUNT_MAX } from './limits.ts';
import { ByteWriter, CodecError } from './varint.ts';
import { encodeTickVector, encodeVector, encodeWordVector } from './vector-encode.ts';
import { VECTOR_SCRATCH_BYTES, createVectorKernel, useVectorKernel } from './vector-kernel.ts';
import { decodeTickVector, decodeVector, decodeWordVector } from './vector.ts';

const module = new WebAssembly.Module(
  readFileSync(new URL('../../dist/wasm/vector.wasm', import.meta.url)),
);
const COUNTS = [1, 2, 3, 4, 5, 7, 31, 64, 127, 128, 129, 130, 200, 255, 256];

afterEach(() => useVectorKernel(undefined));

type Column = Float64Array | Int32Array;
type Kind = 'doubles' | 'words' | 'ticks';

function hex(column: ArrayBufferView): string {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('hex');
}

const out = new ByteWriter(64);

function encode(kind: Kind, values: Column): Uint8Array {
  out.reset();
  if (kind === 'doubles') encodeVector(out, values as Float64Array, values.length);
  else if (kind === 'ticks') encodeTickVector(out, values as Int32Array, values.length);
  else encodeWordVector(out, values as Int32Array, values.length >> 1);
  return out.take();
}

function decode(kind: Kind, bytes: Uint8Array, start: number, size: number, count: number): Column {
  if (kind === 'doubles') {
    const doubles = new Float64Array(count);
    decodeVector(bytes, start, size, doubles, count);
    return doubles;
  }
  const ints = new Int32Array(kind === 'words' ? count * 2 : count);
  if (kind === 'words') decodeWordVector(bytes, start, size, ints, count);
  else decodeTickVector(bytes, start, size, ints, count);
  return ints;
}

/** A memory as the head has one, full of canaries. */
const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const foreign = new Uint8Array(memory.buffer);
const foreignKernel = createVectorKernel(module, memory);
const CANARY = 0xa5;
const SCRATCH_AT = 65_536 + 64;
const OUT_AT = SCRATCH_AT + VECTOR_SCRATCH_BYTES + 1000;
/** The source ends with the memory: any read behind it would trap. */
const SOURCE_END = foreign.length;

/** Decodes in place; undefined for damage. */
function decodeInPlace(kind: Kind, bytes: Uint8Array, count: number): Uint8Array | undefined {
  const sizeBytes = kind === 'ticks' ? count * 4 : count * 8;
  const sourceAt = SOURCE_END - bytes.length;
  foreign.fill(CANARY);
  foreign.set(bytes, sourceAt);
  const run = {
    doubles: foreignKernel.decodeDoubles,
    words: foreignKernel.decodeWords,
    ticks: foreignKernel.decodeTicks,
  }[kind];
  const isGood = run(SCRATCH_AT, sourceAt, SOURCE_END, count, OUT_AT) !== 0;
  const result = foreign.slice(OUT_AT, OUT_AT + sizeBytes);
  foreign.fill(CANARY, SCRATCH_AT, SCRATCH_AT + VECTOR_SCRATCH_BYTES);
  foreign.fill(CANARY, OUT_AT, OUT_AT + sizeBytes);
  assert.equal(hex(foreign.subarray(sourceAt)), hex(bytes), 'the source is untouched');
  foreign.fill(CANARY, sourceAt);
  assert.ok(Buffer.from(foreign).equals(Buffer.alloc(foreign.length, CANARY)), 'canaries');
  return isGood ? result : undefined;
}

function check(kind: Kind, values: Column, name: string): number {
  const bytes = encode(kind, values);
  const count = kind === 'words' ? values.length >> 1 : values.length;
  assert.ok(bytes.length <= 1 + values.byteLength, `${name}: longer than raw`);
  const padded = new Uint8Array(bytes.length + 12);
  padded.set(bytes, 5);
  for (const load of [undefined, () => module]) {
    useVectorKernel(load);
    assert.equal(hex(decode(kind, padded, 5, bytes.length, count)), hex(values), name);
  }
  assert.equal(hex(decodeInPlace(kind, bytes, count)!), hex(values), `${name}, in place`);
  return bytes.length;
}

function asWords(values: Float64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2);
}

test('nasty columns of every length come back bit for bit, as doubles and as words', () => {
  for (const { name, make } of NASTY_COLUMNS)
    for (const count of COUNTS) {
      const values = make(count);
      check('doubles', values, `${name}, ${count}`);
      check('words', asWords(values), `${name}, ${count} words`);
      const ints = BigInt64Array.from(values, (x) =>
        BigInt(Number.isFinite(x) ? Math.trunc(x) : 7),
      );
      check('words', new Int32Array(ints.buffer), `${name}, ${count} integers`);
    }
});

const TICKS: Readonly<Record<string, (i: number) => number>> = {
  'every 15 s': (i) => i * 15_000,
  jitter: (i) => i * 15_000 + Math.floor(noise(i) * 9),
  gaps: (i) => (i > 60 ? 1_000_000 : 0) + i * 15_000,
  'any order': (i) => Math.floor(noise(i) * 100_000),
  'any int32': (i) => Math.floor((noise(i) - 0.5) * 4294967296),
  extremes: (i) => (i % 2 === 0 ? -2_147_483_648 : 2_147_483_647),
  'the same': () => -7,
  duplicates: (i) => Math.floor(i / 2) * 10,
};

test('ticks of every length come back', () => {
  for (const [name, at] of Object.entries(TICKS))
    for (const count of COUNTS)
      check(
        'ticks',
        Int32Array.from({ length: count }, (_, i) => at(i)),
        `${name}, ${count}`,
      );
});

test('ticks come back as times', () => {
  const [baseUs, tickUs] = [1.764e15, 1000];
  for (const at of Object.values(TICKS))
    for (const count of COUNTS) {
      const ticks = Int32Array.from({ length: count }, (_, i) => at(i));
      const bytes = encode('ticks', ticks);
      const sourceAt = SOURCE_END - bytes.length;
      foreign.set(bytes, sourceAt);
      foreign.fill(CANARY, OUT_AT + count * 8, OUT_AT + count * 8 + 64);
      const call = [SCRATCH_AT, sourceAt, SOURCE_END, count, baseUs, tickUs, OUT_AT] as const;
      assert.equal(foreignKernel.decodeTimes(...call), 1);
      const times = new Float64Array(foreign.slice(OUT_AT, OUT_AT + count * 8).buffer);
      assert.deepEqual(
        [...times],
        Array.from(ticks, (tick) => baseUs + tick * tickUs),
      );
      const behind = foreign.subarray(OUT_AT + count * 8, OUT_AT + count * 8 + 64);
      assert.ok(behind.every((byte) => byte === CANARY));
    }
});

test('usual vectors are small', () => {
  const bytesOf = (at: (i: number) => number): number =>
    check(
      'doubles',
      Float64Array.from({ length: 256 }, (_, i) => at(i)),
      '',
    ) / 256;
  assert.ok(bytesOf(() => Math.PI) <= 0.04);
  assert.ok(bytesOf((i) => 1e6 + 15 * i) <= 0.06);
  assert.ok(bytesOf((i) => Math.floor(noise(i) * 8)) <= 0.42);
  assert.ok(bytesOf((i) => 12_345_678 + i * 4096) <= 0.06, 'a divisor');
  assert.ok(bytesOf((i) => (i % 100 === 99 ? 1e9 : Math.floor(noise(i) * 8))) <= 0.5, 'outliers');
  const ticks = Int32Array.from({ length: 256 }, (_, i) => i * 15_000);
  assert.ok(check('ticks', ticks, 'every 15 s') <= 12);
});

const words = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), {
  minLength: 1,
  maxLength: VECTOR_COUNT_MAX,
});

test('any words come back', () => {
  fc.assert(
    fc.property(words, fc.nat(63), (list, shift) => {
      const column = BigUint64Array.from(list, (word) => word >> BigInt(shift));
      check('doubles', new Float64Array(column.buffer), 'doubles');
      check('words', new Int32Array(column.buffer), 'words');
      check('doubles', Float64Array.from(column, Number), 'integers');
      check(
        'doubles',
        Float64Array.from(column, (x) => Number(x % 10_000n) / 100),
        'decimals',
      );
    }),
    { numRuns: 200 },
  );
});

/** Reference and kernels refuse the same, or give the same number of samples. */
function checkDamaged(kind: Kind, bytes: Uint8Array, count: number): void {
  for (const load of [undefined, () => module]) {
    useVectorKernel(load);
    try {
      decode(kind, bytes, 0, bytes.length, count);
    } catch (error) {
      assert.ok(error instanceof CodecError, String(error));
    }
  }
  if (bytes.length > 0) decodeInPlace(kind, bytes, count);
}

test('vectors cut off anywhere are refused', () => {
  for (const load of [undefined, () => module]) {
    useVectorKernel(load);
    for (const { make } of NASTY_COLUMNS) {
      const bytes = encode('doubles', make(40));
      for (let size = 0; size < bytes.length; size++)
        assert.throws(() => decode('doubles', bytes, 0, size, 40), CodecError);
    }
  }
});

test('damaged vectors end in CodecError or in numbers', () => {
  fc.assert(
    fc.property(
      fc.nat(NASTY_COLUMNS.length - 1),
      fc.integer({ min: 1, max: VECTOR_COUNT_MAX }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (column, count, place, flip) => {
        const values = NASTY_COLUMNS[column]!.make(count);
        for (const kind of ['doubles', 'words', 'ticks'] as const) {
          const ticks = Int32Array.from(values, (x) => x | 0);
          const input = kind === 'ticks' ? ticks : kind === 'words' ? asWords(values) : values;
          const bytes = encode(kind, input);
          // Most of the damage goes to the header: the rest are numbers.
          bytes[place % (place % 3 === 0 ? bytes.length : Math.min(12, bytes.length))]! ^= flip;
          checkDamaged(kind, bytes, count);
        }
      },
    ),
    { numRuns: 1500 },
  );
});
