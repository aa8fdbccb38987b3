// The row table: rows are told apart, and each word of the hash alone looks like chance where rows
// resemble each other.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WriteKernel } from '../formats/remote-write/write-kernel.ts';
import { NO_ROW, RowTable } from './row-table.ts';

const WORDS = 3;
const WASM = join(import.meta.dirname, '../../dist/wasm/remote-write.wasm');
/** The table's own hash, and the one of remote write's kernel. */
const HASHERS = {
  own: undefined,
  kernel: new WriteKernel(new WebAssembly.Module(readFileSync(WASM))),
};
const ROW_BYTES = 40;

/** Families of rows that differ a little. */
const FAMILIES: Readonly<Record<string, (row: Uint8Array, i: number) => void>> = {
  'one byte': (row, i) => {
    row[i % ROW_BYTES] = i >>> 6;
  },
  'two words in one half': (row, i) => {
    new DataView(row.buffer).setInt32(0, i << 16, true);
    new DataView(row.buffer).setInt32(8, (i >>> 8) << 24, true);
  },
  'high bits': (row, i) => {
    for (let bit = 0; bit < 16; bit++) if (((i >>> bit) & 1) === 1) row[2 * bit + 1]! |= 0x80;
  },
  'digits in two places': (row, i) => {
    row.set(Buffer.from(String(i)), 3);
    row.set(Buffer.from(String(65_535 - i)), 21);
  },
  'one byte of each kernel word': (row, i) => {
    for (let word = 0; word < 4; word++) row[8 * word + 7] = (i >>> (4 * word)) & 15;
  },
  'two words of one kernel lane': (row, i) => {
    const view = new DataView(row.buffer);
    view.setInt32(4, Math.imul(i, 0x9e3779b1), true);
    view.setInt32(20, -Math.imul(i, 0x9e3779b1), true);
  },
  'a word that moves': (row, i) => {
    const view = new DataView(row.buffer);
    view.setInt32((i % 9) * 4, (i / 9) | 0, true);
  },
};

for (const [name, hasher] of Object.entries(HASHERS))
  test(`${name}: each word of the hash collides no more often than chance`, () => {
    const count = 1 << 16;
    // Of 2^31 pairs one half is expected to collide in 32 bits; eight have a chance of 10^-7.
    const collisionsMax = 7;
    for (const [family, change] of Object.entries(FAMILIES)) {
      const table = new RowTable(0x1234567, hasher);
      const seen = Array.from({ length: WORDS }, () => new Set<number>());
      const texts = new Set<string>();
      for (let i = 0; i < count; i++) {
        const row = new Uint8Array(ROW_BYTES).fill(0x61);
        change(row, i);
        const text = Buffer.from(row).toString('latin1');
        if (texts.has(text)) continue;
        texts.add(text);
        const words = table.hashOf(new DataView(row.buffer), 0, ROW_BYTES);
        for (const [k, word] of words.entries()) seen[k]!.add(word);
        table.forgetPosition();
      }
      for (const [k, words] of seen.entries()) {
        const collisions = texts.size - words.size;
        assert.ok(collisions <= collisionsMax, `${family}: word ${k} collides ${collisions} times`);
      }
    }
  });

for (const [name, hasher] of Object.entries(HASHERS))
  test(`${name}: rows are found again and others are not`, () => {
    const table = new RowTable(1, hasher);
    const body = Buffer.from(Array.from({ length: 3000 }, (_, i) => `row ${i};`).join(''));
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const ranges: [number, number][] = [];
    for (let at = 0; at < body.length;) {
      const end = body.indexOf(59, at) + 1;
      ranges.push([at, end]);
      at = end;
    }
    for (const [i, [start, end]] of ranges.entries()) {
      assert.equal(table.find(view, start, end), NO_ROW);
      assert.equal(table.insert(view, start, end), i);
    }
    for (const [i, [start, end]] of ranges.entries()) {
      assert.equal(table.find(view, start, end), i);
      assert.equal(table.find(view, start, end - 1), NO_ROW);
      assert.ok(table.matches(i, view, start, end));
      assert.ok(!table.matches((i + 1) % ranges.length, view, start, end));
      assert.equal(table.lengthOf(i), end - start);
    }
  });
