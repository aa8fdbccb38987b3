// Series by series, sorted by labels, out of the parts and generations of one view: cursors over
// each part and over the head, merged; per series the sources with deletes applied. The only way
// points leave the shard: queries, names, deletes' counts and merges all walk here.
import { assert } from '../stdx/assert.ts';
import type { SeriesRef } from '../model/columns.ts';
import { compareLabels } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { TenantId } from '../model/tenant.ts';
import { deletesFrom, deletesOf } from './deletes.ts';
import type { Delete } from './deletes.ts';
import { READ_CHUNK_BYTES, READ_GAP_BYTES, SCAN_TURN_SERIES } from './limits.ts';
import type { BlockPlace, PartIndex } from './part-index.ts';
import type { Part } from './part-reader.ts';
import { clampSamples, sortedSource, subtractRanges } from './samples.ts';
import type { Source, TimeRange } from './samples.ts';
import type { SeriesIndex } from './series-index.ts';
import type { View } from './view.ts';

export interface Scan {
  readonly tenant: TenantId;
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  readonly view: View;
  /** Of the head what was applied up to this moment. */
  readonly moment: number;
  readonly index: SeriesIndex;
  /** Throws the reason where the caller does not want to go on. */
  readonly check: () => void;
  /** A later turn of the event loop, so that a long scan lets other work proceed. */
  readonly yieldTurn: () => Promise<void>;
}

const NO_DELETES: readonly Delete[] = [];

/** One series of one cursor. */
interface Row {
  readonly labels: Labels;
  /** Sources with deletes applied, oldest first. */
  sources(): Promise<Source[]>;
  /** True where a sample in the range certainly exists; undefined: look at the sources. */
  surely(): boolean | undefined;
}

interface Cursor {
  /** The series at hand; undefined at the end. */
  row: Row | undefined;
  advance(): void;
}

/** One series with at least one matching source; `exists` and `sources` are computed on demand. */
export interface ScannedSeries {
  readonly labels: Labels;
  sources(): Promise<Source[]>;
  /** Is there a visible sample in the range? */
  exists(): Promise<boolean>;
}

class PartCursor implements Cursor {
  row: Row | undefined = undefined;
  readonly #part: Part;
  readonly #index: PartIndex;
  readonly #ordinals: Uint32Array;
  readonly #range: TimeRange;
  readonly #deletes: readonly Delete[];
  readonly #priority: number;
  #next = 0;
  #window: Uint8Array = new Uint8Array(0);
  #windowOffset = 0;

  constructor(part: Part, index: PartIndex, scan: Scan, priority: number) {
    this.#part = part;
    this.#index = index;
    this.#ordinals = index.match(scan.matchers);
    this.#range = scan.range;
    this.#deletes = deletesFrom(scan.view.deletes, scan.tenant, part.row.seqMax, scan.range);
    this.#priority = priority;
    this.advance();
  }

  advance(): void {
    this.row = undefined;
    const { startUs, endUs } = this.#range;
    while (this.#next < this.#ordinals.length) {
      const position = this.#next++;
      const ordinal = this.#ordinals[position]!;
      const blocks = this.#index.blocks(ordinal, startUs, endUs);
      if (blocks.length === 0) continue;
      const labels = this.#index.labels(ordinal);
      const deletes = deletesOf(this.#deletes, labels);
      this.row = {
        labels,
        sources: () => this.#sources(position, blocks, deletes),
        surely: () => this.#surely(blocks, deletes),
      };
      return;
    }
  }

  #surely(blocks: readonly BlockPlace[], deletes: readonly Delete[]): boolean | undefined {
    if (deletes.length > 0) return undefined;
    const { startUs, endUs } = this.#range;
    const isIn = (tUs: number): boolean => tUs >= startUs && tUs <= endUs;
    return blocks.some((block) => isIn(block.firstUs) || isIn(block.lastUs)) ? true : undefined;
  }

