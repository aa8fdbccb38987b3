// The index of one tenant in a part (docs/formats/part.md, "Index"), read piece by piece: the root
// says which labels there are; tables, values and row groups follow as a question needs them.
import { CodecError } from '../codec/varint.ts';
import type { ByteReader } from '../codec/varint.ts';
import type { Matcher } from '../model/matcher.ts';
import { textHeldBytes } from './held-bytes.ts';
import { COLUMN_SLOTS_MAX, MATCH_BY_ROWS_RATIO } from './limits.ts';
import { MatchedLists, MatchedValues, matchersKey } from './matched-values.ts';
import { SectionSlot } from './part-cache.ts';
import type { Decoded } from './part-cache.ts';
import type { PiecePlace } from './part-format.ts';
import type { PieceLoader } from './part-pieces.ts';
import { RowGroup, RowTable } from './part-rows.ts';
import { TimeTable } from './part-times.ts';
import type { TimeGroup } from './part-times.ts';
import { LabelValues } from './part-values.ts';
import { RowTests } from './row-tests.ts';
import type { Wanted } from './row-tests.ts';

/** What a row, and a row group in memory, costs compared with a number of a list of postings. */
const ROWS_COST = 4;
const ROW_GROUP_COST = 32;

/** Lets other work proceed now and then; throws where the caller does not want to go on. */
/** Lets others proceed; told what texts that were made since the last call take. */
type Turn = (sizeBytes?: number) => Promise<void>;

const NOTHING = 'nothing';
const EVERYTHING = 'everything';

/** Values of a label by its name: the smallest `limit`; 0 = all. */
export interface WantedValues {
  readonly label: string;
  readonly limit: number;
}

export class PartIndex {
  readonly seriesCount: number;
  readonly timeCount: number;
  readonly sizeBytes: number;
  /** In byte order of their names. */
  readonly labels: readonly LabelValues[];
  readonly #byName = new Map<string, number>();
  readonly #matched = new MatchedValues();
  readonly #lists = new MatchedLists();
  readonly #pieces: PieceLoader;
  readonly #firstRows: number;
  readonly #rowGroupCount: number;
  readonly #rowTable: PiecePlace;
  readonly #firstTimes: number;
  readonly #timeTable: PiecePlace;
  readonly #rowTableSlot = new SectionSlot<RowTable>();
  readonly #timeTableSlot = new SectionSlot<TimeTable>();
  readonly #columns = new Map<number, SectionSlot<Float64Array>>();
  readonly #timeSlots: (SectionSlot<TimeGroup> | undefined)[] = [];
  readonly #rowSlots: (SectionSlot<RowGroup> | undefined)[] = [];
  /** Row groups that the cache holds. */
  readonly #rowGroups: (WeakRef<RowGroup> | undefined)[] = [];

  constructor(root: ByteReader, pieces: PieceLoader) {
    this.#pieces = pieces;
    this.sizeBytes = root.bytes.length * 6 + 500;
    this.seriesCount = root.varint();
    root.varint();
    this.timeCount = root.varint();
    const labels: LabelValues[] = [];
    for (let left = root.count(9); left > 0; left--) {
      const name = root.string();
      const [valueCount, seriesCount, firstGroup] = [root.varint(), root.varint(), root.varint()];
      const info = { name, valueCount, seriesCount, firstGroup, table: readPlace(root) };
      this.#byName.set(name, labels.length);
      labels.push(new LabelValues(pieces, labels.length, info));
    }
    this.labels = labels;
    this.#firstRows = root.varint();
    this.#rowGroupCount = root.varint();
    this.#rowTable = readPlace(root);
    this.#firstTimes = root.varint();
    this.#timeTable = readPlace(root);
    root.finish();
  }

  // -------------------------------------------------------------- rows and times

