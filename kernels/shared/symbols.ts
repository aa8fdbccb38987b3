// Entropy-coded buckets to codes (docs/formats/block.md, "rANS"): a symbol and its extra bits in one
// loop, four states side by side. Reads up to two bytes and 50 bits a symbol beyond a damaged
// stream, never more.
import {
  BASES,
  BIT,
  BITS_AT,
  BUCKET_COUNT,
  CURSOR,
  EXTRA_BITS,
  LARGEST,
  NARROW,
  SCALE_BITS,
  SLOTS,
  STATES,
  STATE_START,
  WIDE,
  WORD_AT,
  varint,
} from './scratch';

/**
 * Fills the slots, 8 bytes each: frequency, place inside of it << 12, extra bits << 24, and in the
 * upper half the base of the bucket, or the bucket where a base may need more than 32 bits. Leaves
 * the largest bucket and the bits of the scale.
 */
export function readSlots(s: usize, src: usize, end: usize): usize {
  let at = src;
  if (end - at < 2) return 0;
  const bits = <i32>load<u8>(at++);
  if (bits < 6 || bits > 11) return 0;
  const total = 1 << bits;
  let symbol = -1;
  let start = 0;
  for (let left = <i32>load<u8>(at++); left > 0; left--) {
    if (at >= end) return 0;
    symbol += <i32>load<u8>(at++) + 1;
    const frequency = varint(s, at, end) + 1;
    at = load<usize>(s + CURSOR);
    if (at == 0 || symbol >= BUCKET_COUNT || frequency > <i64>(total - start)) return 0;
    const extra = <u64>load<u8>(s + EXTRA_BITS + symbol);
    const base = extra > 28 ? <u64>symbol : load<u64>(s + BASES + (symbol << 3));
    const slot = <u64>frequency | (extra << 24) | (base << 32);
    // Frequencies are even less often odd than places are many: two slots a step, one too many.
    let pair = i64x2.add(i64x2.splat(slot), i64x2(0, 4096));
    const next = i64x2.splat(8192);
    const to = s + SLOTS + (start << 3);
    for (let place = 0; place < <i32>frequency; place += 2) {
      v128.store(to + (place << 3), pair);
      pair = i64x2.add(pair, next);
    }
    start += <i32>frequency;
  }
  store<i32>(s + SCALE_BITS, bits);
  store<i32>(s + LARGEST, symbol);
  return start == total ? at : 0;
}

function step(x: u32, slot: u32, bits: u32): u32 {
  return (slot & 4095) * (x >> bits) + ((slot >> 12) & 4095);
}

/** Codes that are their own buckets. */
export function ownCodes(s: usize, size: i32): void {
  const bits = load<u32>(s + SCALE_BITS);
  const mask = ((<u32>1) << bits) - 1;
  const slots = s + SLOTS;
  let at = load<usize>(s + WORD_AT);
  let x0 = load<u32>(s + STATES);
  let x1 = load<u32>(s + STATES, 4);
  let x2 = load<u32>(s + STATES, 8);
  let x3 = load<u32>(s + STATES, 12);
  let to = s + NARROW;
  const toEnd = to + ((size & ~3) << 2);
  while (to < toEnd) {
    const s0 = load<u64>(slots + ((x0 & mask) << 3));
    const s1 = load<u64>(slots + ((x1 & mask) << 3));
    const s2 = load<u64>(slots + ((x2 & mask) << 3));
    const s3 = load<u64>(slots + ((x3 & mask) << 3));
    x0 = step(x0, <u32>s0, bits);
    x1 = step(x1, <u32>s1, bits);
    x2 = step(x2, <u32>s2, bits);
    x3 = step(x3, <u32>s3, bits);
    store<u32>(to, <u32>(s0 >> 32));
    store<u32>(to, <u32>(s1 >> 32), 4);
    store<u32>(to, <u32>(s2 >> 32), 8);
    store<u32>(to, <u32>(s3 >> 32), 12);
    let needs = <u32>(x0 < STATE_START);
    x0 = select<u32>((x0 << 16) | load<u16>(at), x0, needs);
    at += needs << 1;
    needs = <u32>(x1 < STATE_START);
    x1 = select<u32>((x1 << 16) | load<u16>(at), x1, needs);
    at += needs << 1;
    needs = <u32>(x2 < STATE_START);
    x2 = select<u32>((x2 << 16) | load<u16>(at), x2, needs);
    at += needs << 1;
    needs = <u32>(x3 < STATE_START);
    x3 = select<u32>((x3 << 16) | load<u16>(at), x3, needs);
    at += needs << 1;
    to += 16;
  }
  keepStates(s, at, x0, x1, x2, x3);
  for (let lane = 0; lane < (size & 3); lane++)
    store<u32>(to + (lane << 2), <u32>(one(s, lane) >> 32));
}

function keepStates(s: usize, at: usize, x0: u32, x1: u32, x2: u32, x3: u32): void {
  store<usize>(s + WORD_AT, at);
  store<u32>(s + STATES, x0);
  store<u32>(s + STATES, x1, 4);
  store<u32>(s + STATES, x2, 8);
  store<u32>(s + STATES, x3, 12);
}

