// The table of tiers and the reasons for skips.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedPath } from '../../test/support/shared.ts';
import { isAllowedSkip } from '../../test/support/skip.ts';
import { TIERS, selectTiers } from './tiers.ts';

function names(asked: readonly string[]): string[] {
  return selectTiers(asked).map((tier) => tier.name);
}

test('without a wish everything but the tiers on request runs, in order', () => {
  const all = TIERS.map((tier) => tier.name);
  assert.deepEqual(
    names([]),
    all.filter((name) => name !== 'peers' && name !== 'soak'),
  );
});

test('a wish gives those tiers in table order, an unknown one a sentence', () => {
  assert.deepEqual(names(['soak', 'unit', 'types']), ['types', 'unit', 'soak']);
  assert.throws(() => selectTiers(['units']), /no tier units; there are types, lint/);
});

test('stages never go back, names are distinct', () => {
  const stages = TIERS.map((tier) => tier.stage);
  assert.deepEqual(
    stages,
    stages.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(TIERS.map((tier) => tier.name)).size, TIERS.length);
});

test('what is missing beside the repository is an allowed skip, other reasons are not', () => {
  const { skip } = sharedPath('corpora/no-such-suite');
  assert.ok(skip !== false && isAllowedSkip(skip));
  assert.equal(isAllowedSkip('slow'), false);
});
