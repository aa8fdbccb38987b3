// What an expression looks at, by selector: lookback, windows, offsets, @, subqueries.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpr } from '../parser.ts';
import { reachesOf } from './reach.ts';

const SEC = 1_000_000;
const PARAMS = { startUs: 1000 * SEC, endUs: 2000 * SEC, stepUs: 10 * SEC, lookbackUs: 300 * SEC };

/** `name from to`, in seconds. */
function reaches(query: string): string[] {
  return reachesOf(parseExpr(query), PARAMS).map(
    ({ selector, startUs, endUs }) => `${selector.name} ${startUs / SEC} ${endUs / SEC}`,
  );
}

for (const [query, expected] of [
  ['1 + time()', []],
  ['a', ['a 700 2000']],
  ['a offset 1m', ['a 640 1940']],
  ['a offset -1m', ['a 760 2060']],
  ['a @ 500', ['a 200 500']],
  ['a @ start()', ['a 700 1000']],
  ['a @ end() offset 10s', ['a 1690 1990']],
  ['rate(a[1m])', ['a 940 2000']],
  ['rate(a[step() * 2])', ['a 980 2000']],
  ['rate(a[1m] smoothed)', ['a 640 2300']],
  ['rate(a[1m] anchored)', ['a 640 2000']],
  ['-(sum by (x) (a) / b)', ['a 700 2000', 'b 700 2000']],
  ['topk(scalar(k), a)', ['k 700 2000', 'a 700 2000']],
  ['max_over_time(a[10m:1m])', ['a 100 2000']],
  ['max_over_time(rate(a[1m])[10m:1m] offset 1m)', ['a 280 1940']],
  ['max_over_time(a[10m:1m] @ 900)', ['a 0 900']],
  ['max_over_time(max_over_time(a[2m:])[10m:1m])', ['a -20 2000']],
] as const)
  test(query, () => {
    assert.deepEqual(reaches(query), expected);
  });
