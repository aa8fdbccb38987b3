// What a series ref is made of. Memory of a series is found by its slot, and slots are used again;
// a ref also holds how often its slot was given before, so that the ref of a series that is gone
// never means another one. What a shard's number takes of the bits (shard-of.ts) its lives lack.
import { REF_MAX } from './limits.ts';

export const SLOT_BITS = 24;
const SLOT_MASK = 2 ** SLOT_BITS - 1;
/** The last one stays free, so that a slot + 1 has as many bits. */
export const SLOTS_MAX = SLOT_MASK;

/** Place of a series in arrays by series; unique among the live ones. */
export function slotOf(ref: number): number {
  return ref & SLOT_MASK;
}

export function refOf(slot: number, life: number): number {
  return (life << SLOT_BITS) | slot;
}

/** How often a slot is given in one of so many shards; then never again. */
export function livesOf(shardCount: number): number {
  return Math.floor((REF_MAX + 1) / shardCount / 2 ** SLOT_BITS);
}
