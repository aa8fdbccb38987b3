// Random numbers by constructor. `seededPrng` is xoshiro128** (Blackman, Vigna: "Scrambled Linear
// Pseudorandom Number Generators", 2021) for tests and sampling; secrets and batch ids come from
// the system's generator, wrapped in app/ behind the same interface.

export interface Prng {
  /** Uniform in [0, 2^32). */
  u32(): number;
  /** Fills and returns `count` fresh bytes. */
  bytes(count: number): Uint8Array;
}

/** Uniform integer in [0, bound); bound in 1…2^32. */
export function randomInt(prng: Prng, bound: number): number {
  return Math.floor((prng.u32() / 4294967296) * bound);
}

/** Uniform double in [0, 1) with 32 random bits. */
export function randomUnit(prng: Prng): number {
  return prng.u32() / 4294967296;
}

function splitmix32(state: { value: number }): number {
  state.value = (state.value + 0x9e3779b9) | 0;
  let mixed = state.value ^ (state.value >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** A deterministic generator: the same seed (an unsigned 32-bit integer) gives the same numbers. */
export function seededPrng(seed: number): Prng {
  const mixer = { value: seed | 0 };
  let s0 = splitmix32(mixer);
  let s1 = splitmix32(mixer);
  let s2 = splitmix32(mixer);
  let s3 = splitmix32(mixer);
  function u32(): number {
    const scrambled = Math.imul(s1, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = (s3 << 11) | (s3 >>> 21);
    return result;
  }
  function bytes(count: number): Uint8Array {
    const out = new Uint8Array(count);
    for (let i = 0; i < count; i++) out[i] = u32() & 255;
    return out;
  }
  return { u32, bytes };
}
