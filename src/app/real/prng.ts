// The system's generator behind the Prng interface: fit for secrets and batch ids.
import type { Prng } from '../../stdx/prng.ts';

// Importing node:crypto reads its getters, and one loads Web Crypto.
const { randomFillSync } = process.getBuiltinModule('node:crypto');

/** Drawn a block at a time: a system call per number costs a microsecond. */
const BLOCK_WORDS = 256;

class RealPrng implements Prng {
  readonly #words = new Uint32Array(BLOCK_WORDS);
  #used = BLOCK_WORDS;

  u32(): number {
    if (this.#used === BLOCK_WORDS) {
      randomFillSync(this.#words);
      this.#used = 0;
    }
    const word = this.#words[this.#used] as number;
    this.#words[this.#used] = 0;
    this.#used++;
    return word;
  }

  bytes(count: number): Uint8Array {
    const out = new Uint8Array(count);
    if (count > BLOCK_WORDS) return randomFillSync(out);
    for (let i = 0; i < count; i += 4) {
      const word = this.u32();
      for (let k = i; k < Math.min(i + 4, count); k++) out[k] = word >>> (8 * (k - i));
    }
    return out;
  }
}

export const realPrng: Prng = new RealPrng();
