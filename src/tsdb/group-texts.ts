// Labels of the rows of a part as texts, row group by row group. Groups of values are read as the
// rows name them and stay at hand for a while. A scan over everything reads labels of very many
// values by batches of rows instead (TextBatches).
import { AppError } from '../model/errors.ts';
import type { Labels } from '../model/labels.ts';
import { assert } from '../stdx/assert.ts';
import { grownU32 } from '../stdx/growable.ts';
import {
  CURSOR_VALUE_GROUPS_MAX,
  TEXT_BATCH_GROUPS_BYTES,
  TEXT_BATCH_ROWS,
  TEXT_BATCH_TURN_GROUPS,
  TEXT_BATCH_VALUES_MIN,
  VALUE_GROUP_COUNT,
} from './limits.ts';
import type { PartIndex } from './part-index.ts';
import type { RowGroup } from './part-rows.ts';
import type { PlainTexts, ValueGroup } from './part-values.ts';

/** What a batch has of one label: texts of ranks, ascending. */
interface BatchTexts {
  readonly ranks: Uint32Array;
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
}

/** Which row groups a scan reads. */
export type IsGroupWanted = (group: number) => boolean;

/** See limits.ts. */
export interface BatchBounds {
  readonly valuesMin: number;
  readonly rows: number;
  readonly groupsBytes: number;
}

const BOUNDS: BatchBounds = {
  valuesMin: TEXT_BATCH_VALUES_MIN,
  rows: TEXT_BATCH_ROWS,
  groupsBytes: TEXT_BATCH_GROUPS_BYTES,
};

/**
 * Texts of labels with many values for a scan over all series, by batches of rows. In label order
 * rows name the values of most labels at random: where the groups of a label are more than what
 * stays at hand, each row would read and decode one. A batch looks ahead for the ranks of its rows
 * and walks the values once: O(values) for each TEXT_BATCH_ROWS rows, and memory of their texts.
 */
export class TextBatches {
  readonly #index: PartIndex;
  readonly #isWanted: IsGroupWanted;
  readonly #turn: () => Promise<void>;
  readonly #bounds: BatchBounds;
  readonly #isLarge: readonly boolean[];
  readonly #hasLarge: boolean;
  readonly #texts = new Map<number, BatchTexts>();
  /** The first row group behind the batch. */
  #end = 0;

  constructor(
    index: PartIndex,
    isWanted: IsGroupWanted,
    turn: () => Promise<void>,
    bounds: BatchBounds = BOUNDS,
  ) {
    this.#bounds = bounds;
    this.#index = index;
    this.#isWanted = isWanted;
    this.#turn = turn;
    this.#isLarge = index.labels.map(({ info }) => info.valueCount > bounds.valuesMin);
    this.#hasLarge = this.#isLarge.includes(true);
  }

  /** Is a row group behind the batch? Numbers ascend. */
  needs(group: number): boolean {
    return this.#hasLarge && group >= this.#end;
  }

  /** The batch that begins at a row group. */
  async load(group: number): Promise<void> {
    this.#texts.clear();
    for (const [label, { ranks, count }] of await this.#ranksFrom(group)) {
      const own = unique(ranks.subarray(0, count).toSorted());
      const texts = await this.#index.labels[label]!.plainOf(own, this.#turn).catch(notIfCorrupt);
      if (texts !== undefined) this.#texts.set(label, batchTexts(own, texts));
    }
  }

  /** Of the rows of a batch, which begins at `group`, the ranks of all large labels. */
  async #ranksFrom(group: number): Promise<ReadonlyMap<number, RankList>> {
    const lists = new Map<number, RankList>();
    const { groupCount } = await this.#index.rowTable();
    let { rows: rowsLeft, groupsBytes: bytesLeft } = this.#bounds;
    let number = group;
    for (; number < groupCount && rowsLeft > 0 && bytesLeft > 0; number++) {
      if (!this.#isWanted(number)) continue;
      const rows = await this.#index.rowGroup(number).catch(notIfCorrupt);
      if (rows === undefined) continue;
      rowsLeft -= rows.count;
      bytesLeft -= rows.sizeBytes;
      this.#addRanks(rows, lists);
      if (number % TEXT_BATCH_TURN_GROUPS === 0) await this.#turn();
    }
    this.#end = number;
    return lists;
  }

  #addRanks(rows: RowGroup, lists: Map<number, RankList>): void {
    for (const [place, label] of rows.labels.entries()) {
      if (!this.#isLarge[label]!) continue;
      let list = lists.get(label);
      if (list === undefined) lists.set(label, (list = new RankList()));
      list.add(rows.ranks(place));
    }
  }

