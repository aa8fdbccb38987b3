// Selectors of an expression, wherever they stand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpr } from './parser.ts';
import { selectorsOf } from './selectors.ts';

const names = (text: string): string[] =>
  selectorsOf(parseExpr(text)).map((matchers) =>
    matchers.map(({ name, type, value }) => name + type + value).join(','),
  );

test('selectors are found left to right in every kind of node', () => {
  assert.deepEqual(names('1 + time()'), []);
  assert.deepEqual(names('sum(rate(a{x="1"}[5m])) / -(b)'), ['x=1,__name__=a', '__name__=b']);
  assert.deepEqual(names('max_over_time(c[1h:1m]) and topk(scalar(d), e)'), [
    '__name__=c',
    '__name__=d',
    '__name__=e',
  ]);
});
