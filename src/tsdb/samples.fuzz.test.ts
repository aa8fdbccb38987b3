// Overlapping sources of one series against a plain map: which sample wins, the order, every bit of
// a value, companions; few samples and more than the room that all clusters share.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import type { Prng } from '../stdx/prng.ts';
import { CLUSTER_ROOM_SAMPLES } from './limits.ts';
import { resolveSources } from './samples.ts';
import type { Source } from './samples.ts';

const KINDS = [KIND.f64, KIND.i64, KIND.u64, KIND.boolean, KIND.string] as const;
/** A stale marker is a signalling NaN: its bits are what it is. */
const STALE_BITS = 0x7ff0000000000002n;

interface Want {
  readonly rank: readonly [priority: number, ordinal: number];
  readonly text: string;
}

function drawValues(prng: Prng, kind: (typeof KINDS)[number], count: number): Samples['values'] {
  const bits = BigUint64Array.from({ length: count }, () =>
    randomInt(prng, 4) === 0 ? STALE_BITS : BigInt(prng.u32()) << 20n,
  );
  if (kind === KIND.f64) return new Float64Array(bits.buffer);
  if (kind === KIND.i64) return new BigInt64Array(bits.buffer);
  if (kind === KIND.u64) return bits;
  if (kind === KIND.boolean) return Uint8Array.from(bits, (one) => Number(one % 2n));
  return Array.from(bits, (one) => `s${one}`);
}

function drawSource(prng: Prng, priority: number, countMax: number): Source {
  const kind = KINDS[randomInt(prng, KINDS.length)]!;
  const count = 1 + randomInt(prng, countMax);
  const isAscending = randomInt(prng, 2) === 0;
  const step = (i: number): number => (isAscending ? i : randomInt(prng, count));
  const tUs = Float64Array.from({ length: count }, (_, i) => 1000 * step(i));
  const some = (share: number): boolean => randomInt(prng, share) === 0;
  const subNs = some(2) ? Uint16Array.from(tUs, () => 500 * randomInt(prng, 2)) : undefined;
  const doubles = (): Float64Array =>
    Float64Array.from(tUs, () => (some(2) ? Number.NaN : prng.u32()));
  const position = some(3)
    ? { latitude: doubles(), longitude: doubles(), elevation: doubles() }
    : undefined;
  const startUs = some(2) ? doubles() : undefined;
  const values = drawValues(prng, kind, count);
  return {
    samples: { kind, values, count, tUs, subNs, startUs, position } as Samples,
    ordinals: isAscending ? undefined : Uint32Array.from(tUs, (_, i) => i),
    priority,
    minUs: Math.min(...tUs),
    maxUs: Math.max(...tUs),
  };
}

function textOf(samples: Samples, i: number): string {
  const { kind, values, tUs, subNs, startUs, position } = samples;
  const isDouble = values instanceof Float64Array;
  const value = isDouble
    ? new BigUint64Array(values.buffer, values.byteOffset, values.length)[i]!
    : // No histogram is drawn.
      (values[i] as bigint | number | string);
  // Without a place there is none: a longitude alone is nothing.
  const { latitude, longitude, elevation } = position ?? {};
  const isPlaced = !Number.isNaN(latitude?.[i] ?? NaN) || !Number.isNaN(elevation?.[i] ?? NaN);
  const place = isPlaced ? [latitude?.[i], longitude?.[i], elevation?.[i]].join(' ') : '';
  const start = startUs?.[i] ?? Number.NaN;
  return `${tUs[i]}+${subNs?.[i] ?? 0}: ${kind} ${value} from ${start} at ${place}`;
}

function expected(sources: readonly Source[]): string[] {
  const wins = new Map<number, Want>();
  for (const { samples, ordinals, priority } of sources)
    for (let i = 0; i < samples.count; i++) {
      const key = samples.tUs[i]! * 1000 + (samples.subNs?.[i] ?? 0);
      const rank = [priority, ordinals?.[i] ?? 0] as const;
      const known = wins.get(key)?.rank ?? [-1, 0];
      if (rank[0] > known[0] || (rank[0] === known[0] && rank[1] > known[1]))
        wins.set(key, { rank, text: textOf(samples, i) });
    }
  return [...wins].toSorted(([a], [b]) => a - b).map(([, { text }]) => text);
}

function checkSeed(seed: number, sourceCount: number, countMax: number): void {
  const prng = seededPrng(seed);
  const sources = Array.from({ length: sourceCount }, (_, i) => drawSource(prng, i, countMax));
  const wanted = expected(sources);
  const chunks = resolveSources(sources);
  const found = chunks.flatMap((chunk) =>
    Array.from({ length: chunk.count }, (_, i) => textOf(chunk, i)),
  );
  assert.deepEqual(found, wanted);
  // What was given is the caller's: the next cluster does not write into it.
  resolveSources(Array.from({ length: 3 }, (_, i) => drawSource(prng, i, countMax)));
  const again = chunks.flatMap((chunk) =>
    Array.from({ length: chunk.count }, (_, i) => textOf(chunk, i)),
  );
  assert.deepEqual(again, wanted);
}

test('of samples at one time the newest stays, bit for bit, whatever overlaps', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 6 }), fc.constantFrom(1, 4, 20), checkSeed),
    { numRuns: 400 },
  );
});

test('also of more samples than the shared room has', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 2, max: 4 }), (seed, count) =>
      checkSeed(seed, count, CLUSTER_ROOM_SAMPLES),
    ),
    { numRuns: 10 },
  );
});
