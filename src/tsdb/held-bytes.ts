// What texts and labels that are kept for an answer take in the heap, for the budget of its query:
// an estimate, on the side of more.
import type { ByteBudget } from '../model/storage.ts';

/** Header, length, hash and the places in lists that point to it. */
const TEXT_BYTES = 40;
/** An array of labels and its place in a list; each of its texts may be shared with others. */
const LABELS_BYTES = 64;
const LABEL_TEXT_BYTES = 16;
/** An entry of a map of counts, with the room that the map has to grow. */
const COUNT_BYTES = 64;

export function textHeldBytes(text: string): number {
  return TEXT_BYTES + text.length;
}

/** `textCount`: names and values. */
export function labelsHeldBytes(textCount: number): number {
  return LABELS_BYTES + textCount * LABEL_TEXT_BYTES;
}

export function countHeldBytes(text: string): number {
  return COUNT_BYTES + textHeldBytes(text);
}

/** Counts what is taken through it, so that all of it can be given back at once. */
export class HeldBytes implements ByteBudget {
  readonly #budget: ByteBudget;
  #sizeBytes = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  take(sizeBytes: number): void {
    this.#budget.take(sizeBytes);
    this.#sizeBytes += sizeBytes;
  }

  give(sizeBytes: number): void {
    this.#budget.give(sizeBytes);
    this.#sizeBytes -= sizeBytes;
  }

  giveAll(): void {
    this.give(this.#sizeBytes);
  }
}
