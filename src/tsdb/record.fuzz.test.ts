// Log records: both series encodings carry everything, at any alignment; damage is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { crc32 } from '../codec/crc32.ts';
import { CodecError } from '../codec/varint.ts';
import { BatchBuilder } from '../model/batch-builder.ts';
import type { WriteBatch } from '../model/columns.ts';
import { labelsFromObject } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { matcher } from '../model/matcher.ts';
import { decodeRecord } from './record-decode.ts';
import { encodeBatch, encodeDelete, inlineNumbers } from './record-encode.ts';
import type { SeriesNumbers } from './record-encode.ts';
import { tailSizeOf } from './record-layout.ts';
import type { BatchRecord } from './record-layout.ts';
import { definedLabels, SeriesWriter } from './record-series.ts';
import { SeriesIndex } from './series-index.ts';

const HEADER = {
  offset: 41,
  durableOffset: 40,
  session: 7,
  writtenMs: 1.7e12,
  tenant: 'red',
  tokenId: 'token',
  protocol: 'influx',
  batchId: Uint8Array.from({ length: 16 }, (_, i) => i),
  isClientBatchId: true,
};
const LABELS: Labels[] = Array.from({ length: 5 }, (_, i) =>
  labelsFromObject({ __name__: 'm', i: String(i), shared: 'é' }),
);
const INDEX = new SeriesIndex();
for (const labels of LABELS) INDEX.resolve('red', labels);

function batchOf(seed: readonly (readonly [number, number])[]): WriteBatch {
  const builder = new BatchBuilder();
  for (const [ref, what] of seed) {
    const tUs = what * 1000 - 3;
    if (what % 5 === 0) builder.f64(ref, tUs, 0, what / 3);
    if (what % 5 === 1) builder.i64(ref, tUs, what % 1000, what, -1);
    if (what % 5 === 2) builder.string(ref, tUs, 0, `text ${what}`);
    if (what % 5 === 3) builder.boolean(ref, tUs, 0, what % 2 === 0);
    if (what % 5 === 4) {
      builder.u64(ref, tUs, 0, what, what);
      builder.startOfLast(2, what);
      builder.positionOfLast(2, 1, 2, Number.NaN);
    }
  }
  builder.metadata({ family: 'f', type: 'gauge', unit: '', help: 'h' });
  builder.exemplar({ ref: 1, labels: ['t', 'x'], tUs: 5, subNs: 6, value: -0 });
  builder.attribute({ ref: 2, key: 'k', value: '' });
  builder.split({ name: 'a_b', measurement: 'a', field: 'b' });
  return builder.finish();
}

const seeds = fc.oneof(
  fc.array(fc.tuple(fc.nat(4), fc.nat(9999)), { maxLength: 30 }),
  // Scrapes: series in their order, a time for all, now and then another one.
  fc
    .array(fc.record({ from: fc.nat(4), count: fc.integer({ min: 1, max: 40 }), what: fc.nat(99) }))
    .map((scrapes) =>
      scrapes.flatMap(({ from, count, what }) =>
        Array.from({ length: count }, (_, i) => [(from + i) % 5, what] as const),
      ),
    ),
);

function refNumbers(): SeriesNumbers {
  return {
    encoding: 'ref',
    definitions: LABELS.map((_, ref) => ref),
    labels: new SeriesWriter(INDEX),
    numberOf: (ref) => ref,
  };
}

/** Points, sides and definitions of a record with labels in the place of series numbers. */
function meaning(record: BatchRecord): unknown {
  const { definitions } = record;
  const labels = new Map(
    Array.from(definitions.numbers, (number, i) => [number, definedLabels(definitions, i)]),
  );
  return describe(record.batch, (number) => labels.get(number)!);
}

