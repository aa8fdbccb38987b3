// What the series numbers of records that another process wrote mean here: by slot of a number the
// number itself, which also holds the slot's life, and the ref that it stands for. A slot's later
// life takes the place of the one before: nothing is written to that any more.
import { grownU32 } from '../stdx/growable.ts';
import { slotOf } from './refs.ts';

export class ReplayRefs {
  /** Number + 1; 0: the slot was not defined. */
  #numbers = new Uint32Array(1024);
  #refs = new Uint32Array(1024);

  clear(): void {
    this.#numbers = new Uint32Array(1024);
    this.#refs = new Uint32Array(1024);
  }

  define(numbers: Uint32Array, refs: Int32Array): void {
    let slotEnd = 0;
    for (let i = 0; i < refs.length; i++) slotEnd = Math.max(slotEnd, slotOf(numbers[i]!) + 1);
    this.#numbers = grownU32(this.#numbers, slotEnd);
    this.#refs = grownU32(this.#refs, slotEnd);
    for (let i = 0; i < refs.length; i++) {
      const slot = slotOf(numbers[i]!);
      this.#numbers[slot] = numbers[i]! + 1;
      this.#refs[slot] = refs[i]!;
    }
  }

  /** Refs of numbers [from, count) to `out`; the index of the first one that is not known. */
  translate(numbers: Uint32Array, from: number, count: number, out: Uint32Array): number {
    const known = this.#numbers;
    const refs = this.#refs;
    const { length } = known;
    for (let i = from; i < count; i++) {
      const number = numbers[i]!;
      const slot = slotOf(number);
      if (slot >= length || known[slot] !== number + 1) return i;
      out[i] = refs[slot]!;
    }
    return count;
  }
}
