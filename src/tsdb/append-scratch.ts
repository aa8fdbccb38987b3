// The front of the head's memory: what a call of the append kernel works on (a control block,
// columns of a group of samples, the directory of series records), and room for records that are
// on their way. kernels/append.ts has the same numbers. The first slab of the memory is the
// compiler's.
import { BLOCK_COUNT_MAX, VECTOR_COUNT_MAX } from '../codec/limits.ts';
import { assert } from '../stdx/assert.ts';
import {
  HEAD_CHUNK_REFS,
  HEAD_SLAB_BYTES,
  PAGES_AHEAD_SERIES,
  RECORD_RING_BYTES,
  RECORD_TIMES_MAX,
} from './limits.ts';
import { SLOTS_MAX } from './refs.ts';
import { SEAL_IMAGE_AT, SEAL_SCRATCH_BYTES } from './seal-kernel.ts';

/** Samples of a call. */
export const SCRATCH_SAMPLES = 1024;
/** Bytes from the start of the memory. */
export const SCRATCH_AT = HEAD_SLAB_BYTES;

/** Words of the control block. */
export const CONTROL = {
  /** Of the samples, as in a page's meta. */
  kindBits: 0,
  /** Moment of the samples, from the generation's own first one. */
  moment: 1,
  /** A series that was last appended to up to here need not keep the count it had then. */
  calmMoment: 2,
  /** Cells for new pages: [nextCell, endCell). */
  nextCell: 3,
  endCell: 4,
  /** Samples of a series' first page, of its second and of all later ones. */
  firstSamples: 5,
  secondSamples: 6,
  laterSamples: 7,
  /** Series that had no samples; their first ones stand in `newSamples`. */
  newCount: 8,
  /** Addresses of the samples' columns. */
  refsAt: 9,
  timesAt: 10,
  valuesAt: 11,
  /** Word 12 is the kernel's. Free pages of `laterSamples`, taken from the end of `freePages`. */
  freeCount: 13,
  /** Samples whose series may be due to be sealed; they stand in `dueSamples`. */
  dueCount: 14,
  /** A series is due each time its closed pages pass another multiple of so many samples. */
  sealSamples: 15,
} as const;

const CONTROL_BYTES = 64;
/** Bytes from the start of the scratch. */
export const NEW_SAMPLES_AT = CONTROL_BYTES;
/** Where a call keeps the addresses of the samples' records. */
const RECORDS_AT = NEW_SAMPLES_AT + SCRATCH_SAMPLES * 4;
const REFS_AT = RECORDS_AT + SCRATCH_SAMPLES * 4;
const TIMES_AT = REFS_AT + SCRATCH_SAMPLES * 4;
const VALUES_AT = TIMES_AT + SCRATCH_SAMPLES * 8;
export const DUE_SAMPLES_AT = VALUES_AT + SCRATCH_SAMPLES * 8;
export const FREE_PAGES_AT = DUE_SAMPLES_AT + SCRATCH_SAMPLES * 4;
/** Where pages are sealed: of a multiple of 16 bytes. */
const SEAL_AT = FREE_PAGES_AT + SCRATCH_SAMPLES * 4;
/** Index in `i32` of each chunk's records, from the start of the scratch; 0: there is none. */
export const DIRECTORY_AT = HEAD_SLAB_BYTES;
const DIRECTORY_WORDS = (SLOTS_MAX + 1) / HEAD_CHUNK_REFS;
const SPREAD_TIMES_AT = DIRECTORY_AT + DIRECTORY_WORDS * 4;
// Where records' times are spread there is room for one series that is read, in between.
const PAGES_AT = SPREAD_TIMES_AT;
const PAGES_BYTES = 40 * 1024;
const ROOM_TIMES_AT = PAGES_AT + PAGES_BYTES;
/** The kernel may write a page's samples behind those that count. */
const ROOM_BYTES = (BLOCK_COUNT_MAX + VECTOR_COUNT_MAX) * 8;
const ROOM_VALUES_AT = ROOM_TIMES_AT + ROOM_BYTES;
const SPREAD_VALUES_AT = SPREAD_TIMES_AT + RECORD_TIMES_MAX * 8;
const RING_AT = SPREAD_VALUES_AT + RECORD_TIMES_MAX * 8;
/** Bytes of memory before the first slab of a generation. */
export const FRONT_BYTES = SCRATCH_AT + RING_AT + RECORD_RING_BYTES;

