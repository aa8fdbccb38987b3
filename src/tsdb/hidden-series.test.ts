// Series that deletes may hide something of, by their rows: those that the matchers accept, and
// beyond the bound of what is kept of pairs, all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsFromObject } from '../model/labels.ts';
import { matcher } from '../model/matcher.ts';
import type { Delete } from './deletes.ts';
import { HiddenSeries } from './hidden-series.ts';
import { HIDDEN_VERDICTS_MAX_BYTES } from './limits.ts';
import { SeriesIndex } from './series-index.ts';

const SERIES = 5000;

function deleteOf(host: string, job: string): Delete {
  const matchers = [matcher('host', '=', host), matcher('job', '=~', job)];
  return { tenant: 't', matchers, startUs: 0, endUs: 1, offset: 0, moment: 0 };
}

function indexed(): { readonly index: SeriesIndex; readonly refs: readonly number[] } {
  const index = new SeriesIndex(7);
  const refs = Array.from({ length: SERIES }, (_, i) =>
    index.resolve('t', labelsFromObject({ host: `h${i}`, job: `j${i % 2}` })),
  );
  return { index, refs };
}

test('only series that a delete hits may be hidden', () => {
  const { index, refs } = indexed();
  const hidden = new HiddenSeries(index.tables, [deleteOf('h4', 'j.'), deleteOf('h5', 'j0')]);
  assert.deepEqual(
    refs.filter((ref) => hidden.has(ref)),
    [refs[4]],
  );
  const none = new HiddenSeries(index.tables, []);
  assert.ok(!refs.some((ref) => none.has(ref)));
});

test('where deletes and pairs are too many to keep verdicts of, any series may be', () => {
  const { index, refs } = indexed();
  const bytesOfOne = 2 * index.tables.pairs.end;
  const most = Math.floor(HIDDEN_VERDICTS_MAX_BYTES / bytesOfOne);
  const deletes = Array.from({ length: most + 1 }, () => deleteOf('h4', 'j.'));
  const hiddenOf = (some: readonly Delete[]): number => {
    const hidden = new HiddenSeries(index.tables, some);
    return refs.filter((ref) => hidden.has(ref)).length;
  };
  assert.equal(hiddenOf(deletes.slice(1)), 1);
  assert.equal(hiddenOf(deletes), SERIES);
  // The same one twice is one.
  assert.equal(hiddenOf(deletes.map(() => deletes[0]!)), 1);
});
