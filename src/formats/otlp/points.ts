// Data points of one metric after the other: numbers, histograms, summaries → points of series. The
// scanner (metrics.ts) says where they stand; which series they belong to is found by
// series-finder.ts. Times keep their nanoseconds, integers their 64 bits.
import type { ProtobufReader } from '../../codec/protobuf.ts';
import { WIRE } from '../../codec/protobuf.ts';
import { KIND } from '../../model/columns.ts';
import type { SeriesRef } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import { BLOCK_POINTS, PointBlock } from '../../model/point-block.ts';
import type { RowSink } from '../../model/rows.ts';
import { TARGET_INFO_POINTS_MAX, T_US_MAX } from '../limits.ts';
import { histogramPoint } from '../remote-write/histogram.ts';
import type { ScanErrors } from '../scan-errors.ts';
import type { DeltaSums } from './deltas.ts';
import { TEMPORALITY } from './deltas.ts';
import type { OtlpExemplar } from './exemplars.ts';
import { readExemplar } from './exemplars.ts';
import { boundsReason, customHistogram, exponentialHistogram } from './histograms.ts';
import { EXEMPLAR_TAG, FIXED, FLAGS_8, FieldRun, METRIC_TYPE } from './point-fields.ts';
import { isStaleFlag, PointFields } from './point-fields.ts';
import type { MetricHead, SeriesFinder } from './series-finder.ts';
import { PART } from './series-finder.ts';
import { microseconds, restNs, startMicroseconds } from './times.ts';

export interface PointScannerParts {
  readonly reader: ProtobufReader;
  /** Over the same bytes. */
  readonly view: DataView;
  readonly finder: SeriesFinder;
  /** Of the metric that is read. */
  readonly head: MetricHead;
  readonly sink: RowSink;
  readonly errors: ScanErrors;
  readonly deltas: DeltaSums | undefined;
  readonly customBuckets: boolean;
}

const NUMBER_ATTRIBUTE = (7 << 3) | WIRE.bytes;
const AS_DOUBLE = (4 << 3) | WIRE.fixed64;
const AS_INT = (6 << 3) | WIRE.fixed64;
const FIXED_BYTES = 9;
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;
const NO_VALUE = -1;
/** Longest time between two points of target_info; queries look back twice as far. */
const TARGET_INFO_STEP_US = 150_000_000;

/** Scans are synchronous and begin with empty ones, so one of each serves them all. */
const sharedBlock = new PointBlock();
const sharedStarts = new Float64Array(BLOCK_POINTS);
const sharedFields = new PointFields();
const sharedAttributes = new FieldRun();
const valueWords = new Int32Array(2);
const valueFloat = new Float64Array(valueWords.buffer);
const valueInteger = new BigInt64Array(valueWords.buffer);

export class PointScanner {
  /** Data points. */
  rowCount = 0;
  pointCount = 0;
  readonly #reader: ProtobufReader;
  readonly #view: DataView;
  readonly #finder: SeriesFinder;
  readonly #head: MetricHead;
  readonly #sink: RowSink;
  readonly #errors: ScanErrors;
  readonly #deltas: DeltaSums | undefined;
  readonly #customBuckets: boolean;
  /** Of the metric that is read. */
  #sums: DeltaSums | undefined = undefined;
  /** Why no point of the metric can be taken; '' = they can. */
  #refusal = '';
  /** Times of the resource that is read. */
  #minTUs = Infinity;
  #maxTUs = -Infinity;
  #maxSubNs = 0;
  /** Of the data point that is read. */
  #tUs = 0;
  #subNs = 0;
  #startUs = Number.NaN;
  #isStale = false;
  /** The times as they were read last, where they were taken. */
  #lastLow = Number.NaN;
  #lastHigh = Number.NaN;
  #lastStartLow = 0;
  #lastStartHigh = 0;
  /** Series and values of a data point that becomes several. */
  readonly #refs: SeriesRef[] = [];
  readonly #values: number[] = [];

  constructor(parts: PointScannerParts) {
    this.#reader = parts.reader;
    this.#view = parts.view;
    this.#finder = parts.finder;
    this.#head = parts.head;
    this.#sink = parts.sink;
    this.#errors = parts.errors;
    this.#deltas = parts.deltas;
    this.#customBuckets = parts.customBuckets;
    sharedBlock.count = 0;
    sharedBlock.startUs = undefined;
  }

  openResource(): void {
    this.#minTUs = Infinity;
    this.#maxTUs = -Infinity;
    this.#maxSubNs = 0;
    this.#lastLow = Number.NaN;
    this.#lastHigh = Number.NaN;
  }

