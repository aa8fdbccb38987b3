// The place of a label set in [0, 1) that limit_ratio samples by: XXH64
// (github.com/Cyan4973/xxHash, specification) over names and values, each after its length, as
// Prometheus hashes labels. Once a series and query, so BigInt will do.
import type { Labels } from '../../model/labels.ts';

const MASK = (1n << 64n) - 1n;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

function rotate(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & MASK;
}

function round(state: bigint, input: bigint): bigint {
  return (rotate((state + input * P2) & MASK, 31n) * P1) & MASK;
}

function mergeRound(hash: bigint, state: bigint): bigint {
  return ((hash ^ round(0n, state)) * P1 + P4) & MASK;
}

/** XXH64 with seed 0. */
export function xxh64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { length } = bytes;
  let at = 0;
  let hash: bigint;
  if (length >= 32) {
    const states = [(P1 + P2) & MASK, P2, 0n, (MASK + 1n - P1) & MASK];
    for (; at + 32 <= length; at += 32)
      for (let lane = 0; lane < 4; lane++)
        states[lane] = round(states[lane]!, view.getBigUint64(at + lane * 8, true));
    const turns = [1n, 7n, 12n, 18n];
    hash = states.reduce((sum, state, lane) => (sum + rotate(state, turns[lane]!)) & MASK, 0n);
    for (const state of states) hash = mergeRound(hash, state);
  } else hash = P5;
  hash = (hash + BigInt(length)) & MASK;
  for (; at + 8 <= length; at += 8)
    hash = (rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4) & MASK;
  if (at + 4 <= length) {
    const word = BigInt(view.getUint32(at, true));
    hash = (rotate(hash ^ ((word * P1) & MASK), 23n) * P2 + P3) & MASK;
    at += 4;
  }
  for (; at < length; at++)
    hash = (rotate(hash ^ ((BigInt(bytes[at]!) * P5) & MASK), 11n) * P1) & MASK;
  hash = ((hash ^ (hash >> 33n)) * P2) & MASK;
  hash = ((hash ^ (hash >> 29n)) * P3) & MASK;
  return hash ^ (hash >> 32n);
}

const encoder = new TextEncoder();

function encode(labels: Labels): Uint8Array {
  const out: number[] = [];
  for (const text of labels) {
    const bytes = encoder.encode(text);
    const size = bytes.length;
    if (size < 255) out.push(size);
    else out.push(255, size & 255, (size >> 8) & 255, (size >> 16) & 255);
    for (const byte of bytes) out.push(byte);
  }
  return Uint8Array.from(out);
}

export function labelsRatio(labels: Labels): number {
  return Number(xxh64(encode(labels))) / 2 ** 64;
}
