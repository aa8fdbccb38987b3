// The proof must notice every single sample that is lost, doubled, changed or taken from the wrong
// write; and must not cry where nothing is wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { labelsFromObject } from '../model/labels.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import { Digest } from './proof.ts';
import { resolveSources, sliceSamples, sortedSource } from './samples.ts';
import type { Source } from './samples.ts';

const LABELS = labelsFromObject({ __name__: 'm', a: 'b' });

function floats(times: readonly number[], value: (i: number) => number): Samples {
  return {
    kind: KIND.f64,
    values: Float64Array.from(times, (_, i) => value(i)),
    count: times.length,
    tUs: Float64Array.from(times),
    subNs: undefined,
    startUs: undefined,
    position: undefined,
  };
}

function texts(times: readonly number[], value: (i: number) => string): Samples {
  const { count, tUs, subNs, startUs, position } = floats(times, () => 0);
  const values = times.map((_, i) => value(i));
  return { kind: KIND.string, values, count, tUs, subNs, startUs, position };
}

function digestOf(chunks: readonly Samples[], labels = LABELS, tenant = 'a'): Digest {
  const digest = new Digest();
  for (const chunk of chunks) digest.addSamples(tenant, labels, chunk);
  return digest;
}

function expectedOf(sources: readonly Source[]): Digest {
  const digest = new Digest();
  digest.addSources('a', LABELS, sources);
  return digest;
}

const TIMES = Array.from({ length: 50 }, (_, i) => 1_700_000_000_000_000 + i * 15_000_000);
const GOOD = floats(TIMES, (i) => i / 10);
const VALUES = Float64Array.from(TIMES, (_, i) => i / 10);

test('equal sets in other chunks are equal', () => {
  const halves = [sliceSamples(GOOD, 0, 20), sliceSamples(GOOD, 20, 50)];
  assert.ok(digestOf(halves.toReversed()).equals(digestOf([GOOD])));
});

const BROKEN: Readonly<Record<string, readonly Samples[]>> = {
  'a lost sample': [sliceSamples(GOOD, 0, 20), sliceSamples(GOOD, 21, 50)],
  'a doubled sample': [GOOD, sliceSamples(GOOD, 7, 8)],
  'one doubled, another lost': [sliceSamples(GOOD, 0, 49), sliceSamples(GOOD, 7, 8)],
  'the last bit of a value': [floats(TIMES, (i) => (i === 9 ? 0.9000000000000001 : i / 10))],
  'the sign of zero': [floats(TIMES, (i) => (i === 0 ? -0 : i / 10))],
  'two values swapped': [floats(TIMES, (i) => (i === 3 ? 4 : i === 4 ? 3 : i) / 10)],
  'a time moved by a microsecond': [
    floats(
      TIMES.map((tUs, i) => (i === 5 ? tUs + 1 : tUs)),
      (i) => i / 10,
    ),
  ],
  'another kind': [{ ...GOOD, kind: KIND.i64, values: new BigInt64Array(VALUES.buffer) }],
  nanoseconds: [{ ...GOOD, subNs: Uint16Array.from(TIMES, (_, i) => (i === 2 ? 1 : 0)) }],
  'a start time': [{ ...GOOD, startUs: Float64Array.from(TIMES, (t, i) => (i === 2 ? t : NaN)) }],
};

for (const [name, chunks] of Object.entries(BROKEN))
  test(`notices ${name}`, () => assert.ok(!digestOf(chunks).equals(digestOf([GOOD]))));

test('notices the series, the tenant and texts', () => {
  const other = labelsFromObject({ __name__: 'm', a: 'c' });
  assert.ok(!digestOf([GOOD], other).equals(digestOf([GOOD])));
  assert.ok(!digestOf([GOOD], LABELS, 'b').equals(digestOf([GOOD])));
  const words = digestOf([texts(TIMES, String)]);
  assert.ok(words.equals(digestOf([texts(TIMES, String)])));
  assert.ok(!words.equals(digestOf([texts(TIMES, (i) => String(i === 3 ? 4 : i))])));
});

test('absent companions and columns of absent companions are the same', () => {
  const bare = { ...GOOD, subNs: new Uint16Array(50), startUs: new Float64Array(50).fill(NaN) };
  assert.ok(digestOf([bare]).equals(digestOf([GOOD])));
});

/** Sources of one series that overlap, some samples at the same times. */
function randomSources(seed: number): Source[] {
  const prng = seededPrng(seed);
  const sources: Source[] = [];
  for (let priority = 0; priority < 5; priority++) {
    const times = TIMES.slice(0, 20).filter(() => randomInt(prng, 3) > 0);
    if (times.length === 0) continue;
    const of = (i: number): number => priority * 1000 + i + randomInt(prng, 2);
    const samples = priority === 2 ? texts(times, (i) => String(of(i))) : floats(times, of);
    sources.push(sortedSource(samples, priority));
  }
  return sources;
}

test('what the merge makes of overlapping sources is what the proof expects', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const sources = randomSources(seed);
    assert.ok(digestOf(resolveSources(sources)).equals(expectedOf(sources)), `seed ${seed}`);
  }
});

test('a merge that lets the older write win, or drops a chunk, is noticed', () => {
  let seen = 0;
  for (let seed = 1; seed <= 50; seed++) {
    const sources = randomSources(seed);
    const upsideDown = sources.map((one) => ({ ...one, priority: -one.priority }));
    assert.ok(!digestOf(resolveSources(upsideDown)).equals(expectedOf(sources)), `seed ${seed}`);
    const chunks = resolveSources(sources);
    if (chunks.length > 1) seen++;
    assert.ok(!digestOf(chunks.slice(1)).equals(expectedOf(sources)), `seed ${seed}`);
  }
  assert.ok(seen > 10);
});
