// What sinks of leaves tell beside their columns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeafNotes } from './leaf-sink.ts';

test('annotations are told once, in an order that no batch decides', () => {
  const told = (order: readonly (readonly ['info' | 'warning', string, string])[]) => {
    const notes = new LeafNotes();
    for (const [level, code, metric] of order) {
      notes.metric = metric;
      notes.note(level, code);
    }
    return notes.all();
  };
  const info = ['info', 'unsure-sum', ''] as const;
  const warning = ['warning', 'aggregation-mixed-floats-histograms', ''] as const;
  const named = ['info', 'unsure-sum', 'm'] as const;
  assert.deepEqual(told([info, warning, named, info]), told([named, warning, info]));
  assert.equal(told([info, warning, info]).length, 2);
});
