// The short hash beside that of the system, for every length, and what it does not take.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SHA256_BLOCK_TEXT_MAX, sha256OfShort } from './sha256-short.ts';
import { sha256Hex } from './sha256.ts';

function hexOf(words: Int32Array): string {
  return Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

const words = new Int32Array(8);

test('texts of one block hash as the library says', () => {
  for (let length = 0; length <= SHA256_BLOCK_TEXT_MAX; length++) {
    const text = 'orrery~'.repeat(8).slice(0, length);
    assert.ok(sha256OfShort(text, words));
    assert.equal(hexOf(words), sha256Hex(text), `of ${length} characters`);
  }
  const ascii = fc.string({ unit: 'binary-ascii', maxLength: SHA256_BLOCK_TEXT_MAX });
  fc.assert(
    fc.property(ascii, (text) => {
      assert.ok(sha256OfShort(text, words));
      assert.equal(hexOf(words), sha256Hex(text));
    }),
    { numRuns: 2000 },
  );
});

test('a text that is longer or not ASCII has no short hash', () => {
  assert.equal(sha256OfShort('x'.repeat(SHA256_BLOCK_TEXT_MAX + 1), words), false);
  // Its low bytes are those of "abc".
  for (const text of ['\u0161bc', 'ab\u0163', '\u{1f600}'])
    assert.equal(sha256OfShort(text, words), false);
});
