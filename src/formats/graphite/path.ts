// The slow half of the Graphite scanner: what a path means, looked at only when the dictionary does
// not know its bytes. Three forms (carbon 1.1 lib/carbon/util.py, class TaggedSeries):
//
//   a.b.c                       a name
//   a.b.c;tag=value;other=v     a name with tags
//   a.b.c{tag="value",other="v"}  the same in the form of OpenMetrics; \" and \\ are escapes
//
// In front of each may stand `SECRET@.`, which says who writes and is no part of the name.
import { decodeUtf8 } from '../../codec/utf8.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { SERIES_LABELS_MAX } from '../limits.ts';

/** What ends the secret in front of a path. */
const SECRET_END = '@.';

const QUOTED_TAG = /([^=]+)="((?:\\["\\]|[^"\\])+)"(?:,|$)/y;

/** Sets `pairs`; a reason where the tag may not be written. */
function addTag(pairs: string[], tag: string, value: string): string {
  if (tag === '') return 'a tag has no name';
  if (value === '') return `tag '${tag}' has no value`;
  if (/[;!^=]/.test(tag)) return `tag '${tag}' has one of ; ! ^ = in its name`;
  if (value.includes(';')) return `tag '${tag}' has a ; in its value`;
  if (value.startsWith('~')) return `the value of tag '${tag}' starts with ~`;
  if (tag === METRIC_NAME) return `tag ${METRIC_NAME} is reserved`;
  if (pairs.length / 2 > SERIES_LABELS_MAX) return `more than ${SERIES_LABELS_MAX} tags`;
  pairs.push(tag, value);
  return '';
}

function readTags(pairs: string[], segments: readonly string[]): string {
  for (const segment of segments) {
    const equals = segment.indexOf('=');
    if (equals < 0) return `tag '${segment}' has no equals sign`;
    const reason = addTag(pairs, segment.slice(0, equals), segment.slice(equals + 1));
    if (reason !== '') return reason;
  }
  return '';
}

function readQuotedTags(pairs: string[], text: string): string {
  QUOTED_TAG.lastIndex = 0;
  while (QUOTED_TAG.lastIndex < text.length) {
    const at = QUOTED_TAG.lastIndex;
    const match = QUOTED_TAG.exec(text);
    if (match === null) return `malformed tags at '${text.slice(at)}'`;
    const reason = addTag(pairs, match[1]!, match[2]!.replace(/\\(["\\])/g, '$1'));
    if (reason !== '') return reason;
  }
  return '';
}

function withoutSecret(path: string): string {
  const at = path.indexOf(SECRET_END);
  return at > 0 ? path.slice(at + SECRET_END.length) : path;
}

/** Flat name, value with the metric name first, or the reason why the path is none. */
export function parsePath(
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly string[] | string {
  const text = decodeUtf8(bytes, start, end);
  if (text === undefined) return 'invalid UTF-8 in the path';
  const path = withoutSecret(text);
  const brace = path.endsWith('"}') ? path.indexOf('{') : -1;
  const segments = brace < 0 ? path.split(';') : [];
  const name = brace < 0 ? segments[0]! : path.slice(0, brace);
  if (name === '') return 'the path has no name';
  const pairs = [METRIC_NAME, name];
  const reason =
    brace < 0
      ? readTags(pairs, segments.slice(1))
      : readQuotedTags(pairs, path.slice(brace + 1, -1));
  return reason === '' ? pairs : reason;
}
