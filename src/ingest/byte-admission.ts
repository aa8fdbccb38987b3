// The short way from the labels of a body to a series: where they are plain, no string is made.
// Whatever is not plain (unsorted, empty, over a limit, malformed, of a tenant with rules) is left
// to series-admission.ts, which says what is wrong or puts it in order; both let the same series
// in. Runs once per new row of a dictionary.
import { decodeUtf8 } from '../codec/utf8.ts';
import type { SeriesRef } from '../model/columns.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import { RANGE_STRIDE, SAME } from '../model/label-bytes.ts';
import { ROW_UNKNOWN } from '../model/rows.ts';
import type { AdmissionContext } from './series-admission.ts';

export class ByteAdmission {
  readonly #context: AdmissionContext;
  /** The last series that was let in: what is the same in the next one need not be looked at. */
  #labels: LabelBytes | undefined = undefined;
  #serial = 0;

  constructor(context: AdmissionContext) {
    this.#context = context;
  }

  /** The ref of the series, REF_REFUSED, or ROW_UNKNOWN where the labels are not plain. */
  admit(labels: LabelBytes): SeriesRef {
    const { storage, tenant, forcedLabels, limits, relabelling } = this.#context;
    const { count } = labels;
    const isPlain =
      relabelling === undefined &&
      forcedLabels.length === 0 &&
      count > 0 &&
      count <= limits.labelCountMax &&
      this.#areGood(labels, this.#labels === labels && this.#serial + 1 === labels.serial);
    if (!isPlain) return ROW_UNKNOWN;
    this.#labels = labels;
    this.#serial = labels.serial;
    return storage.resolveBytes(tenant, labels);
  }

  #areGood(labels: LabelBytes, goesOn: boolean): boolean {
    const { count, ranges, same, bytes } = labels;
    const { labelNameBytesMax, labelValueBytesMax } = this.#context.limits;
    let before: number = SAME.nothing;
    for (let i = 0; i < count; i++) {
      const kept = goesOn ? same[i]! : SAME.nothing;
      const at = i * RANGE_STRIDE;
      if (kept === SAME.nothing && !isGood(bytes, ranges[at]!, ranges[at + 1]!, labelNameBytesMax))
        return false;
      if (kept !== SAME.all && !isGood(bytes, ranges[at + 2]!, ranges[at + 3]!, labelValueBytesMax))
        return false;
      // Two names that both stood here before are in order.
      if (i > 0 && (kept === SAME.nothing || before === SAME.nothing) && !ascends(labels, at))
        return false;
      before = kept;
    }
    return true;
  }
}

/** Is this a text that may be stored: not empty, not too long, UTF-8? */
function isGood(bytes: Uint8Array, start: number, end: number, sizeMax: number): boolean {
  if (start === end || end - start > sizeMax) return false;
  for (let i = start; i < end; i++)
    if (bytes[i]! > 127) return decodeUtf8(bytes, i, end) !== undefined;
  return true;
}

/** Does the name at `at` come behind the one before it, in byte order? */
function ascends({ ranges, bytes }: LabelBytes, at: number): boolean {
  const left = ranges[at - RANGE_STRIDE]!;
  const leftSize = ranges[at - RANGE_STRIDE + 1]! - left;
  const right = ranges[at]!;
  const rightSize = ranges[at + 1]! - right;
  const shared = Math.min(leftSize, rightSize);
  for (let i = 0; i < shared; i++) {
    const difference = bytes[left + i]! - bytes[right + i]!;
    if (difference !== 0) return difference < 0;
  }
  return leftSize < rightSize;
}
