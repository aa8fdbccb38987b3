// Sealed pages of the head: up to 256 samples of one series and one kind, in order of arrival, as
// two vectors (docs/formats/vector.md). A sealed page stands in the chain where the pages stood
// whose samples it holds. Scratch is shared: what is unpacked is good until the next page is. Where
// there is a kernel (kernels/seal.ts) it makes the same pages.
//
//   cell 0        base: time of the first sample, µs, f64
//   cell 1        u32 page before this one (0: none), u32 meta (head-pages.ts)
//   cell 2        i32 least and greatest offset from the base, in ticks
//   cell 3        u32 samples, u16 bytes of the vector of offsets, u16 of that of the values
//   cell 4 …      the vectors, one behind the other
//
// Values of doubles are a vector of doubles, those of all other kinds one of words.
import { VECTOR_COUNT_MAX } from '../codec/limits.ts';
import { ByteWriter } from '../codec/varint.ts';
import { decodeTickVector, decodeVector, decodeWordVector } from '../codec/vector.ts';
import { encodeTickVector, encodeVector, encodeWordVector } from '../codec/vector-encode.ts';
import { KIND } from '../model/columns.ts';
import {
  formatPage,
  isSealed,
  KIND_MASK,
  kindOf,
  linkPage,
  metaAt,
  offsetAt,
  pageCells,
  readTimes,
  readWords,
  sealedMeta,
  tickUsOf,
  timeAt,
  usedOf,
  valueBehind,
} from './head-pages.ts';
import type { HeadMemory } from './head-memory.ts';
import type { HeadBytes, HeadViews } from './head-pages.ts';

const HEADER_CELLS = 4;
/** Most times are whole milliseconds; seconds reach further than either. */
const TICKS = [1, 0, 2];
const ALL_CELLS = pageCells(VECTOR_COUNT_MAX);

const ticks = new Int32Array(VECTOR_COUNT_MAX);
const times = new Float64Array(VECTOR_COUNT_MAX);
const words = new Int32Array(VECTOR_COUNT_MAX * 2);
const doubles = new Float64Array(words.buffer);
const unpacked = new ArrayBuffer(ALL_CELLS * 8);
/** One page as head-pages.ts draws it, at place 0. */
const plain: HeadViews = { i32: new Int32Array(unpacked), f64: new Float64Array(unpacked) };

// ---------------------------------------------------------------- writing

/** Samples that are sealed but not yet in a page. */
export class SealedRun {
  /** Of the page that the kernel made, which lies in the scratch; 0: there is none. */
  #madeBytes = 0;
  readonly #vectors = new ByteWriter(4096);
  #count = 0;
  #ticksSize = 0;
  #meta = 0;
  #least = 0;
  #greatest = 0;
  #baseUs = 0;

