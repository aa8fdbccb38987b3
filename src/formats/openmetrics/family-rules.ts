// What OpenMetrics demands of a page beyond its grammar: which samples a type has, which values
// they may take, that families and groups stand together, that metadata stands before samples, that
// the buckets of a histogram fit. Looked at for pushes only: scrapers, Prometheus' too, take more.
// Source: OpenMetrics 1.0 ("MetricFamily", "Sample", "Histogram"), its public test vectors, the
// official Python parser. One deviation, as Prometheus: families without any metadata may be
// continued further down.
import { PAGE_FAMILIES_MAX } from '../limits.ts';

export interface RuledSample {
  readonly name: string;
  /** Flat name, value, without the metric name. */
  readonly labels: readonly string[];
  readonly value: number;
  /** undefined: the line has no time. */
  readonly timeSec: number | undefined;
  readonly hasExemplar: boolean;
  /** A native histogram; `value` means nothing. */
  readonly isNative: boolean;
}

/** Suffixes of the samples of each type. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  summary: ['', '_count', '_sum', '_created'],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  gaugehistogram: ['_bucket', '_gcount', '_gsum'],
  info: ['_info'],
};
const PLAIN: readonly string[] = [''];
const NO_NAN = new Set(['_total', '_sum', '_count', '_bucket', '_gcount', '_gsum']);
const NO_NEGATIVE = new Set(['_total', '_sum', '_count', '_bucket', '_gcount']);
const COUNTS = new Set(['_bucket', '_count', '_gcount']);

function labelOf(labels: readonly string[], name: string): string | undefined {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1];
  return undefined;
}

/** Sorted labels without `leftOut`, as one string. */
function groupKey(labels: readonly string[], leftOut: string): string {
  const pairs: string[] = [];
  for (let i = 0; i < labels.length; i += 2)
    if (labels[i] !== leftOut) pairs.push(JSON.stringify([labels[i], labels[i + 1]]));
  return pairs.toSorted().join();
}

/** A number, however written; NaN where it is none. */
function boundOf(text: string): number {
  const lower = text.toLowerCase();
  if (/^\+?inf(?:inity)?$/.test(lower)) return Infinity;
  if (/^-inf(?:inity)?$/.test(lower)) return -Infinity;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(lower) ? Number(lower) : Number.NaN;
}

/** Infinity has one spelling. */
const isSpelledWrong = (text: string, bound: number): boolean =>
  bound === Infinity && text !== '+Inf';

/** Buckets, sum and count of one group at one time. */
class HistogramGroup {
  #bound = -Infinity;
  #hasBucket = false;
  #bucketCount = 0;
  #hasNegativeBound = false;
  #hasSum = false;
  #hasNegativeGsum = false;
  #count: number | undefined = undefined;

  add(suffix: string, labels: readonly string[], value: number): string {
    if (suffix === '_bucket') return this.#addBucket(boundOf(labelOf(labels, 'le') ?? ''), value);
    if (suffix === '_count' || suffix === '_gcount') this.#count = value;
    if (suffix === '_sum' || suffix === '_gsum') this.#hasSum = true;
    if (suffix === '_gsum' && value < 0) this.#hasNegativeGsum = true;
    return '';
  }

