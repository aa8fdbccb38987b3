/** What is typed into Ingest comes back from its address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIngest, parseIngest, PROTOCOLS } from './ingest-state.ts';
import { TYPED_URL_CHARS_MAX } from './limits.ts';

test('the start has an empty address, anything else comes back', () => {
  assert.equal(formatIngest(parseIngest('')), '');
  for (const { name } of PROTOCOLS) {
    const state = { ...parseIngest(`?protocol=${name}`), labels: 'a=ü', rules: '- a: [b]\n' };
    assert.deepEqual(parseIngest(formatIngest(state)), state);
  }
  assert.equal(parseIngest('?protocol=none').protocol, 'influx');
});

test('a text that is too long for an address is left out, the others stay', () => {
  const state = { ...parseIngest(''), labels: 'a=1', rules: '#'.repeat(TYPED_URL_CHARS_MAX) };
  const back = parseIngest(formatIngest(state));
  assert.deepEqual([back.labels, back.rules], ['a=1', undefined]);
});
