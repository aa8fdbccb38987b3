// XXH64 against the reference's published values, and what limit_ratio makes of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsFromObject } from '../../model/labels.ts';
import { labelsRatio, xxh64 } from './labels-hash.ts';

const hash = (text: string): string => xxh64(new TextEncoder().encode(text)).toString(16);

test('xxh64', () => {
  assert.equal(hash(''), 'ef46db3751d8e999');
  assert.equal(hash('a'), 'd24ec4f1a98c6e5b');
  assert.equal(hash('abc'), '44bc2cf5ad770999');
  assert.equal(hash('Nobody inspects the spammish repetition'), 'fbcea83c8a378bf1');
});

test('label sets spread over [0, 1)', () => {
  const ratios = Array.from({ length: 400 }, (_, i) =>
    labelsRatio(labelsFromObject({ __name__: 'm', id: String(i), long: 'x'.repeat(300) })),
  );
  assert.ok(ratios.every((ratio) => ratio >= 0 && ratio < 1));
  const below = ratios.filter((ratio) => ratio < 0.5).length;
  assert.ok(below > 150 && below < 250, `${below} of 400 below one half`);
});
