// Numbers of an integer stream on their way out: residuals of a chunk become sums, and sums become
// doubles or words, four or two at a time. What the output is, `into` has said.
import {
  ADD_TO_WORDS,
  BASE,
  BIAS,
  CHUNK,
  DIVISOR,
  FIRST,
  LAST,
  MAGIC,
  MAGIC_BITS,
  NARROW,
  ORDER,
  OUT,
  SCALE,
  SINK,
  STEP,
  TO_FLOATS,
  TO_WORDS,
  WIDE,
} from './scratch';

/** Chooses what becomes of the numbers of the next stream. */
export function into(s: usize, sink: i32, scale: f64, bias: i64, out: usize): void {
  store<i32>(s + SINK, sink);
  store<f64>(s + SCALE, scale);
  store<i64>(s + BIAS, bias);
  store<usize>(s + OUT, out);
}

/** A number as the sink wants it, as bits. */
export function bitsOf(s: usize, value: i64): i64 {
  const sink = load<i32>(s + SINK);
  if (sink >= TO_WORDS) return value + load<i64>(s + BIAS);
  const quotient = <f64>value / load<f64>(s + SCALE);
  return reinterpret<i64>(sink == TO_FLOATS ? <f64>(<f32>quotient) : quotient);
}

/** The same number `count` times. */
export function run(s: usize, value: i64, count: i32): void {
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

export function ramp(s: usize, first: i64, delta: i64, count: i32): void {
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

/** May numbers of so many bits be summed over a chunk in 32 bits? */
export function isNarrow(s: usize, bits: i32): bool {
  if (bits > 30) return false;
  const order = load<i32>(s + ORDER);
  if (order == 2) return false;
  const base = load<i64>(s + BASE);
  if (base > 0x3fffffff || base < -0x3fffffff) return false;
  const reach = (base < 0 ? -base : base) + ((<i64>1) << bits);
  return (order == 0 ? reach : reach * CHUNK) < 0x7fffffff;
}

/** The numbers of a chunk in NARROW, of order 0 or 1, go out. */
export function putNarrow(s: usize, size: i32): void {
  if (load<i32>(s + SINK) < TO_WORDS) putNarrowDoubles(s, size);
  else putNarrowWords(s, size);
}

export function putNarrowDoubles(s: usize, size: i32): void {
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

export function putNarrowWords(s: usize, size: i32): void {
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
export function widen(s: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    const x = v128.load(s + NARROW + (i << 2));
    v128.store(s + WIDE + (i << 3), i64x2.extend_low_i32x4_u(x));
    v128.store(s + WIDE + (i << 3), i64x2.extend_high_i32x4_u(x), 16);
  }
}

export function widenSigned(s: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    const x = v128.load(s + NARROW + (i << 2));
    v128.store(s + WIDE + (i << 3), i64x2.extend_low_i32x4_s(x));
    v128.store(s + WIDE + (i << 3), i64x2.extend_high_i32x4_s(x), 16);
  }
}

/** The numbers of a chunk in WIDE, of any order, go out. */
export function putWide(s: usize, size: i32): void {
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
