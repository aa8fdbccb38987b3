// Sends walks to a receiver by remote write 1.0 (prometheus/prompb/remote.proto), first all samples
// that are in time, then the late ones: the same bodies to every server.
import { encodeSnappy } from '../../src/codec/snappy.ts';
import type { NativeSample, NativeWalk, Walk } from './sample-walks.ts';

const STALE_BITS = 0x7ff0000000000002n;
const SAMPLES_PER_BODY = 20_000;

class Message {
  #bytes = Buffer.alloc(1 << 16);
  #end = 0;

  #reserve(sizeBytes: number): void {
    if (this.#end + sizeBytes <= this.#bytes.length) return;
    const next = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#end + sizeBytes));
    next.set(this.#bytes);
    this.#bytes = next;
  }

  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128))
      this.#bytes[this.#end++] = (rest % 128) | 128;
    this.#bytes[this.#end++] = rest;
  }

  bytes(field: number, content: Uint8Array): void {
    this.varint((field << 3) | 2);
    this.varint(content.length);
    this.#reserve(content.length);
    this.#bytes.set(content, this.#end);
    this.#end += content.length;
  }

  double(field: number, value: number, isStale: boolean): void {
    this.varint((field << 3) | 1);
    this.#reserve(8);
    if (isStale) this.#bytes.writeBigUInt64LE(STALE_BITS, this.#end);
    else this.#bytes.writeDoubleLE(value, this.#end);
    this.#end += 8;
  }

  take(): Buffer {
    const out = this.#bytes.subarray(0, this.#end);
    this.#bytes = Buffer.alloc(1 << 16);
    this.#end = 0;
    return out;
  }
}

function writeLabels(series: Message, inner: Message, labels: Walk['labels']): void {
  for (const [name, value] of Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    inner.bytes(1, Buffer.from(name));
    inner.bytes(2, Buffer.from(value));
    series.bytes(1, inner.take());
  }
}

function writeBuckets(message: Message, counts: readonly number[], field: number, offset: number) {
  if (counts.length === 0) return;
  const span = new Message();
  span.varint(1 << 3);
  span.varint(offset * 2);
  span.varint(2 << 3);
  span.varint(counts.length);
  message.bytes(field, span.take());
  const deltas = new Message();
  let last = 0;
  for (const count of counts) {
    const delta = count - last;
    deltas.varint(delta < 0 ? -2 * delta - 1 : 2 * delta);
    last = count;
  }
  message.bytes(field + 1, deltas.take());
}

function nativeHistogram(sample: NativeSample, tMs: number): Buffer {
  const message = new Message();
  const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  const { schema, zeroCount, positive, negative, offset } = sample;
  message.varint(1 << 3);
  message.varint(zeroCount + sumOf(positive) + sumOf(negative));
  message.double(3, sample.sum, false);
  message.varint(4 << 3);
  message.varint(schema < 0 ? -2 * schema - 1 : 2 * schema);
  message.double(5, sample.zeroThreshold, false);
  message.varint(6 << 3);
  message.varint(zeroCount);
  writeBuckets(message, negative, 8, offset);
  writeBuckets(message, positive, 11, offset);
  message.varint(15 << 3);
  message.varint(tMs);
  const bounds = Buffer.from(Float64Array.from(sample.customValues).buffer);
  if (bounds.length > 0) message.bytes(16, bounds);
  return message.take();
}

function nativeSeries({ labels, tMs, samples }: NativeWalk): Buffer {
  const series = new Message();
  writeLabels(series, new Message(), labels);
  for (const [i, sample] of samples.entries()) series.bytes(4, nativeHistogram(sample, tMs[i]!));
  return series.take();
}

function timeSeries({ labels, tMs, values, stale, late }: Walk, isLatePass: boolean): Buffer {
  const series = new Message();
  const inner = new Message();
  writeLabels(series, inner, labels);
  for (let i = 0; i < tMs.length; i++) {
    if (late[i] !== isLatePass) continue;
    inner.double(1, values[i]!, stale[i]!);
    inner.varint(2 << 3);
    inner.varint(tMs[i]!);
    series.bytes(2, inner.take());
  }
  return series.take();
}

type AnyWalk = Walk | NativeWalk;

const labelsText = ({ labels }: AnyWalk) =>
  JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Sorted by labels: the reference picks of equal values the series that it met first. */
function* bodies(
  walks: readonly AnyWalk[],
  isLatePass: boolean,
): Generator<Uint8Array<ArrayBuffer>> {
  const request = new Message();
  let samples = 0;
  const sorted = walks
    .map((walk) => ({ walk, text: labelsText(walk) }))
    .toSorted((a, b) => (a.text < b.text ? -1 : 1));
  for (const { walk } of sorted) {
    const isNative = 'samples' in walk;
    const count = isNative
      ? isLatePass
        ? 0
        : walk.tMs.length
      : walk.late.filter((one) => one === isLatePass).length;
    if (count === 0) continue;
    request.bytes(1, isNative ? nativeSeries(walk) : timeSeries(walk, isLatePass));
    samples += count;
    if (samples < SAMPLES_PER_BODY) continue;
    yield new Uint8Array(encodeSnappy(request.take()));
    samples = 0;
  }
  if (samples > 0) yield new Uint8Array(encodeSnappy(request.take()));
}

async function send(url: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
  const response = await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-protobuf',
      'Content-Encoding': 'snappy',
      'X-Prometheus-Remote-Write-Version': '0.1.0',
    },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} refuses a write: ${response.status} ${text}`);
}

/** Rejects with the server's own words where one of them refuses a body. */
export async function writeWalks(
  walks: readonly AnyWalk[],
  urls: readonly string[],
): Promise<void> {
  for (const isLatePass of [false, true])
    for (const body of bodies(walks, isLatePass)) for (const url of urls) await send(url, body);
}
