// Times and values of a series as the JSON of a range query: `[time,"value"],` for each slot that
// holds a float. Values are printed in the shortest form that is read back as the same double, the
// nearest of those (Giulietti, "The Schubfach way to render doubles", 2020), as src/query/number-text.ts
// and the runtime behind it print them. Nothing is kept between calls: the caller owns the memory and
// has filled the tables of powers and of pairs of digits.

/** 10^k as 128 bits, rounded up, for k from POWER_MIN on: high half, low half. */
const POWER_MIN: i32 = -292;
const POINT: u8 = 46;
const ZERO: u8 = 48;
const MINUS: u8 = 45;
const PLUS: u8 = 43;
const EXPONENT: u8 = 101;
/** `"],` and a byte that the next slot writes over. */
const SLOT_END: u32 = 0x002c5d22;
/** Bytes of the prefix of a slot: its length, then `[time,"`. */
const PREFIX_SIZE: usize = 32;

// Fields of the control block at `c`.
const POWERS: usize = 0;
const PAIRS: usize = 4;
const DIGITS: usize = 8;

/**
 * Prints slots [0, count) and returns the end of the text. `ends`: a word a slot, the end of its
 * text from `base` on. The text takes at most 64 bytes a slot.
 */
export function printSlots(
  c: usize,
  values: usize,
  present: usize,
  prefixes: usize,
  count: i32,
  ends: usize,
  base: u32,
  out: usize,
): usize {
  const start = out;
  for (let k = 0; k < count; k++) {
    if (load<u8>(present + k) == 1) {
      const prefix = prefixes + <usize>k * PREFIX_SIZE;
      v128.store(out, v128.load(prefix + 1));
      v128.store(out + 15, v128.load(prefix + 16));
      out = print(c, load<f64>(values + ((<usize>k) << 3)), out + load<u8>(prefix));
      store<u32>(out, SLOT_END);
      out += 3;
    }
    store<u32>(ends + ((<usize>k) << 2), base + <u32>(out - start));
  }
  return out;
}

/** One number; returns its end. */
export function print(c: usize, value: f64, out: usize): usize {
  const bits = reinterpret<u64>(value);
  const fraction = bits & 0xfffffffffffff;
  const exponent = <i32>(bits >> 52) & 2047;
  if (exponent == 2047) return printSpecial(bits, out);
  if (bits >> 63) store<u8>(out++, MINUS);
  if (bits << 1 == 0) {
    store<u8>(out, ZERO);
    return out + 1;
  }
  const significand = exponent != 0 ? fraction | (1 << 52) : fraction;
  const q = exponent != 0 ? exponent - 1075 : -1074;
  if (q <= 0 && q > -53 && (significand & (((<u64>1) << (<u64>-q)) - 1)) == 0) {
    const length = writeDigits(c, significand >> <u64>-q);
    copyDigits(c, out);
    return out + length;
  }
  return printShortest(c, significand, q, fraction == 0 && exponent > 1, out);
}

function printSpecial(bits: u64, out: usize): usize {
  if (bits << 12) {
    store<u32>(out, 0x004e614e);
    return out + 3;
  }
  store<u32>(out, bits >> 63 ? 0x666e492d : 0x666e492b);
  return out + 4;
}

function high(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const cross = a0 * b1;
  const middle = ((a0 * b0) >> 32) + (cross & 0xffffffff) + a1 * b0;
  return a1 * b1 + (middle >> 32) + (cross >> 32);
}

/** The upper bits of a product, the lowest of them set where anything below is. */
function roundToOdd(powerHigh: u64, powerLow: u64, factor: u64): u64 {
  const low = powerHigh * factor;
  const sum = low + high(powerLow, factor);
  return (high(powerHigh, factor) + <u64>(sum < low)) | <u64>(sum > 1);
}

