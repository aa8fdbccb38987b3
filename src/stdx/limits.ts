// Bounds of work in turns.

/** Items that are gone through between two looks at the clock, where little is done with each. */
export const ITEMS_PER_LOOK = 64;

/** Items that are sorted without a pause. */
export const SORTED_AT_ONCE = 256;
