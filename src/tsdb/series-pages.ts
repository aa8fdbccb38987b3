// Label sets of all series with a sample in a range, in label order, page by page. Where one part
// holds them all, its row groups are walked without a promise as long as they are in memory, and
// only those that the range, or a delete, cuts through are looked into; elsewhere lanes are merged.
import { SeriesPage } from '../model/series-page.ts';
import { must } from '../stdx/assert.ts';
import { deletesFrom } from './deletes.ts';
import { SEEN } from './instant-lane.ts';
import type { InstantLane } from './instant-lane.ts';
import { LaneMerge } from './lane-merge.ts';
import { INSTANT_BATCH_SERIES, VALUE_GROUP_COUNT } from './limits.ts';
import type { PartIndex } from './part-index.ts';
import type { PartLane } from './part-lane.ts';
import type { Part } from './part-reader.ts';
import type { RowGroup, RowTable } from './part-rows.ts';
import type { PlainTexts, ValueGroup } from './part-values.ts';
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
/** Nothing is missing. */
const COMPLETE = -1;

/** Series of one part. */
class PartPages {
  readonly #scan: Scan;
  readonly #matched: Matched;
  readonly #table: RowTable;
  /** No delete can touch what is asked for. */
  readonly #isClear: boolean;
  /** By label all its texts; undefined: nobody asked yet, NO_TEXTS: they come by groups. */
  readonly #texts: (PlainTexts | undefined)[] = [];
  /** By label the group of values used last. */
  readonly #groups: (ValueGroup | undefined)[] = [];
  readonly #groupNumbers: number[];
  #page = new SeriesPage();
  /** By place in a series: label, rank and number of the pair that the page has there. */
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
    this.#groupNumbers = matched.index.labels.map(() => -1);
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
      for (const ordinal of isWhole ? some : await this.#seen()) {
        const row = ordinal - group.first;
        if (group.hasEmptyRows && group.isEmptyRow(row)) continue;
        let missing = this.#add(group, row);
        while (missing !== COMPLETE) {
          await this.#load(missing, group, row);
          missing = this.#add(group, row);
        }
        left--;
        if (this.#page.isFull) yield this.#turnPage();
        if (left === 0) break;
      }
    }
    if (this.#page.count > 0) yield this.#turnPage();
  }

  #turnPage(): SeriesPage {
    this.#scan.check();
    const page = this.#page;
    this.#page = new SeriesPage();
    this.#labels.length = 0;
    return page;
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

  /** Adds a row to the page; answers the place of a label whose values must be loaded first. */
  #add(group: RowGroup, row: number): number {
    const page = this.#page;
    const start = page.pairCount;
    const { labels } = group;
    let at = 0;
    for (let place = 0; place < labels.length; place++) {
      const rank = group.ranks(place)[row]!;
      if (rank === 0) continue;
      const label = labels[place]!;
      if (this.#labels[at] !== label || this.#ranks[at] !== rank) {
        const pair = this.#number(label, rank - 1);
        if (pair < 0) {
          page.pairCount = start;
          return place;
        }
        this.#labels[at] = label;
        this.#ranks[at] = rank;
        this.#pairs[at] = pair;
      }
      page.push(this.#pairs[at++]!);
    }
    // What is behind the end is that of an earlier series, which is not the one before.
    this.#labels.length = at;
    page.endSeries();
    return COMPLETE;
  }

  /** A number for a label's value; -1 where its text is not at hand. */
  #number(label: number, rank: number): number {
    const values = this.#matched.index.labels[label]!;
    const all = this.#texts[label];
    if (all === undefined) return -1;
    if (all !== NO_TEXTS) {
      const { bytes, starts } = all;
      return this.#page.number(values.info.name, bytes, starts[rank]!, starts[rank + 1]!);
    }
    const at = rank % VALUE_GROUP_COUNT;
    const number = (rank - at) / VALUE_GROUP_COUNT;
    if (this.#groupNumbers[label] !== number) {
      const known = values.inMemory(number);
      if (known === undefined) return -1;
      this.#groups[label] = known;
      this.#groupNumbers[label] = number;
    }
    const { bytes, starts } = this.#groups[label]!.plain();
    return this.#page.number(values.info.name, bytes, starts[at]!, starts[at + 1]!);
  }

  async #load(place: number, group: RowGroup, row: number): Promise<void> {
    const label = group.labels[place]!;
    const { index, ordinals } = this.#matched;
    const values = index.labels[label]!;
    if (this.#texts[label] === undefined) {
      const { yieldTurn } = this.#scan;
      this.#texts[label] = (await values.allPlain(ordinals.length, yieldTurn)) ?? NO_TEXTS;
      return;
    }
    const number = Math.floor((group.ranks(place)[row]! - 1) / VALUE_GROUP_COUNT);
    this.#groups[label] = await values.group(number);
    this.#groupNumbers[label] = number;
  }
}
