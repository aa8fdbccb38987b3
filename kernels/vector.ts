// asc: --enable threads --sharedMemory
// Head vectors (docs/formats/vector.md) back to doubles, words, ticks and times, in place: input and
// output are anywhere in the memory of the caller, nothing outside of them is touched but
// `scratch`, SCRATCH_SIZE bytes that belong to the calling thread. src/codec/vector.ts is the
// reference, and gives bit for bit the same. Nothing is kept between calls, so that many threads
// may share the memory. Answers 0 where the vector is damaged; the output is then undefined.

import { unpackRows, words, wordsOfAny } from './shared/bits';

const COUNT_MAX: i32 = 256;
const GROUP_COUNT: i32 = 128;
const WIDTH_MAX: i32 = 52;

const FORM_RAW: u32 = 0;
const FORM_CONST: u32 = 1;
const FORM_OFFSETS: u32 = 2;
const FORM_DIFFERENCES: u32 = 3;

/** Places in the scratch, bytes from its start; 16-byte aligned, a row of four more than 256. */
const NARROW: usize = 0;
const WIDE: usize = 1040;
const ROW: usize = 3120;
const FIRST: usize = 3152;
const BASE: usize = 3160;
const DIVISOR: usize = 3168;
const EXCEPTIONS_AT: usize = 3176;
const EXCEPTION_COUNT: usize = 3180;
/** Bytes of the scratch: src/codec/vector-kernel.ts has the same number. */
const SCRATCH_SIZE: usize = 3200;

/** What `open` found. */
const DAMAGED: i32 = 0;
/** Numbers are in NARROW, and their sums are below 2^31. */
const IS_NARROW: i32 = 1;
const IS_WIDE: i32 = 2;

/** 2^52 + 2^51, as a double and as its bits: v + bits is the double 2^52 + 2^51 + v. */
const MAGIC: f64 = 6755399441055744;
const MAGIC_BITS: i64 = 0x4338000000000000;

/** A signed number of 1 to 8 bytes; wide loads only inside of the source. */
function signed(at: usize, end: usize, sizeBytes: i32): i64 {
  const spare: i64 = 64 - 8 * sizeBytes;
  if (end - at >= 8) return (load<i64>(at) << spare) >> spare;
  let value: i64 = 0;
  for (let i = 0; i < sizeBytes; i++) value |= (<i64>load<u8>(at + i)) << (8 * i);
  return (value << spare) >> spare;
}

/** Unpacks and patches the numbers of a packed form, and leaves its other fields in the scratch. */
function open(scratch: usize, src: usize, end: usize, count: i32, form: u32): i32 {
  if (end - src < 6) return DAMAGED;
  const sizes = <i32>load<u8>(src, 1);
  const first = (sizes & 7) + 1;
  const base = ((sizes >> 3) & 7) + 1;
  const divisor = (1 << (sizes >> 6)) >> 1;
  const width = <i32>load<u8>(src, 2) & 63;
  const patch = 1 << (<i32>load<u8>(src, 2) >> 6);
  const width2 = <i32>load<u8>(src, 3);
  const patches = <i32>load<u8>(src, 4);
  const exceptions = <i32>load<u8>(src, 5);
  const size = form == FORM_OFFSETS ? count : count - 1;
  if (width > WIDTH_MAX || width2 > WIDTH_MAX) return DAMAGED;
  const size1 = min(size, GROUP_COUNT);
  const wordCount = wordsOfAny(size1, width) + wordsOfAny(size - size1, width2);
  const fields = first + base + divisor;
  const lists = patches * (1 + patch) + exceptions * 9;
  if (<i32>(end - src) != 6 + fields + lists + 4 * wordCount) return DAMAGED;
  let at = src + 6;
  store<i64>(scratch + FIRST, signed(at, end, first));
  at += first;
  store<i64>(scratch + BASE, signed(at, end, base));
  at += base;
  let factor: i64 = 1;
  if (divisor == 1) factor = load<u8>(at);
  else if (divisor == 2) factor = load<u16>(at);
  else if (divisor == 4) factor = load<u32>(at);
  store<i64>(scratch + DIVISOR, factor);
  at += divisor;
  const patchesAt = at;
  at += patches * (1 + patch);
  store<usize>(scratch + EXCEPTIONS_AT, at);
  store<i32>(scratch + EXCEPTION_COUNT, exceptions);
  at += exceptions * 9;
  let bits = max(width, width2);
  if (patches > 0) bits = max(bits, patch == 8 ? 64 : patch * 8);
  const isNarrow = bits < 31 && reachOf(scratch, bits, size, form) < 0x7fffffff;
  unpack(scratch + NARROW, isNarrow ? 0 : scratch + WIDE, at, size1, width);
  at += wordsOfAny(size1, width) << 2;
  if (size > size1)
    unpack(scratch + NARROW + 512, isNarrow ? 0 : scratch + WIDE + 1024, at, size - size1, width2);
  for (let i = 0; i < patches; i++) {
    const place = <i32>load<u8>(patchesAt + i);
    if (place >= size) return DAMAGED;
    const x = signed(patchesAt + patches + i * patch, end, patch);
    if (isNarrow) store<i32>(scratch + NARROW + (place << 2), <i32>x);
    else store<i64>(scratch + WIDE + (place << 3), x);
  }
  return isNarrow ? IS_NARROW : IS_WIDE;
}

