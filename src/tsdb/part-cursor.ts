// A part as a cursor of a scan: row group by row group over the series that match, their labels
// made when somebody asks, their blocks read in windows that serve the series to come.
import type { Kind } from '../model/columns.ts';
import { BLOCK_COUNT_MAX } from '../codec/limits.ts';
import type { Labels } from '../model/labels.ts';
import { deletesFrom, deletesOf } from './deletes.ts';
import type { Delete } from './deletes.ts';
import {
  CURSOR_TIMES_MAX,
  CURSOR_VALUE_GROUPS_MAX,
  READ_CHUNK_BYTES,
  READ_GAP_BYTES,
  VALUE_GROUP_COUNT,
} from './limits.ts';
import type { PartIndex } from './part-index.ts';
import type { Part } from './part-reader.ts';
import type { BlockPlace, RowGroup, RowTable } from './part-rows.ts';
import type { ValueGroup } from './part-values.ts';
import { clampSamples, sortedSource, subtractRanges } from './samples.ts';
import type { Source, TimeRange } from './samples.ts';
import type { Cursor, Piece, Row, Scan } from './scan.ts';
import { SiblingReader } from './sibling-reader.ts';
import { rememberBody } from './whole-bodies.ts';

/** undefined where no series of the part matches. */
export async function openPartCursor(
  part: Part,
  scan: Scan,
  priority: number,
): Promise<Cursor | undefined> {
  const index = await part.index(scan.tenant);
  if (index === undefined) return undefined;
  const ordinals = await index.match(scan.matchers);
  if (ordinals.length === 0) return undefined;
  return new PartCursor({ part, index, table: await index.rowTable(), ordinals }, scan, priority);
}

interface Opened {
  readonly part: Part;
  readonly index: PartIndex;
  readonly table: RowTable;
  readonly ordinals: Uint32Array;
}

class PartCursor implements Cursor {
  row: Row | undefined = undefined;
  needsLoad = true;
  readonly #part: Part;
  readonly #index: PartIndex;
  readonly #table: RowTable;
  readonly #ordinals: Uint32Array;
  readonly #scan: Scan;
  readonly #deletes: readonly Delete[];
  readonly #priority: number;
  /** Next ordinal to look at, and the end of those in the group at hand. */
  #next = 0;
  #groupEnd = 0;
  #group: RowGroup | undefined = undefined;
  #texts: GroupTexts | undefined = undefined;
  #window: Uint8Array = new Uint8Array(0);
  #windowOffset = 0;
  readonly #times = new Map<number, Float64Array>();
  readonly #values = new Map<number, ValueGroup>();
  readonly #siblings: SiblingReader;

  constructor({ part, index, table, ordinals }: Opened, scan: Scan, priority: number) {
    this.#part = part;
    this.#index = index;
    this.#siblings = new SiblingReader(part, scan.tenant, index);
    this.#table = table;
    this.#ordinals = ordinals;
    this.#scan = scan;
    this.#deletes = deletesFrom(scan.view.deletes, scan.tenant, part.row.deletesEnd, scan.range);
    this.#priority = priority;
  }

