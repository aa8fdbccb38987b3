// Digests of series: of label names and values in the order of the row, by which a series is known
// where its labels are not kept. Two of n series meet with n²/2 · 2⁻⁹⁶: of five million once in
// 10¹⁶ windows.
import type { LabelBytes } from '../model/label-bytes.ts';
import { RANGE_STRIDE } from '../model/label-bytes.ts';
import type { Labels } from '../model/labels.ts';
import { beginDigest, DIGEST_WORDS, endDigest, mixPair, mixText } from './digest.ts';
import type { Digest } from './digest.ts';
import { DIGEST_CACHE_PAIRS } from './limits.ts';
import type { Pairs } from './pairs.ts';
import type { SeriesRows } from './series-rows.ts';
import type { Symbols } from './symbols.ts';

const encoder = new TextEncoder();

interface Tables {
  readonly rows: SeriesRows;
  readonly pairs: Pairs;
  readonly symbols: Symbols;
}

export class SeriesDigests {
  readonly #tables: Tables;
  seed: number;
  readonly #digest: Digest = new Int32Array(DIGEST_WORDS);
  readonly #pair: Digest = new Int32Array(DIGEST_WORDS);
  #pairs = new Uint32Array(64);
  // Of neighbours most pairs are the same: pair + 1 and its digest by the pair's low bits.
  #known = new Uint32Array(0);
  #digests = new Int32Array(0);
  #scratch = new Uint8Array(1024);
  #view = new DataView(this.#scratch.buffer);

  constructor(tables: Tables, seed: number) {
    this.#tables = tables;
    this.seed = seed | 0;
  }

  /** Numbers of pairs mean others from now on, or the seed does. */
  forget(): void {
    this.#known = new Uint32Array(0);
    this.#digests = new Int32Array(0);
  }

  /** Borrowed until the next call, as all below. */
  ofRow(slot: number): Digest {
    const { rows } = this.#tables;
    const count = rows.labelCount(slot);
    if (this.#pairs.length < count) this.#pairs = new Uint32Array(count * 2);
    const pairs = this.#pairs;
    rows.read(slot, pairs);
    const digest = this.#digest;
    beginDigest(digest, this.seed);
    for (let i = 0; i < count; i++) {
      const pair = pairs[i]!;
      const place = pair & (DIGEST_CACHE_PAIRS - 1);
      if (this.#known[place] !== pair + 1) this.#digestPair(place, pair);
      mixPair(digest, this.#digests, place * DIGEST_WORDS);
    }
    endDigest(digest);
    return digest;
  }

  #digestPair(place: number, pair: number): void {
    if (this.#known.length === 0) {
      this.#known = new Uint32Array(DIGEST_CACHE_PAIRS);
      this.#digests = new Int32Array(DIGEST_CACHE_PAIRS * DIGEST_WORDS);
    }
    const { pairs, symbols } = this.#tables;
    const own = this.#pair;
    beginDigest(own, this.seed);
    symbols.mixTo(own, pairs.nameOf(pair));
    symbols.mixTo(own, pairs.valueOf(pair));
    endDigest(own);
    this.#known[place] = pair + 1;
    for (let i = 0; i < DIGEST_WORDS; i++) this.#digests[place * DIGEST_WORDS + i] = own[i]!;
  }

  ofLabels(labels: Labels): Digest {
    const digest = this.#digest;
    beginDigest(digest, this.seed);
    for (let i = 0; i < labels.length; i += 2) {
      beginDigest(this.#pair, this.seed);
      this.#mixString(labels[i]!);
      this.#mixString(labels[i + 1]!);
      this.#mixOwn();
    }
    endDigest(digest);
    return digest;
  }

  ofBytes({ count, ranges, view }: LabelBytes): Digest {
    const digest = this.#digest;
    beginDigest(digest, this.seed);
    for (let i = 0; i < count; i++) {
      const at = i * RANGE_STRIDE;
      beginDigest(this.#pair, this.seed);
      mixText(this.#pair, view, ranges[at]!, ranges[at + 1]!);
      mixText(this.#pair, view, ranges[at + 2]!, ranges[at + 3]!);
      this.#mixOwn();
    }
    endDigest(digest);
    return digest;
  }

  #mixString(text: string): void {
    if (text.length * 3 > this.#scratch.length) {
      this.#scratch = new Uint8Array(text.length * 3);
      this.#view = new DataView(this.#scratch.buffer);
    }
    const { written } = encoder.encodeInto(text, this.#scratch);
    mixText(this.#pair, this.#view, 0, written);
  }

  /** The pair at hand into the series. */
  #mixOwn(): void {
    endDigest(this.#pair);
    mixPair(this.#digest, this.#pair, 0);
  }
}
