// Typed arrays that grow. Small ones are copied into one of twice the length. A large one lies in a
// memory of its own that reserves addresses and grows in place: nothing is copied, there are never
// two of it, no holes of outgrown arrays stay behind in the heap of the C library, and what was not
// yet written is not backed by the system (docs/decisions/0029). Memory behind the end is zero.
//
// The array that grew is empty from then on, and so is every view of it that somebody kept.

/** From here on an array has a memory of its own. */
const OWN_MEMORY_BYTES = 512 * 1024;
const PAGE_BYTES = 65_536;
/** What 32-bit offsets reach. */
const PAGES_MAX = 65_536;
/** A memory of its own grows by this share, so that its length says what it costs. */
const GROWTH_SHARE = 64;

type Bytes = ArrayBuffer;

/** Memories that arrays lie in, by their present buffer. */
const memories = new WeakMap<Bytes, WebAssembly.Memory>();

/** A buffer of at least `sizeBytes` with the content of the old one, which is empty from now on. */
function grown(old: Bytes, sizeBytes: number, roomBytes: number): Bytes {
  const own = memories.get(old);
  if (own !== undefined) return grownInPlace(own, sizeBytes + roomBytes);
  const wantedBytes = Math.max(sizeBytes, old.byteLength * 2);
  const fresh = wantedBytes < OWN_MEMORY_BYTES ? undefined : ownMemory(sizeBytes + roomBytes);
  const buffer = fresh ?? new ArrayBuffer(wantedBytes);
  new Uint8Array(buffer).set(new Uint8Array(old));
  // Not later, with the next garbage collection.
  old.transfer(0);
  return buffer;
}

function pagesFor(sizeBytes: number): number {
  return Math.ceil(sizeBytes / PAGE_BYTES);
}

function grownInPlace(memory: WebAssembly.Memory, sizeBytes: number): Bytes {
  const more = pagesFor(sizeBytes) - memory.buffer.byteLength / PAGE_BYTES;
  if (more > 0) memory.grow(more);
  return remembered(memory);
}

/** undefined where the system has no addresses left for one. */
function ownMemory(sizeBytes: number): Bytes | undefined {
  try {
    const initial = pagesFor(sizeBytes);
    return remembered(new WebAssembly.Memory({ initial, maximum: PAGES_MAX }));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function remembered(memory: WebAssembly.Memory): Bytes {
  const { buffer } = memory;
  memories.set(buffer, memory);
  return buffer;
}

function roomFor(sizeBytes: number): number {
  return Math.ceil(sizeBytes / GROWTH_SHARE);
}

/** The array, or where it is too short one that holds at least `length` elements. */
export function grownU32(
  array: Uint32Array<ArrayBuffer>,
  length: number,
): Uint32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  return new Uint32Array(grown(array.buffer, length * 4, roomFor(length * 4)));
}

export function grownI32(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  return new Int32Array(grown(array.buffer, length * 4, roomFor(length * 4)));
}

export function grownU16(
  array: Uint16Array<ArrayBuffer>,
  length: number,
): Uint16Array<ArrayBuffer> {
  if (length <= array.length) return array;
  return new Uint16Array(grown(array.buffer, length * 2, roomFor(length * 2)));
}

export function grownU8(array: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= array.length) return array;
  return new Uint8Array(grown(array.buffer, length, roomFor(length)));
}

/** Exactly `length` elements, more than before: the old ones and zeros; for hash tables. */
export function lengthenedU32(
  array: Uint32Array<ArrayBuffer>,
  length: number,
): Uint32Array<ArrayBuffer> {
  return new Uint32Array(grown(array.buffer, length * 4, 0), 0, length);
}

/** `length` zeros, in place of an array that is outgrown: for hash tables that are filled anew. */
export function clearedU32(
  array: Uint32Array<ArrayBuffer>,
  length: number,
): Uint32Array<ArrayBuffer> {
  const sizeBytes = length * 4;
  const own = memories.get(array.buffer);
  if (own !== undefined && sizeBytes >= own.buffer.byteLength / 2)
    return new Uint32Array(grownInPlace(own, sizeBytes), 0, length).fill(0);
  release(array);
  const fresh = sizeBytes < OWN_MEMORY_BYTES ? undefined : ownMemory(sizeBytes);
  return new Uint32Array(fresh ?? new ArrayBuffer(sizeBytes), 0, length);
}

/** Gives the memory of an array back; the array must not be used any more. */
export function release(array: { readonly buffer: ArrayBuffer }): void {
  // The garbage collector takes a memory of its own; nobody else can.
  if (memories.has(array.buffer)) return;
  // A buffer that is handed on with no bytes leaves its own behind.
  array.buffer.transfer(0);
}
