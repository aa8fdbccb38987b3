// Whole series out of the head at once, with kernels/pages.ts (dist/wasm, made by `npm run build`)
// and without: the same as page by page, at every held moment, for plain and sealed pages of every
// kind of 64 bits; and the kernel writes nothing but what is its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { NASTY_COLUMNS } from '../../test/support/nasty-columns.ts';
import { BLOCK_COUNT_MAX } from '../codec/limits.ts';
import { BatchBuilder } from '../model/batch-builder.ts';
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { SCRATCH_AT } from './append-scratch.ts';
import { Generation } from './head.ts';
import { HeadMemory } from './head-memory.ts';
import { SampleRoom } from './head-read.ts';
import { Moments } from './moments.ts';
import { usePagesKernel } from './pages-kernel.ts';
import { resolveSources } from './samples.ts';

const module = new WebAssembly.Module(
  readFileSync(new URL('../../dist/wasm/pages.wasm', import.meta.url)),
);
after(() => usePagesKernel(undefined));

const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };
const BASE_US = 1.76e15;

interface Shape {
  readonly column: number;
  readonly kind: 0 | 1 | 2;
  readonly count: number;
  readonly stepUs: number;
  /** Times come so many steps early or late at most. */
  readonly jitter: number;
  readonly sizes: readonly [number, number, number];
  readonly sealSamples: number;
  readonly batch: number;
}

const shapes = fc.record({
  column: fc.nat(NASTY_COLUMNS.length - 1),
  kind: fc.constantFrom(KIND.f64, KIND.i64, KIND.u64),
  count: fc.integer({ min: 1, max: 700 }),
  stepUs: fc.constantFrom(1, 999, 1000, 15e6, 60e6, 3e12),
  jitter: fc.constantFrom(0, 0, 3, 700),
  sizes: fc.constantFrom<[number, number, number]>([1, 2, 3], [4, 8, 16], [3, 5, 255]),
  sealSamples: fc.constantFrom(0, 4, 64, 200),
  batch: fc.integer({ min: 1, max: 90 }),
});

class Head {
  readonly memory: HeadMemory;
  readonly moments = new Moments();
  readonly generation: Generation;
  readonly held: number[] = [];

  constructor(hasKernel: boolean, { sizes, sealSamples }: Shape) {
    usePagesKernel(hasKernel ? () => module : undefined);
    this.memory = new HeadMemory();
    const { memory, moments } = this;
    const rules = { pageSamples: sizes, sealSamples, sealFromBytes: 0 };
    this.generation = new Generation(0, { memory, moments, ...rules });
  }

  /** Two series in turn, so that their pages do; and moments on the way. */
  write({ column, kind, count, stepUs, jitter, batch }: Shape): void {
    const values = NASTY_COLUMNS[column]!.make(count);
    const words = new Int32Array(values.buffer);
    for (let from = 0; from < count; from += batch) {
      const builder = new BatchBuilder();
      for (let i = from; i < Math.min(count, from + batch); i++)
        for (const ref of [3, 600]) {
          const bits = [words[2 * i]!, words[2 * i + 1]!] as const;
          const tUs = BASE_US + (i + ((i * 7919) % (jitter + 1))) * stepUs;
          if (kind === KIND.f64) builder.f64Bits(ref, tUs, 0, ...bits);
          else if (kind === KIND.i64) builder.i64(ref, tUs, 0, ...bits);
          else builder.u64(ref, tUs, 0, ...bits);
        }
      const { points } = builder.finish();
      this.generation.applyPoints(points, [points[0]!.refs]);
      if (from % 3 === 0) this.held.push(this.moments.hold());
    }
  }

  wanted(moment: number): Samples[] {
    const view = { moment, range: EVER, priority: 0 };
    return resolveSources(this.generation.sources(3, view, []));
  }
}

function hex({ values, tUs, count }: Samples): string {
  const bytes = (column: Float64Array): Buffer =>
    Buffer.from(column.buffer, column.byteOffset, count * 8);
  return Buffer.concat([bytes(tUs), bytes(values as Float64Array)]).toString('hex');
}

test('a series that is read at once is what its pages are', () => {
  const check = (shape: Shape): void => {
    for (const hasKernel of [true, false]) {
      const head = new Head(hasKernel, shape);
      head.write(shape);
      const room = new SampleRoom(head.memory);
      head.generation.lookAhead(Uint32Array.of(3, 4, 600), 0, 3);
      for (const moment of [...head.held, Number.POSITIVE_INFINITY]) {
        const [wanted] = head.wanted(moment);
        assert.equal(head.generation.readTo(room, 3, moment, EVER), true);
        assert.equal(room.samples.kind, shape.kind);
        assert.equal(hex(room.samples), hex(wanted!));
      }
      const late = { startUs: BASE_US + 1, endUs: EVER.endUs };
      assert.equal(head.generation.readTo(room, 3, Number.POSITIVE_INFINITY, late), false);
    }
  };
  fc.assert(fc.property(shapes, check), { numRuns: 150 });
});

test('other series are left to others', () => {
  const shape: Shape = { ...fc.sample(shapes, { numRuns: 1, seed: 1 })[0]!, count: 20, kind: 0 };
  for (const hasKernel of [true, false])
    for (const odd of ['kind', 'companion', 'boolean', 'none'] as const) {
      const head = new Head(hasKernel, shape);
      if (odd !== 'none') head.write(shape);
      const builder = new BatchBuilder();
      const tUs = BASE_US + 1e15;
      if (odd === 'kind') builder.i64(3, tUs, 0, 1, 0);
      else if (odd === 'boolean') builder.boolean(3, tUs, 0, true);
      else if (odd === 'companion') builder.f64(3, tUs, 7, 1);
      else builder.f64(4, tUs, 0, 1);
      const { points } = builder.finish();
      head.generation.applyPoints(points, [points[0]!.refs]);
      const room = new SampleRoom(head.memory);
      assert.equal(head.generation.readTo(room, 3, Number.POSITIVE_INFINITY, EVER), false, odd);
    }
});

test('the kernel writes nothing but its scratch and the room', () => {
  for (const sealSamples of [0, 64]) {
    const shape: Shape = { ...fc.sample(shapes, 1)[0]!, sizes: [3, 5, 255], sealSamples };
    const head = new Head(true, { ...shape, count: BLOCK_COUNT_MAX, batch: 512, stepUs: 1000 });
    head.write({ ...shape, count: BLOCK_COUNT_MAX, batch: 512, stepUs: 1000 });
    const { memory } = head;
    const { spreadTimes } = memory.scratch;
    const before = Buffer.from(memory.u8);
    const room = new SampleRoom(memory);
    assert.equal(head.generation.readTo(room, 3, Number.POSITIVE_INFINITY, EVER), true);
    const [from, to] = [spreadTimes.byteOffset, spreadTimes.byteOffset + spreadTimes.byteLength];
    assert.ok(from > SCRATCH_AT);
    assert.ok(before.subarray(0, from).equals(memory.u8.subarray(0, from)));
    assert.ok(before.subarray(to).equals(memory.u8.subarray(to)));
  }
});
