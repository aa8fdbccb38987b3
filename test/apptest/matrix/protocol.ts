// What a row of the matrix says about a protocol: how its client writes a point, what a point
// becomes, and what cannot be carried. Whatever a row does not except must come back.
import type { Case, Place, Point, Value, ValueFeature } from './points.ts';

/**
 * Why something is not carried. 'absent': the wire has no form for it, nothing is sent; 'refused':
 * it is sent alone, told to be wrong, and stores nothing; 'dropped': it is sent, taken, and stores
 * nothing.
 */
export interface Limit {
  readonly how: 'absent' | 'refused' | 'dropped';
  readonly why: string;
}

export const absent = (why: string): Limit => ({ how: 'absent', why });
export const refused = (why: string): Limit => ({ how: 'refused', why });
export const dropped = (why: string): Limit => ({ how: 'dropped', why });

export interface TextLimit {
  readonly places: readonly Place[];
  /** Of CHARACTERS or TEXT_FEATURES. */
  readonly characters: readonly string[];
  readonly limit: Limit;
}

/** Status and text of the answer; undefined where the protocol has none. */
export type Answer = { readonly status: number; readonly text: string } | undefined;

export interface Target {
  post(
    path: string,
    body: string | Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Over a TCP connection to the listener of that flag. */
  lines(flag: string, text: string): Promise<Answer>;
  datagrams(flag: string, lines: readonly string[]): Promise<Answer>;
  /** What the collector finds from now on; when it has asked for it. */
  page(text: string): Promise<Answer>;
}

export interface Protocol {
  readonly name: string;
  /** Of docs/protocols. */
  readonly page: string;
  readonly values: Partial<Record<ValueFeature, Limit>>;
  readonly texts: readonly TextLimit[];
  /** undefined: the time is carried. */
  readonly time: (timeNs: bigint) => Limit | undefined;
  /** Name and labels of the series; default: those of the point. */
  readonly identity?: (point: Point) => Pick<Point, 'name' | 'labels'>;
  /** What is stored of a value; default: the value. */
  readonly stored?: (value: Value) => Value;
  /** Points have the time at which they came. */
  readonly arrives?: true;
  send(target: Target, points: readonly Point[]): Promise<Answer>;
}

/** Whole multiples of a unit, from `firstNs` on. */
export function timesOf(unitNs: bigint, unit: string, firstNs?: bigint, why = '') {
  return (timeNs: bigint): Limit | undefined => {
    if (firstNs !== undefined && timeNs < firstNs) return absent(why);
    return timeNs % unitNs === 0n ? undefined : absent(`times are whole ${unit}`);
  };
}

/** The first reason why a protocol cannot carry a case. */
export function limitOf(protocol: Protocol, one: Case): Limit | undefined {
  const { text, valueFeature, timeNs } = one;
  const textLimit = protocol.texts.find(
    ({ places, characters }) =>
      text !== undefined && places.includes(text[0]) && characters.includes(text[1]),
  );
  return textLimit?.limit ?? protocol.values[valueFeature] ?? protocol.time(timeNs);
}
