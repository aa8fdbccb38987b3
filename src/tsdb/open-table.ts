// Sizes and places of the hash tables of the index: open addressing with steps of one in words
// that hold a number + 1 (0 is free) and bits of its hash. A table is filled to three quarters (at
// seven eighths a look for what is new takes 32 steps) and then grows by a half or a third: its
// places are 2^k or 1.5 · 2^k. Entries lack most of their hash, so a table that grows reads what
// its entries stand for, which smaller steps would do oftener.

/** Most places of a table that are taken. */
export function isCrowded(used: number, places: number): boolean {
  return used > mostIn(places);
}

/** Entries that a table takes before it is crowded. */
export function mostIn(places: number): number {
  return Math.floor((places * 3) / 4);
}

/** The next size; `places` is one. */
export function largerTable(places: number): number {
  const isPower = (places & (places - 1)) === 0;
  return isPower ? places + places / 2 : (places / 3) * 4;
}

/** The smallest size from `first` on that `used` leave some room of. */
export function tableFor(used: number, first: number): number {
  let places = first;
  while (used * 3 > places * 2) places = largerTable(places);
  return places;
}

const PER_HASH = 2 ** -31;

/** Where a hash of 31 bits belongs: by its high bits, so the low ones tell entries apart. */
export function homeOf(hash: number, places: number): number {
  return (hash * places * PER_HASH) | 0;
}
