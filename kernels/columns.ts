// Columns of numbers back to doubles, words and times with SIMD: integer streams of every kind,
// and what docs/formats/block.md builds on them (Doubles, Words, grids). src/codec/column.ts and
// what it imports are the reference, and give bit for bit the same. Numbers go through in chunks of
// 128, so that nothing but input and output leaves the first cache. Nothing is kept between calls:
// the caller owns the memory, and passes `scratch`, which `prepare` must have seen once. Every size
// is checked; 0 means that the column is damaged, and the output is then undefined. The output has
// room for OUT_SLACK bytes more than it needs.

const CHUNK: i32 = 128;
const BUCKET_COUNT: i32 = 212;
const COUNT_MAX: i32 = 8192;
const WIDTH_MAX: i32 = 53;
const STATE_START: u32 = 65536;
const VARINT_SIZE_MAX: i32 = 8;
const NUMBER_END: i64 = 1 << 53;

const CONST: i32 = 0;
const CONST_DELTA: i32 = 1;
const RUNS: i32 = 2;
const PACKED: i32 = 3;
const ENTROPY: i32 = 4;
const SPARSE: i32 = 5;

/** What becomes of a number v: v / scale, that as a float32, v + bias, the word there plus v. */
const TO_DOUBLES: i32 = 0;
const TO_FLOATS: i32 = 1;
const TO_WORDS: i32 = 2;
const ADD_TO_WORDS: i32 = 3;

/** Places in the scratch, bytes from its start; 16-byte aligned. */
const EXTRA_BITS: usize = 0;
const BASES: usize = 256;
const SLOTS: usize = 4096;
const NARROW: usize = 20480;
const WIDE: usize = 21504;
const WIDTHS: usize = 23552;
const FIELDS: usize = 24576;
const GAPS: usize = 25600;
const JUMPS: usize = 91648;
/** Bytes of the scratch: src/codec/kernels.ts has the same number. */
const SCRATCH_SIZE: usize = 157696;

// Fields of the stream that is being read.
const CURSOR: usize = FIELDS;
const SINK: usize = FIELDS + 8;
const SCALE: usize = FIELDS + 16;
const BIAS: usize = FIELDS + 24;
const OUT: usize = FIELDS + 32;
const FIRST: usize = FIELDS + 40;
const BASE: usize = FIELDS + 48;
const DIVISOR: usize = FIELDS + 56;
const ORDER: usize = FIELDS + 64;
/** The last u of the chunks before, and the last difference. */
const LAST: usize = FIELDS + 72;
const STEP: usize = FIELDS + 80;
/** Symbols: states, next word, place of the first extra bit, bits read, bits of the scale. */
const STATES: usize = FIELDS + 96;
const WORD_AT: usize = FIELDS + 112;
const BITS_AT: usize = FIELDS + 120;
const BIT: usize = FIELDS + 128;
const SCALE_BITS: usize = FIELDS + 136;
const LARGEST: usize = FIELDS + 144;

/** Times are whole numbers of microseconds up to here. */
const TIME_MAX: f64 = 9007199254740991;
/** 2^52 + 2^51, as a double and as its bits: v + bits is the double 2^52 + 2^51 + v. */
const MAGIC: f64 = 6755399441055744;
const MAGIC_BITS: i64 = 0x4338000000000000;

/** Fills the tables of buckets. */
export function prepare(scratch: usize): void {
  for (let bucket = 0; bucket < 256; bucket++) {
    let extra = 0;
    let base: u64 = bucket;
    if (bucket >= 16) {
      extra = min(2 + ((bucket - 16) >> 2), 50);
      base = (<u64>(4 + ((bucket - 16) & 3))) << extra;
    }
    store<u8>(scratch + EXTRA_BITS + bucket, <u8>extra);
    store<u64>(scratch + BASES + (bucket << 3), base);
  }
}

