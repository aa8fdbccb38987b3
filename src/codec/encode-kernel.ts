// kernels/encode.ts for the encoders of this thread, once app/ has said where its compiled module
// is; until then, and for what it refuses, the TypeScript beside it does the same and writes the
// same bytes. Made on first use, with a memory of its own: values are copied in, and bytes out.
import { BUCKET_EXTRA_BITS } from './buckets.ts';
import { CRC_TABLES } from './crc32c.ts';
import { HIT_COST, LOG2 } from './integer-order.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import type { ByteWriter } from './varint.ts';

const PAGE_SIZE = 65_536;
/** The first page is the compiler's. */
const SCRATCH_AT = PAGE_SIZE;
// Tables, as kernels/shared/encode-scratch.ts has them: bytes from the start of the scratch.
const EXTRA_BITS_AT = 0;
const POWERS_AT = 256;
const POWERS_COUNT = 18;
const HIT_COSTS_AT = 512;
const CRC_AT = 8704;
const LOG2_AT = 16_896;
const SCRATCH_SIZE = 9 * PAGE_SIZE;
const VALUES_AT = SCRATCH_AT + SCRATCH_SIZE;
const OUT_AT = VALUES_AT + 2 * PAGE_SIZE;
const PAGES = (OUT_AT + 3 * PAGE_SIZE) / PAGE_SIZE;
/** Of numbers and streams; below, the call and the copies cost what they save. */
const COUNT_MIN = 8;
/** Copied byte by byte: a call to copy them costs more. */
const SHORT_SIZE = 96;

/** The size of what was written, 0: refused. */
type Encode = (scratch: number, values: number, count: number, out: number, kind: number) => number;
type Values = Float64Array | BigInt64Array | BigUint64Array;

interface EncodeExports {
  readonly encodeBody: Encode;
  readonly encodeDoubles: Encode;
  readonly encodeIntegers: Encode;
}

interface EncodeKernel {
  readonly exports: EncodeExports;
  readonly bytes: Uint8Array;
  readonly out: Uint8Array;
}

let load: (() => WebAssembly.Module) | undefined;
let kernel: EncodeKernel | undefined;

/** Makes this thread encode with the compiled kernel; undefined: without it. */
export function useEncodeKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  kernel = undefined;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the encode kernel gave up');
}

function createKernel(module: WebAssembly.Module): EncodeKernel {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const { buffer } = memory;
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  new Uint8Array(buffer, SCRATCH_AT + EXTRA_BITS_AT).set(BUCKET_EXTRA_BITS);
  const powers = Float64Array.from({ length: POWERS_COUNT }, (_, e) => Number(`1e${e}`));
  new Float64Array(buffer, SCRATCH_AT + POWERS_AT).set(powers);
  new Float64Array(buffer, SCRATCH_AT + HIT_COSTS_AT).set(HIT_COST);
  new Int32Array(buffer, SCRATCH_AT + CRC_AT).set(CRC_TABLES);
  new Float64Array(buffer, SCRATCH_AT + LOG2_AT).set(LOG2);
  return {
    // The names and types are those of kernels/encode.ts.
    exports: exports as unknown as EncodeExports,
    bytes: new Uint8Array(buffer, VALUES_AT, BLOCK_COUNT_MAX * 8),
    out: new Uint8Array(buffer, OUT_AT),
  };
}

/** The thread's kernel, made on first use. */
function ownKernel(): EncodeKernel | undefined {
  if (kernel === undefined && load !== undefined) kernel = createKernel(load());
  return kernel;
}

function run(
  name: keyof EncodeExports,
  out: ByteWriter,
  values: Values,
  count: number,
  kind = 0,
): boolean {
  if (count < 1 || count > BLOCK_COUNT_MAX) return false;
  const own = ownKernel();
  if (own === undefined) return false;
  own.bytes.set(new Uint8Array(values.buffer, values.byteOffset, count * 8));
  const sizeBytes = own.exports[name](SCRATCH_AT, VALUES_AT, count, OUT_AT, kind);
  if (sizeBytes === 0) return false;
  if (sizeBytes <= SHORT_SIZE) out.range(own.out, 0, sizeBytes);
  else out.raw(own.out.subarray(0, sizeBytes));
  return true;
}

/**
 * Appends the body of a block without companions or sibling, as encodeBody does. False,
 * and nothing is appended, where there is no kernel for it.
 */
export function bodyByKernel(
  out: ByteWriter,
  {
    kind,
    values,
    count,
  }: { readonly kind: 0 | 1 | 2; readonly values: Values; readonly count: number },
): boolean {
  return run('encodeBody', out, values, count, kind);
}

/** The same for the payload of a column of doubles that is smaller than its words. */
export function numbersByKernel(out: ByteWriter, values: Float64Array, count: number): boolean {
  return count >= COUNT_MIN && run('encodeDoubles', out, values, count);
}

/** The same for an integer stream of numbers that are fit for one. */
export function streamByKernel(out: ByteWriter, values: Float64Array, count: number): boolean {
  return count >= COUNT_MIN && run('encodeIntegers', out, values, count);
}
