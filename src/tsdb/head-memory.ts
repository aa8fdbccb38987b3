// The memory of a shard's head: one shared WebAssembly memory, handed out in slabs of one size. A
// generation fills its slabs from front to back and gives all of them back when it is dropped, so
// nothing is freed piece by piece and recycled slabs are warm. Memory that was never used costs
// addresses only. Places are counted in cells of 8 bytes; place 0 is nobody's.
import { CodecError } from '../codec/varint.ts';
import { FatalError } from '../stdx/assert.ts';
import { createAppendKernel } from './append-kernel.ts';
import type { AppendSamples } from './append-kernel.ts';
import { appendByReference } from './append-reference.ts';
import { AppendScratch, CONTROL, FRONT_BYTES, SCRATCH_AT } from './append-scratch.ts';
import { createPagesKernel } from './pages-kernel.ts';
import type { PagesKernel } from './pages-kernel.ts';
import { RecordRing } from './record-ring.ts';
import { createSealKernel } from './seal-kernel.ts';
import type { SealPages } from './seal-kernel.ts';
import { HEAD_GROW_BYTES, HEAD_MEMORY_MAX_BYTES, HEAD_SLAB_BYTES } from './limits.ts';

const WASM_PAGE_BYTES = 65_536;
const LINE_CELLS = 8;
export const CELLS_PER_SLAB = HEAD_SLAB_BYTES / 8;

export class HeadMemory {
  readonly #memory: WebAssembly.Memory;
  /** Fresh after each growth; whoever keeps them over an allocation must look again. */
  i32: Int32Array;
  f64: Float64Array;
  u8: Uint8Array;
  readonly scratch: AppendScratch;
  /** Room for records that wait to be applied. */
  readonly records: RecordRing;
  readonly #kernel: AppendSamples | undefined;
  /** Reads whole series. */
  readonly pages: PagesKernel | undefined;
  /** Seals pages. */
  readonly seal: SealPages | undefined;
  /** Whose chunks stand in the scratch's directory. */
  directoryOwner: object | undefined = undefined;
  /** From here on the scratch's directory holds zeros. */
  directoryEnd = 0;
  /** First cell of the first slab that was never handed out. */
  #end = FRONT_BYTES / 8;
  readonly #free: number[] = [];

