// Labels of a series in the form that every sender writes, as byte ranges:
//
//   { 0a LENGTH 0a SIZE name 12 SIZE value }*        lengths of one or two bytes
//
// Anything else is left to the general scanner (write-request.ts).
import type { LabelBytes } from '../../model/label-bytes.ts';
import { SERIES_LABELS_MAX } from '../limits.ts';

const FIRST_BYTES = 0x0a;
const SECOND_BYTES = 0x12;
const METRIC_NAME_BYTES = 8;
/** `__na` and `me__`, little-endian. */
const METRIC_NAME_LOW = 0x616e5f5f;
const METRIC_NAME_HIGH = 0x5f5f656d;

/**
 * The labels in [start, end) as the next series of `labels`; false where they are not in this form
 * or none of them is a metric name.
 */
export function readPlainLabels(labels: LabelBytes, start: number, end: number): boolean {
  const { bytes, view } = labels;
  let hasName = false;
  labels.next();
  let at = start;
  while (at < end) {
    // The shortest label takes six bytes; a cut one would read into what follows, which is memory.
    if (bytes[at] !== FIRST_BYTES || labels.count === SERIES_LABELS_MAX) return false;
    let size = bytes[at + 1]!;
    at += 2;
    if (size >= 128) size = (size & 127) | (secondByte(bytes[at++]!) << 7);
    const stop = at + size;
    if (stop > end || bytes[at] !== FIRST_BYTES) return false;
    size = bytes[at + 1]!;
    at += 2;
    if (size >= 128) size = (size & 127) | (secondByte(bytes[at++]!) << 7);
    const nameStart = at;
    const nameEnd = at + size;
    if (nameEnd + 2 > stop || bytes[nameEnd] !== SECOND_BYTES) return false;
    size = bytes[nameEnd + 1]!;
    at = nameEnd + 2;
    if (size >= 128) size = (size & 127) | (secondByte(bytes[at++]!) << 7);
    if (at + size !== stop) return false;
    labels.push(nameStart, nameEnd, at, stop);
    hasName ||=
      nameEnd - nameStart === METRIC_NAME_BYTES &&
      view.getInt32(nameStart, true) === METRIC_NAME_LOW &&
      view.getInt32(nameStart + 4, true) === METRIC_NAME_HIGH;
    at = stop;
  }
  return hasName;
}

/** The second byte of a length; one that goes on makes the length too long for any message. */
function secondByte(byte: number): number {
  return byte < 128 ? byte : 0x100000;
}
