// Columns beside their siblings: any pair of columns comes back bit for bit; a classic histogram
// gets small; damage ends in CodecError or in numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { NASTY_COLUMNS, noise } from '../../test/support/nasty-columns.ts';
import {
  hasSibling,
  readSiblingBigInts,
  readSiblingDoubles,
  writeSiblingBigInts,
  writeSiblingDoubles,
} from './column-sibling.ts';
import { readColumn, writeDoubles } from './column.ts';
import { ByteReader, ByteWriter, CodecError } from './varint.ts';

const out = new ByteWriter(64);
const scratch = new ByteWriter(64);

function hex(column: ArrayBufferView): string {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('hex');
}

/** Bytes of the column; `isBeside`: it needs its sibling. */
function check(
  values: Float64Array,
  sibling: Float64Array,
  name: string,
): { readonly sizeBytes: number; readonly isBeside: boolean } {
  const count = values.length;
  out.reset();
  const isBeside = writeSiblingDoubles(out, scratch, values, { sibling, count });
  const bytes = out.take();
  const column = readColumn(new ByteReader(bytes));
  assert.equal(hasSibling(column), isBeside);
  assert.equal(hex(readSiblingDoubles(column, sibling, count)), hex(values), name);
  return { sizeBytes: bytes.length, isBeside };
}

function checkWords(values: Float64Array, sibling: Float64Array, name: string): void {
  const words = (of: Float64Array): BigInt64Array => new BigInt64Array(of.buffer, 0, of.length);
  const count = values.length;
  out.reset();
  writeSiblingBigInts(out, scratch, words(values), { sibling: words(sibling), count });
  const column = readColumn(new ByteReader(out.take()));
  const back = new Uint8Array(readSiblingBigInts(column, words(sibling), count));
  assert.equal(hex(back), hex(values), name);
}

test('every nasty column comes back beside every other', () => {
  let besides = 0;
  for (const count of [1, 40, 130])
    for (const a of NASTY_COLUMNS)
      for (const b of NASTY_COLUMNS) {
        const name = `${a.name} beside ${b.name}, ${count}`;
        if (check(a.make(count), b.make(count), name).isBeside) besides++;
        if (count === 40) checkWords(a.make(count), b.make(count), name);
      }
  assert.ok(besides > 100, `${besides} columns took their sibling`);
});

test('whole numbers too large to be undone stand alone or come back', () => {
  const edges = [0, -0, 1, 2 ** 51, 2 ** 51 + 1, 2 ** 52, 2 ** 52 + 1, 2 ** 53, -(2 ** 51), 0.5];
  for (const value of edges)
    for (const other of edges)
      for (const count of [1, 8]) {
        const values = new Float64Array(count).fill(value);
        const sibling = new Float64Array(count).fill(other);
        values[0] = 7;
        check(values, sibling, `${value} beside ${other}`);
      }
});

test('any bits come back beside any bits', () => {
  const word = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.nat(1000).map((x) => new BigUint64Array(Float64Array.of(x).buffer)[0]!),
  );
  const pairs = fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 150 });
  fc.assert(
    fc.property(pairs, (list) => {
      const column = (at: 0 | 1): Float64Array =>
        new Float64Array(BigUint64Array.from(list, (pair) => pair[at]).buffer);
      check(column(0), column(1), 'doubles');
      checkWords(column(0), column(1), 'words');
    }),
    { numRuns: 500 },
  );
});

test('a bucket beside the bucket before it is small', () => {
  const count = 2000;
  const lower = new Float64Array(count);
  const upper = new Float64Array(count);
  let below = 0;
  let between = 0;
  for (let i = 0; i < count; i++) {
    below += Math.floor(noise(i) * 40);
    if (noise(i + 5000) < 0.05) between++;
    lower[i] = below;
    upper[i] = below + between;
  }
  upper.set(new Float64Array(new BigUint64Array([0x7ff0000000000002n]).buffer), count - 1);
  out.reset();
  writeDoubles(out, scratch, upper, count);
  const aloneBytes = out.size;
  const { sizeBytes, isBeside } = check(upper, lower, 'buckets');
  assert.ok(isBeside);
  assert.ok(sizeBytes * 4 < aloneBytes, `${sizeBytes} instead of ${aloneBytes} bytes`);
});

test('damaged sibling columns end in CodecError or in numbers', () => {
  const column = fc.nat(NASTY_COLUMNS.length - 1);
  fc.assert(
    fc.property(column, fc.nat(), fc.nat(255), (a, place, byte) => {
      const sibling = NASTY_COLUMNS[a]!.make(60);
      const values = sibling.map((x) => (Number.isFinite(x) ? x + 1 : x));
      out.reset();
      writeSiblingDoubles(out, scratch, values, { sibling, count: 60 });
      const bytes = out.take();
      bytes[place % bytes.length]! ^= byte;
      try {
        readSiblingDoubles(readColumn(new ByteReader(bytes)), sibling, 60);
      } catch (error) {
        assert.ok(error instanceof CodecError, String(error));
      }
    }),
    { numRuns: 1500 },
  );
});
