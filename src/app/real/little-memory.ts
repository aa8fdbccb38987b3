// A runtime for little memory. Left alone it spends tens of megabytes on speed: a young generation
// of 48 MB, and holes that the C library keeps where large buffers were, because with each that it
// gives back it asks the system less often. Both are chosen when a process starts, so it starts
// again, in place: the same process id, standard streams and arguments (docs/decisions/0037).
import { flushCompileCache } from 'node:module';
import { isMainThread } from 'node:worker_threads';

/** Below this the process cannot afford them. */
const LITTLE_BYTES = 1024 * 1024 * 1024;
/** Of a half of the young generation; it has three. */
const YOUNG_FLAG = '--max-semi-space-size';
const YOUNG_MIB = 4;
/** Buffers of so many bytes have mappings of their own, which go back as soon as they are free. */
const OWN_MAPPING_BYTES = 128 * 1024;

export function isLittleMemory(memoryBytes: number): boolean {
  return memoryBytes < LITTLE_BYTES;
}

/** Does not return where the process starts again. Nothing may be open yet. */
export function restartForLittleMemory(): void {
  const isDone = process.execArgv.some((flag) => flag.startsWith(YOUNG_FLAG));
  if (isDone || !isMainThread || process.execve === undefined) return;
  flushCompileCache();
  const flags = [`${YOUNG_FLAG}=${YOUNG_MIB}`, ...process.execArgv];
  const malloc = {
    MALLOC_MMAP_THRESHOLD_: String(OWN_MAPPING_BYTES),
    MALLOC_TRIM_THRESHOLD_: String(OWN_MAPPING_BYTES),
    MALLOC_ARENA_MAX: '1',
  };
  const { execPath, argv, env } = process;
  process.execve(execPath, [execPath, ...flags, ...argv.slice(1)], { ...malloc, ...env });
}