/** Bound of every u; the base may be anything in a damaged vector. */
function reachOf(scratch: usize, bits: i32, size: i32, form: u32): i64 {
  const base = load<i64>(scratch + BASE);
  if (base > 0x7fffffff || base < -0x7fffffff) return 0x7fffffff;
  const each = (base < 0 ? -base : base) + ((<i64>1) << bits);
  return form == FORM_OFFSETS ? each : each * size;
}

/** A packed group to 32-bit numbers and, with `wide`, to 64-bit ones. */
function unpack(narrow: usize, wide: usize, src: usize, count: i32, width: i32): void {
  const rows = (count + 3) >> 2;
  unpackRows(src, narrow, rows, min(width, 32));
  if (wide == 0) return;
  for (let row = 0; row < rows; row++) {
    const x = v128.load(narrow + (row << 4));
    v128.store(wide + (row << 5), i64x2.extend_low_i32x4_u(x));
    v128.store(wide + (row << 5), i64x2.extend_high_i32x4_u(x), 16);
  }
  if (width <= 32) return;
  unpackRows(src + (words(count, 32) << 2), narrow, rows, width - 32);
  for (let i = 0; i < rows << 2; i++) {
    const place = wide + (i << 3);
    store<u64>(place, load<u64>(place) | ((<u64>load<u32>(narrow + (i << 2))) << 32));
  }
}

/** Differences to offsets: the sums of x + base, four at a time. */
function sumNarrow(scratch: usize, size: i32): void {
  const base = i32x4.splat(<i32>load<i64>(scratch + BASE));
  const zero = i32x4.splat(0);
  let carry = zero;
  for (let i = 0; i < size; i += 4) {
    const at = scratch + NARROW + (i << 2);
    let x = i32x4.add(v128.load(at), base);
    x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 4, 5, 6));
    x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 1, 4, 5));
    x = i32x4.add(x, carry);
    carry = i32x4.shuffle(x, x, 3, 3, 3, 3);
    v128.store(at, x);
  }
}

function addNarrow(scratch: usize, size: i32): void {
  const base = i32x4.splat(<i32>load<i64>(scratch + BASE));
  for (let i = 0; i < size; i += 4) {
    const at = scratch + NARROW + (i << 2);
    v128.store(at, i32x4.add(v128.load(at), base));
  }
}

