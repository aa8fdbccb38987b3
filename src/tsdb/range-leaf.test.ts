// What a leaf over a range leaves to threads before it looks at anything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_KINDS } from '../model/columns.ts';
import type { LeafKernel, LeafPlan } from '../model/storage.ts';
import { openPrincipal } from '../model/tenant.ts';
import { runRangeLeaf } from './range-leaf.ts';

const looked = new Error('looked');

function answer(kernel: LeafKernel, windowUs: number): Promise<unknown> {
  const plan: LeafPlan = {
    matchers: [],
    startUs: 0,
    endUs: 3600e6,
    stepUs: 1e6,
    windowUs,
    lookbackUs: 300e6,
    bounds: 'left-open',
    kernel,
    args: [],
    grouping: undefined,
    kinds: ALL_KINDS,
  };
  const context = {
    principal: openPrincipal('default'),
    pin: { release: () => undefined },
    signal: new AbortController().signal,
    budget: { take: () => undefined, give: () => undefined },
  };
  return runRangeLeaf({
    plan,
    context,
    scanOf: () => {
      throw looked;
    },
    clock: { nowMs: () => 0, monotonicMs: () => 0 },
    scheduler: {
      after: () => () => undefined,
      sleep: async () => undefined,
      yieldTurn: async () => undefined,
    },
  });
}

test('fits over many windows that overlap', async () => {
  assert.equal(await answer('deriv', 1800e6), undefined);
  await assert.rejects(answer('deriv', 60e6), looked);
  await assert.rejects(answer('max', 1800e6), looked);
});
