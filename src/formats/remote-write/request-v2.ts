// Prometheus remote write 2.0: an uncompressed io.prometheus.write.v2.Request → rows.
//
//   Request    = 4: string symbols*, 5: TimeSeries*
//   TimeSeries = 1: uint32 labels_refs*, 2: Sample*, 3: Histogram*, 4: Exemplar*, 5: Metadata
//   Sample     = 1: double value, 2: int64 timestamp (ms), 3: int64 start_timestamp (ms, 0 = none)
//   Exemplar   = 1: uint32 labels_refs*, 2: double value, 3: int64 timestamp (ms)
//   Metadata   = 1: type, 3: uint32 help_ref, 4: uint32 unit_ref
//
// Source: io/prometheus/write/v2/types.proto; remote_write_spec_2_0.md. Values keep their 64 bits.
// A series that is refused leaves the others, and is not counted as written; a message that is not
// wire format is `corrupt`: the caller stores nothing of it.
import { ProtobufReader, WIRE } from '../../codec/protobuf.ts';
import { KIND } from '../../model/columns.ts';
import { LabelBytes } from '../../model/label-bytes.ts';
import { labelsFromPairs, METRIC_NAME } from '../../model/labels.ts';
import { BLOCK_POINTS, PointBlock } from '../../model/point-block.ts';
import type { RowDictionary, RowPredictor, RowSink } from '../../model/rows.ts';
import { ROW_UNKNOWN } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import { MESSAGE_LABEL_BYTES_MAX, SERIES_LABELS_MAX, T_US_MAX } from '../limits.ts';
import { ScanErrors } from '../scan-errors.ts';
import { histogramPoint, readHistogram } from './histogram.ts';
import { METADATA_TYPES } from './labels.ts';
import { forget, recall, remember, SeriesList, takePredictedV2 } from './predicted-v2.ts';
import type { PredictedV2 } from './predicted-v2.ts';
import { LabelScratch, NumberList, SymbolTable } from './symbols.ts';
import { addLabels } from './unknown-labels.ts';
import { corruptionOf, resultOf } from './write-request-result.ts';
import type { WriteRequestResult } from './write-request-result.ts';

const SYMBOL_TAG = (4 << 3) | WIRE.bytes;
const SERIES_TAG = (5 << 3) | WIRE.bytes;
const REFS_TAG = (1 << 3) | WIRE.bytes;
const REF_TAG = (1 << 3) | WIRE.varint;
const SAMPLE_TAG = (2 << 3) | WIRE.bytes;
const HISTOGRAM_TAG = (3 << 3) | WIRE.bytes;
const EXEMPLAR_TAG = (4 << 3) | WIRE.bytes;
const METADATA_TAG = (5 << 3) | WIRE.bytes;
const FIRST_DOUBLE = (1 << 3) | WIRE.fixed64;
const SECOND_DOUBLE = (2 << 3) | WIRE.fixed64;
const FIRST_VARINT = (1 << 3) | WIRE.varint;
const SECOND_VARINT = (2 << 3) | WIRE.varint;
const THIRD_VARINT = (3 << 3) | WIRE.varint;
const FOURTH_VARINT = (4 << 3) | WIRE.varint;

/** Types whose series are named after their family with something behind it. */
const SUFFIXED_TYPES: ReadonlySet<string> = new Set(['histogram', 'gaugehistogram', 'summary']);
const FAMILY_SUFFIX = /_(?:bucket|count|sum)$/;

/** Scans are synchronous and leave them empty, so one of each serves them all. */
const sharedBlock = new PointBlock();
const sharedStarts = new Float64Array(BLOCK_POINTS);
const sharedLabels = new LabelBytes();
const sharedSymbols = new SymbolTable();
const sharedScratch = new LabelScratch();

class RequestScanner {
  readonly #reader: ProtobufReader;
  readonly #view: DataView;
  readonly #dictionary: RowDictionary;
  readonly #predictor: RowPredictor | undefined;
  readonly #sink: RowSink;
  readonly #symbols = sharedSymbols;
  readonly #scratch = sharedScratch;
  readonly #refs = new NumberList();
  readonly #exemplarRefs = new NumberList();
  /** What was said of a family, by the symbol of the metric name: type, help, unit. */
  readonly #described = new Map<number, readonly [number, number, number]>();
  readonly errors = new ScanErrors();
  sampleCount = 0;
  histogramCount = 0;
  exemplarCount = 0;
  #labelBytes = 0;
  #opened: Uint8Array | undefined = undefined;
  /** Taken series of this message, for the next one. */
  readonly #taken = new SeriesList();
  #predicted: PredictedV2 | undefined = undefined;
  /** Series that the general half looked at. */
  #lookedAt = 0;
  #refusedRows = 0;
  /** Number of the series that is being read, from 1. */
  #row = 0;
  #tableEnd = -1;
  /** A series names its labels in several pieces. */
  #isOdd = false;
  #seriesStart = 0;
  #nameRef = -1;
  /** Where the packed references of the series stand. */
  #refsStart = 0;
  #refsEnd = 0;

