/** What is typed as labels, and what is read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTypedLabels } from './typed-labels.ts';

const CASES: readonly (readonly [text: string, labels: Readonly<Record<string, string>>])[] = [
  ['', {}],
  ['up', { __name__: 'up' }],
  ['up\njob=node\n instance = a:1 ', { __name__: 'up', job: 'node', instance: 'a:1' }],
  ['job="with = sign and \\"quotes\\""', { job: 'with = sign and "quotes"' }],
  ['up{job="node", instance="a:1"}', { __name__: 'up', job: 'node', instance: 'a:1' }],
  ['{"__name__"="dot.ted", "zone/日本"="x}\\n",}', { __name__: 'dot.ted', 'zone/日本': 'x}\n' }],
  ['up{}', { __name__: 'up' }],
  ['a{__proto__="p", constructor="c"}', { __name__: 'a', ['__proto__']: 'p', constructor: 'c' }],
  ['a\n__proto__=p', { __name__: 'a', ['__proto__']: 'p' }],
];

for (const [text, labels] of CASES)
  test(`labels from ${JSON.stringify(text)}`, () =>
    assert.deepEqual(parseTypedLabels(text), { labels, problem: undefined }));

test('what cannot be read says where', () => {
  assert.match(parseTypedLabels('up{job=node}').problem ?? '', /at “job=node”/);
  assert.match(parseTypedLabels('a=1\n=2').problem ?? '', /^Line 2/);
});
