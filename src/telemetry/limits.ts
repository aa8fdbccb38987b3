// Bounds of telemetry: it must stay cheap and small whatever the rest of the process does.
import { assert } from '../stdx/assert.ts';

/** Lines of one key that pass in one throttle window; the rest is counted and dropped. */
export const LOG_LINES_PER_WINDOW_MAX = 10;
export const LOG_WINDOW_MS = 5_000;
/** Keys watched at once; beyond it the oldest is forgotten (its dropped count with it). */
export const LOG_KEYS_MAX = 1_000;
/** Characters of one value in a log line; hostile input must not fill a disk. */
export const LOG_VALUE_LENGTH_MAX = 2_000;

/** Children (label combinations) of one own metric; later ones share the child `other`. */
export const METRIC_CHILDREN_MAX = 1_000;

assert(LOG_LINES_PER_WINDOW_MAX > 0 && LOG_KEYS_MAX > 0, 'throttling lets something through');