  openMetric(temporality: number): void {
    const { type } = this.#head;
    this.#sums = undefined;
    this.#refusal = '';
    if (type === METRIC_TYPE.gauge || type === METRIC_TYPE.summary) return;
    if (temporality === TEMPORALITY.cumulative) return;
    if (temporality === TEMPORALITY.delta) {
      this.#sums = this.#deltas;
      if (this.#sums === undefined) this.#refusal = 'delta temporality is not taken here';
    } else this.#refusal = 'the aggregation temporality is not said';
  }

  /** Reads the data point [reader.at, stop) of the metric. */
  read(stop: number): void {
    this.rowCount++;
    if (this.#refusal !== '') return this.#refuse(this.#refusal);
    const { type } = this.#head;
    if (type === METRIC_TYPE.gauge || type === METRIC_TYPE.sum) return this.#number(stop);
    const { at } = this.#reader;
    const fields = sharedFields;
    fields.read(this.#reader, stop, type);
    this.#isStale = fields.isStale;
    if (!this.#setTimes(fields)) return;
    if (type === METRIC_TYPE.summary) return this.#summary(fields);
    if (type === METRIC_TYPE.histogram && !this.#customBuckets) this.#classic(fields, at, stop);
    else this.#native(fields, at, stop);
  }

  #refuse(reason: string): void {
    if (!this.#errors.wanted) return this.#errors.addUndescribed();
    this.#errors.add(this.rowCount, -1, `metric "${this.#finder.shownName}": ${reason}`);
  }

  #setTimes(fields: Pick<PointFields, 'timeLow' | 'timeHigh' | 'startLow' | 'startHigh'>): boolean {
    const { timeLow, timeHigh, startLow, startHigh } = fields;
    const tUs = microseconds(timeLow, timeHigh);
    if (!(tUs <= T_US_MAX) || (timeLow | timeHigh) === 0) {
      const isNone = (timeLow | timeHigh) === 0;
      this.#refuse(isNone ? 'a data point without a time' : 'a time beyond the year 2255');
      return false;
    }
    this.#lastLow = timeLow;
    this.#lastHigh = timeHigh;
    this.#lastStartLow = startLow;
    this.#lastStartHigh = startHigh;
    this.#tUs = tUs;
    this.#subNs = restNs(timeLow, timeHigh);
    this.#startUs = startMicroseconds(startLow, startHigh);
    if (tUs < this.#minTUs) this.#minTUs = tUs;
    if (tUs > this.#maxTUs || (tUs === this.#maxTUs && this.#subNs > this.#maxSubNs)) {
      this.#maxTUs = tUs;
      this.#maxSubNs = this.#subNs;
    }
    return true;
  }

  /** The hot path: fields in any order, those of fixed width without a call. */
  #number(stop: number): void {
    const reader = this.#reader;
    const view = this.#view;
    const { bytes } = reader;
    const attributes = sharedAttributes;
    attributes.clear();
    const pointStart = reader.at;
    let at = pointStart;
    let kind: number = NO_VALUE;
    let low = 0;
    let high = 0;
    let timeLow = 0;
    let timeHigh = 0;
    let startLow = 0;
    let startHigh = 0;
    let isStale = false;
    let hasExemplars = false;
    reader.end = stop;
    while (at < stop) {
      const tag = bytes[at]!;
      if (tag === NUMBER_ATTRIBUTE) {
        // Most are shorter than what one byte can say.
        let end = at + 1 < stop ? at + 2 + bytes[at + 1]! : stop + 1;
        if (end > stop || end > at + 129) {
          reader.at = at + 1;
          end = reader.lengthEnd();
        }
        attributes.add(at, end);
        at = end;
      } else if ((tag & 0x87) === WIRE.fixed64 && at + FIXED_BYTES <= stop) {
        const first = view.getInt32(at + 1, true);
        const second = view.getInt32(at + 5, true);
        at += FIXED_BYTES;
        if (tag === FIXED.time) {
          timeLow = first;
          timeHigh = second;
        } else if (tag === FIXED.start) {
          startLow = first;
          startHigh = second;
        } else if (tag === AS_DOUBLE || tag === AS_INT) {
          low = first;
          high = second;
          kind = tag === AS_DOUBLE ? KIND.f64 : KIND.i64;
        }
      } else {
        reader.at = at;
        const wide = reader.tag();
        if (wide === FLAGS_8) isStale = isStaleFlag(reader);
        else reader.skip(wide);
        hasExemplars ||= wide === EXEMPLAR_TAG[METRIC_TYPE.sum];
        at = reader.at;
      }
    }
    const isSame = timeLow === this.#lastLow && timeHigh === this.#lastHigh;
    if (!isSame || startLow !== this.#lastStartLow || startHigh !== this.#lastStartHigh)
      if (!this.#setTimes({ timeLow, timeHigh, startLow, startHigh })) return;
    this.#isStale = isStale;
    if (kind === NO_VALUE && !isStale) return this.#refuse('a data point without a value');
    const ref = this.#finder.single(attributes);
    if (ref < 0) return this.#refuse(this.#finder.reason);
    const reason = this.#putNumber(ref, kind, low, high);
    if (reason !== '') return this.#refuse(reason);
    if (hasExemplars && this.#head.type === METRIC_TYPE.sum)
      this.#exemplars(pointStart, stop, () => ref);
  }

  /** Why a number cannot be taken, or ''. */
  #putNumber(ref: SeriesRef, kind: number, low: number, high: number): string {
    const sums = this.#sums;
    if (this.#isStale) this.#stale(ref);
    else if (sums !== undefined) return this.#putDelta(sums, ref, kind, low, high);
    else this.#put(ref, kind, low, high);
    return '';
  }

  #putDelta(sums: DeltaSums, ref: SeriesRef, kind: number, low: number, high: number): string {
    valueWords[0] = low;
    valueWords[1] = high;
    const value = kind === KIND.f64 ? valueFloat[0]! : valueInteger[0]!;
    const sum = sums.add<number | bigint>({ ...this.#time(ref), value });
    if (typeof sum === 'string') return sum;
    const startUs = this.#startUs;
    this.#startUs = sum.startUs;
    if (typeof sum.value === 'bigint') valueInteger[0] = sum.value;
    else valueFloat[0] = sum.value;
    const sumKind = typeof sum.value === 'bigint' ? KIND.i64 : KIND.f64;
    this.#put(ref, sumKind, valueWords[0], valueWords[1]);
    this.#startUs = startUs;
    return '';
  }

  #time(ref: SeriesRef) {
    return { ref, tUs: this.#tUs, subNs: this.#subNs, startUs: this.#startUs };
  }

  #stale(ref: SeriesRef): void {
    this.#sums?.end(ref);
    this.#put(ref, KIND.f64, STALE_LOW, STALE_HIGH);
  }

  #put(ref: SeriesRef, kind: number, low: number, high: number): void {
    const block = sharedBlock;
    if (block.count === BLOCK_POINTS) this.flush();
    const slot = block.count++;
    block.refs[slot] = ref;
    block.kinds[slot] = kind;
    block.tUs[slot] = this.#tUs;
    block.subNs[slot] = this.#subNs;
    block.words[slot * 2] = low;
    block.words[slot * 2 + 1] = high;
    const startUs = this.#startUs;
    sharedStarts[slot] = startUs;
    if (startUs === startUs) block.startUs = sharedStarts;
    this.pointCount++;
  }

  /** Hands on the points so far; before anything else goes to the sink. */
  flush(): void {
    sharedBlock.flush(this.#sink);
    sharedBlock.startUs = undefined;
  }

  #clearSeries(): void {
    this.#refs.length = 0;
    this.#values.length = 0;
  }

  /** One more series of the data point; false where it is refused. */
  #series(ref: SeriesRef, value: number): boolean {
    this.#refs.push(ref);
    this.#values.push(value);
    return ref >= 0;
  }

  /** All series of the data point; none where the first is refused. */
  #putSeries(): void {
    let refusal = '';
    for (const [i, ref] of this.#refs.entries()) {
      valueFloat[0] = this.#values[i]!;
      const reason = this.#putNumber(ref, KIND.f64, valueWords[0]!, valueWords[1]!);
      if (refusal === '') refusal = reason;
      if (i === 0 && reason !== '') break;
    }
    if (refusal !== '') this.#refuse(refusal);
  }

  #classic(fields: PointFields, start: number, stop: number): void {
    const { bounds, bucketCounts, attributes, count } = fields;
    const reason = boundsReason(fields);
    if (reason !== undefined) return this.#refuse(reason);
    const finder = this.#finder;
    if (!finder.openParts(attributes, bounds.length + 3)) return this.#refuse(finder.reason);
    this.#clearSeries();
    let isGood = !fields.hasSum || this.#series(finder.part(PART.sum, 0), fields.sum);
    isGood &&= this.#series(finder.part(PART.count, 0), count);
    const bucketsFrom = this.#refs.length;
    let soFar = 0;
    for (const [i, bound] of bounds.entries()) {
      // The last bound may be the one that all histograms have.
      if (bound === Infinity) break;
      soFar += bucketCounts[i]!;
      isGood &&= this.#series(finder.part(PART.bucket, bound), soFar);
    }
    isGood &&= this.#series(finder.part(PART.bucket, Infinity), count);
    if (!isGood) return this.#refuse(finder.reason);
    this.#putSeries();
    if (!fields.hasExemplars) return;
    const bucketRefs = this.#refs.slice(bucketsFrom);
    const place = (value: number): number => {
      const index = bounds.findIndex((bound) => value <= bound);
      return bucketRefs[index < 0 ? bucketRefs.length - 1 : index]!;
    };
    this.#exemplars(start, stop, place);
  }

  #summary(fields: PointFields): void {
    const { quantiles, attributes } = fields;
    const finder = this.#finder;
    if (!finder.openParts(attributes, quantiles.length / 2 + 2)) return this.#refuse(finder.reason);
    this.#clearSeries();
    let isGood = this.#series(finder.part(PART.sum, 0), fields.sum);
    isGood &&= this.#series(finder.part(PART.count, 0), fields.count);
    for (let i = 0; i < quantiles.length; i += 2)
      isGood &&= this.#series(finder.part(PART.quantile, quantiles[i]!), quantiles[i + 1]!);
    if (isGood) this.#putSeries();
    else this.#refuse(finder.reason);
  }

  #native(fields: PointFields, start: number, stop: number): void {
    const isExponential = this.#head.type === METRIC_TYPE.exponential;
    const histogram = isExponential ? exponentialHistogram(fields) : customHistogram(fields);
    if (typeof histogram === 'string') return this.#refuse(histogram);
    const finder = this.#finder;
    if (!finder.openParts(fields.attributes, 1)) return this.#refuse(finder.reason);
    const ref = finder.part(PART.native, 0);
    if (ref < 0) return this.#refuse(finder.reason);
    this.#putHistogram(ref, histogram);
    if (fields.hasExemplars) this.#exemplars(start, stop, () => ref);
  }

  #putHistogram(ref: SeriesRef, histogram: Histogram): void {
    let value = histogram;
    if (this.#isStale) this.#sums?.end(ref);
    else if (this.#sums !== undefined) {
      const sum = this.#sums.add({ ...this.#time(ref), value });
      if (typeof sum === 'string') return this.#refuse(sum);
      ({ value } = sum);
      this.#startUs = sum.startUs;
    }
    this.flush();
    const points = histogramPoint(ref, this.#tUs, this.#startUs, value);
    this.#sink.points({ ...points, subNs: Uint16Array.of(this.#subNs) });
    this.pointCount++;
  }

  #exemplars(start: number, stop: number, refOf: (value: number) => SeriesRef): void {
    const reader = this.#reader;
    const wanted = EXEMPLAR_TAG[this.#head.type];
    reader.at = start;
    reader.end = stop;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag !== wanted) {
        reader.skip(tag);
        continue;
      }
      const exemplar = readExemplar(reader, reader.lengthEnd());
      if (exemplar !== undefined) this.#putExemplar(exemplar, refOf(exemplar.value));
    }
  }

