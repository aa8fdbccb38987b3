// Walks the frames of one segment through a read-ahead buffer. Where a frame is unreadable it
// searches the next readable one, so that a flipped bit costs the records it hit and no others.
// What a hole means (corruption or torn tail) is the caller's to judge.
import { crc32 } from '../codec/crc32.ts';
import type { OpenFile } from '../stdx/files.ts';
import { READ_CHUNK_BYTES } from './limits.ts';
import {
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  frameSizeBytes,
  hasFrameMagic,
  HEADER_BLOCK_BYTES,
} from './segment.ts';

export interface CursorFrame {
  readonly kind: 'frame';
  readonly offset: number;
  readonly durableOffset: number;
  /** Borrowed until the next call. */
  readonly payload: Uint8Array;
}

export interface CursorHole {
  readonly kind: 'hole';
  /** Where the unreadable bytes begin. */
  readonly position: number;
  readonly firstOffset: number;
  /** Exclusive. */
  readonly endOffset: number;
  readonly durableOffset: number;
  readonly reason: string;
}

export interface CursorOptions {
  readonly file: OpenFile;
  readonly seed: number;
  readonly skipCrc: boolean;
}

export class SegmentCursor {
  readonly #options: CursorOptions;
  #buffer = new Uint8Array(0);
  #bufferStart = 0;
  #bufferLength = 0;
  /** Where the next frame is due. */
  position = HEADER_BLOCK_BYTES;

  constructor(options: CursorOptions) {
    this.#options = options;
  }

  /**
   * The next frame or hole. `expected` is the offset that is due, `limitPosition` the end of the
   * bytes that may hold frames. undefined: no frame from `position` on, which then has not moved.
   */
  async next(
    expected: number,
    limitPosition: number,
  ): Promise<CursorFrame | CursorHole | undefined> {
    const header = await this.#headerAt(this.position, limitPosition);
    if (header === undefined || header.offset < expected) {
      return this.#findAfter(expected, limitPosition);
    }
    if (header.offset > expected) {
      return hole(this.position, expected, header.offset, header, 'records are missing');
    }
    const payload = await this.#payloadAt(this.position, header.length, limitPosition);
    const intact =
      payload !== undefined &&
      (this.#options.skipCrc || crc32(payload, header.headerCrc) === header.payloadCrc);
    if (!intact) {
      const at = this.position;
      this.position = Math.min(at + frameSizeBytes(header.length), limitPosition);
      return hole(at, expected, expected + 1, header, 'checksum mismatch in a record');
    }
    this.position += frameSizeBytes(header.length);
    return { kind: 'frame', offset: expected, durableOffset: header.durableOffset, payload };
  }

  async #findAfter(expected: number, limitPosition: number): Promise<CursorHole | undefined> {
    const start = this.position;
    let at = start + 8;
    while (at + FRAME_HEADER_BYTES <= limitPosition) {
      if (!(await this.#cover(at, FRAME_HEADER_BYTES, limitPosition))) break;
      const buffer = this.#buffer;
      const bufferEnd = this.#bufferStart + this.#bufferLength - FRAME_HEADER_BYTES;
      while (at <= bufferEnd && !hasFrameMagic(buffer, at - this.#bufferStart)) at += 8;
      if (at > bufferEnd) continue;
      const header = decodeFrameHeader(buffer, at - this.#bufferStart, this.#options);
      if (header !== undefined && header.offset > expected) {
        this.position = at;
        return hole(start, expected, header.offset, header, 'unreadable frame header');
      }
      at += 8;
    }
    return undefined;
  }

  async #headerAt(position: number, limitPosition: number): Promise<FrameHeader | undefined> {
    if (!(await this.#cover(position, FRAME_HEADER_BYTES, limitPosition))) return undefined;
    return decodeFrameHeader(this.#buffer, position - this.#bufferStart, this.#options);
  }

  async #payloadAt(
    position: number,
    length: number,
    limitPosition: number,
  ): Promise<Uint8Array | undefined> {
    if (!(await this.#cover(position, FRAME_HEADER_BYTES + length, limitPosition)))
      return undefined;
    const from = position - this.#bufferStart + FRAME_HEADER_BYTES;
    return this.#buffer.subarray(from, from + length);
  }

  /** Makes the buffer hold [position, position + length); false where the file ends before. */
  async #cover(position: number, length: number, limitPosition: number): Promise<boolean> {
    const bufferEnd = this.#bufferStart + this.#bufferLength;
    if (position >= this.#bufferStart && position + length <= bufferEnd) return true;
    if (position + length > limitPosition) return false;
    const wanted = Math.min(Math.max(length, READ_CHUNK_BYTES), limitPosition - position);
    if (this.#buffer.length < wanted || this.#buffer.length > 2 * READ_CHUNK_BYTES) {
      this.#buffer = new Uint8Array(wanted);
    }
    this.#bufferStart = position;
    this.#bufferLength = 0;
    const got = await this.#options.file.read(this.#buffer.subarray(0, wanted), position);
    this.#bufferLength = got;
    return got >= length;
  }
}

function hole(
  position: number,
  firstOffset: number,
  endOffset: number,
  header: FrameHeader,
  reason: string,
): CursorHole {
  const { durableOffset } = header;
  return { kind: 'hole', position, firstOffset, endOffset, durableOffset, reason };
}