/** A varint at `at`; its end goes to the cursor, 0 where it is bad. */
function varint(s: usize, at: usize, end: usize): i64 {
  let value: i64 = 0;
  for (let i = 0; i < VARINT_SIZE_MAX; i++) {
    if (at >= end) break;
    const byte = load<u8>(at++);
    value |= (<i64>(byte & 127)) << (7 * i);
    if (byte < 128) {
      if (value >= NUMBER_END) break;
      store<usize>(s + CURSOR, at);
      return value;
    }
  }
  store<usize>(s + CURSOR, 0);
  return 0;
}

function unzigzag(code: i64): i64 {
  return (code >> 1) ^ -(code & 1);
}

function powerOfTen(exponent: i32): f64 {
  let power: f64 = 1;
  for (let i = 0; i < exponent; i++) power *= 10;
  return power;
}

// ---------------------------------------------------------------- integer streams

/** Chooses what becomes of the numbers of the next stream. */
function into(s: usize, sink: i32, scale: f64, bias: i64, out: usize): void {
  store<i32>(s + SINK, sink);
  store<f64>(s + SCALE, scale);
  store<i64>(s + BIAS, bias);
  store<usize>(s + OUT, out);
}

/** Reads the stream of `count` numbers at `src`; its end, 0 for damage. */
function stream(s: usize, src: usize, end: usize, count: i32): usize {
  if (src >= end) return 0;
  if ((<i32>load<u8>(src) & 7) != SPARSE) return plainStream(s, src, end, count);
  const first = unzigzag(varint(s, src + 1, end));
  let at = load<usize>(s + CURSOR);
  if (at == 0) return 0;
  const changes = varint(s, at, end);
  at = load<usize>(s + CURSOR);
  if (at == 0 || changes < 1 || changes >= <i64>count) return 0;
  const sink = load<i32>(s + SINK);
  const scale = load<f64>(s + SCALE);
  const bias = load<i64>(s + BIAS);
  const out = load<usize>(s + OUT);
  into(s, TO_WORDS, 1, 0, s + GAPS);
  at = plainStream(s, at, end, <i32>changes);
  if (at == 0) return 0;
  into(s, TO_WORDS, 1, 0, s + JUMPS);
  at = plainStream(s, at, end, <i32>changes);
  if (at == 0) return 0;
  into(s, sink, scale, bias, out);
  let place: i64 = 0;
  let value = first;
  for (let i = 0; i < <i32>changes; i++) {
    const gap = load<i64>(s + GAPS + (i << 3));
    if (gap < 0 || gap >= <i64>count) return 0;
    const next = place + gap + 1;
    if (next >= <i64>count) return 0;
    run(s, value, <i32>(next - place));
    place = next;
    value += load<i64>(s + JUMPS + (i << 3));
  }
  run(s, value, count - <i32>place);
  return at;
}

/** A stream that is not sparse. */
function plainStream(s: usize, src: usize, end: usize, count: i32): usize {
  if (src >= end) return 0;
  const head = <i32>load<u8>(src);
  const kind = head & 7;
  const first = unzigzag(varint(s, src + 1, end));
  let at = load<usize>(s + CURSOR);
  if (at == 0) return 0;
  if (kind == CONST) {
    run(s, first, count);
    return at;
  }
  if (kind == CONST_DELTA) {
    const delta = unzigzag(varint(s, at, end));
    at = load<usize>(s + CURSOR);
    if (at != 0) ramp(s, first, delta, count);
    return at;
  }
  if (kind == RUNS) return runs(s, at, end, first, count);
  if (kind != PACKED && kind != ENTROPY) return 0;
  return differences(s, at, end, head, first, count);
}

function runs(s: usize, src: usize, end: usize, first: i64, count: i32): usize {
  const changes = varint(s, src, end);
  let at = load<usize>(s + CURSOR);
  if (at == 0 || changes * 2 > <i64>(end - at)) return 0;
  let place: i64 = 0;
  let value = first;
  for (let left = changes; left > 0; left--) {
    const next = place + varint(s, at, end) + 1;
    at = load<usize>(s + CURSOR);
    if (at == 0 || next >= <i64>count) return 0;
    run(s, value, <i32>(next - place));
    place = next;
    value += unzigzag(varint(s, at, end));
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
  }
  run(s, value, count - <i32>place);
  return at;
}

