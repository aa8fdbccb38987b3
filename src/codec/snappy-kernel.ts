// kernels/snappy.ts for the decoder of this thread, once app/ has said where its compiled module
// is. Made on first use, so that a server which is sent no snappy carries none of it. The memory is
// its own and bounded: input and output are copied, larger blocks and damaged ones are left to the
// TypeScript reference.
import { SNAPPY_KERNEL_INPUT_BYTES, SNAPPY_KERNEL_OUTPUT_BYTES } from './limits.ts';

const PAGE_BYTES = 65_536;
/** The first page is the compiler's. */
const INPUT_AT = PAGE_BYTES;
/** Behind the input, so that a word written too far never meets input that is still to be read. */
const OUTPUT_AT = INPUT_AT + SNAPPY_KERNEL_INPUT_BYTES;
/** One page more than both: what may be touched behind the output. */
const PAGES = (OUTPUT_AT + SNAPPY_KERNEL_OUTPUT_BYTES) / PAGE_BYTES + 1;
/** Below, the call and the copies cost what they save. */
const SIZE_MIN_BYTES = 1024;

interface Kernel {
  readonly bytes: Uint8Array;
  readonly decode: (source: number, end: number, out: number, sizeBytes: number) => number;
}

let load: (() => WebAssembly.Module) | undefined;
let kernel: Kernel | undefined;

/** Makes this thread decode with the compiled kernels/snappy.ts; undefined: without it. */
export function useSnappyKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  kernel = undefined;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the snappy kernel gave up');
}

function createKernel(module: WebAssembly.Module): Kernel {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  // The name and the type are those of kernels/snappy.ts.
  const decode = exports['decode'] as Kernel['decode'];
  return { bytes: new Uint8Array(memory.buffer), decode };
}

/**
 * Decodes the elements in [start, input.length) into the first `sizeBytes` of `out`. False where
 * there is no kernel for it or the block is damaged; `out` is then as it was.
 */
export function decodeByKernel(
  input: Uint8Array,
  start: number,
  out: Uint8Array,
  sizeBytes: number,
): boolean {
  if (load === undefined || sizeBytes < SIZE_MIN_BYTES) return false;
  if (input.length > SNAPPY_KERNEL_INPUT_BYTES || sizeBytes > SNAPPY_KERNEL_OUTPUT_BYTES)
    return false;
  kernel ??= createKernel(load());
  const { bytes, decode } = kernel;
  bytes.set(input, INPUT_AT);
  if (decode(INPUT_AT + start, INPUT_AT + input.length, OUTPUT_AT, sizeBytes) === 0) return false;
  out.set(bytes.subarray(OUTPUT_AT, OUTPUT_AT + sizeBytes));
  return true;
}
