// Prometheus remote write 1.0: an uncompressed prometheus.WriteRequest → rows.
//
//   WriteRequest = 1: TimeSeries*, 3: MetricMetadata*
//   TimeSeries   = 1: Label*, 2: Sample*, 3: Exemplar*, 4: Histogram*
//   Sample       = 1: double value, 2: int64 timestamp (ms)
//
// Source: prompb/{remote,types}.proto; remote_write_spec.md. The label section of a series is
// contiguous in what every sender emits, so its raw bytes are the dictionary's key and labels are
// decoded on a miss only; values keep their 64 bits (staleness markers, NaN payloads). Unknown
// fields are skipped. A series that is refused leaves the others; a message that is not wire format
// is `corrupt`: the caller stores nothing of it.
import { ProtobufReader, WIRE } from '../../codec/protobuf.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { LabelBytes } from '../../model/label-bytes.ts';
import type { Labels } from '../../model/labels.ts';
import { labelsFromPairs } from '../../model/labels.ts';
import { PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowSink } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { T_US_MAX } from '../limits.ts';
import { ScanErrors } from '../scan-errors.ts';
import { histogramPoint, readHistogram } from './histogram.ts';
import type { KernelSeries } from './kernel-series.ts';
import { takeKernelSeries } from './kernel-series.ts';
import { METADATA_TYPES, readLabel } from './labels.ts';
import type { PredictedSeries } from './predicted-series.ts';
import { takePredictedSeries } from './predicted-series.ts';
import { addLabels } from './unknown-labels.ts';
import { corruptionOf, resultOf } from './write-request-result.ts';
import type { WriteRequestResult } from './write-request-result.ts';
import { writeKernel } from './write-kernel.ts';

const SERIES_TAG = (1 << 3) | WIRE.bytes;
const METADATA_TAG = (3 << 3) | WIRE.bytes;
const LABEL_TAG = (1 << 3) | WIRE.bytes;
const SAMPLE_TAG = (2 << 3) | WIRE.bytes;
const EXEMPLAR_TAG = (3 << 3) | WIRE.bytes;
const HISTOGRAM_TAG = (4 << 3) | WIRE.bytes;
const FIRST_DOUBLE = (1 << 3) | WIRE.fixed64;
const SECOND_DOUBLE = (2 << 3) | WIRE.fixed64;
const SECOND_VARINT = (2 << 3) | WIRE.varint;
const THIRD_VARINT = (3 << 3) | WIRE.varint;

/** Scans are synchronous and begin with an empty one, so one serves them all. */
const sharedBlock = new PointBlock();
const sharedLabels = new LabelBytes();

class RequestScanner {
  readonly #reader: ProtobufReader;
  readonly #dictionary: RowDictionary;
  readonly #sink: RowSink;
  readonly errors = new ScanErrors();
  rowCount = 0;
  sampleCount = 0;
  histogramCount = 0;
  exemplarCount = 0;
  #seriesStart = 0;
  readonly #predicted: PredictedSeries | undefined;
  readonly #byKernel: KernelSeries | undefined;

