// kernels/append.ts against its reference: two heads, one with the kernel and one without, take the
// same batches and have the same bytes afterwards, in the scratch, the records and the pages.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { KIND } from '../model/columns.ts';
import type { Points } from '../model/columns.ts';
import { useAppendKernel } from './append-kernel.ts';
import { DIRECTORY_AT, SCRATCH_AT, SCRATCH_SAMPLES } from './append-scratch.ts';
import { Generation } from './head.ts';
import { HeadMemory } from './head-memory.ts';
import { Moments } from './moments.ts';

const module = new WebAssembly.Module(
  readFileSync(new URL('../../dist/wasm/append.wasm', import.meta.url)),
);
after(() => useAppendKernel(undefined));

class Head {
  readonly memory: HeadMemory;
  readonly moments = new Moments();
  readonly generation: Generation;

  constructor(hasKernel: boolean) {
    useAppendKernel(hasKernel ? () => module : undefined);
    this.memory = new HeadMemory();
    const { memory, moments } = this;
    this.generation = new Generation(0, {
      memory,
      moments,
      pageSamples: [2, 5, 9],
      sealSamples: 12,
      sealFromBytes: 0,
    });
  }
}

const BASE_US = 1_790_000_000_000_000;
const STEPS_US = [0, 1, 999, 1000, 15_000_000, 2 ** 31 * 1000 - 1000, 2 ** 31 * 1000, 4e12, -1000];

const sample = fc.record({
  ref: fc.oneof(fc.nat(5), fc.nat(3000), fc.constant(0x0100_0007), fc.constant(0x00ff_fffe)),
  step: fc.constantFrom(...STEPS_US),
  low: fc.integer(),
  high: fc.integer(),
});
/** One ref behind the other, over borders of chunks; and where one of them is another one. */
const inOrder = fc
  .record({
    samples: fc.array(sample, { minLength: 1, maxLength: SCRATCH_SAMPLES }),
    repeats: fc.integer({ min: 1, max: 4 }),
    first: fc.oneof(
      fc.nat(1100),
      fc.nat(600).map((first) => 0x0100_0000 + first),
    ),
    defectAt: fc.option(fc.nat(700), { nil: -1, freq: 1 }),
  })
  .map(({ samples, repeats, first, defectAt }) =>
    Array.from({ length: samples.length * repeats }, (_, i) => {
      const ref = i === defectAt ? first : first + i;
      return { ...samples[i % samples.length]!, ref };
    }),
  );
const batch = fc.record({
  kind: fc.constantFrom(KIND.f64, KIND.f64, KIND.i64, KIND.u64),
  samples: fc.oneof(
    inOrder,
    fc.array(sample, { maxLength: 40 }),
    fc.array(sample, { minLength: SCRATCH_SAMPLES, maxLength: SCRATCH_SAMPLES + 300 }),
  ),
  /** Columns lie in the head's memory, as those of a record that waited there. */
  isInPlace: fc.boolean(),
  before: fc.constantFrom('nothing', 'nothing', 'mark', 'hold', 'delete'),
});

type Batch = typeof batch extends fc.Arbitrary<infer T> ? T : never;

function pointsOf({ kind, samples, isInPlace }: Batch, head: Head, lastUs: number): Points {
  const count = samples.length;
  const { ring } = head.memory.scratch;
  const buffer = isInPlace ? ring.buffer : new ArrayBuffer(count * 20);
  const at = isInPlace ? ring.byteOffset : 0;
  const tUs = new Float64Array(buffer, at, count);
  const words = new Int32Array(buffer, at + 8 * count, 2 * count);
  const refs = new Uint32Array(buffer, at + 16 * count, count);
  let time = lastUs;
  for (const [i, one] of samples.entries()) {
    time += one.step;
    tUs[i] = Math.abs(time) < 8e15 ? time : BASE_US;
    words[2 * i] = one.low;
    words[2 * i + 1] = one.high;
    refs[i] = one.ref;
  }
  const column = { kind, values: new Float64Array(buffer, at + 8 * count, count) };
  const none = { rows: undefined, subNs: undefined, startUs: undefined, position: undefined };
  return { ...(column as { kind: 0; values: Float64Array }), count, refs, tUs, ...none };
}

test('the kernel leaves the bytes that its reference leaves', () => {
  fc.assert(
    fc.property(fc.array(batch, { minLength: 1, maxLength: 12 }), (batches) => {
      const heads = [new Head(true), new Head(false)] as const;
      let lastUs = BASE_US;
      for (const one of batches) {
        for (const head of heads) {
          if (one.before === 'mark') head.moments.mark();
          if (one.before === 'hold') head.moments.hold();
          if (one.before === 'delete') head.generation.markDelete();
          const points = pointsOf(one, head, lastUs);
          head.generation.applyPoints([points], [points.refs]);
        }
        lastUs += 30_000_000;
      }
      const [a, b] = heads;
      assert.deepEqual([...a.generation.refs.view()], [...b.generation.refs.view()]);
      assert.equal(a.generation.sizeBytes, b.generation.sizeBytes);
      assert.equal(bytesOf(a).compare(bytesOf(b)), 0, 'the same memory');
    }),
    { numRuns: 60 },
  );
});

/** All but the columns and the control block, where the kernel has notes of its own. */
function bytesOf({ memory }: Head): Buffer {
  return Buffer.from(memory.i32.buffer as unknown as ArrayBuffer, SCRATCH_AT + DIRECTORY_AT);
}