  async #sources(
    position: number,
    blocks: readonly BlockPlace[],
    deletes: readonly Delete[],
  ): Promise<Source[]> {
    const out: Source[] = [];
    for (const block of blocks) {
      await this.#load(position, block);
      const samples = this.#part.decode(block, this.#window, this.#windowOffset);
      const clamped = clampSamples(samples, this.#range.startUs, this.#range.endUs);
      if (clamped === undefined) continue;
      for (const piece of subtractRanges(clamped, deletes))
        out.push(sortedSource(piece, this.#priority));
    }
    return out;
  }

  /** Makes the window hold `block`; reads on over the series that will be asked for next. */
  async #load(position: number, block: BlockPlace): Promise<void> {
    const start = block.offset;
    const held = this.#windowOffset + this.#window.length;
    if (start >= this.#windowOffset && start + block.sizeBytes <= held) return;
    let end = start + block.sizeBytes;
    const { startUs, endUs } = this.#range;
    for (let next = position; next < this.#ordinals.length; next++) {
      const blocks = this.#index.blocks(this.#ordinals[next]!, startUs, endUs);
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
    this.#window = await this.#part.read(start, end - start);
    this.#windowOffset = start;
  }
}

class HeadCursor implements Cursor {
  row: Row | undefined = undefined;
  readonly #scan: Scan;
  readonly #refs: Uint32Array;
  readonly #near: readonly Delete[][];
  #next = 0;

  constructor(scan: Scan) {
    this.#scan = scan;
    this.#refs = scan.index.select(scan.tenant, scan.matchers);
    this.#near = nearDeletes(scan);
    this.advance();
  }

  advance(): void {
    this.row = undefined;
    const { view } = this.#scan;
    while (this.#next < this.#refs.length) {
      const ref = this.#refs[this.#next++]!;
      if (!view.generations.some((generation) => generation.has(ref))) continue;
      this.row = new HeadRow(this.#scan, ref, this.#near);
      return;
    }
  }
}

/** Labels are made when somebody asks. */
class HeadRow implements Row {
  readonly #scan: Scan;
  readonly #near: readonly Delete[][];
  readonly #ref: SeriesRef;
  #labels: Labels | undefined = undefined;

  constructor(scan: Scan, ref: SeriesRef, near: readonly Delete[][]) {
    this.#scan = scan;
    this.#near = near;
    this.#ref = ref;
  }

  get labels(): Labels {
    this.#labels ??= this.#scan.index.labelsOf(this.#ref);
    return this.#labels;
  }

  async sources(): Promise<Source[]> {
    return headSources(this.#scan, this.#ref, this.#near);
  }

  surely(): boolean | undefined {
    if (this.#near.some((deletes) => deletes.length > 0)) return undefined;
    const { view, moment, range } = this.#scan;
    const isIn = view.generations.some((one) => one.lastIsIn(this.#ref, moment, range));
    return isIn ? true : undefined;
  }
}

/** Series of the head alone, in label order. */
export function* scanHead(
  scan: Scan,
): Generator<{ readonly ref: SeriesRef; readonly sources: Source[] }, void, void> {
  const near = nearDeletes(scan);
  for (const ref of scan.index.select(scan.tenant, scan.matchers)) {
    const sources = headSources(scan, ref, near);
    if (sources.length > 0) yield { ref, sources };
  }
}

/** Per generation the deletes that could touch it. */
function nearDeletes({ view, tenant, range }: Scan): Delete[][] {
  return view.generations.map(({ seqMin }) => deletesFrom(view.deletes, tenant, seqMin, range));
}

function headSources(scan: Scan, ref: SeriesRef, near: readonly Delete[][]): Source[] {
  const { view, range, index, moment } = scan;
  const out: Source[] = [];
  for (let i = 0; i < view.generations.length; i++) {
    const generation = view.generations[i]!;
    if (!generation.has(ref)) continue;
    const hits = near[i]!.length === 0 ? NO_DELETES : deletesOf(near[i]!, index.labelsOf(ref));
    const priority = view.parts.length + i;
    out.push(...generation.sources(ref, { moment, range, priority }, hits));
  }
  return out;
}

/** Series in label order; the sources of one are valid until the next is asked for. */
export async function* scanSeries(scan: Scan): AsyncGenerator<ScannedSeries, void, void> {
  const { range, view } = scan;
  if (!(range.startUs <= range.endUs)) return;
  const cursors: Cursor[] = [];
  for (const [priority, part] of view.parts.entries()) {
    if (part.row.minUs > range.endUs || part.row.maxUs < range.startUs) continue;
    scan.check();
    const index = await part.index(scan.tenant);
    if (index !== undefined) cursors.push(new PartCursor(part, index, scan, priority));
  }
  if (view.generations.length > 0) cursors.push(new HeadCursor(scan));
  for (let count = 1; ; count++) {
    if (count % SCAN_TURN_SERIES === 0) await scan.yieldTurn();
    scan.check();
    const rows = smallest(cursors);
    if (rows.length === 0) return;
    yield new ScannedRows(rows);
    for (const cursor of cursors)
      if (cursor.row !== undefined && rows.includes(cursor.row)) cursor.advance();
  }
}

function smallest(cursors: readonly Cursor[]): Row[] {
  let rows: Row[] = [];
  for (const { row } of cursors) {
    if (row === undefined) continue;
    const order = rows.length === 0 ? -1 : compareLabels(row.labels, rows[0]!.labels);
    if (order < 0) rows = [row];
    else if (order === 0) rows.push(row);
  }
  return rows;
}

/** Rows of one series, from every cursor that has it. */
class ScannedRows implements ScannedSeries {
  readonly #rows: readonly Row[];

  constructor(rows: readonly Row[]) {
    assert(rows.length > 0, 'a scanned series has a row');
    this.#rows = rows;
  }

  get labels(): Labels {
    return this.#rows[0]!.labels;
  }

  sources(): Promise<Source[]> {
    return this.#rows.length === 1 ? this.#rows[0]!.sources() : this.#merged();
  }

  async #merged(): Promise<Source[]> {
    const out: Source[] = [];
    for (const row of this.#rows) out.push(...(await row.sources()));
    return out;
  }

  async exists(): Promise<boolean> {
    if (this.#rows.some((row) => row.surely() === true)) return true;
    for (const row of this.#rows) if ((await row.sources()).length > 0) return true;
    return false;
  }
}
