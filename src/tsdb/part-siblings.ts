// Buckets of classic histograms find each other while a part is written: series that agree in all
// labels but `le`, with blocks of one time column. A bucket counts what its neighbour counts and a
// little more or less, so its values are written beside the neighbour's (docs/formats/part.md,
// "Sibling"). Series come in label order, so a family whose labels before `le` have passed does not
// come again.
import { KIND } from '../model/columns.ts';
import type { Samples } from '../model/columns.ts';
import { SIBLING_CHAIN_MAX, SIBLINGS_REMEMBERED_BYTES } from './limits.ts';
import type { SymbolRow, Texts } from './part-labels.ts';

const BUCKET_LABEL = 'le';

/** A block that others may be written beside. */
interface Sibling {
  /** Of its series. */
  readonly ordinal: number;
  readonly values: Float64Array;
  /** How many blocks must be decoded before it. */
  readonly chain: number;
}

interface Member {
  readonly ordinal: number;
  /** Upper bound of the bucket. */
  readonly bound: number;
  /** By time column. */
  readonly blocks: Map<number, Sibling>;
}

export class SiblingFinder {
  /** Symbol of `le`; -1 as long as no series had it. */
  #name = -1;
  /** Symbols of other names, as long as there is none: texts are looked at once. */
  readonly #others = new Set<number>();
  #prefix = '';
  readonly #families = new Map<string, Member[]>();
  #rememberedBytes = 0;
  /** The series at hand and those it could be written beside; undefined: it is no bucket. */
  #open: Member | undefined = undefined;
  #family: Member[] = [];

  /** The next series. */
  enter(ordinal: number, { symbols, length, texts }: SymbolRow): void {
    this.#open = undefined;
    const at = this.#placeOfBound(symbols, length, texts);
    if (at < 0) return;
    const bound = boundOf(texts.bytes(symbols[at + 1]!));
    if (Number.isNaN(bound)) return;
    const prefix = symbols.slice(0, at).join(' ');
    if (prefix !== this.#prefix || this.#rememberedBytes > SIBLINGS_REMEMBERED_BYTES) {
      this.#families.clear();
      this.#rememberedBytes = 0;
      this.#prefix = prefix;
    }
    const rest = symbols.slice(at + 2, length).join(' ');
    let family = this.#families.get(rest);
    if (family === undefined) this.#families.set(rest, (family = []));
    this.#family = family;
    this.#open = { ordinal, bound, blocks: new Map() };
  }

  #placeOfBound(symbols: readonly number[], length: number, texts: Texts): number {
    for (let i = 0; i < length; i += 2) {
      const name = symbols[i]!;
      if (name === this.#name) return i;
      if (this.#name >= 0 || this.#others.has(name)) continue;
      if (isBucketLabel(texts.bytes(name))) {
        this.#name = name;
        this.#others.clear();
        return i;
      }
      this.#others.add(name);
    }
    return -1;
  }

  /** The block of a neighbouring bucket that moves most like this one. */
  find(times: number, samples: Samples): Sibling | undefined {
    if (this.#open === undefined || samples.kind !== KIND.f64) return undefined;
    const { bound } = this.#open;
    let below: Member | undefined;
    let above: Member | undefined;
    for (const one of this.#family) {
      const block = one.blocks.get(times);
      if (block === undefined || block.chain >= SIBLING_CHAIN_MAX) continue;
      if (one.bound < bound && !(below !== undefined && below.bound > one.bound)) below = one;
      if (one.bound > bound && !(above !== undefined && above.bound < one.bound)) above = one;
    }
    const grown = growth(samples.values, samples.count);
    let best: Sibling | undefined;
    let least = Math.abs(grown);
    for (const one of [below, above]) {
      const block = one?.blocks.get(times);
      if (block === undefined) continue;
      const difference = Math.abs(grown - growth(block.values, samples.count));
      if (difference >= least) continue;
      least = difference;
      best = block;
    }
    return best;
  }

  /** The block was written; `chain`: how many must be decoded before it. */
  remember(times: number, samples: Samples, chain: number): void {
    const open = this.#open;
    if (open === undefined || samples.kind !== KIND.f64) return;
    if (open.blocks.size === 0) this.#family.push(open);
    const values = samples.values.slice(0, samples.count);
    open.blocks.set(times, { ordinal: open.ordinal, values, chain });
    this.#rememberedBytes += values.byteLength + 200;
  }
}

function growth(values: Float64Array, count: number): number {
  return values[count - 1]! - values[0]!;
}

function isBucketLabel(name: Uint8Array): boolean {
  if (name.length !== BUCKET_LABEL.length) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== BUCKET_LABEL.charCodeAt(i)) return false;
  return true;
}

/** NaN where the text is no bound of a bucket. */
function boundOf(text: Uint8Array): number {
  const plain = Buffer.from(text.buffer, text.byteOffset, text.length).toString('latin1');
  return plain === '+Inf' ? Number.POSITIVE_INFINITY : Number(plain);
}
