// What a block says about its values without being decoded: flags, min, max, sum, first, last,
// increase, in a few bytes (docs/formats/block.md, "Aggregates" and "Constant"). Numbers that are
// decimals of one exponent are written as whole numbers, near to each other; others as words.
import { isSmallInteger } from './column.ts';
import { BLOCK_COUNT_MAX } from './limits.ts';
import { CodecError } from './varint.ts';
import type { ByteReader, ByteWriter } from './varint.ts';

const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;
export const VALUE_FLAG = { noReset: 1, allInteger: 2, hasStale: 4 } as const;

/** Numbers are words of 8 bytes. */
const WORDS = 15;
const HAS_SPREAD = 16;
const HAS_INCREASE = 32;
const NO_INCREASE = 64;
const HAS_ULPS = 128;
/** Whole numbers written as varints lie below this. */
const INTEGER_END = 2 ** 51;
const ULPS_END = 2 ** 20;
/** More drops than one sample in so many: no counter, so its increase is not kept. */
const DROPS_RATIO = 8;
const POWERS = Array.from({ length: WORDS }, (_, e) => 10 ** e);

export interface BlockAggregates {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly first: number;
  readonly last: number;
  /** undefined where the values drop too often for a counter. */
  readonly increase: number | undefined;
}

export interface Facts extends BlockAggregates {
  readonly flags: number;
}

/** Flags and aggregates of a numeric column, as plain double arithmetic in order gives them. */
export function factsOf(values: Float64Array, count: number): Facts {
  // Made for the first NaN: of a short column without any nobody asks for the buffer.
  let words: Int32Array | undefined;
  let flags: number = VALUE_FLAG.noReset | VALUE_FLAG.allInteger;
  let min = Number.NaN;
  let max = Number.NaN;
  let first = Number.NaN;
  let last = Number.NaN;
  let sum = 0;
  let increase = 0;
  let seenCount = 0;
  let drops = 0;
  let areIntegers = true;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (value !== value) {
      words ??= new Int32Array(values.buffer, values.byteOffset, count * 2);
      if (words[2 * i + 1] === STALE_HIGH && words[2 * i] === STALE_LOW) {
        flags |= VALUE_FLAG.hasStale;
        areIntegers = false;
        continue;
      }
    }
    if (areIntegers) areIntegers = isSmallInteger(value);
    sum += value;
    if (seenCount++ === 0) first = min = max = value;
    else {
      if (value >= last) increase += value - last;
      else {
        drops++;
        increase += value < last ? value : value - last;
      }
      // Plain comparisons are faster, but know neither NaN nor the sign of zero.
      if (value > min && value < max) {
        last = value;
        continue;
      }
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    last = value;
  }
  if (!areIntegers) flags &= ~VALUE_FLAG.allInteger;
  if (drops > 0) flags &= ~VALUE_FLAG.noReset;
  const kept = drops * DROPS_RATIO <= seenCount ? increase : undefined;
  return { flags, min, max, sum, first, last, increase: kept };
}

// ---------------------------------------------------------------- writing

/** e ≤ 14 where value = n / 10^e for a whole n that is written; −1 where there is none. */
function exponentOf(value: number, from: number): number {
  if (Object.is(value, -0)) return -1;
  for (let e = from; e < WORDS; e++) {
    const n = Math.round(value * POWERS[e]!);
    if (Math.abs(n) >= INTEGER_END) return -1;
    if (n / POWERS[e]! === value) return e;
  }
  return -1;
}

const word = new Float64Array(2);
const wordBits = new BigInt64Array(word.buffer);

/** Units in the last place from `base` to `value`; NaN where they are far from each other. */
function ulpsBetween(base: number, value: number): number {
  if (Object.is(base, value)) return 0;
  word[0] = base;
  word[1] = value;
  if (base > 0 !== value > 0 || base < 0 !== value < 0) return Number.NaN;
  const ulps = Number(wordBits[1]! - wordBits[0]!);
  return Math.abs(ulps) < ULPS_END ? ulps : Number.NaN;
}

function addUlps(base: number, ulps: number): number {
  if (ulps === 0) return base;
  word[0] = base;
  wordBits[0] = wordBits[0]! + BigInt(ulps);
  return word[0];
}

/** `value` as n / 10^e plus some units in the last place; undefined where that does not do. */
function nearDecimal(value: number, e: number): { n: number; ulps: number } | undefined {
  const n = Math.round(value * POWERS[e]!) + 0;
  if (!(Math.abs(n) < INTEGER_END)) return undefined;
  const ulps = ulpsBetween(n / POWERS[e]!, value);
  return Number.isNaN(ulps) ? undefined : { n, ulps };
}

/** `count`: samples of the block. */
export function writeAggregates(out: ByteWriter, facts: BlockAggregates, count: number): void {
  const { min, max, first, last, sum, increase } = facts;
  let form = 0;
  if (!Object.is(min, first) || !Object.is(max, last)) form |= HAS_SPREAD;
  if (increase === undefined) form |= NO_INCREASE;
  else if (!Object.is(increase, last - first)) form |= HAS_INCREASE;
  if (writeDecimals(out, facts, count, form)) return;
  out.u8(form | WORDS);
  out.f64(first);
  out.f64(last);
  if ((form & HAS_SPREAD) !== 0) {
    out.f64(min);
    out.f64(max);
  }
  out.f64(sum);
  if ((form & HAS_INCREASE) !== 0) out.f64(increase!);
}

