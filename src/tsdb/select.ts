// Series by series, sorted by labels, out of the parts and generations of one view: cursors over
// each part and over the head, merged; per series the sources with deletes applied. The only way
// points leave the shard: queries, names, deletes' counts and merges all walk here.
import { assert } from '../stdx/assert.ts';
import type { Samples, SeriesRef } from '../model/columns.ts';
import { compareLabels } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { EncodedSamples } from '../model/storage.ts';
import { deletesFrom, deletesOf } from './deletes.ts';
import type { Delete } from './deletes.ts';
import type { Generation } from './head.ts';
import { HiddenSeries } from './hidden-series.ts';
import { HEAD_SEEK_SERIES, PAGES_AHEAD_SERIES, SCAN_TURN_SERIES } from './limits.ts';
import { SampleRoom } from './head-read.ts';
import { openPartCursor } from './part-cursor.ts';
import { resolveSources } from './samples.ts';
import type { Source } from './samples.ts';
import type { Cursor, Piece, Row, Scan } from './scan.ts';

const NO_DELETES: readonly Delete[] = [];

/** One series with at least one matching source; `exists` and `sources` are computed on demand. */
export interface ScannedSeries {
  readonly labels: Labels;
  sources(): Promise<Source[]>;
  /** The same as columns or blocks, in time order, rewrites resolved; see SelectedBlocks. */
  blocks(): Promise<readonly (Samples | EncodedSamples)[]>;
  /** Is there a visible sample in the range? */
  exists(): Promise<boolean>;
}

class HeadCursor implements Cursor {
  row: Row | undefined = undefined;
  /** Many series in a row had nothing: others have their turn before more are looked at. */
  needsLoad = false;
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
    this.needsLoad = !this.#seek();
  }

  async load(): Promise<void> {
    while (this.needsLoad) {
      await this.#scan.yieldTurn();
      this.#scan.check();
      this.needsLoad = !this.#seek();
    }
  }

  /** Goes to the next series that a generation has; false: not found yet. */
  #seek(): boolean {
    const { generations } = this.#scan.view;
    const end = Math.min(this.#next + HEAD_SEEK_SERIES, this.#refs.length);
    while (this.#next < end) {
      const ref = this.#refs[this.#next++]!;
      if (!isInHead(generations, ref)) continue;
      this.row = new HeadRow(this.#scan, ref, this.#near);
      return true;
    }
    return end === this.#refs.length;
  }
}

/** Does one of the generations have the series? */
export function isInHead(generations: readonly Generation[], ref: SeriesRef): boolean {
  for (let i = 0; i < generations.length; i++) if (generations[i]!.has(ref)) return true;
  return false;
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

  async pieces(): Promise<readonly Piece[] | undefined> {
    const sources = headSources(this.#scan, this.#ref, this.#near);
    if (sources.some((source) => source.ordinals !== undefined)) return undefined;
    return sources.map(({ samples, minUs, maxUs }) => ({ minUs, maxUs, chunk: samples }));
  }

  async exists(): Promise<boolean> {
    return headSources(this.#scan, this.#ref, this.#near).length > 0;
  }

  surely(): boolean | undefined {
    if (this.#near.some((deletes) => deletes.length > 0)) return undefined;
    const { view, moment, range } = this.#scan;
    const isIn = view.generations.some((one) => one.lastIsIn(this.#ref, moment, range));
    return isIn ? true : undefined;
  }
}

/** Series of the head alone, in label order. */
export class HeadSeries {
  readonly #scan: Scan;
  readonly #near: readonly Delete[][];
  readonly #refs: Uint32Array;
  /** Only where there is one generation. */
  readonly #plain: Generation | undefined;
  readonly #hidden: HiddenSeries;
  readonly #room: SampleRoom | undefined;
  #next = 0;
  /** Those before were looked at ahead. */
  #ahead = 0;
  /** The series at hand. */
  ref: SeriesRef = -1;

  constructor(scan: Scan, refs = scan.index.select(scan.tenant, scan.matchers)) {
    this.#scan = scan;
    this.#near = nearDeletes(scan);
    this.#refs = refs;
    const [first, ...others] = scan.view.generations;
    this.#plain = others.length === 0 ? first : undefined;
    this.#hidden = new HiddenSeries(scan.index.tables, this.#near.flat());
    this.#room = this.#plain && new SampleRoom(this.#plain.memory);
  }

  /**
   * What the next series that has something has, good until anything else runs; with `isKept` for
   * good. undefined: no more.
   */
  next({ isKept } = { isKept: false }): readonly Samples[] | undefined {
    const { moment, range } = this.#scan;
    while (this.#next < this.#refs.length) {
      if (this.#next >= this.#ahead) this.#lookAhead();
      const ref = (this.ref = this.#refs[this.#next++]!);
      if (this.#plain?.has(ref) === false) continue;
      const room = isKept ? undefined : this.#room;
      const isRead =
        room !== undefined &&
        !this.#hidden.has(ref) &&
        this.#plain!.readTo(room, ref, moment, range);
      if (isRead) return [room.samples];
      const sources = headSources(this.#scan, ref, this.#near);
      if (sources.length > 0) return resolveSources(sources);
    }
    return undefined;
  }

  #lookAhead(): void {
    this.#ahead = Math.min(this.#next + PAGES_AHEAD_SERIES, this.#refs.length);
    this.#plain?.lookAhead(this.#refs, this.#next, this.#ahead);
  }
}

/** Per generation the deletes that could touch it. */
export function nearDeletes({ view, tenant, range }: Scan): Delete[][] {
  return view.generations.map(({ seqMin }) => deletesFrom(view.deletes, tenant, seqMin, range));
}

export function headSources(scan: Scan, ref: SeriesRef, near: readonly Delete[][]): Source[] {
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
    const cursor = await openPartCursor(part, scan, priority);
    if (cursor !== undefined) cursors.push(cursor);
  }
  if (view.generations.length > 0) cursors.push(new HeadCursor(scan));
  for (let count = 1; ; count++) {
    if (count % SCAN_TURN_SERIES === 0) await scan.yieldTurn();
    scan.check();
    for (const cursor of cursors) if (cursor.needsLoad) await cursor.load();
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

  async blocks(): Promise<readonly (Samples | EncodedSamples)[]> {
    const pieces = await this.#apart();
    if (pieces !== undefined) return pieces.map(({ chunk }) => chunk);
    return resolveSources(await this.sources());
  }

  /** What the rows have, in time order; undefined where some of it overlaps or is hidden. */
  async #apart(): Promise<Piece[] | undefined> {
    const out: Piece[] = [];
    for (const row of this.#rows) {
      const pieces = await row.pieces();
      if (pieces === undefined) return undefined;
      out.push(...pieces);
    }
    out.sort((a, b) => a.minUs - b.minUs);
    const overlap = out.some((piece, i) => i > 0 && piece.minUs <= out[i - 1]!.maxUs);
    return overlap ? undefined : out;
  }

  async exists(): Promise<boolean> {
    if (this.#rows.some((row) => row.surely() === true)) return true;
    for (const row of this.#rows) if (await row.exists()) return true;
    return false;
  }
}
