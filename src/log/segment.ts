// Bytes of a log segment: header block, mark, frame (docs/formats/segment.md). Pure: no files.
import { combinedCrc32, crc32 } from '../codec/crc32.ts';
import { crc32c } from '../codec/crc32c.ts';
import { RECORD_SIZE_MAX_BYTES } from './limits.ts';

const SEGMENT_VERSION = 2;
export const HEADER_BLOCK_BYTES = 4096;
export const FRAME_HEADER_BYTES = 32;
export const MARK_POSITION = 1024;

const HEADER_BYTES = 64;
const HEADER_COPIES = [0, 2048];
const MARK_BYTES = 32;
const HEADER_MAGIC = new TextEncoder().encode('ORRYLOG\0');
/** "OMRK" and "OFRM" read as little-endian words. */
const MARK_MAGIC = 0x4b52_4d4f;
const FRAME_MAGIC = 0x4d52_464f;

export interface SegmentHeader {
  readonly salt: number;
  readonly sequence: number;
  readonly firstOffset: number;
  /** Every record below was durable when the segment was begun. */
  readonly durableOffset: number;
}

export interface FrameHeader {
  readonly length: number;
  readonly offset: number;
  readonly durableOffset: number;
  readonly headerCrc: number;
  readonly payloadCrc: number;
}

export type DecodedHeader =
  | { readonly state: 'valid'; readonly header: SegmentHeader }
  | { readonly state: 'free' }
  | { readonly state: 'other-version'; readonly version: number };

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 4294967296), true);
}

/** May exceed the safe integers where the bytes are garbage. */
function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true);
}

/** Size of a record's frame with its padding. */
export function frameSizeBytes(length: number): number {
  return FRAME_HEADER_BYTES + ((length + 7) & ~7);
}

/** What every frame checksum of this use of the file starts from. */
export function frameSeed(header: SegmentHeader): number {
  const bytes = new Uint8Array(12);
  const view = viewOf(bytes);
  view.setUint32(0, header.salt, true);
  setU64(view, 4, header.sequence);
  return crc32c(bytes);
}

/** `version` differs only in tests of what a later program might write. */
export function encodeHeaderBlock(
  header: SegmentHeader,
  version: number = SEGMENT_VERSION,
): Uint8Array {
  const block = new Uint8Array(HEADER_BLOCK_BYTES);
  for (const at of HEADER_COPIES) {
    const copy = block.subarray(at, at + HEADER_BYTES);
    const view = viewOf(copy);
    copy.set(HEADER_MAGIC);
    view.setUint32(8, version, true);
    view.setUint32(12, header.salt, true);
    setU64(view, 16, header.sequence);
    setU64(view, 24, header.firstOffset);
    setU64(view, 32, header.durableOffset);
    view.setUint32(60, crc32c(copy.subarray(0, 60)), true);
  }
  return block;
}

/** `block` may be shorter than a header block: then it is free. */
export function decodeHeaderBlock(block: Uint8Array): DecodedHeader {
  for (const at of HEADER_COPIES) {
    if (block.length < at + HEADER_BYTES) break;
    const copy = block.subarray(at, at + HEADER_BYTES);
    const view = viewOf(copy);
    if (!HEADER_MAGIC.every((byte, i) => copy[i] === byte)) continue;
    if (view.getUint32(60, true) !== crc32c(copy.subarray(0, 60))) continue;
    const version = view.getUint32(8, true);
    if (version !== SEGMENT_VERSION) return { state: 'other-version', version };
    const header = {
      salt: view.getUint32(12, true),
      sequence: getU64(view, 16),
      firstOffset: getU64(view, 24),
      durableOffset: getU64(view, 32),
    };
    return { state: 'valid', header };
  }
  return { state: 'free' };
}

/** Positions of header copies of a block that are not valid, of a block of which one is. */
export function damagedHeaderCopies(block: Uint8Array): readonly number[] {
  return HEADER_COPIES.filter((at) => {
    const copy = block.subarray(at, at + HEADER_BYTES);
    return viewOf(copy).getUint32(60, true) !== crc32c(copy.subarray(0, 60));
  });
}

export function encodeMark(header: SegmentHeader, durableOffset: number): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MARK_MAGIC, true);
  view.setUint32(4, header.salt, true);
  setU64(view, 8, durableOffset);
  view.setUint32(28, crc32c(bytes.subarray(0, 28)), true);
  return bytes;
}

/** The durable offset of the block's mark, 0 where there is none of this use of the file. */
export function decodeMark(block: Uint8Array, header: SegmentHeader): number {
  if (block.length < MARK_POSITION + MARK_BYTES) return 0;
  const bytes = block.subarray(MARK_POSITION, MARK_POSITION + MARK_BYTES);
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== MARK_MAGIC) return 0;
  if (view.getUint32(4, true) !== header.salt) return 0;
  if (view.getUint32(28, true) !== crc32c(bytes.subarray(0, 28))) return 0;
  return getU64(view, 8);
}

export interface FrameFacts {
  readonly seed: number;
  readonly offset: number;
  readonly durableOffset: number;
  /** crc32 of the payload where it is known. */
  readonly crc: number | undefined;
}

/** Writes a frame's header for `payload` into the first bytes of `target`. */
export function encodeFrameHeader(
  target: Uint8Array,
  payload: Uint8Array,
  frame: FrameFacts,
): void {
  const view = viewOf(target);
  view.setUint32(0, FRAME_MAGIC, true);
  view.setUint32(4, payload.length, true);
  setU64(view, 8, frame.offset);
  setU64(view, 16, frame.durableOffset);
  const headerCrc = crc32(target.subarray(0, 24), frame.seed);
  view.setUint32(24, headerCrc, true);
  const payloadCrc =
    frame.crc === undefined
      ? crc32(payload, headerCrc)
      : combinedCrc32(headerCrc, frame.crc, payload.length);
  view.setUint32(28, payloadCrc, true);
}

/** Quick test at a possible place of a frame. */
export function hasFrameMagic(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 0x4f && bytes[at + 1] === 0x46 && bytes[at + 2] === 0x52 && bytes[at + 3] === 0x4d
  );
}

/** undefined where no frame of this use of the file begins at `at`. */
export function decodeFrameHeader(
  bytes: Uint8Array,
  at: number,
  check: { readonly seed: number; readonly skipCrc: boolean },
): FrameHeader | undefined {
  if (!hasFrameMagic(bytes, at)) return undefined;
  const header = bytes.subarray(at, at + FRAME_HEADER_BYTES);
  const view = viewOf(header);
  const headerCrc = view.getUint32(24, true);
  if (!check.skipCrc && headerCrc !== crc32(header.subarray(0, 24), check.seed)) return undefined;
  const length = view.getUint32(4, true);
  const offset = getU64(view, 8);
  const durableOffset = getU64(view, 16);
  if (length > RECORD_SIZE_MAX_BYTES || !Number.isSafeInteger(offset)) return undefined;
  if (!Number.isSafeInteger(durableOffset)) return undefined;
  return { length, offset, durableOffset, headerCrc, payloadCrc: view.getUint32(28, true) };
}
