// How --memory is shared out. What an empty server takes comes first; of the rest the head and
// caches have shares of their own, as have dictionaries and bodies (ingest-memory.ts); the index
// takes what they leave, and one bound holds for the sum (tsdb/memory-bound.ts).
import { totalmem } from 'node:os';
import { MemoryBound } from '../../tsdb/memory-bound.ts';

/** Share of the machine's memory where the settings name none. */
const MACHINE_SHARE = 0.5;
/** What a server without data takes, with room for garbage; at most half of the memory. */
const RUNTIME_BYTES = 128 * 2 ** 20;
const HEAD_SHARE = 0.5;
/** 32-bit addresses: what is beyond goes to caches. */
const HEAD_BYTES_MAX = 3.5 * 2 ** 30;
/** Of what is read of parts. */
const CACHE_SHARE = 1 / 16;

/** The bound of the data; 0 asks for a share of the machine. */
export function memoryBound(memoryBytes: number): MemoryBound {
  const wholeBytes = memoryBytes === 0 ? totalmem() * MACHINE_SHARE : memoryBytes;
  return new MemoryBound(Math.floor(Math.max(wholeBytes - RUNTIME_BYTES, wholeBytes / 2)));
}

export function storageShares({ bytesMax }: MemoryBound) {
  return {
    headBytesMax: Math.floor(Math.min(bytesMax * HEAD_SHARE, HEAD_BYTES_MAX)),
    cacheBytes: Math.floor(bytesMax * CACHE_SHARE),
  };
}