  /** Loads row groups until one has a series with blocks in the range. */
  async load(): Promise<void> {
    const { startUs, endUs } = this.#scan.range;
    while (this.needsLoad) {
      if (this.#next === this.#ordinals.length) {
        this.needsLoad = false;
        return;
      }
      this.#scan.check();
      const number = this.#table.groupOf(this.#ordinals[this.#next]!);
      const ordinalEnd = this.#table.starts[number + 1]!;
      let end = this.#next;
      while (end < this.#ordinals.length && this.#ordinals[end]! < ordinalEnd) end++;
      if (this.#table.minUs[number]! > endUs || this.#table.maxUs[number]! < startUs) {
        this.#next = end;
        continue;
      }
      this.#groupEnd = end;
      this.#group = await this.#index.rowGroup(number);
      const ordinals = this.#ordinals.subarray(this.#next, end);
      this.#texts = await readTexts(this.#index, this.#group, ordinals, this.#values);
      this.advance();
    }
  }

  advance(): void {
    this.row = undefined;
    const group = this.#group!;
    const { startUs, endUs } = this.#scan.range;
    while (this.#next < this.#groupEnd) {
      const position = this.#next++;
      const at = this.#ordinals[position]! - group.first;
      const blocks = group.blocks(at, startUs, endUs);
      if (blocks.length === 0) continue;
      this.row = new PartSeries(this, this.#texts!, at, position, blocks);
      this.needsLoad = false;
      return;
    }
    this.needsLoad = true;
  }

  get range(): TimeRange {
    return this.#scan.range;
  }

  deletesOf(labels: () => Labels): readonly Delete[] {
    return this.#deletes.length === 0 ? this.#deletes : deletesOf(this.#deletes, labels());
  }

  async timesOf(block: BlockPlace): Promise<Float64Array> {
    let times = this.#times.get(block.times);
    if (times === undefined) {
      times = await this.#part.times(this.#scan.tenant, this.#index, block.times);
      if (this.#times.size === CURSOR_TIMES_MAX) this.#times.clear();
      this.#times.set(block.times, times);
    }
    return times;
  }

  async sources(
    position: number,
    blocks: readonly BlockPlace[],
    deletes: readonly Delete[],
  ): Promise<Source[]> {
    const out: Source[] = [];
    const { startUs, endUs } = this.#scan.range;
    const group = this.#group!;
    for (const block of blocks) {
      this.#scan.check();
      // Most blocks wait for nothing: no promise for each of them.
      const tUs = this.#times.get(block.times) ?? (await this.timesOf(block));
      if (!this.#holds(block)) await this.#load(position, block);
      const sibling =
        block.sibling === 0
          ? undefined
          : await this.#siblings.valuesFor(this.#ordinals[position]!, block);
      const bytes = { window: this.#window, windowOffset: this.#windowOffset };
      const samples = this.#part.decode(block, tUs, bytes, sibling);
      this.#siblings.keep(group, block, samples);
      if (this.#scan.isOnce === true && block.count === BLOCK_COUNT_MAX && block.sibling === 0) {
        const start = block.offset - this.#windowOffset;
        rememberBody(samples, this.#window.subarray(start, start + block.sizeBytes));
      }
      const clamped = clampSamples(samples, startUs, endUs);
      if (clamped === undefined) continue;
      for (const piece of subtractRanges(clamped, deletes))
        out.push(sortedSource(piece, this.#priority));
    }
    return out;
  }

  /**
   * Bodies of blocks where they lie; those that need a sibling or reach beyond the bounds are
   * decoded.
   */
  async pieces(position: number, blocks: readonly BlockPlace[]): Promise<Piece[]> {
    const out: Piece[] = [];
    const { startUs, endUs } = this.#scan.bounds ?? this.#scan.range;
    for (const block of blocks) {
      if (block.sibling > 0 || block.firstUs < startUs || block.lastUs > endUs) {
        for (const { samples, minUs, maxUs } of await this.sources(position, [block], []))
          out.push({ minUs, maxUs, chunk: samples });
        continue;
      }
      this.#scan.check();
      const tUs = this.#times.get(block.times) ?? (await this.timesOf(block));
      if (!this.#holds(block)) await this.#load(position, block);
      const start = block.offset - this.#windowOffset;
      const bytes = this.#window.subarray(start, start + block.sizeBytes);
      const chunk = { kind: block.kind as Kind, tUs, block: bytes };
      out.push({ minUs: block.firstUs, maxUs: block.lastUs, chunk });
    }
    return out;
  }

  #holds({ offset, sizeBytes }: BlockPlace): boolean {
    const end = this.#windowOffset + this.#window.length;
    return offset >= this.#windowOffset && offset + sizeBytes <= end;
  }

  /** Makes the window hold `block`; reads on over the series that will be asked for next. */
  async #load(position: number, block: BlockPlace): Promise<void> {
    const start = block.offset;
    let end = start + block.sizeBytes;
    const { startUs, endUs } = this.#scan.range;
    const group = this.#group!;
    for (let next = position; next < this.#groupEnd; next++) {
      const blocks = group.blocks(this.#ordinals[next]! - group.first, startUs, endUs);
      let isFull = false;
      for (const one of blocks) {
        if (one.offset < end) continue;
        const wanted = one.offset + one.sizeBytes;
        isFull = one.offset - end > READ_GAP_BYTES || wanted - start > READ_CHUNK_BYTES;
        if (isFull) break;
        end = wanted;
      }
      if (isFull) break;
    }
    this.#window = await this.#part.read(start, end - start, this.#scan.isOnce);
    this.#windowOffset = start;
  }
}

/** One series of the group at hand. */
class PartSeries implements Row {
  readonly #cursor: PartCursor;
  readonly #texts: GroupTexts;
  readonly #at: number;
  readonly #position: number;
  readonly #blocks: readonly BlockPlace[];
  #labels: Labels | undefined = undefined;

  constructor(
    cursor: PartCursor,
    texts: GroupTexts,
    at: number,
    position: number,
    blocks: readonly BlockPlace[],
  ) {
    this.#cursor = cursor;
    this.#texts = texts;
    this.#at = at;
    this.#position = position;
    this.#blocks = blocks;
  }

  get labels(): Labels {
    this.#labels ??= this.#texts.labels(this.#at);
    return this.#labels;
  }

  #deletes(): readonly Delete[] {
    return this.#cursor.deletesOf(() => this.labels);
  }

  sources(): Promise<Source[]> {
    return this.#cursor.sources(this.#position, this.#blocks, this.#deletes());
  }

  async pieces(): Promise<readonly Piece[] | undefined> {
    if (this.#deletes().length > 0) return undefined;
    return this.#cursor.pieces(this.#position, this.#blocks);
  }

  surely(): boolean | undefined {
    if (this.#deletes().length > 0) return undefined;
    const { startUs, endUs } = this.#cursor.range;
    const isIn = (tUs: number): boolean => tUs >= startUs && tUs <= endUs;
    return this.#blocks.some((block) => isIn(block.firstUs) || isIn(block.lastUs))
      ? true
      : undefined;
  }

  /** By times alone: values are not decoded. */
  async exists(): Promise<boolean> {
    const { startUs, endUs } = this.#cursor.range;
    const deletes = this.#deletes();
    for (const block of this.#blocks)
      for (const tUs of await this.#cursor.timesOf(block)) {
        if (tUs < startUs || tUs > endUs) continue;
        if (!deletes.some((one) => tUs >= one.startUs && tUs <= one.endUs)) return true;
      }
    return false;
  }
}

/** The values of the series of one row group that a scan will look at. */
export class GroupTexts {
  readonly #group: RowGroup;
  readonly #index: PartIndex;
  readonly #values: ReadonlyMap<number, ValueGroup>;
  /** Of each label of the group: the value asked for last. */
  readonly #lastRanks: Uint32Array;
  readonly #lastTexts: string[];

  constructor(index: PartIndex, group: RowGroup, values: ReadonlyMap<number, ValueGroup>) {
    this.#index = index;
    this.#group = group;
    this.#values = values;
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
    const group = this.#values.get(groupKey(label, rank))!;
    return group.text(rank % VALUE_GROUP_COUNT);
  }
}

function groupKey(label: number, rank: number): number {
  return label * 2 ** 32 + Math.floor(rank / VALUE_GROUP_COUNT);
}

/** Loads the groups of values that the series have; `values` are those loaded before. */
export async function readTexts(
  index: PartIndex,
  group: RowGroup,
  ordinals: Uint32Array,
  values: Map<number, ValueGroup>,
): Promise<GroupTexts> {
  // Those that the group needs stay until it is done with: the map is emptied between groups.
  if (values.size > CURSOR_VALUE_GROUPS_MAX) values.clear();
  for (let place = 0; place < group.labels.length; place++) {
    const label = group.labels[place]!;
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
  return new GroupTexts(index, group, values);
}
