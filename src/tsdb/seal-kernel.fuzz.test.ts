// Pages sealed with kernels/seal.ts (dist/wasm, made by `npm run build`) and without: the same
// bytes of every kind, for nasty columns and for any, in pages of any sizes, with times of every
// tick; and the kernel refuses none of them, and writes nothing but its scratch.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { NASTY_COLUMNS, noise } from '../../test/support/nasty-columns.ts';
import { styledColumn } from '../../test/support/styled-columns.ts';
import type { ColumnStyle } from '../../test/support/styled-columns.ts';
import { VECTOR_COUNT_MAX } from '../codec/limits.ts';
import { KIND } from '../model/columns.ts';
import type { Kind } from '../model/columns.ts';
import { SCRATCH_AT } from './append-scratch.ts';
import { Arena, HeadMemory } from './head-memory.ts';
import {
  closePage,
  COARSE_TICK_US,
  formatPage,
  freshMeta,
  kindBits,
  offsetAt,
  pageCells,
  valueBehind,
} from './head-pages.ts';
import { readSamples, SealedRun } from './head-sealed.ts';
import { SEAL_SCRATCH_BYTES, useSealKernel } from './seal-kernel.ts';

const module = new WebAssembly.Module(
  readFileSync(new URL('../../dist/wasm/seal.wasm', import.meta.url)),
);
after(() => useSealKernel(undefined));

const BASE_US = 1.76e15;
const PREVIOUS = 77;
const CANARY = 0xa5;
const TICKS_MAX = 2 ** 31 - 1;
const EARLY_MAX = 3;

function createMemory(hasKernel: boolean): HeadMemory {
  useSealKernel(hasKernel ? () => module : undefined);
  return new HeadMemory();
}

/** One with the kernel, one without; pages are made of the same cells in both, again and again. */
const memories = [createMemory(true), createMemory(false)] as const;
const firstCells = memories.map((memory) => new Arena(memory).take(8000));
const firstCell = firstCells[0]!;

interface Run {
  readonly kind: Kind;
  readonly tUs: readonly number[];
  /** Values of 64 bits. */
  readonly words: Int32Array;
  /** Of the pages, in turn. */
  readonly sizes: readonly number[];
  /** Ticks that the base of a page is before its first time. */
  readonly early?: number;
}

/** Microseconds of each tick. */
const TICKS_US = [1, 1000, COARSE_TICK_US];

/** A tick that all times can be told in from the first one; −1: there is none. */
function tickOf(tUs: readonly number[]): number {
  const areTold = (tickUs: number): boolean =>
    tUs.every((t) => {
      const ticks = (t - tUs[0]!) / tickUs;
      return (ticks | 0) === ticks && ticks <= TICKS_MAX - EARLY_MAX;
    });
  return [1, 0, 2].find((tick) => areTold(TICKS_US[tick]!)) ?? -1;
}

/** Lays the pages out; whatever stood in them before is not theirs. */
function layOut(memory: HeadMemory, { kind, tUs, words, sizes, early = 0 }: Run): Uint32Array {
  const { i32 } = memory;
  const pages: number[] = [];
  memory.u8.fill(CANARY, firstCell * 8, (firstCell + 6000) * 8);
  let cell = firstCell;
  for (let from = 0; from < tUs.length;) {
    const capacity = sizes[pages.length % sizes.length]!;
    let to = from + 1;
    const most = Math.min(tUs.length, from + capacity);
    while (to < most && tickOf(tUs.slice(from, to + 1)) >= 0) to++;
    const tick = tickOf(tUs.slice(from, to));
    const tickUs = TICKS_US[tick]!;
    const baseUs = tUs[from]! - early * tickUs;
    const meta = freshMeta(capacity, kindBits(kind), tick);
    formatPage(memory, cell, { baseUs, previous: PREVIOUS, meta });
    for (let i = from; i < to; i++) {
      const at = offsetAt(cell, i - from);
      i32[at] = (tUs[i]! - baseUs) / tickUs;
      const value = valueBehind(at, i - from);
      i32[value] = words[2 * i]!;
      i32[value + 1] = words[2 * i + 1]!;
    }
    closePage(i32, cell, to - from);
    pages.push(cell);
    cell += pageCells(capacity);
    from = to;
  }
  return Uint32Array.from(pages);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** The sealed page, undefined where times are too far apart; and it is what was laid out. */
function sealed(memory: HeadMemory, run: Run): string | undefined {
  const pages = layOut(memory, run);
  const sealedRun = new SealedRun();
  if (!sealedRun.encode(memory, pages, 0, pages.length)) return undefined;
  const { cells } = sealedRun;
  const target = firstCell + 6000;
  memory.u8.fill(0, target * 8, (target + 1000) * 8);
  sealedRun.write(memory, target, PREVIOUS);
  const count = run.tUs.length;
  const tUs = new Float64Array(count);
  const words = new Int32Array(2 * count);
  readSamples(memory, target, count, tUs, words, 0);
  assert.deepEqual([...tUs], run.tUs);
  assert.equal(hex(new Uint8Array(words.buffer)), hex(bytesOf(run)));
  return `${cells} ${hex(memory.u8.slice(target * 8, (target + 1000) * 8))}`;
}

function bytesOf({ words, tUs }: Run): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, tUs.length * 8);
}

