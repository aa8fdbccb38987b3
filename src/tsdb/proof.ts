// Proof that a merge lost and invented nothing: a digest of the set of (series, time, value,
// kind, companions) that must come out, taken from the decoded inputs, against the digest of what
// the written part gives back when it is read again. Which of several writes of one time wins is
// decided here a second time, by walking the inputs beside each other, and shares no code with
// the merge's own way (samples.ts). Sums of hashes, so order does not matter; about 5 ns a sample
// and side.
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { ByteWriter } from '../codec/varint.ts';
import { writeHistogram } from '../codec/column-histogram.ts';
import { assert } from '../stdx/assert.ts';
import type { Source } from './samples.ts';

const scratch = new ByteWriter(256);

/** murmur3's 32-bit finalizer (Appleby, public domain). */
function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function hashText(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash, 31) + text.charCodeAt(i);
  return mix(hash);
}

function hashBytes(bytes: Uint8Array, seed: number): number {
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash, 31) + byte;
  return mix(hash);
}

function wordsOf(column: Float64Array | BigInt64Array | BigUint64Array, count: number): Int32Array {
  return new Int32Array(column.buffer, column.byteOffset, count * 2);
}

/** One 32-bit number per value of kinds that are no 64-bit words. */
function hashObjects(samples: Samples): Int32Array {
  const out = new Int32Array(samples.count * 2);
  for (let i = 0; i < samples.count; i++) out[2 * i] = hashObject(samples, i);
  return out;
}

function hashObject(samples: Samples, i: number): number {
  if (samples.kind === KIND.boolean) return samples.values[i]!;
  if (samples.kind === KIND.string) return hashText(samples.values[i]!, 1);
  assert(samples.kind === KIND.histogram, 'all other kinds are words');
  scratch.reset();
  writeHistogram(scratch, samples.values[i]!);
  return hashBytes(scratch.bytes(), 1);
}

function valueWords(samples: Samples): Int32Array {
  const { kind, values, count } = samples;
  if (kind === KIND.f64 || kind === KIND.i64 || kind === KIND.u64) return wordsOf(values, count);
  return hashObjects(samples);
}

/** Per sample a hash of its companions, 0 where it has none; undefined without such columns. */
function hashCompanions({ subNs, startUs, position, count }: Samples): Int32Array | undefined {
  if (subNs === undefined && startUs === undefined && position === undefined) return undefined;
  const out = new Int32Array(count);
  if (subNs !== undefined) for (let i = 0; i < count; i++) out[i] = subNs[i]!;
  const columns = [startUs, position?.latitude, position?.longitude, position?.elevation];
  for (const [number, column] of columns.entries()) {
    if (column === undefined) continue;
    const words = wordsOf(column, count);
    for (let i = 0; i < count; i++)
      if (!Number.isNaN(column[i]!))
        out[i] = mix(Math.imul(out[i]! ^ words[2 * i]!, 0x2c1b3c6d) + words[2 * i + 1]! + number);
  }
  return out;
}

/** No two sources share a time, so nothing can be overwritten. */
function areApart(sources: readonly Source[]): boolean {
  const byTime = sources.toSorted((a, b) => a.minUs - b.minUs);
  return byTime.every((source, i) => i === 0 || source.minUs > byTime[i - 1]!.maxUs);
}

/** Marks the samples of `source` that `later` writes again; both ascend in (tUs, subNs). */
function markRewritten(source: Samples, later: Samples, marks: Uint8Array): void {
  let at = 0;
  for (let i = 0; i < source.count; i++) {
    const tUs = source.tUs[i]!;
    const subNs = source.subNs?.[i] ?? 0;
    while (at < later.count) {
      const laterUs = later.tUs[at]!;
      if (laterUs > tUs || (laterUs === tUs && (later.subNs?.[at] ?? 0) >= subNs)) break;
      at++;
    }
    if (at === later.count) return;
    if (later.tUs[at] === tUs && (later.subNs?.[at] ?? 0) === subNs) marks[i] = 1;
  }
}

