// Snappy block format, decode and encode. Not the framing format: remote write sends bare blocks.
// Source: google/snappy format_description.txt:
//   block   = varint(uncompressed length, at most 2^32-1) element*
//   element = tag byte, low two bits: 0 literal, 1 copy with 1-byte offset, 2 with 2, 3 with 4
// Invariants: the declared length is checked against the caller's limit before anything is
// allocated; no read leaves the input and no write leaves the declared length; a block that yields
// fewer or more bytes than declared is corrupt.
import { SNAPPY_BLOCK_BYTES } from './limits.ts';
import { decodeByKernel } from './snappy-kernel.ts';

export type SnappyProblem = 'corrupt' | 'too-large';

/** Thrown by the decoder; `problem` tells a bad body from one that is only too large. */
export class SnappyError extends Error {
  override readonly name = 'SnappyError';
  readonly problem: SnappyProblem;
  constructor(problem: SnappyProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

/** Slack behind the output, so that any run may be copied in whole words of 8 bytes. */
const SLACK_BYTES = 16;
/** Literals above this many bytes are copied by `set`. */
const LONG_RUN_BYTES = 128;

function corrupt(at: number, what: string): SnappyError {
  return new SnappyError('corrupt', `snappy: ${what} at byte ${at}`);
}

interface Header {
  readonly sizeBytes: number;
  readonly bodyStart: number;
}

function readHeader(input: Uint8Array): Header {
  let sizeBytes = 0;
  let scale = 1;
  for (let i = 0; i < 5 && i < input.length; i++) {
    const byte = input[i]!;
    if (i === 4 && byte > 15) throw corrupt(i, 'declared length above 32 bits');
    sizeBytes += (byte & 127) * scale;
    if (byte < 128) return { sizeBytes, bodyStart: i + 1 };
    scale *= 128;
  }
  throw corrupt(input.length, 'truncated length');
}

/** The length that a block says it has after decoding. Throws SnappyError where it cannot be. */
export function snappyDecodedLength(input: Uint8Array, limitBytes = Infinity): number {
  return readChecked(input, limitBytes).sizeBytes;
}

function literalLength(input: Uint8Array, at: number, code: number): number {
  const extra = code - 59;
  if (at + extra > input.length) throw corrupt(at, 'truncated literal length');
  let length = 0;
  for (let i = extra - 1; i >= 0; i--) length = length * 256 + input[at + i]!;
  return length + 1;
}

function uninitialised(sizeBytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
}

/** As readHeader, where the block may have the length that it says. */
function readChecked(input: Uint8Array, limitBytes: number): Header {
  const header = readHeader(input);
  const { sizeBytes, bodyStart } = header;
  if (sizeBytes > limitBytes)
    throw new SnappyError(
      'too-large',
      `snappy: declared length ${sizeBytes} bytes exceeds the limit of ${limitBytes} bytes`,
    );
  // An element of 3 bytes yields at most 64: a longer claim cannot be true and is not allocated.
  if (sizeBytes > (input.length - bodyStart) * 32)
    throw corrupt(0, `declared length ${sizeBytes} cannot come from ${input.length} bytes`);
  return header;
}

/** Memory of a kernel that reads what it has decoded. */
export interface SnappyMemory {
  /**
   * The elements in [start, input.length) as `sizeBytes` bytes that are good until the next call;
   * undefined where there is no room for them or the block is damaged.
   */
  decode(input: Uint8Array, start: number, sizeBytes: number): Uint8Array | undefined;
}

/** As decodeSnappy, in `memory`; undefined: decodeSnappy may do it, or says what is wrong. */
export function decodeSnappyIn(
  memory: SnappyMemory,
  input: Uint8Array,
  limitBytes: number,
): Uint8Array | undefined {
  const { sizeBytes, bodyStart } = readChecked(input, limitBytes);
  return memory.decode(input, bodyStart, sizeBytes);
}

/**
 * Decodes a whole block; the result has exactly the declared length and lies in what `take` gave:
 * at least so many bytes with any content.
 * Throws SnappyError 'too-large' where the declared length exceeds `limitBytes` (before any
 * allocation), else 'corrupt'. Complexity: O(output).
 */
export function decodeSnappy(
  input: Uint8Array,
  limitBytes: number,
  take = uninitialised,
): Uint8Array {
  const { sizeBytes, bodyStart } = readChecked(input, limitBytes);
  // Not zeroed: every byte below the declared length is written, or the block is corrupt.
  const out = take(sizeBytes + SLACK_BYTES);
  if (!decodeByKernel(input, bodyStart, out, sizeBytes))
    decodeElements(input, bodyStart, out, sizeBytes);
  return out.subarray(0, sizeBytes);
}

/**
 * Decodes the elements of [start, input.length) into `out`, which is SLACK_BYTES longer than
 * `sizeBytes`. Runs are copied in whole words: what a word writes too much is overwritten by the
 * next element or lies in the slack; input too close to its end is copied by bytes.
 */
// oxlint-disable-next-line max-lines-per-function -- one loop; its state lives in locals
function decodeElements(
  input: Uint8Array,
  start: number,
  out: Uint8Array,
  sizeBytes: number,
): void {
  const end = input.length;
  const from4 = new DataView(input.buffer, input.byteOffset, end);
  const to4 = new DataView(out.buffer, out.byteOffset, out.length);
  const wordsEnd = end - SLACK_BYTES;
  let from = start;
  let to = 0;
  while (from < end) {
    const tag = input[from++]!;
    let length = (tag >>> 2) + 1;
    const type = tag & 3;
    if (type === 0) {
      if (length > 60) {
        const code = tag >>> 2;
        length = literalLength(input, from, code);
        from += code - 59;
      }
      if (from + length > end) throw corrupt(from, 'truncated literal');
      if (to + length > sizeBytes) throw corrupt(from, 'more data than declared');
      if (length <= 8 && from <= wordsEnd) {
        to4.setInt32(to, from4.getInt32(from, true), true);
        to4.setInt32(to + 4, from4.getInt32(from + 4, true), true);
      } else if (length > LONG_RUN_BYTES) out.set(input.subarray(from, from + length), to);
      else if (from + length <= wordsEnd)
        for (let i = 0; i < length; i += 4)
          to4.setInt32(to + i, from4.getInt32(from + i, true), true);
      else for (let i = 0; i < length; i++) out[to + i] = input[from + i]!;
      from += length;
      to += length;
      continue;
    }
    let offset: number;
    if (type === 1) {
      if (from >= end) throw corrupt(from, 'truncated copy');
      length = ((tag >>> 2) & 7) + 4;
      offset = ((tag & 0xe0) << 3) | input[from++]!;
    } else if (type === 2) {
      if (from + 2 > end) throw corrupt(from, 'truncated copy');
      offset = input[from]! | (input[from + 1]! << 8);
      from += 2;
    } else {
      if (from + 4 > end) throw corrupt(from, 'truncated copy');
      offset = from4.getUint32(from, true);
      from += 4;
    }
    if (offset === 0 || offset > to) throw corrupt(from, 'copy from before the start');
    if (to + length > sizeBytes) throw corrupt(from, 'more data than declared');
    const source = to - offset;
    if (offset >= 16) {
      for (let i = 0; i < length; i += 16) {
        const a = to4.getInt32(source + i, true);
        const b = to4.getInt32(source + i + 4, true);
        const c = to4.getInt32(source + i + 8, true);
        const d = to4.getInt32(source + i + 12, true);
        to4.setInt32(to + i, a, true);
        to4.setInt32(to + i + 4, b, true);
        to4.setInt32(to + i + 8, c, true);
        to4.setInt32(to + i + 12, d, true);
      }
      // Overlapping runs repeat the pattern, so bytes go one by one from the front.
    } else for (let i = 0; i < length; i++) out[to + i] = out[source + i]!;
    to += length;
  }
  if (to !== sizeBytes) throw corrupt(end, `${to} bytes decoded, ${sizeBytes} declared`);
}

// ---------------------------------------------------------------- encoding

const HASH_BITS = 14;
const MIN_MATCH_BYTES = 4;

function hash4(input: Uint8Array, at: number): number {
  const word = input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24);
  return Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
}

class Output {
  readonly bytes: Uint8Array;
  at = 0;
  constructor(sizeBytes: number) {
    // Worst case of the format: one tag of up to 5 bytes per literal and the header.
    this.bytes = new Uint8Array(32 + sizeBytes + Math.ceil(sizeBytes / 6));
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.at++] = rest;
  }

