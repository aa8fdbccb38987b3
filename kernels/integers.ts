// Integer streams to doubles with four lanes at a time: the kinds packed and entropy of
// docs/formats/block.md. src/codec/integer-decode.ts is the reference, and gives bit for bit the
// same. Nothing is kept between calls: the caller owns the memory, and passes `scratch`, which
// `prepare` must have seen once. Every size is checked; 0 instead of the end of the stream means
// that it is damaged.

const GROUP_COUNT: i32 = 128;
const BUCKET_COUNT: i32 = 212;
const COUNT_MAX: i32 = 8192;
const WIDTH_MAX: i32 = 53;
const STATE_START: u32 = 65536;
const VARINT_SIZE_MAX: i32 = 8;
const NUMBER_END: i64 = 1 << 53;

/** Places in the scratch, bytes from its start; 16-byte aligned. */
const EXTRA_BITS: usize = 0;
const BASES: usize = 256;
const SLOTS: usize = 4096;
const SYMBOLS: usize = 12288;
const WIDTHS: usize = 24576;
const NARROW: usize = 24704;
const WIDE: usize = 61440;
const CURSOR: usize = 131072;

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
function varint(scratch: usize, at: usize, end: usize): i64 {
  let value: i64 = 0;
  for (let i = 0; i < VARINT_SIZE_MAX; i++) {
    if (at >= end) break;
    const byte = load<u8>(at++);
    value |= (<i64>(byte & 127)) << (7 * i);
    if (byte < 128) {
      if (value >= NUMBER_END) break;
      store<usize>(scratch + CURSOR, at);
      return value;
    }
  }
  store<usize>(scratch + CURSOR, 0);
  return 0;
}

function unzigzag(code: i64): i64 {
  return (code >> 1) ^ -(code & 1);
}

/**
 * Decodes what follows the first number of a stream whose head byte is `head`; out[i] = number /
 * scale. `out` has room for four doubles more than `count`. Returns the end of the stream, 0 for
 * damage.
 */
export function decode(
  scratch: usize,
  src: usize,
  end: usize,
  head: i32,
  first: f64,
  scale: f64,
  count: i32,
  out: usize,
): usize {
  const order = (head >> 3) & 3;
  if (order == 3 || count <= order || count > COUNT_MAX) return 0;
  let at = src;
  let second: i64 = 0;
  let divisor: i64 = 1;
  if (order == 2) {
    second = unzigzag(varint(scratch, at, end));
    at = load<usize>(scratch + CURSOR);
    if (at == 0) return 0;
  }
  if (head & 32) {
    divisor = varint(scratch, at, end);
    at = load<usize>(scratch + CURSOR);
    if (at == 0) return 0;
  }
  const base = unzigzag(varint(scratch, at, end));
  at = load<usize>(scratch + CURSOR);
  if (at == 0) return 0;
  const size = count - order;
  // Bits that hold every residual of the narrow form; above 31 they are in the wide one.
  let bits: i32;
  if ((head & 7) == 4) {
    at = symbols(scratch, at, end, size);
    if (at == 0) return 0;
    at = codes(scratch, at, end, size, (head & 64) != 0);
  } else at = unpack(scratch, at, end, size);
  if (at == 0) return 0;
  bits = load<i32>(scratch + CURSOR + 8);
  const whole = <i64>first;
  if (bits < 32) {
    const reach = ((base < 0 ? -base : base) + ((<i64>1) << bits)) * <i64>count;
    if (order == 0 || (order == 1 && reach < 0x7fffffff)) {
      if (order == 0) offsetsNarrow(scratch, count, first, base, divisor, scale, out);
      else sumsNarrow(scratch, count, first, base, divisor, scale, out);
      return at;
    }
    widen(scratch, size);
  }
  sumsWide(scratch, count, order, whole, second, base, divisor, scale, out);
  return at;
}

// ---------------------------------------------------------------- packed groups

function words(count: i32, width: i32): i32 {
  return 4 * ((((count + 3) >> 2) * width + 31) >> 5);
}

