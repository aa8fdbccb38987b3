// Blocks, columns and streams are the same bytes with the encode kernel (dist/wasm, made by `npm
// run build`) and without it; and the kernel writes nothing but what is its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import * as fc from 'fast-check';
import { NASTY_COLUMNS, noise } from '../../test/support/nasty-columns.ts';
import { styledColumn } from '../../test/support/styled-columns.ts';
import type { ColumnStyle } from '../../test/support/styled-columns.ts';
import { decodeBody, encodeBody } from './block.ts';
import type { BlockSamples } from './block.ts';
import { writeDoubles } from './column.ts';
import { bodyByKernel, useEncodeKernel } from './encode-kernel.ts';
import { writeIntegers } from './integer-encode.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { ByteWriter } from './varint.ts';

const wasm = new WebAssembly.Module(
  readFileSync(new URL('../../dist/wasm/encode.wasm', import.meta.url)),
);
const STALE = 0x7ff0000000000002n;
const out = new ByteWriter(64);
const scratch = new ByteWriter(64);

afterEach(() => useEncodeKernel(undefined));

function blockOf(values: Float64Array): BlockSamples {
  const tUs = Float64Array.from(values, (_, i) => i * 15e6);
  const none = { subNs: undefined, startUs: undefined, position: undefined };
  return { kind: 0, count: values.length, tUs, values, ...none };
}

function written(write: () => void): Buffer {
  out.reset();
  write();
  return Buffer.from(out.take());
}

/** What is written with the kernel is what is written without it. */
function checkSame(name: string, write: () => void): Buffer {
  useEncodeKernel(undefined);
  const reference = written(write);
  useEncodeKernel(() => wasm);
  const own = written(write);
  assert.ok(own.equals(reference), `${name}: ${own.toString('hex')} ${reference.toString('hex')}`);
  return own;
}

function checkColumn(name: string, values: Float64Array): void {
  checkSame(name, () => writeDoubles(out, scratch, values, values.length));
  // Such blocks are the reference's; which NaN their sums are depends on how it was compiled.
  const words = new BigUint64Array(values.buffer);
  if (values.some((x, i) => Number.isNaN(x) && words[i] !== STALE)) return;
  const block = blockOf(values);
  const body = checkSame(name, () => encodeBody(out, block));
  const place = { start: 0, sizeBytes: body.length, kind: 0, count: values.length };
  const back = decodeBody(body, place, block.tUs).values as Float64Array;
  const bytes = (of: Float64Array): Buffer => Buffer.from(of.buffer, of.byteOffset, of.byteLength);
  assert.ok(bytes(back).equals(bytes(values)), `${name}: comes back`);
}

test('nasty columns are the same bytes', () => {
  const counts = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 40, 41, 42, 43, 127, 128, 129, 130, 257, 600,
  ];
  for (const { name, make } of NASTY_COLUMNS)
    for (const count of [...counts, 1025, 2050]) checkColumn(`${name}, ${count}`, make(count));
});

interface Shape extends ColumnStyle {
  readonly exponent: number;
}

const shapes = fc.record({
  count: fc.oneof(
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 1, max: 3000 }),
  ),
  bits: fc.integer({ min: 0, max: 52 }),
  exponent: fc.nat(5),
  style: fc.nat(9),
  seed: fc.integer(),
  odds: fc.nat(99),
});

/** Columns of a style, whole or decimal. */
function columnOf(shape: Shape): Float64Array {
  const { count, bits, exponent, style, seed, odds } = shape;
  const values = styledColumn(shape, ({ i, x, magnitude }) =>
    style === 8
      ? Math.floor(x * 50) * Math.floor(magnitude / 64)
      : i * i * Math.floor(x * 2 + 1) - magnitude,
  );
  for (let i = 0; i < count; i++) values[i] = values[i]! / 10 ** exponent + 0;
  if (odds % 10 === 3) new BigUint64Array(values.buffer)[(seed & 7) % count] = STALE;
  if (odds % 10 === 7)
    values[(seed & 7) % count] = [-0, Number.NaN, Infinity, 1e300, 0.1 + 0.2][bits % 5]!;
  return values;
}

test('any columns are the same bytes', () => {
  const check = (shape: Shape): void => checkColumn(JSON.stringify(shape), columnOf(shape));
  fc.assert(fc.property(shapes, check), { numRuns: 1500 });
});