/** A number as the sink wants it, as bits. */
function bitsOf(s: usize, value: i64): i64 {
  const sink = load<i32>(s + SINK);
  if (sink >= TO_WORDS) return value + load<i64>(s + BIAS);
  const quotient = <f64>value / load<f64>(s + SCALE);
  return reinterpret<i64>(sink == TO_FLOATS ? <f64>(<f32>quotient) : quotient);
}

/** The same number `count` times. */
function run(s: usize, value: i64, count: i32): void {
  const word = i64x2.splat(bitsOf(s, value));
  const out = load<usize>(s + OUT);
  if (load<i32>(s + SINK) == ADD_TO_WORDS) {
    if (value != 0)
      for (let i = 0; i < count; i++) {
        const at = out + (i << 3);
        store<i64>(at, load<i64>(at) + value);
      }
  } else for (let i = 0; i < count; i += 2) v128.store(out + (i << 3), word);
  store<usize>(s + OUT, out + (count << 3));
}

function ramp(s: usize, first: i64, delta: i64, count: i32): void {
  const out = load<usize>(s + OUT);
  const isAdd = load<i32>(s + SINK) == ADD_TO_WORDS;
  let value = first;
  for (let i = 0; i < count; i++) {
    const at = out + (i << 3);
    store<i64>(at, isAdd ? load<i64>(at) + value : bitsOf(s, value));
    value += delta;
  }
  store<usize>(s + OUT, out + (count << 3));
}

// ---------------------------------------------------------------- differences

function differences(s: usize, src: usize, end: usize, head: i32, first: i64, count: i32): usize {
  const order = (head >> 3) & 3;
  if (order == 3 || count <= order) return 0;
  let at = src;
  let second: i64 = 0;
  let divisor: i64 = 1;
  if (order == 2) {
    second = unzigzag(varint(s, at, end));
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
  }
  if (head & 32) {
    divisor = varint(s, at, end);
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
  }
  store<i64>(s + BASE, unzigzag(varint(s, at, end)));
  at = load<usize>(s + CURSOR);
  if (at == 0) return 0;
  store<i64>(s + FIRST, first);
  store<i64>(s + DIVISOR, divisor);
  store<i32>(s + ORDER, order);
  store<i64>(s + LAST, second);
  store<i64>(s + STEP, second);
  if (order >= 1) run(s, first, 1);
  if (order == 2) run(s, first + second * divisor, 1);
  const size = count - order;
  return (head & 7) == PACKED
    ? packed(s, at, end, size)
    : entropy(s, at, end, size, (head & 64) != 0);
}

/** May numbers of so many bits be summed over a chunk in 32 bits? */
function isNarrow(s: usize, bits: i32): bool {
  if (bits > 30) return false;
  const order = load<i32>(s + ORDER);
  if (order == 2) return false;
  const base = load<i64>(s + BASE);
  if (base > 0x3fffffff || base < -0x3fffffff) return false;
  const reach = (base < 0 ? -base : base) + ((<i64>1) << bits);
  return (order == 0 ? reach : reach * CHUNK) < 0x7fffffff;
}

/** The numbers of a chunk in NARROW, of order 0 or 1, go out. */
function putNarrow(s: usize, size: i32): void {
  if (load<i32>(s + SINK) < TO_WORDS) putNarrowDoubles(s, size);
  else putNarrowWords(s, size);
}

