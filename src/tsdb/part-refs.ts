// Which series of a part are which of the head's index. A part never changes and a ref means one
// series for ever, so what was found out holds; only refs that came later are unknown. Found label
// by label: each value of the part is looked up once, then each series by its pairs.
import type { SeriesRef } from '../model/columns.ts';
import type { TenantId } from '../model/tenant.ts';
import { grownU32 } from '../stdx/growable.ts';
import type { PartIndex } from './part-index.ts';
import type { RowGroup } from './part-rows.ts';
import { slotOf } from './refs.ts';
import type { SeriesIndex } from './series-index.ts';

const NO_PAIR = -1;

export class PartRefs {
  /** By slot: the ref that the answer is about. */
  #refs: Uint32Array<ArrayBuffer>;
  /** By slot: ordinal + 1; 0: the part does not have the series. */
  #ordinals: Uint32Array<ArrayBuffer>;

  constructor(refs: Uint32Array<ArrayBuffer>) {
    this.#refs = refs;
    this.#ordinals = new Uint32Array(refs.length);
  }

  get sizeBytes(): number {
    return this.#refs.length * 8 + 100;
  }

  /** Is it known whether the part has the series? */
  knows(ref: SeriesRef): boolean {
    return this.#refs[slotOf(ref)] === ref + 1;
  }

  /** The ordinal of a series that `knows` says yes of; -1: the part does not have it. */
  ordinalOf(ref: SeriesRef): number {
    return this.#ordinals[slotOf(ref)]! - 1;
  }

  /** Remembers a series that came later; -1: the part does not have it. */
  learn(ref: SeriesRef, ordinal: number): void {
    const slot = slotOf(ref);
    this.#refs = grownU32(this.#refs, slot + 1);
    this.#ordinals = grownU32(this.#ordinals, slot + 1);
    this.#refs[slot] = ref + 1;
    this.#ordinals[slot] = ordinal + 1;
  }

  set(ref: SeriesRef, ordinal: number): void {
    // A series that came while the part was read may have been missed before.
    if (this.knows(ref)) this.#ordinals[slotOf(ref)] = ordinal + 1;
  }
}

export interface PartRefsOptions {
  readonly tenant: TenantId;
  readonly index: PartIndex;
  readonly series: SeriesIndex;
  /** Between pieces of work: throws where nobody wants the answer, yields where it is time. */
  readonly turn: () => Promise<void>;
}

export async function findPartRefs(options: PartRefsOptions): Promise<PartRefs> {
  const { series } = options;
  for (;;) {
    const { sweepCount } = series;
    const refs = await findOnce(options);
    // A sweep gives the numbers of texts that nobody has to others.
    if (series.sweepCount === sweepCount) return refs;
  }
}

async function findOnce({ tenant, index, series, turn }: PartRefsOptions): Promise<PartRefs> {
  const { rows } = series.tables;
  const owner = series.ownerNumber(tenant);
  const live = new Uint32Array(rows.slotEnd);
  for (let slot = 0; slot < live.length; slot++)
    if (rows.isLiveSlot(slot)) live[slot] = rows.refAt(slot) + 1;
  const found = new PartRefs(live);
  if (owner === undefined) return found;
  const pairs: Int32Array[] = [];
  for (let label = 0; label < index.labels.length; label++)
    pairs.push(await pairsOf(index, label, series, turn));
  const { groupCount } = await index.rowTable();
  for (let number = 0; number < groupCount; number++) {
    const group = await index.rowGroup(number);
    findGroup(
      group,
      pairs,
      (count) => rows.find(owner, count),
      rows.reserveRow(pairs.length),
      found,
    );
    await turn();
  }
  return found;
}

/** By rank + 1 the pair of a value in the index; NO_PAIR where it has none. */
async function pairsOf(
  index: PartIndex,
  label: number,
  { tables: { symbols, pairs } }: SeriesIndex,
  turn: () => Promise<void>,
): Promise<Int32Array> {
  const values = index.labels[label]!;
  const out = new Int32Array(values.info.valueCount + 1).fill(NO_PAIR);
  const name = symbols.find(values.info.name);
  if (name < 0) return out;
  let rank = 1;
  for await (const texts of values.all()) {
    for (const text of texts) {
      const value = symbols.find(text);
      out[rank++] = value < 0 ? NO_PAIR : pairs.find(name, value);
    }
    await turn();
  }
  return out;
}

/** Looks up the series of a row group; `row` is where `find` takes them from. */
function findGroup(
  group: RowGroup,
  pairs: readonly Int32Array[],
  find: (count: number) => SeriesRef,
  row: Uint32Array,
  found: PartRefs,
): void {
  const columns = group.labels.map((_, place) => group.ranks(place));
  for (let i = 0; i < group.count; i++) {
    let count = 0;
    let isKnown = true;
    for (let place = 0; place < columns.length && isKnown; place++) {
      const rank = columns[place]![i]!;
      if (rank === 0) continue;
      const pair = pairs[group.labels[place]!]![rank]!;
      isKnown = pair !== NO_PAIR;
      row[count++] = pair;
    }
    const ref = isKnown ? find(count) : -1;
    if (ref >= 0) found.set(ref, group.first + i);
  }
}