test('the longest columns are the same bytes', () => {
  for (const { name, make } of NASTY_COLUMNS) checkColumn(name, make(BLOCK_COUNT_MAX));
});

test('any columns of 64-bit integers are the same bytes', () => {
  const check = (shape: Shape, base: bigint): void => {
    const whole = columnOf({ ...shape, exponent: 0, odds: 50 });
    for (const kind of [1, 2] as const) {
      const words = BigInt64Array.from(whole, (x) => base + BigInt(x));
      const values = kind === 1 ? words : new BigUint64Array(words.buffer);
      const block = { ...blockOf(whole), kind, values } as BlockSamples;
      const body = checkSame(JSON.stringify(shape), () => encodeBody(out, block));
      const place = { start: 0, sizeBytes: body.length, kind, count: whole.length };
      assert.deepEqual(decodeBody(body, place, block.tUs).values, values);
    }
  };
  const bases = fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
  fc.assert(fc.property(shapes, bases, check), { numRuns: 600 });
});

test('any streams of whole numbers are the same bytes', () => {
  const check = (shape: Shape): void => {
    const whole = columnOf({ ...shape, exponent: 0, odds: 50 });
    const limited = whole.map((x) => Math.max(-(2 ** 49) + 1, Math.min(x, 2 ** 49)) + 0);
    checkSame(JSON.stringify(shape), () => writeIntegers(out, limited, limited.length));
  };
  fc.assert(fc.property(shapes, check), { numRuns: 900 });
});

test('what most series are is taken by the kernel', () => {
  useEncodeKernel(() => wasm);
  const take = (shape: Partial<Shape>): boolean => {
    const all = { count: 90, bits: 20, exponent: 0, style: 4, seed: 1, odds: 0, ...shape };
    return bodyByKernel(out, { kind: 0, values: columnOf(all), count: 90 });
  };
  for (const style of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (const exponent of [0, 1, 3]) assert.ok(take({ style, exponent, bits: 24 }));
  assert.ok(take({ odds: 3 }), 'with a staleness marker');
  const full = Float64Array.from({ length: 90 }, (_, i) => Math.exp(noise(i)));
  assert.ok(bodyByKernel(out, { kind: 0, values: full, count: 90 }), 'full doubles');
  full[40] = Number.NaN;
  assert.ok(!bodyByKernel(out, { kind: 0, values: full, count: 90 }), 'with NaN');
  const counter = BigInt64Array.from({ length: 90 }, (_, i) => 2n ** 60n + BigInt(i) ** 3n);
  assert.ok(bodyByKernel(out, { kind: 1, values: counter, count: 90 }), 'integers');
});

test('the kernel writes nothing but its scratch and its output', () => {
  const memory = new WebAssembly.Memory({ initial: 17, maximum: 17, shared: true });
  const bytes = Buffer.from(memory.buffer);
  const { exports } = new WebAssembly.Instance(wasm, {
    env: { memory, abort: () => assert.fail('never called') },
  });
  const encode = exports['encodeBody'] as (...places: number[]) => number;
  const [scratchAt, scratchEnd] = [65_536, 65_536 + 555_408];
  const valuesAt = scratchEnd + 4096;
  const outAt = valuesAt + BLOCK_COUNT_MAX * 8 + 4096;
  for (const { name, make } of NASTY_COLUMNS)
    for (const count of [33, 130, BLOCK_COUNT_MAX]) {
      bytes.fill(0xa5);
      // No tables: whatever the kernel decides, it stays where it belongs.
      bytes.fill(0, scratchAt, scratchEnd);
      const values = make(count);
      new Float64Array(memory.buffer, valuesAt, count).set(values);
      const before = Buffer.from(bytes.subarray(valuesAt, outAt));
      encode(scratchAt, valuesAt, count, outAt);
      assert.ok(bytes.subarray(valuesAt, outAt).equals(before), `${name}, ${count}`);
      const end = outAt + count * 8 + 65_536;
      for (const [from, to] of [
        [0, scratchAt],
        [scratchEnd, valuesAt],
        [end, bytes.length],
      ])
        assert.ok(
          bytes.subarray(from, to).every((byte) => byte === 0xa5),
          `${name}, ${count}`,
        );
    }
});
