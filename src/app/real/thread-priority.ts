// Threads that work beside the one that takes writes give way to it. Where there are fewer
// processors than threads that work, a large query or a merge must not take turns with it: that
// would wait milliseconds for each of its own.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Lower than that of the thread that takes writes by so much. */
const PRIORITY_STEP = 10;
const PRIORITY_LOWEST = 19;

/** The engine's own threads, which compile and collect. */
const HELPER_NAME = 'node-V8Worker';
const TASKS = '/proc/self/task';

function lower(thread: number): void {
  setPriority(thread, Math.min(getPriority(thread) + PRIORITY_STEP, PRIORITY_LOWEST));
}

/** Of the thread that calls, on Linux alone; elsewhere it would be the whole process. */
export function lowerPriority(): void {
  if (process.platform === 'linux') lower(0);
}

/**
 * Of the engine's helpers, on Linux alone. There are as many as it likes, of one class with the
 * thread that takes writes: where they are more than the processors, a collection that goes on
 * beside it takes its turns. Returns their ids.
 */
export function lowerHelpers(): number[] {
  // A container may have no /proc.
  if (process.platform !== 'linux' || !existsSync(TASKS)) return [];
  const helpers = readdirSync(TASKS)
    .filter((id) => readFileSync(`${TASKS}/${id}/comm`, 'utf8') === `${HELPER_NAME}\n`)
    .map(Number);
  for (const id of helpers) lower(id);
  return helpers;
}