  constructor(body: Uint8Array, end: number, dictionary: RowDictionary, sink: RowSink) {
    this.#reader = new ProtobufReader(body, 0, end);
    this.#dictionary = dictionary;
    this.#predictor = dictionary.predictor;
    this.#view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    this.#sink = sink;
  }

  /** Throws ProtobufError where the message is corrupt. */
  run(): void {
    const reader = this.#reader;
    const { end } = reader;
    const tableEnd = this.#readTable();
    reader.at = 0;
    if (tableEnd > 0) this.#predict(tableEnd);
    while (reader.at < end) {
      if (this.#predicted !== undefined) {
        const { sampleCount } = this.#predicted;
        reader.at = takePredictedV2(this.#predicted, reader.at);
        reader.end = end;
        this.sampleCount += this.#predicted.sampleCount - sampleCount;
        if (reader.at >= end) break;
      }
      const tag = reader.tag();
      if (tag !== SERIES_TAG) {
        reader.skip(tag);
        continue;
      }
      const stop = reader.lengthEnd();
      reader.end = stop;
      this.#series(reader.at, stop);
      reader.at = stop;
      reader.end = end;
    }
  }

  /**
   * Symbols come first in what every sender writes, but may stand anywhere. End of the table, or -1
   * where other fields stand among the symbols.
   */
  #readTable(): number {
    const reader = this.#reader;
    let tableEnd = 0;
    let isWhole = true;
    while (reader.at < reader.end) {
      const fieldStart = reader.at;
      const tag = reader.tag();
      if (tag !== SYMBOL_TAG) {
        reader.skip(tag);
        continue;
      }
      const stop = reader.lengthEnd();
      this.#symbols.push(reader.at, stop);
      reader.at = stop;
      isWhole &&= fieldStart === tableEnd;
      tableEnd = stop;
    }
    return isWhole ? tableEnd : -1;
  }

  #predict(tableEnd: number): void {
    this.#tableEnd = tableEnd;
    if (this.#predictor === undefined) return forget(this.#dictionary);
    const { bytes: body, end } = this.#reader;
    const memory = recall(this.#dictionary, this.#view, tableEnd);
    if (memory === undefined) return;
    this.#reader.at = tableEnd;
    this.#predicted = {
      body,
      view: this.#view,
      end,
      memory,
      block: sharedBlock,
      starts: sharedStarts,
      sink: this.#sink,
      series: this.#taken,
      describe: (start, stop, name) => {
        this.#row = this.rowCount + 1;
        this.#seriesStart = start;
        this.#reader.at = start;
        this.#metadata(stop, name);
      },
      sampleCount: 0,
    };
  }

