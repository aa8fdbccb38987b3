// Pages hold what was added to them; streams of pages merge to what a sort of all would give.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareLabels, labelsFromObject, labelsKey } from './labels.ts';
import type { Labels } from './labels.ts';
import type { SeriesPage } from './series-page.ts';
import { mergePages, PAGE_SERIES_MAX, pagesLabels, pagesOf } from './series-page.ts';

function sortedOnce(sets: readonly Labels[]): Labels[] {
  return [...new Map(sets.map((one) => [labelsKey(one), one])).values()].toSorted(compareLabels);
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 });
const sets = fc.array(
  fc.dictionary(fc.constantFrom('a', 'b', 'é'), text).map((one) => labelsFromObject(one)),
  { maxLength: 15 },
);

test('merged pages are the distinct series of all streams in order, up to a limit', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sets, { maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(12),
      async (lists, size, limit) => {
        const streams = lists.map((one) => pagesOf(sortedOnce(one), size));
        const found = await pagesLabels(mergePages(streams, limit));
        const all = sortedOnce(lists.flat());
        assert.deepEqual(found, limit === 0 ? all : all.slice(0, limit));
      },
    ),
  );
});

test('more series than a page holds, with long texts', async () => {
  const many = Array.from({ length: PAGE_SERIES_MAX * 2 + 1 }, (_, i) => [
    'i',
    String(i).padStart(6, '0'),
    'text',
    '\u{1F600}'.repeat(i % 40),
  ]);
  const [even, odd] = [0, 1].map((rest) => many.filter((_, i) => i % 2 === rest));
  const streams = [pagesOf(even!, PAGE_SERIES_MAX), pagesOf(odd!, 7)];
  assert.deepEqual(await pagesLabels(mergePages(streams, 0)), many);
});

test('the streams end when the reader does', async () => {
  let isEnded = false;
  async function* endless(): AsyncGenerator<SeriesPage> {
    try {
      for (let i = 0; ; i++) yield* pagesOf([['i', String(i).padStart(9, '0')]], 1);
    } finally {
      isEnded = true;
    }
  }
  for await (const page of mergePages([endless()], 0)) {
    assert.equal(page.count, PAGE_SERIES_MAX);
    break;
  }
  assert.ok(isEnded);
});
