// Label sets as JSON bytes are what JSON.stringify makes of the texts, however they are cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareLabels, labelsFromObject } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { PAGE_SERIES_MAX, SeriesPage } from '../model/series-page.ts';
import { JSON_PIECE_BYTES } from './limits.ts';
import { labelsJson } from './prometheus-json.ts';
import { SeriesJson } from './series-json.ts';

/** As one text; pieces are taken when they are full, and after each series before `early`. */
function printed(sets: readonly Labels[], pageSize: number, early: number): string {
  const json = new SeriesJson();
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < sets.length; from += pageSize) {
    const page = new SeriesPage();
    for (const labels of sets.slice(from, from + pageSize)) page.addLabels(labels);
    for (let row = 0; row < page.count; row++) {
      json.add(page, row);
      if (json.isFull || from + row < early) pieces.push(json.take());
    }
  }
  pieces.push(json.take());
  return Buffer.concat(pieces).toString('utf8');
}

const expected = (sets: readonly Labels[]): string => sets.map((one) => labelsJson(one)).join(',');

test('label sets one after the other are as each alone', () => {
  const sets = [
    ['__name__', 'up', 'a', '1'],
    ['__name__', 'up', 'a', '2', 'b', '"\n'],
    ['__name__', 'up', 'a', '2', 'c', '"\n'],
    ['__name__', 'up'],
    [],
    ['a', '2'],
    ['__name__', 'up', 'a', '2', 'c', '\u2028\u0000\u001f\u007f\\\t\b\f\r'],
    Array.from({ length: 300 }, (_, i) => `l${Math.floor(i / 2)}`),
    Array.from({ length: 300 }, (_, i) => (i === 1 ? 'x' : `l${Math.floor(i / 2)}`)),
  ];
  for (const early of [0, 3, 9]) assert.equal(printed(sets, 512, early), expected(sets));
});

test('pieces are cut at series, and one may be longer than a piece', () => {
  const long = 'é"'.repeat(JSON_PIECE_BYTES / 2);
  const sets = Array.from({ length: 3000 }, (_, i) => [
    'i',
    String(Math.floor(i / 3)),
    'k',
    'v'.repeat(i % 90),
    'z',
    i === 1500 || i === 1501 ? long : 'z',
  ]);
  assert.equal(printed(sets, PAGE_SERIES_MAX, 0), expected(sets));
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }).filter((one) => one.isWellFormed()),
  fc.constantFrom('a', 'b', '"', '\\', '\u0001'),
);
const labels = fc.dictionary(text, text, { maxKeys: 5 }).map((one) => labelsFromObject(one));

test('any label sets, in pages of any size', () => {
  fc.assert(
    fc.property(
      fc.array(labels, { maxLength: 20 }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(20),
      (sets, pageSize, early) => {
        const sorted = sets.toSorted(compareLabels);
        assert.equal(printed(sorted, pageSize, early), expected(sorted));
      },
    ),
  );
});