export class Digest {
  count = 0;
  minUs = Number.POSITIVE_INFINITY;
  maxUs = Number.NEGATIVE_INFINITY;
  /** Two sums modulo 2^32 of differently mixed hashes. */
  sumA = 0;
  sumB = 0;
  /** Of the series at hand. */
  #series = 0;
  #labels: Labels | undefined = undefined;
  /** By place, of the texts of `#labels`. */
  readonly #textHashes: number[] = [];
  #tenant: TenantId | undefined = undefined;

  #begin(tenant: TenantId, labels: Labels): void {
    if (this.#labels === labels && this.#tenant === tenant) return;
    const before = this.#labels;
    const hashes = this.#textHashes;
    let hash = hashText(tenant, labels.length);
    for (let i = 0; i < labels.length; i++) {
      // In label order most texts are those of the series before.
      if (before?.[i] !== labels[i]) hashes[i] = hashText(labels[i]!, 1);
      hash = mix(Math.imul(hash, 31) + hashes[i]!);
    }
    this.#labels = labels;
    this.#tenant = tenant;
    this.#series = hash;
  }

  /** Samples but those marked; times ascend. */
  #add(samples: Samples, marks: Uint8Array | undefined): void {
    const { count, tUs, kind } = samples;
    const times = wordsOf(tUs, count);
    const values = valueWords(samples);
    const companions = hashCompanions(samples);
    const seed = mix(this.#series + kind);
    let { sumA, sumB } = this;
    let left = count;
    for (let i = 0; i < count; i++) {
      if (marks !== undefined && marks[i] === 1) {
        left--;
        continue;
      }
      let hash = Math.imul(seed ^ times[2 * i]!, 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 15) ^ times[2 * i + 1]!, 0xc2b2ae35);
      hash = Math.imul(hash ^ (hash >>> 13) ^ values[2 * i]!, 0x27d4eb2f);
      hash = Math.imul(hash ^ (hash >>> 16) ^ values[2 * i + 1]!, 0x165667b1);
      if (companions !== undefined && companions[i] !== 0)
        hash = Math.imul(hash ^ companions[i]!, 0x2c1b3c6d);
      hash ^= hash >>> 15;
      sumA = (sumA + hash) | 0;
      sumB = (sumB + Math.imul(hash ^ (hash >>> 12), 0x297a2d39)) | 0;
    }
    this.sumA = sumA;
    this.sumB = sumB;
    this.count += left;
    if (left === count) this.#widen(tUs[0]!, tUs[count - 1]!);
    else for (let i = 0; i < count; i++) if (marks![i] === 0) this.#widen(tUs[i]!, tUs[i]!);
  }

  #widen(firstUs: number, lastUs: number): void {
    if (firstUs < this.minUs) this.minUs = firstUs;
    if (lastUs > this.maxUs) this.maxUs = lastUs;
  }

  /** Samples that a part gives back. */
  addSamples(tenant: TenantId, labels: Labels, samples: Samples): void {
    this.#begin(tenant, labels);
    this.#add(samples, undefined);
  }

  /**
   * What must be left of a series' sources: of each time the one of the highest priority. Sources
   * of one priority share no time. Complexity: samples × sources that overlap.
   */
  addSources(tenant: TenantId, labels: Labels, sources: readonly Source[]): void {
    this.#begin(tenant, labels);
    if (areApart(sources)) {
      for (const { samples } of sources) this.#add(samples, undefined);
      return;
    }
    for (const source of sources) {
      assert(source.ordinals === undefined, 'sources of parts ascend');
      const marks = new Uint8Array(source.samples.count);
      for (const other of sources)
        if (
          other.priority > source.priority &&
          other.minUs <= source.maxUs &&
          other.maxUs >= source.minUs
        )
          markRewritten(source.samples, other.samples, marks);
      this.#add(source.samples, marks);
    }
  }

  equals(other: Digest): boolean {
    return this.toString() === other.toString();
  }

  toString(): string {
    const { count, minUs, maxUs, sumA, sumB } = this;
    return `${count} samples from ${minUs} to ${maxUs}, sums ${sumA >>> 0} ${sumB >>> 0}`;
  }
}