  #addBucket(bound: number, value: number): string {
    if (bound < 0) this.#hasNegativeBound = true;
    if (this.#hasBucket && bound <= this.#bound) return 'buckets are out of order';
    if (value < this.#bucketCount) return 'counts of buckets fall';
    this.#hasBucket = true;
    this.#bound = bound;
    this.#bucketCount = value;
    return '';
  }

  finish(type: string): string {
    const count = this.#count;
    if (this.#bound !== Infinity) return 'the bucket le="+Inf" is missing';
    if (count !== undefined && count !== this.#bucketCount)
      return 'the count is not that of the bucket le="+Inf"';
    if (this.#hasSum && count === undefined) return 'a sum without a count';
    if (!this.#hasSum && count !== undefined) return 'a count without a sum';
    if (this.#hasNegativeBound && this.#hasSum && type === 'histogram')
      return 'a sum beside buckets below zero';
    if (!this.#hasNegativeBound && this.#hasNegativeGsum)
      return 'a sum below zero without buckets below zero';
    return '';
  }
}

export class FamilyRules {
  readonly #problem: (reason: string) => void;
  /** Names that families have taken; those without metadata are not in it. */
  readonly #taken = new Set<string>();
  #name: string | undefined = undefined;
  #isDeclared = false;
  #type: string | undefined = undefined;
  #unit: string | undefined = undefined;
  #hasHelp = false;
  #sampleCount = 0;
  #groups = new Set<string>();
  #group: string | undefined = undefined;
  #groupTimeSec: number | undefined = undefined;
  #histogram: HistogramGroup | undefined = undefined;
  #histogramKey = '';

  /** `problem` hears what is wrong with a family when it ends. */
  constructor(problem: (reason: string) => void) {
    this.#problem = problem;
  }

  /** A HELP, TYPE or UNIT line of well-formed parts; a reason or ''. */
  metadata(word: string, name: string, text: string): string {
    if (name === this.#name && this.#sampleCount > 0) return `${word} behind samples of ${name}`;
    if (name !== this.#name) this.#begin(name, true);
    const isSecond =
      word === 'TYPE'
        ? this.#type !== undefined
        : word === 'UNIT'
          ? this.#unit !== undefined
          : this.#hasHelp;
    if (isSecond) return `second ${word} line for metric '${name}'`;
    if (word === 'TYPE') this.#type = text;
    else if (word === 'UNIT') this.#unit = text;
    else this.#hasHelp = true;
    return '';
  }

  /** A sample; a reason or ''. */
  sample(sample: RuledSample): string {
    if (!this.#isMember(sample)) this.#begin(sample.name, false);
    this.#sampleCount++;
    if (sample.isNative) return '';
    const suffix = sample.name.slice(this.#name!.length);
    return (
      this.#labelsReason(sample, suffix) ||
      this.#groupReason(sample) ||
      this.#histogramReason(sample, suffix) ||
      this.#valueReason(sample, suffix)
    );
  }

  finish(): void {
    if (this.#name === undefined) return;
    const type = this.#type ?? 'unknown';
    const reason = this.#endHistogram() || this.#familyReason(type);
    if (reason !== '') this.#problem(`metric '${this.#name}': ${reason}`);
  }

  #isMember({ name, isNative }: RuledSample): boolean {
    const own = this.#name;
    if (own === undefined || !name.startsWith(own)) return false;
    const suffixes = SUFFIXES[this.#type ?? ''] ?? PLAIN;
    return suffixes.includes(name.slice(own.length)) || (isNative && name === own);
  }

  #begin(name: string, isDeclared: boolean): void {
    this.finish();
    this.#name = name;
    this.#isDeclared = isDeclared;
    this.#type = undefined;
    this.#unit = undefined;
    this.#hasHelp = false;
    this.#sampleCount = 0;
    this.#groups = new Set();
    this.#group = undefined;
    this.#groupTimeSec = undefined;
    this.#histogramKey = '';
  }

  #familyReason(type: string): string {
    const name = this.#name!;
    const suffixes = SUFFIXES[type] ?? PLAIN;
    for (const own of new Set(['', ...suffixes].map((suffix) => name + suffix))) {
      if (this.#taken.has(own)) return `its name '${own}' is that of another metric`;
      if (this.#isDeclared && this.#taken.size < PAGE_FAMILIES_MAX * 4) this.#taken.add(own);
    }
    if (!this.#isDeclared) return '';
    const unit = this.#unit ?? '';
    if (unit !== '' && (type === 'info' || type === 'stateset'))
      return `a metric of type ${type} has no unit`;
    return '';
  }

  #labelsReason({ name, labels, value }: RuledSample, suffix: string): string {
    const type = this.#type ?? '';
    if (type === 'stateset' && labelOf(labels, this.#name!) === undefined)
      return `a stateset needs the label '${this.#name}'`;
    if (suffix === '_bucket') {
      const text = labelOf(labels, 'le') ?? '';
      const bound = boundOf(text);
      if (Number.isNaN(bound) || isSpelledWrong(text, bound))
        return `expected a number as label 'le' of '${name}'`;
    }
    if (COUNTS.has(suffix) && Number.isFinite(value) && !Number.isInteger(value))
      return 'expected a whole number as count';
    if (type !== 'summary' || suffix !== '') return '';
    const quantile = boundOf(labelOf(labels, 'quantile') ?? '');
    return quantile >= 0 && quantile <= 1 ? '' : "expected a label 'quantile' from 0 to 1";
  }

  /** Samples of one set of labels stand together, and their times do not fall. */
  #groupReason(sample: RuledSample): string {
    const { timeSec } = sample;
    const group = this.#groupOf(sample);
    const before = this.#groupTimeSec;
    const isSame = group === this.#group;
    if (this.#group !== undefined && !isSame && this.#groups.has(group))
      return 'samples of one set of labels stand apart';
    this.#group = group;
    this.#groupTimeSec = timeSec;
    this.#groups.add(group);
    if (!isSame) return '';
    if ((timeSec === undefined) !== (before === undefined))
      return 'samples of one set of labels with and without times';
    return timeSec !== undefined && before! > timeSec && this.#type !== 'info'
      ? 'times of one set of labels fall'
      : '';
  }

  #groupOf({ name, labels }: RuledSample): string {
    const type = this.#type;
    if (type === 'info') return '';
    if (type === 'summary' && name === this.#name) return groupKey(labels, 'quantile');
    if (type === 'stateset') return groupKey(labels, this.#name!);
    const isBucket = name.endsWith('_bucket') && (type ?? '').endsWith('histogram');
    return groupKey(labels, isBucket ? 'le' : '');
  }

  #histogramReason(sample: RuledSample, suffix: string): string {
    if (!(this.#type ?? '').endsWith('histogram') || suffix === '') return '';
    const key = `${this.#group} ${sample.timeSec}`;
    let reason = '';
    if (key !== this.#histogramKey) {
      reason = this.#endHistogram();
      this.#histogramKey = key;
      this.#histogram = new HistogramGroup();
    }
    return reason || this.#histogram!.add(suffix, sample.labels, sample.value);
  }

  #endHistogram(): string {
    const reason = this.#histogram?.finish(this.#type ?? '') ?? '';
    this.#histogram = undefined;
    return reason;
  }

  #valueReason({ value, hasExemplar }: RuledSample, suffix: string): string {
    const type = this.#type ?? '';
    if (type === 'stateset' && value !== 0 && value !== 1) return 'a state is 0 or 1';
    if (type === 'info' && value !== 1) return 'an info is 1';
    if (type === 'summary' && suffix === '' && value < 0) return 'a quantile below zero';
    if (NO_NAN.has(suffix) && Number.isNaN(value)) return `a sample ${suffix} that is not a number`;
    if (NO_NEGATIVE.has(suffix) && value < 0) return `a sample ${suffix} below zero`;
    const mayHaveExemplar = suffix === '_bucket' || (type === 'counter' && suffix === '_total');
    return hasExemplar && !mayHaveExemplar
      ? 'only buckets and totals of counters have exemplars'
      : '';
  }
}
