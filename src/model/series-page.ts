// Label sets of series in label order, some hundreds at a time, as numbers that stand for pairs of
// a name and a value: what follows another series mostly shares most of its pairs, and whoever
// prints it has printed them before. Values are UTF-8 where they lie in memory; no string is made
// of them.
//
// Equal numbers of a page are equal pairs, different ones tell nothing: a pair has the number of
// the one at the same place of the series before where the two are equal, else mostly a new one.
import { compareLabels } from './labels.ts';
import type { Labels } from './labels.ts';

/** Series of a page. */
export const PAGE_SERIES_MAX = 512;
const FIRST_PAIRS = 1024;
const ARENA_BYTES = 16_384;
/** UTF-8 bytes of a UTF-16 unit at most. */
const BYTES_PER_UNIT_MAX = 3;

const encoder = new TextEncoder();

export class SeriesPage {
  count = 0;
  /** Pairs of series r: pairs[starts[r], starts[r + 1]), in byte order of their names. */
  readonly starts = new Uint32Array(PAGE_SERIES_MAX + 1);
  pairs = new Uint32Array(FIRST_PAIRS);
  pairCount = 0;
  /** By number of a pair: its name, and its value as the bytes in [from, to) of `texts`. */
  readonly names: string[] = [];
  readonly texts: Uint8Array[] = [];
  from = new Uint32Array(FIRST_PAIRS);
  to = new Uint32Array(FIRST_PAIRS);
  #arena: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #arenaEnd = 0;
  /** The series that `addLabels` added last. */
  #before: Labels = [];

  get isFull(): boolean {
    return this.count === PAGE_SERIES_MAX;
  }

  /** Number of the pair at a place of the series before; -1: it has no such place. */
  before(place: number): number {
    const { count, starts } = this;
    if (count === 0) return -1;
    const at = starts[count - 1]! + place;
    return at < starts[count]! ? this.pairs[at]! : -1;
  }

  /** The next pair of the series at hand, by its number. */
  push(pair: number): void {
    if (this.pairCount === this.pairs.length) this.pairs = doubled(this.pairs);
    this.pairs[this.pairCount++] = pair;
  }

  /** A new number; the bytes are not copied. */
  number(name: string, text: Uint8Array, from: number, to: number): number {
    const pair = this.names.push(name) - 1;
    this.texts.push(text);
    if (pair === this.from.length) {
      this.from = doubled(this.from);
      this.to = doubled(this.to);
    }
    this.from[pair] = from;
    this.to[pair] = to;
    return pair;
  }

  /** The pairs pushed since the last series are one. */
  endSeries(): void {
    this.starts[++this.count] = this.pairCount;
  }

  /** Instead of pushing pairs; all series of a page are added in one of the two ways. */
  addLabels(labels: Labels): void {
    const before = this.#before;
    for (let i = 0; i < labels.length; i += 2) {
      const isKnown = this.count > 0 && labels[i] === before[i] && labels[i + 1] === before[i + 1];
      this.push(isKnown ? this.before(i >> 1) : this.#encoded(labels[i]!, labels[i + 1]!));
    }
    this.#before = labels;
    this.endSeries();
  }

  #encoded(name: string, value: string): number {
    const sizeMax = value.length * BYTES_PER_UNIT_MAX;
    if (this.#arenaEnd + sizeMax > this.#arena.length) {
      this.#arena = new Uint8Array(Math.max(sizeMax, ARENA_BYTES));
      this.#arenaEnd = 0;
    }
    const from = this.#arenaEnd;
    this.#arenaEnd += encoder.encodeInto(value, this.#arena.subarray(from)).written;
    return this.number(name, this.#arena, from, this.#arenaEnd);
  }

  labels(row: number): Labels {
    const out: string[] = [];
    for (let at = this.starts[row]!; at < this.starts[row + 1]!; at++) {
      const pair = this.pairs[at]!;
      const { buffer, byteOffset } = this.texts[pair]!;
      const from = this.from[pair]!;
      const value = Buffer.from(buffer, byteOffset + from, this.to[pair]! - from);
      out.push(this.names[pair]!, value.toString('utf8'));
    }
    return out;
  }
}

function doubled(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(array.length * 2);
  longer.set(array);
  return longer;
}

/** The place of a reader in a stream of pages. */
class PageCursor {
  readonly #pages: AsyncIterator<SeriesPage>;
  #page: SeriesPage | undefined = undefined;
  #row = 0;
  /** undefined behind the last series. */
  labels: Labels | undefined = undefined;

  constructor(pages: AsyncIterable<SeriesPage>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** Goes on to the next series of the page; false where another page must be loaded. */
  advance(): boolean {
    const isThere = this.#page !== undefined && ++this.#row < this.#page.count;
    this.labels = isThere ? this.#page!.labels(this.#row) : undefined;
    return isThere;
  }

  async load(): Promise<void> {
    const next = await this.#pages.next();
    this.#page = next.done === true ? undefined : next.value;
    this.#row = -1;
    if (this.#page !== undefined && !this.advance()) await this.load();
  }

  async close(): Promise<void> {
    await this.#pages.return?.();
  }
}

/**
 * Streams of pages as one, in label order; what several of them have comes once. At most `limit`
 * series, 0 = all. Ends all streams however it ends.
 */
export async function* mergePages(
  streams: readonly AsyncIterable<SeriesPage>[],
  limit: number,
): AsyncGenerator<SeriesPage, void, void> {
  const cursors = streams.map((stream) => new PageCursor(stream));
  try {
    await Promise.all(cursors.map((cursor) => cursor.load()));
    let page = new SeriesPage();
    for (let left = limit === 0 ? Infinity : limit; left > 0; left--) {
      let first: Labels | undefined;
      for (const { labels } of cursors)
        if (labels !== undefined && (first === undefined || compareLabels(labels, first) < 0))
          first = labels;
      if (first === undefined) break;
      page.addLabels(first);
      if (page.isFull) {
        yield page;
        page = new SeriesPage();
      }
      for (const cursor of cursors) {
        const isHere = cursor.labels !== undefined && compareLabels(cursor.labels, first) === 0;
        if (isHere && !cursor.advance()) await cursor.load();
      }
    }
    if (page.count > 0) yield page;
  } finally {
    for (const cursor of cursors) await cursor.close();
  }
}

/** Label sets, in label order, as a stream of pages. */
export async function* pagesOf(
  sets: readonly Labels[] | Promise<readonly Labels[]>,
  size = PAGE_SERIES_MAX,
): AsyncGenerator<SeriesPage, void, void> {
  const all = await sets;
  for (let from = 0; from < all.length; from += size) {
    const page = new SeriesPage();
    for (const labels of all.slice(from, from + size)) page.addLabels(labels);
    yield page;
  }
}

/** All series of a stream. */
export async function pagesLabels(pages: AsyncIterable<SeriesPage>): Promise<Labels[]> {
  const out: Labels[] = [];
  for await (const page of pages)
    for (let row = 0; row < page.count; row++) out.push(page.labels(row));
  return out;
}
