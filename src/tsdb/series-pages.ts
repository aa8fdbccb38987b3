// Label sets of all series with a sample in a range, in label order, page by page. Where one part
// holds them all, its row groups are walked without a promise as long as they are in memory, and
// only those that the range, or a delete, cuts through are looked into; elsewhere lanes are merged.
import { SeriesPage } from '../model/series-page.ts';
import { assert, must } from '../stdx/assert.ts';
import { grownU32 } from '../stdx/growable.ts';
import { deletesFrom } from './deletes.ts';
import { SEEN } from './instant-lane.ts';
import type { InstantLane } from './instant-lane.ts';
import { LaneMerge } from './lane-merge.ts';
import { INSTANT_BATCH_SERIES, VALUE_GROUP_COUNT } from './limits.ts';
import type { PartIndex } from './part-index.ts';
import type { PartLane } from './part-lane.ts';
import type { Part } from './part-reader.ts';
import type { RowGroup, RowTable } from './part-rows.ts';
import type { PlainTexts } from './part-values.ts';
import { existenceLane, headExistenceLane, turnsOf } from './read-names.ts';
import type { Scan } from './scan.ts';

/** Series of a part that the matchers accept. */
interface Matched {
  readonly part: Part;
  readonly index: PartIndex;
  readonly ordinals: Uint32Array;
}

/** At most `limit` series, the first ones; 0 = all. */
export async function* readSeriesPages(
  scan: Scan,
  limit: number,
): AsyncGenerator<SeriesPage, void, void> {
  const { range, view, tenant, matchers } = scan;
  if (!(range.startUs <= range.endUs)) return;
  const found: Matched[] = [];
  for (const part of view.parts) {
    if (part.row.minUs > range.endUs || part.row.maxUs < range.startUs) continue;
    scan.check();
    const index = await part.index(tenant);
    if (index === undefined) continue;
    const ordinals = await index.match(matchers);
    if (ordinals.length > 0) found.push({ part, index, ordinals });
  }
  const head = headExistenceLane(scan);
  const countMax = limit === 0 ? Infinity : limit;
  if (head === undefined && found.length === 1) {
    const [only] = found;
    const table = await only!.index.rowTable();
    yield* new PartPages(scan, only!, table).pages(countMax);
    return;
  }
  const lanes: InstantLane[] = head === undefined ? [] : [head];
  for (const { part, ordinals } of found.toReversed())
    lanes.unshift(must(await existenceLane(scan, part, true, ordinals), 'there are ordinals'));
  yield* mergedPages(scan, lanes, countMax);
}

async function* mergedPages(
  scan: Scan,
  lanes: readonly InstantLane[],
  countMax: number,
): AsyncGenerator<SeriesPage, void, void> {
  const merge = new LaneMerge(lanes);
  const turn = turnsOf(scan);
  let page = new SeriesPage();
  for (let count = 1; count <= countMax; count++) {
    if (count % INSTANT_BATCH_SERIES === 0) await turn();
    const found = merge.next();
    if (!(typeof found === 'boolean' ? found : await found)) break;
    page.addLabels(merge.labels);
    if (!page.isFull) continue;
    yield page;
    page = new SeriesPage();
  }
  if (page.count > 0) yield page;
}

const NO_TEXTS: PlainTexts = { bytes: new Uint8Array(0), starts: new Uint32Array(0) };
const FIRST_PAIRS = 1024;

/**
 * Series of one part. Their ranks, where their texts begin and the texts lie all over memory: each
 * of the three is read for a whole page in a loop of its own, so that the processor waits for many
 * of them at once instead of for each.
 */
class PartPages {
  readonly #scan: Scan;
  readonly #matched: Matched;
  readonly #table: RowTable;
  /** No delete can touch what is asked for. */
  readonly #isClear: boolean;
  /** By label all its texts; undefined: nobody asked yet, NO_TEXTS: they come by groups. */
  readonly #texts: (PlainTexts | undefined)[] = [];
  #page = new SeriesPage();
  /** By number of a pair of the page: its label, and the rank of its value. */
  #pairLabels = new Uint32Array(FIRST_PAIRS);
  #pairRanks = new Uint32Array(FIRST_PAIRS);
  #pairCount = 0;
  /** By place in a series: label, rank and number of the pair that was there last. */
  readonly #labels: number[] = [];
  readonly #ranks: number[] = [];
  readonly #pairs: number[] = [];
  #lane: PartLane | undefined = undefined;

  constructor(scan: Scan, matched: Matched, table: RowTable) {
    const { tenant, range, view } = scan;
    const { deletesEnd } = matched.part.row;
    this.#scan = scan;
    this.#matched = matched;
    this.#table = table;
    this.#isClear = deletesFrom(view.deletes, tenant, deletesEnd, range).length === 0;
  }

