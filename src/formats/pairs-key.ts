// The ref of a series from its label pairs alone, through the dictionary of a scan: for series that
// the body does not write out (staleness markers, histograms made of several lines).
import type { RowDictionary } from '../model/rows.ts';
import { ROW_UNKNOWN } from '../model/rows.ts';

/** Bytes that stand for the pairs: no text of a series begins as JSON does. */
export function pairsKey(pairs: readonly string[]): Uint8Array {
  return Buffer.from(JSON.stringify(pairs));
}

/** Ref, or REF_REFUSED. `bytes`: the key of the pairs. */
export function refOfPairs(
  dictionary: RowDictionary,
  pairs: readonly string[],
  bytes = pairsKey(pairs),
): number {
  const { length: end } = bytes;
  const ref = dictionary.find(bytes, 0, end, end, end);
  if (ref !== ROW_UNKNOWN) return ref;
  return dictionary.add({ bytes, start: 0, end, start2: end, end2: end }, pairs, undefined);
}