/** Offsets u in WIDE, of either form, two at a time; there is a row of four behind the last. */
function sumWide(scratch: usize, size: i32, form: u32): void {
  const base = i64x2.splat(load<i64>(scratch + BASE));
  if (form == FORM_OFFSETS) {
    for (let i = 0; i < size; i += 2) {
      const at = scratch + WIDE + (i << 3);
      v128.store(at, i64x2.add(v128.load(at), base));
    }
    return;
  }
  const zero = i64x2.splat(0);
  let carry = zero;
  for (let i = 0; i < size; i += 2) {
    const at = scratch + WIDE + (i << 3);
    let x = i64x2.add(v128.load(at), base);
    x = i64x2.add(i64x2.add(x, i64x2.shuffle(zero, x, 0, 2)), carry);
    carry = i64x2.shuffle(x, x, 1, 1);
    v128.store(at, x);
  }
}

/**
 * The doubles of the numbers x in NARROW; the row that is not full goes out through the scratch. In
 * one loop with the sums, so that divisions run beside them.
 */
function doublesNarrow(scratch: usize, size: i32, isSum: bool, scale: f64, out: usize): void {
  const base = i32x4.splat(<i32>load<i64>(scratch + BASE));
  const zero = i32x4.splat(0);
  let carry = zero;
  const divisor = f64x2.splat(<f64>load<i64>(scratch + DIVISOR));
  const first = f64x2.splat(<f64>load<i64>(scratch + FIRST));
  const scales = f64x2.splat(scale);
  const isScaled = scale != 1;
  let from = scratch + NARROW;
  let to = out;
  for (let left = size; left > 0; left -= 4) {
    let x = i32x4.add(v128.load(from), base);
    if (isSum) {
      x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 4, 5, 6));
      x = i32x4.add(x, i32x4.shuffle(zero, x, 0, 1, 4, 5));
      x = i32x4.add(x, carry);
      carry = i32x4.shuffle(x, x, 3, 3, 3, 3);
    }
    let low = f64x2.convert_low_i32x4_s(x);
    let high = f64x2.convert_low_i32x4_s(i32x4.shuffle(x, x, 2, 3, 2, 3));
    low = f64x2.add(f64x2.mul(low, divisor), first);
    high = f64x2.add(f64x2.mul(high, divisor), first);
    if (isScaled) {
      low = f64x2.div(low, scales);
      high = f64x2.div(high, scales);
    }
    if (left < 4) {
      putRow(scratch, low, high, to, left);
      return;
    }
    v128.store(to, low);
    v128.store(to, high, 16);
    from += 16;
    to += 32;
  }
}

/** The first `count` of four lanes of 64 bits. */
function putRow(scratch: usize, low: v128, high: v128, to: usize, count: i32): void {
  v128.store(scratch + ROW, low);
  v128.store(scratch + ROW, high, 16);
  memory.copy(to, scratch + ROW, count << 3);
}

/** Of offsets below 2^51 in size: their bits are added to those of a double large enough. */
function doublesWide(scratch: usize, size: i32, scale: f64, out: usize): void {
  const divisor = f64x2.splat(<f64>load<i64>(scratch + DIVISOR));
  const first = f64x2.splat(<f64>load<i64>(scratch + FIRST));
  const scales = f64x2.splat(scale);
  const isScaled = scale != 1;
  const magic = f64x2.splat(MAGIC);
  const magicBits = i64x2.splat(MAGIC_BITS);
  let from = scratch + WIDE;
  let to = out;
  for (let left = size; left > 0; left -= 4) {
    let low = f64x2.sub(i64x2.add(v128.load(from), magicBits), magic);
    let high = f64x2.sub(i64x2.add(v128.load(from, 16), magicBits), magic);
    low = f64x2.add(f64x2.mul(low, divisor), first);
    high = f64x2.add(f64x2.mul(high, divisor), first);
    if (isScaled) {
      low = f64x2.div(low, scales);
      high = f64x2.div(high, scales);
    }
    if (left < 4) {
      putRow(scratch, low, high, to, left);
      return;
    }
    v128.store(to, low);
    v128.store(to, high, 16);
    from += 32;
    to += 32;
  }
}