export class AppendScratch {
  readonly control: Int32Array;
  readonly newSamples: Int32Array;
  readonly dueSamples: Int32Array;
  readonly freePages: Int32Array;
  readonly directory: Int32Array;
  /** Room for the times of records that have runs, and for values that are packed. */
  readonly spreadTimes: Float64Array;
  readonly spreadValues: Float64Array<ArrayBuffer>;
  readonly ring: Uint8Array;
  /** Room for the samples of one series that is read, good until a record is decoded. */
  readonly roomTimes: Float64Array<ArrayBuffer>;
  readonly roomWords: Int32Array<ArrayBuffer>;
  /** The kernel that reads works here; and what it is to look at ahead. */
  readonly pagesAt = SCRATCH_AT + PAGES_AT;
  readonly newestPages: Uint32Array;
  /** The kernel that seals works here, on these pages; and where what it makes stands. */
  readonly sealAt = SCRATCH_AT + SEAL_AT;
  readonly sealPages: Int32Array;
  readonly sealedAt = SCRATCH_AT + SEAL_AT + SEAL_IMAGE_AT;
  readonly #refs: Uint32Array;
  readonly #tUs: Float64Array;
  readonly #words: Int32Array;
  readonly #buffer: ArrayBufferLike;

  /** Memory that grows later keeps what a view of today sees. */
  constructor(buffer: ArrayBufferLike) {
    this.#buffer = buffer;
    this.control = new Int32Array(buffer, SCRATCH_AT, CONTROL_BYTES / 4);
    this.newSamples = new Int32Array(buffer, SCRATCH_AT + NEW_SAMPLES_AT, SCRATCH_SAMPLES);
    this.dueSamples = new Int32Array(buffer, SCRATCH_AT + DUE_SAMPLES_AT, SCRATCH_SAMPLES);
    this.freePages = new Int32Array(buffer, SCRATCH_AT + FREE_PAGES_AT, SCRATCH_SAMPLES);
    this.#refs = new Uint32Array(buffer, SCRATCH_AT + REFS_AT, SCRATCH_SAMPLES);
    this.#tUs = new Float64Array(buffer, SCRATCH_AT + TIMES_AT, SCRATCH_SAMPLES);
    this.#words = new Int32Array(buffer, SCRATCH_AT + VALUES_AT, SCRATCH_SAMPLES * 2);
    this.directory = new Int32Array(buffer, SCRATCH_AT + DIRECTORY_AT, DIRECTORY_WORDS);
    this.spreadTimes = new Float64Array(buffer, SCRATCH_AT + SPREAD_TIMES_AT, RECORD_TIMES_MAX);
    // As if it were not shared: nobody else writes there.
    const own = buffer as ArrayBuffer;
    this.spreadValues = new Float64Array(own, SCRATCH_AT + SPREAD_VALUES_AT, RECORD_TIMES_MAX);
    this.roomTimes = new Float64Array(own, SCRATCH_AT + ROOM_TIMES_AT, BLOCK_COUNT_MAX);
    this.roomWords = new Int32Array(own, SCRATCH_AT + ROOM_VALUES_AT, 2 * BLOCK_COUNT_MAX);
    this.newestPages = new Uint32Array(buffer, this.pagesAt, PAGES_AHEAD_SERIES);
    this.sealPages = new Int32Array(buffer, this.sealAt, VECTOR_COUNT_MAX);
    this.ring = new Uint8Array(buffer, SCRATCH_AT + RING_AT, RECORD_RING_BYTES);
  }

  /** Shows samples [from, from + count) to the kernel; those from elsewhere are copied. */
  setRefs(refs: Uint32Array, from: number, count: number): void {
    if (refs.buffer !== this.#buffer) this.#refs.set(refs.subarray(from, from + count));
    this.control[CONTROL.refsAt] =
      refs.buffer === this.#buffer ? refs.byteOffset + 4 * from : SCRATCH_AT + REFS_AT;
  }

  setTimes(tUs: Float64Array, from: number, count: number): void {
    if (tUs.buffer !== this.#buffer) this.#tUs.set(tUs.subarray(from, from + count));
    this.control[CONTROL.timesAt] =
      tUs.buffer === this.#buffer ? tUs.byteOffset + 8 * from : SCRATCH_AT + TIMES_AT;
  }

  /** 64-bit values as word pairs. */
  setWords(words: Int32Array, from: number, count: number): void {
    if (words.buffer !== this.#buffer)
      this.#words.set(words.subarray(2 * from, 2 * (from + count)));
    this.control[CONTROL.valuesAt] =
      words.buffer === this.#buffer ? words.byteOffset + 8 * from : SCRATCH_AT + VALUES_AT;
  }

  /** A value of less than 64 bits. */
  setWord(index: number, word: number): void {
    this.#words[2 * index] = word;
    this.#words[2 * index + 1] = 0;
    this.control[CONTROL.valuesAt] = SCRATCH_AT + VALUES_AT;
  }
}

assert(SEAL_AT + SEAL_SCRATCH_BYTES <= DIRECTORY_AT, 'the columns fit a slab');
assert(SEAL_AT % 16 === 0 && VECTOR_COUNT_MAX * 4 <= SEAL_IMAGE_AT, 'pages to seal have room');
assert(PAGES_BYTES + 2 * ROOM_BYTES <= RECORD_TIMES_MAX * 8, 'the room of a series fits');
assert(FRONT_BYTES % HEAD_SLAB_BYTES === 0, 'the front is whole slabs');
