// CRC-32 (reflected polynomial 0xedb88320, ISO 3309, the one of gzip and PNG) for the log, where
// every byte written passes it twice: zlib's, which uses the processor's carry-less multiplication,
// and a table where the call would cost more than the bytes. What is read at query time (blocks,
// sections) has CRC-32C (crc32c.ts), which needs no call out of the engine.
import { crc32 as crc32OfZlib } from 'node:zlib';

/** Shorter inputs go through the table. */
const CALL_SIZE_MIN = 64;
const TABLE = makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    table[byte] = crc;
  }
  return table;
}

/**
 * Checksum of `bytes` as an unsigned 32-bit integer. `previous` continues one: crc32(ab) =
 * crc32(b, crc32(a)).
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  if (bytes.length >= CALL_SIZE_MIN) return crc32OfZlib(bytes, previous);
  let crc = ~previous;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 255]!;
  return ~crc >>> 0;
}

/** x^1 as a polynomial with its bits reflected: bit 31 is x^0. */
const X1 = 1 << 30;
/** x^(2^k) modulo the polynomial. */
const POWERS = makePowers();
let powerSize = 0;
let power = 1 << 31;

/** a * b modulo the polynomial. */
function multiplied(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bits = a; bits !== 0; bits <<= 1) {
    if (bits < 0) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ 0xedb88320 : factor >>> 1;
  }
  return product;
}

function makePowers(): Int32Array {
  const powers = new Int32Array(64);
  powers[0] = X1;
  for (let k = 1; k < powers.length; k++) powers[k] = multiplied(powers[k - 1]!, powers[k - 1]!);
  return powers;
}

/** Checksum of ab from those of a and b and the size of b; O(log size), O(1) for the same size. */
export function combinedCrc32(crcA: number, crcB: number, sizeB: number): number {
  if (sizeB !== powerSize) {
    power = 1 << 31;
    let k = 3;
    for (let left = sizeB; left > 0; left = Math.floor(left / 2), k++)
      if (left % 2 === 1) power = multiplied(POWERS[k]!, power);
    powerSize = sizeB;
  }
  return (multiplied(power, crcA) ^ crcB) >>> 0;
}
