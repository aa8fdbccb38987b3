// Records that are in the log and wait to be applied, oldest first, in memory that is used over and
// over: fresh memory of a hundred kilobytes costs more than the copy into it. What finds no room
// has memory of its own.

const ALIGNMENT = 8;

export class RecordRing {
  readonly #memory: Uint8Array;
  #count = 0;
  /** Where the next record goes; the oldest one's start or free bytes before it. */
  #end = 0;
  #start = 0;

  /** Owns `memory`, which starts on a multiple of 8. */
  constructor(memory: Uint8Array) {
    this.#memory = memory;
  }

  /** A copy, good until it is dropped. */
  keep(bytes: Uint8Array): Uint8Array {
    const at = this.#room(bytes.length);
    if (at < 0) return bytes.slice();
    this.#count++;
    this.#end = at + ((bytes.length + ALIGNMENT - 1) & -ALIGNMENT);
    this.#memory.set(bytes, at);
    return this.#memory.subarray(at, at + bytes.length);
  }

  /** Gives back the room of the oldest record; one that another ring kept is no matter of this. */
  drop(kept: Uint8Array): void {
    if (kept.buffer !== this.#memory.buffer) return;
    this.#count--;
    const at = kept.byteOffset - this.#memory.byteOffset;
    this.#start = at + ((kept.length + ALIGNMENT - 1) & -ALIGNMENT);
  }

  /** Start and end are only the same where the ring is empty. */
  #room(sizeBytes: number): number {
    if (this.#count === 0) this.#start = this.#end = 0;
    if (this.#end < this.#start)
      return this.#end + sizeBytes < this.#start - ALIGNMENT ? this.#end : -1;
    if (this.#end + sizeBytes <= this.#memory.length) return this.#end;
    return sizeBytes < this.#start - ALIGNMENT ? 0 : -1;
  }
}
