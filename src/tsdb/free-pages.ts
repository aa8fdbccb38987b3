// Memory of a generation that sealing gave back, by size: the next pages of the usual size come
// from here, and sealed pages are cut from the rest. Sizes are cells of 8 bytes. Nothing is joined
// again: all of it goes with the generation.
import { CodecError } from '../codec/varint.ts';
import { CONTROL, SCRATCH_SAMPLES } from './append-scratch.ts';
import type { AppendScratch } from './append-scratch.ts';
import { IdList } from './growable.ts';
import { CELLS_PER_SLAB } from './head-memory.ts';

/** Nothing smaller is kept: no sealed page is. */
const LEAST_CELLS = 6;
const PLACE_BYTES = 4;

export class FreePages {
  /** By size; undefined: none of it was ever freed. */
  readonly #bySize: (IdList | undefined)[] = [];
  /** What appends take. */
  readonly #usual: IdList;
  #lentCount = 0;

  constructor(usualCells: number) {
    this.#usual = this.#bySize[usualCells] = new IdList();
  }

  /** Of the lists. */
  get sizeBytes(): number {
    let count = 0;
    for (const list of this.#bySize) count += list?.count ?? 0;
    return count * PLACE_BYTES;
  }

  give(page: number, cells: number): void {
    if (cells < LEAST_CELLS) return;
    (this.#bySize[cells] ??= new IdList()).push(page);
  }

  /** A place for so many cells; 0: there is none. */
  take(cells: number): number {
    for (let size = cells; size < this.#bySize.length; size++) {
      const list = this.#bySize[size];
      if (list === undefined || list.count === 0) continue;
      const page = list.pop();
      this.give(page + cells, size - cells);
      return page;
    }
    return 0;
  }

  /** Shows an append of at most so many samples the pages that it may take. */
  lend({ control, freePages }: AppendScratch, samples: number): void {
    const all = this.#usual.view();
    this.#lentCount = Math.min(all.length, samples, SCRATCH_SAMPLES);
    if (this.#lentCount > 0) freePages.set(all.subarray(all.length - this.#lentCount));
    control[CONTROL.freeCount] = this.#lentCount;
  }

  /** What the append took is gone. */
  takeBack({ control }: AppendScratch): void {
    this.#usual.count -= this.#lentCount - control[CONTROL.freeCount]!;
  }

  // -------------------------------------------------------------- head snapshots

  /** Two numbers each: place and size. */
  dump(): Uint32Array {
    const out: number[] = [];
    for (const [size, list] of this.#bySize.entries())
      for (const page of list?.view() ?? []) out.push(page, size);
    return Uint32Array.from(out);
  }

  restore(places: Uint32Array): void {
    for (let i = 0; i < places.length; i += 2) {
      const size = places[i + 1]!;
      if (!(size >= LEAST_CELLS && size <= CELLS_PER_SLAB))
        throw new CodecError(`no page of the head has ${size} cells`);
      this.give(places[i]!, size);
    }
  }
}