function describe(batch: WriteBatch, labelsOf: (ref: number) => Labels): unknown {
  const bytes = (view: ArrayBufferView, count: number, size: number): string =>
    Buffer.from(view.buffer, view.byteOffset, count * size).toString('hex');
  return {
    points: batch.points.map((p) => ({
      kind: p.kind,
      labels: Array.from(p.refs.subarray(0, p.count), labelsOf),
      rows: p.rows && [...p.rows.subarray(0, p.count)],
      tUs: bytes(p.tUs, p.count, 8),
      subNs: p.subNs && [...p.subNs.subarray(0, p.count)],
      startUs: p.startUs && bytes(p.startUs, p.count, 8),
      latitude: p.position && bytes(p.position.latitude, p.count, 8),
      values: ArrayBuffer.isView(p.values)
        ? bytes(p.values, p.count, p.values.BYTES_PER_ELEMENT)
        : p.values.slice(0, p.count),
    })),
    metadata: batch.metadata,
    exemplars: batch.exemplars.map((row) => ({ ...row, ref: labelsOf(row.ref) })),
    attributes: batch.attributes.map((row) => ({ ...row, ref: labelsOf(row.ref) })),
    splits: batch.splits,
  };
}

test('both encodings carry the whole batch', () => {
  fc.assert(
    fc.property(seeds, fc.boolean(), fc.nat(9), (seed, isInline, shift) => {
      const batch = batchOf(seed);
      const numbers = isInline ? inlineNumbers(batch, new SeriesWriter(INDEX)) : refNumbers();
      const bytes = encodeBatch(HEADER, batch, numbers).bytes;
      const shifted = new Uint8Array(bytes.length + shift).subarray(shift);
      shifted.set(bytes);
      const rooms = {
        times: new Float64Array(20),
        values: new Float64Array(40),
        refs: new Uint32Array(30),
      };
      const record = decodeRecord(shifted, 41, shift % 2 === 0 ? {} : rooms);
      assert.ok(record.kind === 'batch');
      assert.deepEqual(record.header, { ...HEADER, batchId: record.header.batchId });
      assert.deepEqual([...record.header.batchId], [...HEADER.batchId]);
      assert.equal(record.encoding, isInline ? 'inline' : 'ref');
      assert.deepEqual(
        meaning(record),
        describe(batch, (ref) => LABELS[ref]!),
      );
    }),
    { numRuns: 150 },
  );
});

test('a delete carries its matchers and an open range', () => {
  const matchers = [matcher('a', '=', 'é'), matcher('b', '!~', 'x|y'), matcher('c', '!=', '')];
  const request = { matchers, startUs: Number.NEGATIVE_INFINITY, endUs: 5 };
  const record = decodeRecord(encodeDelete(HEADER, request).bytes, 41);
  assert.ok(record.kind === 'delete');
  assert.deepEqual(
    record.matchers.map(({ name, type, value }) => [name, type, value]),
    matchers.map(({ name, type, value }) => [name, type, value]),
  );
  assert.deepEqual([record.startUs, record.endUs], [Number.NEGATIVE_INFINITY, 5]);
});

test('another offset, a flipped bit, a cut record: refused', () => {
  const bytes = encodeBatch(HEADER, batchOf([[0, 5]]), refNumbers()).bytes;
  assert.throws(() => decodeRecord(bytes, 42), CodecError);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (place, bit) => {
      const damaged = bytes.slice();
      damaged[place]! ^= 1 << bit;
      assert.throws(() => decodeRecord(damaged, 41), CodecError);
      assert.throws(() => decodeRecord(bytes.slice(0, place), 41), CodecError);
    }),
  );
});

/** Points of many series in order, of two times. */
function scrapesOf(count: number, valueOf: (i: number) => number = Math.sqrt): WriteBatch {
  const builder = new BatchBuilder();
  for (let i = 0; i < count; i++) builder.f64(i + 7, i < 900 ? 5000 : 6000, 0, valueOf(i));
  return builder.finish();
}

const MANY: SeriesNumbers = { ...refNumbers(), definitions: [] };

