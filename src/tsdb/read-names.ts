// Label names, values and series of what has a sample in a range. No block is decoded;
// times are, where a delete or the edge of the range makes it necessary. Names and values of parts
// that lie in the range as a whole come from their index, without a walk over their series.
import { compareUtf8 } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { ALL_KINDS } from '../model/columns.ts';
import type { SeriesRef } from '../model/columns.ts';
import { deletesFrom } from './deletes.ts';
import { headFeed, HeadLane, HeadSeries } from './head-lane.ts';
import { GroupNumbers, SEEN } from './instant-lane.ts';
import type { InstantLane } from './instant-lane.ts';
import { labelsHeldBytes } from './held-bytes.ts';
import { LaneMerge } from './lane-merge.ts';
import {
  INSTANT_BATCH_SERIES,
  NAMES_PAUSE_LOOKS,
  NAMES_TURN_BATCHES,
  WALK_TURN_GROUPS,
} from './limits.ts';
import type { PartIndex, WantedValues } from './part-index.ts';
import type { RowTable } from './part-rows.ts';
import { VERDICT } from './row-tests.ts';
import type { RowTests } from './row-tests.ts';
import type { TimeRange } from './samples.ts';
import { grownU32 } from '../stdx/growable.ts';
import { ITEMS_PER_LOOK } from '../stdx/limits.ts';
import type { Pausing } from '../stdx/turns.ts';
import { openPartLane } from './part-lane.ts';
import type { Part } from './part-reader.ts';
import { slotOf } from './refs.ts';
import type { Scan } from './scan.ts';
import { MetNumbers, smallestTexts } from './smallest-texts.ts';
import type { Wanted } from './smallest-texts.ts';
import { placeOfName } from './value-column.ts';

/** A list of more than one of so many series costs more than a walk over all row groups. */
const WALK_SHARE = 8;

/** Sorted lists without an equal as one: the smallest `limit` distinct texts; 0 = all. */
async function merged(
  scan: Scan,
  lists: readonly (readonly string[])[],
  limit: number,
): Promise<readonly string[]> {
  const on = pausingOf(scan);
  let left = lists.filter((list) => list.length > 0);
  while (left.length > 1) {
    const halved: (readonly string[])[] = [];
    for (let i = 0; i < left.length; i += 2)
      halved.push(i + 1 < left.length ? await union(on, left[i]!, left[i + 1]!) : left[i]!);
    left = halved;
  }
  const [all = []] = left;
  return limit === 0 ? all : all.slice(0, limit);
}

async function union(
  on: Pausing,
  a: readonly string[],
  b: readonly string[],
): Promise<readonly string[]> {
  const out: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const order = compareUtf8(a[i]!, b[j]!);
    out.push(order <= 0 ? a[i]! : b[j]!);
    if (order <= 0) i++;
    if (order >= 0) j++;
    const pause = out.length % ITEMS_PER_LOOK === 0 ? on.pause() : undefined;
    if (pause !== undefined) await pause;
  }
  for (; i < a.length; i++) out.push(a[i]!);
  for (; j < b.length; j++) out.push(b[j]!);
  return out;
}

/** Parts that answer by their index alone, and the scan of everything else. */
interface Divided {
  readonly indexes: readonly PartIndex[];
  readonly rest: Scan;
}

/**
 * A part all of whose samples of the tenant are in the range, and which no delete can touch, has a
 * visible sample of each of its series.
 */
async function divide(scan: Scan): Promise<Divided> {
  const { tenant, range, view } = scan;
  const indexes: PartIndex[] = [];
  const others: Part[] = [];
  for (const part of view.parts) {
    scan.check();
    const row = await part.tenant(tenant);
    if (row === undefined) continue;
    const isInside = row.minUs >= range.startUs && row.maxUs <= range.endUs;
    const isWhole =
      isInside && deletesFrom(view.deletes, tenant, part.row.deletesEnd, range).length === 0;
    const index = isWhole ? await part.index(tenant) : undefined;
    if (index !== undefined) indexes.push(index);
    else if (!isWhole) others.push(part);
  }
  return { indexes, rest: { ...scan, view: { ...view, parts: others } } };
}

