// Scores of the search API against values that Prometheus 3.15 gives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scoreOf } from './search-scores.ts';
import type { SearchTerms } from './search-scores.ts';

const score = (text: string, search: Partial<SearchTerms>): number | undefined =>
  scoreOf({
    terms: [],
    algorithm: 'subsequence',
    threshold: 0,
    isCaseSensitive: true,
    ...search,
  })(text);

test('without a term, and with an empty one, everything fits', () => {
  assert.equal(score('up', {}), 1);
  assert.equal(score('up', { terms: [''] }), 1);
});

test('subsequences: order counts, runs and beginnings count more', () => {
  assert.equal(score('http_requests_total', { terms: ['http'] }), 1);
  assert.equal(score('http_requests_total', { terms: ['latoth'] }), undefined);
  const scattered = score('http_requests_total', { terms: ['rqst'] })!;
  const run = score('http_requests_total', { terms: ['requ'] })!;
  assert.ok(scattered > 0 && scattered < run && run < 1, `${scattered} ${run}`);
  assert.equal(score('http_requests_total', { terms: ['rqst'], threshold: 0.9 }), undefined);
  assert.equal(score('aé', { terms: ['é'] }), (1 - 0.5) * 0.999);
  assert.equal(score('up', { terms: ['UP'] }), undefined);
  assert.equal(score('up', { terms: ['UP'], isCaseSensitive: false }), 1);
  assert.equal(score('up', { terms: ['nope', 'u'] }), 1);
});

test('Jaro-Winkler: inside a text by place, else by similarity', () => {
  const jaro = { algorithm: 'jarowinkler' } as const;
  assert.equal(score('xab', { ...jaro, terms: ['ab'] }), 1 - 0.9);
  assert.equal(score('éaab', { ...jaro, terms: ['a'] }), 1 - 0.9 / 3);
  assert.equal(score('martha', { ...jaro, terms: ['marhta'] }), undefined);
  const similar = score('martha', { ...jaro, terms: ['marhta'], threshold: 0.5 })!;
  assert.ok(Math.abs(similar - 0.9611111) < 1e-6, String(similar));
  assert.equal(score('martha', { ...jaro, terms: ['zzz'], threshold: 0.01 }), undefined);
});
