// A generation against a plain model: batches of all kinds with times from microseconds to
// centuries apart, companions, held moments and deletes, with pages so small that every way to
// close one is met, and sealed at once or late; what a moment shows never moves, a head snapshot
// shows the same, and so does a whole series that is read at once, with the kernels that read and
// seal (dist/wasm, made by `npm run build`) and without them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { BatchBuilder } from '../model/batch-builder.ts';
import { ALL_KINDS, KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { COUNTER_RESET_HINT } from '../model/histogram.ts';
import type { Histogram } from '../model/histogram.ts';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import type { Prng } from '../stdx/prng.ts';
import type { Delete } from './deletes.ts';
import { Generation } from './head.ts';
import type { PageRules } from './head.ts';
import { headSections } from './head-dump.ts';
import { HeadLook } from './head-look.ts';
import { SampleRoom } from './head-read.ts';
import { CELLS_PER_SLAB, HeadMemory } from './head-memory.ts';
import { restoreGeneration } from './head-snapshot-read.ts';
import { SectionReader } from './index-sections.ts';
import { HEAD_SLAB_BYTES } from './limits.ts';
import { Moments } from './moments.ts';
import { usePagesKernel } from './pages-kernel.ts';
import { resolveSources } from './samples.ts';
import { useSealKernel } from './seal-kernel.ts';
import type { TimeRange } from './samples.ts';

function moduleOf(name: string): WebAssembly.Module {
  return new WebAssembly.Module(
    readFileSync(new URL(`../../dist/wasm/${name}.wasm`, import.meta.url)),
  );
}

const pagesModule = moduleOf('pages');
const sealModule = moduleOf('seal');
after(() => {
  usePagesKernel(undefined);
  useSealKernel(undefined);
});

const SERIES = [0, 1, 511, 512, 5000];
const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };
const HISTOGRAM: Histogram = {
  isInteger: true,
  schema: 1,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 1,
  sum: 1,
  counterResetHint: COUNTER_RESET_HINT.unknown,
  positiveSpans: [{ offset: 0, length: 1 }],
  positiveBuckets: new Float64Array([1]),
  negativeSpans: [],
  negativeBuckets: new Float64Array(0),
  customValues: new Float64Array(0),
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

/** The bits of a decimal, of a NaN with a payload, or of a full double. */
function bitsOf(value: number): [number, number] {
  if (value % 16 === 0) return [value, 0x7ff00000];
  const words = new Int32Array(new Float64Array([value % 3 ? value / 4 : value / 7]).buffer);
  return [words[0]!, words[1]!];
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
  if (kind === KIND.f64) builder.f64Bits(ref, time, subNs, ...bitsOf(value));
  else if (kind === KIND.i64) builder.i64(ref, time, subNs, value, -1);
  else if (kind === KIND.u64) builder.u64(ref, time, subNs, value, 7);
  else if (kind === KIND.boolean) builder.boolean(ref, time, subNs, value % 2 === 0);
  else if (kind === KIND.string) builder.string(ref, time, subNs, String(value));
  else builder.histogram(ref, time, subNs, { ...HISTOGRAM, sum: value });
  if (randomInt(prng, 9) > 0) return shownOf(kind, value, '');
  builder.startOfLast(kind as 0, value);
  if (randomInt(prng, 2) === 0) return shownOf(kind, value, `start ${value}`);
  builder.positionOfLast(kind as 0, 1, value, Number.NaN);
  return shownOf(kind, value, `start ${value} at 1 ${value}`);
}

function shownOf(kind: number, value: number, companions: string): string {
  let text = String(value);
  if (kind === KIND.boolean) text = String(value % 2 === 0);
  else if (kind === KIND.f64) text = bitsOf(value).join(':');
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
    const [low, high] = new Int32Array(buffer, byteOffset + 8 * i, 2);
    text = chunk.kind === KIND.f64 ? `${low}:${high}` : String(low);
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

/** The newest sample of a range, deletes or not: its time and value. */
function newest(points: readonly Point[], ref: number, step: number, range: TimeRange): string {
  const all = points.filter(
    (one) =>
      one.ref === ref && one.step <= step && one.tUs >= range.startUs && one.tUs <= range.endUs,
  );
  const last = all.toSorted((a, b) => a.tUs - b.tUs).at(-1);
  return last === undefined ? 'none' : `${last.tUs} ${numberOf(last.shown)}`;
}

/** What a look finds of a shown value; those of strings and histograms it leaves to others. */
function numberOf(shown: string): number {
  const [kind, text] = shown.split(' ') as [string, string];
  const low = Number(text);
  switch (Number(kind[0])) {
    case KIND.f64:
      return new Float64Array(Int32Array.from(text.split(':'), Number).buffer)[0]!;
    case KIND.i64:
      return low - 2 ** 32;
    case KIND.u64:
      return low + 7 * 2 ** 32;
    default:
      return text === 'true' ? 1 : 0;
  }
}

function lookedAt(generation: Generation, ref: number, moment: number, range: TimeRange): string {
  const look = new HeadLook(range, ALL_KINDS);
  generation.look(ref, moment, look);
  if (look.isUnclear) return 'unclear';
  if (!look.isFound) return 'none';
  return `${look.tUs} ${look.value}`;
}

function found(generation: Generation, ref: number, { moment, rules }: Held): string[] {
  const view = { moment, range: EVER, priority: 0 };
  return linesOf(resolveSources(generation.sources(ref, view, rules)));
}

function linesOf(chunks: readonly Samples[]): string[] {
  const out: string[] = [];
  for (const chunk of chunks)
    for (let i = 0; i < chunk.count; i++)
      out.push(`${chunk.tUs[i]} ${chunk.subNs?.[i] ?? 0} ${shownAt(chunk, i)}`);
  return out;
}

/** Into the room, if the series is in the usual form and all in the range. */
function readAtOnce(generation: Generation, ref: number, moment: number): string[] | undefined {
  const room = new SampleRoom(generation.memory);
  generation.lookAhead(Uint32Array.of(ref), 0, 1);
  return generation.readTo(room, ref, moment, EVER) ? linesOf([room.samples]) : undefined;
}

class Run {
  readonly prng: Prng;
  memory: HeadMemory;
  moments = new Moments();
  generation: Generation;
  points: Point[] = [];
  held: Held[] = [];
  rules: readonly Rule[] = [];
  step = 0;
  readonly #lastUs = new Map<number, number>();
  readonly #parts: PageRules;
  /** Series that were read at once. */
  wholeCount = 0;

  constructor(seed: number) {
    this.prng = seededPrng(seed);
    usePagesKernel(seed % 5 < 3 ? () => pagesModule : undefined);
    useSealKernel(seed % 5 > 1 ? () => sealModule : undefined);
    this.memory = new HeadMemory();
    const sizes = [
      [1, 2, 3],
      [4, 8, 16],
      [3, 5, 255],
    ] as const;
    const { memory, moments } = this;
    // As a generation that follows another one.
    moments.touch();
    if (seed % 2 === 0) moments.mark();
    this.#parts = {
      pageSamples: sizes[seed % 3]!,
      sealSamples: [4, 0, 40, 300][seed % 4]!,
      // Some begin to seal in the midst of what is written.
      sealFromBytes: seed % 7 === 0 ? 24_000 : 0,
    };
    this.generation = new Generation(10, { memory, moments, ...this.#parts });
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
        builder.f64Bits(ref, tUs, 0, ...bitsOf(value));
        this.points.push({ ref, tUs, subNs: 0, shown: shownOf(0, value, ''), step: this.step });
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
    for (const held of [...this.held, this.now])
      for (const ref of SERIES) this.#checkSeries(ref, held);
  }

  get now(): Held {
    return { moment: Number.POSITIVE_INFINITY, step: this.step, rules: this.rules };
  }

  #checkSeries(ref: number, held: Held): void {
    const { generation, points } = this;
    const wanted = expected(points, ref, held);
    assert.deepEqual(found(generation, ref, held), wanted);
    const whole = held.rules.length > 0 ? undefined : readAtOnce(generation, ref, held.moment);
    if (whole !== undefined) {
      assert.deepEqual(whole, wanted);
      this.wholeCount++;
    }
    const times = points.filter((one) => one.ref === ref).map(({ tUs }) => tUs);
    const at = (i: number): number => times[i % times.length] ?? 0;
    for (const range of [EVER, { startUs: at(held.step), endUs: at(3 * held.step) }]) {
      const seen = lookedAt(generation, ref, held.moment, range);
      if (seen !== 'unclear') assert.equal(seen, newest(points, ref, held.step, range));
    }
  }

  /** A head snapshot of now, in whose midst writes go on; the run goes on with what it restores. */
  restart({ isResting }: { readonly isResting: boolean }): void {
    const { generation, moments } = this;
    const held = { ...this.now, moment: moments.hold() };
    const dump = { generation, moment: held.moment, session: -1, tailBytes: 0 };
    const sections = headSections({ ...dump, refAt: (slot) => slot });
    if (!isResting) generation.sealer.resume();
    const bytes = sections.map(({ name, pieces }) => {
      const copies: Uint8Array[] = [];
      for (let i = randomInt(this.prng, 4); i > 0; i--) {
        this.step++;
        this.write();
      }
      for (const piece of pieces()) copies.push(piece.slice());
      return { name, bytes: new Uint8Array(Buffer.concat(copies)) };
    });
    if (isResting) generation.sealer.resume();
    this.#restore(new SectionReader(bytes), held);
  }

  #restore(sections: SectionReader, held: Held): void {
    const numbers = new Float64Array(sections.bytes('head-numbers').slice().buffer);
    this.memory = new HeadMemory();
    this.moments = new Moments();
    this.moments.restore(numbers[7]!);
    const extent = {
      slabs: [...sections.u32('head-slabs')],
      next: numbers[8]!,
      end: numbers[9]!,
    };
    const { memory, moments } = this;
    memory.takeSlabs(extent.slabs);
    const pages = sections.bytes('head-pages');
    for (const [i, slab] of extent.slabs.entries())
      memory.u8.set(pages.subarray(i * HEAD_SLAB_BYTES, (i + 1) * HEAD_SLAB_BYTES), slab * 8);
    assert.equal(HEAD_SLAB_BYTES, CELLS_PER_SLAB * 8);
    const parts = { ...this.#parts, memory, moments };
    this.generation = restoreGeneration(10, parts, sections, extent);
    this.points = this.points.filter(({ step }) => step <= held.step);
    this.rules = held.rules;
    this.held = [];
  }
}

function subNsOfLast(builder: BatchBuilder, kind: number): number {
  const set = builder.finish().points.find((points) => points.kind === kind)!;
  return set.subNs?.[set.count - 1] ?? 0;
}

test('a generation shows at every held moment what a plain model shows', () => {
  let sealedCount = 0;
  let wholeCount = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const run = new Run(seed);
    for (; run.step < 40; run.step++) {
      const what = randomInt(run.prng, 12);
      if (what < 7) run.write();
      else if (what === 10) run.generation.sealer.rest();
      else if (what === 11) run.restart({ isResting: true });
      else if (what === 7) run.remove();
      else if (what === 8 || run.held.length === 0) run.hold();
      else run.moments.release(run.held.shift()!.moment);
      if (run.step % 8 === 7 || what === 11) run.check();
    }
    if (run.generation.sealer.free.dump().length > 0) sealedCount++;
    wholeCount += run.wholeCount;
  }
  assert.ok(wholeCount > 5, `only ${wholeCount} series are read at once`);
  assert.ok(sealedCount > 30, `only ${sealedCount} runs have sealed anything`);
});

/** Of some runs with a head snapshot those that say something else afterwards. */
function wrongRuns(isResting: boolean): number {
  let count = 0;
  for (let seed = 4; seed <= 80; seed += 4) {
    const run = new Run(seed);
    for (; run.step < 20; run.step++) run.write();
    run.restart({ isResting });
    try {
      run.check();
    } catch {
      count++;
    }
  }
  return count;
}

test('pages that are sealed while a head snapshot copies them are noticed', () => {
  assert.equal(wrongRuns(true), 0);
  assert.ok(wrongRuns(false) > 2);
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

test('sealed series take a fraction of the bytes', () => {
  const [plain, sealed] = [0, 64].map((sealSamples) => {
    const [memory, moments] = [new HeadMemory(), new Moments()];
    const rules = { pageSamples: [4, 8, 16], sealSamples, sealFromBytes: 0 } as const;
    const parts = { memory, moments, ...rules };
    const generation = new Generation(0, parts);
    for (let i = 0; i < 480; i++) {
      const builder = new BatchBuilder();
      for (let ref = 0; ref < 100; ref++) builder.f64(ref, i * 15_000_000, 0, ref + (i % 7));
      const { points } = builder.finish();
      generation.applyPoints(points, [points[0]!.refs]);
    }
    return generation.sizeBytes;
  });
  assert.ok(sealed! < plain! / 3, `${sealed} bytes instead of ${plain}`);
});

test('nothing is sealed before a generation has so many bytes, and then what waits', () => {
  const [memory, moments] = [new HeadMemory(), new Moments()];
  const sealFromBytes = 400_000;
  const rules = { pageSamples: [4, 8, 16], sealSamples: 64, sealFromBytes } as const;
  const generation = new Generation(0, { memory, moments, ...rules });
  const sizes: number[] = [];
  for (let i = 0; i < 720; i++) {
    const builder = new BatchBuilder();
    for (let ref = 0; ref < 100; ref++) builder.f64(ref, i * 15_000_000, 0, ref + (i % 7));
    const { points } = builder.finish();
    generation.applyPoints(points, [points[0]!.refs]);
    sizes.push(generation.sizeBytes);
  }
  const start = sizes.findIndex((bytes) => bytes >= sealFromBytes);
  // 13 bytes a sample until then: 32 kB of series records and lists come first.
  assert.ok(start > 250 && start < 300, `sealing began with sample ${start}`);
  assert.ok(sizes.at(-1)! < sealFromBytes * 1.1, `${sizes.at(-1)} bytes at the end`);
  const view = { moment: Number.POSITIVE_INFINITY, range: EVER, priority: 0 };
  const [read] = resolveSources(generation.sources(7, view, []));
  const steps = Array.from({ length: 720 }, (_, i) => i);
  assert.deepEqual(
    [...read!.tUs],
    steps.map((i) => i * 15_000_000),
  );
  assert.deepEqual(
    [...(read!.values as Float64Array)],
    steps.map((i) => 7 + (i % 7)),
  );
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
      sealFromBytes: 0,
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