test('scrapes take the bytes of their values, and count as many as points do', () => {
  const { bytes } = encodeBatch(HEADER, scrapesOf(2000), MANY);
  assert.ok(bytes.length < 2000 * 8 + 300, `${bytes.length} bytes`);
  assert.equal(tailSizeOf(bytes), 24_000);
  const record = decodeRecord(bytes, 41);
  assert.ok(record.kind === 'batch');
  const [set] = record.batch.points;
  const steps = Array.from({ length: 2000 }, (_, i) => i);
  assert.deepEqual(
    [...set!.refs],
    steps.map((i) => i + 7),
  );
  assert.deepEqual(
    [...set!.tUs],
    steps.map((i) => (i < 900 ? 5000 : 6000)),
  );
  const { bytes: one } = encodeBatch(HEADER, batchOf([[1, 5]]), refNumbers());
  assert.equal(tailSizeOf(one), one.length);
});

test('small whole numbers take a byte or two, and come back', () => {
  const { bytes } = encodeBatch(
    HEADER,
    scrapesOf(2000, (i) => i),
    MANY,
  );
  assert.ok(bytes.length < 2000 * 2.25 + 300, `${bytes.length} bytes`);
  assert.equal(tailSizeOf(bytes), 24_000);
  for (const room of [0, 1999, 2000]) {
    const record = decodeRecord(bytes, 41, { values: new Float64Array(room) });
    assert.ok(record.kind === 'batch');
    const [set] = record.batch.points;
    assert.deepEqual(
      Array.from(set!.values as Float64Array),
      Array.from({ length: 2000 }, (_, i) => i),
    );
  }
});

test('records of the version before are read, of others refused', () => {
  // No runs and nothing packed in so few points: the columns stand as they did.
  const { bytes } = encodeBatch(HEADER, batchOf([[1, 5]]), refNumbers());
  for (const [version, isRead] of [
    [1, false],
    [2, true],
    [3, true],
    [4, true],
    [5, false],
  ] as const) {
    const other = bytes.slice();
    other[4] = version;
    new DataView(other.buffer).setUint32(0, crc32(other.subarray(4)), true);
    if (!isRead) assert.throws(() => decodeRecord(other, 41), CodecError);
    else assert.equal(decodeRecord(other, 41).kind, 'batch');
  }
});

test('runs of a wrong length are refused', () => {
  const { bytes } = encodeBatch(HEADER, scrapesOf(2000), MANY);
  const lengths = [900, 1100, 2000].map((length) => {
    const at = Buffer.from(bytes).indexOf(Buffer.from(Uint32Array.of(length).buffer), 64);
    assert.ok(at > 16_000, 'lengths stand behind the values');
    return at;
  });
  for (const at of lengths)
    for (const change of [-1, 1, 2 ** 31]) {
      const other = bytes.slice();
      const view = new DataView(other.buffer);
      view.setUint32(at, view.getUint32(at, true) + change, true);
      view.setUint32(0, crc32(other.subarray(4)), true);
      assert.throws(() => decodeRecord(other, 41), /^CodecError: .*run/);
    }
});

test('nonsense behind a good checksum never reads outside or hangs', () => {
  const few = batchOf([
    [0, 5],
    [1, 7],
    [2, 9],
    ...Array.from({ length: 12 }, (_, i) => [i % 5, i < 6 ? 10 : 20] as const),
  ]);
  const { bytes: good } = encodeBatch(HEADER, few, refNumbers());
  fc.assert(
    fc.property(fc.nat(good.length - 5), fc.nat(255), (place, byte) => {
      const bytes = good.slice();
      bytes[place + 4] = byte;
      new DataView(bytes.buffer).setUint32(0, crc32(bytes.subarray(4)), true);
      try {
        decodeRecord(bytes, 41);
      } catch (error) {
        assert.ok(error instanceof CodecError, String(error));
      }
    }),
    { numRuns: 400 },
  );
});
