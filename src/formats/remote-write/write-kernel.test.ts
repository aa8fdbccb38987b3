// The kernel of remote write in a memory full of canaries: what stands beside a body changes
// nothing, and nothing beside the control block is written.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bytesField, doubleField, varintField } from '../../../test/support/protobuf-writer.ts';
import { encodeSnappy } from '../../codec/snappy.ts';
import { WriteKernel } from './write-kernel.ts';

const WASM = join(import.meta.dirname, '../../../dist/wasm/remote-write.wasm');
const module = new WebAssembly.Module(readFileSync(WASM));
const PAGE_BYTES = 65_536;
const CONTROL_AT = PAGE_BYTES;
const BODY_AT = 2 * PAGE_BYTES + 4093;
const PAGES = 4;
const SEED = 77;

const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
const { exports } = new WebAssembly.Instance(module, { env: { memory, abort: assert.fail } });
const walk = exports['walk'] as (
  c: number,
  body: number,
  at: number,
  end: number,
  s: number,
) => number;
const bytes = new Uint8Array(memory.buffer);

/** Where the kernel stopped, its counts, rows and columns. */
function walked(body: Uint8Array, canary: number): unknown {
  bytes.fill(canary, PAGE_BYTES);
  bytes.set(body, BODY_AT);
  const stop = walk(CONTROL_AT, BODY_AT, BODY_AT, BODY_AT + body.length, SEED) - BODY_AT;
  const [rows, samples, isFull] = new Int32Array(memory.buffer, CONTROL_AT, 3);
  for (const [from, to] of [
    [CONTROL_AT + 57_408, BODY_AT],
    [BODY_AT + body.length, bytes.length],
  ] as const)
    for (let at = from; at < to; at++) assert.equal(bytes[at], canary);
  assert.deepEqual(bytes.subarray(BODY_AT, BODY_AT + body.length), body);
  const copy = (at: number, size: number): Uint8Array =>
    bytes.slice(CONTROL_AT + at, CONTROL_AT + at + size);
  const columns = [copy(64, rows! * 24), copy(24_640, samples! * 8), copy(41_024, samples! * 8)];
  return { stop, rows, samples, isFull, columns };
}

const text = fc.constantFrom('__name__', 'm', 'a', '1', 'x'.repeat(130), '');
const sample = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(1_700_000_000_000, 1_700_000_015_000) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, -1, 2 ** 42) },
);
const series = fc
  .tuple(fc.array(fc.tuple(text, text), { maxLength: 3 }), fc.array(sample, { maxLength: 3 }))
  .map(([labels, times]) =>
    bytesField(1, [
      ...labels.flatMap(([name, value]) =>
        bytesField(1, [...bytesField(1, name), ...bytesField(2, value)]),
      ),
      ...times.flatMap((timeMs) =>
        bytesField(2, [...(timeMs === 1 ? [] : doubleField(1, 7n)), ...varintField(2, timeMs)]),
      ),
    ]),
  );

test('a body cut at any byte gives the same whatever stands behind it', () => {
  fc.assert(
    fc.property(fc.array(series, { minLength: 1, maxLength: 4 }), (list) => {
      const body = Uint8Array.from(list.flat());
      for (let end = 0; end <= body.length; end += 1 + (body.length >>> 7)) {
        const cut = body.slice(0, end);
        const expected = walked(cut, 0);
        for (const canary of [0x0a, 0x12, 0x80, 0xff])
          assert.deepEqual(walked(cut, canary), expected);
      }
    }),
    { numRuns: 20 },
  );
});

test('damaged bodies touch nothing else', () => {
  const harm = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(series, { maxLength: 4 }), harm, (list, changes) => {
      const body = Uint8Array.from(list.flat());
      for (const [at, byte] of changes) if (body.length > 0) body[at % body.length] = byte;
      assert.deepEqual(walked(body, 0x0a), walked(body, 0xff));
    }),
    { numRuns: 200 },
  );
});

test('what it decodes is the block, and what it cannot decode it leaves', () => {
  const kernel = new WriteKernel(module);
  const input = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >>> (i & 7));
  const block = encodeSnappy(input);
  const header = 3;
  assert.deepEqual(kernel.decode(block, header, input.length), input);
  assert.equal(kernel.decode(block.subarray(0, -1), header, input.length), undefined);
  assert.equal(kernel.decode(block, header, input.length + 1), undefined);
  assert.equal(kernel.decode(block, header, 2 ** 24), undefined);
  assert.equal(kernel.decode(new Uint8Array(2 ** 22), header, 5), undefined);
});

test('a row has one hash wherever it stands', () => {
  const kernel = new WriteKernel(module);
  const row = Uint8Array.from({ length: 70 }, (_, i) => i * 7);
  const hash = (view: DataView, start: number, end: number): number[] => {
    kernel.hash(view, start, end, SEED);
    return [...kernel.words];
  };
  const outside = new Uint8Array(1000);
  for (let size = 0; size <= row.length; size++) {
    outside.fill(size).set(row.subarray(0, size), 13 + size);
    const expected = hash(new DataView(row.buffer), 0, size);
    assert.deepEqual(hash(new DataView(outside.buffer), 13 + size, 13 + 2 * size), expected);
    const block = encodeSnappy(outside);
    const inside = kernel.decode(block, 2, outside.length)!;
    const view = new DataView(inside.buffer, inside.byteOffset, inside.length);
    assert.deepEqual(hash(view, 13 + size, 13 + 2 * size), expected);
  }
});
