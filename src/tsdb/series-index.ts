// The RAM index of one shard: label sets to refs, and per tenant which series match. A ref is given
// by `resolve` at once; the series can be found from its first applied point on. What a query needs
// beyond rows (label order, value columns) is made when one asks. Nothing is an object per series:
// a label set is a row of pair numbers (series-rows.ts), a pair is two symbols (symbols.ts).
import { CodecError } from '../codec/varint.ts';
import type { SeriesRef } from '../model/columns.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import { RANGE_STRIDE, SAME } from '../model/label-bytes.ts';
import { compareUtf8, METRIC_NAME, NO_LABELS } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import { REF_REFUSED } from '../model/storage.ts';
import type { SeriesCount } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import { assert } from '../stdx/assert.ts';
import { grownU32, grownU8 } from '../stdx/growable.ts';
import { internPairs } from './defined-pairs.ts';
import { captured, checkSections, copied } from './index-sections.ts';
import type { CapturedSection, SectionReader } from './index-sections.ts';
import { SWEEP_SERIES_MIN } from './limits.ts';
import { Pairs } from './pairs.ts';
import type { SeriesDefinitions } from './record-series.ts';
import { livesOf, slotOf } from './refs.ts';
import { RememberedSeries } from './remembered-series.ts';
import type { SeenList, SeenSeries } from './remembered-series.ts';
import { SeriesMatching } from './series-matching.ts';
import { SeriesOrder } from './series-order.ts';
import { retireSeries } from './series-retire.ts';
import type { RetireRequest } from './series-retire.ts';
import { SeriesRows } from './series-rows.ts';
import {
  countActive,
  endOfMark,
  FINDABLE,
  msOfMark,
  remark,
  RETURNING,
  secondOf,
  SECONDS,
  windowStart,
} from './series-seen.ts';
import { Symbols } from './symbols.ts';
import { pairNamed } from './value-column.ts';
import { nameSlot } from './write-versions.ts';
import { boundColumns, NO_REFS, OrderedBytes, TenantSeries } from './tenant-series.ts';
import type { IndexTables } from './tenant-series.ts';
import { usedTexts } from './used-texts.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Neither a pair nor -1, which is none. */
const NO_PAIR = -2;

const SECTIONS_VERSION = 5;
const TENANT_NUMBERS = 4;

export class SeriesIndex {
  readonly symbols: Symbols;
  readonly #seed: number;
  readonly #shardCount: number;
  readonly #pairs: Pairs;
  readonly #rows: SeriesRows;
  readonly #tables: IndexTables;
  readonly #matching: SeriesMatching;
  readonly #tenants = new Map<TenantId, TenantSeries>();
  readonly #byNumber: TenantSeries[] = [];
  readonly #ordered = new OrderedBytes();
  /** Written within the window, and without a row. */
  readonly #remembered: RememberedSeries;
  /** By slot: second of the last applied point since FIRST_SECOND, and FINDABLE or RETURNING. */
  #marks = new Uint32Array(1024);
  #nameSlots = new Uint8Array(1024);
  /** Name symbols of the row at hand. */
  #names = new Uint32Array(64);
  // What the row at hand was made from: neighbours share most of their labels.
  #lastOwner = -1;
  #rowSerial = -1;
  #lastLabels: Labels = NO_LABELS;
  #lastBytes: LabelBytes | undefined = undefined;
  #lastSerial = 0;
  // Of METRIC_NAME its symbol, of a metric name its pair and its slot; good until texts are swept.
  #metricSymbol = -1;
  #namePair = NO_PAIR;
  #nameSlot = 0;
  #findableCount = 0;
  #retiredCount = 0;
  /** Numbers of texts and pairs hold from one sweep to the next. */
  sweepCount = 0;

