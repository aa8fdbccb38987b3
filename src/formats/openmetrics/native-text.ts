// A native histogram written out in a line of text, as the official Python client writes and reads
// it: `{count:24,sum:100,schema:0,zero_threshold:0.001,zero_count:4,positive_spans:[0:2,1:2],
// positive_deltas:[2,1,-3,3],…}`. Lists of deltas are differences between neighbouring buckets.
import type { BucketSpan, Histogram } from '../../model/histogram.ts';
import { COUNTER_RESET_HINT } from '../../model/histogram.ts';
import { withStoredResolution } from '../../model/histogram-resolution.ts';
import { MESSAGE_ITEMS_MAX } from '../limits.ts';
import { countsReason, layoutReason } from '../remote-write/histogram.ts';

const FIELD = /([a-z_]+):(\[[^\]]*\]|[^,[\]]+)(?:,|$)/y;
const NUMBERS = new Set(['count', 'sum', 'schema', 'zero_threshold', 'zero_count']);
const LISTS = new Set(['positive_spans', 'negative_spans', 'positive_deltas', 'negative_deltas']);
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const WORDS: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Infinity,
  '+inf': Infinity,
};

function numberOf(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : WORDS[text.toLowerCase()];
}

/** The fields by name, or undefined where the text is none of this form. */
function fieldsOf(text: string): ReadonlyMap<string, string> | undefined {
  if (!text.startsWith('{') || !text.endsWith('}')) return undefined;
  const inner = text.slice(1, -1);
  const fields = new Map<string, string>();
  FIELD.lastIndex = 0;
  for (let at = 0; at < inner.length; at = FIELD.lastIndex) {
    const match = FIELD.exec(inner);
    if (match === null) return undefined;
    const [, name, value] = match as unknown as [string, string, string];
    const isKnown = value.startsWith('[') ? LISTS.has(name) : NUMBERS.has(name);
    if (!isKnown || fields.has(name)) return undefined;
    fields.set(name, value);
  }
  return inner.endsWith(',') ? undefined : fields;
}

function itemsOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined || text === '[]') return [];
  const items = text.slice(1, -1).split(',');
  return items.length > MESSAGE_ITEMS_MAX ? undefined : items;
}

function spansOf(text: string | undefined): BucketSpan[] | undefined {
  const spans: BucketSpan[] = [];
  for (const item of itemsOf(text) ?? ['']) {
    const match = /^(-?\d{1,9}):(\d{1,9})$/.exec(item);
    if (match === null) return undefined;
    spans.push({ offset: Number(match[1]), length: Number(match[2]) });
  }
  return spans;
}

function countsOf(text: string | undefined): Float64Array | undefined {
  const items = itemsOf(text);
  if (items === undefined) return undefined;
  const counts = new Float64Array(items.length);
  let count = 0;
  for (const [i, item] of items.entries()) {
    if (!/^-?\d{1,15}$/.test(item)) return undefined;
    counts[i] = count += Number(item);
  }
  return counts;
}

/** The histogram, or the reason why the text is none. `isGauge`: counts may fall. */
export function parseNativeText(text: string, isGauge: boolean): Histogram | string {
  const fields = fieldsOf(text);
  if (fields === undefined) return 'expected a native histogram {count:…,sum:…,schema:…,…}';
  const [count, sum, schema, zeroThreshold, zeroCount] = [
    fields.get('count') ?? '',
    fields.get('sum') ?? '',
    fields.get('schema') ?? '',
    fields.get('zero_threshold') ?? '0',
    fields.get('zero_count') ?? '0',
  ].map(numberOf);
  if (
    count === undefined ||
    sum === undefined ||
    schema === undefined ||
    zeroThreshold === undefined ||
    zeroCount === undefined
  )
    return 'expected numbers as count, sum and schema of a native histogram';
  const positiveSpans = spansOf(fields.get('positive_spans'));
  const negativeSpans = spansOf(fields.get('negative_spans'));
  const positiveBuckets = countsOf(fields.get('positive_deltas'));
  const negativeBuckets = countsOf(fields.get('negative_deltas'));
  if (positiveSpans === undefined || negativeSpans === undefined)
    return 'expected spans [offset:length,…] of a native histogram';
  if (positiveBuckets === undefined || negativeBuckets === undefined)
    return 'expected whole numbers as deltas of a native histogram';
  const histogram: Histogram = {
    isInteger: true,
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    counterResetHint: isGauge ? COUNTER_RESET_HINT.gauge : COUNTER_RESET_HINT.unknown,
    positiveSpans,
    positiveBuckets,
    negativeSpans,
    negativeBuckets,
    customValues: new Float64Array(0),
  };
  return checked(histogram);
}

/** Counts that do not add up are kept as those of a float histogram, which need not. */
function checked(histogram: Histogram): Histogram | string {
  const reason = layoutReason(histogram);
  if (reason !== undefined) return reason;
  const stored = withStoredResolution(histogram);
  if (countsReason(stored) === undefined) return stored;
  const floats = { ...stored, isInteger: false };
  return countsReason(floats) ?? floats;
}
