/** Names, metadata and counts put together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf, filterFacts, firstQuery, labelFacts, metadataFor } from './metric-facts.ts';

const META = {
  http_requests: [{ type: 'counter', unit: 'requests', help: 'Requests answered' }],
  room: [{ type: 'unknown', unit: '', help: '' }],
};

test('series with suffixes find the family that was declared', () => {
  assert.equal(metadataFor('http_requests_total', META)?.type, 'counter');
  assert.equal(metadataFor('http_requests', META)?.type, 'counter');
  assert.equal(metadataFor('http', META), undefined);
  assert.equal(metadataFor('constructor', META), undefined);
});

test('what is not known stays empty', () => {
  const facts = factsOf(['http_requests_total', 'room'], META, new Map([['room', 3]]));
  assert.deepEqual(facts, [
    {
      name: 'http_requests_total',
      type: 'counter',
      unit: 'requests',
      help: 'Requests answered',
      seriesCount: undefined,
    },
    { name: 'room', type: '', unit: '', help: '', seriesCount: 3 },
  ]);
  assert.deepEqual(
    filterFacts(facts, 'HTTP answered').map(({ name }) => name),
    ['http_requests_total'],
  );
  assert.equal(filterFacts(facts, '  ').length, 2);
  assert.equal(filterFacts(facts, 'http nothing').length, 0);
});

test('labels are counted, the ones with most values first', () => {
  const series = [
    { __name__: 'x', job: 'a', path: '/' },
    { __name__: 'x', job: 'a', path: '/b' },
    { __name__: 'x', job: 'a' },
  ];
  assert.deepEqual(labelFacts(series), [
    {
      label: 'path',
      values: [
        { value: '/', seriesCount: 1 },
        { value: '/b', seriesCount: 1 },
      ],
    },
    { label: 'job', values: [{ value: 'a', seriesCount: 3 }] },
  ]);
});

test('counters are read as rates, odd names are quoted', () => {
  assert.equal(firstQuery({ name: 'a_total', type: 'counter' }), 'rate(a_total[5m])');
  assert.equal(firstQuery({ name: 'sys.cpu', type: 'gauge' }), '{"sys.cpu"}');
});
