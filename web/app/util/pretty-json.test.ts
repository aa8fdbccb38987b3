/** JSON laid out without changing a digit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prettyJson } from './pretty-json.ts';

test('samples stay on their line, digits stay as they were', () => {
  const source =
    '{"a":{},"values":[[1.50,"0.30000000000000004"],[2,"+Inf"]],"e":[],"s":"x, [y] \\" {"}';
  const { text, isCut } = prettyJson(source, 10_000);
  assert.equal(
    text,
    `{
  "a": {},
  "values": [
    [1.50,"0.30000000000000004"],
    [2,"+Inf"]
  ],
  "e": [],
  "s": "x, [y] \\" {"
}`,
  );
  assert.equal(isCut, false);
  assert.deepEqual(JSON.parse(text), JSON.parse(source));
});

test('a long text is cut and says so', () => {
  const source = JSON.stringify(Array.from({ length: 500 }, (_, index) => [index, 'x']));
  const { text, isCut } = prettyJson(source, 100);
  assert.equal(isCut, true);
  assert.ok(text.length < 200);
});