/** Lets other work proceed now and then; what is given is kept for the answer. */
export function turnsOf(scan: Scan): (sizeBytes?: number) => Promise<void> {
  let batches = 0;
  return async (sizeBytes = 0) => {
    scan.hold?.(sizeBytes);
    if (++batches % NAMES_TURN_BATCHES === 0) await scan.yieldTurn();
    scan.check();
  };
}

/** The same for work that looks whether to pause: it does after so many looks. */
function pausingOf(scan: Scan): Pausing {
  let looks = 0;
  return {
    pause() {
      scan.check();
      return ++looks % NAMES_PAUSE_LOOKS === 0 ? scan.yieldTurn() : undefined;
    },
  };
}

/** A part's series with what they have in the range; undefined: it has none of the selector. */
export function existenceLane(
  scan: Scan,
  part: Part,
  wantsLabels: boolean,
  ordinals?: Uint32Array,
): ReturnType<typeof openPartLane> {
  return openPartLane({
    ...(ordinals && { ordinals }),
    scan,
    part,
    priority: 0,
    kinds: ALL_KINDS,
    wants: 'existence',
    wantsLabels,
    isOnlyPart: !wantsLabels,
    grouping: undefined,
    numbers: new GroupNumbers(),
  });
}

/** The same of the head. */
export function headExistenceLane(scan: Scan): HeadLane | undefined {
  if (scan.view.generations.every((one) => one.isEmpty)) return undefined;
  const feed = headFeed(scan, true);
  if (feed.isEmpty) return undefined;
  const none = { groups: undefined, isExistence: true, partRefs: undefined };
  return new HeadLane({ scan, feed, kinds: ALL_KINDS, ...none });
}

/** Refs of the head that match, in no order; the caller looks at each. */
async function eachHeadSeries(scan: Scan, visit: (ref: SeriesRef) => void): Promise<void> {
  const turn = turnsOf(scan);
  const refs = new Uint32Array(INSTANT_BATCH_SERIES);
  if (scan.view.generations.every((one) => one.isEmpty)) return;
  const feed = headFeed(scan, false);
  for (let count = feed.next(refs); count >= 0; count = feed.next(refs)) {
    for (let i = 0; i < count; i++) visit(refs[i]!);
    await turn();
  }
}

/** Labels that somebody of the head has, by the symbols of their names. */
async function headNames(scan: Scan): Promise<string[]> {
  const { rows, pairs, symbols } = scan.index.tables;
  const series = new HeadSeries(scan, ALL_KINDS);
  const seen = new Set<number>();
  let row = new Uint32Array(64);
  await eachHeadSeries(scan, (ref) => {
    const slot = slotOf(ref);
    row = grownU32(row, rows.labelCount(slot));
    const count = rows.read(slot, row);
    let isNew = false;
    for (let i = 0; i < count && !isNew; i++) isNew = !seen.has(pairs.nameOf(row[i]!));
    if (!isNew || !series.exists(ref)) return;
    for (let i = 0; i < count; i++) seen.add(pairs.nameOf(row[i]!));
  });
  return await smallestTexts(
    pausingOf(scan),
    seen,
    (name) => symbols.text(name),
    wantedOf(scan, 0),
  );
}

function wantedOf(scan: Scan, limit: number): Wanted {
  return { limit, hold: (sizeBytes) => scan.hold?.(sizeBytes) };
}

async function headValues(scan: Scan, label: string, limit: number): Promise<string[]> {
  const { rows, pairs, symbols } = scan.index.tables;
  const name = symbols.find(label);
  if (name < 0) return [];
  const series = new HeadSeries(scan, ALL_KINDS);
  /** Of values: millions of them, which differ from each other where they belong to one name. */
  const seen = new MetNumbers();
  let guess = 0;
  await eachHeadSeries(scan, (ref) => {
    const slot = slotOf(ref);
    const at = placeOfName(rows, pairs, slot, name, guess);
    if (at < 0) return;
    guess = at;
    const value = pairs.valueOf(rows.pairAt(slot, at));
    if (!seen.has(value) && series.exists(ref)) seen.add(value);
  });
  const wanted = wantedOf(scan, limit);
  return await smallestTexts(pausingOf(scan), seen, (value) => symbols.text(value), wanted);
}

