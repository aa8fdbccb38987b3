// kernels/vector.ts over a memory: one of its own, to and from which bytes are copied, or the
// head's, where vectors are decoded in place. Without a kernel vector.ts does the same.
import { VECTOR_COUNT_MAX, VECTOR_SIZE_MAX_BYTES } from './limits.ts';

const PAGE_SIZE = 65_536;
/** Bytes that the kernel's functions want to own at `scratch`, a multiple of 16. */
export const VECTOR_SCRATCH_BYTES = 3200;
/** The first page is the compiler's. */
const SCRATCH_AT = PAGE_SIZE;
const OUT_AT = SCRATCH_AT + 4096;
const SOURCE_AT = OUT_AT + VECTOR_COUNT_MAX * 8;
const PAGES = 2;

/**
 * All take addresses in the kernel's memory: `scratch` is 16-byte aligned, VECTOR_SCRATCH_BYTES
 * long and this thread's own, the vector is [src, end), the output exactly `count` elements. They
 * answer 0 where the vector is damaged; the output is then undefined.
 */
type Decode = (scratch: number, src: number, end: number, count: number, out: number) => number;

/** Ticks as times: out[i] = baseUs + tick · tickUs. */
type DecodeTimes = (
  scratch: number,
  src: number,
  end: number,
  count: number,
  baseUs: number,
  tickUs: number,
  out: number,
) => number;

export interface VectorExports {
  readonly decodeDoubles: Decode;
  readonly decodeWords: Decode;
  readonly decodeTicks: Decode;
  readonly decodeTimes: DecodeTimes;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the vector kernel gave up');
}

/**
 * The functions of `module`, which is the compiled kernels/vector.ts, over `memory`, which must be
 * shared. They touch nothing in it but scratch, sources and outputs.
 */
export function createVectorKernel(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): VectorExports {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  // The names and types are those of kernels/vector.ts.
  return exports as unknown as VectorExports;
}

/** A kernel with a memory of its own, and its places for one vector; belongs to one thread. */
export interface OwnVectorKernel {
  readonly exports: VectorExports;
  readonly scratchAt: number;
  readonly sourceAt: number;
  readonly outAt: number;
  readonly source: Uint8Array;
  readonly doubles: Float64Array;
  readonly ints: Int32Array;
}

let load: (() => WebAssembly.Module) | undefined;
let kernel: OwnVectorKernel | undefined;

/** Makes this thread decode vectors with the compiled kernel; undefined: without it. */
export function useVectorKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  kernel = undefined;
}

/** The thread's kernel, made on first use. */
export function ownVectorKernel(): OwnVectorKernel | undefined {
  if (kernel === undefined && load !== undefined) {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
    kernel = {
      exports: createVectorKernel(load(), memory),
      scratchAt: SCRATCH_AT,
      sourceAt: SOURCE_AT,
      outAt: OUT_AT,
      source: new Uint8Array(memory.buffer, SOURCE_AT, VECTOR_SIZE_MAX_BYTES),
      doubles: new Float64Array(memory.buffer, OUT_AT, VECTOR_COUNT_MAX),
      ints: new Int32Array(memory.buffer, OUT_AT, VECTOR_COUNT_MAX * 2),
    };
  }
  return kernel;
}
