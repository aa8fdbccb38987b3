// Any JSON at all as a body of collectd: everything is counted, nothing is thrown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { scanValueLists } from './value-lists.ts';

const LIST = {
  values: [1],
  dsnames: ['value'],
  time: 1280959128.123,
  host: 'web01',
  plugin: 'cpu',
  plugin_instance: '0',
  type: 'cpu',
  type_instance: 'idle',
};

test('any JSON is counted, and nothing is thrown', () => {
  const field = (good: unknown) => fc.oneof(fc.jsonValue(), fc.constant(good), fc.constant(good));
  const fields = Object.entries(LIST).map(([name, good]) => [name, field(good)]);
  const lists = fc.array(fc.record(Object.fromEntries(fields)));
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), lists), (value) => {
      const recorder = new RowRecorder();
      const { body, end } = withCanary(JSON.stringify(value));
      const result = scanValueLists(body, end, recorder, recorder);
      assert.equal(recorder.rows.length, result.pointCount);
      assert.equal(result.rowCount, Array.isArray(value) ? value.length : 0);
      assert.ok(result.errorCount <= result.rowCount);
    }),
    { numRuns: 2000 },
  );
});
