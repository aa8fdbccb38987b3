/**
 * Series colours. The colour slot depends on the label set's hash alone, so a series keeps its
 * colour across refreshes, pages and neighbours. When two series of one chart share a slot, the
 * dash pattern tells them apart; colour is never the only sign.
 */

/** Slots of the palette; the tokens `--series-0` … `--series-9` hold one colour each per theme. */
export const COLOUR_SLOTS = 10;

/** Dash patterns in CSS pixels, in order of use inside one slot. */
export const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

export interface SeriesStyle {
  readonly slot: number;
  readonly dash: number;
}

/** FNV-1a with a final mix, 32 bits: the low bits alone of FNV are too regular for ten slots. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** The slot that is a text's own. */
export function slotOf(text: string): number {
  return hashText(text) % COLOUR_SLOTS;
}

/** A slot that comes again has the next dash. */
export function styleSlots(slots: readonly number[]): SeriesStyle[] {
  const usedDashes = new Map<number, number>();
  return slots.map((slot) => {
    const used = usedDashes.get(slot) ?? 0;
    usedDashes.set(slot, used + 1);
    return { slot, dash: used % DASHES.length };
  });
}

/** One style per key, in the order given; keys are the texts of label sets. */
export function styleSeries(keys: readonly string[]): SeriesStyle[] {
  const sorted = keys.toSorted();
  const styles = styleSlots(sorted.map(slotOf));
  const byKey = new Map(sorted.map((key, index) => [key, styles[index]]));
  return keys.map((key) => byKey.get(key) ?? { slot: 0, dash: 0 });
}
