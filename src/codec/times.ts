// Time columns that stand alone because many blocks share them (docs/formats/times.md). A column on
// a regular grid has no bytes: first, last and count say it all.
import { readTimes, writeTimes } from './column.ts';
import { crc32c } from './crc32c.ts';
import { ByteReader, ByteWriter, CodecError } from './varint.ts';

const scratch = new ByteWriter(1 << 12);
const seed = new DataView(new ArrayBuffer(10));
const seedBytes = new Uint8Array(seed.buffer);

function timesCrc(column: Uint8Array, firstUs: number, count: number): number {
  seed.setUint16(0, count, true);
  seed.setFloat64(2, firstUs, true);
  return crc32c(seedBytes, crc32c(column.subarray(4)));
}

/** What the index of a part says about a column. */
export interface TimesPlace {
  readonly firstUs: number;
  readonly lastUs: number;
  readonly count: number;
}

/** Are the times first + i · (last − first) / (count − 1), as gridTimes makes them? */
export function isGrid(tUs: Float64Array, count: number): boolean {
  const firstUs = tUs[0]!;
  const stepUs = gridStepUs(firstUs, tUs[count - 1]!, count);
  if (!Number.isSafeInteger(stepUs)) return false;
  for (let i = 1; i < count; i++) if (tUs[i] !== firstUs + i * stepUs) return false;
  return true;
}

function gridStepUs(firstUs: number, lastUs: number, count: number): number {
  return count === 1 ? 0 : (lastUs - firstUs) / (count - 1);
}

/** Throws CodecError where first, last and count are not those of a grid. */
export function gridTimes({ firstUs, lastUs, count }: TimesPlace): Float64Array {
  const stepUs = gridStepUs(firstUs, lastUs, count);
  if (!Number.isSafeInteger(stepUs) || !Number.isSafeInteger(firstUs) || stepUs < 0)
    throw new CodecError(`no grid of ${count} times from ${firstUs} to ${lastUs}`);
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) out[i] = firstUs + i * stepUs;
  return out;
}

/** Appends the column of times that are no grid; returns its size. */
export function encodeTimes(out: ByteWriter, tUs: Float64Array, count: number): number {
  const start = out.size;
  out.u32(0);
  writeTimes(out, scratch, tUs, count);
  out.dropVarint(start + 5);
  out.u32At(start, timesCrc(out.bytes().subarray(start), tUs[0]!, count));
  return out.size - start;
}

/** Decodes the column that fills `bytes`. Throws CodecError. */
export function decodeTimes(
  bytes: Uint8Array,
  { firstUs, lastUs, count }: TimesPlace,
  options: { readonly skipCrc?: boolean } = {},
): Float64Array {
  const reader = new ByteReader(bytes);
  const crc = reader.u32();
  if (options.skipCrc !== true && timesCrc(bytes, firstUs, count) !== crc)
    throw new CodecError('the checksum of the times is wrong');
  const mode = reader.u8();
  const payload = new ByteReader(bytes, reader.at);
  const tUs = readTimes({ mode, payload }, { count, firstUs }, new Float64Array(count));
  if (tUs[0] !== firstUs || tUs[count - 1] !== lastUs)
    throw new CodecError(`the times run from ${tUs[0]} to ${tUs[count - 1]}`);
  return tUs;
}