function printShortest(c: usize, significand: u64, q: i32, isUneven: bool, out: usize): usize {
  const power = (q * 1262611 - (isUneven ? 524031 : 0)) >> 22;
  const shift = <u64>(q + ((-power * 1741647) >> 19) + 1);
  const table = <usize>load<u32>(c + POWERS) + ((<usize>(-power - POWER_MIN)) << 4);
  const powerHigh = load<u64>(table);
  const powerLow = load<u64>(table, 8);
  const middle = significand << 2;
  const odd = significand & 1;
  const low = roundToOdd(powerHigh, powerLow, (middle - 2 + <u64>isUneven) << shift) + odd;
  const value = roundToOdd(powerHigh, powerLow, middle << shift);
  const upper = roundToOdd(powerHigh, powerLow, (middle + 2) << shift) - odd;
  const whole = value >> 2;
  if (whole >= 10) {
    const tenth = whole / 10;
    const isDown = low <= 40 * tenth;
    const isUp = 40 * tenth + 40 <= upper;
    if (isDown != isUp) return layOut(c, tenth + <u64>isUp, power + 1, out);
  }
  const isDown = low <= whole << 2;
  const isUp = (whole << 2) + 4 <= upper;
  if (isDown != isUp) return layOut(c, whole + <u64>isUp, power, out);
  const half = (whole << 2) + 2;
  const roundsUp = value > half || (value == half && (whole & 1) != 0);
  return layOut(c, whole + <u64>roundsUp, power, out);
}

/** digits · 10^power, without the zeros at the end of the digits. */
function layOut(c: usize, digits: u64, power: i32, out: usize): usize {
  while (digits % 10 == 0) {
    digits /= 10;
    power++;
  }
  const length = <i32>writeDigits(c, digits);
  const point = power + length;
  const from = <usize>load<u32>(c + DIGITS);
  if (point > 21 || point < -5) return layOutExponent(from, length, point - 1, out);
  if (point <= 0) {
    // `0.`, zeros, digits.
    store<u64>(out, 0x3030303030302e30);
    out += 2 - point;
    copyDigits(c, out);
    return out + length;
  }
  copyDigits(c, out);
  if (point >= length) {
    for (let i = length; i < point; i++) store<u8>(out + i, ZERO);
    return out + point;
  }
  store<u8>(out + point, POINT);
  v128.store(out + point + 1, v128.load(from + point));
  store<u64>(out + point + 17, load<u64>(from + point + 16));
  return out + length + 1;
}

/** `d.dde-07` */
function layOutExponent(from: usize, length: i32, exponent: i32, out: usize): usize {
  store<u8>(out++, load<u8>(from));
  if (length > 1) {
    store<u8>(out++, POINT);
    for (let i = 1; i < length; i++) store<u8>(out++, load<u8>(from + i));
  }
  store<u8>(out++, EXPONENT);
  store<u8>(out++, exponent < 0 ? MINUS : PLUS);
  const size = abs(exponent);
  if (size >= 100) store<u8>(out++, ZERO + <u8>(size / 100));
  store<u8>(out++, ZERO + <u8>((size / 10) % 10));
  store<u8>(out++, ZERO + <u8>(size % 10));
  return out;
}

/** Up to 17 digits from DIGITS on; how many. */
function writeDigits(c: usize, digits: u64): usize {
  const pairs = <usize>load<u32>(c + PAIRS);
  const start = <usize>load<u32>(c + DIGITS);
  // From the end of 24 places to the front, eight digits at a time.
  let at = start + 24;
  while (digits >= 100000000) {
    const rest = digits / 100000000;
    let part = <u32>(digits - rest * 100000000);
    for (let i = 0; i < 4; i++) {
      const next = part / 100;
      at -= 2;
      store<u16>(at, load<u16>(pairs + ((<usize>(part - next * 100)) << 1)));
      part = next;
    }
    digits = rest;
  }
  let part = <u32>digits;
  while (part >= 100) {
    const next = part / 100;
    at -= 2;
    store<u16>(at, load<u16>(pairs + ((<usize>(part - next * 100)) << 1)));
    part = next;
  }
  if (part >= 10) {
    at -= 2;
    store<u16>(at, load<u16>(pairs + ((<usize>part) << 1)));
  } else store<u8>(--at, ZERO + <u8>part);
  const length = start + 24 - at;
  const first = v128.load(at);
  const rest = load<u64>(at, 16);
  v128.store(start, first);
  store<u64>(start, rest, 16);
  return length;
}

/** The digits at DIGITS and what follows them, 24 bytes. */
function copyDigits(c: usize, out: usize): void {
  const from = <usize>load<u32>(c + DIGITS);
  v128.store(out, v128.load(from));
  store<u64>(out, load<u64>(from, 16), 16);
}
