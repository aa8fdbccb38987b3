// Rows of owners against a plain map, across the numbers of owners that two words tell apart.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readCaptured, sectionMemory, SectionReader } from './index-sections.ts';
import { slotOf } from './refs.ts';
import { SeriesRows } from './series-rows.ts';

const SEED = 5;
const LIVES = 100;
/** Their words, one more, are 2^16 - 1 at most; those of LARGE are 2^16 at least. */
const SMALL = [0, 1, 464, 65_533, 65_534];
const LARGE = [65_535, 65_536, 66_000, 131_071, 2 ** 31 - 2];

/** A row is its owner and a number; some are removed, some are looked at through sections. */
function actionsOf(owners: readonly number[]) {
  const row = { owner: fc.constantFrom(...owners), number: fc.nat(3) };
  return fc.array(fc.record({ ...row, what: fc.constantFrom('add', 'add', 'remove', 'copy') }), {
    maxLength: 60,
  });
}

function pairsOf(number: number): number[] {
  return [2, 4, 6, 40_000 * number];
}

function setRow(rows: SeriesRows, number: number): number {
  const pairs = pairsOf(number);
  rows.reserveRow(pairs.length).set(pairs);
  return pairs.length;
}

function copyOf(rows: SeriesRows): SeriesRows {
  const sections = rows.capture(2 ** 20).map((section) => {
    const bytes = sectionMemory(section.sizeBytes);
    return { name: section.name, bytes: readCaptured(section, 0, section.sizeBytes, bytes) };
  });
  return SeriesRows.fromSections(new SectionReader(sections, true), SEED, LIVES);
}

/** As one key each: the owner and the number of a row. */
function checkAll(rows: SeriesRows, live: ReadonlyMap<string, number>, owners: number[]): void {
  const out = new Uint32Array(8);
  assert.equal(rows.liveCount, live.size);
  for (const owner of owners)
    for (let number = 0; number < 4; number++) {
      const ref = live.get(`${owner}/${number}`) ?? -1;
      assert.equal(rows.find(owner, setRow(rows, number)), ref);
      if (ref < 0) continue;
      assert.ok(rows.isLive(ref) && rows.isLiveSlot(slotOf(ref)));
      assert.equal(rows.ownerOf(slotOf(ref)), owner);
      assert.deepEqual([...out.subarray(0, rows.read(slotOf(ref), out))], pairsOf(number));
      for (const other of owners)
        assert.equal(rows.foreignRef(other, Uint32Array.of(ref), 1), other === owner ? -1 : ref);
    }
}

test("a row is its owner's alone, whatever number that has and whoever had its slot", () => {
  const lists = fc.tuple(actionsOf(SMALL), actionsOf([...SMALL, ...LARGE]));
  fc.assert(
    fc.property(lists, ([small, all]) => {
      let rows = new SeriesRows(SEED, LIVES);
      const live = new Map<string, number>();
      const gone: number[] = [];
      for (const { owner, number, what } of [...small, ...all]) {
        const key = `${owner}/${number}`;
        const known = live.get(key);
        if (what === 'copy') rows = copyOf(rows);
        else if (what === 'add') {
          const ref = rows.intern(owner, setRow(rows, number));
          assert.equal(known ?? ref, ref);
          live.set(key, ref);
        } else if (known !== undefined) {
          rows.remove(slotOf(known));
          rows.recycle(slotOf(known));
          live.delete(key);
          gone.push(known);
        }
      }
      checkAll(rows, live, [...SMALL, ...LARGE]);
      for (const ref of gone) assert.ok(!rows.isLive(ref));
    }),
    { numRuns: 200 },
  );
});

test('high words of owners are there from the first one on that has some', () => {
  const rows = new SeriesRows(SEED, LIVES);
  const sizeOf = (name: string): number | undefined =>
    rows.capture(2 ** 20).find((section) => section.name === name)?.sizeBytes;
  rows.intern(65_534, setRow(rows, 1));
  assert.deepEqual([sizeOf('row-owners'), sizeOf('row-owners-high')], [2, 0]);
  const before = rows.sizeBytes;
  rows.intern(65_535, setRow(rows, 1));
  assert.deepEqual([sizeOf('row-owners'), sizeOf('row-owners-high')], [4, 4]);
  assert.ok(rows.sizeBytes > before);
  // More slots than there was room for when they came.
  for (let number = 0; number < 3000; number++) rows.intern(70_000 + number, setRow(rows, 1));
  const copy = copyOf(rows);
  for (const one of [rows, copy])
    for (let number = 0; number < 3000; number++)
      assert.equal(one.ownerOf(slotOf(one.find(70_000 + number, setRow(one, 1)))), 70_000 + number);
});

test('a row is in the table only where others are at home at all of its values', () => {
  const rows = new SeriesRows(SEED, LIVES);
  const entriesOf = (name: string): number => {
    const section = rows.capture(2 ** 20).find((one) => one.name === name)!;
    const bytes = section.view().slice(0, section.sizeBytes);
    return new Uint32Array(bytes.buffer).filter((entry) => entry !== 0).length;
  };
  const add = (...pairs: number[]): number => {
    rows.reserveRow(pairs.length).set(pairs);
    return rows.intern(0, pairs.length);
  };
  // Three values, and one pair that is an entry of the table of pairs.
  const refs = [add(2, 4, 6), add(2, 4, 7), add(2, 6)];
  assert.deepEqual([entriesOf('row-homes'), entriesOf('row-table')], [3, 0]);
  refs.push(add(4, 6), add(7), add());
  assert.deepEqual([entriesOf('row-homes'), entriesOf('row-table')], [3, 3]);
  assert.deepEqual([add(2, 4, 6), add(2, 4, 7), add(2, 6), add(4, 6), add(7), add()], refs);
  // Who comes after one that left is at home; those in the table stay there.
  rows.remove(slotOf(refs[0]!));
  assert.deepEqual([entriesOf('row-homes'), entriesOf('row-table')], [2, 3]);
  add(6);
  assert.deepEqual([entriesOf('row-homes'), entriesOf('row-table')], [3, 3]);
  rows.remove(slotOf(refs[4]!));
  assert.deepEqual([entriesOf('row-homes'), entriesOf('row-table')], [3, 2]);
  assert.deepEqual([add(4, 6), add(2, 6)], [refs[3], refs[2]]);
});
