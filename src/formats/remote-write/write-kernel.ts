// kernels/remote-write.ts for the scanners of this thread, once app/ has said where its compiled
// module is. Made on first use, with a memory of its own: the control block with the rows and
// columns of a call, room for a body as it was sent, and room for it decoded. What is decoded is
// read where it lies; a body from elsewhere is copied in. All of it is good until the next body.
import type { SnappyMemory } from '../../codec/snappy.ts';
import { PointBlock } from '../../model/point-block.ts';
import type { HashedRows, RowHasher } from '../../model/rows.ts';
import { HASHED_ROW_STRIDE } from '../../model/rows.ts';
import { WRITE_KERNEL_BODY_BYTES, WRITE_KERNEL_INPUT_BYTES } from '../limits.ts';

const PAGE_BYTES = 65_536;
/** The first page is the compiler's. */
const CONTROL_AT = PAGE_BYTES;
const INPUT_AT = CONTROL_AT + PAGE_BYTES;
/** Behind the input, so that a word written too far never meets input that is still to be read. */
const BODY_AT = INPUT_AT + WRITE_KERNEL_INPUT_BYTES;
/** One page more than all: what may be touched behind the body. */
const PAGES = (BODY_AT + WRITE_KERNEL_BODY_BYTES) / PAGE_BYTES + 1;

// The same numbers as in the kernel: bytes from the start of the control block.
const ROW_COUNT_WORD = 0;
const SAMPLE_COUNT_WORD = 1;
const IS_FULL_WORD = 2;
const CONTROL_WORDS = 4;
const HASH_AT = 16;
const ROWS_AT = 64;
const ROWS_MAX = 1024;
const TIMES_AT = 24_640;
const VALUES_AT = 41_024;
const SAMPLES_MAX = 2048;
const ROW_BYTES_MAX = 65_536;

interface KernelExports {
  readonly decode: (source: number, end: number, out: number, sizeBytes: number) => number;
  readonly hash: (control: number, start: number, end: number, seed: number) => void;
  readonly walk: (control: number, body: number, at: number, end: number, seed: number) => number;
}

/** One instance and its memory; belongs to one thread. */
export class WriteKernel implements SnappyMemory, RowHasher {
  readonly sizeMaxBytes = ROW_BYTES_MAX;
  readonly words: Int32Array;
  /** Rows of the last call. */
  readonly rows: HashedRows;
  /** Samples of the last call; its refs are the caller's. */
  readonly block: PointBlock;
  readonly #exports: KernelExports;
  readonly #bytes: Uint8Array;
  readonly #control: Int32Array;

  constructor(module: WebAssembly.Module) {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    const { buffer } = memory;
    const instance = new WebAssembly.Instance(module, { env: { memory, abort } });
    // Names and types are those of kernels/remote-write.ts.
    this.#exports = instance.exports as unknown as KernelExports;
    this.#bytes = new Uint8Array(buffer);
    this.#control = new Int32Array(buffer, CONTROL_AT, CONTROL_WORDS);
    this.words = new Int32Array(buffer, CONTROL_AT + HASH_AT, 3);
    this.rows = {
      count: 0,
      words: new Int32Array(buffer, CONTROL_AT + ROWS_AT, ROWS_MAX * HASHED_ROW_STRIDE),
      refs: new Int32Array(ROWS_MAX),
    };
    this.block = new PointBlock(
      new Float64Array(buffer, CONTROL_AT + TIMES_AT, SAMPLES_MAX),
      new Float64Array(buffer, CONTROL_AT + VALUES_AT, SAMPLES_MAX),
    );
  }

  decode(input: Uint8Array, start: number, sizeBytes: number): Uint8Array | undefined {
    if (input.length > WRITE_KERNEL_INPUT_BYTES || sizeBytes > WRITE_KERNEL_BODY_BYTES)
      return undefined;
    this.#bytes.set(input, INPUT_AT);
    const from = INPUT_AT + start;
    if (this.#exports.decode(from, INPUT_AT + input.length, BODY_AT, sizeBytes) === 0)
      return undefined;
    return this.#bytes.subarray(BODY_AT, BODY_AT + sizeBytes);
  }

  hash(view: DataView, start: number, end: number, seed: number): void {
    let at = view.byteOffset + start;
    if (view.buffer !== this.#bytes.buffer) {
      // No body is being decoded meanwhile.
      this.#bytes.set(new Uint8Array(view.buffer, at, end - start), INPUT_AT);
      at = INPUT_AT;
    }
    this.#exports.hash(CONTROL_AT, at, at + end - start, seed);
  }

  /** Brings [0, end) of a body here where it is not; the address, or -1 where there is no room. */
  bring(body: Uint8Array, end: number): number {
    if (body.buffer === this.#bytes.buffer) return body.byteOffset;
    if (end > WRITE_KERNEL_BODY_BYTES) return -1;
    this.#bytes.set(body.subarray(0, end), BODY_AT);
    return BODY_AT;
  }

  /**
   * Takes series of the body at the address `body` from `at` on to `rows` and `block`; where it
   * stopped, as a position in the body.
   */
  walk(body: number, at: number, end: number, seed: number): number {
    const stop = this.#exports.walk(CONTROL_AT, body, body + at, body + end, seed);
    this.rows.count = this.#control[ROW_COUNT_WORD]!;
    this.block.count = this.#control[SAMPLE_COUNT_WORD]!;
    return stop - body;
  }

  /** Did the last call stop because there was no room? */
  get isFull(): boolean {
    return this.#control[IS_FULL_WORD] !== 0;
  }
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the remote-write kernel gave up');
}

let load: (() => WebAssembly.Module) | undefined;
let kernel: WriteKernel | undefined;

/** Makes this thread read remote write with the compiled kernel; undefined: without it. */
export function useWriteKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  kernel = undefined;
}

export function writeKernel(): WriteKernel | undefined {
  if (kernel === undefined && load !== undefined) kernel = new WriteKernel(load());
  return kernel;
}