export async function readLabelNames(scan: Scan, limit: number): Promise<readonly string[]> {
  const { indexes, rest } = await divide(scan);
  const lists: string[][] = [];
  for (const index of indexes) lists.push(await index.namesOf(scan.matchers, turnsOf(scan)));
  for (const part of rest.view.parts) lists.push(await partNames(rest, part));
  lists.push(await headNames(rest));
  return await merged(scan, lists, limit);
}

export async function readLabelValues(
  scan: Scan,
  label: string,
  limit: number,
): Promise<readonly string[]> {
  const { indexes, rest } = await divide(scan);
  const lists: string[][] = [];
  for (const index of indexes)
    lists.push(await index.valuesOf({ label, limit }, scan.matchers, turnsOf(scan)));
  for (const part of rest.view.parts) lists.push(await partValues(rest, part, { label, limit }));
  lists.push(await headValues(rest, label, limit));
  return await merged(scan, lists, limit);
}

async function partNames(scan: Scan, part: Part): Promise<string[]> {
  const index = await part.index(scan.tenant);
  const lane = await existenceLane(scan, part, false);
  if (index === undefined || lane === undefined) return [];
  const seen = new Uint8Array(index.labels.length);
  const ranks = new Uint32Array(lane.batch.states.length);
  const turn = turnsOf(scan);
  while (await lane.next()) {
    const { count, states } = lane.batch;
    for (let label = 0; label < seen.length; label++) {
      if (seen[label] === 1) continue;
      lane.ranks(label, ranks);
      for (let i = 0; i < count; i++)
        if (states[i] !== SEEN.nothing && ranks[i] !== 0) seen[label] = 1;
    }
    await turn();
  }
  return index.labels.filter((_, label) => seen[label] === 1).map(({ info }) => info.name);
}

/** What a question about the values of a label in a part has found so far. */
interface Marking {
  readonly scan: Scan;
  readonly index: PartIndex;
  readonly label: number;
  /** By rank + 1. */
  readonly seen: Uint8Array;
}

/**
 * Marks values of series whose row group lies in the range as a whole, out of reach of deletes;
 * returns the ordinals of the others.
 */
async function markInside(marking: Marking, part: Part): Promise<Uint32Array> {
  const { tenant, range, view, matchers } = marking.scan;
  const { index } = marking;
  const isClear = deletesFrom(view.deletes, tenant, part.row.deletesEnd, range).length === 0;
  const tests = isClear ? await index.rowTests(matchers) : undefined;
  if (tests !== undefined && tests.seriesCountMax * WALK_SHARE > index.seriesCount)
    return markWalking(marking, tests);
  const ordinals = await index.match(matchers);
  return isClear ? markListed(marking, ordinals) : ordinals;
}

/** Of the series of a list. */
async function markListed(marking: Marking, ordinals: Uint32Array): Promise<Uint32Array> {
  const { scan, index, label, seen } = marking;
  const table = await index.rowTable();
  let rest = new Uint32Array(0);
  let restCount = 0;
  const turn = turnsOf(scan);
  for (let from = 0; from < ordinals.length;) {
    const number = table.groupOf(ordinals[from]!);
    let to = from + 1;
    while (to < ordinals.length && ordinals[to]! < table.starts[number + 1]!) to++;
    const some = ordinals.subarray(from, to);
    from = to;
    const group = isWithin(table, number, scan.range)
      ? (index.rowGroupInMemory(number) ?? (await index.rowGroup(number)))
      : undefined;
    if (group === undefined || group.hasEmptyRows) {
      rest = grownU32(rest, restCount + some.length);
      rest.set(some, restCount);
      restCount += some.length;
      continue;
    }
    const place = group.labels.indexOf(label);
    if (place >= 0) {
      const ranks = group.ranks(place);
      for (const ordinal of some) seen[ranks[ordinal - group.first]!] = 1;
    }
    await turn();
  }
  return rest.subarray(0, restCount);
}