/** The words of the offsets in WIDE, or in NARROW. */
function putWords(scratch: usize, size: i32, isNarrow: bool, out: usize): void {
  const divisor = i64x2.splat(load<i64>(scratch + DIVISOR));
  const first = i64x2.splat(load<i64>(scratch + FIRST));
  const isScaled = load<i64>(scratch + DIVISOR) != 1;
  let to = out;
  for (let i = 0; i < size; i += 4) {
    let low: v128;
    let high: v128;
    if (isNarrow) {
      const x = v128.load(scratch + NARROW + (i << 2));
      low = i64x2.extend_low_i32x4_s(x);
      high = i64x2.extend_high_i32x4_s(x);
    } else {
      low = v128.load(scratch + WIDE + (i << 3));
      high = v128.load(scratch + WIDE + (i << 3), 16);
    }
    if (isScaled) {
      low = i64x2.mul(low, divisor);
      high = i64x2.mul(high, divisor);
    }
    low = i64x2.add(low, first);
    high = i64x2.add(high, first);
    if (size - i < 4) {
      putRow(scratch, low, high, to, size - i);
      return;
    }
    v128.store(to, low);
    v128.store(to, high, 16);
    to += 32;
  }
}

/** Writes the exceptions over `out`; false where one has no place. */
function except(scratch: usize, count: i32, out: usize): bool {
  const at = load<usize>(scratch + EXCEPTIONS_AT);
  const exceptions = load<i32>(scratch + EXCEPTION_COUNT);
  for (let i = 0; i < exceptions; i++) {
    const place = <i32>load<u8>(at + i);
    if (place >= count) return false;
    store<u64>(out + (place << 3), load<u64>(at + exceptions + (i << 3)));
  }
  return true;
}

/** Raw and const forms of `size` bytes a value. */
function plain(src: usize, end: usize, count: i32, form: u32, out: usize): i32 {
  if (form == FORM_RAW) {
    if (<i32>(end - src) != 1 + (count << 3)) return 0;
    memory.copy(out, src + 1, count << 3);
    return 1;
  }
  if (form != FORM_CONST || end - src != 9) return 0;
  const word = i64x2.splat(load<i64>(src, 1));
  const whole = count & ~1;
  for (let i = 0; i < whole; i += 2) v128.store(out + (i << 3), word);
  if (count > whole) store<i64>(out + (whole << 3), load<i64>(src, 1));
  return 1;
}

function powerOfTen(exponent: u32): f64 {
  let power: f64 = 1;
  for (let i: u32 = 0; i < exponent; i++) power *= 10;
  return power;
}

/** Decodes the vector of `count` doubles in [src, end) to `out`. */
export function decodeDoubles(scratch: usize, src: usize, end: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX || end <= src) return 0;
  const form = <u32>load<u8>(src) & 7;
  const exponent = <u32>load<u8>(src) >> 3;
  if (form < FORM_OFFSETS) return plain(src, end, count, form, out);
  if (form > FORM_DIFFERENCES || exponent > 17) return 0;
  const found = open(scratch, src, end, count, form);
  if (found == DAMAGED) return 0;
  const isSum = form == FORM_DIFFERENCES;
  const size = isSum ? count - 1 : count;
  const scale = powerOfTen(exponent);
  let to = out;
  if (isSum) {
    store<f64>(out, <f64>load<i64>(scratch + FIRST) / scale);
    to += 8;
  }
  if (found == IS_NARROW) doublesNarrow(scratch, size, isSum, scale, to);
  else {
    sumWide(scratch, size, form);
    doublesWide(scratch, size, scale, to);
  }
  return except(scratch, count, out) ? 1 : 0;
}

