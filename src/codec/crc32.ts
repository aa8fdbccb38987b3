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
