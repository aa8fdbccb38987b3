// The values of one label in a part, in byte order, and the series that have them (docs/formats/
// part.md, "Label table", "Texts", "Postings"). Ranks are places in that order. Groups are read as
// they are needed; what is decoded lives in the cache of sections.
import { compareUtf8 } from '../model/labels.ts';
import { CodecError } from '../codec/varint.ts';
import type { ByteReader } from '../codec/varint.ts';
import { grownU8 } from '../stdx/growable.ts';
import { textHeldBytes } from './held-bytes.ts';
import {
  POSTINGS_SHORT_MAX,
  TEXTS_TURN_GROUPS,
  VALUE_GROUP_COUNT,
  VALUE_RESTART_COUNT,
} from './limits.ts';
import { SectionSlot } from './part-cache.ts';
import type { Decoded } from './part-cache.ts';
import type { PiecePlace } from './part-format.ts';
import { readNumbers } from './part-numbers.ts';
import type { PieceLoader } from './part-pieces.ts';

/** A label as the root of the index describes it. */
export interface LabelInfo {
  readonly name: string;
  readonly valueCount: number;
  /** Series that have the label. */
  readonly seriesCount: number;
  readonly firstGroup: number;
  readonly table: PiecePlace;
}

/** Where the groups of a label are. */
class LabelTable {
  readonly postings: PiecePlace[] = [];
  readonly texts: PiecePlace[] = [];
  /** The first value of each group. */
  readonly firsts: string[] = [];
  sizeBytes = 100;

  constructor(reader: ByteReader, { firstGroup, valueCount }: LabelInfo) {
    let offset = firstGroup;
    const text = new FrontCoded();
    for (let left = Math.ceil(valueCount / VALUE_GROUP_COUNT); left > 0; left--) {
      const sizeBytes = reader.varint();
      this.postings.push({ offset, sizeBytes, crc: 0 });
      offset += sizeBytes;
      const place = { offset, sizeBytes: reader.varint(), crc: reader.u32() };
      this.texts.push(place);
      offset += place.sizeBytes;
      this.firsts.push(text.next(reader).text());
      this.sizeBytes += 250 + this.firsts.at(-1)!.length;
    }
    reader.finish();
  }

