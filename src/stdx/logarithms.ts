// Logarithms with the last bits of the reference's: Go's math.Log, Log2 and Log10 (package math,
// after FreeBSD's e_log.c), where those of the engine differ in one value of a hundred (ln) to one
// of six (log10). A last bit is seen where something is cut off behind it: floor, minute.

const LN_2_HIGH = 6.931_471_803_691_238_164_9e-1;
const LN_2_LOW = 1.908_214_929_270_587_700_02e-10;
/** Of s², s⁶, s¹⁰, s¹⁴ and of s⁴, s⁸, s¹² in log(1 + f) / s - 2, where s = f / (2 + f). */
const ODD = [
  6.666_666_666_666_735_13e-1, 2.857_142_874_366_239_149e-1, 1.818_357_216_161_805_012e-1,
  1.479_819_860_511_658_591e-1,
] as const;
const EVEN = [
  3.999_999_999_940_941_908e-1, 2.222_219_843_214_978_396e-1, 1.531_383_769_920_937_332e-1,
] as const;

const double = new Float64Array(1);
/** The high one is the second: machines that run this are little-endian. */
const words = new Uint32Array(double.buffer);
const EXPONENT_SHIFT = 20;
const FRACTION_MASK = (1 << EXPONENT_SHIFT) - 1;
/** Exponent of the numbers from a half to below one. */
const HALF_EXPONENT = 1022;
const NORMAL_MIN = 2 ** -1022;
const RAISE_EXPONENT = 54;

/** The exponent of a positive finite number; `double` has its fraction then, from a half to one. */
function split(value: number): number {
  const isSubnormal = value < NORMAL_MIN;
  double[0] = isSubnormal ? value * 2 ** RAISE_EXPONENT : value;
  const high = words[1]!;
  words[1] = (high & FRACTION_MASK) | (HALF_EXPONENT << EXPONENT_SHIFT);
  return (high >>> EXPONENT_SHIFT) - HALF_EXPONENT - (isSubnormal ? RAISE_EXPONENT : 0);
}

/** As Go's math.Log, but for subnormal numbers, where its assembly is wrong by up to one. */
export function ln(value: number): number {
  if (!(value > 0 && value < Infinity)) return Math.log(value);
  let k = split(value);
  let fraction = double[0]!;
  if (fraction < Math.SQRT1_2) {
    fraction *= 2;
    k--;
  }
  const f = fraction - 1;
  const s = f / (2 + f);
  const s2 = s * s;
  const s4 = s2 * s2;
  const odd = s2 * (ODD[0] + s4 * (ODD[1] + s4 * (ODD[2] + s4 * ODD[3])));
  const even = s4 * (EVEN[0] + s4 * (EVEN[1] + s4 * EVEN[2]));
  const half = 0.5 * f * f;
  return k * LN_2_HIGH - (half - (s * (half + (odd + even)) + k * LN_2_LOW) - f);
}

/** As Go's math.Log2: powers of two have no fraction. */
export function log2(value: number): number {
  if (!(value > 0 && value < Infinity)) return Math.log2(value);
  const exponent = split(value);
  const fraction = double[0]!;
  return fraction === 0.5 ? exponent - 1 : ln(fraction) * Math.LOG2E + exponent;
}

/** As Go's math.Log10: that of 0.1 is above -1. */
export function log10(value: number): number {
  return ln(value) * Math.LOG10E;
}
