// Memory of a buffer given back before the garbage collector finds it. Buffers that sockets read
// into come by the hundred a second and die young: left to the collector they are fresh memory each
// time, whose pages the system has to make.

/**
 * Gives back the memory of a buffer that has one of its own; the buffer is empty then, and so are
 * all views of the same memory. For whoever got the buffer and has copied it.
 */
export function freeAtOnce({ buffer, byteLength }: Uint8Array): void {
  // An empty one may stand for nothing in many places.
  if (byteLength === 0) return;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/**
 * Gives back the memory of a decoder's output, which may be the first part of a larger one. That of
 * a small one may be in a pool of the runtime with others, and stays.
 */
export function freeOutput({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= 2 * Buffer.poolSize) buffer.transfer(0);
}
