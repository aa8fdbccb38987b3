// Names, footer and directory of a head snapshot (docs/formats/head-snapshot.md).
import { crc32 } from '../codec/crc32.ts';
import { ByteReader, ByteWriter, CodecError } from '../codec/varint.ts';
import { HEAD_SNAPSHOT_CHUNK_BYTES } from './limits.ts';
import { padded } from './names.ts';
import type { ShardNames } from './names.ts';

const VERSION = 4;
const HEAD_MAGIC = 'ORRYHEAD';
const END_MAGIC = 'ORRYHEND';
export const HEAD_SIZE = 16;
export const SNAPSHOT_FOOTER_SIZE = 64;
const NAME = /(\d{16})-(\d{16})-[0-9a-f]+\.head$/;

/** What a head snapshot stands for. */
export interface SnapshotStretch {
  readonly shard: number;
  readonly frontier: number;
  /** Records of [frontier, offset) are in it. */
  readonly offset: number;
  /** Of the record before `offset`. */
  readonly recordCrc: number;
}

export interface DirectorySection {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface SnapshotDirectory {
  readonly sections: readonly DirectorySection[];
  readonly chunkCrcs: Uint32Array;
}

export interface SnapshotFooter extends SnapshotStretch {
  readonly directoryOffset: number;
  readonly directorySize: number;
  readonly directoryCrc: number;
}

export function headSnapshotName(
  names: ShardNames,
  { frontier, offset }: { readonly frontier: number; readonly offset: number },
  unique: string,
): string {
  return `${names.headSnapshots}${padded(frontier)}-${padded(offset)}-${unique}.head`;
}

/** Frontier and offset as the name says them; undefined: it is no head snapshot's. */
export function parseHeadSnapshotName(
  name: string,
): { readonly frontier: number; readonly offset: number } | undefined {
  const match = NAME.exec(name);
  return match === null ? undefined : { frontier: Number(match[1]), offset: Number(match[2]) };
}

export function encodeHead(): Uint8Array {
  const out = new ByteWriter(HEAD_SIZE);
  magic(out, HEAD_MAGIC);
  out.u32(VERSION);
  out.u32(0);
  return out.take();
}

export function encodeDirectory({ sections, chunkCrcs }: SnapshotDirectory): Uint8Array {
  const out = new ByteWriter(1024);
  out.varint(sections.length);
  for (const { name, sizeBytes } of sections) {
    out.string(name);
    out.varint(sizeBytes);
  }
  out.varint(chunkCrcs.length);
  for (const crc of chunkCrcs) out.u32(crc);
  return out.take();
}

/** Throws CodecError where it is not what was written, or sections and chunks do not fit. */
export function decodeDirectory(bytes: Uint8Array, footer: SnapshotFooter): SnapshotDirectory {
  if (crc32(bytes) !== footer.directoryCrc)
    throw new CodecError(`the checksum of the directory at ${footer.directoryOffset} is wrong`);
  const reader = new ByteReader(bytes);
  const sections = Array.from({ length: reader.count(2) }, () => ({
    name: reader.string(),
    sizeBytes: reader.varint(),
  }));
  const chunkCrcs = Uint32Array.from({ length: reader.count(4) }, () => reader.u32());
  reader.finish();
  const contentEnd = sections.reduce((sum, { sizeBytes }) => sum + sizeBytes, HEAD_SIZE);
  const chunkCount = Math.ceil(footer.directoryOffset / HEAD_SNAPSHOT_CHUNK_BYTES);
  if (contentEnd !== footer.directoryOffset || chunkCrcs.length !== chunkCount)
    throw new CodecError(`the directory at ${footer.directoryOffset} does not fit the file`);
  return { sections, chunkCrcs };
}

export function encodeFooter(footer: SnapshotFooter): Uint8Array {
  const out = new ByteWriter(SNAPSHOT_FOOTER_SIZE);
  magic(out, END_MAGIC);
  out.u32(VERSION);
  out.u32(footer.directoryCrc);
  out.f64(footer.directoryOffset);
  out.f64(footer.directorySize);
  out.f64(footer.frontier);
  out.f64(footer.offset);
  out.u32(footer.recordCrc);
  out.u32(footer.shard);
  out.u32(0);
  out.u32(crc32(out.bytes()));
  return out.take();
}

/** undefined: of another version. Throws CodecError where it is damaged. */
export function decodeFooter(bytes: Uint8Array, sizeBytes: number): SnapshotFooter | undefined {
  const reader = new ByteReader(bytes);
  const isMagic = new TextDecoder('latin1').decode(reader.raw(8)) === END_MAGIC;
  const version = reader.u32();
  const body = bytes.subarray(0, SNAPSHOT_FOOTER_SIZE - 4);
  const crc = new ByteReader(bytes, SNAPSHOT_FOOTER_SIZE - 4).u32();
  if (!isMagic || crc32(body) !== crc)
    throw new CodecError(`the checksum of the footer at ${sizeBytes - bytes.length} is wrong`);
  if (version !== VERSION) return undefined;
  const directoryCrc = reader.u32();
  const directoryOffset = reader.f64();
  const directorySize = reader.f64();
  const frontier = reader.f64();
  const offset = reader.f64();
  const recordCrc = reader.u32();
  const shard = reader.u32();
  if (directoryOffset + directorySize + SNAPSHOT_FOOTER_SIZE !== sizeBytes)
    throw new CodecError(`the file has ${sizeBytes} bytes, its footer says another size`);
  return { directoryCrc, directoryOffset, directorySize, frontier, offset, recordCrc, shard };
}

function magic(out: ByteWriter, text: string): void {
  out.raw(new TextEncoder().encode(text));
}