/** Fills the narrow residuals, or the wide ones where some need it. */
function unpack(scratch: usize, src: usize, end: usize, size: i32): usize {
  const exceptions = varint(scratch, src, end);
  let at = load<usize>(scratch + CURSOR);
  if (at == 0 || exceptions * 2 > <i64>(end - at)) return 0;
  const exceptionsAt = at;
  let widest = 0;
  for (let i: i64 = 0; i < exceptions; i++) {
    varint(scratch, at, end);
    at = load<usize>(scratch + CURSOR);
    if (at == 0) return 0;
    const x = unzigzag(varint(scratch, at, end));
    at = load<usize>(scratch + CURSOR);
    if (at == 0) return 0;
    widest = max(widest, 64 - <i32>clz(x < 0 ? ~x : x));
  }
  const groups = (size + GROUP_COUNT - 1) >> 7;
  if (at >= end) return 0;
  const one = <i32>load<u8>(at++);
  const each = (one & 128) == 0;
  if (each && end - at < <usize>(groups - 1)) return 0;
  let wordCount = 0;
  for (let group = 0; group < groups; group++) {
    const width = group == 0 || !each ? one & 127 : <i32>load<u8>(at++);
    if (width > WIDTH_MAX) return 0;
    store<u8>(scratch + WIDTHS + group, <u8>width);
    const count = min(GROUP_COUNT, size - (group << 7));
    wordCount += words(count, min(width, 32));
    if (width > 32) wordCount += words(count, width - 32);
    widest = max(widest, width);
  }
  if (<usize>(wordCount << 2) > end - at) return 0;
  const next = at + (wordCount << 2);
  store<i32>(scratch + CURSOR + 8, widest);
  const isWide = widest > 31;
  for (let group = 0; group < groups; group++) {
    const width = <i32>load<u8>(scratch + WIDTHS + group);
    const count = min(GROUP_COUNT, size - (group << 7));
    const narrow = scratch + NARROW + (group << 9);
    unpackGroup(at, narrow, (count + 3) >> 2, min(width, 32));
    at += words(count, min(width, 32)) << 2;
    if (!isWide) continue;
    const wide = scratch + WIDE + (group << 10);
    for (let i = 0; i < count; i++) store<u64>(wide + (i << 3), load<u32>(narrow + (i << 2)));
    if (width <= 32) continue;
    unpackGroup(at, narrow, (count + 3) >> 2, width - 32);
    at += words(count, width - 32) << 2;
    for (let i = 0; i < count; i++) {
      const place = wide + (i << 3);
      store<u64>(place, load<u64>(place) | ((<u64>load<u32>(narrow + (i << 2))) << 32));
    }
  }
  if (!patch(scratch, exceptionsAt, end, exceptions, size, isWide)) return 0;
  return next;
}

function unpackGroup(src: usize, dst: usize, rows: i32, width: i32): void {
  if (width == 0) {
    memory.fill(dst, 0, rows << 4);
    return;
  }
  const mask = i32x4.splat(width == 32 ? -1 : (1 << width) - 1);
  let word = v128.load(src);
  let bit = 0;
  for (let row = 0; row < rows; row++) {
    let value = i32x4.shr_u(word, bit);
    bit += width;
    if (bit >= 32) {
      bit -= 32;
      src += 16;
      word = v128.load(src);
      if (bit > 0) value = v128.or(value, i32x4.shl(word, width - bit));
    }
    v128.store(dst, v128.and(value, mask));
    dst += 16;
  }
}

function patch(
  scratch: usize,
  src: usize,
  end: usize,
  exceptions: i64,
  size: i32,
  isWide: bool,
): bool {
  let at = src;
  let place: i64 = -1;
  for (let i: i64 = 0; i < exceptions; i++) {
    place += varint(scratch, at, end) + 1;
    at = load<usize>(scratch + CURSOR);
    const x = unzigzag(varint(scratch, at, end));
    at = load<usize>(scratch + CURSOR);
    if (place >= size) return false;
    if (isWide) store<i64>(scratch + WIDE + ((<usize>place) << 3), x);
    else store<i32>(scratch + NARROW + ((<usize>place) << 2), <i32>x);
  }
  return true;
}

// ---------------------------------------------------------------- entropy-coded buckets

/** Bits of the scale in the low byte of the cursor's second word; 0 for damage. */
function readSlots(scratch: usize, src: usize, end: usize): usize {
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
    const frequency = varint(scratch, at, end) + 1;
    at = load<usize>(scratch + CURSOR);
    if (at == 0 || symbol >= BUCKET_COUNT || frequency > <i64>(total - start)) return 0;
    const slot = symbol | ((<i32>frequency) << 8);
    for (let place = 0; place < <i32>frequency; place++)
      store<i32>(scratch + SLOTS + ((start + place) << 2), slot | (place << 20));
    start += <i32>frequency;
  }
  store<i32>(scratch + CURSOR + 8, bits);
  return start == total ? at : 0;
}

function step(x: u32, slot: u32, bits: u32): u32 {
  return ((slot >> 8) & 4095) * (x >> bits) + (slot >> 20);
}

