// Times of today in milliseconds: varints of six bytes, taken as two words. Both predicted scans
// read nothing else; whatever has another length goes to the general reader.

/** Size of such a varint. */
export const TIME_BYTES = 6;

/** Continuation bits: all but in the last byte. */
const LOW_MORE = 0x80808080 | 0;
const HIGH_MASK = 0x8080;
const HIGH_LAST = 0x0080;
const TWO_28 = 268_435_456;
const TWO_35 = 34_359_738_368;

/** Are the first four bytes (signed, little-endian) and the last two such a varint? */
export function isSixByteVarint(low: number, high: number): boolean {
  return (low & LOW_MORE) === LOW_MORE && (high & HIGH_MASK) === HIGH_LAST;
}

/** Its number, below 2^42. */
export function sixByteVarint(low: number, high: number): number {
  const lower =
    (low & 127) | ((low >>> 1) & 0x3f80) | ((low >>> 2) & 0x1fc000) | ((low >>> 3) & 0xfe00000);
  return lower + (high & 127) * TWO_28 + (high >>> 8) * TWO_35;
}
