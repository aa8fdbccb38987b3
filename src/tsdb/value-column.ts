// What one label has in the series of a tenant: its values in byte order, and for each one the
// series that have it, as ranks, which are places in the tenant's series in label order. Made when
// a query first asks for the label, dropped when the ranks change.
import { grownU32, release } from '../stdx/growable.ts';
import { COLUMN_STEP_PLACES, COLUMN_STEP_SERIES } from './limits.ts';
import { MatchedValues } from './matched-values.ts';
import type { Pairs } from './pairs.ts';
import { slotOf } from './refs.ts';
import { countIn, pairIn } from './row-words.ts';
import type { SeriesOrder } from './series-order.ts';
import type { SeriesRows } from './series-rows.ts';

interface ColumnTables {
  readonly rows: SeriesRows;
  readonly pairs: Pairs;
  readonly order: SeriesOrder;
}

export interface ValueColumn {
  /** One a value. */
  readonly pairs: Uint32Array;
  /** Ranks of value i: [starts[i], starts[i + 1]) of `ranks`, ascending. */
  readonly starts: Uint32Array;
  /** Empty where there is one value and every series has it. */
  readonly ranks: Uint32Array;
  readonly sizeBytes: number;
  /** Places of the values that matchers accept. */
  readonly matched: MatchedValues;
}

/** Where in its row a name is; -1 where it is not. `guess` is looked at first. */
export function placeOfName(
  rows: SeriesRows,
  pairs: Pairs,
  slot: number,
  name: number,
  guess = 0,
): number {
  const count = rows.labelCount(slot);
  if (guess < count && pairs.nameOf(rows.pairAt(slot, guess)) === name) return guess;
  for (let i = 0; i < count; i++) if (pairs.nameOf(rows.pairAt(slot, i)) === name) return i;
  return -1;
}

/** The pair of a row that has this name; -1 where it has none. */
export function pairNamed(rows: SeriesRows, pairs: Pairs, slot: number, name: number): number {
  const place = placeOfName(rows, pairs, slot, name);
  return place < 0 ? -1 : rows.pairAt(slot, place);
}

/**
 * The column, some thousand series between two steps; series must not go meanwhile, nor numbers of
 * texts. O(series · labels + values · log(values)).
 */
export function* columnSteps(
  { rows, pairs, order }: ColumnTables,
  refs: Uint32Array,
  name: number,
): Generator<void, ValueColumn, void> {
  let { words, starts: rowStarts } = rows.columns;
  const ofRank = new Int32Array(refs.length);
  /** Per pair its place among the values, + 1. */
  const places = new Uint32Array(pairs.end);
  let distinct = new Uint32Array(64);
  let valueCount = 0;
  let total = 0;
  let guess = 0;
  for (let rank = 0; rank < refs.length; rank++) {
    if (rank % COLUMN_STEP_SERIES === COLUMN_STEP_SERIES - 1) {
      yield;
      // New series may have moved them.
      ({ words, starts: rowStarts } = rows.columns);
    }
    const start = rowStarts[slotOf(refs[rank]!)]!;
    const count = countIn(words, start);
    let found = guess < count && pairs.nameOf(pairIn(words, start, guess)) === name ? guess : -1;
    for (let i = 0; found < 0 && i < count; i++)
      if (pairs.nameOf(pairIn(words, start, i)) === name) found = i;
    if (found < 0) {
      ofRank[rank] = -1;
      continue;
    }
    guess = found;
    const pair = pairIn(words, start, found);
    ofRank[rank] = pair;
    total++;
    if (places[pair] !== 0) continue;
    places[pair] = 1;
    distinct = grownU32(distinct, valueCount + 1);
    distinct[valueCount++] = pair;
  }
  const values = distinct.slice(0, valueCount);
  yield* order.valueSteps(values);
  const isWhole = valueCount === 1 && total === refs.length;
  const starts = new Uint32Array(valueCount + 1);
  const ranks = new Uint32Array(isWhole ? 0 : total);
  if (isWhole) starts[1] = total;
  else {
    for (let i = 0; i < valueCount; i++) {
      places[values[i]!] = i + 1;
      if (isStepEnd(i)) yield;
    }
    yield* fillSteps(places, ofRank, starts, ranks);
  }
  release(places);
  release(ofRank);
  const sizeBytes = 4 * (values.length + starts.length + ranks.length);
  return { pairs: values, starts, ranks, sizeBytes, matched: new MatchedValues() };
}

function isStepEnd(i: number): boolean {
  return i % COLUMN_STEP_PLACES === COLUMN_STEP_PLACES - 1;
}

/** Counting sort of the ranks by value. */
function* fillSteps(
  places: Uint32Array,
  ofRank: Int32Array,
  starts: Uint32Array,
  ranks: Uint32Array,
): Generator<void, void, void> {
  for (let rank = 0; rank < ofRank.length; rank++) {
    const pair = ofRank[rank]!;
    if (pair >= 0) starts[places[pair]!]!++;
    if (isStepEnd(rank)) yield;
  }
  for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
  const next = starts.slice();
  for (let rank = 0; rank < ofRank.length; rank++) {
    const pair = ofRank[rank]!;
    if (pair >= 0) ranks[next[places[pair]! - 1]!++] = rank;
    if (isStepEnd(rank)) yield;
  }
}
