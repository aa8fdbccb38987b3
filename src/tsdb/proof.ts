// Proof that a merge lost and invented nothing: a digest of the set of (series, time, value) that
// must come out, taken from the inputs in a plain way (newest of each time in a Map), against the
// digest of what the written parts give back when read again. Sums of hashes, so order does not
// matter.
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { labelsKey } from '../model/labels.ts';
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

function combine(hash: number, word: number): number {
  return mix(Math.imul(hash, 31) + word);
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

/** Word pairs of fixed-width kinds; undefined for the others. */
function wordsOf(samples: Samples): Int32Array | undefined {
  if (samples.kind !== KIND.f64 && samples.kind !== KIND.i64 && samples.kind !== KIND.u64)
    return undefined;
  const { buffer, byteOffset } = samples.values;
  return new Int32Array(buffer, byteOffset, samples.count * 2);
}

function hashObject(samples: Samples, i: number, seed: number): number {
  if (samples.kind === KIND.boolean) return combine(seed, samples.values[i]!);
  if (samples.kind === KIND.string) return hashText(samples.values[i]!, seed);
  assert(samples.kind === KIND.histogram, 'all other kinds are words');
  scratch.reset();
  writeHistogram(scratch, samples.values[i]!);
  return hashBytes(scratch.bytes(), seed);
}

/** No two sources share a time, so nothing can be overwritten. */
function areApart(sources: readonly Source[]): boolean {
  const byTime = sources.toSorted((a, b) => a.minUs - b.minUs);
  return byTime.every((source, i) => i === 0 || source.minUs > byTime[i - 1]!.maxUs);
}

export class Digest {
  count = 0;
  minUs = Number.POSITIVE_INFINITY;
  maxUs = Number.NEGATIVE_INFINITY;
  /** Two sums modulo 2^32 of differently seeded hashes. */
  sumA = 0;
  sumB = 0;

  #add(samples: Samples, words: Int32Array | undefined, i: number, seriesHash: number): void {
    const tUs = samples.tUs[i]!;
    const high = Math.floor(tUs / 4294967296);
    let hash = combine(seriesHash + samples.kind, (tUs - high * 4294967296) | 0);
    hash = combine(hash, high);
    hash = combine(hash, samples.subNs === undefined ? 0 : samples.subNs[i]!);
    hash =
      words === undefined
        ? hashObject(samples, i, hash)
        : combine(combine(hash, words[2 * i]!), words[2 * i + 1]!);
    this.sumA = (this.sumA + hash) | 0;
    this.sumB = (this.sumB + mix(hash ^ 0x5bd1e995)) | 0;
    this.count++;
    if (tUs < this.minUs) this.minUs = tUs;
    if (tUs > this.maxUs) this.maxUs = tUs;
  }

  /** Samples that a part gives back. */
  addSamples(tenant: TenantId, labels: Labels, samples: Samples): void {
    const seriesHash = hashText(labelsKey(labels), hashText(tenant, 1));
    const words = wordsOf(samples);
    for (let i = 0; i < samples.count; i++) this.#add(samples, words, i, seriesHash);
  }

  /** What must be left of a series' sources: of each time the one of the highest priority. */
  addSources(tenant: TenantId, labels: Labels, sources: readonly Source[]): void {
    if (areApart(sources)) {
      for (const { samples } of sources) this.addSamples(tenant, labels, samples);
      return;
    }
    const newest = new Map<string, { source: Source; i: number }>();
    for (const source of sources)
      for (let i = 0; i < source.samples.count; i++) {
        const key = `${source.samples.tUs[i]} ${source.samples.subNs?.[i] ?? 0}`;
        const known = newest.get(key);
        if (known === undefined || known.source.priority <= source.priority)
          newest.set(key, { source, i });
      }
    const seriesHash = hashText(labelsKey(labels), hashText(tenant, 1));
    for (const { source, i } of newest.values())
      this.#add(source.samples, wordsOf(source.samples), i, seriesHash);
  }

  equals(other: Digest): boolean {
    return this.toString() === other.toString();
  }

  toString(): string {
    const { count, minUs, maxUs, sumA, sumB } = this;
    return `${count} samples from ${minUs} to ${maxUs}, sums ${sumA >>> 0} ${sumB >>> 0}`;
  }
}
