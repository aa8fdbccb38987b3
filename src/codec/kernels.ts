// The compiled kernels/columns.ts for the decoders of this thread, once app/ has handed down its
// module; until then, and for what it refuses, the TypeScript beside it does the same and says what
// is wrong. One instance a thread, with a memory of its own: payloads are copied in, columns out,
// unless the caller decodes into `kernelTarget`, which is inside that memory.
import { BLOCK_COUNT_MAX } from './limits.ts';
import type { ByteReader } from './varint.ts';

const PAGE_SIZE = 65_536;
/** The first page is the compiler's. */
const SCRATCH_AT = PAGE_SIZE;
/** A column, and what the kernel may write behind it. */
const COLUMN_SIZE = BLOCK_COUNT_MAX * 8 + 1024;
const OUT_AT = 4 * PAGE_SIZE;
const TIMES_AT = OUT_AT + COLUMN_SIZE;
const VALUES_AT = TIMES_AT + COLUMN_SIZE;
const SOURCE_AT = 8 * PAGE_SIZE;
const SOURCE_SIZE_MAX = 2 * PAGE_SIZE;
/** A damaged stream may make the kernel look 50 bits and two bytes a sample beyond its input. */
const PAGES = 12;
/** Below, the call and the copies cost what they save. */
const COUNT_MIN = 32;
/** Copied byte by byte: a call to copy them costs more. */
const SHORT_SIZE = 24;

interface ColumnExports {
  readonly prepare: (scratch: number) => void;
  readonly decodeDoubles: Decode;
  readonly decodeWords: Decode;
  readonly decodeIntegers: Decode;
  readonly decodeGrid: (
    scratch: number,
    source: number,
    end: number,
    count: number,
    firstUs: number,
    out: number,
  ) => number;
}

type Decode = (scratch: number, source: number, end: number, count: number, out: number) => number;

/** One instance and its memory; belongs to one thread. */
export interface ColumnKernel {
  readonly exports: ColumnExports;
  readonly buffer: ArrayBuffer;
  readonly source: Uint8Array;
  readonly doubles: Float64Array;
  readonly ints: Int32Array;
  readonly target: KernelTarget;
}

/** Columns of BLOCK_COUNT_MAX elements that a kernel fills without a copy. */
export interface KernelTarget {
  readonly tUs: Float64Array;
  readonly values: Float64Array;
}

let kernel: ColumnKernel | undefined;

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the column kernel gave up');
}

/** An instance of `module`, which is the compiled kernels/columns.ts. */
export function createColumnKernel(module: WebAssembly.Module): ColumnKernel {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const instance = new WebAssembly.Instance(module, { env: { memory, abort } });
  // The names and types are those of kernels/columns.ts.
  const exports = instance.exports as unknown as ColumnExports;
  exports.prepare(SCRATCH_AT);
  const { buffer } = memory;
  const column = (at: number): Float64Array => new Float64Array(buffer, at, BLOCK_COUNT_MAX);
  return {
    exports,
    buffer,
    source: new Uint8Array(buffer, SOURCE_AT, SOURCE_SIZE_MAX),
    doubles: column(OUT_AT),
    ints: new Int32Array(buffer, OUT_AT, BLOCK_COUNT_MAX * 2),
    target: { tUs: column(TIMES_AT), values: column(VALUES_AT) },
  };
}

/** Makes this thread decode with `next`; undefined: without any. */
export function useColumnKernel(next: ColumnKernel | undefined): void {
  kernel = next;
}

/** Columns in the kernel's memory, good until they are decoded into again; else plain ones. */
export function kernelTarget(): KernelTarget {
  return (
    kernel?.target ?? {
      tUs: new Float64Array(BLOCK_COUNT_MAX),
      values: new Float64Array(BLOCK_COUNT_MAX),
    }
  );
}

/** Copies the rest of `payload` to the kernel; undefined where there is none for it. */
function feed(payload: ByteReader, count: number): ColumnKernel | undefined {
  const { bytes, at, end } = payload;
  const sizeBytes = end - at;
  if (kernel === undefined || count < COUNT_MIN || sizeBytes > SOURCE_SIZE_MAX) return undefined;
  const { source } = kernel;
  if (sizeBytes <= SHORT_SIZE) for (let i = 0; i < sizeBytes; i++) source[i] = bytes[at + i]!;
  else source.set(bytes.subarray(at, end));
  return kernel;
}

/** Where the kernel decodes `out` to. */
function placeOf(own: ColumnKernel, out: Float64Array): number {
  return out.buffer === own.buffer ? out.byteOffset : OUT_AT;
}

/** Takes a decoded column over, unless it is where it belongs. */
function take(own: ColumnKernel, out: Float64Array, count: number): true {
  if (out.buffer !== own.buffer)
    out.set(count === BLOCK_COUNT_MAX ? own.doubles : own.doubles.subarray(0, count));
  return true;
}

/**
 * Decodes all that is left of a payload of doubles (doubles.ts) to out[0, count). False where there
 * is no kernel for it or it is damaged: then the reference says what is wrong. An `out` in the
 * kernel's memory is a column of kernelTarget or begins as one does.
 */
export function doublesByKernel(payload: ByteReader, out: Float64Array, count: number): boolean {
  const own = feed(payload, count);
  if (own === undefined) return false;
  const end = SOURCE_AT + payload.left;
  if (own.exports.decodeDoubles(SCRATCH_AT, SOURCE_AT, end, count, placeOf(own, out)) === 0)
    return false;
  return take(own, out, count);
}

/** The same for an integer stream and nothing else. */
export function integersByKernel(payload: ByteReader, out: Float64Array, count: number): boolean {
  const own = feed(payload, count);
  if (own === undefined) return false;
  const end = SOURCE_AT + payload.left;
  if (own.exports.decodeIntegers(SCRATCH_AT, SOURCE_AT, end, count, placeOf(own, out)) === 0)
    return false;
  return take(own, out, count);
}

/** The same for times on a grid from `firstUs`. */
export function timesByKernel(
  payload: ByteReader,
  out: Float64Array,
  { count, firstUs }: { readonly count: number; readonly firstUs: number },
): boolean {
  const own = feed(payload, count);
  if (own === undefined) return false;
  const end = SOURCE_AT + payload.left;
  const place = placeOf(own, out);
  if (own.exports.decodeGrid(SCRATCH_AT, SOURCE_AT, end, count, firstUs, place) === 0) return false;
  return take(own, out, count);
}

/** The same for 64-bit words, low and high halves in turn. */
export function wordsByKernel(payload: ByteReader, out: Int32Array, count: number): boolean {
  const own = feed(payload, count);
  if (own === undefined) return false;
  const end = SOURCE_AT + payload.left;
  if (own.exports.decodeWords(SCRATCH_AT, SOURCE_AT, end, count, OUT_AT) === 0) return false;
  out.set(own.ints.subarray(0, count * 2));
  return true;
}
