// Numbers → places in order of first arrival, for the tables of one record: open addressing in a
// few kilobytes that are cleared and used again.

const FIRST_SLOTS = 1024;

export class PlaceTable {
  count = 0;
  /** Key + 1, place. At most half full. */
  #slots = new Uint32Array(FIRST_SLOTS * 2);

  clear(): void {
    if (this.count === 0) return;
    this.count = 0;
    this.#slots.fill(0);
  }

  #slot(key: number): number {
    const slots = this.#slots;
    const mask = slots.length / 2 - 1;
    // High bits of the product are mixed best; low ones are there for tables of more slots.
    const product = Math.imul(key, 0x9e3779b1);
    let slot = (product ^ (product >>> 15)) & mask;
    while (slots[2 * slot] !== 0 && slots[2 * slot] !== key + 1) slot = (slot + 1) & mask;
    return slot;
  }

  /** Place of a key; -1 where it has none. */
  find(key: number): number {
    const slot = this.#slot(key);
    return this.#slots[2 * slot] === 0 ? -1 : this.#slots[2 * slot + 1]!;
  }

  /** Gives a key that has none the next place. */
  add(key: number): number {
    if ((this.count + 1) * 4 > this.#slots.length) this.#grow();
    const slot = this.#slot(key);
    this.#slots[2 * slot] = key + 1;
    this.#slots[2 * slot + 1] = this.count;
    return this.count++;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at] === 0) continue;
      const slot = this.#slot(old[at]! - 1);
      this.#slots[2 * slot] = old[at]!;
      this.#slots[2 * slot + 1] = old[at + 1]!;
    }
  }
}