function writeDecimals(
  out: ByteWriter,
  facts: BlockAggregates,
  count: number,
  form: number,
): boolean {
  const { min, max, first, last, increase } = facts;
  let e = 0;
  for (const value of [first, last, min, max]) {
    const needed = exponentOf(value, e);
    if (needed < 0) return false;
    e = needed;
  }
  const power = POWERS[e]!;
  const whole = (value: number): number => Math.round(value * power) + 0;
  // A higher exponent than the first number needs may push it out of range, or not give it back.
  for (const value of [first, last, min, max])
    if (!(Math.abs(whole(value)) < INTEGER_END) || whole(value) / power !== value) return false;
  const sum = nearDecimal(facts.sum, e);
  const grown = (form & HAS_INCREASE) === 0 ? { n: 0, ulps: 0 } : nearDecimal(increase!, e);
  if (sum === undefined || grown === undefined) return false;
  const base = whole(first) * count;
  if (Math.abs(base) >= INTEGER_END) return false;
  const hasUlps = sum.ulps !== 0 || grown.ulps !== 0;
  out.u8(form | e | (hasUlps ? HAS_ULPS : 0));
  out.zigzag(whole(first));
  out.zigzag(whole(last) - whole(first));
  if ((form & HAS_SPREAD) !== 0) {
    out.varint(whole(first) - whole(min));
    out.varint(whole(max) - whole(min));
  }
  out.zigzag(sum.n - base);
  if (hasUlps) out.zigzag(sum.ulps);
  if ((form & HAS_INCREASE) !== 0) {
    out.zigzag(grown.n);
    if (hasUlps) out.zigzag(grown.ulps);
  }
  return true;
}

/** One value, a decimal where it is one. */
export function writeConstant(out: ByteWriter, value: number): void {
  const e = exponentOf(value, 0);
  if (e < 0) {
    out.u8(WORDS);
    out.f64(value);
    return;
  }
  out.u8(e);
  out.zigzag(Math.round(value * POWERS[e]!) + 0);
}

/** A 64-bit word that is no double. */
export function writeConstantWord(out: ByteWriter, value: bigint): void {
  if (value > -INTEGER_END && value < INTEGER_END) {
    out.u8(0);
    out.zigzag(Number(value));
    return;
  }
  out.u8(WORDS);
  wordBits[0] = value;
  out.column(wordBits, 1);
}

// ---------------------------------------------------------------- reading

export function readAggregates(reader: ByteReader, count: number): BlockAggregates {
  const form = reader.u8();
  const e = form & 15;
  const has = (flag: number): boolean => (form & flag) !== 0;
  if (has(HAS_INCREASE) && has(NO_INCREASE)) throw new CodecError(`aggregates of form ${form}`);
  const isWords = e === WORDS;
  const power = isWords ? 1 : POWERS[e]!;
  const n = isWords ? reader.f64() : reader.zigzag();
  const lastN = isWords ? reader.f64() : n + reader.zigzag();
  let min = n;
  let max = lastN;
  if (has(HAS_SPREAD)) {
    min = isWords ? reader.f64() : n - reader.varint();
    max = isWords ? reader.f64() : min + reader.varint();
  }
  const near = (base: number): number => {
    if (isWords) return reader.f64();
    const whole = base + reader.zigzag();
    return addUlps(whole / power, has(HAS_ULPS) ? reader.zigzag() : 0);
  };
  const sum = near(n * count);
  const first = isWords ? n : n / power;
  const last = isWords ? lastN : lastN / power;
  let increase: number | undefined = last - first;
  if (has(NO_INCREASE)) increase = undefined;
  else if (has(HAS_INCREASE)) increase = near(0);
  return { min: min / power, max: max / power, sum, first, last, increase };
}

/** A constant's word, as a double and as 64 bits. */
export interface Constant {
  readonly value: number;
  readonly bits: bigint;
}

/** `isWord`: the value is a 64-bit integer, not a double. */
export function readConstant(reader: ByteReader, isWord: boolean): Constant {
  const e = reader.u8();
  if (e > WORDS || (isWord && e !== 0 && e !== WORDS)) throw new CodecError(`a constant of ${e}`);
  if (e === WORDS) {
    const bits = new BigInt64Array(reader.copy(8))[0]!;
    wordBits[0] = bits;
    return { value: isWord ? Number(bits) : word[0]!, bits };
  }
  const n = reader.zigzag();
  if (isWord) return { value: n, bits: BigInt(n) };
  word[0] = n / POWERS[e]!;
  return { value: word[0], bits: wordBits[0]! };
}

/** Aggregates of `count` samples of one value; `isStale`: they are all staleness markers. */
export function constantAggregates(
  value: number,
  count: number,
  isStale: boolean,
): BlockAggregates {
  if (isStale) {
    const none = Number.NaN;
    return { min: none, max: none, sum: 0, first: none, last: none, increase: 0 };
  }
  let increase: number | undefined = 0;
  if (count > 1 && Number.isNaN(value)) increase = undefined;
  else if (count > 1) increase = value - value;
  return { min: value, max: value, sum: sumOf(value, count), first: value, last: value, increase };
}

/** What adding `value` that often gives, rounding included. */
function sumOf(value: number, count: number): number {
  if (value === 0) return 0;
  if (Math.abs(value) < 2 ** 52 / BLOCK_COUNT_MAX && Number.isInteger(value)) return value * count;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value;
  return sum;
}
