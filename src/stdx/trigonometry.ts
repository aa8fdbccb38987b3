// Trigonometric functions with the last bits of the reference's: Go's package math (after Cephes),
// from which those of the engine differ in one value of four, near zeros by much more. A last bit
// is seen where something is cut off behind it: `floor(asin(sin(x)))`. Sources: sin.go, tan.go,
// trig_reduce.go, asin.go, atan.go, atan2.go.

/** Eighths of a turn, π/4 each: which one, modulo 8 and even, and the angle from there. */
let eighth = 0;

const EIGHTH = Math.PI / 4;
const EIGHTHS_PER_RADIAN = 4 / Math.PI;
/** π/4 in three parts; a whole number below 2^30 times one of the first two is exact. */
const EIGHTH_PARTS = [
  0.785_398_125_648_498_5, 3.774_894_707_930_798e-8, 2.695_151_429_079_059_5e-15,
] as const;
/** From here on three parts are not enough. */
const LARGE_ANGLE = 2 ** 29;

/** Sets `eighth` and answers the angle from there, for a finite x of at least 0. */
function reduced(x: number): number {
  if (x >= LARGE_ANGLE) return reducedLarge(x);
  let count = Math.floor(x * EIGHTHS_PER_RADIAN);
  if (count % 2 === 1) count++;
  eighth = count % 8;
  return x - count * EIGHTH_PARTS[0] - count * EIGHTH_PARTS[1] - count * EIGHTH_PARTS[2];
}

const DIGIT_BITS = 64n;
const DIGIT = (1n << DIGIT_BITS) - 1n;
const FRACTION_BITS = 52n;
/** Of 4/π behind the point: as many as the largest double needs. */
const INVERSE_BITS = 1216n;
const words = new DataView(new ArrayBuffer(8));
let inverse: bigint | undefined;

/** 4/π with INVERSE_BITS bits behind the point, cut off; π after Machin. */
function inverseEighth(): bigint {
  const bits = INVERSE_BITS + 128n;
  const arcCot = (n: bigint): bigint => {
    let power = (1n << bits) / n;
    let sum = power;
    for (let k = 3n, sign = -1n; power !== 0n; k += 2n, sign = -sign) {
      power /= n * n;
      sum += (sign * power) / k;
    }
    return sum;
  };
  const quarter = 4n * arcCot(5n) - arcCot(239n);
  return (1n << (bits + INVERSE_BITS)) / quarter;
}

/** After Payne and Hanek: only the bits of 4/π that the eighth and the angle hang on. */
function reducedLarge(x: number): number {
  inverse ??= inverseEighth();
  words.setFloat64(0, x);
  const bits = words.getBigUint64(0);
  const exponent = ((bits >> FRACTION_BITS) & 0x7ffn) - 1023n - FRACTION_BITS;
  const whole = (bits & ((1n << FRACTION_BITS) - 1n)) | (1n << FRACTION_BITS);
  // Three digits, the first of which begins `exponent + 61` bits behind the leading digit.
  const start = exponent + 61n;
  const three = (inverse >> (INVERSE_BITS + DIGIT_BITS - start - 3n * DIGIT_BITS)) & MASK_192;
  const product = ((three * whole) >> DIGIT_BITS) & MASK_128;
  const high = product >> DIGIT_BITS;
  const low = product & DIGIT;
  eighth = Number(high >> 61n);
  const fraction = ((high << 3n) & DIGIT) | (low >> 61n);
  const zeros = DIGIT_BITS - BigInt(fraction.toString(2).length);
  const shifted = ((fraction << (zeros + 1n)) & DIGIT) | (low >> (DIGIT_BITS - (zeros + 1n)));
  words.setBigUint64(
    0,
    (shifted >> (DIGIT_BITS - FRACTION_BITS)) | ((1023n - (zeros + 1n)) << FRACTION_BITS),
  );
  let part = words.getFloat64(0);
  if (eighth % 2 === 1) {
    eighth = (eighth + 1) % 8;
    part--;
  }
  return part * EIGHTH;
}

const MASK_128 = (1n << 128n) - 1n;
const MASK_192 = (1n << 192n) - 1n;

const SIN = [
  1.589_623_015_765_465_6e-10, -2.505_074_776_285_780_7e-8, 2.755_731_362_138_572_2e-6,
  -0.000_198_412_698_295_895_4, 0.008_333_333_333_322_118, -0.166_666_666_666_666_3,
] as const;
const COS = [
  -1.135_853_652_138_768_2e-11, 2.087_570_084_197_473e-9, -2.755_731_417_929_674e-7,
  2.480_158_728_885_170_4e-5, -0.001_388_888_888_887_305_6, 0.041_666_666_666_666_595,
] as const;

