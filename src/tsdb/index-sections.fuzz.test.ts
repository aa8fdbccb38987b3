// An index out of its sections answers as the one they came from, and goes on as it would have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CodecError } from '../codec/varint.ts';
import { labelsFromObject } from '../model/labels.ts';
import { matcher } from '../model/matcher.ts';
import { readCaptured, sectionMemory, SectionReader } from './index-sections.ts';
import type { CapturedSection, IndexSection } from './index-sections.ts';
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

function answers(index: SeriesIndex, nowMs: number) {
  return ['t0', 't1', 't2', 'none'].map((tenant) => ({
    sets: MATCHER_SETS.map((matchers) =>
      [...index.select(tenant, matchers)].map((ref) => ({
        ref,
        labels: index.labelsOf(ref),
        tenant: index.tenantOf(ref),
        seenMs: index.lastSeenMs(ref),
      })),
    ),
    active: index.seriesCount(tenant, nowMs + 3_600_000).active,
  }));
}

/** Who left the index before: nobody, or who was idle for an hour, or for minutes. */
const leaving = fc.constantFrom(undefined, 9 * 60, 100, 30);

/** So many minutes later all leave that were not seen for an hour, within two hours for minutes. */
function leave(index: SeriesIndex, minutes: number | undefined): void {
  if (minutes === undefined) return;
  const idleMs = minutes > 120 ? 3_600_000 : 300_000;
  const nowMs = NOW_MS + minutes * 60_000;
  index.retire({ nowMs, idleMs, countMax: 1000, isHeld: () => false });
  index.sweep(1);
}

/** What a head snapshot makes of captured sections, in pieces of a few bytes. */
function stored(sections: readonly CapturedSection[]): IndexSection[] {
  const byName = new Map<string, number[]>();
  const scratch = new Uint8Array(24);
  for (const section of sections) {
    const bytes = byName.get(section.name) ?? [];
    byName.set(section.name, bytes);
    for (let from = 0; from < section.sizeBytes; from += scratch.length) {
      const to = Math.min(from + scratch.length, section.sizeBytes);
      bytes.push(...readCaptured(section, from, to, scratch));
    }
  }
  return [...byName].map(([name, bytes]) => ({ name, bytes: Uint8Array.from(bytes) }));
}

/** As it is read: with room behind each section, or at any place of one buffer. */
function read(sections: readonly IndexSection[], areOwned: boolean): SeriesIndex {
  const placed = sections.map(({ name, bytes }, i) => {
    const memory = areOwned ? sectionMemory(bytes.length) : new Uint8Array(bytes.length + i);
    memory.set(bytes, areOwned ? 0 : i);
    return { name, bytes: areOwned ? memory : memory.subarray(i) };
  });
  return SeriesIndex.fromSections(new SectionReader(placed, areOwned));
}

test('an index out of its sections is the same index', () => {
  fc.assert(
    fc.property(actions, actions, leaving, fc.boolean(), (first, second, left, areOwned) => {
      const index = new SeriesIndex(77, 3);
      act(index, first, NOW_MS);
      leave(index, left);
      // Some come back, and of these some have a row that is not written yet.
      act(index, second.slice(0, 20), NOW_MS);
      const sections = stored(index.capture());
      index.release();
      const copy = read(sections, areOwned);
      assert.deepEqual(copy.tenants(), index.tenants());
      assert.equal(copy.findableCount, index.findableCount);
      assert.deepEqual(answers(copy, NOW_MS), answers(index, NOW_MS));
      assert.deepEqual(act(copy, second, NOW_MS), act(index, second, NOW_MS));
      assert.deepEqual(answers(copy, NOW_MS), answers(index, NOW_MS));
    }),
    { numRuns: 80 },
  );
});

test('an index copied while it goes on is the one of the capture, and the same again later', () => {
  fc.assert(
    fc.property(actions, actions, leaving, (first, second, left) => {
      const index = new SeriesIndex(77, 3);
      act(index, first, NOW_MS);
      // Free slots, symbols and pairs: none of them may be used meanwhile.
      leave(index, left);
      const before = answers(index, NOW_MS);
      const captured = index.capture();
      act(index, second, NOW_MS);
      const copy = read(stored(captured), true);
      assert.ok(index.isCaptureWhole);
      index.release();
      assert.deepEqual(labelsIn(answers(copy, NOW_MS)), labelsIn(before));
      act(copy, second, NOW_MS);
      assert.deepEqual(labelsIn(answers(copy, NOW_MS)), labelsIn(answers(index, NOW_MS)));
      assert.equal(copy.findableCount, index.findableCount);
      const later = NOW_MS + 3_600_000;
      for (const tenant of ['t0', 't1', 't2'])
        assert.equal(
          copy.seriesCount(tenant, later).active,
          index.seriesCount(tenant, later).active,
        );
    }),
    { numRuns: 80 },
  );
});

/** Label sets of each question's answer, without refs and times. */
function labelsIn(all: ReturnType<typeof answers>): unknown {
  return all.map(({ sets }) => sets.map((rows) => rows.map(({ labels }) => labels)));
}

test('sections that are missing, cut or of another version are refused', () => {
  const index = new SeriesIndex(1);
  act(index, [{ a: 1, b: 2, tenant: 0, isApplied: true, isAsked: true }], NOW_MS);
  const sections = stored(index.capture());
  for (const [i, { name, bytes }] of sections.entries()) {
    const others = sections.filter((_, k) => k !== i);
    // What is remembered was not in all head snapshots of this version.
    if (name === 'remembered-numbers') read(others, false);
    else assert.throws(() => read(others, false), CodecError, name);
    // The length of these says nothing.
    if (name === 'tenant-ids' || name === 'symbol-texts') continue;
    const cut = { name, bytes: bytes.slice(0, Math.max(bytes.length - 3, 0)) };
    if (bytes.length > 0) assert.throws(() => read([...others, cut], false), CodecError, name);
  }
  const other = { name: 'index-numbers', bytes: sections[0]!.bytes.slice() };
  other.bytes[0] = 9;
  assert.throws(() => read([...sections, other], false), /version 9, known is 5/);
});