/** Of most series of the part: no list of them is made, its row groups are walked. */
async function markWalking(marking: Marking, tests: RowTests): Promise<Uint32Array> {
  const { scan, index, label, seen } = marking;
  const { range } = scan;
  const table = await index.rowTable();
  let rest = new Uint32Array(0);
  let restCount = 0;
  const turn = turnsOf(scan);
  for (let number = 0; number < table.groupCount; number++) {
    if (table.minUs[number]! > range.endUs || table.maxUs[number]! < range.startUs) continue;
    const known = index.rowGroupInMemory(number);
    const group = known ?? (await index.rowGroup(number));
    if (known === undefined || number % WALK_TURN_GROUPS === 0) await turn();
    const verdict = tests.of(group);
    if (verdict === VERDICT.none) continue;
    const isAll = verdict === VERDICT.all;
    const place = group.labels.indexOf(label);
    if (place < 0) continue;
    const ranks = group.ranks(place);
    if (isWithin(table, number, range) && !group.hasEmptyRows) {
      for (let row = 0; row < group.count; row++)
        if (isAll || tests.accepts(group, row)) seen[ranks[row]!] = 1;
      continue;
    }
    rest = grownU32(rest, restCount + group.count);
    for (let row = 0; row < group.count; row++)
      if (isAll || tests.accepts(group, row)) rest[restCount++] = group.first + row;
  }
  return rest.subarray(0, restCount);
}

/** Are all samples of a row group in the range? */
function isWithin({ minUs, maxUs }: RowTable, group: number, range: TimeRange): boolean {
  return minUs[group]! >= range.startUs && maxUs[group]! <= range.endUs;
}

async function partValues(scan: Scan, part: Part, wanted: WantedValues): Promise<string[]> {
  const index = await part.index(scan.tenant);
  const label = index?.labelNumber(wanted.label);
  if (index === undefined || label === undefined) return [];
  const seen = new Uint8Array(index.labels[label]!.info.valueCount + 1);
  const rest = await markInside({ scan, index, label, seen }, part);
  const lane = await existenceLane(scan, part, false, rest);
  const { limit } = wanted;
  if (lane === undefined) return index.textsOf({ label, limit }, seen, turnsOf(scan));
  const ranks = new Uint32Array(lane.batch.states.length);
  const turn = turnsOf(scan);
  while (await lane.next()) {
    const { count, states } = lane.batch;
    lane.ranks(label, ranks);
    for (let i = 0; i < count; i++) if (states[i] !== SEEN.nothing) seen[ranks[i]!] = 1;
    await turn();
  }
  return index.textsOf({ label, limit }, seen, turn);
}

/** Labels of all series with a sample in the range, in label order. */
export async function eachSeries(scan: Scan, visit: (labels: Labels) => boolean): Promise<void> {
  const { range, view } = scan;
  if (!(range.startUs <= range.endUs)) return;
  const lanes: InstantLane[] = [];
  for (const part of view.parts) {
    if (part.row.minUs > range.endUs || part.row.maxUs < range.startUs) continue;
    scan.check();
    const lane = await existenceLane(scan, part, true);
    if (lane !== undefined) lanes.push(lane);
  }
  const head = headExistenceLane(scan);
  if (head !== undefined) lanes.push(head);
  const merge = new LaneMerge(lanes);
  const turn = turnsOf(scan);
  for (let count = 1; ; count++) {
    if (count % INSTANT_BATCH_SERIES === 0) await turn();
    const found = merge.next();
    if (!(typeof found === 'boolean' ? found : await found)) return;
    if (!visit(merge.labels)) return;
  }
}

export async function readSeries(scan: Scan, limit: number): Promise<Labels[]> {
  const out: Labels[] = [];
  await eachSeries(scan, (labels) => {
    scan.hold?.(labelsHeldBytes(labels.length));
    return out.push(labels) !== limit;
  });
  return out;
}