function putNarrowDoubles(s: usize, size: i32): void {
  const isSum = load<i32>(s + ORDER) == 1;
  const isFloat = load<i32>(s + SINK) == TO_FLOATS;
  const last = load<i64>(s + LAST);
  const divisor = load<i64>(s + DIVISOR);
  const base = i32x4.splat(<i32>load<i64>(s + BASE));
  const start = f64x2.splat(<f64>(load<i64>(s + FIRST) + last * divisor));
  const factor = f64x2.splat(<f64>divisor);
  const scale = load<f64>(s + SCALE);
  const scales = f64x2.splat(scale);
  const zero = i32x4.splat(0);
  let carry = zero;
  let to = load<usize>(s + OUT);
  for (let i = 0; i < size; i += 4) {
    let x = i32x4.add(v128.load(s + NARROW + (i << 2)), base);
    if (isSum) {
      x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 4, 5, 6));
      x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 1, 4, 5));
      x = i32x4.add(x, carry);
      carry = i32x4.shuffle(x, x, 3, 3, 3, 3);
    }
    let low = f64x2.convert_low_i32x4_s(x);
    let high = f64x2.convert_low_i32x4_s(i32x4.shuffle(x, x, 2, 3, 2, 3));
    low = f64x2.add(f64x2.mul(low, factor), start);
    high = f64x2.add(f64x2.mul(high, factor), start);
    if (scale != 1) {
      low = f64x2.div(low, scales);
      high = f64x2.div(high, scales);
    }
    if (isFloat) {
      low = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(low));
      high = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(high));
    }
    v128.store(to, low);
    v128.store(to, high, 16);
    to += 32;
  }
  store<i64>(s + LAST, last + <i64>i32x4.extract_lane(carry, 0));
  store<usize>(s + OUT, load<usize>(s + OUT) + (size << 3));
}

function putNarrowWords(s: usize, size: i32): void {
  const isSum = load<i32>(s + ORDER) == 1;
  const isAdd = load<i32>(s + SINK) == ADD_TO_WORDS;
  const last = load<i64>(s + LAST);
  const divisor = load<i64>(s + DIVISOR);
  const base = i32x4.splat(<i32>load<i64>(s + BASE));
  const start = i64x2.splat(load<i64>(s + FIRST) + last * divisor + load<i64>(s + BIAS));
  const factor = i64x2.splat(divisor);
  const zero = i32x4.splat(0);
  let carry = zero;
  let to = load<usize>(s + OUT);
  for (let i = 0; i < size; i += 4) {
    let x = i32x4.add(v128.load(s + NARROW + (i << 2)), base);
    if (isSum) {
      x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 4, 5, 6));
      x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 1, 4, 5));
      x = i32x4.add(x, carry);
      carry = i32x4.shuffle(x, x, 3, 3, 3, 3);
    }
    let low = i64x2.extend_low_i32x4_s(x);
    let high = i64x2.extend_high_i32x4_s(x);
    if (divisor != 1) {
      low = i64x2.mul(low, factor);
      high = i64x2.mul(high, factor);
    }
    low = i64x2.add(low, start);
    high = i64x2.add(high, start);
    if (isAdd) {
      low = i64x2.add(low, v128.load(to));
      high = i64x2.add(high, v128.load(to, 16));
    }
    v128.store(to, low);
    v128.store(to, high, 16);
    to += 32;
  }
  store<i64>(s + LAST, last + <i64>i32x4.extract_lane(carry, 0));
  store<usize>(s + OUT, load<usize>(s + OUT) + (size << 3));
}

/** Non-negative numbers below 2^32 of a chunk in NARROW become 64-bit ones in WIDE. */
function widen(s: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    const x = v128.load(s + NARROW + (i << 2));
    v128.store(s + WIDE + (i << 3), i64x2.extend_low_i32x4_u(x));
    v128.store(s + WIDE + (i << 3), i64x2.extend_high_i32x4_u(x), 16);
  }
}

