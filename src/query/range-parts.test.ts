// What the range cache keeps of a result stands in memory of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_LABELS } from '../model/labels.ts';
import { StepColumns } from '../windows/step-column.ts';
import { packed } from './range-parts.ts';
import { evalResult, seriesSlots } from './testing.ts';

test('what is kept holds no memory of others', () => {
  const columns = new StepColumns(5);
  // The first buffers are small: the last of these has neighbours.
  for (let i = 0; i < 20; i++) columns.next();
  const { values, present } = columns.next();
  values.set([1, 2, 3, 4, 5]);
  present.fill(1);
  const one = { ...seriesSlots(NO_LABELS, []), values, present };
  const kept = packed(evalResult({ type: 'matrix', stepCount: 5, series: [one] }));
  assert.deepEqual([...kept.series[0]!.values], [1, 2, 3, 4, 5]);
  assert.equal(kept.series[0]!.values.buffer.byteLength, 5 * 8);
  assert.equal(packed(kept), kept);
});