  has(label: number): boolean {
    return this.#texts.has(label);
  }

  /** undefined: the label is read by groups. */
  text(label: number, rank: number): string | undefined {
    const texts = this.#texts.get(label);
    if (texts === undefined) return undefined;
    const { ranks, bytes, starts } = texts;
    let low = 0;
    let high = ranks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (ranks[middle]! <= rank) low = middle;
      else high = middle;
    }
    assert(ranks[low] === rank, 'a batch has the texts of all its rows');
    return bytes.toString('utf8', starts[low], starts[low + 1]);
  }
}

class RankList {
  ranks = new Uint32Array(0);
  count = 0;

  /** A column of a row group: rank + 1 by row, 0 where a row has no value. */
  add(column: Uint32Array): void {
    this.ranks = grownU32(this.ranks, this.count + column.length);
    for (const entry of column) if (entry !== 0) this.ranks[this.count++] = entry - 1;
  }
}

/** Of numbers that ascend, each once; in place. */
function unique(sorted: Uint32Array): Uint32Array {
  let count = 0;
  for (let i = 0; i < sorted.length; i++)
    if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i]!;
  return sorted.subarray(0, count);
}

function batchTexts(ranks: Uint32Array, { bytes, starts }: PlainTexts): BatchTexts {
  return { ranks, starts, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** What is damaged is met again by who reads row group by row group: it costs no other rows. */
function notIfCorrupt(error: unknown): undefined {
  if (!(error instanceof AppError && error.kind === 'corrupt')) throw error;
}

/** The values of the series of one row group that a scan will look at. */
export class GroupTexts {
  readonly #group: RowGroup;
  readonly #index: PartIndex;
  readonly #values: ReadonlyMap<number, ValueGroup>;
  readonly #batches: TextBatches | undefined;
  /** Of each label of the group: the value asked for last. */
  readonly #lastRanks: Uint32Array;
  readonly #lastTexts: string[];

  constructor(
    index: PartIndex,
    group: RowGroup,
    values: ReadonlyMap<number, ValueGroup>,
    batches: TextBatches | undefined,
  ) {
    this.#index = index;
    this.#group = group;
    this.#values = values;
    this.#batches = batches;
    this.#lastRanks = new Uint32Array(group.labels.length);
    this.#lastTexts = group.labels.map(() => '');
  }

  labels(row: number): Labels {
    const out: string[] = [];
    const { labels } = this.#group;
    for (let place = 0; place < labels.length; place++) {
      const rank = this.#group.ranks(place)[row]!;
      if (rank === 0) continue;
      if (this.#lastRanks[place] !== rank) {
        this.#lastRanks[place] = rank;
        this.#lastTexts[place] = this.#text(labels[place]!, rank - 1);
      }
      out.push(this.#index.labels[labels[place]!]!.info.name, this.#lastTexts[place]!);
    }
    return out;
  }

  #text(label: number, rank: number): string {
    const text = this.#batches?.text(label, rank);
    if (text !== undefined) return text;
    const group = this.#values.get(groupKey(label, rank))!;
    return group.text(rank % VALUE_GROUP_COUNT);
  }
}

function groupKey(label: number, rank: number): number {
  return label * 2 ** 32 + Math.floor(rank / VALUE_GROUP_COUNT);
}

/**
 * Loads the groups of values that the series have; `values` are those loaded before. Labels that
 * `batches` has at hand need none.
 */
export async function readTexts(
  index: PartIndex,
  group: RowGroup,
  ordinals: Uint32Array,
  values: Map<number, ValueGroup>,
  batches?: TextBatches,
): Promise<GroupTexts> {
  // Those that the group needs stay until it is done with: the map is emptied between groups.
  if (values.size > CURSOR_VALUE_GROUPS_MAX) values.clear();
  for (let place = 0; place < group.labels.length; place++) {
    const label = group.labels[place]!;
    if (batches?.has(label) === true) continue;
    const ranks = group.ranks(place);
    const texts = index.labels[label]!;
    let last = -1;
    for (const ordinal of ordinals) {
      const rank = ranks[ordinal - group.first]!;
      if (rank === 0) continue;
      const number = Math.floor((rank - 1) / VALUE_GROUP_COUNT);
      if (number === last) continue;
      last = number;
      const key = groupKey(label, rank - 1);
      if (!values.has(key)) values.set(key, texts.inMemory(number) ?? (await texts.group(number)));
    }
  }
  return new GroupTexts(index, group, values, batches);
}
