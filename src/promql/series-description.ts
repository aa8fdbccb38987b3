// The series notation of rule unit tests and PromQL data sets: a metric and its values at equal
// steps, `up{job="x"} 1 2+3x4 _x2 stale {{schema:0 count:1}}`. Source: Prometheus
// docs/configuration/unit_testing_rules.md ("series") and promql/parser.
// Grammar after the metric, every item with white space before it:
//   item = "stale" | "_" ["x" count] | number ["x" count] | number signed-number "x" count
//        | histogram ["x" count] | histogram ("+" | "-") histogram "x" count
// Items stay unexpanded, so that a repetition costs nothing before it is wanted.
import { labelsFromPairs, METRIC_NAME } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { COUNTER_RESET_HINT } from '../model/histogram.ts';
import type { BucketSpan, CounterResetHint, Histogram } from '../model/histogram.ts';
import { SERIES_VALUES_MAX } from './limits.ts';
import { PromqlParseError } from './parse-error.ts';
import { SyntaxAbort, TokenStream } from './parser-stream.ts';
import { parseNumber, quote, quoteRune, unquote } from './text.ts';
import { METRIC_NAME_KINDS } from './token.ts';

/** `count` values; the first is `start`, each further one adds `step`. */
interface NumberItem {
  readonly kind: 'number';
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** `count` steps without a sample. */
interface GapItem {
  readonly kind: 'gap';
  readonly count: number;
}

/** One staleness marker. */
interface StaleItem {
  readonly kind: 'stale';
  readonly count: 1;
}

/**
 * `count` histograms; each further one adds (`sign` 1) or subtracts (-1) `step`, if there is one.
 */
interface HistogramItem {
  readonly kind: 'histogram';
  readonly start: Histogram;
  readonly step: Histogram | undefined;
  readonly sign: 1 | -1;
  readonly count: number;
}

export type SeriesItem = NumberItem | GapItem | StaleItem | HistogramItem;

export interface SeriesDescription {
  readonly labels: Labels;
  readonly items: readonly SeriesItem[];
}

const SPACE = /[ \t\r\n]+/y;
const TIMES = /x(\d+)/y;
const NUMBER = /[+-]?(?:\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf|nan)/iy;
const SIGNED_NUMBER = /[+-](?:\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf|nan)/iy;
const WORD = /[a-zA-Z_]+/y;
const INTEGER = /-?\d+/y;
const BUCKETS = /\[([^\]]*)\]/y;

const FLOAT_KEYS = new Set(['sum', 'count', 'z_bucket', 'z_bucket_w']);
const INTEGER_KEYS = new Set(['schema', 'offset', 'n_offset']);
const BUCKET_KEYS = new Set(['buckets', 'n_buckets', 'custom_values']);
const HINTS = new Map<string, CounterResetHint>([
  ['unknown', COUNTER_RESET_HINT.unknown],
  ['reset', COUNTER_RESET_HINT.reset],
  ['not_reset', COUNTER_RESET_HINT.notReset],
  ['gauge', COUNTER_RESET_HINT.gauge],
]);

interface Fields {
  readonly numbers: Map<string, number>;
  readonly buckets: Map<string, readonly number[]>;
}

class ValueScanner {
  readonly #input: string;
  #pos: number;
  #total = 0;

  constructor(input: string, from: number) {
    this.#input = input;
    this.#pos = from;
  }