/** The numbers of a chunk in WIDE, of any order, go out. */
function putWide(s: usize, size: i32): void {
  const order = load<i32>(s + ORDER);
  const sink = load<i32>(s + SINK);
  const divisor = load<i64>(s + DIVISOR);
  const first = load<i64>(s + FIRST);
  const base = i64x2.splat(load<i64>(s + BASE));
  const scale = f64x2.splat(load<f64>(s + SCALE));
  const startDouble = f64x2.splat(<f64>first);
  const factorDouble = f64x2.splat(<f64>divisor);
  const magic = f64x2.splat(MAGIC);
  const magicBits = i64x2.splat(MAGIC_BITS);
  const start = i64x2.splat(first + load<i64>(s + BIAS));
  const factor = i64x2.splat(divisor);
  const zero = i64x2.splat(0);
  let step = i64x2.splat(load<i64>(s + STEP));
  let last = i64x2.splat(load<i64>(s + LAST));
  let to = load<usize>(s + OUT);
  for (let i = 0; i < size; i += 2) {
    let x = i64x2.add(v128.load(s + WIDE + (i << 3)), base);
    if (order == 2) {
      x = i64x2.add(i64x2.add(x, i64x2.shuffle(zero, x, 0, 2)), step);
      step = i64x2.shuffle(x, x, 1, 1);
    }
    if (order != 0) {
      x = i64x2.add(i64x2.add(x, i64x2.shuffle(zero, x, 0, 2)), last);
      last = i64x2.shuffle(x, x, 1, 1);
    }
    if (sink < TO_WORDS) {
      x = f64x2.sub(i64x2.add(x, magicBits), magic);
      x = f64x2.div(f64x2.add(f64x2.mul(x, factorDouble), startDouble), scale);
      if (sink == TO_FLOATS) x = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(x));
    } else {
      x = i64x2.add(divisor == 1 ? x : i64x2.mul(x, factor), start);
      if (sink == ADD_TO_WORDS) x = i64x2.add(x, v128.load(to));
    }
    v128.store(to, x);
    to += 16;
  }
  store<i64>(s + STEP, i64x2.extract_lane(step, 0));
  store<i64>(s + LAST, i64x2.extract_lane(last, 0));
  store<usize>(s + OUT, load<usize>(s + OUT) + (size << 3));
}

// ---------------------------------------------------------------- packed groups

function words(count: i32, width: i32): i32 {
  return 4 * ((((count + 3) >> 2) * width + 31) >> 5);
}

function wordsOfAny(count: i32, width: i32): i32 {
  return width <= 32 ? words(count, width) : words(count, 32) + words(count, width - 32);
}

function packed(s: usize, src: usize, end: usize, size: i32): usize {
  const exceptions = varint(s, src, end);
  let at = load<usize>(s + CURSOR);
  if (at == 0 || exceptions * 2 > <i64>(end - at)) return 0;
  let exceptionAt = at;
  for (let i: i64 = 0; i < 2 * exceptions; i++) {
    varint(s, at, end);
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
  }
  const groups = (size + CHUNK - 1) >> 7;
  if (at >= end) return 0;
  const one = <i32>load<u8>(at++);
  const each = (one & 128) == 0;
  if (each && end - at < <usize>(groups - 1)) return 0;
  let wordCount = 0;
  for (let group = 0; group < groups; group++) {
    const width = group == 0 || !each ? one & 127 : <i32>load<u8>(at++);
    if (width > WIDTH_MAX) return 0;
    store<u8>(s + WIDTHS + group, <u8>width);
    wordCount += wordsOfAny(min(CHUNK, size - (group << 7)), width);
  }
  if (<usize>(wordCount << 2) > end - at) return 0;
  // The exception that comes next: its place, and its number behind the cursor.
  let place: i64 = -1;
  let left = exceptions;
  if (left > 0) {
    place = varint(s, exceptionAt, end);
    exceptionAt = load<usize>(s + CURSOR);
  }
  for (let group = 0; group < groups; group++) {
    const width = <i32>load<u8>(s + WIDTHS + group);
    const from = group << 7;
    const length = min(CHUNK, size - from);
    unpack(s, at, length, width);
    at += wordsOfAny(length, width) << 2;
    const isPatched = left > 0 && place < <i64>(from + length);
    if (!isPatched && isNarrow(s, width)) {
      putNarrow(s, length);
      continue;
    }
    if (width <= 32) widen(s, length);
    while (left > 0 && place < <i64>(from + length)) {
      const x = unzigzag(varint(s, exceptionAt, end));
      exceptionAt = load<usize>(s + CURSOR);
      store<i64>(s + WIDE + ((<usize>(place - from)) << 3), x);
      if (--left == 0) break;
      place += varint(s, exceptionAt, end) + 1;
      exceptionAt = load<usize>(s + CURSOR);
    }
    putWide(s, length);
  }
  return left == 0 ? at : 0;
}