  /**
   * The seed keeps outsiders from choosing labels that collide. Refs leave room for a shard's
   * number. `from`: sections of another index with this seed.
   */
  constructor(seed = 0, shardCount = 1, from?: SectionReader) {
    this.#seed = seed >>> 0;
    this.#shardCount = shardCount;
    const lives = livesOf(shardCount);
    this.symbols = from === undefined ? new Symbols(seed) : Symbols.fromSections(from, seed);
    this.#pairs = from === undefined ? new Pairs() : Pairs.fromSections(from);
    this.#rows =
      from === undefined ? new SeriesRows(seed, lives) : SeriesRows.fromSections(from, seed, lives);
    const order = new SeriesOrder(this.#rows, this.#pairs, this.symbols);
    this.#tables = { rows: this.#rows, pairs: this.#pairs, symbols: this.symbols, order };
    this.#matching = new SeriesMatching(this.#tables);
    this.#remembered = new RememberedSeries(this.#tables, seed);
    if (from !== undefined) this.#restore(from);
  }

  // -------------------------------------------------------------- snapshots

  /**
   * All of it as it is now, to be copied later while the index goes on; nothing may be retired or
   * swept before `release`. Neighbours of one name are one section. O(tenants).
   */
  capture(): CapturedSection[] {
    assert(!this.#rows.isHeld, 'one capture at a time');
    this.#rows.isHeld = this.#pairs.isHeld = this.symbols.isHeld = true;
    const tenants = this.#byNumber.slice();
    const { slotEnd } = this.#rows;
    const { count } = this.symbols;
    const numbers = Uint32Array.of(SECTIONS_VERSION, this.#seed, this.#shardCount, tenants.length);
    const ids = encoder.encode(JSON.stringify(tenants.map(({ id }) => id)));
    const tenantNumbers = Uint32Array.from(tenants.flatMap((one) => one.numbers()));
    return [
      copied('index-numbers', numbers),
      copied('tenant-ids', ids),
      copied('tenant-numbers', tenantNumbers),
      copied('tenant-bases', NO_REFS),
      ...tenants.map(({ base }) => captured('tenant-bases', () => base)),
      captured('marks', () => this.#marks, slotEnd),
      captured('name-slots', () => this.#nameSlots, slotEnd),
      ...this.symbols.capture(),
      ...this.#pairs.capture(count),
      ...this.#rows.capture(count),
      ...this.#remembered.capture(tenants),
    ];
  }

  /** False where the index could not keep what was captured: the copy is to be thrown away. */
  get isCaptureWhole(): boolean {
    return !this.#rows.isSpoilt;
  }

  release(): void {
    this.#rows.isHeld = this.#pairs.isHeld = this.symbols.isHeld = false;
    this.#rows.isSpoilt = false;
  }

  /**
   * The index that was captured: same refs, same answers. Throws CodecError where sections are of
   * another version or do not fit together.
   */
  static fromSections(reader: SectionReader): SeriesIndex {
    const [version, seed, shardCount] = reader.numbers('index-numbers', 4);
    if (version !== SECTIONS_VERSION)
      throw new CodecError(`index sections of version ${version}, known is ${SECTIONS_VERSION}`);
    return new SeriesIndex(seed, shardCount, reader);
  }

  #restore(from: SectionReader): void {
    const ids = JSON.parse(decoder.decode(from.bytes('tenant-ids'))) as TenantId[];
    const numbers = from.numbers('tenant-numbers', ids.length * TENANT_NUMBERS);
    const bases = from.u32('tenant-bases');
    const { slotEnd } = this.#rows;
    this.#marks = from.u32('marks', 1024);
    this.#nameSlots = from.u8('name-slots', 1024);
    const marks = this.#marks;
    // Series that became findable after the capture may have their marks already.
    for (let slot = 0; slot < slotEnd; slot++) marks[slot]! &= SECONDS;
    let end = 0;
    for (const [i, id] of ids.entries()) {
      const own = numbers.subarray(i * TENANT_NUMBERS, (i + 1) * TENANT_NUMBERS);
      const start = end;
      end += own[3]!;
      const tenant = this.#tenant(id);
      tenant.restore(own, bases.slice(start, end));
      const findable = tenant.slots(this.#rows);
      for (let k = 0; k < findable.length; k++) marks[findable[k]!]! |= FINDABLE;
      this.#findableCount += own[2]!;
      checkSections(own[1]! + own[3]! === own[2], 'series of a tenant');
    }
    checkSections(
      end === bases.length &&
        from.bytes('marks').length === slotEnd * 4 &&
        from.bytes('name-slots').length === slotEnd,
      'tenants',
    );
    countActive(marks, this.#rows, this.#byNumber);
    this.#remembered.restore(from, this.#byNumber, marks);
  }

  /** Series with at least one applied point. */
  get findableCount(): number {
    return this.#findableCount;
  }

  /** Bytes allocated for rows, texts and tables, without what queries have made. */
  get sizeBytes(): number {
    const tables = this.symbols.sizeBytes + this.#pairs.sizeBytes + this.#rows.sizeBytes;
    const bySlot = this.#marks.byteLength + this.#nameSlots.byteLength;
    return tables + bySlot + this.#remembered.sizeBytes;
  }

  /** Bytes that series and queries need, without room that others can take. O(1): writes ask. */
  get heldBytes(): number {
    let sizeBytes = this.symbols.heldBytes + this.#pairs.heldBytes + this.#rows.heldBytes;
    sizeBytes += this.#rows.liveCount * 5 + this.#remembered.sizeBytes;
    return sizeBytes + this.#ordered.bases + this.#ordered.columns;
  }

  #tenant(id: TenantId): TenantSeries {
    let tenant = this.#tenants.get(id);
    if (tenant === undefined) {
      tenant = new TenantSeries(id, this.#byNumber.length, this.#ordered);
      this.#tenants.set(id, tenant);
      this.#byNumber.push(tenant);
    }
    return tenant;
  }

  // -------------------------------------------------------------- refs

  /** REF_REFUSED where there is no room for one more series. */
  resolve(tenantId: TenantId, labels: Labels): SeriesRef {
    const { number } = this.#tenant(tenantId);
    const count = labels.length >>> 1;
    const isKept = this.#lastOwner === number && this.#rowSerial === this.#rows.rowSerial;
    const row = this.#rows.reserveRow(count);
    const last = isKept ? this.#lastLabels : NO_LABELS;
    this.#lastBytes = undefined;
    for (let i = 0; i < count; i++) {
      const name = labels[2 * i]!;
      const value = labels[2 * i + 1]!;
      if (last[2 * i] === name && last[2 * i + 1] === value) continue;
      row[i] = this.#pairs.intern(this.symbols.intern(name), this.symbols.intern(value));
    }
    this.#lastOwner = number;
    this.#lastLabels = labels;
    return this.#intern(number, count);
  }

  /** As StorageWriter.resolveBytes. */
  resolveBytes(tenantId: TenantId, labels: LabelBytes): SeriesRef {
    const { number } = this.#tenant(tenantId);
    const { count, ranges, same, bytes, view } = labels;
    const isKept = this.#lastOwner === number && this.#rowSerial === this.#rows.rowSerial;
    const row = this.#rows.reserveRow(count);
    if (count > this.#names.length) this.#names = grownU32(this.#names, count);
    const names = this.#names;
    const { symbols } = this;
    const pairs = this.#pairs;
    const goesOn = isKept && this.#lastBytes === labels && this.#lastSerial + 1 === labels.serial;
    for (let i = 0; i < count; i++) {
      const kept = goesOn ? same[i]! : SAME.nothing;
      if (kept === SAME.all) continue;
      const at = i * RANGE_STRIDE;
      if (kept === SAME.nothing)
        names[i] = symbols.internBytes(bytes, view, ranges[at]!, ranges[at + 1]!);
      const value = symbols.internBytes(bytes, view, ranges[at + 2]!, ranges[at + 3]!);
      row[i] = pairs.intern(names[i]!, value);
    }
    this.#lastOwner = number;
    this.#lastLabels = NO_LABELS;
    this.#lastBytes = labels;
    this.#lastSerial = labels.serial;
    return this.#intern(number, count);
  }

  /** The ref of a series that is known; -1 where it is not. Changes nothing. */
  find(tenantId: TenantId, labels: Labels): SeriesRef {
    const { symbols } = this;
    return this.#find(tenantId, labels.length >>> 1, (i) =>
      this.#pairs.find(symbols.find(labels[2 * i]!), symbols.find(labels[2 * i + 1]!)),
    );
  }

  findBytes(tenantId: TenantId, { count, ranges, view }: LabelBytes): SeriesRef {
    const symbolAt = (at: number): number =>
      this.symbols.findBytes(view, ranges[at]!, ranges[at + 1]!);
    return this.#find(tenantId, count, (i) =>
      this.#pairs.find(symbolAt(i * RANGE_STRIDE), symbolAt(i * RANGE_STRIDE + 2)),
    );
  }

  #find(tenantId: TenantId, count: number, pairAt: (i: number) => number): SeriesRef {
    const owner = this.#tenants.get(tenantId)?.number;
    if (owner === undefined) return -1;
    this.#forgetRow();
    const row = this.#rows.reserveRow(count);
    for (let i = 0; i < count; i++) {
      const pair = pairAt(i);
      if (pair < 0) return -1;
      row[i] = pair;
    }
    return this.#rows.find(owner, count);
  }

  /** The refs of series that a log record defines, new ones included. */
  define(tenantId: TenantId, series: SeriesDefinitions): Int32Array {
    const { number } = this.#tenant(tenantId);
    const { starts, places } = series;
    const pairNumbers = internPairs(this.#tables, series);
    this.#forgetRow();
    const refs = new Int32Array(series.count);
    const codes = new Int32Array(series.count);
    this.#rows.codeAll(number, pairNumbers, series, codes);
    for (let i = 0; i < refs.length; i++) {
      const start = starts[i]!;
      const count = starts[i + 1]! - start;
      const row = this.#rows.reserveRow(count);
      for (let k = 0; k < count; k++) row[k] = pairNumbers[places[start + k]!]!;
      refs[i] = this.#intern(number, count, codes[i]);
    }
    return refs;
  }

  #forgetRow(): void {
    this.#lastOwner = -1;
    this.#lastLabels = NO_LABELS;
    this.#lastBytes = undefined;
    this.#metricSymbol = -1;
    this.#namePair = NO_PAIR;
  }

  #intern(owner: number, count: number, code?: number): SeriesRef {
    const rows = this.#rows;
    const before = rows.liveCount;
    const ref = rows.intern(owner, count, code);
    this.#rowSerial = rows.rowSerial;
    if (ref < 0) return REF_REFUSED;
    if (rows.liveCount !== before) {
      const { slotEnd } = rows;
      if (slotEnd > this.#marks.length) this.#marks = grownU32(this.#marks, slotEnd);
      if (slotEnd > this.#nameSlots.length) this.#nameSlots = grownU8(this.#nameSlots, slotEnd);
      const tenant = this.#byNumber[owner]!;
      const slot = slotOf(ref);
      if (this.#remembered.hasRow(tenant, slot)) this.#marks[slot] = RETURNING;
      else tenant.reserved++;
    }
    return ref;
  }

  /** Was the series written within the window, without having a row? */
  remembers(tenantId: TenantId, labels: Labels | LabelBytes): boolean {
    const tenant = this.#tenants.get(tenantId);
    return tenant !== undefined && this.#remembered.has(tenant, labels);
  }

  /** Is it one that came back and is not written yet? */
  isReturning(ref: SeriesRef): boolean {
    const mark = this.#marks[slotOf(ref)]!;
    return (mark & (FINDABLE | RETURNING)) === RETURNING;
  }

  /** The symbols of a series, name, value, name, value …, to the start of `out`; their number. */
  symbolsOf(ref: SeriesRef, out: number[]): number {
    assert(this.#rows.isLive(ref), 'the ref is known');
    const slot = slotOf(ref);
    const count = this.#rows.labelCount(slot);
    for (let i = 0; i < count; i++) {
      const pair = this.#rows.pairAt(slot, i);
      out[2 * i] = this.#pairs.nameOf(pair);
      out[2 * i + 1] = this.#pairs.valueOf(pair);
    }
    return 2 * count;
  }

  /** As PairSource. */
  pairsOf(ref: SeriesRef, out: Uint32Array): number {
    return this.#rows.read(slotOf(ref), out);
  }

  /** The ref of the series in a slot. */
  refAt(slot: number): SeriesRef {
    return this.#rows.refAt(slot);
  }

  labelCount(ref: SeriesRef): number {
    return this.#rows.labelCount(slotOf(ref));
  }

  nameOf(pair: number): number {
    return this.#pairs.nameOf(pair);
  }

  valueOf(pair: number): number {
    return this.#pairs.valueOf(pair);
  }

  labelsOf(ref: SeriesRef): Labels {
    assert(this.#rows.isLive(ref), 'the ref is known');
    const slot = slotOf(ref);
    const count = this.#rows.labelCount(slot);
    const labels: string[] = [];
    for (let i = 0; i < count; i++) {
      const pair = this.#rows.pairAt(slot, i);
      labels.push(this.symbols.text(this.#pairs.nameOf(pair)));
      labels.push(this.symbols.text(this.#pairs.valueOf(pair)));
    }
    return labels;
  }

  /** undefined where the shard does not know the ref, or does not know it any more. */
  tenantOf(ref: SeriesRef): TenantId | undefined {
    if (ref < 0 || !this.#rows.isLive(ref)) return undefined;
    return this.#byNumber[this.#rows.ownerOf(slotOf(ref))]!.id;
  }

  /** The first of `count` refs that is not a series of the tenant; -1 where all are. */
  foreignRef(tenantId: TenantId, refs: Uint32Array, count: number): number {
    const owner = this.#tenants.get(tenantId)?.number;
    if (owner === undefined) return count === 0 ? -1 : refs[0]!;
    return this.#rows.foreignRef(owner, refs, count);
  }

  /** By slot the slot of the metric name in write versions; borrowed. */
  get nameSlots(): Uint8Array {
    return this.#nameSlots;
  }

  #setNameSlot(slot: number): void {
    if (this.#metricSymbol < 0) this.#metricSymbol = this.symbols.find(METRIC_NAME);
    const pair = pairNamed(this.#rows, this.#pairs, slot, this.#metricSymbol);
    if (pair !== this.#namePair) {
      const name = pair < 0 ? '' : this.symbols.text(this.#pairs.valueOf(pair));
      this.#nameSlot = nameSlot(name);
      this.#namePair = pair;
    }
    this.#nameSlots[slot] = this.#nameSlot;
  }

  // -------------------------------------------------------------- applied points

  /**
   * Points of series of one tenant were applied that were written at this time of the wall clock:
   * the series can be found from now on and were seen. Neighbours have mostly the same mark: runs
   * of them move together, in loops that do nothing else, so that their misses overlap.
   */
  applied(tenantId: TenantId, refs: Uint32Array, writtenMs: number): void {
    const tenant = this.#tenant(tenantId);
    const second = secondOf(writtenMs);
    const marks = this.#marks;
    const seenNow = (FINDABLE | second) >>> 0;
    const count = refs.length;
    let end = 0;
    for (let at = 0; at < count; at = end) {
      const mark = marks[slotOf(refs[at]!)]!;
      const isFindable = (mark & FINDABLE) !== 0;
      // FINDABLE is the highest bit, so a later second is a larger mark.
      if (mark >= seenNow) {
        end = endOfMark(marks, refs, at, mark);
        continue;
      }
      end = remark(marks, refs, at, mark, seenNow);
      if (isFindable) tenant.active.move(mark & SECONDS, second, end - at);
      else this.#first(tenant, refs.subarray(at, end), mark, second);
    }
  }

  /** Series of one mark can be found from now on; those that are remembered were counted before. */
  #first(tenant: TenantSeries, refs: Uint32Array, mark: number, second: number): void {
    const isReturning = (mark & RETURNING) !== 0;
    let before = 0;
    let moved = 0;
    for (const ref of refs) {
      const slot = slotOf(ref);
      this.#setNameSlot(slot);
      tenant.add(this.#rows, slot);
      if (!isReturning) tenant.unreserve();
      const known = isReturning ? this.#remembered.take(tenant, slot) : 0;
      // What is remembered may be of later records than those that are replayed.
      if (known >= second) this.#marks[slot] = (FINDABLE | known) >>> 0;
      if (known >= second) continue;
      if (known !== before) {
        if (moved > 0) tenant.active.move(before, second, moved);
        before = known;
        moved = 0;
      }
      moved++;
    }
    if (moved > 0) tenant.active.move(before, second, moved);
    this.#findableCount += refs.length;
  }

  // -------------------------------------------------------------- giving back

  /**
   * Takes out series that were last written more than `idleMs` before `nowMs` and that `isHeld`
   * does not name, and remembers those of the window; refs of theirs are unknown from now on. A ref
   * that was only ever reserved is first seen here. Returns how many, at most `countMax`; O(slots +
   * what their tenants have).
   */
  retire(request: RetireRequest): number {
    const { length } = retireSeries(request, this.seen, this.#rows, (slot) => {
      if ((this.#marks[slot]! & FINDABLE) !== 0) this.#findableCount--;
      this.#marks[slot] = 0;
    });
    this.#retiredCount += length;
    return length;
  }

  /**
   * Takes back texts and pairs that no series uses, where at least `retiredMin` series have gone
   * since the last time. O(all that is in the index): by default amortised O(1) a retired series.
   */
  sweep(retiredMin = Math.max(SWEEP_SERIES_MIN, this.#rows.liveCount)): void {
    if (this.#retiredCount < retiredMin) return;
    this.#retiredCount = 0;
    this.sweepCount++;
    this.#forgetRow();
    for (const tenant of this.#byNumber) tenant.forgetNumbers();
    this.#remembered.forgetPairs();
    const pairs = this.#pairs;
    const { usedPairs, usedSymbols } = usedTexts(this.#tables);
    pairs.sweep((pair) => usedPairs[pair] === 1);
    this.symbols.sweep((symbol) => usedSymbols[symbol] === 1);
  }

  /** When a series was last written, milliseconds to the second; undefined: never. */
  lastSeenMs(ref: SeriesRef): number | undefined {
    const mark = this.#marks[slotOf(ref)]!;
    if (!this.#rows.isLive(ref) || (mark & FINDABLE) === 0) return undefined;
    return msOfMark(mark);
  }

  /** As RememberedSeries.readSteps. */
  takeSeen(list: SeenList, nowMs: number): Generator<void, void, void> {
    const own = list.tenants.map((id) => this.#tenant(id));
    return this.#remembered.readSteps(list, own, windowStart(nowMs));
  }

  /** Borrowed until the index grows. */
  get seen(): SeenSeries {
    const [remembered, tenants, marks] = [this.#remembered, this.#byNumber, this.#marks];
    return { remembered, tenants, marks, slotEnd: this.#rows.slotEnd };
  }

  seriesCount(tenantId: TenantId, nowMs: number): SeriesCount {
    const tenant = this.#tenants.get(tenantId);
    const active = tenant?.active.count(secondOf(nowMs)) ?? 0;
    return { active, reserved: tenant?.reserved ?? 0 };
  }

  /**
   * Series of a tenant that all matchers accept, in label order; borrowed, never changed.
   * Complexity: what matches; after many new series a sort of these and a pass over the tenant.
   */
  select(tenantId: TenantId, matchers: readonly Matcher[]): Uint32Array {
    const tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) return NO_REFS;
    tenant.refresh(this.#tables, matchers.length === 0);
    const found = this.#matching.select(tenant, matchers);
    boundColumns(this.#ordered, this.#byNumber, tenant);
    return found;
  }

  /** Makes the next `select` of all series short; see TenantSeries.refreshSteps. */
  *orderSteps(tenantId: TenantId): Generator<void, void, void> {
    yield* this.#tenants.get(tenantId)?.refreshSteps(this.#tables) ?? [];
  }

  /** Makes the next `select` or `selectFew` with these matchers short; see SeriesMatching.steps. */
  matchSteps(
    tenantId: TenantId,
    matchers: readonly Matcher[],
    isOrdered = true,
  ): Generator<void, void, void> {
    return this.#matching.steps(this.#tenants.get(tenantId), matchers, isOrdered);
  }

  /**
   * As `select`, where the answer is short and no new series have to be put in order for it;
   * undefined: a pass over the slots (slot-tests.ts) is as good.
   */
  selectFew(tenantId: TenantId, matchers: readonly Matcher[]): Uint32Array | undefined {
    const tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) return NO_REFS;
    if (!tenant.isFresh) return undefined;
    const found = this.#matching.selectFew(tenant, matchers);
    boundColumns(this.#ordered, this.#byNumber, tenant);
    return found;
  }

  /** For questions that read rows where they lie. */
  get tables(): IndexTables {
    return this.#tables;
  }

  /** Owner of a tenant's rows; undefined where it has none. */
  ownerNumber(tenantId: TenantId): number | undefined {
    return this.#tenants.get(tenantId)?.number;
  }

  /** Tenants with at least one applied point, sorted. */
  tenants(): TenantId[] {
    const found = this.#byNumber.filter((tenant) => tenant.count > 0);
    return found.map(({ id }) => id).toSorted(compareUtf8);
  }
}
