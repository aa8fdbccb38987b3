// Texts by batches of rows are those that groups of values give, whatever the batches are, and a
// damaged group of values costs the rows that name it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPart, writePart } from '../../test/support/memory-part.ts';
import type { Written } from '../../test/support/memory-part.ts';
import { AppError } from '../model/errors.ts';
import { compareLabels, labelsFromObject } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import { readTexts, TextBatches } from './group-texts.ts';
import type { BatchBounds, IsGroupWanted } from './group-texts.ts';
import type { SeriesContent } from './part-format.ts';
import type { PartIndex } from './part-index.ts';
import type { RowGroup } from './part-rows.ts';

const SERIES = 3000;
const turn = async (): Promise<void> => undefined;
const always: IsGroupWanted = () => true;

/** Ids are unique and random beside the order of series; every fifth series has none. */
function manySeries(): SeriesContent[] {
  const prng = seededPrng(7);
  const NONE = { subNs: undefined, startUs: undefined, position: undefined };
  return Array.from({ length: SERIES }, (_, i): SeriesContent => {
    const id = i % 5 === 0 ? {} : { id: `${randomInt(prng, 1e9).toString(36)}ä${i}` };
    const series = labelsFromObject({
      __name__: `n${i % 3}`,
      a: `pod-${i}`,
      half: `${i % 2}`,
      ...id,
    });
    const values = Float64Array.of(i);
    const chunk = { kind: 0 as const, count: 1, tUs: Float64Array.of(i), values, ...NONE };
    return { series, chunks: [chunk] };
  }).toSorted((a, b) => compareLabels(a.series as Labels, b.series as Labels));
}

const series = manySeries();

function written(): Promise<Written> {
  return writePart(new Map([['default', series]]));
}

/** Every row group that is wanted, with the labels of its rows or the error that they meet. */
async function read(
  index: PartIndex,
  batches: TextBatches | undefined,
  isWanted = always,
): Promise<(readonly Labels[] | string)[]> {
  const { groupCount } = await index.rowTable();
  const values = new Map();
  const out: (readonly Labels[] | string)[] = [];
  const labelsOf = async (group: RowGroup): Promise<readonly Labels[]> => {
    const rows = Array.from({ length: group.count }, (_, row) => row);
    const ordinals = Uint32Array.from(rows, (row) => group.first + row);
    const texts = await readTexts(index, group, ordinals, values, batches);
    return rows.map((row) => texts.labels(row));
  };
  for (let number = 0; number < groupCount; number++) {
    if (!isWanted(number)) continue;
    if (batches?.needs(number) === true) await batches.load(number);
    out.push(
      await labelsOf(await index.rowGroup(number)).catch((error: unknown) => {
        assert.ok(error instanceof AppError);
        return error.code;
      }),
    );
  }
  return out;
}

test('batches of any size give the labels of every row', async () => {
  const part = await written();
  const expected = series.map((one) => one.series as Labels);
  const bounds: BatchBounds[] = [
    { valuesMin: 128, rows: 1, groupsBytes: 1e9 },
    { valuesMin: 128, rows: 700, groupsBytes: 1e9 },
    { valuesMin: 128, rows: 1e9, groupsBytes: 60_000 },
    { valuesMin: 2500, rows: 1e9, groupsBytes: 1e9 },
    { valuesMin: 1e9, rows: 1e9, groupsBytes: 1e9 },
  ];
  for (const bound of bounds) {
    const index = (await openPart(part).index('default'))!;
    const batches = new TextBatches(index, always, turn, bound);
    assert.deepEqual((await read(index, batches)).flat(), expected, JSON.stringify(bound));
    assert.equal(batches.needs(1e9), bound.valuesMin < SERIES);
  }
});

test('row groups that are not wanted are not read ahead', async () => {
  const index = (await openPart(await written()).index('default'))!;
  const isOdd: IsGroupWanted = (group) => group % 2 === 1;
  const asked: number[] = [];
  const rowGroup = index.rowGroup.bind(index);
  index.rowGroup = (group) => {
    asked.push(group);
    return rowGroup(group);
  };
  const bounds = { valuesMin: 128, rows: 700, groupsBytes: 1e9 };
  const batches = new TextBatches(index, isOdd, turn, bounds);
  const expected = await read(index, undefined, isOdd);
  assert.deepEqual(await read(index, batches, isOdd), expected);
  assert.ok(asked.every(isOdd));
});

test('a damaged group of values costs the rows that name it', async () => {
  const { bytes, row } = await written();
  // The first of them that is written in full: in the first group of the label.
  const at = Buffer.from(bytes).indexOf('pod-');
  const broken = { bytes: Uint8Array.from(bytes), row };
  broken.bytes[at]! ^= 1;
  const expected = await read((await openPart(broken).index('default'))!, undefined);
  const lost = expected.filter((one) => typeof one === 'string').length;
  assert.ok(lost > 0 && lost < expected.length, `${lost} of ${expected.length}`);
  const index = (await openPart(broken).index('default'))!;
  const bounds = { valuesMin: 128, rows: 1e9, groupsBytes: 1e9 };
  assert.deepEqual(await read(index, new TextBatches(index, always, turn, bounds)), expected);
});