  constructor(body: Uint8Array, end: number, dictionary: RowDictionary, sink: RowSink) {
    this.#reader = new ProtobufReader(body, 0, end);
    this.#dictionary = dictionary;
    this.#sink = sink;
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    sharedLabels.open(body, view);
    const { predictor } = dictionary;
    if (predictor === undefined) return;
    const counts = { rowCount: 0, sampleCount: 0 };
    const kernel = writeKernel();
    const address = kernel?.bring(body, end) ?? -1;
    if (kernel !== undefined && address >= 0) {
      predictor.open(body);
      this.#byKernel = {
        kernel,
        address,
        end,
        seed: predictor.hashBy(kernel),
        predictor,
        sink,
        resolve: (from, to) => this.#resolveRow(from, to),
        ...counts,
      };
    } else this.#predicted = { body, view, end, predictor, block: sharedBlock, sink, ...counts };
    predictor.open(body);
  }

  #takePredicted(): void {
    if (this.#byKernel !== undefined) return this.#takeByKernel(this.#byKernel);
    const predicted = this.#predicted;
    if (predicted === undefined) return;
    this.#reader.at = takePredictedSeries(predicted, this.#reader.at);
    this.rowCount += predicted.rowCount;
    this.sampleCount += predicted.sampleCount;
  }

  #takeByKernel(series: KernelSeries): void {
    series.rowCount = this.rowCount;
    series.sampleCount = this.sampleCount;
    try {
      this.#reader.at = takeKernelSeries(series, this.#reader.at);
    } finally {
      this.rowCount = series.rowCount;
      this.sampleCount = series.sampleCount;
    }
  }

  /** As #resolve, for a row of the kernel's. */
  #resolveRow(start: number, end: number): number {
    this.rowCount = this.#byKernel!.rowCount;
    this.#seriesStart = start;
    return this.#resolve(start, end, end);
  }

  /** Throws ProtobufError where the message is corrupt. */
  run(): void {
    const reader = this.#reader;
    const { end } = reader;
    sharedBlock.count = 0;
    for (;;) {
      this.#takePredicted();
      if (reader.at >= end) break;
      const tag = reader.tag();
      if (tag !== SERIES_TAG && tag !== METADATA_TAG) {
        reader.skip(tag);
        continue;
      }
      const stop = reader.lengthEnd();
      reader.end = stop;
      if (tag === SERIES_TAG) this.#series(reader.at, stop);
      else this.#metadata(stop);
      reader.at = stop;
      reader.end = end;
    }
  }

  #refuse(reason: string): void {
    this.errors.add(this.rowCount, this.#seriesStart, reason);
  }

  #series(start: number, stop: number): void {
    const reader = this.#reader;
    this.rowCount++;
    this.#seriesStart = start;
    // First the labels, wherever they stand, then everything else with the ref known.
    let labelsStart = -1;
    let labelsEnd = -1;
    let restStart = -1;
    while (reader.at < stop) {
      const tagAt = reader.at;
      const tag = reader.tag();
      reader.skip(tag);
      if (tag === LABEL_TAG) {
        if (labelsStart < 0) labelsStart = tagAt;
        labelsEnd = reader.at;
      } else if (restStart < 0) restStart = tagAt;
    }
    if (labelsStart < 0) return this.#refuse('series without labels');
    // Labels with other fields between them have a second range of their own: the fast half
    // expects an empty one and so never skips what lies between.
    const isWhole = restStart < 0 || restStart >= labelsEnd;
    const ref = this.#resolve(labelsStart, labelsEnd, isWhole ? labelsEnd : labelsStart);
    if (ref < 0 || restStart < 0) return;
    sharedBlock.flush(this.#sink);
    reader.at = restStart;
    reader.end = stop;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === SAMPLE_TAG) this.#sample(ref);
      else if (tag === HISTOGRAM_TAG) this.#histogram(ref);
      else if (tag === EXEMPLAR_TAG) this.#exemplar(ref);
      else reader.skip(tag);
    }
  }

  /** Ref, or a negative number where the series was refused (and noted). */
  #resolve(start: number, end: number, start2: number): number {
    const { bytes } = this.#reader;
    let ref: number | string = this.#dictionary.find(bytes, start, end, start2, end);
    if (ref === ROW_UNKNOWN) {
      const key = { bytes, start, end, start2, end2: end };
      ref = addLabels(this.#dictionary, key, sharedLabels);
    }
    if (typeof ref === 'string') {
      this.#refuse(ref);
      return REF_REFUSED;
    }
    if (ref === REF_REFUSED) this.#refuse(this.#dictionary.refusal());
    return ref;
  }

  #timeUs(timestampMs: number): number {
    const tUs = timestampMs * 1000;
    if (tUs >= -T_US_MAX && tUs <= T_US_MAX) return tUs;
    this.#refuse(`timestamp ${timestampMs} ms is out of range`);
    return Number.NaN;
  }

  #sample(ref: number): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    const stop = reader.lengthEnd();
    reader.end = stop;
    let low = 0;
    let high = 0;
    let timestampMs = 0;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === FIRST_DOUBLE) {
        reader.fixed64();
        low = reader.low;
        high = reader.high;
      } else if (tag === SECOND_VARINT) timestampMs = reader.int64();
      else reader.skip(tag);
    }
    reader.end = outerEnd;
    const tUs = this.#timeUs(timestampMs);
    if (tUs !== tUs) return;
    this.sampleCount++;
    this.#sink.f64Bits(ref, tUs, 0, low, high);
  }

  #histogram(ref: number): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    const stop = reader.lengthEnd();
    reader.end = stop;
    const sample = readHistogram(reader);
    reader.at = stop;
    reader.end = outerEnd;
    if (typeof sample === 'string') return this.#refuse(sample);
    const tUs = this.#timeUs(sample.timestampMs);
    if (tUs !== tUs) return;
    this.histogramCount++;
    this.#sink.points(histogramPoint(ref, tUs, Number.NaN, sample.histogram));
  }

  #exemplar(ref: number): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    const stop = reader.lengthEnd();
    reader.end = stop;
    const pairs: string[] = [];
    let value = 0;
    let timestampMs = 0;
    let reason = '';
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === LABEL_TAG) reason = readLabel(reader, pairs) || reason;
      else if (tag === SECOND_DOUBLE) value = reader.double();
      else if (tag === THIRD_VARINT) timestampMs = reader.int64();
      else reader.skip(tag);
    }
    reader.end = outerEnd;
    if (reason !== '') return this.#refuse(`exemplar: ${reason}`);
    const tUs = this.#timeUs(timestampMs);
    if (tUs !== tUs) return;
    this.exemplarCount++;
    const labels: Labels = labelsFromPairs(pairs);
    this.#sink.exemplar({ ref, labels, tUs, subNs: 0, value });
  }

  #metadata(stop: number): void {
    const reader = this.#reader;
    let type = 0;
    const texts = ['', '', '', '', '', ''];
    while (reader.at < stop) {
      const tag = reader.tag();
      const field = tag >>> 3;
      if (field === 1 && (tag & 7) === WIRE.varint) type = reader.uint32();
      else if ((field === 2 || field === 4 || field === 5) && (tag & 7) === WIRE.bytes) {
        const end = reader.lengthEnd();
        const text = decodeUtf8(reader.bytes, reader.at, end);
        reader.at = end;
        if (text === undefined) return this.#refuse('metadata is not valid UTF-8');
        texts[field] = text;
      } else reader.skip(tag);
    }
    const [, , family, , help, unit] = texts as [string, string, string, string, string, string];
    if (family === '') return;
    this.#sink.metadata({ family, type: METADATA_TYPES[type] ?? 'unknown', unit, help });
  }
}

/** Scans the message `body` up to `end`. Never throws for what a client sent. O(end). */
export function scanWriteRequest(
  body: Uint8Array,
  end: number,
  dictionary: RowDictionary,
  sink: RowSink,
): WriteRequestResult {
  const scanner = new RequestScanner(body, end, dictionary, sink);
  const corrupt = corruptionOf('1.0', () => scanner.run());
  sharedBlock.flush(sink);
  sharedLabels.close();
  return resultOf(scanner, corrupt);
}