/** Is the run refused by the kernel? */
function isRefused(memory: HeadMemory, run: Run): boolean {
  const pages = layOut(memory, run);
  memory.scratch.sealPages.set(pages);
  return memory.seal!(memory.scratch.sealAt, pages.length) === 0;
}

function check(name: string, run: Run): void {
  const [own, reference] = memories.map((memory) => sealed(memory, run));
  assert.equal(own, reference, name);
  assert.equal(isRefused(memories[0], run), false, `${name} is not refused`);
}

const TIMES: readonly ((i: number) => number)[] = [
  (i) => i * 15e6,
  (i) => i * 15e6 + Math.floor(noise(i) * 9) * 1000,
  (i) => i * 1e6 + Math.floor(noise(i) * 700),
  (i) => i * 999,
  (i) => Math.floor(noise(i) * 100) * 1000,
  (i) => (i > 40 ? 1e12 : 0) + i * 60e6,
  (i) => i * 7e9,
  (i) => (i % 50 === 49 ? -4e11 : i * 1000),
  (i) => Math.floor(noise(i) * 4e6) * 1e6,
  (i) => (i % 2) * 2_147_483_647_000 - BASE_US,
  // Of 32 bits from the base of their page, but not from the first time.
  (i) => [0, 1e12, 2.2e12][i % 3]!,
];

function runOf(values: Float64Array, kind: Kind, times: number, sizes: readonly number[]): Run {
  const tUs = Array.from(values, (_, i) => BASE_US + TIMES[times]!(i));
  return { kind, tUs, words: new Int32Array(values.buffer), sizes };
}

test('nasty columns of every length are the same bytes', () => {
  const counts = [1, 2, 3, 4, 5, 7, 16, 31, 64, 127, 128, 129, 130, 200, 255, 256];
  let turn = 0;
  for (const { name, make } of NASTY_COLUMNS)
    for (const count of counts) {
      const sizes = turn % 3 === 0 ? [3, 5] : [16];
      const times = turn++ % TIMES.length;
      const values = make(count);
      check(`${name}, ${count}, ${times}`, runOf(values, KIND.f64, times, sizes));
      check(`${name}, ${count}, words`, runOf(values, KIND.u64, times, sizes));
      const ints = BigInt64Array.from(values, (x) =>
        BigInt(Number.isFinite(x) ? Math.trunc(x) : 7),
      );
      const whole = new Float64Array(ints.buffer);
      check(`${name}, ${count}, integers`, runOf(whole, KIND.i64, times, sizes));
    }
});

interface Shape extends ColumnStyle {
  readonly kind: Kind;
  readonly times: number;
  readonly sizes: readonly number[];
  readonly factor: number;
  readonly exponent: number;
  readonly early: number;
}

const shapes = fc.record({
  count: fc.oneof(fc.integer({ min: 1, max: 256 }), fc.constantFrom(64, 128, 129, 256)),
  kind: fc.constantFrom(...Object.values(KIND)),
  times: fc.nat(TIMES.length - 1),
  sizes: fc.constantFrom([4, 8, 16], [16], [3, 5, 255], [1], [255, 1], [1, 2]),
  bits: fc.integer({ min: 0, max: 52 }),
  factor: fc.constantFrom(1, 1, 1, 3, 1000, 4096, 1_000_003, 2 ** 32 - 1, 2 ** 33),
  exponent: fc.nat(17),
  style: fc.nat(9),
  seed: fc.integer(),
  odds: fc.nat(99),
  early: fc.constantFrom(0, 0, 0, EARLY_MAX),
});

/** Columns of a style, whole or decimal, with what is no decimal. */
function valuesOf(shape: Shape): Float64Array {
  const { count, kind, bits, factor, exponent, style, seed, odds } = shape;
  const values = styledColumn(shape, ({ i, x, isRare, magnitude }) => {
    if (style === 8) return isRare ? Math.exp(x) : Math.floor(x * 50) / 4;
    return i * Math.floor(magnitude / 256) + (isRare ? 1 : 0);
  });
  if (kind !== KIND.f64) {
    const start = BigInt(Math.floor(noise(seed) * 8)) << 60n;
    const words = BigUint64Array.from(values, (x) =>
      BigInt.asUintN(64, start + BigInt(Math.trunc(x)) * BigInt(factor)),
    );
    return new Float64Array(words.buffer);
  }
  for (let i = 0; i < count; i++) values[i] = (values[i]! * factor) / 10 ** exponent;
  const odd = [-0, Number.NaN, Infinity, 1e300, 0.1 + 0.2, 5e-324, -(2 ** 52), 2 ** 52 - 1];
  if (odds % 10 < 3)
    for (let i = seed & 7; i < count; i += 1 + (odds % 60)) values[i] = odd[(i + bits) & 7]!;
  return values;
}

