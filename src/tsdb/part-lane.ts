// A part as a lane of instants: a row group is a batch. What a block says of its newest sample is
// found out once and kept with the row group, so that a question asked again reads no block.
import { BLOCK_FLAG } from '../codec/block.ts';
import { KIND } from '../model/columns.ts';
import type { KindMask, Samples } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import { METRIC_NAME } from '../model/labels.ts';
import { matcher } from '../model/matcher.ts';
import type { Matcher } from '../model/matcher.ts';
import type { LeafGrouping } from '../model/storage.ts';
import { groupingLabels } from '../windows/leaf-sink.ts';
import { isStaleAt } from '../windows/samples.ts';
import { deletesFrom, deletesOf } from './deletes.ts';
import type { Delete } from './deletes.ts';
import { readTexts } from './group-texts.ts';
import type { GroupTexts } from './group-texts.ts';
import { InstantBatch, PathTree, SEEN } from './instant-lane.ts';
import type { GroupNumbers, InstantLane } from './instant-lane.ts';
import {
  CURSOR_TIMES_MAX,
  INSTANT_BATCH_SERIES,
  READ_CHUNK_BYTES,
  READ_GAP_BYTES,
} from './limits.ts';
import type { PartIndex } from './part-index.ts';
import type { Part } from './part-reader.ts';
import { findPartRefs } from './part-refs.ts';
import type { PartRefs } from './part-refs.ts';
import { BLOCK_FACT } from './part-rows.ts';
import type { BlockPlace, RowGroup, RowTable } from './part-rows.ts';
import type { ValueGroup } from './part-values.ts';
import { clampSamples, sortedSource, subtractRanges } from './samples.ts';
import type { Source } from './samples.ts';
import type { Scan } from './scan.ts';
import { SiblingReader } from './sibling-reader.ts';

export interface PartLaneOptions {
  readonly scan: Scan;
  readonly part: Part;
  readonly priority: number;
  readonly kinds: KindMask;
  /** Of the newest samples: whether there are any, marked stale or not; when they are; values. */
  readonly wants: 'existence' | 'times' | 'values';
  /** Texts are read with each batch. */
  readonly wantsLabels: boolean;
  /** No other part is a lane of the merge. */
  readonly isOnlyPart: boolean;
  readonly grouping: LeafGrouping | undefined;
  readonly numbers: GroupNumbers;
  /** Of what matches; all of it unless given. */
  readonly ordinals?: Uint32Array;
}

/** undefined where no series of the part matches. */
export async function openPartLane(options: PartLaneOptions): Promise<PartLane | undefined> {
  const { scan, part } = options;
  const index = await part.index(scan.tenant);
  if (index === undefined) return undefined;
  const ordinals = options.ordinals ?? (await index.match(scan.matchers));
  if (ordinals.length === 0) return undefined;
  const near = deletesFrom(scan.view.deletes, scan.tenant, part.row.deletesEnd, scan.range);
  const hidden = near.length === 0 ? undefined : new Uint8Array(index.seriesCount);
  for (const { matchers } of near)
    for (const ordinal of await index.match(matchers)) hidden![ordinal] = 1;
  return new PartLane(options, { index, table: await index.rowTable(), ordinals, near, hidden });
}

interface Opened {
  readonly index: PartIndex;
  readonly table: RowTable;
  readonly ordinals: Uint32Array;
  readonly near: readonly Delete[];
  /** By ordinal: a delete may hide samples of it. */
  readonly hidden: Uint8Array | undefined;
}

export class PartLane implements InstantLane {
  readonly batch: InstantBatch;
  readonly #options: PartLaneOptions;
  readonly #opened: Opened;
  readonly #groups: PartGroups | undefined;
  readonly #siblings: SiblingReader;
  readonly #times = new Map<number, Float64Array>();
  readonly #values = new Map<number, ValueGroup>();
  #next = 0;
  #group!: RowGroup;
  /** Those of the batch. */
  #ordinals: Uint32Array = new Uint32Array(0);
  #texts: GroupTexts | undefined = undefined;
  #window: Uint8Array = new Uint8Array(0);
  #windowOffset = 0;

  constructor(options: PartLaneOptions, opened: Opened) {
    const { part, scan, grouping, numbers } = options;
    this.#options = options;
    this.#opened = opened;
    this.batch = new InstantBatch(Math.min(opened.ordinals.length, INSTANT_BATCH_SERIES));
    this.#siblings = new SiblingReader(part, scan.tenant, opened.index);
    this.#groups = grouping && new PartGroups(opened.index, grouping, numbers);
  }

