// The slow half of the line-protocol scanner: what a row's key bytes mean, looked at only when the
// dictionary does not know them. Grammar (InfluxDB 1.x, models/points.go, and the line protocol
// reference): measurement[,key=value]… where a backslash before a comma, a space or an equals sign
// makes it an ordinary character; any other backslash is itself.
import { decodeUtf8 } from '../../codec/utf8.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { ORIGIN_LABEL } from '../../model/name-splits.ts';
import { SERIES_LABELS_MAX } from '../limits.ts';

const BACKSLASH = 92;
const COMMA = 44;
const EQUALS = 61;

export interface RowTags {
  readonly measurement: string;
  /** Flat name, value. */
  readonly tags: readonly string[];
}

/** Text of a name with its escapes resolved, or undefined where it is not UTF-8. */
export function unescapeName(bytes: Uint8Array, start: number, end: number): string | undefined {
  const raw = decodeUtf8(bytes, start, end);
  if (raw === undefined || !raw.includes('\\')) return raw;
  return raw.replace(/\\([,= ])/g, '$1');
}

/** End of the piece that starts at `start`: the first unescaped comma or equals sign, or `end`. */
function pieceEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if ((byte === COMMA || byte === EQUALS) && (i === start || bytes[i - 1] !== BACKSLASH))
      return i;
  }
  return end;
}

function measurementEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = pieceEnd(bytes, start, end);
  // An equals sign has no meaning in a measurement.
  while (at < end && bytes[at] === EQUALS) at = pieceEnd(bytes, at + 1, end);
  return at;
}

/** The tags from `start` on into `tags`; a reason where one is malformed. */
function readTags(
  bytes: Uint8Array,
  start: number,
  end: number,
  tags: string[],
): string | undefined {
  let at = start;
  const names = new Set<string>();
  for (;;) {
    const nameEnd = pieceEnd(bytes, at, end);
    if (nameEnd === at) return 'missing tag key';
    if (nameEnd >= end || bytes[nameEnd] === COMMA) return 'missing tag value';
    const valueEnd = pieceEnd(bytes, nameEnd + 1, end);
    if (valueEnd === nameEnd + 1) return 'missing tag value';
    if (valueEnd < end && bytes[valueEnd] === EQUALS) return 'invalid tag format';
    const name = unescapeName(bytes, at, nameEnd);
    const value = unescapeName(bytes, nameEnd + 1, valueEnd);
    if (name === undefined || value === undefined) return 'invalid UTF-8 in a tag';
    if (names.has(name)) return 'duplicate tags';
    if (name === METRIC_NAME || name === ORIGIN_LABEL) return `tag key ${name} is reserved`;
    if (names.size >= SERIES_LABELS_MAX) return `more than ${SERIES_LABELS_MAX} tags`;
    names.add(name);
    tags.push(name, value);
    if (valueEnd >= end) return undefined;
    at = valueEnd + 1;
  }
}

/** What the key [start, end) means, or the reason why it is not one. */
export function parseRowKey(bytes: Uint8Array, start: number, end: number): RowTags | string {
  if (start >= end || bytes[start] === COMMA) return 'missing measurement';
  const nameEnd = measurementEnd(bytes, start, end);
  const measurement = unescapeName(bytes, start, nameEnd);
  if (measurement === undefined) return 'invalid UTF-8 in the measurement';
  const tags: string[] = [];
  if (nameEnd < end) {
    const reason = readTags(bytes, nameEnd + 1, end, tags);
    if (reason !== undefined) return reason;
  }
  return { measurement, tags };
}