function symbols(scratch: usize, src: usize, end: usize, size: i32): usize {
  let at = readSlots(scratch, src, end);
  if (at == 0) return 0;
  const bits = load<u32>(scratch + CURSOR + 8);
  const wordCount = varint(scratch, at, end);
  at = load<usize>(scratch + CURSOR);
  if (at == 0 || wordCount > <i64>size || <i64>(end - at) < 16 + 2 * wordCount) return 0;
  let x0 = load<u32>(at);
  let x1 = load<u32>(at, 4);
  let x2 = load<u32>(at, 8);
  let x3 = load<u32>(at, 12);
  at += 16;
  const next = at + ((<usize>wordCount) << 1);
  const slots = scratch + SLOTS;
  const mask = ((<u32>1) << bits) - 1;
  let to = scratch + SYMBOLS;
  const toEnd = to + (size & ~3);
  while (to < toEnd) {
    // A damaged stream asks for more words than there are: two bytes a symbol at most.
    const s0 = load<u32>(slots + ((x0 & mask) << 2));
    const s1 = load<u32>(slots + ((x1 & mask) << 2));
    const s2 = load<u32>(slots + ((x2 & mask) << 2));
    const s3 = load<u32>(slots + ((x3 & mask) << 2));
    store<u32>(to, (s0 & 255) | ((s1 & 255) << 8) | ((s2 & 255) << 16) | (s3 << 24));
    x0 = step(x0, s0, bits);
    x1 = step(x1, s1, bits);
    x2 = step(x2, s2, bits);
    x3 = step(x3, s3, bits);
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
    to += 4;
  }
  for (let lane = 0; lane < (size & 3); lane++) {
    let x = lane == 0 ? x0 : lane == 1 ? x1 : x2;
    const slot = load<u32>(slots + ((x & mask) << 2));
    store<u8>(to++, <u8>slot);
    x = step(x, slot, bits);
    if (x < STATE_START) {
      x = (x << 16) | load<u16>(at);
      at += 2;
    }
    if (lane == 0) x0 = x;
    else if (lane == 1) x1 = x;
    else x2 = x;
  }
  if (at != next || x0 != STATE_START || x1 != STATE_START) return 0;
  return x2 == STATE_START && x3 == STATE_START ? next : 0;
}

function largest(from: usize, size: i32): i32 {
  let lanes = i8x16.splat(0);
  let i = 0;
  for (; i + 16 <= size; i += 16) lanes = i8x16.max_u(lanes, v128.load(from + i));
  store<v128>(from + COUNT_MAX, lanes);
  let most: u8 = 0;
  for (let lane = 0; lane < 16; lane++) most = max(most, load<u8>(from + COUNT_MAX + lane));
  for (; i < size; i++) most = max(most, load<u8>(from + i));
  return most;
}

/**
 * Symbols and their extra bits to residuals, narrow where every code has less than 31 bits.
 * Whether the bits were there is asked at the end: 50 bits a symbol are within the caller's
 * memory.
 */
function codes(scratch: usize, src: usize, end: usize, size: i32, isZigzag: bool): usize {
  const from = scratch + SYMBOLS;
  const most = largest(from, size);
  const width = most < 16 ? 5 : 3 + <i32>load<u8>(scratch + EXTRA_BITS + most);
  store<i32>(scratch + CURSOR + 8, width < 31 ? width : 64);
  if (most < 16) {
    ownCodes(scratch, size, isZigzag);
    return src;
  }
  const bits =
    width < 31
      ? narrowCodes(scratch, src, size, isZigzag)
      : wideCodes(scratch, src, size, isZigzag);
  const next = src + ((bits + 7) >> 3);
  return next <= end ? next : 0;
}

/** Codes that are their own buckets. */
function ownCodes(scratch: usize, size: i32, isZigzag: bool): void {
  const from = scratch + SYMBOLS;
  const to = scratch + NARROW;
  for (let i = 0; i < size; i += 4) {
    let code = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(from + i)));
    if (isZigzag) {
      const sign = i32x4.neg(v128.and(code, i32x4.splat(1)));
      code = v128.xor(i32x4.shr_u(code, 1), sign);
    }
    v128.store(to + (i << 2), code);
  }
}

