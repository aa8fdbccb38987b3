// How long the disk itself stands still meanwhile: 4 KiB written and synced every few milliseconds
// by a thread of its own, beside whatever is measured. On a shared machine its disk may answer
// nobody for half a second, and no durable write is faster than its sync.
import { Worker } from 'node:worker_threads';

const EVERY_MS = 5;
/** A sync takes a fraction of a millisecond; no durable write is faster than its own. */
const STALL_MS = 20;

/** Of the wall clock, in milliseconds. */
export interface DiskStall {
  readonly startMs: number;
  readonly endMs: number;
}

/** Probes the disk of a folder until `stop`, which resolves to its stalls in order. */
export function startDiskProbe(folder: string): { readonly stop: () => Promise<DiskStall[]> } {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { folder, everyMs: EVERY_MS, stallMs: STALL_MS, stop: flag };
  const worker = new Worker(new URL('disk-probe-thread.ts', import.meta.url), { workerData });
  const stalls = new Promise<DiskStall[]>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const stop = async (): Promise<DiskStall[]> => {
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    return stalls;
  };
  return { stop };
}

/** Whether a moment lies in a stall, or in as long again behind it: what waited is worked off. */
export function isBesideStall(stalls: readonly DiskStall[], atMs: number): boolean {
  return stalls.some(({ startMs, endMs }) => atMs >= startMs && atMs <= 2 * endMs - startMs);
}