  rowTable(): Promise<RowTable> {
    const { held } = this.#rowTableSlot;
    if (held !== undefined) return held;
    const decode = (reader: ByteReader): Decoded<RowTable> => {
      const value = new RowTable(reader, this.#rowGroupCount, this.#firstRows, this.seriesCount);
      return { value, sizeBytes: value.sizeBytes };
    };
    return this.#pieces.piece('row table', this.#rowTable, decode, this.#rowTableSlot);
  }

  timeTable(): Promise<TimeTable> {
    const { held } = this.#timeTableSlot;
    if (held !== undefined) return held;
    const decode = (reader: ByteReader): Decoded<TimeTable> => {
      const value = new TimeTable(reader, this.timeCount, this.#firstTimes);
      return { value, sizeBytes: value.sizeBytes };
    };
    return this.#pieces.piece('time table', this.#timeTable, decode, this.#timeTableSlot);
  }

  /** Where the times of a column are in the cache; those asked for lately are known. */
  columnSlot(number: number): SectionSlot<Float64Array> {
    let slot = this.#columns.get(number);
    if (slot !== undefined) return slot;
    if (this.#columns.size === COLUMN_SLOTS_MAX) this.#columns.clear();
    this.#columns.set(number, (slot = new SectionSlot()));
    return slot;
  }

  async timeGroup(group: number): Promise<TimeGroup> {
    const table = await this.timeTable();
    const slot = (this.#timeSlots[group] ??= new SectionSlot());
    if (slot.held !== undefined) return slot.held;
    const decode = (reader: ByteReader): Decoded<TimeGroup> => {
      const value = table.decode(group, reader);
      return { value, sizeBytes: value.sizeBytes };
    };
    return this.#pieces.piece(`times ${group}`, table.place(group), decode, slot);
  }

  /** Groups of all time columns, one after the other. */
  async *timeGroups(): AsyncGenerator<TimeGroup, void, void> {
    const { groupCount } = await this.timeTable();
    for (let group = 0; group < groupCount; group++) yield await this.timeGroup(group);
  }

  async rowGroup(group: number): Promise<RowGroup> {
    const table = await this.rowTable();
    const times = await this.timeTable();
    const slot = (this.#rowSlots[group] ??= new SectionSlot());
    if (slot.held !== undefined) return slot.held;
    const first = table.starts[group]!;
    const count = table.starts[group + 1]! - first;
    const decode = async (reader: ByteReader): Promise<Decoded<RowGroup>> => {
      const value = new RowGroup(reader, first, count, table.dataOffsets[group]!);
      await value.resolve(times, (one) => this.timeGroup(one));
      const own = new WeakRef(value);
      this.#rowGroups[group] = own;
      const onForgotten = (): void => {
        if (this.#rowGroups[group] === own) this.#rowGroups[group] = undefined;
        this.#pieces.columns.drop(value);
      };
      return { value, sizeBytes: value.sizeBytes, onForgotten };
    };
    return this.#pieces.piece(`rows ${group}`, table.place(group), decode, slot);
  }

  /** A row group that is in memory, without a promise: a question may touch thousands. */
  rowGroupInMemory(group: number): RowGroup | undefined {
    return this.#rowGroups[group]?.deref();
  }

  // -------------------------------------------------------------- matching

  /**
   * Ordinals that all matchers accept, ascending. The matcher with the fewest series is read first;
   * the others by their postings, or by the rows of what is left where that is less. The list is
   * not the caller's: an estimate and what it was made for share it.
   */
  async match(matchers: readonly Matcher[]): Promise<Uint32Array> {
    const key = matchersKey(matchers);
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const ordinals = await this.#match(matchers);
    this.#lists.keep(key, ordinals);
    return ordinals;
  }

  async #match(matchers: readonly Matcher[]): Promise<Uint32Array> {
    const wanted = await this.#wantedByAll(matchers);
    if (wanted === NOTHING) return new Uint32Array(0);
    wanted.sort(
      (a, b) => Number(a.isExcluded) - Number(b.isExcluded) || a.seriesCount - b.seriesCount,
    );
    let ordinals: Uint32Array | undefined;
    for (const one of wanted) {
      if (ordinals === undefined) {
        const found = await this.#ordinalsOf(one);
        ordinals = one.isExcluded ? subtract(this.#all(), found) : found;
      } else if (await this.#isCheaperByRows(ordinals, one))
        ordinals = await this.#filterByRows(ordinals, one);
      else {
        const found = await this.#ordinalsOf(one);
        ordinals = one.isExcluded ? subtract(ordinals, found) : intersect(ordinals, found);
      }
      if (ordinals.length === 0) break;
    }
    return ordinals ?? this.#all();
  }

  /** undefined: no series is accepted. */
  async rowTests(matchers: readonly Matcher[]): Promise<RowTests | undefined> {
    const wanted = await this.#wantedByAll(matchers);
    return wanted === NOTHING ? undefined : new RowTests(wanted, this.seriesCount);
  }

  async #wantedByAll(matchers: readonly Matcher[]): Promise<Wanted[] | typeof NOTHING> {
    const wanted: Wanted[] = [];
    for (const one of matchers) {
      const found = await this.#wantedBy(one);
      if (found === NOTHING) return NOTHING;
      if (found !== EVERYTHING) wanted.push(found);
    }
    return wanted;
  }

  /**
   * Values of a label among the series that all matchers accept, in byte order: the first `limit`
   * and perhaps some more. Rows are read, not blocks.
   */
  async valuesOf(
    wanted: WantedValues,
    matchers: readonly Matcher[],
    turn: Turn,
  ): Promise<string[]> {
    const label = this.labelNumber(wanted.label);
    const { limit } = wanted;
    if (label === undefined) return [];
    const values = this.labels[label]!;
    const ordinals = matchers.length === 0 ? undefined : await this.match(matchers);
    if (ordinals === undefined || ordinals.length === this.seriesCount) {
      const out: string[] = [];
      for await (const texts of values.all()) {
        let sizeBytes = 0;
        for (const text of texts) {
          sizeBytes += textHeldBytes(text);
          out.push(text);
        }
        await turn(sizeBytes);
        if (limit !== 0 && out.length >= limit) break;
      }
      return out;
    }
    const seen = new Uint8Array(values.info.valueCount + 1);
    for await (const { group, ordinals: some } of this.#groupsOf(ordinals)) {
      await turn();
      const place = group.labels.indexOf(label);
      if (place < 0) continue;
      const ranks = group.ranks(place);
      for (const ordinal of some) seen[ranks[ordinal - group.first]!] = 1;
    }
    return this.textsOf({ label, limit }, seen, turn);
  }

  /** Texts of the values whose rank + 1 is marked, in byte order; the first `limit`, 0 = all. */
  async textsOf(
    { label, limit }: { readonly label: number; readonly limit: number },
    seen: Uint8Array,
    turn: Turn,
  ): Promise<string[]> {
    const ranks: number[] = [];
    const rankCountMax = limit === 0 ? seen.length : limit;
    for (let rank = 1; rank < seen.length && ranks.length < rankCountMax; rank++)
      if (seen[rank] !== 0) ranks.push(rank - 1);
    return this.labels[label]!.texts(ranks, turn);
  }

  /** Number of a label; undefined where no series has it. */
  labelNumber(name: string): number | undefined {
    return this.#byName.get(name);
  }

  /** Names of the labels that a series has which all matchers accept, in byte order. */
  async namesOf(matchers: readonly Matcher[], turn: Turn): Promise<string[]> {
    if (matchers.length === 0) return this.labels.map(({ info }) => info.name);
    const seen = new Set<number>();
    for await (const { group, ordinals } of this.#groupsOf(await this.match(matchers))) {
      await turn();
      for (const [place, label] of group.labels.entries()) {
        if (seen.has(label)) continue;
        const ranks = group.ranks(place);
        if (ordinals.some((ordinal) => ranks[ordinal - group.first] !== 0)) seen.add(label);
      }
    }
    const ascending = [...seen].toSorted((a, b) => a - b);
    return ascending.map((label) => this.labels[label]!.info.name);
  }

  /**
   * How many values each label has among the ordinals; of more row groups than `groupsMax` some are
   * looked at.
   */
  async valueCounts(
    ordinals: Uint32Array,
    groupsMax: number,
    check: () => void,
  ): Promise<Map<string, number>> {
    const table = await this.rowTable();
    const groups = [...new Set(Array.from(ordinals, (ordinal) => table.groupOf(ordinal)))];
    const every = Math.ceil(groups.length / groupsMax);
    const ranks = new Map<number, Set<number>>();
    for (let i = 0; i < groups.length; i += every) {
      check();
      const group = await this.rowGroup(groups[i]!);
      const end = table.starts[groups[i]! + 1]!;
      const own = ordinals.filter((ordinal) => ordinal >= group.first && ordinal < end);
      for (const [place, label] of group.labels.entries()) {
        let seen = ranks.get(label);
        if (seen === undefined) ranks.set(label, (seen = new Set()));
        const column = group.ranks(place);
        for (const ordinal of own) seen.add(column[ordinal - group.first]!);
      }
    }
    const counts = new Map<string, number>();
    for (const [label, seen] of ranks) {
      seen.delete(0);
      // Labels that others of the row group have are nobody's here.
      if (seen.size > 0) counts.set(this.labels[label]!.info.name, seen.size);
    }
    return counts;
  }

  /** Row groups with those of the ordinals that they hold. */
  async *#groupsOf(
    ordinals: Uint32Array,
  ): AsyncGenerator<{ readonly group: RowGroup; readonly ordinals: Uint32Array }, void, void> {
    const table = await this.rowTable();
    for (let from = 0; from < ordinals.length;) {
      const number = table.groupOf(ordinals[from]!);
      let to = from;
      while (to < ordinals.length && ordinals[to]! < table.starts[number + 1]!) to++;
      const group = this.rowGroupInMemory(number) ?? (await this.rowGroup(number));
      yield { group, ordinals: ordinals.subarray(from, to) };
      from = to;
    }
  }

  #all(): Uint32Array {
    const out = new Uint32Array(this.seriesCount);
    for (let i = 0; i < out.length; i++) out[i] = i;
    return out;
  }

  async #wantedBy(one: Matcher): Promise<Wanted | typeof NOTHING | typeof EVERYTHING> {
    const acceptsAbsent = one.matches('');
    const label = this.#byName.get(one.name);
    if (label === undefined) return acceptsAbsent ? EVERYTHING : NOTHING;
    const values = this.labels[label]!;
    // Series without the label are accepted or not; of the values those are listed that are not
    // treated like it.
    let ranks = this.#matched.get(one);
    if (ranks === undefined) {
      ranks = await ranksOf(values, one, !acceptsAbsent);
      this.#matched.set(one, ranks);
    }
    if (ranks.length === 0) return acceptsAbsent ? EVERYTHING : NOTHING;
    const isAll = ranks.length === values.info.valueCount;
    const seriesCount = isAll ? values.info.seriesCount : await values.seriesCount(ranks);
    if (seriesCount === this.seriesCount) return acceptsAbsent ? NOTHING : EVERYTHING;
    return { label, ranks, isExcluded: acceptsAbsent, seriesCount };
  }

  async #ordinalsOf({ label, ranks, seriesCount }: Wanted): Promise<Uint32Array> {
    const found = await this.labels[label]!.postings(ranks, seriesCount);
    return ranks.length === 1 ? found : inOrder(found, this.seriesCount);
  }

  /** Rows that are in memory cost little more than what is asked of them. */
  async #isCheaperByRows(ordinals: Uint32Array, { seriesCount }: Wanted): Promise<boolean> {
    if (seriesCount > ordinals.length * MATCH_BY_ROWS_RATIO) return true;
    let left = seriesCount / ROWS_COST - ordinals.length;
    if (left <= 0) return false;
    const { starts, groupCount } = await this.rowTable();
    for (let at = 0, group = 0; at < ordinals.length && left > 0; group++) {
      if (group === groupCount) break;
      const end = starts[group + 1]!;
      if (ordinals[at]! >= end) continue;
      while (at < ordinals.length && ordinals[at]! < end) at++;
      left -= this.#rowGroups[group] === undefined ? MATCH_BY_ROWS_RATIO : ROW_GROUP_COST;
    }
    return left > 0;
  }

  async #filterByRows(ordinals: Uint32Array, wanted: Wanted): Promise<Uint32Array> {
    const table = await this.rowTable();
    const accepted = new Set(wanted.ranks);
    const only = wanted.ranks.length === 1 ? wanted.ranks[0]! : -1;
    let group: RowGroup | undefined;
    let column: Uint32Array | undefined;
    let count = 0;
    const out = new Uint32Array(ordinals.length);
    for (const ordinal of ordinals) {
      if (group === undefined || ordinal >= group.first + group.count) {
        const number = table.groupOf(ordinal);
        group = this.rowGroupInMemory(number) ?? (await this.rowGroup(number));
        const place = group.labels.indexOf(wanted.label);
        column = place < 0 ? undefined : group.ranks(place);
      }
      const rank = column === undefined ? -1 : column[ordinal - group.first]! - 1;
      const isListed = only >= 0 ? rank === only : accepted.has(rank);
      if (isListed !== wanted.isExcluded) out[count++] = ordinal;
    }
    return out.subarray(0, count);
  }
}

