// What the matrix writes: points each of a series of its own, each with what a protocol must be
// able to say to carry it. Values are written as bits or digits, so that nothing is rounded on the
// way.
import { seededPrng } from '../../../src/stdx/prng.ts';

export type Value =
  | { readonly kind: 'f64'; readonly bits: bigint }
  | { readonly kind: 'i64' | 'u64'; readonly digits: bigint }
  | { readonly kind: 'boolean'; readonly truth: boolean }
  | { readonly kind: 'string'; readonly text: string };

/** What a value needs. */
export const VALUE_FEATURES = [
  'finite doubles',
  'minus zero',
  'infinities',
  'NaN',
  'NaN payloads',
  '64-bit integers',
  'unsigned integers',
  'booleans',
  'strings',
] as const;
export type ValueFeature = (typeof VALUE_FEATURES)[number];

/** Characters that stand between others and at the ends of a text, by what they are called. */
const CHARACTERS = {
  'dots, dashes, slashes': './-',
  letters: 'üж中𝔘',
  symbols: '☃🚀\u0301',
  blanks: ' ',
  quotes: `"'`,
  backslashes: '\\',
  'line breaks': '\n',
  'tabs, carriage returns': '\t\r',
  'control characters': '\u0000\u0001\u007f\u0085',
  semicolons: ';',
  syntax: ',=:{}#~!^@%+&|$<>()[]?*`',
} as const;
export const TEXT_FEATURES = [...Object.keys(CHARACTERS), 'a backslash at the end'];
export const PLACES = ['name', 'label name', 'label value'] as const;
export type Place = (typeof PLACES)[number];

export interface Point {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: Value;
  readonly timeNs: bigint;
}

export interface Case extends Point {
  /** For messages. */
  readonly what: string;
  readonly valueFeature: ValueFeature;
  /** Place and characters; undefined: plain texts. */
  readonly text: readonly [place: Place, characters: string] | undefined;
}

const SECOND_NS = 1_000_000_000n;
/** Of all points but those that are about time. */
export const BASE_NS = 1_750_000_000n * SECOND_NS;

const view = new DataView(new ArrayBuffer(8));

export function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

export function doubleOf(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

/** As the shortest decimal that reads back the same, with a point or an exponent. */
export function doubleText(bits: bigint): string {
  const value = doubleOf(bits);
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /[.e]/.test(text) || !Number.isFinite(value) ? text : `${text}.0`;
}

const FINITE = [
  0,
  1,
  -1,
  0.1,
  1 / 3,
  -123_456_789.123_456_79,
  5e-324,
  -5e-324,
  2.225_073_858_507_201e-308,
  2.225_073_858_507_201_4e-308,
  1.797_693_134_862_315_7e308,
  -1.797_693_134_862_315_7e308,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53) - 2,
  2 ** 63,
  1e22,
  1e23,
  4.35,
  -4_503_599_627_370_495.5,
];

const NAN_PAYLOADS = [
  // Staleness marker, another payload, signalling, negative.
  0x7ff0_0000_0000_0002n,
  0x7ff8_dead_beef_0001n,
  0x7ff4_0000_0000_0000n,
  0xfff8_0000_0000_0000n,
];

const INTEGERS = [
  0n,
  -1n,
  1n << 53n,
  (1n << 53n) + 1n,
  -(1n << 53n) - 1n,
  (1n << 63n) - 1n,
  -(1n << 63n),
];
const STRINGS = ['plain', '', `"'\\ ,=\n\t`, 'ends with \\', '☃🚀 ünï', '\\n'];

function randomDoubles(): readonly Value[] {
  const prng = seededPrng(0x3a71);
  return Array.from({ length: 60 }, (): Value => {
    for (;;) {
      const bits = (BigInt(prng.u32()) << 32n) | BigInt(prng.u32());
      if (Number.isFinite(doubleOf(bits))) return { kind: 'f64', bits };
    }
  });
}

