// The AssemblyScript kernels of kernels/, once app/ has handed down their compiled module; until
// then, and for what they do not take, the TypeScript beside them does the same. One instance a
// thread, with a memory of its own: input and output are copied, which costs less than a tenth of
// the decoding.
import { BLOCK_COUNT_MAX } from './limits.ts';
import { CodecError } from './varint.ts';
import type { ByteReader } from './varint.ts';

const PAGE_SIZE = 65_536;
/** The first page is the compiler's. */
const SCRATCH_AT = PAGE_SIZE;
const OUT_AT = 4 * PAGE_SIZE;
const SOURCE_AT = 6 * PAGE_SIZE;
const SOURCE_SIZE_MAX = 2 * PAGE_SIZE;
/** A damaged stream may make the kernel look 50 bits a sample beyond its input. */
const PAGES = 9;
/** Below, the call and the copies cost what they save. */
const COUNT_MIN = 48;

interface IntegerExports {
  prepare(scratch: number): void;
  decode(
    scratch: number,
    source: number,
    end: number,
    head: number,
    first: number,
    scale: number,
    count: number,
    out: number,
  ): number;
}

/** One instance and its memory; belongs to one thread. */
export interface IntegerKernel {
  readonly exports: IntegerExports;
  readonly bytes: Uint8Array;
  readonly out: Float64Array;
}

let kernel: IntegerKernel | undefined;

/** What the compiler wants to import; nothing in the kernels traps by it. */
function abort(): never {
  throw new CodecError('a kernel gave up');
}

/** An instance of `module`, which is the compiled kernels/integers.ts. */
export function createIntegerKernel(module: WebAssembly.Module): IntegerKernel {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const instance = new WebAssembly.Instance(module, { env: { memory, abort } });
  // The names and types are those of kernels/integers.ts.
  const exports = instance.exports as unknown as IntegerExports;
  exports.prepare(SCRATCH_AT);
  const bytes = new Uint8Array(memory.buffer);
  return { exports, bytes, out: new Float64Array(memory.buffer, OUT_AT, BLOCK_COUNT_MAX) };
}

/** Makes this thread decode with `next`; undefined: without any. */
export function useIntegerKernel(next: IntegerKernel | undefined): void {
  kernel = next;
}

/**
 * Decodes the rest of a packed or entropy-coded stream: out[i] = number / scale. False where there
 * is no kernel for it. Throws CodecError.
 */
export function decodeByKernel(
  reader: ByteReader,
  stream: { readonly head: number; readonly first: number },
  out: Float64Array,
  { count, scale }: { readonly count: number; readonly scale: number },
): boolean {
  const sizeBytes = reader.left;
  if (kernel === undefined || count < COUNT_MIN || sizeBytes > SOURCE_SIZE_MAX) return false;
  const { exports, bytes } = kernel;
  bytes.set(reader.bytes.subarray(reader.at, reader.end), SOURCE_AT);
  const { head, first } = stream;
  const end = exports.decode(
    SCRATCH_AT,
    SOURCE_AT,
    SOURCE_AT + sizeBytes,
    head,
    first,
    scale,
    count,
    OUT_AT,
  );
  if (end === 0) throw new CodecError(`damaged integer stream before ${reader.end}`);
  reader.at += end - SOURCE_AT;
  out.set(count === BLOCK_COUNT_MAX ? kernel.out : kernel.out.subarray(0, count));
  return true;
}