/** A group to NARROW, where it is wider than 32 bits to WIDE. */
function unpack(s: usize, src: usize, count: i32, width: i32): void {
  const rows = (count + 3) >> 2;
  unpackRows(src, s + NARROW, rows, min(width, 32));
  if (width <= 32) return;
  widen(s, count);
  unpackRows(src + (words(count, 32) << 2), s + NARROW, rows, width - 32);
  for (let i = 0; i < rows << 2; i++) {
    const place = s + WIDE + (i << 3);
    store<u64>(place, load<u64>(place) | ((<u64>load<u32>(s + NARROW + (i << 2))) << 32));
  }
}

/** Reads no row beyond the last one that it needs. */
function unpackRows(src: usize, dst: usize, rows: i32, width: i32): void {
  if (width == 0) {
    memory.fill(dst, 0, rows << 4);
    return;
  }
  const mask = i32x4.splat(width == 32 ? -1 : (1 << width) - 1);
  let word = v128.load(src);
  let bit = 0;
  for (let row = 0; row < rows; row++) {
    if (bit == 32) {
      src += 16;
      word = v128.load(src);
      bit = 0;
    }
    let value = i32x4.shr_u(word, bit);
    bit += width;
    if (bit > 32) {
      bit -= 32;
      src += 16;
      word = v128.load(src);
      value = v128.or(value, i32x4.shl(word, width - bit));
    }
    v128.store(dst, v128.and(value, mask));
    dst += 16;
  }
}

// ---------------------------------------------------------------- entropy-coded buckets

/**
 * Fills the slots, 8 bytes each: frequency, place inside of it << 12, extra bits << 24, and in the
 * upper half the base of the bucket, or the bucket where a base may need more than 32 bits. Leaves
 * the largest bucket and the bits of the scale.
 */
function readSlots(s: usize, src: usize, end: usize): usize {
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

function entropy(s: usize, src: usize, end: usize, size: i32, isZigzag: bool): usize {
  let at = readSlots(s, src, end);
  if (at == 0) return 0;
  const wordCount = varint(s, at, end);
  at = load<usize>(s + CURSOR);
  if (at == 0 || wordCount > <i64>size || <i64>(end - at) < 16 + 2 * wordCount) return 0;
  v128.store(s + STATES, v128.load(at));
  const bitsAt = at + 16 + ((<usize>wordCount) << 1);
  store<usize>(s + WORD_AT, at + 16);
  store<usize>(s + BITS_AT, bitsAt);
  store<usize>(s + BIT, 0);
  const largest = load<i32>(s + LARGEST);
  const extra = <i32>load<u8>(s + EXTRA_BITS + largest);
  const codeBits = largest < 16 ? 4 : 3 + extra;
  const narrow = isNarrow(s, codeBits);
  for (let from = 0; from < size; from += CHUNK) {
    const length = min(CHUNK, size - from);
    // A damaged stream asks for more words than there are: two bytes a symbol at most.
    if (largest < 16) ownCodes(s, length);
    else if (extra <= 28) narrowCodes(s, length);
    else wideCodes(s, length);
    if (extra <= 28) {
      if (isZigzag) unzigzagNarrow(s, length);
      if (narrow) putNarrow(s, length);
      else {
        widenSigned(s, length);
        putWide(s, length);
      }
    } else {
      if (isZigzag) unzigzagWide(s, length);
      putWide(s, length);
    }
  }
  const start = i32x4.splat(STATE_START);
  if (v128.any_true(i32x4.ne(v128.load(s + STATES), start))) return 0;
  if (load<usize>(s + WORD_AT) != bitsAt) return 0;
  const next = bitsAt + ((load<usize>(s + BIT) + 7) >> 3);
  return next <= end ? next : 0;
}

function unzigzagNarrow(s: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    const code = v128.load(s + NARROW + (i << 2));
    const sign = i32x4.neg(v128.and(code, i32x4.splat(1)));
    v128.store(s + NARROW + (i << 2), v128.xor(i32x4.shr_u(code, 1), sign));
  }
}