  /** One without a time has that of its data point; one out of range is left out. */
  #putExemplar(exemplar: OtlpExemplar, ref: SeriesRef): void {
    const { labels, value } = exemplar;
    if (exemplar.tUs > T_US_MAX) return;
    const { tUs, subNs } = exemplar.tUs === 0 ? { tUs: this.#tUs, subNs: this.#subNs } : exemplar;
    this.#sink.exemplar({ ref, labels, tUs, subNs, value });
  }

  /** Points of target_info for the time of the resource; false where it is refused. */
  targetInfo(): boolean {
    const [from, to] = [this.#minTUs, this.#maxTUs];
    if (!(from <= to)) return true;
    this.#finder.reason = '';
    const ref = this.#finder.targetInfo();
    if (ref < 0) return this.#finder.reason === '';
    const stepUs = Math.max(TARGET_INFO_STEP_US, Math.ceil((to - from) / TARGET_INFO_POINTS_MAX));
    this.#startUs = Number.NaN;
    this.#subNs = 0;
    valueFloat[0] = 1;
    const [low, high] = [valueWords[0]!, valueWords[1]!];
    for (this.#tUs = from; this.#tUs < to; this.#tUs += stepUs) this.#put(ref, KIND.f64, low, high);
    this.#tUs = to;
    this.#subNs = this.#maxSubNs;
    this.#put(ref, KIND.f64, low, high);
    return true;
  }
}
