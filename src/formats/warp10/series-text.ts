// `CLASS{NAME=VALUE,…}` of Warp 10, and attributes in the same form. All parts are
// percent-encoded; spaces around pairs and empty pairs count for nothing.
// Source: senx/warp10-platform, continuum/gts/GTSHelper.java.
import { decodeUtf8 } from '../../codec/utf8.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { SERIES_LABELS_MAX, WARP10_ATTRIBUTES_LENGTH_MAX } from '../limits.ts';
import { decodePercent, decodePercentText, encodePercent } from './percent.ts';

/** Flat name, value. */
type Pairs = readonly string[];

/** The pairs of `NAME=VALUE,…`, or undefined where they are malformed. */
function parsePairs(bytes: Uint8Array, start: number, end: number): string[] | undefined {
  const raw = decodeUtf8(bytes, start, end);
  if (raw === undefined) return undefined;
  const pairs: string[] = [];
  for (const token of raw.split(',')) {
    const text = token.trim();
    if (text === '') continue;
    const parts = text.split('=');
    if (parts.length !== 2) return undefined;
    const name = decodePercentText(parts[0]!);
    const value = decodePercentText(parts[1]!);
    if (name === undefined || value === undefined || name === '') return undefined;
    pairs.push(name, value);
  }
  return pairs;
}

/** Label pairs of a series, its class as the metric name; or why it is none. */
export function parseSeries(bytes: Uint8Array, start: number, end: number): string[] | string {
  const brace = bytes.indexOf(OPEN_BRACE, start);
  const name = decodePercent(bytes, start, brace);
  if (name === undefined || name === '') return 'Missing or invalid GTS name and labels.';
  const pairs = parsePairs(bytes, brace + 1, end - 1);
  if (pairs === undefined) return 'Invalid label definition.';
  if (pairs.length > SERIES_LABELS_MAX * 2) return `More than ${SERIES_LABELS_MAX} labels.`;
  for (let i = 0; i < pairs.length; i += 2)
    if (pairs[i] === METRIC_NAME) return `Label ${METRIC_NAME} is reserved for the class.`;
  return [...pairs, METRIC_NAME, name];
}

/** Attribute pairs between braces, or why they are none. */
export function parseAttributes(bytes: Uint8Array, start: number, end: number): Pairs | string {
  const pairs = parsePairs(bytes, start, end);
  if (pairs === undefined) return 'Invalid attribute definition.';
  let length = 0;
  for (const text of pairs) length += text.length;
  return length > WARP10_ATTRIBUTES_LENGTH_MAX
    ? `Attributes take more than ${WARP10_ATTRIBUTES_LENGTH_MAX} characters.`
    : pairs;
}

/** `CLASS{NAME=VALUE,…}` of the labels of a series. */
export function printSeries(labels: readonly string[]): string {
  let name = '';
  const pairs: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    const value = encodePercent(labels[i + 1]!);
    if (labels[i] === METRIC_NAME) name = value;
    else pairs.push(`${encodePercent(labels[i]!)}=${value}`);
  }
  return `${name}{${pairs.join(',')}}`;
}

/** `{NAME=VALUE,…}`. */
export function printAttributes(attributes: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(attributes).map(
    ([key, value]) => `${encodePercent(key)}=${encodePercent(value)}`,
  );
  return `{${pairs.join(',')}}`;
}

const OPEN_BRACE = 123;