test('any columns are the same bytes', () => {
  const checkShape = (shape: Shape): void => {
    const { kind, times, sizes, early } = shape;
    check(JSON.stringify(shape), { ...runOf(valuesOf(shape), kind, times, sizes), early });
  };
  fc.assert(fc.property(shapes, checkShape), { numRuns: 6000 });
});

test('numbers at the borders of what is packed are the same bytes', () => {
  const firsts = [0, 1, -7, 2 ** 51, 2 ** 52 - 1, 2 ** 52, -(2 ** 52), 1 - 2 ** 52];
  const distances = [2 ** 29, 2 ** 30, 2 ** 31, 2 ** 32, 2 ** 49, 2 ** 50, 2 ** 51];
  for (const first of firsts)
    for (const distance of distances)
      for (const far of [distance - 1, distance, 1 - distance, -distance])
        for (const list of [
          [0, far],
          [0, 3, far, 1, 2],
          [0, 1, -far, far],
        ]) {
          const values = Float64Array.from(list, (x) => first + x);
          const name = `${first}: ${list.join()}`;
          check(name, runOf(values, KIND.f64, 0, [16]));
          check(
            `${name}, tenths`,
            runOf(
              values.map((x) => x / 10),
              KIND.f64,
              0,
              [16],
            ),
          );
          const words = BigInt64Array.from(values, BigInt);
          check(`${name}, words`, runOf(new Float64Array(words.buffer), KIND.i64, 0, [16]));
        }
});

test('the largest decimals are the same bytes', () => {
  const checkLargest = (exponent: number, seed: number, bits: number): void => {
    const values = Float64Array.from({ length: 64 }, (_, i) => {
      const whole = 2 ** 52 - 1 - Math.floor(noise(seed + i) * 2 ** bits);
      return (seed & 1 ? whole : -whole) / 10 ** exponent;
    });
    check(`${exponent}, ${seed}, ${bits}`, runOf(values, KIND.f64, 0, [16]));
  };
  const places = [fc.nat(17), fc.integer(), fc.integer({ min: 1, max: 52 })] as const;
  fc.assert(fc.property(...places, checkLargest), { numRuns: 500 });
});

test('any words at any times are the same bytes', () => {
  const list = fc.array(fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer()), {
    minLength: 1,
    maxLength: VECTOR_COUNT_MAX,
  });
  const checkList = (points: [bigint, number][], shift: number, kind: Kind): void => {
    const column = BigUint64Array.from(points, ([word]) => word >> BigInt(shift));
    const unit = [1, 1000, 1e6][shift % 3]!;
    const tUs = points.map(([, t]) => Math.trunc(t / 2) * unit + BASE_US);
    check('words', { kind, tUs, words: new Int32Array(column.buffer), sizes: [16] });
    const decimals = Float64Array.from(column, (x) => Number(x % 10_000n) / 100);
    check('decimals', { kind, tUs, words: new Int32Array(decimals.buffer), sizes: [16] });
  };
  const kinds = fc.constantFrom(...Object.values(KIND));
  fc.assert(fc.property(list, fc.nat(63), kinds, checkList), { numRuns: 500 });
});

test('times that are too far apart are told', () => {
  const words = new Int32Array(4);
  for (const far of [3e15, 2_147_483_648_000_001]) {
    const run: Run = { kind: KIND.f64, tUs: [BASE_US, BASE_US + far], words, sizes: [1] };
    for (const memory of memories) assert.equal(sealed(memory, run), undefined);
    assert.equal(isRefused(memories[0], run), false);
  }
});

test('what are no pages of a run is refused', () => {
  const [memory] = memories;
  const run = runOf(new Float64Array(256), KIND.f64, 0, [16]);
  const pages = layOut(memory, run);
  const { seal, scratch } = memory;
  const answer = (list: readonly number[]): number => {
    scratch.sealPages.set(list);
    return seal!(scratch.sealAt, list.length);
  };
  assert.ok(answer([...pages]) > 0);
  assert.equal(answer([]), 0);
  assert.equal(answer([...pages, pages[0]!]), 0, 'more than 256 samples');
  memory.i32[2 * pages[3]! + 3]! ^= kindBits(1);
  assert.equal(answer([...pages]), 0, 'two kinds');
});

test('the kernel writes nothing but its scratch', () => {
  const [memory] = memories;
  const from = memory.scratch.sealAt;
  assert.ok(from > SCRATCH_AT);
  const to = from + SEAL_SCRATCH_BYTES;
  for (const [i, { name, make }] of NASTY_COLUMNS.entries()) {
    const kind = i % 2 === 0 ? KIND.f64 : KIND.i64;
    const pages = layOut(memory, runOf(make(256), kind, i % TIMES.length, [16]));
    memory.u8.fill(CANARY, from, to + 1024);
    memory.scratch.sealPages.set(pages);
    const before = Buffer.from(memory.u8);
    memory.seal!(from, pages.length);
    assert.ok(before.subarray(0, from).equals(memory.u8.subarray(0, from)), name);
    assert.ok(before.subarray(to).equals(memory.u8.subarray(to)), name);
  }
});
