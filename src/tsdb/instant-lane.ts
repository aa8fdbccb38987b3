// Series of one part, or of the head, with the newest sample of each in a range: in label order, a
// batch at a time, as columns that are filled anew with each batch.
import type { Labels } from '../model/labels.ts';
import { labelsKey } from '../model/labels.ts';
import { INSTANT_BATCH_SERIES } from './limits.ts';
import type { Source } from './samples.ts';

/** What is known of the newest sample of a series. */
export const SEEN = {
  /** There is none in the range. */
  nothing: 0,
  value: 1,
  /** A staleness marker. */
  stale: 2,
  /** All of its sources must be looked at. */
  unclear: 3,
} as const;

export interface InstantLane {
  /** The batch at hand; as long as `count`. */
  readonly batch: InstantBatch;
  /** Fills the next batch; false where there is none. */
  next(): Promise<boolean>;
  /** Can labels be made without reading? */
  readonly hasTexts: boolean;
  /** Reads the texts of the batch. */
  loadTexts(): Promise<void>;
  /** Of a row of the batch; where `hasTexts`. */
  labels(row: number): Labels;
  /** The same, wherever. */
  loadLabels(row: number): Promise<Labels>;
  /**
   * Place of a row's series in the part that is a lane of the same merge; -1: it has none, or
   * nobody knows. Two places that are known tell the order of labels.
   */
  ordinal(row: number): number;
  /** All that the range has of a row, deletes applied. */
  sources(row: number): Promise<Source[]>;
}

export class InstantBatch {
  count = 0;
  readonly states: Uint8Array;
  readonly tUs: Float64Array;
  readonly values: Float64Array;
  /** Where series are grouped: numbers of a GroupNumbers. */
  readonly groups: Uint32Array;

  constructor(countMax: number = INSTANT_BATCH_SERIES) {
    this.states = new Uint8Array(countMax);
    this.tUs = new Float64Array(countMax);
    this.values = new Float64Array(countMax);
    this.groups = new Uint32Array(countMax);
  }
}

/** Numbers for groups of several lanes, in order of appearance. */
export class GroupNumbers {
  readonly #byKey = new Map<string, number>();
  readonly #labels: Labels[] = [];

  numberOf(labels: Labels): number {
    const key = labelsKey(labels);
    let number = this.#byKey.get(key);
    if (number === undefined) {
      number = this.#labels.push(labels) - 1;
      this.#byKey.set(key, number);
    }
    return number;
  }

  labelsOf(group: number): Labels {
    return this.#labels[group]!;
  }
}

const FIRST_EDGES = 64;
/** Words of an edge: from, code, to. */
const EDGE_WORDS = 3;

/** A tree of codes: a path of them leads to a node. Open addressing over (node, code). */
export class PathTree {
  /** Of each node what its owner puts there; undefined at first. Node 0 is the root. */
  readonly values: (number | undefined)[] = [undefined];
  /** At most half full; 0 in `to` is free. */
  #edges = new Uint32Array(FIRST_EDGES * EDGE_WORDS);

  /** The node behind an edge, made where there is none. */
  child(node: number, code: number): number {
    const edges = this.#edges;
    const at = placeOf(edges, node, code);
    const known = edges[at + 2]!;
    if (known !== 0) return known;
    const child = this.values.push(undefined) - 1;
    edges[at] = node;
    edges[at + 1] = code;
    edges[at + 2] = child;
    if (child * 2 * EDGE_WORDS > edges.length) this.#rehash();
    return child;
  }

  #rehash(): void {
    const old = this.#edges;
    const edges = new Uint32Array(old.length * 2);
    for (let from = 0; from < old.length; from += EDGE_WORDS) {
      if (old[from + 2] === 0) continue;
      const at = placeOf(edges, old[from]!, old[from + 1]!);
      for (let i = 0; i < EDGE_WORDS; i++) edges[at + i] = old[from + i]!;
    }
    this.#edges = edges;
  }
}

/** Index of an edge, or of the free place where it belongs. */
function placeOf(edges: Uint32Array, node: number, code: number): number {
  const mask = edges.length / EDGE_WORDS - 1;
  let hash = Math.imul(code ^ Math.imul(node, 0x9e3779b1), 0xc2b2ae35);
  hash ^= hash >>> 15;
  for (let place = hash & mask; ; place = (place + 1) & mask) {
    const at = place * EDGE_WORDS;
    if (edges[at + 2] === 0 || (edges[at] === node && edges[at + 1] === code)) return at;
  }
}