function polynomial(c: typeof SIN | typeof COS, x: number): number {
  return ((((c[0] * x + c[1]) * x + c[2]) * x + c[3]) * x + c[4]) * x + c[5];
}

function sinNear(x: number): number {
  const s = x * x;
  return x + x * s * polynomial(SIN, s);
}

function cosNear(x: number): number {
  const s = x * x;
  return 1 - 0.5 * s + s * s * polynomial(COS, s);
}

/** As Go's math.Sin. */
export function sin(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return Math.sin(value);
  const x = reduced(Math.abs(value));
  const result = eighth % 4 === 2 ? cosNear(x) : sinNear(x);
  return eighth > 3 !== value < 0 ? -result : result;
}

/** As Go's math.Cos. */
export function cos(value: number): number {
  if (!Number.isFinite(value)) return Number.NaN;
  const x = reduced(Math.abs(value));
  const result = eighth % 4 === 2 ? sinNear(x) : cosNear(x);
  return eighth === 2 || eighth === 4 ? -result : result;
}

const TAN_ABOVE = [
  -13_093.693_918_138_379, 1_153_516.648_385_874_2, -17_956_525.197_648_488,
] as const;
const TAN_BELOW = [
  13_681.296_347_069_296, -1_320_892.344_402_109_7, 25_008_380.182_335_79, -53_869_575.592_945_464,
] as const;

/** As Go's math.Tan. */
export function tan(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return Math.tan(value);
  const x = reduced(Math.abs(value));
  const s = x * x;
  let result = x;
  if (s > 1e-14) {
    const above = (TAN_ABOVE[0] * s + TAN_ABOVE[1]) * s + TAN_ABOVE[2];
    const below = (((s + TAN_BELOW[0]) * s + TAN_BELOW[1]) * s + TAN_BELOW[2]) * s + TAN_BELOW[3];
    result = x + x * ((s * above) / below);
  }
  if (eighth % 4 === 2) result = -1 / result;
  return value < 0 ? -result : result;
}

const ATAN_ABOVE = [
  -0.875_060_860_003_190_4, -16.157_537_187_333_652, -75.008_557_923_147_05,
  -122.886_668_449_013_61, -64.850_219_049_420_25,
] as const;
const ATAN_BELOW = [
  24.858_464_901_423_062, 165.027_009_831_698_85, 432.881_060_491_290_27, 485.390_399_635_913_7,
  194.550_657_148_261_4,
] as const;
/** What a double leaves out of π/2. */
const QUARTER_REST = 6.123_233_995_736_766e-17;
const TAN_THREE_EIGHTHS = 2.414_213_562_373_095;

function atanNear(x: number): number {
  const s = x * x;
  const [a, b] = [ATAN_ABOVE, ATAN_BELOW];
  const above = (((a[0] * s + a[1]) * s + a[2]) * s + a[3]) * s + a[4];
  const below = ((((s + b[0]) * s + b[1]) * s + b[2]) * s + b[3]) * s + b[4];
  return x * ((s * above) / below) + x;
}

function atanPositive(x: number): number {
  if (x <= 0.66) return atanNear(x);
  if (x > TAN_THREE_EIGHTHS) return Math.PI / 2 - atanNear(1 / x) + QUARTER_REST;
  return EIGHTH + atanNear((x - 1) / (x + 1)) + 0.5 * QUARTER_REST;
}

/** As Go's math.Atan. */
export function atan(value: number): number {
  if (value === 0) return value;
  return value > 0 ? atanPositive(value) : -atanPositive(-value);
}

/** As Go's math.Atan2. */
export function atan2(y: number, x: number): number {
  if (y === 0 || x === 0 || !Number.isFinite(y) || !Number.isFinite(x)) return Math.atan2(y, x);
  const angle = atan(y / x);
  if (x > 0) return angle;
  return angle <= 0 ? angle + Math.PI : angle - Math.PI;
}

/** As Go's math.Asin. */
export function asin(value: number): number {
  if (value === 0) return value;
  const x = Math.abs(value);
  if (!(x <= 1)) return Number.NaN;
  const other = Math.sqrt(1 - x * x);
  const result = x > 0.7 ? Math.PI / 2 - atanPositive(other / x) : atanPositive(x / other);
  return value < 0 ? -result : result;
}

/** As Go's math.Acos. */
export function acos(value: number): number {
  return Math.PI / 2 - asin(value);
}