  /** The group that holds `value` if any does. */
  groupOf(value: string): number {
    let low = 0;
    let high = this.firsts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(this.firsts[middle]!, value) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Texts that repeat the beginning of the one before. */
class FrontCoded {
  #bytes = Buffer.alloc(64);
  #length = 0;

  next(reader: ByteReader): this {
    const shared = reader.varint();
    const length = shared + reader.varint();
    if (shared > this.#length) throw new CodecError(`${shared} shared bytes of ${this.#length}`);
    if (length > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(length)]);
    const { bytes, at } = reader;
    reader.skip(length - shared);
    for (let i = shared; i < length; i++) this.#bytes[i] = bytes[at + i - shared]!;
    this.#length = length;
    return this;
  }

  text(): string {
    return this.#bytes.toString('utf8', 0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** Its bytes to `out`; where they end there. */
  copy(out: Uint8Array, start: number): number {
    for (let i = 0; i < this.#length; i++) out[start + i] = this.#bytes[i]!;
    return start + this.#length;
  }
}

const frontCoded = new FrontCoded();

/** Texts as they are: text i is the UTF-8 in [starts[i], starts[i + 1]). Not to be written to. */
export interface PlainTexts {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
}

/** Up to 128 values: counts at once, texts one by one or all together, as they are asked for. */
export class ValueGroup {
  readonly count: number;
  readonly counts: Uint32Array;
  /** undefined: no short lists. */
  readonly shortLists: PiecePlace | undefined;
  readonly longLists: readonly PiecePlace[];
  readonly #reader: ByteReader;
  /** Where every sixteenth text, written in full, begins. */
  readonly #restarts: number[] = [];
  readonly #textBytes: number;
  #texts: readonly string[] | undefined = undefined;
  /** Texts asked for one by one. */
  #askedCount = 0;
  #plain: PlainTexts | undefined = undefined;

  constructor(reader: ByteReader, count: number, postings: PiecePlace) {
    this.count = count;
    this.#reader = reader;
    let textBytes = 0;
    for (let i = 0; i < count; i++) {
      if (i % VALUE_RESTART_COUNT === 0) this.#restarts.push(reader.at);
      const shared = reader.varint();
      const rest = reader.varint();
      textBytes += shared + rest;
      reader.skip(rest);
    }
    this.#textBytes = textBytes;
    this.counts = readNumbers(reader, new Uint32Array(count), count);
    let { offset } = postings;
    const next = (): PiecePlace => {
      const place = { offset, sizeBytes: reader.varint(), crc: reader.u32() };
      offset += place.sizeBytes;
      return place;
    };
    const hasShort = this.counts.some((one) => one <= POSTINGS_SHORT_MAX);
    this.shortLists = hasShort ? next() : undefined;
    this.longLists = Array.from(
      this.counts.filter((one) => one > POSTINGS_SHORT_MAX),
      next,
    );
    reader.finish();
  }

  get sizeBytes(): number {
    return this.#reader.bytes.length + this.#textBytes * 2 + this.count * 34 + 300;
  }

  texts(): readonly string[] {
    if (this.#texts === undefined) {
      this.#reader.at = this.#restarts[0]!;
      this.#texts = Array.from({ length: this.count }, () => frontCoded.next(this.#reader).text());
    }
    return this.#texts;
  }

  plain(): PlainTexts {
    if (this.#plain === undefined) {
      const bytes = new Uint8Array(this.#textBytes);
      const starts = new Uint32Array(this.count + 1);
      this.#reader.at = this.#restarts[0]!;
      for (let i = 0; i < this.count; i++)
        starts[i + 1] = frontCoded.next(this.#reader).copy(bytes, starts[i]!);
      this.#plain = { bytes, starts };
    }
    return this.#plain;
  }

  /** One that is asked for often decodes all of them once: one alone costs those before it. */
  text(at: number): string {
    if (this.#texts !== undefined || ++this.#askedCount > VALUE_RESTART_COUNT)
      return this.texts()[at]!;
    const from = Math.floor(at / VALUE_RESTART_COUNT);
    this.#reader.at = this.#restarts[from]!;
    for (let i = from * VALUE_RESTART_COUNT; i <= at; i++) frontCoded.next(this.#reader);
    return frontCoded.text();
  }
}

export class LabelValues {
  readonly info: LabelInfo;
  readonly #number: number;
  readonly #pieces: PieceLoader;
  readonly #groupSlots: (SectionSlot<ValueGroup> | undefined)[] = [];
  readonly #tableSlot = new SectionSlot<LabelTable>();
  /** Groups that were read, as long as the cache or somebody else holds them. */
  readonly #read: (WeakRef<ValueGroup> | undefined)[] = [];

  constructor(pieces: PieceLoader, number: number, info: LabelInfo) {
    this.#pieces = pieces;
    this.#number = number;
    this.info = info;
  }

  #table(): Promise<LabelTable> {
    const { held } = this.#tableSlot;
    if (held !== undefined) return held;
    const decode = (reader: ByteReader): Decoded<LabelTable> => {
      const value = new LabelTable(reader, this.info);
      return { value, sizeBytes: value.sizeBytes };
    };
    return this.#pieces.piece(`label ${this.#number}`, this.info.table, decode, this.#tableSlot);
  }

  async group(group: number): Promise<ValueGroup> {
    const { texts, postings } = await this.#table();
    const count = Math.min(VALUE_GROUP_COUNT, this.info.valueCount - group * VALUE_GROUP_COUNT);
    const slot = (this.#groupSlots[group] ??= new SectionSlot());
    if (slot.held !== undefined) return slot.held;
    const decode = (reader: ByteReader): Decoded<ValueGroup> => {
      const value = new ValueGroup(reader, count, postings[group]!);
      this.#read[group] = new WeakRef(value);
      return { value, sizeBytes: value.sizeBytes };
    };
    return this.#pieces.piece(`values ${this.#number} ${group}`, texts[group]!, decode, slot);
  }

  /**
   * A group that is in memory, without a promise and without a look at the cache: labels of twenty
   * thousand series ask for as many groups.
   */
  inMemory(group: number): ValueGroup | undefined {
    return this.#read[group]?.deref();
  }

  /**
   * All texts in one piece of memory, for a question about so many series that it meets most groups
   * anyway: one by one they are thousands of places far apart. undefined: it is not worth it, or
   * they are too many. `turn` lets other work proceed.
   */
  async allPlain(seriesCount: number, turn: () => Promise<void>): Promise<PlainTexts | undefined> {
    const { texts } = await this.#table();
    if (texts.length > seriesCount) return undefined;
    return this.#pieces.kept(`texts ${this.#number}`, async () => {
      const value = await this.#joined(texts, turn);
      const sizeBytes = value === undefined ? 0 : value.bytes.length + value.starts.length * 4;
      return { value, sizeBytes: sizeBytes + 300 };
    });
  }

  /**
   * Texts of some ranks, ascending and each once, read in one walk and not kept: text i is that of
   * the rank at i.
   */
  async plainOf(ranks: Uint32Array, turn: () => Promise<void>): Promise<PlainTexts> {
    const { texts } = await this.#table();
    const starts = new Uint32Array(ranks.length + 1);
    let bytes = new Uint8Array(ranks.length * 8);
    let groupCount = 0;
    for (let count = 0; count < ranks.length;) {
      const number = Math.floor(ranks[count]! / VALUE_GROUP_COUNT);
      await this.#pieces.once(`values ${this.#number} ${number}`, texts[number]!, (reader) => {
        const first = number * VALUE_GROUP_COUNT;
        for (let rank = first; rank < first + VALUE_GROUP_COUNT && count < ranks.length; rank++) {
          const text = frontCoded.next(reader);
          if (ranks[count] !== rank) continue;
          bytes = grownU8(bytes, starts[count]! + text.length);
          starts[count + 1] = text.copy(bytes, starts[count]!);
          count++;
        }
      });
      if (++groupCount % TEXTS_TURN_GROUPS === 0) await turn();
    }
    return { bytes, starts };
  }

  async #joined(
    groups: readonly PiecePlace[],
    turn: () => Promise<void>,
  ): Promise<PlainTexts | undefined> {
    const { largestBytes } = this.#pieces;
    const starts = new Uint32Array(this.info.valueCount + 1);
    let bytes = new Uint8Array(this.info.valueCount * 8);
    let count = 0;
    for (const [number, place] of groups.entries()) {
      if (bytes.length + starts.length * 4 > largestBytes) return undefined;
      await this.#pieces.once(`values ${this.#number} ${number}`, place, (reader) => {
        const end = Math.min(count + VALUE_GROUP_COUNT, this.info.valueCount);
        for (; count < end; count++) {
          const text = frontCoded.next(reader);
          bytes = grownU8(bytes, starts[count]! + text.length);
          starts[count + 1] = text.copy(bytes, starts[count]!);
        }
      });
      if (number % TEXTS_TURN_GROUPS === 0) await turn();
    }
    return { bytes: bytes.slice(0, starts[count]), starts };
  }

  /** The rank of a value; -1 where no series has it. */
  async find(value: string): Promise<number> {
    const group = (await this.#table()).groupOf(value);
    const at = (await this.group(group)).texts().indexOf(value);
    return at < 0 ? -1 : group * VALUE_GROUP_COUNT + at;
  }

  /** Ranks of values that begin with `prefix` and pass the test, ascending. */
  async where(prefix: string, test: (value: string) => boolean): Promise<number[]> {
    const table = await this.#table();
    const out: number[] = [];
    const { firsts } = table;
    for (let group = prefix === '' ? 0 : table.groupOf(prefix); group < firsts.length; group++) {
      if (isBehind(firsts[group]!, prefix)) break;
      const texts = (await this.group(group)).texts();
      for (let i = 0; i < texts.length; i++)
        if (texts[i]!.startsWith(prefix) && test(texts[i]!))
          out.push(group * VALUE_GROUP_COUNT + i);
    }
    return out;
  }

  /** All values, group by group. */
  async *all(): AsyncGenerator<readonly string[], void, void> {
    const { length } = (await this.#table()).firsts;
    for (let group = 0; group < length; group++) yield (await this.group(group)).texts();
  }

  /** Values of some ranks, ascending; `turn` is told what those since the last one take. */
  async texts(
    ranks: readonly number[],
    turn: (sizeBytes: number) => Promise<void>,
  ): Promise<string[]> {
    const out: string[] = [];
    for (let from = 0; from < ranks.length;) {
      const number = Math.floor(ranks[from]! / VALUE_GROUP_COUNT);
      let to = from + 1;
      while (to < ranks.length && ranks[to]! < (number + 1) * VALUE_GROUP_COUNT) to++;
      const group = await this.group(number);
      // One text of a group is found from the restart before it; many are read together.
      const all = to - from > VALUE_RESTART_COUNT ? group.texts() : undefined;
      let sizeBytes = 0;
      for (; from < to; from++) {
        const at = ranks[from]! % VALUE_GROUP_COUNT;
        const text = all === undefined ? group.text(at) : all[at]!;
        sizeBytes += textHeldBytes(text);
        out.push(text);
      }
      await turn(sizeBytes);
    }
    return out;
  }

  /** How many series have one of the values. */
  async seriesCount(ranks: readonly number[]): Promise<number> {
    let count = 0;
    await this.#each(ranks, async (group, at) => {
      count += group.counts[at]!;
    });
    return count;
  }

  /** Calls `visit` for each rank, ascending ranks of one group after the other. */
  async #each(
    ranks: readonly number[],
    visit: (group: ValueGroup, at: number, number: number) => Promise<void>,
  ): Promise<void> {
    let group: ValueGroup | undefined;
    let number = -1;
    for (const rank of ranks) {
      const wanted = Math.floor(rank / VALUE_GROUP_COUNT);
      if (group === undefined || wanted !== number) group = await this.group((number = wanted));
      await visit(group, rank % VALUE_GROUP_COUNT, number);
    }
  }

