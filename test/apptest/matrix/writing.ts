// What the rows of the matrix share: units, headers, and values as texts.
import { doubleOf, doubleText } from './points.ts';
import type { Point, Value } from './points.ts';
import { absent } from './protocol.ts';

export const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
export const JSON_TYPE = { 'Content-Type': 'application/json' };
export const US = 1000n;
export const MS = 1_000_000n;
export const SECOND = 1_000_000_000n;

export const pairsOf = ({ name, labels }: Point): readonly (readonly [string, string])[] => [
  ['__name__', name] as const,
  ...Object.entries(labels),
];
export const lineOf = (lines: readonly string[]): string =>
  lines.map((line) => `${line}\n`).join('');

/** Bits of a double; the table says that the protocol has no other kind. */
export function bits({ value }: Point): bigint {
  if (value.kind !== 'f64') throw new TypeError(`${value.kind} is not to be sent`);
  return value.bits;
}

/** As JSON and most texts write it. */
export function decimal(value: Value, words = { nan: 'NaN', infinity: 'Infinity' }): string {
  if (value.kind === 'i64' || value.kind === 'u64') return String(value.digits);
  if (value.kind !== 'f64') throw new TypeError(`${value.kind} is not to be sent`);
  const double = doubleOf(value.bits);
  if (Number.isNaN(double)) return words.nan;
  if (Number.isFinite(double)) return doubleText(value.bits);
  return double < 0 ? `-${words.infinity}` : words.infinity;
}

export const ONLY_DOUBLES = {
  '64-bit integers': absent('values are doubles'),
  'unsigned integers': absent('values are doubles'),
  booleans: absent('values are doubles'),
  strings: absent('values are doubles'),
} as const;
export const TEXT_NAN = { 'NaN payloads': absent('a text has one NaN') } as const;
