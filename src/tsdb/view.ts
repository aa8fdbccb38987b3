// What can be read at one moment: parts in force, head generations, deletes. A view is immutable
// and replaced as a whole by apply, flush and merge; a pin holds one view and how far each
// generation had come. Parts that a newer view replaced are removed when no pin holds them any
// more.
import type { Pin } from '../model/storage.ts';
import { assert } from '../stdx/assert.ts';
import type { Delete } from './deletes.ts';
import type { Generation } from './head.ts';
import type { Part } from './part-reader.ts';

export interface View {
  /** Ascending in (seqMin, name). */
  readonly parts: readonly Part[];
  /** Oldest first; the last one takes appends. */
  readonly generations: readonly Generation[];
  readonly deletes: readonly Delete[];
}

export class ShardPin implements Pin {
  readonly view: View;
  /** Per generation of the view: ordinals below are seen. */
  readonly ordinalEnds: readonly number[];
  readonly owner: Pins;
  isReleased = false;

  constructor(view: View, owner: Pins) {
    this.view = view;
    this.ordinalEnds = view.generations.map((generation) => generation.ordinalEnd);
    this.owner = owner;
  }

  release(): void {
    assert(!this.isReleased, 'a pin is released exactly once');
    this.isReleased = true;
    this.owner.released(this);
  }
}

/** Live pins and the parts that wait for them. */
export class Pins {
  readonly #live = new Set<ShardPin>();
  #retired: Part[] = [];
  readonly #remove: (part: Part) => void;
  readonly #ignorePins: boolean;

  /** `remove` is called once per retired part, when nothing can read it any more. */
  constructor(remove: (part: Part) => void, ignorePins: boolean) {
    this.#remove = remove;
    this.#ignorePins = ignorePins;
  }

  get count(): number {
    return this.#live.size;
  }

  pin(view: View): ShardPin {
    const pin = new ShardPin(view, this);
    this.#live.add(pin);
    return pin;
  }

  released(pin: ShardPin): void {
    this.#live.delete(pin);
    this.#sweep();
  }

  retire(parts: readonly Part[]): void {
    this.#retired.push(...parts);
    this.#sweep();
  }

  #sweep(): void {
    const isHeld = (part: Part): boolean =>
      !this.#ignorePins && this.#live.values().some((pin) => pin.view.parts.includes(part));
    const free = this.#retired.filter((part) => !isHeld(part));
    this.#retired = this.#retired.filter(isHeld);
    for (const part of free) this.#remove(part);
  }
}
