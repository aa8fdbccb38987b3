// One head generation: what the log said in [seqMin, seqMax), in memory. Per series a record
// (head-append.ts) and a chain of pages (head-pages.ts), filled in order of arrival; rows that are
// no samples are in lists. Closed pages are sealed (head-sealer.ts), which changes neither samples
// nor their order, so a reader that knows how many samples of a series count reads the same for as
// long as the generation lives.
//
// Whoever holds a moment (moments.ts) older than the one in a series' record sees the count saved
// there, or one kept in the history.
import { assert } from '../stdx/assert.ts';
import { KIND } from '../model/columns.ts';
import type { Attribute, Exemplar, Metadata, Points, SeriesRef } from '../model/columns.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Delete } from './deletes.ts';
import { IdList } from './growable.ts';
import { CONTROL, SCRATCH_SAMPLES } from './append-scratch.ts';
import { COUNT_MASK, RECORD, RECORD_WORDS, UNSORTED } from './head-append.ts';
import { Arena } from './head-memory.ts';
import type { ArenaExtent, HeadMemory } from './head-memory.ts';
import { kindBits, previousOf, usedOf } from './head-pages.ts';
import { HeadObjects } from './head-objects.ts';
import { lookInHead } from './head-look.ts';
import type { HeadLook } from './head-look.ts';
import { readHeadSources } from './head-read.ts';
import type { HeadChain, HeadView, SampleRoom } from './head-read.ts';
import { CountHistory } from './head-history.ts';
import { samplesIn, timeOf } from './head-sealed.ts';
import { HeadSealer } from './head-sealer.ts';
import { HEAD_CHUNK_REFS, HEAD_CHUNK_REFS_LOG2, INSTANT_BATCH_SERIES } from './limits.ts';
import type { Moments } from './moments.ts';
import { slotOf } from './refs.ts';
import type { Source, TimeRange } from './samples.ts';
import { areApart } from './sets-apart.ts';
import { TenantBytes } from './tenant-bytes.ts';

/** Moments fit a word. */
const MOMENT_MAX = 2 ** 31 - 1;
/** Newest pages of the series at hand. */
const touched = new Int32Array(INSTANT_BATCH_SERIES);
/** Estimated bytes of a metadata, exemplar or attribute row beside its texts. */
const SIDE_ROW_BYTES = 160;

/** A row of a side table with the moment it was applied in. */
export interface Dated<T> {
  readonly moment: number;
  readonly row: T;
}

export interface TenantMetadata extends Metadata {
  readonly tenant: TenantId;
}

/** One column set with what the loops look at. */
interface SetColumns {
  readonly points: Points;
  /** Series in this process. */
  readonly refs: Uint32Array;
  /** 64-bit values of fixed-width kinds as word pairs; undefined for the other kinds. */
  readonly words: Int32Array | undefined;
  readonly hasCompanions: boolean;
}

export interface PageRules {
  /** Samples of a series' first page, of its second and of all later ones. */
  readonly pageSamples: readonly [number, number, number];
  /** Closed pages are sealed when they have about so many samples; 0: never. */
  readonly sealSamples: number;
  /** Nothing is sealed while the generation takes less. */
  readonly sealFromBytes: number;
}

export interface HeadParts extends PageRules {
  readonly memory: HeadMemory;
  readonly moments: Moments;
}

/** Borrowed, but for `chunks` and `extent`. */
export interface GenerationInside {
  readonly firstMoment: number;
  readonly history: CountHistory;
  readonly chunks: Int32Array;
  readonly extent: ArenaExtent;
}

/** The rest of a generation as it is restored. */
export interface GenerationLists {
  readonly refs: Uint32Array<ArrayBuffer>;
  readonly metadata: readonly Dated<TenantMetadata>[];
  readonly exemplars: readonly Dated<Exemplar>[];
  readonly attributes: readonly Dated<Attribute>[];
  readonly sampleCount: number;
  readonly deleteCount: number;
  readonly sideBytes: number;
  readonly firstMoment: number;
}

