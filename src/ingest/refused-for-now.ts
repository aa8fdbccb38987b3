// Refs of rows that are refused, but not for ever: a limit of series may be free again with the
// next write. A dictionary remembers them all the same, so that a body that is scanned in several
// turns is not refused anew in each of them. Such a ref is a negative number below REF_REFUSED and
// ROW_UNKNOWN: the write it was refused in, and why. To readers of rows it is one that `find` has
// to be asked for.
import { REFUSAL_REASONS } from './refusal-reasons.ts';
import type { RefusalReason } from './refusal-reasons.ts';

const BASE = -8;
const REASON_BITS = 3;

/** Of one dictionary until it forgets everything. */
export const STAMPS_MAX = 2 ** (31 - REASON_BITS) - 2;

/** `stamp`: 0 to STAMPS_MAX. */
export function refusedForNow(stamp: number, reason: RefusalReason): number {
  return BASE - ((stamp << REASON_BITS) | REFUSAL_REASONS.indexOf(reason));
}

export function stampOf(ref: number): number {
  return (BASE - ref) >> REASON_BITS;
}

export function reasonOf(ref: number): RefusalReason {
  return REFUSAL_REASONS[(BASE - ref) & ((1 << REASON_BITS) - 1)]!;
}