/** The same for 64-bit words. */
export function decodeWords(scratch: usize, src: usize, end: usize, count: i32, out: usize): i32 {
  if (count < 1 || count > COUNT_MAX || end <= src) return 0;
  const form = <u32>load<u8>(src);
  if (form < FORM_OFFSETS) return plain(src, end, count, form, out);
  if (form > FORM_DIFFERENCES) return 0;
  const found = open(scratch, src, end, count, form);
  if (found == DAMAGED || load<i32>(scratch + EXCEPTION_COUNT) > 0) return 0;
  const isSum = form == FORM_DIFFERENCES;
  const size = isSum ? count - 1 : count;
  let to = out;
  if (isSum) {
    store<i64>(out, load<i64>(scratch + FIRST));
    to += 8;
  }
  if (found == IS_WIDE) sumWide(scratch, size, form);
  else if (isSum) sumNarrow(scratch, size);
  else addNarrow(scratch, size);
  putWords(scratch, size, found == IS_NARROW, to);
  return 1;
}

/** Ticks to NARROW, modulo 2^32, the first at place 0. */
function ticks(scratch: usize, src: usize, end: usize, count: i32): i32 {
  if (count < 1 || count > COUNT_MAX || end <= src) return 0;
  const form = <u32>load<u8>(src);
  const narrow = scratch + NARROW;
  if (form == FORM_RAW) {
    if (<i32>(end - src) != 1 + (count << 2)) return 0;
    memory.copy(narrow, src + 1, count << 2);
    return 1;
  }
  if (form == FORM_CONST) {
    if (end - src != 5) return 0;
    const tick = load<i32>(src, 1);
    for (let i = 0; i < count; i++) store<i32>(narrow + (i << 2), tick);
    return 1;
  }
  if (form > FORM_DIFFERENCES) return 0;
  const found = open(scratch, src, end, count, form);
  if (found == DAMAGED || load<i32>(scratch + EXCEPTION_COUNT) > 0) return 0;
  const isSum = form == FORM_DIFFERENCES;
  const size = isSum ? count - 1 : count;
  if (found == IS_WIDE)
    for (let i = 0; i < size; i++)
      store<i32>(narrow + (i << 2), <i32>load<i64>(scratch + WIDE + (i << 3)));
  const first = <i32>load<i64>(scratch + FIRST);
  const lanes = i32x4.splat(first);
  if (!isSum) {
    addNarrow(scratch, size);
    for (let i = 0; i < size; i += 4)
      v128.store(narrow + (i << 2), i32x4.add(v128.load(narrow + (i << 2)), lanes));
    return 1;
  }
  sumNarrow(scratch, size);
  // One place to the right, so that the first stands before its successors.
  let previous = i32x4.splat(0);
  for (let i = 0; i < count; i += 4) {
    const x = v128.load(narrow + (i << 2));
    const moved = i32x4.shuffle(previous, x, 3, 4, 5, 6);
    v128.store(narrow + (i << 2), i32x4.add(moved, lanes));
    previous = x;
  }
  return 1;
}

/** Decodes `count` ticks to int32 at `out`. */
export function decodeTicks(scratch: usize, src: usize, end: usize, count: i32, out: usize): i32 {
  if (ticks(scratch, src, end, count) == 0) return 0;
  memory.copy(out, scratch + NARROW, count << 2);
  return 1;
}

/** Decodes `count` ticks to doubles at `out`: base + tick · unit. */
export function decodeTimes(
  scratch: usize,
  src: usize,
  end: usize,
  count: i32,
  base: f64,
  unit: f64,
  out: usize,
): i32 {
  if (ticks(scratch, src, end, count) == 0) return 0;
  const bases = f64x2.splat(base);
  const units = f64x2.splat(unit);
  for (let i = 0; i < count; i += 4) {
    const x = v128.load(scratch + NARROW + (i << 2));
    let low = f64x2.convert_low_i32x4_s(x);
    let high = f64x2.convert_low_i32x4_s(i32x4.shuffle(x, x, 2, 3, 2, 3));
    low = f64x2.add(f64x2.mul(low, units), bases);
    high = f64x2.add(f64x2.mul(high, units), bases);
    const to = out + (i << 3);
    if (count - i < 4) putRow(scratch, low, high, to, count - i);
    else {
      v128.store(to, low);
      v128.store(to, high, 16);
    }
  }
  return 1;
}
