// Timestamps of line protocol: digits in one of six units → whole microseconds and the rest in
// nanoseconds. Nothing is rounded away; what lies beyond T_US_MAX is refused.
import { parseSafeInteger } from '../../codec/decimal.ts';
import { T_US_MAX } from '../limits.ts';

/** `auto`: each timestamp says by its size what it counts, as InfluxDB 3 guesses. */
export type InfluxPrecision = 'ns' | 'us' | 'ms' | 's' | 'm' | 'h' | 'auto';

/** Microseconds in one unit; 0 stands for less than one, which needs a remainder. */
export const UNIT_US: Readonly<Record<InfluxPrecision, number>> = {
  auto: 0,
  ns: 0,
  us: 1,
  ms: 1000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
};

const MINUS = 45;

/**
 * Timestamps below these are seconds, milliseconds and microseconds; in thousands. Source: InfluxDB
 * 3, influxdb3_types/src/write.rs (guess_precision).
 */
const GUESSED_SECONDS_BELOW = 5e6;
const GUESSED_MILLISECONDS_BELOW = 5e9;
const GUESSED_MICROSECONDS_BELOW = 5e12;

function guessedUnitUs(thousands: number): number {
  if (thousands < GUESSED_SECONDS_BELOW) return UNIT_US.s;
  return thousands < GUESSED_MILLISECONDS_BELOW ? UNIT_US.ms : UNIT_US.us;
}

/** Reads timestamps; the last one is kept, since lines of one batch mostly repeat it. */
export class Timestamps {
  readonly #body: Uint8Array;
  readonly #unitUs: number;
  readonly #isGuessed: boolean;
  #start = -1;
  #end = -1;
  tUs = 0;
  subNs = 0;

  constructor(body: Uint8Array, precision: InfluxPrecision) {
    this.#body = body;
    this.#unitUs = UNIT_US[precision];
    this.#isGuessed = precision === 'auto';
  }

  /** Sets tUs and subNs; a reason or ''. */
  read(start: number, end: number): string {
    if (this.#repeats(start, end)) return '';
    const body = this.#body;
    const isSplit = this.#unitUs === 0;
    const digitsStart = body[start] === MINUS ? start + 1 : start;
    if (end - digitsStart < 1) return 'bad timestamp';
    for (let i = digitsStart; i < end; i++)
      if (body[i]! < 48 || body[i]! > 57) return 'bad timestamp';
    const split = isSplit ? Math.max(digitsStart, end - 3) : end;
    let whole = split === digitsStart ? 0 : parseSafeInteger(body, digitsStart, split);
    let remainder = 0;
    for (let i = split; i < end; i++) remainder = remainder * 10 + body[i]! - 48;
    if (!isSplit) whole *= this.#unitUs;
    else if (this.#isGuessed && whole < GUESSED_MICROSECONDS_BELOW) {
      whole = (whole * 1000 + remainder) * guessedUnitUs(whole);
      remainder = 0;
    }
    if (digitsStart !== start) {
      whole = remainder === 0 ? 0 - whole : -whole - 1;
      remainder = remainder === 0 ? 0 : 1000 - remainder;
    }
    if (!(whole >= -T_US_MAX && whole <= T_US_MAX))
      return `time outside range ${-T_US_MAX} - ${T_US_MAX} microseconds`;
    this.tUs = whole;
    this.subNs = remainder;
    this.#start = start;
    this.#end = end;
    return '';
  }

  #repeats(start: number, end: number): boolean {
    const body = this.#body;
    const memo = this.#start;
    const length = end - start;
    if (memo < 0 || this.#end - memo !== length) return false;
    for (let i = length - 1; i >= 0; i--) if (body[memo + i] !== body[start + i]) return false;
    return true;
  }
}
