// Threads that work beside the one that takes writes give way to it. Where there are fewer
// processors than threads that work, a large query or a merge must not take turns with it: that
// would wait milliseconds for each of its own.
import { getPriority, setPriority } from 'node:os';

/** Lower than that of the thread that takes writes by so much. */
const PRIORITY_STEP = 10;
const PRIORITY_LOWEST = 19;

/** Of the thread that calls, on Linux alone; elsewhere it would be the whole process. */
export function lowerPriority(): void {
  if (process.platform !== 'linux') return;
  setPriority(0, Math.min(getPriority(0) + PRIORITY_STEP, PRIORITY_LOWEST));
}