  items(): SeriesItem[] {
    const items: SeriesItem[] = [];
    while (this.#pos < this.#input.length) {
      if (this.#take(SPACE) === undefined) this.#unexpected();
      if (this.#pos < this.#input.length) items.push(this.#item());
    }
    return items;
  }

  #fail(message: string, at = this.#pos): never {
    throw new PromqlParseError(this.#input, [{ message, pos: { start: at, end: at + 1 } }]);
  }

  #unexpected(): never {
    const char = String.fromCodePoint(this.#input.codePointAt(this.#pos) ?? 0xfffd);
    return this.#fail(`unexpected ${quoteRune(char)} in series values`);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#pos;
    const match = pattern.exec(this.#input);
    if (match === null) return undefined;
    this.#pos += match[0].length;
    return match;
  }

  #takeText(text: string): boolean {
    if (!this.#input.startsWith(text, this.#pos)) return false;
    this.#pos += text.length;
    return true;
  }

  /** `x4`; a value and its four repetitions are five (`extra` 1), a gap's four are four. */
  #count(extra: 0 | 1): number | undefined {
    const at = this.#pos;
    const times = this.#take(TIMES);
    const count = times === undefined ? 1 : Number(times[1]) + extra;
    this.#total += count;
    if (this.#total > SERIES_VALUES_MAX)
      this.#fail(`the series has more than ${SERIES_VALUES_MAX} values`, at);
    return times === undefined ? undefined : count;
  }

  #item(): SeriesItem {
    if (this.#input.startsWith('{{', this.#pos)) return this.#histogramItem();
    if (this.#takeText('_')) return { kind: 'gap', count: this.#count(0) ?? 1 };
    if (this.#takeText('stale')) return { kind: 'stale', count: 1 };
    const start = this.#number(NUMBER);
    if (start === undefined) return this.#unexpected();
    const step = this.#number(SIGNED_NUMBER);
    const count = this.#count(1);
    if (step !== undefined && count === undefined) this.#unexpected();
    return { kind: 'number', start, step: step ?? 0, count: count ?? 1 };
  }

  #number(pattern: RegExp): number | undefined {
    const at = this.#pos;
    const text = this.#take(pattern)?.[0];
    if (text === undefined) return undefined;
    const value = parseNumber(text.replace(/^[+-]/, ''));
    if (value === undefined)
      return this.#fail(`${quote(text)} is no number that fits a double`, at);
    return text.startsWith('-') ? -value : value;
  }

  #histogramItem(): HistogramItem {
    const at = this.#pos;
    const start = this.#histogram();
    const sign = this.#takeText('-') ? -1 : 1;
    const changes = sign === -1 || this.#takeText('+');
    const step = changes ? this.#histogram() : undefined;
    const count = this.#count(1);
    if (changes && count === undefined) this.#unexpected();
    if (step !== undefined && start.schema > step.schema && (count ?? 1) > 1)
      this.#fail(
        `error combining histograms: cannot merge from schema ${step.schema} to ${start.schema}`,
        at,
      );
    return { kind: 'histogram', start, step, sign, count: count ?? 1 };
  }

  #histogram(): Histogram {
    if (!this.#takeText('{{')) this.#unexpected();
    const fields: Fields = { numbers: new Map(), buckets: new Map() };
    const leadingSpace = this.#take(SPACE) !== undefined;
    if (this.#takeText('}}')) return buildHistogram(fields);
    if (leadingSpace) this.#unexpected();
    for (;;) {
      this.#field(fields);
      const spaced = this.#take(SPACE) !== undefined;
      if (this.#takeText('}}')) return buildHistogram(fields);
      if (!spaced) this.#unexpected();
    }
  }

  #field(fields: Fields): void {
    const at = this.#pos;
    const key = (this.#take(WORD)?.[0] ?? this.#unexpected()).toLowerCase();
    const isBuckets = BUCKET_KEYS.has(key);
    if (
      !isBuckets &&
      !FLOAT_KEYS.has(key) &&
      !INTEGER_KEYS.has(key) &&
      key !== 'counter_reset_hint'
    )
      this.#fail(`bad histogram descriptor found: ${quote(key)}`, at);
    if (!this.#takeText(':')) this.#fail('missing `:` for histogram descriptor', at);
    if (fields.numbers.has(key) || fields.buckets.has(key))
      this.#fail(`duplicate key ${quote(key)} in histogram`, at);
    if (isBuckets) fields.buckets.set(key, this.#buckets());
    else fields.numbers.set(key, this.#scalarField(key));
  }

  #scalarField(key: string): number {
    if (key === 'counter_reset_hint') {
      const at = this.#pos;
      const word = this.#take(WORD)?.[0] ?? this.#unexpected();
      return (
        HINTS.get(word.toLowerCase()) ??
        this.#fail(`bad histogram descriptor found: ${quote(word)}`, at)
      );
    }
    // A width has no sign.
    if (key === 'z_bucket_w' && /[+-]/y.test(this.#input.slice(this.#pos, this.#pos + 1)))
      this.#unexpected();
    if (!INTEGER_KEYS.has(key)) return this.#number(NUMBER) ?? this.#unexpected();
    return Number(this.#take(INTEGER)?.[0] ?? this.#unexpected());
  }

  #buckets(): number[] {
    const at = this.#pos;
    const inner = this.#take(BUCKETS)?.[1] ?? this.#unexpected();
    if (inner === '' || /^\s/.test(inner)) this.#fail('unexpected start of a bucket list', at + 1);
    return inner
      .trimEnd()
      .split(/\s+/)
      .map((text) => {
        const value = parseNumber(text.replace(/^[+-]/, ''));
        if (value === undefined) return this.#fail(`bad bucket count ${quote(text)}`, at);
        return text.startsWith('-') ? -value : value;
      });
  }
}

function spans(offset: number | undefined, buckets: readonly number[]): BucketSpan[] {
  return buckets.length === 0 ? [] : [{ offset: offset ?? 0, length: buckets.length }];
}

function buildHistogram({ numbers, buckets }: Fields): Histogram {
  const positive = buckets.get('buckets') ?? [];
  const negative = buckets.get('n_buckets') ?? [];
  return {
    isInteger: false,
    schema: numbers.get('schema') ?? 0,
    zeroThreshold: numbers.get('z_bucket_w') ?? 0,
    zeroCount: numbers.get('z_bucket') ?? 0,
    count: numbers.get('count') ?? 0,
    sum: numbers.get('sum') ?? 0,
    counterResetHint: (numbers.get('counter_reset_hint') ?? 0) as CounterResetHint,
    positiveSpans: spans(numbers.get('offset'), positive),
    positiveBuckets: Float64Array.from(positive),
    negativeSpans: spans(numbers.get('n_offset'), negative),
    negativeBuckets: Float64Array.from(negative),
    customValues: Float64Array.from(buckets.get('custom_values') ?? []),
  };
}

const PLACE = 'label set';

function takeLabels(stream: TokenStream): string[] {
  const pairs: string[] = [];
  if (METRIC_NAME_KINDS.has(stream.current.kind)) {
    pairs.push(METRIC_NAME, stream.next().text);
    // Braces after a space open a histogram value.
    if (stream.current.start !== stream.lastEnd) return pairs;
  }
  if (stream.tryTake('{') === undefined) return pairs;
  while (stream.tryTake('}') === undefined) {
    const token = stream.current;
    if (token.kind !== 'identifier' && token.kind !== 'string')
      stream.unexpected(PLACE, 'identifier or "}"');
    stream.next();
    const name = token.kind === 'string' ? unquote(token.text) : token.text;
    if (stream.tryTake('=') !== undefined)
      pairs.push(name, unquote(stream.take('string', PLACE, 'string').text));
    else if (token.kind === 'string') pairs.push(METRIC_NAME, name);
    else stream.unexpected(PLACE, '"="');
    if (!stream.at('}')) stream.take(',', PLACE, '"," or "}"');
  }
  return pairs;
}

/** One line of series notation. Throws PromqlParseError. */
export function parseSeriesDescription(input: string): SeriesDescription {
  const stream = new TokenStream(input);
  try {
    const pairs = takeLabels(stream);
    const items = new ValueScanner(input, stream.lastEnd).items();
    return { labels: labelsFromPairs(pairs), items };
  } catch (error) {
    if (!(error instanceof SyntaxAbort)) throw error;
    throw new PromqlParseError(input, stream.issues);
  }
}