  /**
   * Takes pages [from, to) of the list, closed ones of one kind with at most 256 samples in all.
   * False: their times are too far apart for one page; those of a single page never are.
   */
  encode(memory: HeadMemory, pages: Uint32Array, from: number, to: number): boolean {
    this.#madeBytes = encodeByKernel(memory, pages, from, to);
    if (this.#madeBytes !== 0) return this.#madeBytes > 0;
    return this.#encode(memory, pages, from, to);
  }

  /** The reference. */
  #encode(memory: HeadViews, pages: Uint32Array, from: number, to: number): boolean {
    const { i32 } = memory;
    let count = 0;
    for (let i = from; i < to; i++) {
      const used = usedOf(metaAt(i32, pages[i]!));
      readTimes(memory, pages[i]!, used, times, count);
      readWords(memory, pages[i]!, used, words, count);
      count += used;
    }
    const tick = this.#takeTicks(count);
    if (tick === undefined) return false;
    const meta = metaAt(i32, pages[from]!);
    this.#count = count;
    this.#meta = sealedMeta(meta & KIND_MASK, tick);
    this.#vectors.reset();
    encodeTickVector(this.#vectors, ticks, count);
    this.#ticksSize = this.#vectors.size;
    if (kindOf(meta) === KIND.f64) encodeVector(this.#vectors, doubles, count);
    else encodeWordVector(this.#vectors, words, count);
    return true;
  }

  /** Fills `ticks` and says which tick they are in. */
  #takeTicks(count: number): number | undefined {
    const baseUs = times[0]!;
    const tick = TICKS.find((one) => fillTicks(baseUs, tickUsOf(sealedMeta(0, one)), count));
    this.#baseUs = baseUs;
    this.#least = this.#greatest = 0;
    for (let i = 1; i < count; i++) {
      if (ticks[i]! < this.#least) this.#least = ticks[i]!;
      if (ticks[i]! > this.#greatest) this.#greatest = ticks[i]!;
    }
    return tick;
  }

  get cells(): number {
    if (this.#madeBytes > 0) return (this.#madeBytes + 7) >>> 3;
    return HEADER_CELLS + ((this.#vectors.size + 7) >>> 3);
  }

  /** Writes the page, which has room for it. */
  write(memory: HeadMemory, page: number, previous: number): void {
    const { i32, u8 } = memory;
    if (this.#madeBytes > 0) {
      const made = memory.scratch.sealedAt;
      u8.copyWithin(8 * page, made, made + this.#madeBytes);
      linkPage(i32, page, previous);
      return;
    }
    formatPage(memory, page, { baseUs: this.#baseUs, previous, meta: this.#meta });
    const at = 2 * page + 4;
    i32[at] = this.#least;
    i32[at + 1] = this.#greatest;
    i32[at + 2] = this.#count;
    i32[at + 3] = this.#ticksSize | ((this.#vectors.size - this.#ticksSize) << 16);
    u8.set(this.#vectors.bytes(), 8 * (page + HEADER_CELLS));
  }
}

/** What the kernel answers; 0: there is none, or it refuses. */
function encodeByKernel(
  { seal, scratch }: HeadMemory,
  pages: Uint32Array,
  from: number,
  to: number,
): number {
  if (seal === undefined || to - from > VECTOR_COUNT_MAX) return 0;
  for (let i = from; i < to; i++) scratch.sealPages[i - from] = pages[i]!;
  return seal(scratch.sealAt, to - from);
}

/** False where the times are no multiples of the tick, or too far apart. */
function fillTicks(baseUs: number, tickUs: number, count: number): boolean {
  for (let i = 0; i < count; i++) {
    const offset = (times[i]! - baseUs) / tickUs;
    const tick = offset | 0;
    if (tick !== offset) return false;
    ticks[i] = tick;
  }
  return true;
}

// ---------------------------------------------------------------- reading

/** Samples of a page that is not the newest of its series. */
export function samplesIn(i32: Int32Array, page: number): number {
  const meta = metaAt(i32, page);
  return isSealed(meta) ? i32[2 * page + 6]! : usedOf(meta);
}

/** A time that none of the first `count` samples is later than; for times that ascend. */
export function latestUs(memory: HeadViews, page: number, count: number): number {
  const meta = metaAt(memory.i32, page);
  if (!isSealed(meta)) return timeAt(memory, page, count - 1);
  return memory.f64[page]! + memory.i32[2 * page + 5]! * tickUsOf(meta);
}

/** The first `count` samples of any page: times and word pairs to sample `at` of the columns. */
export function readSamples(
  memory: HeadBytes,
  page: number,
  count: number,
  tUs: Float64Array,
  out: Int32Array,
  at: number,
): void {
  const meta = metaAt(memory.i32, page);
  if (!isSealed(meta)) {
    readTimes(memory, page, count, tUs, at);
    readWords(memory, page, count, out, at);
    return;
  }
  decode(memory, page);
  const baseUs = memory.f64[page]!;
  const tickUs = tickUsOf(meta);
  for (let i = 0; i < count; i++) tUs[at + i] = baseUs + ticks[i]! * tickUs;
  out.set(words.subarray(0, 2 * count), 2 * at);
}

/** Fills `ticks` and `words` from a sealed page. */
function decode({ i32, u8 }: HeadBytes, page: number): void {
  const count = i32[2 * page + 6]!;
  const sizes = i32[2 * page + 7]!;
  const ticksSize = sizes & 0xffff;
  const start = 8 * (page + HEADER_CELLS);
  decodeTickVector(u8, start, ticksSize, ticks, count);
  const isDoubles = kindOf(metaAt(i32, page)) === KIND.f64;
  if (isDoubles) decodeVector(u8, start + ticksSize, sizes >>> 16, doubles, count);
  else decodeWordVector(u8, start + ticksSize, sizes >>> 16, words, count);
}

/** A sealed page as a plain one at place 0 of what is returned. */
export function unpackPage(memory: HeadBytes, page: number): HeadViews {
  decode(memory, page);
  const count = memory.i32[2 * page + 6]!;
  formatPage(plain, 0, {
    baseUs: memory.f64[page]!,
    previous: 0,
    meta: metaAt(memory.i32, page),
  });
  for (let i = 0; i < count; i++) {
    const at = offsetAt(0, i);
    const value = valueBehind(at, i);
    plain.i32[at] = ticks[i]!;
    plain.i32[value] = words[2 * i]!;
    plain.i32[value + 1] = words[2 * i + 1]!;
  }
  return plain;
}

/** The time of a sample of any page. */
export function timeOf(memory: HeadBytes, page: number, slot: number): number {
  if (!isSealed(metaAt(memory.i32, page))) return timeAt(memory, page, slot);
  return timeAt(unpackPage(memory, page), 0, slot);
}
