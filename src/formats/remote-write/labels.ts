// Labels and metadata types of remote-write messages, by the book: whatever a sender may write.
//
//   Label = 1: string name, 2: string value
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { WIRE } from '../../codec/protobuf.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { SERIES_LABELS_MAX } from '../limits.ts';

const LABEL_TAG = (1 << 3) | WIRE.bytes;
const FIRST_BYTES = (1 << 3) | WIRE.bytes;
const SECOND_BYTES = (2 << 3) | WIRE.bytes;

/** MetricMetadata.MetricType in the order of its numbers. */
export const METADATA_TYPES = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

/** Reads one Label message into `pairs`; a reason or ''. */
export function readLabel(reader: ProtobufReader, pairs: string[]): string {
  const outerEnd = reader.end;
  const stop = reader.lengthEnd();
  reader.end = stop;
  let name: string | undefined = '';
  let value: string | undefined = '';
  while (reader.at < stop) {
    const tag = reader.tag();
    if (tag === FIRST_BYTES || tag === SECOND_BYTES) {
      const end = reader.lengthEnd();
      const text = decodeUtf8(reader.bytes, reader.at, end);
      reader.at = end;
      if (tag === FIRST_BYTES) name = text;
      else value = text;
    } else reader.skip(tag);
  }
  reader.end = outerEnd;
  if (name === undefined || value === undefined) return 'a label is not valid UTF-8';
  if (name === '') return 'a label has an empty name';
  pairs.push(name, value);
  return pairs.length > SERIES_LABELS_MAX * 2 ? `more than ${SERIES_LABELS_MAX} labels` : '';
}

/** Label pairs among the fields of [start, end), or the reason why they are no series. */
export function readLabels(reader: ProtobufReader, start: number, end: number): string[] | string {
  const pairs: string[] = [];
  reader.at = start;
  reader.end = end;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag !== LABEL_TAG) {
      reader.skip(tag);
      continue;
    }
    const reason = readLabel(reader, pairs);
    if (reason !== '') return reason;
  }
  const values = new Map<string, string>();
  for (let i = 0; i < pairs.length; i += 2) {
    const known = values.get(pairs[i]!);
    if (known !== undefined && known !== pairs[i + 1])
      return `label name '${pairs[i]}' is given twice with different values`;
    values.set(pairs[i]!, pairs[i + 1]!);
  }
  return (values.get(METRIC_NAME) ?? '') === '' ? 'series without a metric name' : pairs;
}
