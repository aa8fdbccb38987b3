// How --memory is shared out. What an empty server takes comes first. Of the rest queries have a
// share of their own, so that a large one refuses no write; of what is left head and caches have
// shares, as have dictionaries and bodies (ingest-memory.ts); the index takes what they leave, and
// one bound holds for the sum (tsdb/memory-bound.ts).
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
/** Of queries, and what of that results may take that are kept. */
const QUERIES_SHARE = 1 / 4;
const RESULTS_SHARE = 1 / 4;
/** Less than that serves nobody, whatever --memory says: the runtime alone takes more. */
const QUERIES_BYTES_MIN = 16 * 2 ** 20;
const DATA_BYTES_MIN = 64 * 2 ** 20;

/** What the process may take. 0 asks for a share of the machine. */
export function wholeMemoryBytes(memoryBytes: number): number {
  return memoryBytes === 0 ? totalmem() * MACHINE_SHARE : memoryBytes;
}

/** The bound of data and of queries. */
export function memoryBound(memoryBytes: number): MemoryBound {
  const wholeBytes = wholeMemoryBytes(memoryBytes);
  const restBytes = Math.floor(Math.max(wholeBytes - RUNTIME_BYTES, wholeBytes / 2));
  const queriesBytesMax = Math.floor(Math.max(restBytes * QUERIES_SHARE, QUERIES_BYTES_MIN));
  const dataBytesMin = Math.min(restBytes, DATA_BYTES_MIN);
  return new MemoryBound(Math.max(restBytes - queriesBytesMax, dataBytesMin), queriesBytesMax);
}

export function storageShares({ bytesMax }: MemoryBound) {
  return {
    headBytesMax: Math.floor(Math.min(bytesMax * HEAD_SHARE, HEAD_BYTES_MAX)),
    cacheBytes: Math.floor(bytesMax * CACHE_SHARE),
  };
}

/** Running queries together, and results that are kept, at most what the settings say. */
export function queryShares({ queriesBytesMax }: MemoryBound, cacheBytes: number) {
  const resultBytesMax = Math.min(cacheBytes, Math.floor(queriesBytesMax * RESULTS_SHARE));
  return { resultBytesMax, runningBytesMax: queriesBytesMax - resultBytesMax };
}
