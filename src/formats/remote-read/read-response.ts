// Answers of a remote read: prometheus.ReadResponse with samples, and frames that hold a
// prometheus.ChunkedReadResponse each:
//
//   frame = varint size, CRC32C of the message (4 bytes, the highest first), message
//
// Source: prompb/remote.proto; Prometheus storage/remote/{codec,chunked}.go.
import { crc32c } from '../../codec/crc32c.ts';
import { WIRE } from '../../codec/protobuf.ts';
import { ProtobufWriter } from '../../codec/protobuf-writer.ts';
import { ByteWriter } from '../../codec/varint.ts';
import { KIND } from '../../model/columns.ts';
import type { Samples } from '../../model/columns.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import type { SelectedSeries } from '../../model/storage.ts';
import { READ_FRAME_BYTES, READ_STEP_SAMPLES } from '../limits.ts';
import type { EncodedChunk } from './chunks.ts';
import { ChunkCutter } from './chunks.ts';
import { sumWords } from './stale.ts';

function writeLabels(out: ProtobufWriter, field: number, labels: Labels): void {
  for (let i = 0; i < labels.length; i += 2)
    out.message(field, (label) => {
      label.string(1, labels[i]!);
      label.string(2, labels[i + 1]!);
    });
}

/** One query's result, series after series, in pieces: to copy a large one holds others up. */
export class QueryResultWriter {
  readonly #out = new ProtobufWriter(4096);
  readonly #series = new ProtobufWriter(4096);
  readonly #pieces: Uint8Array[] = [];
  #piecesBytes = 0;

  /** Bytes so far. */
  get size(): number {
    return this.#piecesBytes + this.#out.size;
  }

  /** All of it; nothing may be added any more. */
  pieces(): readonly Uint8Array[] {
    this.#endPiece();
    return this.#pieces;
  }

  /**
   * Samples of a series within one millisecond: the first counts, as in chunks. The caller may let
   * others proceed at each step.
   */
  *add({ labels, chunks }: SelectedSeries): Generator<undefined, void, void> {
    const series = this.#series;
    series.reset();
    writeLabels(series, 1, labels);
    let lastMs = Number.NEGATIVE_INFINITY;
    for (const samples of chunks)
      for (let i = 0; i < samples.count; i++) {
        if (i % READ_STEP_SAMPLES === READ_STEP_SAMPLES - 1) yield;
        const timeMs = Math.floor(samples.tUs[i]! / 1000);
        if (timeMs === lastMs) continue;
        lastMs = timeMs;
        writeSample(series, samples, i, timeMs);
      }
    this.#out.raw(1, series.bytes());
    if (this.#out.size >= READ_FRAME_BYTES) this.#endPiece();
  }

  #endPiece(): void {
    if (this.#out.size === 0) return;
    this.#piecesBytes += this.#out.size;
    this.#pieces.push(this.#out.bytes().slice());
    this.#out.reset();
  }
}

function writeSample(out: ProtobufWriter, samples: Samples, index: number, timeMs: number): void {
  if (samples.kind === KIND.string) return;
  if (samples.kind === KIND.histogram) {
    const value = samples.values[index]!;
    return out.message(4, (message) => writeHistogram(message, value, timeMs));
  }
  out.message(2, (sample) => {
    if (samples.kind === KIND.f64) {
      const words = new Int32Array(samples.values.buffer, samples.values.byteOffset + index * 8, 2);
      // As version 3 of the protocol buffers wants it, zeros are not written.
      if (words[0] !== 0 || words[1] !== 0) sample.doubleBits(1, words[0]!, words[1]!);
    } else if (Number(samples.values[index]) !== 0) sample.double(1, Number(samples.values[index]));
    if (timeMs !== 0) sample.int(2, timeMs);
  });
}

function writeSpans(out: ProtobufWriter, field: number, spans: Histogram['positiveSpans']): void {
  for (const { offset, length } of spans)
    out.message(field, (span) => {
      if (offset !== 0) span.sint(1, offset);
      if (length !== 0) span.uint(2, length);
    });
}

/** Differences of integer counts, or the counts of a float histogram. */
function writeBuckets(
  out: ProtobufWriter,
  field: number,
  counts: Float64Array,
  h: Histogram,
): void {
  if (!h.isInteger) return out.packedDoubles(field + 1, counts);
  out.packedSints(
    field,
    counts.map((count, i) => count - (counts[i - 1] ?? 0)),
  );
}

function writeHistogram(out: ProtobufWriter, h: Histogram, timeMs: number): void {
  if (h.isInteger) out.uint(1, h.count);
  else out.double(2, h.count);
  const sum = sumWords(h);
  if (sum[0] !== 0 || sum[1] !== 0) out.doubleBits(3, sum[0]!, sum[1]!);
  if (h.schema !== 0) out.sint(4, h.schema);
  if (h.zeroThreshold !== 0) out.double(5, h.zeroThreshold);
  if (h.isInteger) out.uint(6, h.zeroCount);
  else out.double(7, h.zeroCount);
  writeSpans(out, 8, h.negativeSpans);
  writeBuckets(out, 9, h.negativeBuckets, h);
  writeSpans(out, 11, h.positiveSpans);
  writeBuckets(out, 12, h.positiveBuckets, h);
  if (h.counterResetHint !== 0) out.uint(14, h.counterResetHint);
  if (timeMs !== 0) out.int(15, timeMs);
  out.packedDoubles(16, h.customValues);
}

/** A ReadResponse of results as `QueryResultWriter` wrote them, in pieces. */
export function readResponse(results: readonly QueryResultWriter[]): readonly Uint8Array[] {
  return results.flatMap((result) => {
    const head = new ByteWriter(16);
    head.u8((1 << 3) | WIRE.bytes);
    head.varint(result.size);
    return [head.bytes(), ...result.pieces()];
  });
}

/**
 * The frames of one series: one, unless it is too large for that. undefined: a chunk is encoded,
 * and the caller may let others proceed.
 */
export function* seriesFrames(
  series: SelectedSeries,
  queryIndex: number,
): Generator<Uint8Array | undefined, void, void> {
  const cutter = new ChunkCutter();
  let chunks: EncodedChunk[] = [];
  let sizeBytes = 0;
  for (const samples of series.chunks)
    for (const chunk of cutter.add(samples)) {
      chunks.push(chunk);
      sizeBytes += chunk.data.length;
      if (sizeBytes < READ_FRAME_BYTES) {
        yield undefined;
        continue;
      }
      yield frame(series.labels, chunks, queryIndex);
      chunks = [];
      sizeBytes = 0;
    }
  chunks.push(...cutter.finish());
  if (chunks.length > 0) yield frame(series.labels, chunks, queryIndex);
}

function frame(labels: Labels, chunks: readonly EncodedChunk[], queryIndex: number): Uint8Array {
  const message = new ProtobufWriter(4096);
  message.message(1, (series) => {
    writeLabels(series, 1, labels);
    for (const { minMs, maxMs, type, data } of chunks)
      series.message(2, (chunk) => {
        if (minMs !== 0) chunk.int(1, minMs);
        if (maxMs !== 0) chunk.int(2, maxMs);
        chunk.uint(3, type);
        chunk.raw(4, data);
      });
  });
  if (queryIndex > 0) message.uint(2, queryIndex);
  const body = message.bytes();
  const out = new ByteWriter(body.length + 16);
  out.varint(body.length);
  const sum = crc32c(body);
  for (const shift of [24, 16, 8, 0]) out.u8((sum >>> shift) & 255);
  out.raw(body);
  return out.bytes();
}
