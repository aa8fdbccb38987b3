// The thread of a disk probe: a small write and its sync again and again, each timed. It blocks,
// so it is no thread that does anything else.
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

const WRITE_BYTES = 4096;
/** The file is written from its start again when it is so long, so that it stays allocated. */
const FILE_WRITES = 1024;

const { folder, everyMs, stallMs, stop } = workerData as {
  readonly folder: string;
  readonly everyMs: number;
  readonly stallMs: number;
  readonly stop: Int32Array;
};
const path = join(folder, 'disk-probe');
const file = openSync(path, 'w');
const bytes = new Uint8Array(WRITE_BYTES).fill(1);
for (let k = 0; k < FILE_WRITES; k++) writeSync(file, bytes);
fdatasyncSync(file);
const stalls: { startMs: number; endMs: number }[] = [];
for (let n = 0; Atomics.wait(stop, 0, 0, everyMs) === 'timed-out'; n++) {
  writeSync(file, bytes, 0, WRITE_BYTES, (n % FILE_WRITES) * WRITE_BYTES);
  const startMs = performance.timeOrigin + performance.now();
  fdatasyncSync(file);
  const endMs = performance.timeOrigin + performance.now();
  if (endMs - startMs > stallMs) stalls.push({ startMs, endMs });
}
closeSync(file);
rmSync(path);
parentPort?.postMessage(stalls);
