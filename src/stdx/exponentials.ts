// Exponentials and hyperbolic functions with the last bits of the reference's: Go's package math on
// a processor with fused multiplication (amd64). Those of the engine differ in one value of five,
// and e^x is infinite there from 709.437 on. A last bit is seen where something is cut off behind
// it: floor, a remainder. Sources: exp_amd64.s (N. Shibata, "Efficient evaluation methods of
// elementary functions suitable for SIMD computation", 2010), exp.go, sinh.go, tanh.go, asinh.go,
// acosh.go.
import { productError, twoTo } from './exact-doubles.ts';
import { ln } from './logarithms.ts';

const BIAS = 1023;
/** Added and taken away it rounds to a whole number, ties to even. */
const ROUNDER = 6_755_399_441_055_744;

/**
 * a · b + c rounded once, but for one in 2^50 and where a · b is beyond 2^970 or below 2^-970: the
 * error of the product and that of the sum are exact, only their sum is rounded.
 */
function fused(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const part = sum - product;
  return sum + (product - (sum - part) + (c - part) + productError(a, b, product));
}

const LN_2_UPPER = 0.693_147_180_559_663;
const LN_2_LOWER = 2.823_529_056_303_157_7e-13;
/** 1/n! for n from 8 down to 1. */
const TAYLOR = [1 / 40_320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1] as const;
const OVERFLOW = 709.782_712_893_384;

/** As Go's math.Exp. */
export function exp(value: number): number {
  if (!Number.isFinite(value)) return Math.exp(value);
  if (value > OVERFLOW) return Infinity;
  const twos = value * Math.LOG2E + ROUNDER - ROUNDER;
  if (twos < -BIAS - 52) return 0;
  if (twos > BIAS) return Infinity;
  const rest = fused(-twos, LN_2_LOWER, fused(-twos, LN_2_UPPER, value)) * 0.0625;
  let series: number = TAYLOR[0];
  for (let i = 1; i < TAYLOR.length; i++) series = fused(rest, series, TAYLOR[i]!);
  // e^(x/16) - 1, squared to that of x: (1 + y)² - 1 = y (2 + y).
  let less = rest * series;
  for (let i = 0; i < 3; i++) less *= less + 2;
  const fraction = fused(less + 2, less, 1);
  if (twos > -BIAS) return fraction * twoTo(twos);
  return fraction * twoTo(twos + BIAS - 1) * twoTo(1 - BIAS);
}

const LN_2_HIGH = 0.693_147_180_369_123_8;
const LN_2_LOW = 1.908_214_929_270_587_7e-10;
const REMEZ = [
  0.166_666_666_666_666_66, -0.002_777_777_777_701_559_3, 6.613_756_321_437_934e-5,
  -1.653_390_220_546_525_2e-6, 4.138_136_797_057_238_5e-8,
] as const;

/** As Go's math.Exp2. */
export function exp2(value: number): number {
  if (Number.isNaN(value)) return value;
  if (value > 1023.999_999_999_999_9) return Infinity;
  if (value < -1074) return 0;
  const twos = Math.trunc(value > 0 ? value + 0.5 : value - 0.5);
  const rest = value - twos;
  const high = rest * LN_2_HIGH;
  const low = -rest * LN_2_LOW;
  const r = high - low;
  const t = r * r;
  const series = REMEZ[0] + t * (REMEZ[1] + t * (REMEZ[2] + t * (REMEZ[3] + t * REMEZ[4])));
  const c = r - t * series;
  const fraction = 1 - (low - (r * c) / (2 - c) - high);
  // Halves, so that each of them can be told as a double.
  const half = Math.trunc(twos / 2);
  return fraction * twoTo(half) * twoTo(twos - half);
}

/** From here on e^-x is lost beside e^x. */
const LARGE_ANGLE = 21;

const SINH_ABOVE = [
  -630_767.364_049_771_7, -89_912.720_220_395_09, -2894.211_355_989_564, -26.305_632_133_974_97,
] as const;
const SINH_BELOW = [-630_767.364_049_771_7, 15_215.173_787_900_19, -173.678_953_558_233_7] as const;

/** As Go's math.Sinh. */
export function sinh(value: number): number {
  const x = value < 0 ? -value : value;
  let result: number;
  if (x > LARGE_ANGLE) result = exp(x) * 0.5;
  else if (x > 0.5) {
    const grown = exp(x);
    result = (grown - 1 / grown) * 0.5;
  } else {
    const s = x * x;
    const above =
      (((SINH_ABOVE[3] * s + SINH_ABOVE[2]) * s + SINH_ABOVE[1]) * s + SINH_ABOVE[0]) * x;
    result = above / (((s + SINH_BELOW[2]) * s + SINH_BELOW[1]) * s + SINH_BELOW[0]);
  }
  return value < 0 ? -result : result;
}

/** As Go's math.Cosh. */
export function cosh(value: number): number {
  const grown = exp(Math.abs(value));
  if (Math.abs(value) > LARGE_ANGLE) return grown * 0.5;
  return (grown + 1 / grown) * 0.5;
}

const TANH_ABOVE = [
  -0.964_399_179_425_052_3, -99.287_723_100_191_85, -1614.687_684_417_084_5,
] as const;
const TANH_BELOW = [112.811_678_491_632_93, 2235.488_390_601_004_5, 4844.063_053_251_255] as const;
const TANH_IS_ONE = 0.5 * 88.029_691_931_113_05;

/** As Go's math.Tanh. */
export function tanh(value: number): number {
  const x = Math.abs(value);
  if (x > TANH_IS_ONE) return value < 0 ? -1 : 1;
  if (x >= 0.625) {
    const result = 1 - 2 / (exp(2 * x) + 1);
    return value < 0 ? -result : result;
  }
  if (value === 0) return value;
  const s = value * value;
  const above = (TANH_ABOVE[0] * s + TANH_ABOVE[1]) * s + TANH_ABOVE[2];
  const below = ((s + TANH_BELOW[0]) * s + TANH_BELOW[1]) * s + TANH_BELOW[2];
  return value + (value * s * above) / below;
}

const LARGE_AREA = 2 ** 28;

/** As Go's math.Asinh. */
export function asinh(value: number): number {
  if (!Number.isFinite(value)) return value;
  const x = value < 0 ? -value : value;
  let result: number;
  if (x > LARGE_AREA) result = ln(x) + Math.LN2;
  else if (x > 2) result = ln(2 * x + 1 / (Math.sqrt(x * x + 1) + x));
  else if (x < 1 / LARGE_AREA) result = x;
  else result = Math.log1p(x + (x * x) / (1 + Math.sqrt(1 + x * x)));
  return value < 0 ? -result : result;
}

/** As Go's math.Acosh. */
export function acosh(value: number): number {
  if (!(value > 1)) return value === 1 ? 0 : Number.NaN;
  if (value >= LARGE_AREA) return ln(value) + Math.LN2;
  if (value > 2) return ln(2 * value - 1 / (value + Math.sqrt(value * value - 1)));
  const more = value - 1;
  return Math.log1p(more + Math.sqrt(2 * more + more * more));
}
