// An index out of its sections answers as the one they came from, and goes on as it would have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CodecError } from '../codec/varint.ts';
import { labelsFromObject } from '../model/labels.ts';
import { matcher } from '../model/matcher.ts';
import type { IndexSection } from './index-sections.ts';
import { SeriesIndex } from './series-index.ts';

const NOW_MS = Date.UTC(2026, 10, 28);
const MATCHER_SETS = [
  [],
  [matcher('a', '=~', '1.*')],
  [matcher('b', '=', '')],
  [matcher('__name__', '=', 'm1'), matcher('b', '!=', '7')],
];

/** What is done to an index: a series of a tenant, applied or not, with a query after it or not. */
const actions = fc.array(
  fc.record({
    a: fc.nat(700),
    b: fc.nat(9),
    tenant: fc.nat(2),
    isApplied: fc.boolean(),
    isAsked: fc.boolean(),
  }),
  { maxLength: 200 },
);
type Actions = typeof actions extends fc.Arbitrary<infer T> ? T : never;

function act(index: SeriesIndex, list: Actions, fromMs: number): unknown[] {
  return list.map(({ a, b, tenant, isApplied, isAsked }, i) => {
    const labels = labelsFromObject({
      __name__: `m${a % 3}`,
      a: `${a}é`,
      b: b === 0 ? '' : `${b}`,
    });
    const ref = index.resolve(`t${tenant}`, labels);
    if (isApplied) index.applied(`t${tenant}`, Uint32Array.of(ref), fromMs + i * 60_000);
    return [ref, isAsked ? answers(index, fromMs) : undefined];
  });
}

function answers(index: SeriesIndex, nowMs: number): unknown {
  return ['t0', 't1', 't2', 'none'].map((tenant) => [
    MATCHER_SETS.map((matchers) =>
      [...index.select(tenant, matchers)].map((ref) => [
        ref,
        index.labelsOf(ref),
        index.tenantOf(ref),
        index.lastSeenMs(ref),
      ]),
    ),
    index.activeSeries(tenant, nowMs + 3_600_000),
  ]);
}

/** As a snapshot gives them back: at any place of one buffer. */
function stored(sections: readonly IndexSection[]): IndexSection[] {
  return sections.map(({ name, bytes }, i) => {
    const memory = new Uint8Array(bytes.length + i);
    memory.set(bytes, i);
    return { name, bytes: memory.subarray(i) };
  });
}

test('an index out of its sections is the same index', () => {
  fc.assert(
    fc.property(actions, actions, (first, second) => {
      const index = new SeriesIndex(77, 3);
      act(index, first, NOW_MS);
      const copy = SeriesIndex.fromSections(stored(index.sections()));
      assert.deepEqual(copy.tenants(), index.tenants());
      assert.equal(copy.findableCount, index.findableCount);
      assert.deepEqual(answers(copy, NOW_MS), answers(index, NOW_MS));
      assert.deepEqual(act(copy, second, NOW_MS), act(index, second, NOW_MS));
      assert.deepEqual(answers(copy, NOW_MS), answers(index, NOW_MS));
      const bytes = (of: SeriesIndex): string[] =>
        of.sections().map((one) => one.name + Buffer.from(one.bytes).toString('base64'));
      // Slack of pairs shows in their length only.
      const names = (of: SeriesIndex): string[] => bytes(of).filter((t) => !t.startsWith('pair-'));
      assert.deepEqual(names(copy), names(index));
    }),
    { numRuns: 80 },
  );
});

test('sections that are missing, cut or of another version are refused', () => {
  const index = new SeriesIndex(1);
  act(index, [{ a: 1, b: 2, tenant: 0, isApplied: true, isAsked: true }], NOW_MS);
  const sections = stored(index.sections());
  for (const [i, { name, bytes }] of sections.entries()) {
    const others = sections.filter((_, k) => k !== i);
    assert.throws(() => SeriesIndex.fromSections(others), CodecError, name);
    // The length of these says nothing.
    if (name === 'tenant-ids' || name === 'symbol-texts') continue;
    const cut = { name, bytes: bytes.subarray(0, Math.max(bytes.length - 3, 0)) };
    if (bytes.length > 0)
      assert.throws(() => SeriesIndex.fromSections([...others, cut]), CodecError, name);
  }
  const other = { name: 'index-numbers', bytes: sections[0]!.bytes.slice() };
  other.bytes[0] = 9;
  assert.throws(() => SeriesIndex.fromSections([...sections, other]), /version 9, known is 1/);
});
