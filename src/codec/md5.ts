// MD5 of a text's UTF-8, by the system's library; for places where others chose it, never to keep
// anything safe.

// Importing node:crypto reads its getters, and one loads Web Crypto (docs/decisions/0006).
const { createHash } = process.getBuiltinModule('node:crypto');

/** The last 8 of the 16 bytes as a number, the first of them the highest. */
export function md5Low64(text: string): bigint {
  return createHash('md5').update(text, 'utf8').digest().readBigUInt64BE(8);
}
