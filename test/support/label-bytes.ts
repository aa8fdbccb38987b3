// Labels as bytes of a body, both ways, for storages and tests that have no scanner.
import { LabelBytes, RANGE_STRIDE } from '../../src/model/label-bytes.ts';
import type { Labels } from '../../src/model/labels.ts';

/** The labels that a caller of `resolveBytes` means. */
export function decodedLabels({ bytes, ranges, count }: LabelBytes): Labels {
  return Array.from({ length: count * 2 }, (_, i) => {
    const at = (i >> 1) * RANGE_STRIDE + (i & 1) * 2;
    return Buffer.from(bytes.subarray(ranges[at], ranges[at + 1])).toString('utf8');
  });
}

/** Hands label sets out as bytes, one after the other, all in one body. */
export function* asLabelBytes(sets: readonly Labels[]): Generator<LabelBytes, void, void> {
  const body = Buffer.from(sets.flat().join(''));
  const labels = new LabelBytes();
  labels.open(body, new DataView(body.buffer, body.byteOffset, body.byteLength));
  let at = 0;
  for (const set of sets) {
    labels.next();
    for (let i = 0; i < set.length; i += 2) {
      const middle = at + Buffer.byteLength(set[i]!);
      const end = middle + Buffer.byteLength(set[i + 1]!);
      labels.push(at, middle, middle, end);
      at = end;
    }
    yield labels;
  }
  labels.close();
}
