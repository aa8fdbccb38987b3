// What OpenTSDB allows in names and how it words that something is not: metric and tags → label
// pairs. Source: OpenTSDB 2.4 core/Tags.java (validateString), core/IncomingDataPoints.java
// (checkMetricAndTags). Looked at only when the dictionary does not know the bytes.
import { METRIC_NAME } from '../../model/labels.ts';
import { SERIES_LABELS_MAX } from '../limits.ts';

/** The first character that is neither a letter, a digit nor one of - _ . / */
const ILLEGAL = /[^\p{L}0-9\-_./]/u;

function nameReason(what: string, text: string | null): string {
  if (text === null) return `Invalid ${what}: null`;
  if (text === '') return `Invalid ${what}: empty string`;
  const illegal = ILLEGAL.exec(text);
  return illegal === null ? '' : `Invalid ${what} ("${text}"): illegal character: ${illegal[0]}`;
}

export function tooManyTags(count: number): string {
  return `Too many tags: ${count} maximum allowed: ${SERIES_LABELS_MAX}`;
}

/** Flat name, value with the metric first, or OpenTSDB's reason against it. */
export function seriesPairs(
  metric: string,
  tags: readonly (readonly [string, string | null])[],
): readonly string[] | string {
  if (tags.length > SERIES_LABELS_MAX) return tooManyTags(tags.length);
  let reason = nameReason('metric name', metric);
  const pairs = [METRIC_NAME, metric];
  for (const [name, value] of tags) {
    if (reason === '') reason = nameReason(`tag name with value [${value}]`, name);
    if (reason === '') reason = nameReason(`tag value with key [${name}]`, value);
    if (reason === '' && name === METRIC_NAME) reason = `Invalid tag name ("${name}"): reserved`;
    if (reason !== '') return reason;
    pairs.push(name, value!);
  }
  return reason === '' ? pairs : reason;
}
