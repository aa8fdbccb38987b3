// Proof that a merge lost and invented nothing: a digest of the set of (series, time, value) that must
// come out, taken from the inputs in a plain way (newest of each time in a Map), against the digest of
// what the written parts give back when read again. Sums of hashes, so order does not matter.
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { labelsKey } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { ByteWriter } from '../codec/varint.ts';
import { writeHistogram } from '../codec/column-histogram.ts';
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

function hashValue(samples: Samples, i: number, seed: number): number {
  switch (samples.kind) {
    case KIND.f64:
    case KIND.i64:
    case KIND.u64: {
      const { buffer, byteOffset } = samples.values;
      const words = new Int32Array(buffer, byteOffset + i * 8, 2);
      return combine(combine(seed, words[0]!), words[1]!);
    }
    case KIND.boolean:
      return combine(seed, samples.values[i]!);
    case KIND.string:
      return hashText(samples.values[i]!, seed);
    case KIND.histogram:
      scratch.reset();
      writeHistogram(scratch, samples.values[i]!);
      return hashBytes(scratch.bytes(), seed);
  }
}

function hashSample(samples: Samples, i: number, seriesHash: number): number {
  const tUs = samples.tUs[i]!;
  let hash = combine(seriesHash + samples.kind, (tUs % 4294967296) | 0);
  hash = combine(hash, Math.floor(tUs / 4294967296));
  return hashValue(samples, i, combine(hash, samples.subNs?.[i] ?? 0));
}

export class Digest {
  count = 0;
  minUs = Number.POSITIVE_INFINITY;
  maxUs = Number.NEGATIVE_INFINITY;
  /** Two sums modulo 2^32 of differently seeded hashes. */
  sumA = 0;
  sumB = 0;

  #add(samples: Samples, i: number, seriesHash: number): void {
    const hash = hashSample(samples, i, seriesHash);
    this.sumA = (this.sumA + hash) | 0;
    this.sumB = (this.sumB + combine(hash, 0x9e3779b9)) | 0;
    this.count++;
    this.minUs = Math.min(this.minUs, samples.tUs[i]!);
    this.maxUs = Math.max(this.maxUs, samples.tUs[i]!);
  }

  /** Samples that a part gives back. */
  addSamples(tenant: TenantId, labels: Labels, samples: Samples): void {
    const seriesHash = hashText(labelsKey(labels), hashText(tenant, 1));
    for (let i = 0; i < samples.count; i++) this.#add(samples, i, seriesHash);
  }

  /** What must be left of a series' sources: of each time the one of the highest priority. */
  addSources(tenant: TenantId, labels: Labels, sources: readonly Source[]): void {
    if (sources.length === 1) return this.addSamples(tenant, labels, sources[0]!.samples);
    const newest = new Map<string, { source: Source; i: number }>();
    for (const source of sources)
      for (let i = 0; i < source.samples.count; i++) {
        const key = `${source.samples.tUs[i]} ${source.samples.subNs?.[i] ?? 0}`;
        const known = newest.get(key);
        if (known === undefined || known.source.priority <= source.priority)
          newest.set(key, { source, i });
      }
    const seriesHash = hashText(labelsKey(labels), hashText(tenant, 1));
    for (const { source, i } of newest.values()) this.#add(source.samples, i, seriesHash);
  }

  equals(other: Digest): boolean {
    return this.toString() === other.toString();
  }

  toString(): string {
    const { count, minUs, maxUs, sumA, sumB } = this;
    return `${count} samples from ${minUs} to ${maxUs}, sums ${sumA >>> 0} ${sumB >>> 0}`;
  }
}