function values(): readonly (readonly [ValueFeature, Value])[] {
  const f64 = (bits: bigint): Value => ({ kind: 'f64', bits });
  const all = <T>(feature: ValueFeature, list: readonly T[], of: (one: T) => Value) =>
    list.map((one) => [feature, of(one)] as const);
  return [
    ...all('finite doubles', FINITE, (value) => f64(bitsOf(value))),
    ...all('finite doubles', randomDoubles(), (value) => value),
    ...all('minus zero', [-0], (value) => f64(bitsOf(value))),
    ...all('infinities', [Infinity, -Infinity], (value) => f64(bitsOf(value))),
    ...all('NaN', [NaN], (value) => f64(bitsOf(value))),
    ...all('NaN payloads', NAN_PAYLOADS, f64),
    ...all('64-bit integers', INTEGERS, (digits) => ({ kind: 'i64', digits })),
    ...all('unsigned integers', [0n, 1n << 63n, (1n << 64n) - 1n], (digits) => ({
      kind: 'u64',
      digits,
    })),
    ...all('booleans', [true, false], (truth) => ({ kind: 'boolean', truth })),
    ...all('strings', STRINGS, (text) => ({ kind: 'string', text })),
  ];
}

/** Times, from the first that can be stored to the last, down to a nanosecond. */
const TIMES: readonly (readonly [what: string, timeNs: bigint])[] = [
  ['1970', 0n],
  ['a second after 1970', SECOND_NS],
  ['a second and a half before 1970', -1_500_000_000n],
  ['before 1970, milliseconds', -86_400_250_000_000n],
  ['before 1970, microseconds', -86_400_250_001_000n],
  ['before 1970, nanoseconds', -1n],
  ['1700', -8_520_336_000n * SECOND_NS],
  ['the first microsecond', -9_007_199_254_740_991_000n],
  ['milliseconds', BASE_NS + 123_000_000n],
  ['microseconds', BASE_NS + 123_456_000n],
  ['nanoseconds', BASE_NS + 123_456_789n],
  ['2038', (1n << 31n) * SECOND_NS],
  ['2106', (1n << 32n) * SECOND_NS],
  ['2250, milliseconds', 8_835_955_200_999_000_000n],
  ['the last microsecond', 9_007_199_254_740_991_000n],
];

const ONE: Value = { kind: 'f64', bits: bitsOf(1.5) };

function textOf(characters: string): string {
  if (characters === 'a backslash at the end') return 'x\\';
  const some = CHARACTERS[characters as keyof typeof CHARACTERS];
  return characters === 'backslashes' ? `x${some}y${some}${some}z` : `${some}x${some}`;
}

/** All points for one protocol; `prefix` keeps its names apart from those of others. */
export function casesOf(prefix: string): readonly Case[] {
  const cases: Case[] = [];
  const add = (one: Omit<Case, 'name' | 'labels'> & Partial<Case>): void => {
    const name = `${prefix}c${cases.length}`;
    cases.push({
      labels: { host: 'a' },
      ...one,
      name: one.name === undefined ? name : name + one.name,
    });
  };
  for (const [valueFeature, value] of values())
    add({ what: valueFeature, valueFeature, value, timeNs: BASE_NS, text: undefined });
  const common = { valueFeature: 'finite doubles', value: ONE } as const;
  for (const [what, timeNs] of TIMES) add({ ...common, what, timeNs, text: undefined });
  for (const characters of TEXT_FEATURES)
    for (const place of PLACES) {
      const text = textOf(characters);
      const labels = {
        name: { host: 'a' },
        'label name': { [text]: 'a' },
        'label value': { host: text },
      }[place];
      const what = `${characters} in a ${place}`;
      const one = { ...common, what, labels, timeNs: BASE_NS, text: [place, characters] as const };
      add(place === 'name' ? { ...one, name: text } : one);
    }
  // A point without labels but its name.
  add({ ...common, what: 'no labels', labels: {}, timeNs: BASE_NS, text: undefined });
  return cases;
}
