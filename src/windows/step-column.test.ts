// Columns out of shared buffers: each is empty and nobody writes into another one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepColumns } from './step-column.ts';

test('columns that share buffers are empty, apart, and hold little of their neighbours', () => {
  for (const count of [1, 3, 7, 360, 11_000]) {
    const columns = new StepColumns(count);
    const all = Array.from({ length: 100 }, () => columns.next());
    for (const [i, column] of all.entries()) {
      assert.equal(column.isEmpty(), true);
      for (let k = 0; k < count; k++) column.setFloat(k, i * 1e6 + k);
    }
    for (const [i, { values, present }] of all.entries()) {
      assert.ok(values.every((value, k) => value === i * 1e6 + k));
      assert.ok(present.length === count && present.every((slot) => slot === 1));
      assert.ok(values.buffer.byteLength <= Math.max(65_536, count * 9));
    }
    assert.equal(all[0]!.values.buffer.byteLength, count * 9);
  }
});