  async *pages(countMax: number): AsyncGenerator<SeriesPage, void, void> {
    const { index, ordinals } = this.#matched;
    const turn = turnsOf(this.#scan);
    let left = countMax;
    for (let from = 0; from < ordinals.length && left > 0;) {
      const number = this.#table.groupOf(ordinals[from]!);
      let to = from + 1;
      const end = this.#table.starts[number + 1]!;
      while (to < ordinals.length && ordinals[to]! < end) to++;
      const some = ordinals.subarray(from, to);
      from = to;
      if (this.#isOutside(number)) continue;
      const isWhole = this.#isWhole(number);
      const known = index.rowGroupInMemory(number);
      const group = known ?? (await index.rowGroup(number));
      if (known === undefined || !isWhole) await turn();
      const ranks = group.allRanks();
      for (const ordinal of isWhole ? some : await this.#seen()) {
        const row = ordinal - group.first;
        if (group.hasEmptyRows && group.isEmptyRow(row)) continue;
        this.#add(group, ranks, row);
        left--;
        if (this.#page.isFull) yield await this.#turnPage();
        if (left === 0) break;
      }
    }
    if (this.#page.count > 0) yield await this.#turnPage();
  }

  #isOutside(group: number): boolean {
    const { startUs, endUs } = this.#scan.range;
    return this.#table.minUs[group]! > endUs || this.#table.maxUs[group]! < startUs;
  }

  /** Does the range show all samples of a row group? */
  #isWhole(group: number): boolean {
    const { startUs, endUs } = this.#scan.range;
    const isInside = this.#table.minUs[group]! >= startUs && this.#table.maxUs[group]! <= endUs;
    return this.#isClear && isInside;
  }

  /** Ordinals with a sample, of the next row group that is neither outside nor whole. */
  async #seen(): Promise<readonly number[]> {
    const lane = (this.#lane ??= await this.#openLane());
    await lane.next();
    const out: number[] = [];
    for (let i = 0; i < lane.batch.count; i++)
      if (lane.batch.states[i] !== SEEN.nothing) out.push(lane.ordinal(i));
    return out;
  }

  /** Its batches are the row groups that are neither outside nor whole. */
  async #openLane(): Promise<PartLane> {
    const { part, ordinals } = this.#matched;
    const cut = ordinals.filter((ordinal) => {
      const group = this.#table.groupOf(ordinal);
      return !this.#isOutside(group) && !this.#isWhole(group);
    });
    return must(await existenceLane(this.#scan, part, false, cut), 'there are ordinals');
  }

  #add({ labels, count }: RowGroup, ranks: Uint32Array, row: number): void {
    const page = this.#page;
    let at = 0;
    for (let place = 0; place < labels.length; place++) {
      const rank = ranks[place * count + row]!;
      if (rank === 0) continue;
      const label = labels[place]!;
      if (this.#labels[at] !== label || this.#ranks[at] !== rank) {
        this.#labels[at] = label;
        this.#ranks[at] = rank;
        this.#pairs[at] = this.#number(label, rank - 1);
      }
      page.push(this.#pairs[at++]!);
    }
    page.endSeries();
  }

  #number(label: number, rank: number): number {
    const pair = this.#pairCount++;
    this.#pairLabels = grownU32(this.#pairLabels, this.#pairCount);
    this.#pairRanks = grownU32(this.#pairRanks, this.#pairCount);
    this.#pairLabels[pair] = label;
    this.#pairRanks[pair] = rank;
    return pair;
  }

  /** The page with its texts; the next one is empty. */
  async #turnPage(): Promise<SeriesPage> {
    this.#scan.check();
    const page = this.#page;
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const label = this.#pairLabels[pair]!;
      if (this.#texts[label] === undefined) await this.#loadTexts(label);
    }
    const isAtHand = this.#texts.every((one) => one !== NO_TEXTS);
    if (isAtHand) this.#readTexts(page);
    else await this.#readGroups(page);
    this.#page = new SeriesPage();
    this.#pairCount = 0;
    this.#labels.length = 0;
    return page;
  }

  async #loadTexts(label: number): Promise<void> {
    const { index, ordinals } = this.#matched;
    const texts = await index.labels[label]!.allPlain(ordinals.length, this.#scan.yieldTurn);
    this.#texts[label] = texts ?? NO_TEXTS;
  }

  #readTexts(page: SeriesPage): void {
    const labels = this.#pairLabels;
    const ranks = this.#pairRanks;
    const count = this.#pairCount;
    const from = new Uint32Array(count);
    for (let pair = 0; pair < count; pair++)
      from[pair] = this.#texts[labels[pair]!]!.starts[ranks[pair]!]!;
    // The last read, so that nobody leaves the loop out.
    let last = 0;
    for (let pair = 0; pair < count; pair++)
      last = this.#texts[labels[pair]!]!.bytes[from[pair]!] ?? last;
    assert(last < 256, 'a byte');
    for (let pair = 0; pair < count; pair++) {
      const { bytes, starts } = this.#texts[labels[pair]!]!;
      const { name } = this.#matched.index.labels[labels[pair]!]!.info;
      page.number(name, bytes, from[pair]!, starts[ranks[pair]! + 1]!);
    }
  }

  /** As `#readTexts` where the texts of some labels come by groups. */
  async #readGroups(page: SeriesPage): Promise<void> {
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const label = this.#pairLabels[pair]!;
      const rank = this.#pairRanks[pair]!;
      const values = this.#matched.index.labels[label]!;
      let texts = this.#texts[label]!;
      let at = rank;
      if (texts === NO_TEXTS) {
        at = rank % VALUE_GROUP_COUNT;
        const number = (rank - at) / VALUE_GROUP_COUNT;
        texts = (values.inMemory(number) ?? (await values.group(number))).plain();
      }
      page.number(values.info.name, texts.bytes, texts.starts[at]!, texts.starts[at + 1]!);
    }
  }
}