  literal(input: Uint8Array, start: number, end: number): void {
    const code = end - start - 1;
    if (code < 0) return;
    if (code < 60) this.bytes[this.at++] = code << 2;
    else if (code < 256) {
      this.bytes[this.at++] = 60 << 2;
      this.bytes[this.at++] = code;
    } else {
      // Blocks are at most 64 KiB, so two bytes are always enough.
      this.bytes[this.at++] = 61 << 2;
      this.bytes[this.at++] = code & 255;
      this.bytes[this.at++] = code >>> 8;
    }
    this.bytes.set(input.subarray(start, end), this.at);
    this.at += end - start;
  }

  copy(offset: number, length: number): void {
    let rest = length;
    while (rest > 0) {
      // Never leave fewer than 4 bytes for the last piece.
      const piece = rest > 64 ? Math.min(64, rest - MIN_MATCH_BYTES) : rest;
      this.bytes[this.at++] = ((piece - 1) << 2) | 2;
      this.bytes[this.at++] = offset & 255;
      this.bytes[this.at++] = offset >>> 8;
      rest -= piece;
    }
  }
}

function encodeBlock(input: Uint8Array, start: number, end: number, out: Output): void {
  const table = new Int32Array(1 << HASH_BITS).fill(-1);
  let literalStart = start;
  let at = start;
  while (at + MIN_MATCH_BYTES <= end) {
    const slot = hash4(input, at);
    const candidate = table[slot]!;
    table[slot] = at;
    let length = 0;
    if (candidate >= 0)
      while (at + length < end && input[candidate + length] === input[at + length]) length++;
    if (length < MIN_MATCH_BYTES) {
      at++;
      continue;
    }
    out.literal(input, literalStart, at);
    out.copy(at - candidate, length);
    at += length;
    literalStart = at;
  }
  out.literal(input, literalStart, end);
}

/** Encodes as one block; greedy matches inside pieces of 64 KiB. */
export function encodeSnappy(input: Uint8Array): Uint8Array {
  const out = new Output(input.length);
  out.varint(input.length);
  for (let start = 0; start < input.length; start += SNAPPY_BLOCK_BYTES)
    encodeBlock(input, start, Math.min(input.length, start + SNAPPY_BLOCK_BYTES), out);
  return out.bytes.slice(0, out.at);
}

/** What follows one another as one block, in pieces of at most 64 KiB of the input. */
export function* snappyPieces(inputs: readonly Uint8Array[]): Generator<Uint8Array, void, void> {
  const head = new Output(0);
  head.varint(inputs.reduce((sum, { length }) => sum + length, 0));
  yield head.bytes.subarray(0, head.at);
  for (const input of inputs)
    for (let start = 0; start < input.length; start += SNAPPY_BLOCK_BYTES) {
      const end = Math.min(input.length, start + SNAPPY_BLOCK_BYTES);
      const out = new Output(end - start);
      encodeBlock(input, start, end, out);
      yield out.bytes.subarray(0, out.at);
    }
}
