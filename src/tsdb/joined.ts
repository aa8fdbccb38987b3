// What a series of many blocks needs as one array, again and again: its times, which never change
// and are joined once, and room for its values, which is lent to one leaf after the other. A series
// of a month is a megabyte of each, and fresh memory costs more than the copy.
import { assert } from '../stdx/assert.ts';
import {
  JOINED_TIMES_BYTES_MAX,
  JOINED_TIMES_BYTES_MIN,
  ROOM_BYTES_MAX,
  ROOMS_MAX,
} from './limits.ts';

/** Where an array lies; it does not hold it. */
interface Place {
  readonly buffer: WeakRef<ArrayBufferLike>;
  readonly byteOffset: number;
  readonly length: number;
}

interface Joined {
  readonly places: readonly Place[];
  readonly tUs: Float64Array;
}

/** The oldest first. */
const known: Joined[] = [];
let knownBytes = 0;

function isOf({ places }: Joined, parts: readonly Float64Array[]): boolean {
  if (places.length !== parts.length) return false;
  for (let i = 0; i < parts.length; i++) {
    const { buffer, byteOffset, length } = places[i]!;
    const part = parts[i]!;
    const isSame = length === part.length && byteOffset === part.byteOffset;
    if (!isSame || buffer.deref() !== part.buffer) return false;
  }
  return true;
}

function put(parts: readonly Float64Array[], out: Float64Array): Float64Array {
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Arrays that nobody writes to again as one, which is the same array where they are the same. */
export function joinedTimes(parts: readonly Float64Array[]): Float64Array {
  const count = parts.reduce((sum, { length }) => sum + length, 0);
  const sizeBytes = count * 8;
  if (sizeBytes < JOINED_TIMES_BYTES_MIN || sizeBytes > JOINED_TIMES_BYTES_MAX)
    return put(parts, new Float64Array(count));
  for (const one of known) if (isOf(one, parts)) return one.tUs;
  const tUs = put(parts, new Float64Array(count));
  const places = parts.map(({ buffer, byteOffset, length }) => {
    return { buffer: new WeakRef(buffer), byteOffset, length };
  });
  known.push({ places, tUs });
  knownBytes += sizeBytes;
  while (knownBytes > JOINED_TIMES_BYTES_MAX) knownBytes -= known.shift()!.tUs.byteLength;
  return tUs;
}

const free: Float64Array[] = [];

/** Room for values while a leaf runs; what is in it is anybody's. */
export class Room {
  #values: Float64Array = new Float64Array(0);
  #hasEnded = false;

  /** At least so many; what was given before is not to be used any more. */
  of(count: number): Float64Array {
    assert(!this.#hasEnded, 'room is not used behind its end');
    if (this.#values.length >= count) return this.#values;
    const place = free.findIndex((one) => one.length >= count);
    // A second growth is not the last one.
    const wanted = this.#values.length === 0 ? count : count * 2;
    this.#giveBack();
    this.#values = place < 0 ? new Float64Array(wanted) : free.splice(place, 1)[0]!;
    return this.#values;
  }

  /** Once; nobody uses its values any more. */
  end(): void {
    assert(!this.#hasEnded, 'room ends once');
    this.#hasEnded = true;
    this.#giveBack();
  }

  #giveBack(): void {
    const values = this.#values;
    this.#values = new Float64Array(0);
    if (values.length === 0 || values.byteLength > ROOM_BYTES_MAX) return;
    if (free.length === ROOMS_MAX) free.shift();
    free.push(values);
  }
}