  /** Ordinals of the series that have one of the values (ranks ascending), list after list. */
  async postings(ranks: readonly number[], count: number): Promise<Uint32Array> {
    const out = new Uint32Array(count);
    let end = 0;
    let short: { readonly group: number; readonly lists: ShortLists } | undefined;
    await this.#each(ranks, async (group, at, number) => {
      const length = group.counts[at]!;
      if (length > POSTINGS_SHORT_MAX) end = await this.#long(group, at, out, end);
      else {
        if (short?.group !== number)
          short = { group: number, lists: await this.#short(group, number) };
        const { starts, ordinals } = short.lists;
        out.set(ordinals.subarray(starts[at], starts[at + 1]), end);
        end += length;
      }
    });
    return out;
  }

  #short(group: ValueGroup, number: number): Promise<ShortLists> {
    return this.#pieces.piece(`short ${this.#number} ${number}`, group.shortLists!, (reader) => {
      const starts = new Uint32Array(group.count + 1);
      for (let i = 0; i < group.count; i++) {
        const length = group.counts[i]!;
        starts[i + 1] = starts[i]! + (length > POSTINGS_SHORT_MAX ? 0 : length);
      }
      const count = starts[group.count]!;
      const ordinals = readNumbers(reader, new Uint32Array(count), count);
      reader.finish();
      return { value: { starts, ordinals }, sizeBytes: count * 4 + 700 };
    });
  }

  /** Appends a long list to out[end…]; returns its end. Lists are not cached: they are long. */
  async #long(group: ValueGroup, at: number, out: Uint32Array, end: number): Promise<number> {
    let number = 0;
    for (let i = 0; i < at; i++) if (group.counts[i]! > POSTINGS_SHORT_MAX) number++;
    const length = group.counts[at]!;
    await this.#pieces.once(`list of label ${this.#number}`, group.longLists[number]!, (reader) => {
      readNumbers(reader, out.subarray(end, end + length), length);
      reader.finish();
    });
    return end + length;
  }
}

interface ShortLists {
  /** Ordinals of the value at `i`: [starts[i], starts[i + 1]); none where its list is long. */
  readonly starts: Uint32Array;
  readonly ordinals: Uint32Array;
}

/** Do `value` and all that follow it in byte order lie behind everything that begins so? */
function isBehind(value: string, prefix: string): boolean {
  return compareUtf8(value, prefix) > 0 && !value.startsWith(prefix);
}
