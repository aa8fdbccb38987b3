// What a shard keeps of its memory between generations of the head.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededPrng } from '../stdx/prng.ts';
import { HEAD_KEPT_BYTES, HEAD_WARM_BYTES_MIN } from './limits.ts';
import { ShardState } from './state.ts';
import type { TsdbOptions } from './settings.ts';

function stateOf(logTailMaxBytes: number, headBytesMax = HEAD_WARM_BYTES_MIN): ShardState {
  const options = {
    log: { endOffset: 0 },
    prng: seededPrng(1),
    settings: { logTailMaxBytes, headBytesMax },
  };
  return new ShardState(options as unknown as TsdbOptions, 0);
}

function fillHead({ headMemory: memory }: ShardState): void {
  while (memory.sizeBytes <= HEAD_KEPT_BYTES) memory.takeSlab();
}

test('a large head memory goes back after a quiet time, and is used again where writes press', () => {
  const state = stateOf(1000);
  const first = state.headMemory;
  assert.equal(state.nextGeneration(1).memory, first, 'it is small');
  fillHead(state);
  state.tailBytes = 1001;
  assert.equal(state.nextGeneration(2).memory, first, 'the next head will be as large');
  state.tailBytes = 1000;
  const { memory } = state.nextGeneration(3);
  assert.notEqual(memory, first);
  assert.equal(state.nextGeneration(4).memory, memory);
});

test('where memory is little each head has its own', () => {
  const state = stateOf(1000, HEAD_WARM_BYTES_MIN - 1);
  const first = state.headMemory;
  fillHead(state);
  state.tailBytes = 1001;
  const { memory } = state.nextGeneration(1);
  assert.notEqual(memory, first);
  assert.equal(state.nextGeneration(2).memory, memory, 'it is small');
});
