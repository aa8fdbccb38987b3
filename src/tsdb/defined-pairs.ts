// Pairs that a log record defines, as numbers of the index.
import type { SeriesDefinitions } from './record-series.ts';
import type { IndexTables } from './tenant-series.ts';

export function internPairs(
  { symbols, pairs: table }: IndexTables,
  { bytes, names, pairs }: SeriesDefinitions,
): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nameSymbols = Uint32Array.from({ length: names.length / 2 }, (_, i) =>
    symbols.internBytes(bytes, view, names[2 * i]!, names[2 * i + 1]!),
  );
  const pairNumbers = new Uint32Array(pairs.length / 3);
  const hashes = new Int32Array(pairNumbers.length);
  symbols.hashAll(view, pairs, hashes);
  for (let i = 0; i < pairNumbers.length; i++) {
    const [start, end] = [pairs[3 * i + 1]!, pairs[3 * i + 2]!];
    const value = symbols.internBytes(bytes, view, start, end, hashes[i]);
    pairNumbers[i] = table.intern(nameSymbols[pairs[3 * i]!]!, value);
  }
  return pairNumbers;
}
