// Which texts and pairs the rows of an index use: what a sweep leaves.
import type { IndexTables } from './tenant-series.ts';

/** 1 by number where it is used. O(all that is in the index). */
export function usedTexts({ rows, pairs, symbols }: IndexTables): {
  readonly usedPairs: Uint8Array;
  readonly usedSymbols: Uint8Array;
} {
  const usedPairs = new Uint8Array(pairs.end);
  const usedSymbols = new Uint8Array(symbols.count);
  for (let slot = 0; slot < rows.slotEnd; slot++) {
    if (!rows.isLiveSlot(slot)) continue;
    const count = rows.labelCount(slot);
    for (let i = 0; i < count; i++) {
      const pair = rows.pairAt(slot, i);
      if (usedPairs[pair] !== 0) continue;
      usedPairs[pair] = 1;
      usedSymbols[pairs.nameOf(pair)] = 1;
      usedSymbols[pairs.valueOf(pair)] = 1;
    }
  }
  return { usedPairs, usedSymbols };
}