function unzigzagWide(s: usize, size: i32): void {
  for (let i = 0; i < size; i += 2) {
    const code = v128.load(s + WIDE + (i << 3));
    const sign = i64x2.neg(v128.and(code, i64x2.splat(1)));
    v128.store(s + WIDE + (i << 3), v128.xor(i64x2.shr_u(code, 1), sign));
  }
}

function widenSigned(s: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    const x = v128.load(s + NARROW + (i << 2));
    v128.store(s + WIDE + (i << 3), i64x2.extend_low_i32x4_s(x));
    v128.store(s + WIDE + (i << 3), i64x2.extend_high_i32x4_s(x), 16);
  }
}

function step(x: u32, slot: u32, bits: u32): u32 {
  return (slot & 4095) * (x >> bits) + ((slot >> 12) & 4095);
}

/** Codes that are their own buckets. */
function ownCodes(s: usize, size: i32): void {
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
function narrowCodes(s: usize, size: i32): void {
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
function wideCodes(s: usize, size: i32): void {
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

// ---------------------------------------------------------------- columns

/** The payload of a column of doubles. */
export function decodeDoubles(s: usize, src: usize, end: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX || src >= end) return 0;
  const form = <i32>load<u8>(src) & 7;
  const exponent = <i32>load<u8>(src) >> 3;
  if (form > 4 || exponent > 17) return 0;
  const exceptionsAt = src + 1;
  let at = skipExceptions(s, exceptionsAt, end, count);
  if (at == 0) return 0;
  if (form == 4) {
    at = wordsColumn(s, at, end, count, out);
    if (at != end) return 0;
    flipOrder(out, count);
  } else {
    into(s, (form & 1) == 0 ? TO_DOUBLES : TO_FLOATS, powerOfTen(exponent), 0, out);
    at = stream(s, at, end, count);
    if (at == 0) return 0;
    if (form >= 2) {
      into(s, ADD_TO_WORDS, 1, 0, out);
      at = stream(s, at, end, count);
    }
    if (at != end) return 0;
  }
  patch(s, exceptionsAt, end, out);
  return 1;
}

/** An integer stream and nothing else. */
export function decodeIntegers(s: usize, src: usize, end: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX) return 0;
  into(s, TO_DOUBLES, 1, 0, out);
  return stream(s, src, end, count) == end ? 1 : 0;
}

/** The payload of a column of words. */
export function decodeWords(s: usize, src: usize, end: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX) return 0;
  return wordsColumn(s, src, end, count, out) == end ? 1 : 0;
}

/** The payload of a column of times on a grid from `first`; none may leave the whole numbers. */
export function decodeGrid(
  s: usize,
  src: usize,
  end: usize,
  count: i32,
  first: f64,
  out: usize,
): i32 {
  if (count < 1 || count > COUNT_MAX) return 0;
  const step = <f64>unzigzag(varint(s, src, end));
  const at = load<usize>(s + CURSOR);
  if (at == 0) return 0;
  // Not a number, and nothing that could become one.
  if (first != floor(first) || abs(first) > TIME_MAX) return 0;
  if (end - at == 2 && load<u16>(at) == 0) return plainGrid(first, step, count, out);
  into(s, TO_DOUBLES, 1, 0, out);
  if (stream(s, at, end, count) != end || load<f64>(out) != 0) return 0;
  const starts = f64x2.splat(first);
  const steps = f64x2.splat(step);
  const two = f64x2.splat(2);
  let index = f64x2(0, 1);
  let most = f64x2.splat(0);
  for (let i = 0; i < count - 1; i += 2) {
    const place = out + (i << 3);
    const t = f64x2.add(v128.load(place), f64x2.add(starts, f64x2.mul(index, steps)));
    v128.store(place, t);
    most = f64x2.pmax(most, f64x2.abs(t));
    index = f64x2.add(index, two);
  }
  let largest = max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1));
  if (count & 1) {
    const place = out + ((count - 1) << 3);
    const t = load<f64>(place) + (first + <f64>(count - 1) * step);
    store<f64>(place, t);
    largest = max(largest, abs(t));
  }
  return largest <= TIME_MAX ? 1 : 0;
}

