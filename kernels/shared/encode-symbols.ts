// Entropy-coded buckets (docs/formats/block.md, "rANS"): src/codec/rans.ts and the second half of
// integer-encode.ts are the reference, and write the same bytes.
import {
  CODED_END,
  EXTRA_BITS,
  FREQUENCIES,
  HISTOGRAMS,
  NARROW,
  RESIDUALS,
  STARTS,
  SYMBOLS,
  bucketOf,
  extraBits,
  int64,
  log2Of,
  narrowBucket,
  putVarint,
  putZigzag,
  round,
} from './encode-scratch';

const BUCKET_COST_BITS: f64 = 18;
const ENTROPY_HEADER_BITS: f64 = 160;
const STATE_START: u32 = 65536;

/** Bits of the frequency scale for `count` symbols. */
function scaleBits(count: i32): i32 {
  if (count > 2048) return 11;
  return count > 512 ? 10 : 9;
}

function countBucket(s: usize, bucket: u32): void {
  const at = s + HISTOGRAMS + ((<usize>bucket) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/**
 * Estimated size with zigzag codes about `base`, or with distances from the minimum; infinite where
 * it reaches `end`. `isNarrow`: residuals are in NARROW, from `min`.
 */
export function entropyBits(
  s: usize,
  size: i32,
  base: i64,
  min: i64,
  isNarrow: bool,
  isZigzag: bool,
  topBucket: u32,
  end: f64,
): f64 {
  let bits = ENTROPY_HEADER_BITS;
  if (bits + BUCKET_COST_BITS >= end) return Infinity;
  memory.fill(s + HISTOGRAMS, 0, (<usize>topBucket + 1) << 2);
  if (isNarrow) {
    const shift = <i32>(base - min);
    for (let i = 0; i < size; i++) {
      const x = load<i32>(s + NARROW + ((<usize>i) << 2)) - shift;
      countBucket(s, narrowBucket(isZigzag ? <u32>((x << 1) ^ (x >> 31)) : <u32>x));
    }
  } else
    for (let i = 0; i < size; i++) {
      const x = int64(s + RESIDUALS, i) - base;
      countBucket(s, bucketOf(isZigzag ? <u64>((x << 1) ^ (x >> 63)) : <u64>x));
    }
  const most = <f64>scaleBits(size);
  const all = log2Of(s, size);
  for (let bucket: u32 = 0; bucket <= topBucket; bucket++) {
    const hits = load<i32>(s + HISTOGRAMS + ((<usize>bucket) << 2));
    if (hits == 0) continue;
    const own = min_f64(all - log2Of(s, hits), most);
    bits += <f64>hits * (own + extraBits(s, bucket)) + BUCKET_COST_BITS;
    if (bits >= end) return Infinity;
  }
  return bits;
}

function min_f64(a: f64, b: f64): f64 {
  return a < b ? a : b;
}

/** Base, table, states, words and extra bits; the end. */
export function putEntropy(
  s: usize,
  out: usize,
  size: i32,
  base: i64,
  min: i64,
  isNarrow: bool,
  isZigzag: bool,
): usize {
  let at = putZigzag(out, base);
  memory.fill(s + HISTOGRAMS, 0, 1024);
  for (let i = 0; i < size; i++) {
    let bucket: u32;
    if (isNarrow) {
      const place = s + NARROW + ((<usize>i) << 2);
      const x = load<i32>(place) - <i32>(base - min);
      const code = isZigzag ? <u32>((x << 1) ^ (x >> 31)) : <u32>x;
      bucket = narrowBucket(code);
      store<u32>(place, code);
    } else {
      const place = s + RESIDUALS + ((<usize>i) << 3);
      const x = load<i64>(place) - base;
      const code = isZigzag ? <u64>((x << 1) ^ (x >> 63)) : <u64>x;
      bucket = bucketOf(code);
      store<u64>(place, code);
    }
    store<u8>(s + SYMBOLS + <usize>i, <u8>bucket);
    countBucket(s, bucket);
  }
  at = putSymbols(s, at, size);
  return putExtraBits(s, at, size, isNarrow);
}

function frequency(s: usize, symbol: u32): i32 {
  return load<i32>(s + FREQUENCIES + ((<usize>symbol) << 2));
}

function setFrequency(s: usize, symbol: u32, value: i32): void {
  store<i32>(s + FREQUENCIES + ((<usize>symbol) << 2), value);
}

/** Frequencies that add up to 2^bits, none of an occurring symbol below one. */
function normalise(s: usize, count: i32, bits: i32): void {
  const total = 1 << bits;
  let sum = 0;
  let largest: u32 = 0;
  for (let symbol: u32 = 0; symbol < 212; symbol++) {
    const seen = load<i32>(s + HISTOGRAMS + ((<usize>symbol) << 2));
    let own = 0;
    if (seen != 0) own = max(1, <i32>round((<f64>seen / <f64>count) * <f64>total));
    setFrequency(s, symbol, own);
    sum += own;
    if (own > frequency(s, largest)) largest = symbol;
  }
  if (sum < total) setFrequency(s, largest, frequency(s, largest) + total - sum);
  while (sum > total) {
    let most: u32 = 0;
    for (let symbol: u32 = 1; symbol < 212; symbol++)
      if (frequency(s, symbol) > frequency(s, most)) most = symbol;
    const taken = min(sum - total, max(1, frequency(s, most) >> 3));
    setFrequency(s, most, frequency(s, most) - taken);
    sum -= taken;
  }
}

function putSymbols(s: usize, out: usize, count: i32): usize {
  const bits = scaleBits(count);
  normalise(s, count, bits);
  store<u8>(out, <u8>bits);
  let at = out + 2;
  let used = 0;
  let previous: i32 = -1;
  let start = 0;
  for (let symbol: i32 = 0; symbol < 212; symbol++) {
    const own = frequency(s, symbol);
    if (own == 0) continue;
    used++;
    store<u8>(at, <u8>(symbol - previous - 1));
    at = putVarint(at + 1, <u64>(own - 1));
    previous = symbol;
    store<i32>(s + STARTS + ((<usize>symbol) << 2), start);
    start += own;
  }
  store<u8>(out, <u8>used, 1);
  return putStates(s, at, count, bits);
}

/** Where the next word goes: words fill CODED from its end. */
let wordAt: usize = 0;

function step(s: usize, state: u32, i: i32, bits: i32): u32 {
  const symbol = (<usize>load<u8>(s + SYMBOLS + <usize>i)) << 2;
  const own = load<u32>(s + FREQUENCIES + symbol);
  let x = state;
  if (<u64>x >= (<u64>own) << (32 - bits)) {
    wordAt -= 2;
    store<u16>(wordAt, <u16>x);
    x >>= 16;
  }
  const quotient = x / own;
  return (quotient << bits) + (x - quotient * own) + load<u32>(s + STARTS + symbol);
}

/** From the last symbol to the first: number of words, states, words. */
function putStates(s: usize, out: usize, count: i32, bits: i32): usize {
  const end = s + CODED_END;
  wordAt = end;
  let x0 = STATE_START;
  let x1 = STATE_START;
  let x2 = STATE_START;
  let x3 = STATE_START;
  let i = count - 1;
  for (; (i & 3) != 3 && i >= 0; i--) {
    const lane = i & 3;
    if (lane == 0) x0 = step(s, x0, i, bits);
    else if (lane == 1) x1 = step(s, x1, i, bits);
    else x2 = step(s, x2, i, bits);
  }
  for (; i >= 0; i -= 4) {
    x3 = step(s, x3, i, bits);
    x2 = step(s, x2, i - 1, bits);
    x1 = step(s, x1, i - 2, bits);
    x0 = step(s, x0, i - 3, bits);
  }
  const size = end - wordAt;
  const at = putVarint(out, <u64>(size >> 1));
  store<u32>(at, x0);
  store<u32>(at, x1, 4);
  store<u32>(at, x2, 8);
  store<u32>(at, x3, 12);
  memory.copy(at + 16, wordAt, size);
  return at + 16 + size;
}

/** The low bits of the codes, of each as many as its bucket says, one after the other. */
function putExtraBits(s: usize, out: usize, size: i32, isNarrow: bool): usize {
  let at = out;
  let word: u64 = 0;
  let filled: u64 = 0;
  for (let i = 0; i < size; i++) {
    let extra = <u64>load<u8>(s + EXTRA_BITS + <usize>load<u8>(s + SYMBOLS + <usize>i));
    if (extra == 0) continue;
    let code = isNarrow
      ? <u64>load<u32>(s + NARROW + ((<usize>i) << 2))
      : load<u64>(s + RESIDUALS + ((<usize>i) << 3));
    code &= ((<u64>1) << extra) - 1;
    if (extra > 32) {
      word |= (code & 0xffffffff) << filled;
      store<u32>(at, <u32>word);
      at += 4;
      word >>= 32;
      code >>= 32;
      extra -= 32;
    }
    word |= code << filled;
    filled += extra;
    if (filled < 32) continue;
    store<u32>(at, <u32>word);
    at += 4;
    word >>= 32;
    filled -= 32;
  }
  store<u32>(at, <u32>word);
  return at + <usize>((filled + 7) >> 3);
}