/** Ranks of the values that the matcher accepts, or of those that it refuses; ascending. */
async function ranksOf(
  values: LabelValues,
  one: Matcher,
  isAccepted: boolean,
): Promise<readonly number[]> {
  // An absent label is the empty text, so all values are unlike it.
  if (one.value === '') return Array.from({ length: values.info.valueCount }, (_, rank) => rank);
  const isEqual = one.type === '=' || one.type === '=~';
  const literals = one.regex === undefined ? [one.value] : one.regex.literals;
  // The values that the text of the matcher names are few: they are what is asked for, unless it
  // is all the others.
  if (literals !== undefined && isEqual === isAccepted) {
    const ranks: number[] = [];
    for (const text of literals) {
      const rank = text === '' ? -1 : await values.find(text);
      if (rank >= 0) ranks.push(rank);
    }
    return ranks.toSorted((a, b) => a - b);
  }
  const prefix = isEqual === isAccepted ? (one.regex?.prefix ?? '') : '';
  return await values.where(prefix, (text) => one.matches(text) === isAccepted);
}

function readPlace(reader: ByteReader): PiecePlace {
  return { offset: reader.varint(), sizeBytes: reader.varint(), crc: reader.u32() };
}

// ---------------------------------------------------------------- sets of ordinals

/** Distinct ordinals below `end`, ascending. */
function inOrder(ordinals: Uint32Array, end: number): Uint32Array {
  if (ordinals.length * 64 < end) return ordinals.toSorted();
  const bits = new Uint32Array((end >>> 5) + 1);
  for (const ordinal of ordinals) {
    if (ordinal >= end) throw new CodecError(`series ${ordinal} of ${end}`);
    bits[ordinal >>> 5]! |= 1 << (ordinal & 31);
  }
  let count = 0;
  for (let i = 0; i < bits.length; i++)
    for (let word = bits[i]!; word !== 0; word &= word - 1)
      ordinals[count++] = i * 32 + 31 - Math.clz32(word & -word);
  return ordinals.subarray(0, count);
}

/** Both ascending. */
function intersect(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(Math.min(a.length, b.length));
  let count = 0;
  for (let i = 0, k = 0; i < a.length && k < b.length;) {
    const left = a[i]!;
    const right = b[k]!;
    if (left === right) out[count++] = left;
    if (left <= right) i++;
    if (right <= left) k++;
  }
  return out.subarray(0, count);
}

/** Those of `a` that are not in `b`; both ascending. */
function subtract(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(a.length);
  let count = 0;
  let k = 0;
  for (const ordinal of a) {
    while (k < b.length && b[k]! < ordinal) k++;
    if (b[k] !== ordinal) out[count++] = ordinal;
  }
  return out.subarray(0, count);
}
