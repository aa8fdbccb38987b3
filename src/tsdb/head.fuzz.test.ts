// A generation against a plain model: batches of all kinds with times from microseconds to
// centuries apart, companions, held moments and deletes, with pages so small that every way to
// close one is met; what a moment shows never moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../model/batch-builder.ts';
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import type { Prng } from '../stdx/prng.ts';
import type { Delete } from './deletes.ts';
import { Generation } from './head.ts';
import { HeadMemory } from './head-memory.ts';
import { HEAD_SLAB_BYTES } from './limits.ts';
import { Moments } from './moments.ts';
import { resolveSources } from './samples.ts';

const SERIES = [0, 1, 511, 512, 5000];
const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };
const HISTOGRAM = {
  schema: 1,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 1,
  sum: 1,
  positiveSpans: [{ offset: 0, length: 1 }],
  positiveBuckets: [1],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: undefined,
  counterReset: 0,
};

interface Point {
  readonly ref: number;
  readonly tUs: number;
  readonly subNs: number;
  readonly shown: string;
  /** The number of the operation that wrote it. */
  readonly step: number;
}

interface Rule extends Delete {
  readonly step: number;
}

interface Held {
  readonly moment: number;
  readonly step: number;
  readonly rules: readonly Rule[];
}

/** Times that need every tick, close and fit pages, and go back. */
function randomTime(prng: Prng, last: number): number {
  const scale = [1, 1000, 1_000_000, 60_000_000, 1e13, 1e14][randomInt(prng, 6)]!;
  const moved = last + (randomInt(prng, 40) - 12) * scale;
  const whole = randomInt(prng, 2) === 0 ? Math.round(moved / 1e6) * 1e6 : moved;
  return Math.abs(whole) < 8e15 ? whole : 0;
}

function addRandom(prng: Prng, builder: BatchBuilder, ref: number, time: number): string {
  const value = randomInt(prng, 1_000_000);
  const subNs = randomInt(prng, 8) === 0 ? 1 + randomInt(prng, 3) : 0;
  const kind = randomInt(prng, 3) > 0 ? KIND.f64 : randomInt(prng, 6);
  if (kind === KIND.f64) builder.f64Bits(ref, time, subNs, value, 0x7ff00000);
  else if (kind === KIND.i64) builder.i64(ref, time, subNs, value, -1);
  else if (kind === KIND.u64) builder.u64(ref, time, subNs, value, 7);
  else if (kind === KIND.boolean) builder.boolean(ref, time, subNs, value % 2 === 0);
  else if (kind === KIND.string) builder.string(ref, time, subNs, String(value));
  else builder.histogram(ref, time, subNs, { ...HISTOGRAM, sum: value } as never);
  if (randomInt(prng, 9) > 0) return shownOf(kind, value, '');
  builder.startOfLast(kind as 0, value);
  if (randomInt(prng, 2) === 0) return shownOf(kind, value, `start ${value}`);
  builder.positionOfLast(kind as 0, 1, value, Number.NaN);
  return shownOf(kind, value, `start ${value} at 1 ${value}`);
}

function shownOf(kind: number, value: number, companions: string): string {
  const text = kind === KIND.boolean ? String(value % 2 === 0) : String(value);
  return `${kind}: ${text} ${companions}`.trim();
}

function shownAt(chunk: Samples, i: number): string {
  const { startUs, position } = chunk;
  let text: string;
  if (chunk.kind === KIND.boolean) text = String(chunk.values[i] === 1);
  else if (chunk.kind === KIND.string) text = chunk.values[i]!;
  else if (chunk.kind === KIND.histogram) text = String(chunk.values[i]!.sum);
  else {
    const { buffer, byteOffset } = chunk.values;
    text = String(new Int32Array(buffer, byteOffset + 8 * i, 1)[0]);
  }
  const start = startUs === undefined || Number.isNaN(startUs[i]!) ? '' : `start ${startUs[i]}`;
  const isPlaced = position !== undefined && !Number.isNaN(position.latitude[i]!);
  const place = isPlaced ? ` at ${position.latitude[i]} ${position.longitude[i]}` : '';
  return `${chunk.kind}: ${text} ${start}${place}`.trim();
}

/** What must be seen: of each time the last one written and not deleted. */
function expected(points: readonly Point[], ref: number, { step, rules }: Held): string[] {
  const left = new Map<string, Point>();
  for (const point of points) {
    if (point.ref !== ref || point.step > step) continue;
    const isHidden = rules.some(
      (one) => point.step <= one.step && point.tUs >= one.startUs && point.tUs <= one.endUs,
    );
    if (isHidden) left.delete(`${point.tUs} ${point.subNs}`);
    else left.set(`${point.tUs} ${point.subNs}`, point);
  }
  return [...left.values()]
    .toSorted((a, b) => a.tUs - b.tUs || a.subNs - b.subNs)
    .map((point) => `${point.tUs} ${point.subNs} ${point.shown}`);
}

function found(generation: Generation, ref: number, { moment, rules }: Held): string[] {
  const view = { moment, range: EVER, priority: 0 };
  const out: string[] = [];
  for (const chunk of resolveSources(generation.sources(ref, view, rules)))
    for (let i = 0; i < chunk.count; i++)
      out.push(`${chunk.tUs[i]} ${chunk.subNs?.[i] ?? 0} ${shownAt(chunk, i)}`);
  return out;
}

