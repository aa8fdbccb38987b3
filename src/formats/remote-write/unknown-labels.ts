// Labels that the dictionary does not know yet, in the layout of remote write 1.0. A miss only:
// what a scan does for every series stays in the scan.
import { ProtobufReader } from '../../codec/protobuf.ts';
import type { LabelBytes } from '../../model/label-bytes.ts';
import type { RowDictionary, RowKey } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { readLabels } from './labels.ts';
import { readPlainLabels } from './plain-labels.ts';

/**
 * Ref of the labels at `key` (REF_REFUSED where the dictionary takes none), or why they are no
 * labels. `labels` is open over the key's bytes.
 */
export function addLabels(
  dictionary: RowDictionary,
  key: RowKey,
  labels: LabelBytes,
): number | string {
  const { bytes, start, end, start2, end2 } = key;
  let ref = ROW_UNKNOWN;
  if (start2 === end2 && readPlainLabels(labels, start, end))
    ref = dictionary.addBytes?.(key, labels) ?? ROW_UNKNOWN;
  if (ref !== ROW_UNKNOWN) return ref;
  const pairs = readLabels(new ProtobufReader(bytes, start, end), start, end);
  return typeof pairs === 'string' ? pairs : dictionary.add(key, pairs, undefined);
}
