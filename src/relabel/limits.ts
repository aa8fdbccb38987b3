// Bounds of the relabel room. Rules can make texts and label sets grow without end: what one rule
// makes is the next one's input.

/** UTF-8 bytes of a configuration: a row of the catalog holds it. */
export const CONFIG_BYTES_MAX = 65_536;

/** Rules of one configuration. */
export const RULES_MAX = 512;

/** Characters of a text while rules run; above it the series is refused. */
export const TEXT_LENGTH_MAX = 65_536;

/** Labels of a series while rules run; above it the series is refused. */
export const LABELS_MAX = 1024;