function narrowCodes(scratch: usize, src: usize, size: i32, isZigzag: bool): usize {
  const from = scratch + SYMBOLS;
  const to = scratch + NARROW;
  let bit: usize = 0;
  for (let i = 0; i < size; i++) {
    const symbol = <usize>load<u8>(from + i);
    const extra = <u32>load<u8>(scratch + EXTRA_BITS + symbol);
    const word = <u32>(load<u64>(src + (bit >> 3)) >> <u64>(bit & 7));
    const code = load<u32>(scratch + BASES + (symbol << 3)) + (word & ((1 << extra) - 1));
    bit += extra;
    store<u32>(to + (i << 2), code);
  }
  if (isZigzag)
    for (let i = 0; i < size; i += 4) {
      const code = v128.load(to + (i << 2));
      const sign = i32x4.neg(v128.and(code, i32x4.splat(1)));
      v128.store(to + (i << 2), v128.xor(i32x4.shr_u(code, 1), sign));
    }
  return bit;
}

function wideCodes(scratch: usize, src: usize, size: i32, isZigzag: bool): usize {
  const from = scratch + SYMBOLS;
  const to = scratch + WIDE;
  let bit: usize = 0;
  for (let i = 0; i < size; i++) {
    const symbol = <usize>load<u8>(from + i);
    const extra = <u64>load<u8>(scratch + EXTRA_BITS + symbol);
    const word = load<u64>(src + (bit >> 3)) >> <u64>(bit & 7);
    const code = load<u64>(scratch + BASES + (symbol << 3)) + (word & (((<u64>1) << extra) - 1));
    bit += <usize>extra;
    store<i64>(to + (i << 3), isZigzag ? unzigzag(<i64>code) : <i64>code);
  }
  return bit;
}

// ---------------------------------------------------------------- residuals to numbers

function widen(scratch: usize, size: i32): void {
  for (let i = 0; i < size; i++)
    store<i64>(scratch + WIDE + (i << 3), <i64>load<i32>(scratch + NARROW + (i << 2)));
}

function put(x: v128, divisor: v128, start: v128, scale: v128, isScaled: bool, out: usize): void {
  let low = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(x), divisor), start);
  const upper = i32x4.shuffle(x, x, 2, 3, 2, 3);
  let high = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(upper), divisor), start);
  if (isScaled) {
    low = f64x2.div(low, scale);
    high = f64x2.div(high, scale);
  }
  v128.store(out, low);
  v128.store(out, high, 16);
}

function offsetsNarrow(
  scratch: usize,
  count: i32,
  first: f64,
  base: i64,
  divisor: i64,
  scale: f64,
  out: usize,
): void {
  const start = f64x2.splat(first + <f64>base * <f64>divisor);
  const factor = f64x2.splat(<f64>divisor);
  const scales = f64x2.splat(scale);
  const isScaled = scale != 1;
  for (let i = 0; i < count; i += 4)
    put(v128.load(scratch + NARROW + (i << 2)), factor, start, scales, isScaled, out + (i << 3));
}

function sumsNarrow(
  scratch: usize,
  count: i32,
  first: f64,
  base: i64,
  divisor: i64,
  scale: f64,
  out: usize,
): void {
  store<f64>(out, first / scale);
  out += 8;
  const start = f64x2.splat(first);
  const factor = f64x2.splat(<f64>divisor);
  const scales = f64x2.splat(scale);
  const isScaled = scale != 1;
  const shift = i32x4.splat(<i32>base);
  const zero = i32x4.splat(0);
  let carry = zero;
  for (let i = 0; i < count - 1; i += 4) {
    let x = i32x4.add(v128.load(scratch + NARROW + (i << 2)), shift);
    x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 4, 5, 6));
    x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 1, 4, 5));
    x = i32x4.add(x, carry);
    carry = i32x4.shuffle(x, x, 3, 3, 3, 3);
    put(x, factor, start, scales, isScaled, out + (i << 3));
  }
}

function sumsWide(
  scratch: usize,
  count: i32,
  order: i32,
  first: i64,
  second: i64,
  base: i64,
  divisor: i64,
  scale: f64,
  out: usize,
): void {
  let from = scratch + WIDE;
  if (order == 0) {
    for (let i = 0; i < count; i++)
      store<f64>(
        out + (i << 3),
        <f64>(first + (load<i64>(from + (i << 3)) + base) * divisor) / scale,
      );
    return;
  }
  let value = first;
  store<f64>(out, <f64>value / scale);
  if (order == 1) {
    for (let i = 1; i < count; i++) {
      value += (load<i64>(from) + base) * divisor;
      from += 8;
      store<f64>(out + (i << 3), <f64>value / scale);
    }
    return;
  }
  let difference = second * divisor;
  value += difference;
  store<f64>(out, <f64>value / scale, 8);
  for (let i = 2; i < count; i++) {
    difference += (load<i64>(from) + base) * divisor;
    from += 8;
    value += difference;
    store<f64>(out + (i << 3), <f64>value / scale);
  }
}