  /** After a scan: the next one may find this message, if nothing of it was refused. */
  remember(): void {
    const isPlain = this.#predictor !== undefined && !this.#isOdd && this.errors.count === 0;
    if (this.#tableEnd <= 0 || !isPlain || this.#lookedAt === 0) return;
    remember(this.#dictionary, this.#view, this.#tableEnd, this.#taken);
  }

  /** Series so far. */
  get rowCount(): number {
    return this.#refusedRows + this.#taken.count;
  }

  #refuse(reason: string): void {
    this.errors.add(this.#row, this.#seriesStart, reason);
  }

  #series(start: number, stop: number): void {
    this.#row = this.rowCount + 1;
    this.#lookedAt++;
    this.#seriesStart = start;
    const ref = this.#identify(stop);
    if (ref < 0) {
      this.#refusedRows++;
      return;
    }
    const reader = this.#reader;
    const name = this.#metricName();
    this.#taken.push(this.#refsStart, this.#refsEnd, ref, name);
    reader.at = start;
    reader.end = stop;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === SAMPLE_TAG) this.#sample(ref);
      else if (tag === HISTOGRAM_TAG) this.#histogram(ref);
      else if (tag === EXEMPLAR_TAG) this.#exemplar(ref);
      else if (tag === METADATA_TAG) this.#metadata(reader.lengthEnd(), name);
      else reader.skip(tag);
    }
  }

  /**
   * Collects the label references, wherever they stand, and looks whether there are points. The ref
   * of the series, or a negative number where it was refused (and noted).
   */
  #identify(stop: number): number {
    const reader = this.#reader;
    const refs = this.#refs;
    refs.count = 0;
    this.#refsStart = 0;
    this.#refsEnd = 0;
    let hasPoints = false;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === REFS_TAG) {
        this.#isOdd ||= refs.count > 0;
        this.#refsEnd = reader.lengthEnd();
        this.#refsStart = reader.at;
        refs.readPacked(reader, this.#refsEnd);
      } else if (tag === REF_TAG) {
        this.#isOdd = true;
        refs.push(reader.uint32());
      } else {
        hasPoints ||= tag === SAMPLE_TAG || tag === HISTOGRAM_TAG;
        reader.skip(tag);
      }
    }
    if (refs.count > 0 && hasPoints) return this.#resolve();
    const what = refs.count === 0 ? 'labels' : 'a sample or histogram';
    this.#refuse(`series without ${what}`);
    return REF_REFUSED;
  }

  /** Ref, or a negative number where the series was refused (and noted). */
  #resolve(): number {
    const refs = this.#refs;
    if (refs.count > SERIES_LABELS_MAX * 2) {
      this.#refuse(`more than ${SERIES_LABELS_MAX} labels`);
      return REF_REFUSED;
    }
    const scratch = this.#scratch;
    const reason =
      this.#labelBytes > MESSAGE_LABEL_BYTES_MAX
        ? `labels of all series take more than ${MESSAGE_LABEL_BYTES_MAX} bytes: send fewer at once`
        : scratch.write(this.#reader.bytes, this.#symbols, refs, SAMPLE_TAG);
    if (reason !== undefined) {
      this.#refuse(reason);
      return REF_REFUSED;
    }
    this.#labelBytes += scratch.end - scratch.start;
    if (scratch.bytes !== this.#opened) {
      this.#opened = scratch.bytes;
      sharedLabels.open(scratch.bytes, scratch.view);
      this.#predictor?.open(scratch.bytes);
    }
    const { start, end } = scratch;
    const predicted = this.#predictor;
    if (predicted !== undefined && predicted.nextRow(start, end + 1, SAMPLE_TAG) === end) {
      const ref = predicted.cellAt(end, end);
      if (ref >= 0) return ref;
    }
    return this.#find(start, end);
  }

  #find(start: number, end: number): number {
    const { bytes } = this.#scratch;
    let ref: number | string = this.#dictionary.find(bytes, start, end, end, end);
    if (ref === ROW_UNKNOWN) {
      const key = { bytes, start, end, start2: end, end2: end };
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

  /** NaN = none; one that is out of range is a reason to refuse nothing but itself. */
  #startUs(startMs: number): number {
    const startUs = startMs * 1000;
    return startMs !== 0 && startUs >= -T_US_MAX && startUs <= T_US_MAX ? startUs : Number.NaN;
  }

  #sample(ref: number): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    const stop = reader.lengthEnd();
    reader.end = stop;
    let low = 0;
    let high = 0;
    let timestampMs = 0;
    let startMs = 0;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === FIRST_DOUBLE) {
        reader.fixed64();
        low = reader.low;
        high = reader.high;
      } else if (tag === SECOND_VARINT) timestampMs = reader.int64();
      else if (tag === THIRD_VARINT) startMs = reader.int64();
      else reader.skip(tag);
    }
    reader.end = outerEnd;
    const tUs = this.#timeUs(timestampMs);
    if (tUs !== tUs) return;
    this.sampleCount++;
    const block = sharedBlock;
    if (block.count === BLOCK_POINTS) this.flush();
    const slot = block.count++;
    block.refs[slot] = ref;
    block.kinds[slot] = KIND.f64;
    block.tUs[slot] = tUs;
    block.subNs[slot] = 0;
    block.words[slot * 2] = low;
    block.words[slot * 2 + 1] = high;
    sharedStarts[slot] = this.#startUs(startMs);
    if (startMs !== 0) block.startUs = sharedStarts;
  }

  /** Hands on the points so far; before anything else goes to the sink. */
  flush(): void {
    sharedBlock.flush(this.#sink);
    sharedBlock.startUs = undefined;
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
    this.flush();
    const startUs = this.#startUs(sample.startMs);
    this.#sink.points(histogramPoint(ref, tUs, startUs, sample.histogram));
  }

  #exemplar(ref: number): void {
    const reader = this.#reader;
    const refs = this.#exemplarRefs;
    const outerEnd = reader.end;
    const stop = reader.lengthEnd();
    reader.end = stop;
    refs.count = 0;
    let value = 0;
    let timestampMs = 0;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === REFS_TAG) refs.readPacked(reader, reader.lengthEnd());
      else if (tag === REF_TAG) refs.push(reader.uint32());
      else if (tag === SECOND_DOUBLE) value = reader.double();
      else if (tag === THIRD_VARINT) timestampMs = reader.int64();
      else reader.skip(tag);
    }
    reader.end = outerEnd;
    const pairs = this.#exemplarPairs();
    if (typeof pairs === 'string') return this.#refuse(`exemplar: ${pairs}`);
    const tUs = this.#timeUs(timestampMs);
    if (tUs !== tUs) return;
    this.exemplarCount++;
    this.#sink.exemplar({ ref, labels: labelsFromPairs(pairs), tUs, subNs: 0, value });
  }

  /** A reason where they are no labels. */
  #exemplarPairs(): string[] | string {
    const { count, values } = this.#exemplarRefs;
    if ((count & 1) === 1) return 'labels with a name but without a value';
    if (count > SERIES_LABELS_MAX * 2) return `more than ${SERIES_LABELS_MAX} labels`;
    const pairs: string[] = [];
    for (let i = 0; i < count; i++) {
      const text = this.#symbols.text(this.#reader.bytes, values[i]!);
      if (text === undefined) return `symbol ${values[i]} is not there or not valid UTF-8`;
      if (text === '' && (i & 1) === 0) return 'a label has an empty name';
      pairs.push(text);
    }
    return pairs;
  }

  /** The message from `reader.at` on, of a series with this symbol as its metric name. */
  #metadata(stop: number, name: number): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    reader.end = stop;
    let type = 0;
    let help = 0;
    let unit = 0;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === FIRST_VARINT) type = reader.uint32();
      else if (tag === THIRD_VARINT) help = reader.uint32();
      else if (tag === FOURTH_VARINT) unit = reader.uint32();
      else reader.skip(tag);
    }
    reader.end = outerEnd;
    if (name >= 0 && (type !== 0 || help !== 0 || unit !== 0))
      this.#describe(name, [type, help, unit]);
  }

  /** Series of one metric repeat what they say: it is decoded once. */
  #describe(name: number, said: readonly [number, number, number]): void {
    const known = this.#described.get(name);
    const [type, help, unit] = said;
    if (known?.[0] === type && known[1] === help && known[2] === unit) return;
    this.#described.set(name, said);
    const { bytes } = this.#reader;
    const [metric, helpText, unitText] = [name, help, unit].map((symbol) =>
      this.#symbols.text(bytes, symbol),
    );
    if (metric === undefined || helpText === undefined || unitText === undefined)
      return this.#refuse('metadata refers to a symbol that is not there or not valid UTF-8');
    const typeName = METADATA_TYPES[type] ?? 'unknown';
    const family = SUFFIXED_TYPES.has(typeName) ? metric.replace(FAMILY_SUFFIX, '') : metric;
    this.#sink.metadata({ family, type: typeName, unit: unitText, help: helpText });
  }

  /** The symbol of the metric name of the current series, or -1. */
  #metricName(): number {
    const { count, values } = this.#refs;
    if (this.#nameRef < 0)
      for (let i = 0; i < this.#symbols.count && this.#nameRef < 0; i++)
        if (this.#symbols.text(this.#reader.bytes, i) === METRIC_NAME) this.#nameRef = i;
    for (let i = 0; i + 1 < count; i += 2) if (values[i] === this.#nameRef) return values[i + 1]!;
    return -1;
  }
}

/** Scans the message `body` up to `end`. Never throws for what a client sent. */
export function scanRequestV2(
  body: Uint8Array,
  end: number,
  dictionary: RowDictionary,
  sink: RowSink,
): WriteRequestResult {
  const scanner = new RequestScanner(body, end, dictionary, sink);
  try {
    const corrupt = corruptionOf('2.0', () => scanner.run());
    scanner.flush();
    if (corrupt === undefined) scanner.remember();
    return resultOf(scanner, corrupt);
  } finally {
    // Also where the dictionary threw: all of it would be part of the next message.
    sharedBlock.count = 0;
    sharedBlock.startUs = undefined;
    sharedLabels.close();
    sharedSymbols.clear();
    sharedScratch.reset();
  }
}