/** The slot of the next symbol of a lane: for the last symbols of a stream. */
function one(s: usize, lane: i32): u64 {
  const bits = load<u32>(s + SCALE_BITS);
  const place = s + STATES + (lane << 2);
  let x = load<u32>(place);
  const slot = load<u64>(s + SLOTS + ((x & (((<u32>1) << bits) - 1)) << 3));
  x = step(x, <u32>slot, bits);
  if (x < STATE_START) {
    const at = load<usize>(s + WORD_AT);
    x = (x << 16) | load<u16>(at);
    store<usize>(s + WORD_AT, at + 2);
  }
  store<u32>(place, x);
  return slot;
}

/** Codes with at most 28 extra bits: two of them are in any 57 bits. */
export function narrowCodes(s: usize, size: i32): void {
  const bits = load<u32>(s + SCALE_BITS);
  const mask = ((<u32>1) << bits) - 1;
  const slots = s + SLOTS;
  const bitsAt = load<usize>(s + BITS_AT);
  let bit = load<usize>(s + BIT);
  let at = load<usize>(s + WORD_AT);
  let x0 = load<u32>(s + STATES);
  let x1 = load<u32>(s + STATES, 4);
  let x2 = load<u32>(s + STATES, 8);
  let x3 = load<u32>(s + STATES, 12);
  let to = s + NARROW;
  const toEnd = to + ((size & ~3) << 2);
  while (to < toEnd) {
    const s0 = load<u64>(slots + ((x0 & mask) << 3));
    const s1 = load<u64>(slots + ((x1 & mask) << 3));
    const s2 = load<u64>(slots + ((x2 & mask) << 3));
    const s3 = load<u64>(slots + ((x3 & mask) << 3));
    x0 = step(x0, <u32>s0, bits);
    x1 = step(x1, <u32>s1, bits);
    x2 = step(x2, <u32>s2, bits);
    x3 = step(x3, <u32>s3, bits);
    const e0 = <u32>s0 >> 24;
    const e1 = <u32>s1 >> 24;
    const e2 = <u32>s2 >> 24;
    const e3 = <u32>s3 >> 24;
    let word = load<u64>(bitsAt + (bit >> 3)) >> (bit & 7);
    store<u32>(to, <u32>(s0 >> 32) + (<u32>word & ((1 << e0) - 1)));
    word >>= e0;
    store<u32>(to, <u32>(s1 >> 32) + (<u32>word & ((1 << e1) - 1)), 4);
    bit += e0 + e1;
    word = load<u64>(bitsAt + (bit >> 3)) >> (bit & 7);
    store<u32>(to, <u32>(s2 >> 32) + (<u32>word & ((1 << e2) - 1)), 8);
    word >>= e2;
    store<u32>(to, <u32>(s3 >> 32) + (<u32>word & ((1 << e3) - 1)), 12);
    bit += e2 + e3;
    let needs = <u32>(x0 < STATE_START);
    x0 = select<u32>((x0 << 16) | load<u16>(at), x0, needs);
    at += needs << 1;
    needs = <u32>(x1 < STATE_START);
    x1 = select<u32>((x1 << 16) | load<u16>(at), x1, needs);
    at += needs << 1;
    needs = <u32>(x2 < STATE_START);
    x2 = select<u32>((x2 << 16) | load<u16>(at), x2, needs);
    at += needs << 1;
    needs = <u32>(x3 < STATE_START);
    x3 = select<u32>((x3 << 16) | load<u16>(at), x3, needs);
    at += needs << 1;
    to += 16;
  }
  keepStates(s, at, x0, x1, x2, x3);
  for (let lane = 0; lane < (size & 3); lane++) {
    const slot = one(s, lane);
    const extra = <u32>slot >> 24;
    const word = <u32>(load<u64>(bitsAt + (bit >> 3)) >> (bit & 7));
    store<u32>(to + (lane << 2), <u32>(slot >> 32) + (word & ((1 << extra) - 1)));
    bit += extra;
  }
  store<usize>(s + BIT, bit);
}

/** Codes of any size, to WIDE: 50 extra bits are in any 57. */
export function wideCodes(s: usize, size: i32): void {
  const bitsAt = load<usize>(s + BITS_AT);
  let bit = load<usize>(s + BIT);
  for (let i = 0; i < size; i++) {
    const slot = one(s, i & 3);
    const extra = <u64>(<u32>slot) >> 24;
    const word = load<u64>(bitsAt + (bit >> 3)) >> <u64>(bit & 7);
    const upper = <usize>(slot >> 32);
    const base = extra > 28 ? load<u64>(s + BASES + (upper << 3)) : <u64>upper;
    store<u64>(s + WIDE + (i << 3), base + (word & (((<u64>1) << extra) - 1)));
    bit += <usize>extra;
  }
  store<usize>(s + BIT, bit);
}
