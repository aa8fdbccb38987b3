// Bounds of answers about the house.

/** Series that a preview of relabelling rules looks at; the answer says whether there were more. */
export const PREVIEW_SERIES_MAX = 100_000;
/** Changed series that a preview shows. */
export const PREVIEW_EXAMPLES_MAX = 20;
/** A preview looks at the clock every so many series, and works so long without a turn. */
export const PREVIEW_SERIES_PER_LOOK = 64;
export const PREVIEW_SLICE_MS = 0.5;
/** Names that an answer about collisions shows; all are counted. */
export const COLLISION_NAMES_MAX = 1000;