  async next(): Promise<boolean> {
    const { table, ordinals, index } = this.#opened;
    const { startUs, endUs } = this.#options.scan.range;
    while (this.#next < ordinals.length) {
      const number = table.groupOf(ordinals[this.#next]!);
      const ordinalEnd = table.starts[number + 1]!;
      let end = this.#next;
      while (end < ordinals.length && ordinals[end]! < ordinalEnd) end++;
      const some = ordinals.subarray(this.#next, end);
      this.#next = end;
      if (table.minUs[number]! > endUs || table.maxUs[number]! < startUs) continue;
      this.#group = await index.rowGroup(number);
      this.#ordinals = some;
      this.#texts = undefined;
      const isInside = table.minUs[number]! >= startUs && table.maxUs[number]! <= endUs;
      await this.#fill(isInside);
      return true;
    }
    return false;
  }

  /** `isInside`: no sample of the row group is outside of the range. */
  async #fill(isInside: boolean): Promise<void> {
    const { batch } = this;
    const group = this.#group;
    const ordinals = this.#ordinals;
    batch.count = ordinals.length;
    const isAllThere = isInside && !group.hasEmptyRows && this.#opened.hidden === undefined;
    const isKnown = isAllThere && this.#options.wants === 'existence';
    if (isKnown) batch.states.fill(SEEN.value, 0, ordinals.length);
    let found = isKnown ? ordinals.length : 0;
    for (let i = found; i < ordinals.length; i++) {
      let state = this.#glance(i, ordinals[i]! - group.first);
      if (state < 0) state = await this.#lookInto(i, -1 - state);
      batch.states[i] = state;
      if (state !== SEEN.nothing) found++;
    }
    if (found === 0) {
      batch.count = 0;
      return;
    }
    if (this.#options.wantsLabels) await this.loadTexts();
    await this.#groups?.fill(batch, group, ordinals);
  }

  /** What a row's state is; -1 - block where the block must be read. */
  #glance(i: number, row: number): number {
    const group = this.#group;
    const { kinds, scan } = this.#options;
    const { startUs, endUs } = scan.range;
    const at = group.newestBlock(row, endUs);
    if (at < 0 || group.lastUs[at]! < startUs) return SEEN.nothing;
    const isHidden = this.#opened.hidden?.[group.first + row] === 1;
    if (this.#options.wants === 'existence') {
      const isSure = group.firstUs[at]! >= startUs || group.lastUs[at]! <= endUs;
      return isSure && !isHidden ? SEEN.value : -1 - at;
    }
    if (isHidden) return SEEN.unclear;
    const kind = group.kinds[at]!;
    if (kind > KIND.boolean || (kinds & (1 << kind)) === 0) return SEEN.unclear;
    const facts = group.facts[at]!;
    if (!this.#isEnough(facts) || group.lastUs[at]! > endUs) return -1 - at;
    if ((facts & BLOCK_FACT.isOdd) !== 0) return SEEN.unclear;
    this.batch.tUs[i] = group.lastUs[at]!;
    this.batch.values[i] = group.lastValues[at]!;
    return (facts & BLOCK_FACT.endsStale) === 0 ? SEEN.value : SEEN.stale;
  }

  /** Do these facts tell all that is wanted of the last sample? */
  #isEnough(facts: number): boolean {
    const wanted = BLOCK_FACT.hasLast | BLOCK_FACT.isOdd;
    return this.#options.wants === 'values' ? (facts & wanted) !== 0 : facts !== 0;
  }

  /** A row whose block `at` is not known yet, or reaches beyond the range. */
  async #lookInto(i: number, at: number): Promise<number> {
    const { batch } = this;
    const group = this.#group;
    const { startUs, endUs } = this.#options.scan.range;
    if (this.#options.wants === 'existence') return this.#exists(this.#ordinals[i]!);
    if (!this.#isEnough(group.facts[at]!)) {
      this.#options.scan.check();
      await this.#learn(i, at);
    }
    if ((group.facts[at]! & BLOCK_FACT.isOdd) !== 0) return SEEN.unclear;
    if (group.lastUs[at]! <= endUs) {
      batch.tUs[i] = group.lastUs[at]!;
      batch.values[i] = group.lastValues[at]!;
      return (group.facts[at]! & BLOCK_FACT.endsStale) === 0 ? SEEN.value : SEEN.stale;
    }
    const place = group.place(at);
    const tUs = await this.#timesOf(place);
    let last = tUs.length - 1;
    while (tUs[last]! > endUs) last--;
    if (tUs[last]! < startUs) return SEEN.nothing;
    batch.tUs[i] = tUs[last]!;
    const isPlain = (group.facts[at]! & BLOCK_FACT.hasStale) === 0;
    if (isPlain && this.#options.wants === 'times') return SEEN.value;
    const samples = await this.#decode(this.#ordinals[i]!, place);
    batch.values[i] = Number(samples.values[last]);
    return isStale(samples, last) ? SEEN.stale : SEEN.value;
  }

  /** By times alone: values are not decoded. */
  async #exists(ordinal: number): Promise<number> {
    const { startUs, endUs } = this.#options.scan.range;
    const group = this.#group;
    const deletes = await this.#deletesOf(ordinal);
    for (const place of group.blocks(ordinal - group.first, startUs, endUs))
      for (const tUs of await this.#timesOf(place)) {
        if (tUs < startUs || tUs > endUs) continue;
        if (!deletes.some((one) => tUs >= one.startUs && tUs <= one.endUs)) return SEEN.value;
      }
    return SEEN.nothing;
  }

  // -------------------------------------------------------------- blocks

  /** Finds out what the block says of its newest sample. */
  async #learn(i: number, at: number): Promise<void> {
    const group = this.#group;
    const place = group.place(at);
    await this.#load(i, place);
    const bytes = { window: this.#window, windowOffset: this.#windowOffset };
    const { flags, aggregates } = this.#options.part.header(place, bytes);
    let facts: number = BLOCK_FACT.known;
    const hasStale = (flags & BLOCK_FLAG.hasStale) !== 0;
    if (hasStale) facts |= BLOCK_FACT.hasStale;
    if ((flags & BLOCK_FLAG.hasCompanions) !== 0) facts |= BLOCK_FACT.isOdd;
    else if (aggregates !== undefined && !hasStale) {
      group.lastValues[at] = aggregates.last;
      facts |= BLOCK_FACT.hasLast;
    } else if (hasStale || this.#options.wants === 'values') {
      const samples = await this.#decode(this.#ordinals[i]!, place);
      const last = samples.count - 1;
      group.lastValues[at] = Number(samples.values[last]);
      facts |= BLOCK_FACT.hasLast;
      if (isStale(samples, last)) facts |= BLOCK_FACT.endsStale;
    }
    group.facts[at] = facts;
  }

  async #timesOf({ times }: BlockPlace): Promise<Float64Array> {
    let tUs = this.#times.get(times);
    if (tUs === undefined) {
      const { part, scan } = this.#options;
      tUs = await part.times(scan.tenant, this.#opened.index, times);
      if (this.#times.size === CURSOR_TIMES_MAX) this.#times.clear();
      this.#times.set(times, tUs);
    }
    return tUs;
  }

  async #decode(ordinal: number, place: BlockPlace): Promise<Samples> {
    const tUs = await this.#timesOf(place);
    const sibling = await this.#siblings.valuesFor(ordinal, place);
    if (!this.#holds(place)) await this.#read(place.offset, place.sizeBytes);
    const bytes = { window: this.#window, windowOffset: this.#windowOffset };
    const samples = this.#options.part.decode(place, tUs, bytes, sibling);
    this.#siblings.keep(this.#group, place, samples);
    return samples;
  }

  #holds({ offset, sizeBytes }: BlockPlace): boolean {
    const end = this.#windowOffset + this.#window.length;
    return offset >= this.#windowOffset && offset + sizeBytes <= end;
  }

  /** Makes the window hold a block; reads on over the rows that will be asked for next. */
  async #load(i: number, place: BlockPlace): Promise<void> {
    if (this.#holds(place)) return;
    const group = this.#group;
    const { endUs } = this.#options.scan.range;
    let end = place.offset + place.sizeBytes;
    for (let next = i + 1; next < this.#ordinals.length; next++) {
      const at = group.newestBlock(this.#ordinals[next]! - group.first, endUs);
      if (at < 0 || this.#isEnough(group.facts[at]!)) continue;
      const one = group.place(at);
      const wanted = one.offset + one.sizeBytes;
      if (one.offset - end > READ_GAP_BYTES || wanted - place.offset > READ_CHUNK_BYTES) break;
      end = wanted;
    }
    await this.#read(place.offset, end - place.offset);
  }

  async #read(offset: number, sizeBytes: number): Promise<void> {
    this.#window = await this.#options.part.read(offset, sizeBytes);
    this.#windowOffset = offset;
  }

  /** Series of the part. */
  get seriesCount(): number {
    return this.#opened.index.seriesCount;
  }

  /** Which series of the part are which of the head's index. */
  refs(turn: () => Promise<void>, isAnew: boolean): Promise<PartRefs> {
    const { part, scan } = this.#options;
    const { index } = this.#opened;
    const find = (): Promise<PartRefs> =>
      findPartRefs({ tenant: scan.tenant, index, series: scan.index, turn });
    return part.refs(scan.tenant, find, isAnew);
  }

  /** Looks a series up; -1: the part does not have it. */
  async ordinalOf(labels: Labels): Promise<number> {
    const { index, table } = this.#opened;
    const matchers: Matcher[] = [];
    for (let i = 0; i < labels.length; i += 2)
      matchers.push(matcher(labels[i]!, '=', labels[i + 1]!));
    for (const ordinal of await index.match(matchers)) {
      const group = await index.rowGroup(table.groupOf(ordinal));
      if (group.labelCount(ordinal - group.first) * 2 === labels.length) return ordinal;
    }
    return -1;
  }

  /** Rank + 1 of each row's value of a label; 0: it has none. */
  ranks(label: number, out: Uint32Array): void {
    const group = this.#group;
    const place = group.labels.indexOf(label);
    const ranks = place < 0 ? undefined : group.ranks(place);
    for (let i = 0; i < this.#ordinals.length; i++)
      out[i] = ranks === undefined ? 0 : ranks[this.#ordinals[i]! - group.first]!;
  }

  // -------------------------------------------------------------- one row

  get hasTexts(): boolean {
    return this.#texts !== undefined;
  }

  async loadTexts(): Promise<void> {
    const { index } = this.#opened;
    this.#texts ??= await readTexts(index, this.#group, this.#ordinals, this.#values);
  }

  ordinal(row: number): number {
    return this.#options.isOnlyPart ? this.#ordinals[row]! : -1;
  }

  labels(row: number): Labels {
    return this.#texts!.labels(this.#ordinals[row]! - this.#group.first);
  }

  loadLabels(row: number): Promise<Labels> {
    return this.#labelsOf(this.#ordinals[row]!);
  }

  async #labelsOf(ordinal: number): Promise<Labels> {
    const { index } = this.#opened;
    const texts = await readTexts(index, this.#group, Uint32Array.of(ordinal), this.#values);
    return texts.labels(ordinal - this.#group.first);
  }

  async sources(row: number): Promise<Source[]> {
    const { scan, priority } = this.#options;
    const { startUs, endUs } = scan.range;
    const group = this.#group;
    const ordinal = this.#ordinals[row]!;
    const deletes = await this.#deletesOf(ordinal);
    const out: Source[] = [];
    for (const place of group.blocks(ordinal - group.first, startUs, endUs)) {
      scan.check();
      const samples = await this.#decode(ordinal, place);
      const clamped = clampSamples(samples, startUs, endUs);
      if (clamped === undefined) continue;
      for (const piece of subtractRanges(clamped, deletes)) out.push(sortedSource(piece, priority));
    }
    return out;
  }

  async #deletesOf(ordinal: number): Promise<readonly Delete[]> {
    const { near, hidden } = this.#opened;
    return hidden?.[ordinal] === 1 ? deletesOf(near, await this.#labelsOf(ordinal)) : [];
  }
}

function isStale(samples: Samples, at: number): boolean {
  return samples.kind === KIND.f64 && isStaleAt(samples.values, at);
}

/** Groups of the series of a part, told apart by the ranks of their values. */
export class PartGroups {
  readonly #index: PartIndex;
  readonly #grouping: LeafGrouping;
  readonly #numbers: GroupNumbers;
  readonly #tree = new PathTree();
  /** By label: 0 where it does not count, else what its ranks are added to. */
  readonly #codes: Float64Array;
  readonly #values = new Map<number, ValueGroup>();

  constructor(index: PartIndex, grouping: LeafGrouping, numbers: GroupNumbers) {
    this.#index = index;
    this.#grouping = grouping;
    this.#numbers = numbers;
    let code = 1;
    this.#codes = Float64Array.from(index.labels, ({ info }) => {
      const isListed = grouping.labels.includes(info.name);
      const counts = grouping.mode === 'by' ? isListed : !isListed && info.name !== METRIC_NAME;
      if (!counts) return 0;
      code += info.valueCount + 1;
      return code - info.valueCount - 1;
    });
  }

  /** Fills in the groups of all rows that were seen. */
  async fill(batch: InstantBatch, group: RowGroup, ordinals: Uint32Array): Promise<void> {
    const tree = this.#tree;
    const nodes = new Uint32Array(ordinals.length);
    for (const [place, label] of group.labels.entries()) {
      const code = this.#codes[label]!;
      if (code === 0) continue;
      const ranks = group.ranks(place);
      for (let i = 0; i < ordinals.length; i++) {
        const rank = ranks[ordinals[i]! - group.first]!;
        if (rank !== 0 && batch.states[i] !== SEEN.nothing)
          nodes[i] = tree.child(nodes[i]!, code + rank);
      }
    }
    for (let i = 0; i < ordinals.length; i++) {
      if (batch.states[i] === SEEN.nothing) continue;
      const node = nodes[i]!;
      batch.groups[i] = tree.values[node] ??= await this.#numberOf(group, ordinals[i]!);
    }
  }

  async #numberOf(group: RowGroup, ordinal: number): Promise<number> {
    const texts = await readTexts(this.#index, group, Uint32Array.of(ordinal), this.#values);
    const labels = texts.labels(ordinal - group.first);
    return this.#numbers.numberOf(groupingLabels(labels, this.#grouping));
  }
}
