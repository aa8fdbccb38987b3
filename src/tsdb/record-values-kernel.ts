// kernels/record-values.ts for the records of this thread, once app/ has said where its compiled
// module is. Made on first use. Values and bytes of one group are copied in and out.
import { PACK_GROUP } from './limits.ts';
import { assert } from '../stdx/assert.ts';

const PAGE_BYTES = 65_536;
/** Places in the memory: as in kernels/record-values.ts. The first page is the compiler's. */
const VALUES_AT = PAGE_BYTES;
const PACKED_AT = 2 * PAGE_BYTES;
const PAGES = 3;
/** Bytes behind a group that are touched. */
const SLACK_BYTES = 8;

interface Kernel {
  readonly bytes: Uint8Array;
  readonly pack: (count: number, isDouble: boolean, scale: number) => number;
  readonly unpack: (count: number, isDouble: boolean, scale: number) => void;
}

let load: (() => WebAssembly.Module) | undefined;
let kernel: Kernel | undefined;

/** Makes this thread pack with the compiled kernel; undefined: without it. */
export function useRecordValuesKernel(next: (() => WebAssembly.Module) | undefined): void {
  load = next;
  kernel = undefined;
}

/** What the compiler wants to import; nothing in the kernel calls it. */
function abort(): never {
  throw new Error('the kernel of record values gave up');
}

function createKernel(module: WebAssembly.Module): Kernel {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  // The names and the types are those of kernels/record-values.ts.
  const { pack, unpack } = exports as unknown as Kernel;
  return { bytes: new Uint8Array(memory.buffer), pack, unpack };
}

export interface Packing {
  readonly isDouble: boolean;
  /** What whole numbers are divided by where they stand for doubles. */
  readonly scale: number;
}

/**
 * Packs a group, given as the bytes of its values; what it gives is good until the next call.
 * undefined: there is no kernel.
 */
export function packByKernel(
  values: Uint8Array,
  { isDouble, scale }: Packing,
): Uint8Array | undefined {
  if (load === undefined) return undefined;
  kernel ??= createKernel(load());
  const { bytes, pack } = kernel;
  bytes.set(values, VALUES_AT);
  return bytes.subarray(PACKED_AT, PACKED_AT + pack(values.length / 8, isDouble, scale));
}

/** Fills `values` from the bytes of a group, which are as many as it needs; false: no kernel. */
export function unpackByKernel(
  packed: Uint8Array,
  values: Uint8Array,
  { isDouble, scale }: Packing,
): boolean {
  if (load === undefined) return false;
  kernel ??= createKernel(load());
  const { bytes, unpack } = kernel;
  bytes.set(packed, PACKED_AT);
  unpack(values.length / 8, isDouble, scale);
  values.set(bytes.subarray(VALUES_AT, VALUES_AT + values.length));
  return true;
}

const FORMS_BYTES = PACK_GROUP / 4;
assert(VALUES_AT + PACK_GROUP * 8 <= PACKED_AT, 'a group fits its place');
assert(PACKED_AT + FORMS_BYTES + PACK_GROUP * 8 + SLACK_BYTES <= PAGES * PAGE_BYTES, 'and packed');
