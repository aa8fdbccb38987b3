// Digests tell series apart as random numbers would, in each of their words, and are the same
// however the labels come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabelBytes } from '../model/label-bytes.ts';
import { labelsFromObject } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { asLabelBytes } from '../../test/support/label-bytes.ts';
import { slotOf } from './refs.ts';
import { SeriesDigests } from './series-digest.ts';
import { SeriesIndex } from './series-index.ts';

const COUNT = 200_000;

/** Series that resemble each other: one digit, two labels changed at once, texts that swap. */
function similar(n: number): Labels {
  const [a, b] = [n % 500, Math.floor(n / 500)];
  return labelsFromObject({ __name__: 'm', a: `x${a}`, b: `x${b}`, job: 'node', zone: '' });
}

test('digests of similar series meet no oftener than random numbers, in each word', () => {
  const index = new SeriesIndex(3);
  const digests = new SeriesDigests(index.tables, 3);
  const words = [new Set<number>(), new Set<number>(), new Set<number>()];
  for (let n = 0; n < COUNT; n++) {
    const slot = slotOf(index.resolve('t', similar(n)));
    for (const [i, word] of digests.ofRow(slot).entries()) words[i]!.add(word);
  }
  // Of n random words of 32 bits n²/2³³ pairs meet: 4.7; more than 25 are one chance in 10¹⁰.
  for (const word of words) assert.ok(COUNT - word.size <= 25, `${COUNT - word.size} meet`);
});

test('no two ways to cut texts into labels are one digest', () => {
  const digests = new SeriesDigests(new SeriesIndex(1).tables, 1);
  const sets: Labels[] = [
    ['a', 'bc'],
    ['ab', 'c'],
    ['a', 'b', 'c', ''],
    ['a', 'b', '', 'c'],
    ['a', 'b\0'],
    ['a', 'b'],
    ['b', 'a'],
    [],
    ['', ''],
    ['a', 'b\0\0\0'],
  ];
  const seen = new Set(sets.map((labels) => [...digests.ofLabels(labels)].join()));
  assert.equal(seen.size, sets.length);
});

test('a row, its labels and their bytes have one digest; another seed gives another', () => {
  const index = new SeriesIndex(5);
  const digests = new SeriesDigests(index.tables, 77);
  const others = new SeriesDigests(index.tables, 78);
  for (const labels of [similar(1), similar(2), labelsFromObject({ é: 'ü'.repeat(3000) })]) {
    const slot = slotOf(index.resolve('t', labels));
    const ofRow = [...digests.ofRow(slot)];
    assert.deepEqual([...digests.ofLabels(labels)], ofRow);
    assert.deepEqual(
      [...digests.ofBytes(asLabelBytes([labels]).next().value as LabelBytes)],
      ofRow,
    );
    assert.notDeepEqual([...others.ofRow(slot)], ofRow);
  }
});