/** Times that keep their grid: sums of whole numbers, exact as long as first and last are. */
function plainGrid(first: f64, step: f64, count: i32, out: usize): i32 {
  if (abs(first + <f64>(count - 1) * step) > TIME_MAX) return 0;
  let low = f64x2.add(f64x2.splat(first), f64x2.mul(f64x2(0, 1), f64x2.splat(step)));
  let high = f64x2.add(low, f64x2.splat(2 * step));
  const next = f64x2.splat(4 * step);
  for (let i = 0; i < count; i += 4) {
    v128.store(out + (i << 3), low);
    v128.store(out + (i << 3), high, 16);
    low = f64x2.add(low, next);
    high = f64x2.add(high, next);
  }
  return 1;
}

function wordsColumn(s: usize, src: usize, end: usize, count: i32, out: usize): usize {
  if (end < src || end - src < 9) return 0;
  const form = <i32>load<u8>(src);
  const first = load<i64>(src, 1);
  let at = src + 9;
  if (form == 0) {
    into(s, TO_WORDS, 1, first, out);
    return stream(s, at, end, count);
  }
  const lowBits = form - 128;
  if (lowBits < 0 || lowBits > 16 || count < 2) return 0;
  into(s, TO_WORDS, 1, 0, out + 8);
  const size = count - 1;
  at = stream(s, at, end, size);
  if (at == 0) return 0;
  store<i64>(out, first);
  let value = first;
  let to = out + 8;
  for (let from = 0; from < size; from += CHUNK) {
    const length = min(CHUNK, size - from);
    const sizeBytes = <usize>(words(length, lowBits) << 2);
    if (sizeBytes > end - at) return 0;
    unpackRows(at, s + NARROW, (length + 3) >> 2, lowBits);
    at += sizeBytes;
    for (let i = 0; i < length; i++) {
      value += (load<i64>(to) << lowBits) + <i64>load<u32>(s + NARROW + (i << 2));
      store<i64>(to, value);
      to += 8;
    }
  }
  return at;
}

/** Ordered integers to the bits of doubles: of negative numbers the magnitude is inverted. */
function flipOrder(out: usize, count: i32): void {
  for (let i = 0; i < count; i += 2) {
    const x = v128.load(out + (i << 3));
    v128.store(out + (i << 3), v128.xor(x, i64x2.shr_u(i64x2.shr_s(x, 63), 1)));
  }
}

/** The end of the list of exceptions, 0 where it is damaged. */
function skipExceptions(s: usize, src: usize, end: usize, count: i32): usize {
  const exceptions = varint(s, src, end);
  let at = load<usize>(s + CURSOR);
  if (at == 0 || exceptions > <i64>(end - at)) return 0;
  let place: i64 = -1;
  for (let left = exceptions; left > 0; left--) {
    const code = varint(s, at, end);
    at = load<usize>(s + CURSOR);
    if (at == 0) return 0;
    place += (code >> 3) + 1;
    const kind = <i32>code & 7;
    if (place >= <i64>count || kind > 6) return 0;
    if (kind != 5) continue;
    if (end - at < 8) return 0;
    at += 8;
  }
  return at;
}

/** Only after skipExceptions has checked the list. */
function patch(s: usize, src: usize, end: usize, out: usize): void {
  let left = varint(s, src, end);
  let at = load<usize>(s + CURSOR);
  let place: i64 = -1;
  let word: i64 = 0;
  for (; left > 0; left--) {
    const code = varint(s, at, end);
    at = load<usize>(s + CURSOR);
    place += (code >> 3) + 1;
    const kind = <i32>code & 7;
    let value: i64 = 0x7ff0000000000002;
    if (kind == 1) value = 0x7ff8000000000000;
    else if (kind == 2) value = 0x7ff0000000000000;
    else if (kind == 3) value = 0xfff0000000000000;
    else if (kind == 4) value = 0x8000000000000000;
    else if (kind >= 5) {
      if (kind == 5) {
        word = load<i64>(at);
        at += 8;
      }
      value = word;
    }
    store<i64>(out + ((<usize>place) << 3), value);
  }
}