export class Generation {
  readonly seqMin: number;
  /** Exclusive; set when the generation is frozen. */
  seqMax = Number.POSITIVE_INFINITY;
  sampleCount = 0;
  deleteCount = 0;
  readonly metadata: Dated<TenantMetadata>[] = [];
  readonly exemplars: Dated<Exemplar>[] = [];
  readonly attributes: Dated<Attribute>[] = [];
  /** Series with samples, in order of first arrival. */
  refs = new IdList();
  readonly memory: HeadMemory;
  readonly objects = new HeadObjects();
  /** What filled it, by whose it is; of a restored one from the start on. */
  readonly written = new TenantBytes();
  /** Estimated bytes of side rows. */
  sideBytes = 0;
  readonly #moments: Moments;
  #firstMoment: number;
  readonly #rules: PageRules;
  readonly #arena: Arena;
  readonly sealer: HeadSealer;
  readonly #history = new CountHistory();
  /** Per chunk of refs the index in `i32` of its records; 0: none has samples. */
  #chunks = new Int32Array(64);
  #isDropped = false;

  constructor(seqMin: number, { memory, moments, ...rules }: HeadParts) {
    this.seqMin = seqMin;
    this.memory = memory;
    this.#moments = moments;
    this.#firstMoment = moments.current;
    this.#rules = rules;
    this.#arena = new Arena(memory);
    this.sealer = new HeadSealer({
      memory,
      arena: this.#arena,
      usualSamples: rules.pageSamples[2],
      newestPage: (ref) => memory.i32[this.#find(ref) + RECORD.page]!,
    });
  }

  get isEmpty(): boolean {
    const sides = this.metadata.length + this.exemplars.length + this.attributes.length;
    return this.sampleCount + sides === 0;
  }

  /**
   * Pages, records and an estimate of everything beside them. Free pages count: they are the head's
   * until it is dropped, and it grows no further before they are taken.
   */
  get sizeBytes(): number {
    const { length } = this.#chunks;
    const lists = length * 4 + this.refs.count * 4 + this.sealer.free.sizeBytes;
    const own = this.#arena.sizeBytes + lists;
    return own + this.sideBytes + this.objects.sizeBytes + this.#history.sizeBytes;
  }

  /** Gives the memory back; nobody may read the generation any more. */
  drop(): void {
    assert(!this.#isDropped, 'a generation is dropped once');
    this.#isDropped = true;
    this.#arena.drop();
    this.#chunks = new Int32Array(0);
    if (this.memory.directoryOwner === this) this.memory.directoryOwner = undefined;
  }

  has(ref: SeriesRef): boolean {
    const record = this.#find(ref);
    return record !== 0 && this.memory.i32[record + RECORD.page] !== 0;
  }

  #find(ref: SeriesRef): number {
    const slot = slotOf(ref);
    const chunk = slot >>> HEAD_CHUNK_REFS_LOG2;
    if (chunk >= this.#chunks.length) return 0;
    const at = this.#chunks[chunk]!;
    return at === 0 ? 0 : at + (slot & (HEAD_CHUNK_REFS - 1)) * RECORD_WORDS;
  }

  // -------------------------------------------------------------- writing

  /**
   * Applies the column sets of one batch. `refs[k]` are the series of set k in this process. Where
   * a series is in several sets, points go in by their rows, so that the later one wins across
   * kinds.
   */
  applyPoints(sets: readonly Points[], refs: readonly Uint32Array[]): void {
    this.#moments.touch();
    this.#prepareScratch();
    const columns = sets.map((points, k) => columnsOf(points, refs[k]!));
    for (const { points } of columns) this.sampleCount += points.count;
    const counts = columns.map(({ points }) => points.count);
    if (!areApart(refs, counts)) this.#applyByRow(columns);
    else for (const one of columns) this.#applySet(one, 0, one.points.count);
    if (this.sizeBytes >= this.#rules.sealFromBytes)
      this.sealer.work(columns.reduce((sum, { points }) => sum + points.count, 0));
  }

  /** What all samples of a batch have in common. */
  #prepareScratch(): void {
    const { control, directory } = this.memory.scratch;
    if (this.memory.directoryOwner !== this) {
      this.memory.directoryOwner = this;
      directory.fill(0, this.#chunks.length, this.memory.directoryEnd);
      directory.set(this.#chunks);
      this.memory.directoryEnd = this.#chunks.length;
    }
    const calm = Math.min(
      this.#history.firstMark,
      this.#moments.earliestHeld(this.#firstMoment) - this.#firstMoment,
      MOMENT_MAX,
    );
    control[CONTROL.moment] = this.#moments.current - this.#firstMoment;
    control[CONTROL.calmMoment] = calm;
    const { pageSamples, sealSamples } = this.#rules;
    control[CONTROL.firstSamples] = pageSamples[0];
    control[CONTROL.secondSamples] = pageSamples[1];
    control[CONTROL.laterSamples] = pageSamples[2];
    control[CONTROL.sealSamples] = sealSamples === 0 ? COUNT_MASK : sealSamples;
  }

  /** Runs of rows that belong to one set go in at once; of equal rows the earlier set is first. */
  #applyByRow(sets: readonly SetColumns[]): void {
    const next = sets.map(() => 0);
    const rowOf = (k: number): number => {
      const { count, rows } = sets[k]!.points;
      const i = next[k]!;
      if (i >= count) return Number.POSITIVE_INFINITY;
      return rows === undefined ? i : rows[i]!;
    };
    for (;;) {
      let least = 0;
      for (let k = 1; k < sets.length; k++) if (rowOf(k) < rowOf(least)) least = k;
      if (rowOf(least) === Number.POSITIVE_INFINITY) return;
      let end = Number.POSITIVE_INFINITY;
      for (let k = 0; k < sets.length; k++)
        if (k !== least) end = Math.min(end, k < least ? rowOf(k) : rowOf(k) + 1);
      const from = next[least]!;
      do next[least]!++;
      while (rowOf(least) < end);
      this.#applySet(sets[least]!, from, next[least]!);
    }
  }

  /** Points [from, to) of one set. */
  #applySet(columns: SetColumns, from: number, to: number): void {
    for (let at = from; at < to; at += SCRATCH_SAMPLES) {
      const count = Math.min(SCRATCH_SAMPLES, to - at);
      this.#show(columns, at, count);
      const refs = columns.refs.subarray(at, at + count);
      if (!columns.hasCompanions) this.#append(refs, 0, count);
      else for (let i = 0; i < count; i++) this.#appendWithCompanions(columns, refs, at, i);
    }
  }

  /** Samples [from, from + count) to the kernel. */
  #show({ points, refs, words }: SetColumns, from: number, count: number): void {
    const { scratch } = this.memory;
    scratch.control[CONTROL.kindBits] = kindBits(points.kind);
    scratch.setRefs(refs, from, count);
    scratch.setTimes(points.tUs, from, count);
    if (words !== undefined) scratch.setWords(words, from, count);
    else for (let i = 0; i < count; i++) scratch.setWord(i, this.objects.put(points, from + i));
  }

  /** Appends samples [from, to) of those shown. */
  #append(refs: Uint32Array, from: number, to: number): void {
    const { scratch } = this.memory;
    const { control, newSamples, dueSamples } = scratch;
    const { free } = this.sealer;
    for (let at = from; ;) {
      control[CONTROL.newCount] = 0;
      control[CONTROL.dueCount] = 0;
      this.#arena.lend(control);
      free.lend(scratch, to - at);
      at = this.memory.append(at, to);
      this.#arena.takeBack(control);
      free.takeBack(scratch);
      const dueCount = control[CONTROL.dueCount]!;
      for (let i = 0; i < dueCount; i++) this.sealer.noteDue(refs[dueSamples[i]!]!);
      const newCount = control[CONTROL.newCount]!;
      for (let i = 0; i < newCount; i++) this.refs.push(refs[newSamples[i]!]!);
      if (at === to) return;
      const ref = refs[at]!;
      if (this.#find(ref) === 0) this.#openChunk(slotOf(ref) >>> HEAD_CHUNK_REFS_LOG2);
      else if (!this.#enterMoments(refs, at, to)) this.#arena.refill();
    }
  }

  #openChunk(chunk: number): void {
    if (chunk >= this.#chunks.length) {
      const longer = new Int32Array(Math.max(chunk + 1, this.#chunks.length * 2));
      longer.set(this.#chunks);
      this.#chunks = longer;
    }
    const cells = (HEAD_CHUNK_REFS * RECORD_WORDS) / 2;
    const at = this.#arena.takeLines(cells) * 2;
    this.memory.i32.fill(0, at, at + HEAD_CHUNK_REFS * RECORD_WORDS);
    this.#chunks[chunk] = at;
    this.memory.scratch.directory[chunk] = at;
    this.memory.directoryEnd = Math.max(this.memory.directoryEnd, chunk + 1);
  }

  #appendWithCompanions(columns: SetColumns, refs: Uint32Array, base: number, i: number): void {
    this.#append(refs, i, i + 1);
    const { i32 } = this.memory;
    const record = this.#find(refs[i]!);
    const page = i32[record + RECORD.page]!;
    const slot = usedOf(i32[record + RECORD.meta]!) - 1;
    this.objects.putCompanions(i32, { page, slot }, columns.points, base + i);
  }

  /**
   * Lets the series of samples [from, to) enter the moment: where one must keep its count, most
   * must. False: the first one was in it.
   */
  #enterMoments(refs: Uint32Array, from: number, to: number): boolean {
    if (!this.#enterMoment(refs[from]!, this.#find(refs[from]!))) return false;
    for (let i = from + 1; i < to; i++) {
      const record = this.#find(refs[i]!);
      if (record !== 0) this.#enterMoment(refs[i]!, record);
    }
    return true;
  }

  /**
   * The first append of a series in a moment keeps the count that older moments see; false: it is
   * not the first one.
   */
  #enterMoment(ref: SeriesRef, record: number): boolean {
    const { i32 } = this.memory;
    const moment = this.#moments.current - this.#firstMoment;
    const last = i32[record + RECORD.moment]!;
    if (last === moment) return false;
    const before = this.#history.lastMoment(ref);
    const isWanted =
      this.#history.isMarkedIn(before, last) ||
      this.#moments.isHeldIn(before + this.#firstMoment, last + this.#firstMoment);
    if (isWanted) this.#history.push(ref, last, i32[record + RECORD.saved]!);
    i32[record + RECORD.saved] = i32[record + RECORD.count]! & COUNT_MASK;
    i32[record + RECORD.moment] = moment;
    return true;
  }

  /** A delete that begins to hold now: what was applied before stays countable. */
  markDelete(): number {
    const moment = this.#moments.mark();
    this.#history.mark(moment - this.#firstMoment);
    this.deleteCount++;
    return moment;
  }

  addMetadata(row: TenantMetadata): void {
    this.metadata.push({ moment: this.#moments.current, row });
    this.sideBytes += SIDE_ROW_BYTES + 2 * (row.family.length + row.unit.length + row.help.length);
  }

  addExemplar(row: Exemplar): void {
    this.exemplars.push({ moment: this.#moments.current, row });
    const texts = row.labels.reduce((sum, text) => sum + text.length, 0);
    this.sideBytes += SIDE_ROW_BYTES + 2 * texts;
  }

  addAttribute(row: Attribute): void {
    this.attributes.push({ moment: this.#moments.current, row });
    this.sideBytes += SIDE_ROW_BYTES + 2 * (row.key.length + row.value.length);
  }

  // -------------------------------------------------------------- reading

  /** Samples of a series applied up to a moment. */
  countAt(ref: SeriesRef, moment: number): number {
    const record = this.#find(ref);
    return record === 0 ? 0 : this.#countIn(record, ref, moment);
  }

  #countIn(record: number, ref: SeriesRef, moment: number): number {
    const { i32 } = this.memory;
    const own = moment - this.#firstMoment;
    if (own < 0) return 0;
    if (i32[record + RECORD.moment]! <= own) return i32[record + RECORD.count]! & COUNT_MASK;
    return this.#history.countAt(ref, own) ?? i32[record + RECORD.saved]!;
  }

  /** Looks for a series' newest visible sample, after the generations before this one. */
  look(ref: SeriesRef, moment: number, look: HeadLook): void {
    const record = this.#find(ref);
    if (record === 0) return;
    const count = this.#countIn(record, ref, moment);
    if (count > 0) lookInHead(this.memory, record, count, look);
  }

  /**
   * Reads what `look` will need of the first `count` series, so that the misses do not wait for
   * each other. The result only keeps the loads alive.
   */
  touch(refs: Uint32Array, count: number): number {
    const { i32 } = this.memory;
    for (let i = 0; i < count; i++) {
      const record = this.#find(refs[i]!);
      touched[i] = record === 0 ? 0 : i32[record + RECORD.page]!;
    }
    let sum = 0;
    for (let i = 0; i < count; i++) sum |= i32[2 * touched[i]! + 3]!;
    return sum;
  }

  /**
   * Brings the pages of series [from, to) near, PAGES_AHEAD_SERIES at most, so that their misses
   * do not wait for each other when they are read.
   */
  lookAhead(refs: Uint32Array, from: number, to: number): void {
    const { i32, pages, scratch } = this.memory;
    if (pages === undefined) return;
    for (let i = from; i < to; i++) {
      const record = this.#find(refs[i]!);
      scratch.newestPages[i - from] = record === 0 ? 0 : i32[record + RECORD.page]!;
    }
    pages.lookAhead(scratch.pagesAt, to - from);
  }

  /** Is the newest visible sample of a series in the range? */
  lastIsIn(ref: SeriesRef, moment: number, range: TimeRange): boolean {
    const count = this.countAt(ref, moment);
    if (count === 0) return false;
    const record = this.#find(ref);
    const { i32 } = this.memory;
    // From the newest page back to the one that holds the last visible sample.
    let page = i32[record + RECORD.page]!;
    let used = usedOf(i32[record + RECORD.meta]!);
    let before = (i32[record + RECORD.count]! & COUNT_MASK) - used;
    while (before >= count) {
      page = previousOf(i32, page);
      used = samplesIn(i32, page);
      before -= used;
    }
    const tUs = timeOf(this.memory, page, count - before - 1);
    return tUs >= range.startUs && tUs <= range.endUs;
  }

  /**
   * A series' visible samples as sources, one per kind. Deletes are those that hit the series; of
   * one with an offset inside this generation only what was applied before it is hidden.
   */
  sources(ref: SeriesRef, view: HeadView, deletes: readonly Delete[]): Source[] {
    const record = this.#find(ref);
    if (record === 0) return [];
    const chain = this.#chain(ref, record, view.moment);
    const hidden = deletes.map((one) => ({ ...one, count: this.#hiddenBy(one, ref) }));
    return readHeadSources(chain, view, hidden);
  }

  #chain(ref: SeriesRef, record: number, moment: number): HeadChain {
    const { i32 } = this.memory;
    return {
      memory: this.memory,
      objects: this.objects,
      page: i32[record + RECORD.page]!,
      count: this.countAt(ref, moment),
      isAscending: (i32[record + RECORD.count]! & UNSORTED) === 0,
    };
  }

  /** Reads a series that no delete hits to `room`; false where it is not in the usual form. */
  readTo(room: SampleRoom, ref: SeriesRef, moment: number, range: TimeRange): boolean {
    const record = this.#find(ref);
    return record !== 0 && room.read(this.#chain(ref, record, moment), range);
  }

  /** The first so many samples of a series are below the delete. */
  #hiddenBy(one: Delete, ref: SeriesRef): number {
    if (one.offset < this.seqMin) return 0;
    if (one.offset >= this.seqMax) return Number.POSITIVE_INFINITY;
    return this.countAt(ref, one.moment);
  }

  // -------------------------------------------------------------- head snapshots

  /** What head-dump.ts needs beside the fields; `chunks` and `extent` as they are now. */
  get inside(): GenerationInside {
    return {
      firstMoment: this.#firstMoment,
      history: this.#history,
      chunks: this.#chunks.slice(),
      extent: this.#arena.extent,
    };
  }

  /** Takes over what an empty generation of another process held; its slabs are in the memory. */
  restore(chunks: Int32Array<ArrayBuffer>, extent: ArenaExtent, lists: GenerationLists): void {
    this.#chunks = chunks;
    this.#arena.restore(extent);
    this.#firstMoment = lists.firstMoment;
    this.refs = new IdList(lists.refs);
    for (const row of lists.metadata) this.metadata.push(row);
    for (const row of lists.exemplars) this.exemplars.push(row);
    for (const row of lists.attributes) this.attributes.push(row);
    this.sampleCount = lists.sampleCount;
    this.deleteCount = lists.deleteCount;
    this.sideBytes = lists.sideBytes;
  }

  /** Does a delete hide something of this generation that was applied in this moment? */
  hides(one: Delete, moment: number): boolean {
    if (one.offset < this.seqMin) return false;
    return one.offset >= this.seqMax || moment <= one.moment;
  }
}

function columnsOf(points: Points, refs: Uint32Array): SetColumns {
  const { kind, values, subNs, startUs, position } = points;
  const hasCompanions = subNs !== undefined || startUs !== undefined || position !== undefined;
  const words =
    kind === KIND.f64 || kind === KIND.i64 || kind === KIND.u64
      ? new Int32Array(values.buffer, values.byteOffset, points.count * 2)
      : undefined;
  return { points, refs, words, hasCompanions };
}
