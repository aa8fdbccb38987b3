// A part as a cursor of a scan: row group by row group over the series that match, their labels
// made when somebody asks, their blocks read in windows that serve the series to come.
import type { Kind } from '../model/columns.ts';
import { BLOCK_COUNT_MAX } from '../codec/limits.ts';
import type { Labels } from '../model/labels.ts';
import { deletesFrom, deletesOf } from './deletes.ts';
import type { Delete } from './deletes.ts';
import { readTexts, TextBatches } from './group-texts.ts';
import type { GroupTexts } from './group-texts.ts';
import { CURSOR_TIMES_MAX, READ_CHUNK_BYTES, READ_GAP_BYTES } from './limits.ts';
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
  readonly #batches: TextBatches | undefined;
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
    if (scan.isOnce === true)
      this.#batches = new TextBatches(index, (group) => this.#isInRange(group), scan.yieldTurn);
  }

  /** Loads row groups until one has a series with blocks in the range. */
  async load(): Promise<void> {
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
      if (!this.#isInRange(number)) {
        this.#next = end;
        continue;
      }
      this.#groupEnd = end;
      this.#group = await this.#index.rowGroup(number);
      const ordinals = this.#ordinals.subarray(this.#next, end);
      if (this.#batches?.needs(number) === true) await this.#batches.load(number);
      this.#texts = await this.#readTexts(this.#group, ordinals);
      this.advance();
    }
  }

  #readTexts(group: RowGroup, ordinals: Uint32Array): Promise<GroupTexts> {
    return readTexts(this.#index, group, ordinals, this.#values, this.#batches);
  }

  #isInRange(group: number): boolean {
    const { startUs, endUs } = this.#scan.range;
    return this.#table.minUs[group]! <= endUs && this.#table.maxUs[group]! >= startUs;
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
