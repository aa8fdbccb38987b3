// Powers as Go's math.Pow gives them, to the last bit: the runtime's own differ by one to a hundred
// units in the last place, and a remainder of a huge power (`x ^ 3 % 7`) shows nothing but its last
// places. Source: https://pkg.go.dev/math#Pow (special cases), and the order of its
// multiplications: the part of the exponent behind the point by exp and ln, the rest by repeated
// squaring of the fraction, exponents of two apart.
import { twoTo } from '../stdx/exact-doubles.ts';
import { exp } from '../stdx/exponentials.ts';
import { ln } from '../stdx/logarithms.ts';

/** Above it every exponent is whole, even, and far enough for 0 or Infinity. */
const EXPONENT_MAX = 2 ** 63;
/** Beyond it the exponent of two is out of every range. */
const TWOS_MAX = 4096;
/** Of the smallest normal number, and bits of a fraction. */
const NORMAL_MIN = -1022;
const FRACTION_BITS = 53;

const view = new DataView(new ArrayBuffer(8));

/** Exponent of two of a finite number that is not 0, as if its fraction were in [1/2, 1). */
function twosOf(value: number): number {
  view.setFloat64(0, value);
  const twos = (view.getUint32(0) >>> 20) & 0x7ff;
  return twos === 0 ? twosOf(value * twoTo(FRACTION_BITS)) - FRACTION_BITS : twos - 1022;
}

/** The same number's fraction, between 1/2 and 1 or their opposites. */
function fractionOf(value: number): number {
  const isNormal = Math.abs(value) >= twoTo(NORMAL_MIN);
  view.setFloat64(0, isNormal ? value : value * twoTo(FRACTION_BITS));
  view.setUint32(0, (view.getUint32(0) & 0x800fffff) | (1022 << 20));
  return view.getFloat64(0);
}

/** value * 2 ** twos, rounded once. */
function scaled(value: number, twos: number): number {
  const all = twosOf(value) - 1 + twos;
  if (all > 1023) return value > 0 ? Infinity : -Infinity;
  if (all < -1075) return value > 0 ? 0 : -0;
  const fraction = fractionOf(value) * 2;
  if (all >= NORMAL_MIN) return fraction * twoTo(all);
  return fraction * twoTo(all + FRACTION_BITS) * twoTo(-FRACTION_BITS);
}

/** base ** exponent; a finite base that is not 0, an exponent below EXPONENT_MAX. */
function finitePower(base: number, exponent: number): number {
  let whole = Math.trunc(Math.abs(exponent));
  let part = Math.abs(exponent) - whole;
  if (part > 0.5) {
    part--;
    whole++;
  }
  let fraction = part === 0 ? 1 : exp(part * ln(base));
  let twos = twosOf(base);
  let square = fractionOf(base);
  let sum = 0;
  for (let left = whole; left !== 0; left = Math.floor(left / 2)) {
    if (twos < -TWOS_MAX || twos > TWOS_MAX) {
      sum += twos;
      break;
    }
    if (left % 2 === 1) {
      fraction *= square;
      sum += twos;
    }
    square *= square;
    twos *= 2;
    if (square < 0.5) {
      square += square;
      twos--;
    }
  }
  return exponent < 0 ? scaled(1 / fraction, -sum) : scaled(fraction, sum);
}

/** `base ^ exponent` of PromQL. */
export function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && (exponent === Infinity || exponent === -Infinity)) return 1;
  if (exponent === 0.5 && base !== -Infinity) return Math.sqrt(base);
  if (exponent === -0.5 && base !== -Infinity) return 1 / Math.sqrt(base);
  if (exponent === 0 || exponent === 1 || !(Math.abs(exponent) < EXPONENT_MAX))
    return base ** exponent;
  if (base === 0 || !Number.isFinite(base)) return base ** exponent;
  if (base < 0 && !Number.isInteger(exponent)) return Number.NaN;
  return finitePower(base, exponent);
}
