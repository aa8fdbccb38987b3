// Instants of one part and the head where the order of series does not matter: what the head has
// waits at the places of its series in the part, until the part comes by. Nothing is sorted, and
// labels are made for new series alone.
import type { SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { HeadLane } from './head-lane.ts';
import { SEEN } from './instant-lane.ts';
import type { InstantLane } from './instant-lane.ts';
import { INSTANT_BATCH_SERIES, PART_REFS_UNKNOWN_MAX } from './limits.ts';
import type { PartLane } from './part-lane.ts';
import type { PartRefs } from './part-refs.ts';
import type { Source } from './samples.ts';

/** Bytes that a union holds for each series of the part. */
export const UNION_SERIES_BYTES = 17;

/** Where what was found goes. */
export interface InstantAdder {
  readonly turn: () => Promise<void>;
  add(state: number, tUs: number, value: number, group: number): void;
  addRow(lane: InstantLane, row: number): void;
  readSources(
    sources: readonly Source[],
    group: number,
    loadLabels: () => Promise<Labels>,
  ): Promise<void>;
}

/** A series of the head, with what is known of its newest sample. */
interface HeadRow {
  readonly ref: SeriesRef;
  readonly state: number;
  readonly tUs: number;
  readonly group: number;
}

/** Series of the head that a part may have too, by their places in it. */
export class InstantUnion {
  readonly #part: PartLane;
  readonly #head: HeadLane;
  readonly #leaf: InstantAdder;
  readonly #states: Uint8Array;
  readonly #tUs: Float64Array;
  readonly #groups: Uint32Array;
  readonly #refs: Uint32Array;

  constructor(part: PartLane, head: HeadLane, leaf: InstantAdder) {
    const { seriesCount } = part;
    this.#part = part;
    this.#head = head;
    this.#leaf = leaf;
    this.#states = new Uint8Array(seriesCount);
    this.#tUs = new Float64Array(seriesCount);
    this.#groups = new Uint32Array(seriesCount);
    this.#refs = new Uint32Array(seriesCount);
  }

  async read(): Promise<void> {
    await this.#readHead();
    await this.#readPart();
    for (let ordinal = 0; ordinal < this.#states.length; ordinal++) {
      if (ordinal % INSTANT_BATCH_SERIES === 0) await this.#leaf.turn();
      if (this.#states[ordinal] !== SEEN.nothing) await this.#addLeft(ordinal);
    }
  }

  /** Series that the part does not have are added; the others wait for it. */
  async #readHead(): Promise<void> {
    const lane = this.#head;
    const { batch } = lane;
    const { turn } = this.#leaf;
    const refs = await this.#part.refs(turn, false);
    const unknown: HeadRow[] = [];
    while (await lane.next()) {
      for (let row = 0; row < batch.count; row++) {
        const state = batch.states[row]!;
        if (state === SEEN.nothing) continue;
        const ref = lane.ref(row);
        const one = { ref, state, tUs: batch.tUs[row]!, group: batch.groups[row]! };
        if (refs.knows(ref)) await this.#place(one, refs.ordinalOf(ref));
        else unknown.push(one);
      }
      await turn();
    }
    await this.#placeUnknown(unknown, refs);
  }

  /** Series that came after the part was looked through. */
  async #placeUnknown(unknown: readonly HeadRow[], known: PartRefs): Promise<void> {
    const isMany = unknown.length > PART_REFS_UNKNOWN_MAX;
    const refs = isMany ? await this.#part.refs(this.#leaf.turn, true) : known;
    for (const one of unknown) {
      const { ref } = one;
      if (!refs.knows(ref)) refs.learn(ref, await this.#part.ordinalOf(this.#head.labelsOf(ref)));
      await this.#place(one, refs.ordinalOf(ref));
      await this.#leaf.turn();
    }
  }

  /** -1: the part does not have it. */
  async #place(one: HeadRow, ordinal: number): Promise<void> {
    if (ordinal < 0) return this.#addHead(one);
    this.#states[ordinal] = one.state;
    this.#tUs[ordinal] = one.tUs;
    this.#groups[ordinal] = one.group;
    this.#refs[ordinal] = one.ref;
  }

  /** A series of which only the head has something. */
  async #addHead({ ref, state, tUs, group }: HeadRow): Promise<void> {
    if (state !== SEEN.unclear) this.#leaf.add(state, tUs, 0, group);
    else
      await this.#leaf.readSources(this.#head.sourcesOf(ref), group, async () =>
        this.#head.labelsOf(ref),
      );
  }

  async #readPart(): Promise<void> {
    const lane = this.#part;
    const { batch } = lane;
    while (await lane.next()) {
      for (let row = 0; row < batch.count; row++) {
        const state = batch.states[row]!;
        if (state === SEEN.nothing) continue;
        const ordinal = lane.ordinal(row);
        const other = this.#states[ordinal]!;
        this.#states[ordinal] = SEEN.nothing;
        if (state === SEEN.unclear || other === SEEN.unclear) await this.#readBoth(row, other);
        else if (other === SEEN.nothing || this.#tUs[ordinal]! < batch.tUs[row]!)
          this.#leaf.addRow(lane, row);
        else this.#leaf.add(other, this.#tUs[ordinal]!, 0, this.#groups[ordinal]!);
      }
      await this.#leaf.turn();
    }
  }

  async #readBoth(row: number, other: number): Promise<void> {
    const lane = this.#part;
    const sources = await lane.sources(row);
    if (other !== SEEN.nothing)
      sources.push(...this.#head.sourcesOf(this.#refs[lane.ordinal(row)]!));
    const group = lane.batch.groups[row]!;
    await this.#leaf.readSources(sources, group, () => lane.loadLabels(row));
  }

  /** A series of the head of which the part has nothing in the range. */
  #addLeft(ordinal: number): Promise<void> {
    return this.#addHead({
      ref: this.#refs[ordinal]!,
      state: this.#states[ordinal]!,
      tUs: this.#tUs[ordinal]!,
      group: this.#groups[ordinal]!,
    });
  }
}
