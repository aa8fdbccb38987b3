// The SQLite file of a catalog (docs/formats/catalog.md): what its thread and those who look at it
// from outside share.
import { crc32c } from '../codec/crc32c.ts';

export const FORMAT_VERSION = 2;
export const APPLICATION_ID = 0x4f52_5259;

const scratch = new DataView(new ArrayBuffer(8));

/** CRC-32C of a row: key, value and version. */
export function rowCrc(key: Uint8Array, value: Uint8Array, version: number): number {
  scratch.setFloat64(0, version, true);
  return crc32c(new Uint8Array(scratch.buffer), crc32c(value, crc32c(key)));
}
