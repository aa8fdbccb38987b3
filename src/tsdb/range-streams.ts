// Where a leaf over a range finds its series: parts and the head, each a stream in label order. A
// series that lies in several of them is plain where each has plain samples and none reaches into
// another's time; then they are joined, and times that are joined again are the same array.
import { compareLabels } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { NO_SAMPLES } from '../windows/samples.ts';
import type { SeriesSamples } from '../windows/samples.ts';
import type { Delete } from './deletes.ts';
import { joinedTimes, Room } from './joined.ts';
import { plainColumn, UNCLEAR } from './range-lane.ts';
import type { Found, LaneBatch, RangeLane } from './range-lane.ts';
import type { Source } from './samples.ts';
import type { Scan } from './scan.ts';
import { headSources, nearDeletes } from './select.ts';

export interface SeriesStream {
  /** Of the series at hand; undefined at the end, and before the first `advance`. */
  readonly labels: Labels | undefined;
  advance(): Promise<void>;
  samples(): Found | Promise<Found>;
  /** All of it, as it came. */
  sources(): Promise<Source[]>;
}

export class PartStream implements SeriesStream {
  labels: Labels | undefined = undefined;
  readonly #lane: RangeLane;
  readonly #batches: readonly LaneBatch[];
  #next = 0;
  #row = 0;
  #count = 0;
  #labelsOf: (row: number) => Labels = () => [];

  constructor(lane: RangeLane, batches: readonly LaneBatch[]) {
    this.#lane = lane;
    this.#batches = batches;
  }

  async advance(): Promise<void> {
    this.#row++;
    while (this.#row >= this.#count) {
      const batch = this.#batches[this.#next++];
      if (batch === undefined) {
        this.labels = undefined;
        return;
      }
      this.#lane.open(batch);
      this.#labelsOf = await this.#lane.texts();
      this.#count = batch.ordinals.length;
      this.#row = 0;
    }
    this.labels = this.#labelsOf(this.#row);
  }

  samples(): Found | Promise<Found> {
    return this.#lane.samplesOf(this.#row);
  }

  sources(): Promise<Source[]> {
    return this.#lane.sourcesOf(this.#row);
  }
}

export class HeadStream implements SeriesStream {
  labels: Labels | undefined = undefined;
  readonly #scan: Scan;
  readonly #refs: Uint32Array;
  readonly #near: readonly Delete[][];
  #next = 0;
  #sources: Source[] = [];

  /** `refs`: those that the head has, in label order. */
  constructor(scan: Scan, refs: Uint32Array) {
    this.#scan = scan;
    this.#refs = refs;
    this.#near = nearDeletes(scan);
  }

  async advance(): Promise<void> {
    const ref = this.#refs[this.#next++];
    this.labels = ref === undefined ? undefined : this.#scan.index.labelsOf(ref);
    this.#sources = ref === undefined ? [] : headSources(this.#scan, ref, this.#near);
  }

  samples(): Found {
    const found: SeriesSamples[] = [];
    for (const { samples, ordinals } of this.#sources) {
      const { count, tUs } = samples;
      const values = ordinals === undefined ? plainColumn(samples) : undefined;
      if (values === undefined) return UNCLEAR;
      found.push({ ...NO_SAMPLES, count, tUs, values });
    }
    return found.length < 2 ? found[0] : new Joiner().join(found);
  }

  sources(): Promise<Source[]> {
    return Promise.resolve(this.#sources);
  }
}

/** Streams whose series at hand comes first in label order; empty at the end. */
export function firstOf(streams: readonly SeriesStream[], out: SeriesStream[]): void {
  out.length = 0;
  for (const stream of streams) {
    if (stream.labels === undefined) continue;
    const order = out.length === 0 ? 0 : compareLabels(stream.labels, out[0]!.labels!);
    if (order < 0) out.length = 0;
    if (order <= 0) out.push(stream);
  }
}

/** Plain samples of one series after the other, as one. */
export class Joiner {
  readonly #values = new Room();
  #parts: readonly SeriesSamples[] = [];
  #tUs: Float64Array = new Float64Array(0);

  /** Good until the next call. UNCLEAR: some reach into the time of others. */
  join(found: readonly SeriesSamples[]): SeriesSamples | typeof UNCLEAR {
    const parts = found.toSorted((a, b) => a.tUs[0]! - b.tUs[0]!);
    let count = 0;
    let isRising = true;
    let hasFixedTimes = true;
    for (const [i, part] of parts.entries()) {
      const before = parts[i - 1];
      if (before !== undefined) {
        if (part.tUs[0]! <= before.tUs[before.count - 1]!) return UNCLEAR;
        if (part.values[0]! < before.values[before.count - 1]!) isRising = false;
      }
      count += part.count;
      isRising &&= part.isRising === true;
      hasFixedTimes &&= part.hasFixedTimes === true;
    }
    if (hasFixedTimes) {
      if (!this.#haveTimesOf(parts)) {
        this.#parts = parts;
        this.#tUs = joinedTimes(parts.map((part) => cutTo(part.tUs, part.count)));
      }
    } else {
      // What was given out before may be in use as fixed times.
      this.#tUs = new Float64Array(count);
      this.#parts = [];
      put(parts, 'tUs', this.#tUs);
    }
    const values = this.#values.of(count);
    put(parts, 'values', values);
    return { ...NO_SAMPLES, count, tUs: this.#tUs, values, hasFixedTimes, isRising };
  }

  /** What it gave out is over. Once. */
  end(): void {
    this.#values.end();
  }

  #haveTimesOf(parts: readonly SeriesSamples[]): boolean {
    return (
      parts.length === this.#parts.length &&
      parts.every(({ tUs, count }, i) => {
        const known = this.#parts[i]!;
        return known.tUs === tUs && known.count === count;
      })
    );
  }
}

function cutTo(column: Float64Array, count: number): Float64Array {
  return column.length === count ? column : column.subarray(0, count);
}

function put(parts: readonly SeriesSamples[], name: 'tUs' | 'values', out: Float64Array): void {
  let at = 0;
  for (const part of parts) {
    const { count } = part;
    out.set(cutTo(part[name], count), at);
    at += count;
  }
}