  constructor() {
    this.#memory = new WebAssembly.Memory({
      initial: FRONT_BYTES / WASM_PAGE_BYTES,
      maximum: HEAD_MEMORY_MAX_BYTES / WASM_PAGE_BYTES,
      shared: true,
    });
    this.i32 = new Int32Array(this.#memory.buffer);
    this.f64 = new Float64Array(this.#memory.buffer);
    this.u8 = new Uint8Array(this.#memory.buffer);
    this.scratch = new AppendScratch(this.#memory.buffer);
    this.records = new RecordRing(this.scratch.ring);
    this.#kernel = createAppendKernel(this.#memory);
    this.pages = createPagesKernel(this.#memory);
    this.seal = createSealKernel(this.#memory);
  }

  /** Appends samples [from, to) of the scratch; the first one that it does not take, or `to`. */
  append(from: number, to: number): number {
    if (this.#kernel !== undefined) return this.#kernel(SCRATCH_AT, from, to);
    return appendByReference(this, SCRATCH_AT, from, to);
  }

  get sizeBytes(): number {
    return this.i32.byteLength;
  }

  /** First cell of a slab; its content is whatever was there before. */
  takeSlab(): number {
    const recycled = this.#free.pop();
    if (recycled !== undefined) return recycled;
    const slab = this.#end;
    if (slab + CELLS_PER_SLAB > this.f64.length) this.#grow();
    this.#end += CELLS_PER_SLAB;
    return slab;
  }

  giveSlabs(slabs: readonly number[]): void {
    for (const slab of slabs) this.#free.push(slab);
  }

  /** Hands out these very slabs, of a memory that has not handed out any. */
  takeSlabs(slabs: readonly number[]): void {
    const taken = new Set(slabs);
    const first = this.#end;
    const end = slabs.reduce((last, slab) => Math.max(last, slab + CELLS_PER_SLAB), first);
    const areSlabs = slabs.every((slab) => slab >= this.#end && slab % CELLS_PER_SLAB === 0);
    if (!areSlabs || taken.size < slabs.length || end * 8 > HEAD_MEMORY_MAX_BYTES)
      throw new CodecError('the slabs of the head cannot be where it says');
    while (end > this.f64.length) this.#grow();
    this.#end = end;
    for (let slab = end - CELLS_PER_SLAB; slab >= first; slab -= CELLS_PER_SLAB)
      if (!taken.has(slab)) this.#free.push(slab);
  }

  /** Bytes of [cell, cell + cells); good until the memory grows. */
  bytesAt(cell: number, cells: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, cell * 8, cells * 8);
  }

  #grow(): void {
    const left = HEAD_MEMORY_MAX_BYTES - this.f64.byteLength;
    try {
      this.#memory.grow(Math.min(left, HEAD_GROW_BYTES) / WASM_PAGE_BYTES);
    } catch (error) {
      throw new FatalError(
        `the head cannot grow beyond ${this.f64.byteLength} bytes; start with a larger --memory`,
        { cause: error },
      );
    }
    if (left === 0) throw new FatalError('the head has used all of its 4 GiB');
    this.i32 = new Int32Array(this.#memory.buffer);
    this.f64 = new Float64Array(this.#memory.buffer);
    this.u8 = new Uint8Array(this.#memory.buffer);
  }
}

export interface ArenaExtent {
  /** First cells, in order of use. */
  readonly slabs: readonly number[];
  /** Next free cell of the last one, and where it ends; 0 and 0: there is none. */
  readonly next: number;
  readonly end: number;
}

/** Slabs of one owner, filled from front to back. */
export class Arena {
  readonly #memory: HeadMemory;
  #slabs: number[] = [];
  /** Cells [next, end) are free. */
  #next = 0;
  #end = 0;

  constructor(memory: HeadMemory) {
    this.#memory = memory;
  }

  /** Bytes handed out, with what was left over at the end of full slabs. */
  get sizeBytes(): number {
    return this.#slabs.length * HEAD_SLAB_BYTES - (this.#end - this.#next) * 8;
  }

  /** The first of `cells` cells with unknown content, at most a slab. */
  take(cells: number): number {
    if (this.#next + cells > this.#end) this.refill();
    const at = this.#next;
    this.#next += cells;
    return at;
  }

  /** As `take`, from the start of a line of the cache on: a slab less a line at most. */
  takeLines(cells: number): number {
    const spare = -this.#next & (LINE_CELLS - 1);
    const room = this.#next + spare + cells <= this.#end ? spare : 0;
    return this.take(room + cells) + room;
  }

  /** Goes on with a slab of its own. */
  refill(): void {
    this.#next = this.#memory.takeSlab();
    this.#end = this.#next + CELLS_PER_SLAB;
    this.#slabs.push(this.#next);
  }

  /** Lets an append take pages. */
  lend(control: Int32Array): void {
    control[CONTROL.nextCell] = this.#next;
    control[CONTROL.endCell] = this.#end;
  }

  /** What the append left. */
  takeBack(control: Int32Array): void {
    this.#next = control[CONTROL.nextCell]!;
  }

  /** What was handed out, slab by slab: all of them but the last up to its end. */
  get extent(): ArenaExtent {
    return { slabs: this.#slabs.slice(), next: this.#next, end: this.#end };
  }

  /** Goes on from an extent whose slabs are taken. */
  restore({ slabs, next, end }: ArenaExtent): void {
    this.#slabs = [...slabs];
    this.#next = next;
    this.#end = end;
  }

  drop(): void {
    this.#memory.giveSlabs(this.#slabs);
    this.#slabs = [];
    this.#next = this.#end = 0;
  }
}