class Run {
  readonly prng: Prng;
  readonly memory = new HeadMemory();
  readonly moments = new Moments();
  readonly generation: Generation;
  readonly points: Point[] = [];
  readonly held: Held[] = [];
  rules: readonly Rule[] = [];
  step = 0;
  readonly #lastUs = new Map<number, number>();

  constructor(seed: number) {
    this.prng = seededPrng(seed);
    const sizes = [
      [1, 2, 3],
      [4, 8, 16],
      [3, 5, 255],
    ] as const;
    const { memory, moments } = this;
    // As a generation that follows another one.
    moments.touch();
    if (seed % 2 === 0) moments.mark();
    this.generation = new Generation(10, {
      memory,
      moments,
      pageSamples: sizes[seed % 3]!,
      sealSamples: [0, 4, 40, 300][seed % 4]!,
    });
  }

  write(): void {
    const { prng } = this;
    const builder = new BatchBuilder();
    const isSimple = randomInt(prng, 2) === 0;
    for (let left = 1 + randomInt(prng, 30); left > 0; left--) {
      const ref = SERIES[randomInt(prng, isSimple ? 2 : SERIES.length)]!;
      const last = this.#lastUs.get(ref) ?? 1.7e15;
      const tUs = isSimple ? last + 1000 * randomInt(prng, 20) : randomTime(prng, last);
      this.#lastUs.set(ref, tUs);
      if (isSimple) {
        const value = randomInt(prng, 1_000_000);
        builder.f64Bits(ref, tUs, 0, value, -1);
        this.points.push({ ref, tUs, subNs: 0, shown: `0: ${value}`, step: this.step });
        continue;
      }
      const shown = addRandom(prng, builder, ref, tUs);
      const kind = Number(shown[0]);
      const subNs = subNsOfLast(builder, kind);
      this.points.push({ ref, tUs, subNs, shown, step: this.step });
    }
    const { points } = builder.finish();
    this.generation.applyPoints(
      points,
      points.map(({ refs }) => refs),
    );
  }

  remove(): void {
    const moment = this.generation.markDelete();
    const startUs = 1.7e15 - randomInt(this.prng, 100) * 1e6;
    const range = { startUs, endUs: startUs + randomInt(this.prng, 200) * 1e6 };
    const { step } = this;
    const one = { offset: 11, tenant: 't', matchers: [], ...range, moment, step };
    this.rules = [...this.rules, one];
  }

  hold(): void {
    this.held.push({ moment: this.moments.hold(), step: this.step, rules: this.rules });
  }

  check(): void {
    const now = { moment: Number.POSITIVE_INFINITY, step: this.step, rules: this.rules };
    for (const held of [...this.held, now])
      for (const ref of SERIES)
        assert.deepEqual(found(this.generation, ref, held), expected(this.points, ref, held));
  }
}

function subNsOfLast(builder: BatchBuilder, kind: number): number {
  const set = builder.finish().points.find((points) => points.kind === kind)!;
  return set.subNs?.[set.count - 1] ?? 0;
}

test('a generation shows at every held moment what a plain model shows', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const run = new Run(seed);
    for (; run.step < 40; run.step++) {
      const what = randomInt(run.prng, 10);
      if (what < 7) run.write();
      else if (what === 7) run.remove();
      else if (what === 8 || run.held.length === 0) run.hold();
      else run.moments.release(run.held.shift()!.moment);
      if (run.step % 8 === 7) run.check();
    }
  }
});

test('ranges cut at both ends, and the newest sample is looked at alone', () => {
  const run = new Run(1);
  const builder = new BatchBuilder();
  for (let i = 0; i < 20; i++) builder.f64(7, i * 1000, 0, i);
  const { points } = builder.finish();
  run.generation.applyPoints(points, [points[0]!.refs]);
  const view = { moment: Number.POSITIVE_INFINITY, priority: 0 };
  for (let from = -1; from < 21; from++)
    for (let to = from; to < 21; to++) {
      const range = { startUs: from * 1000, endUs: to * 1000 };
      const times = run.generation
        .sources(7, { ...view, range }, [])
        .flatMap(({ samples }) => [...samples.tUs.subarray(0, samples.count)]);
      const wanted = Array.from({ length: 20 }, (_, i) => i * 1000);
      assert.deepEqual(
        times,
        wanted.filter((tUs) => tUs >= range.startUs && tUs <= range.endUs),
      );
      const isIn = run.generation.lastIsIn(7, view.moment, range);
      assert.equal(isIn, range.startUs <= 19_000 && range.endUs >= 19_000);
    }
});

test('a dropped generation gives its memory to the next one', () => {
  const memory = new HeadMemory();
  const moments = new Moments();
  const starts: number[] = [];
  for (let round = 0; round < 50; round++) {
    const generation = new Generation(round, {
      memory,
      moments,
      pageSamples: [4, 8, 16],
      sealSamples: 64,
    });
    const builder = new BatchBuilder();
    for (let i = 0; i < 5000; i++) builder.f64(i % 1000, i, 0, i);
    const { points } = builder.finish();
    generation.applyPoints(points, [points[0]!.refs]);
    starts.push(memory.f64.length);
    assert.equal(generation.countAt(999, Number.POSITIVE_INFINITY), 5);
    assert.ok(generation.sizeBytes < 10 * HEAD_SLAB_BYTES);
    generation.drop();
  }
  assert.equal(new Set(starts).size, 1);
});
