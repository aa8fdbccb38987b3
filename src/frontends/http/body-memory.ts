// Memory of bodies, used over and over: fresh memory of some hundred kilobytes for each one
// costs page faults, and has the whole heap collected again and again. Sizes are powers of two, so
// that bodies of one sender fit each other's; what is kept is bounded, larger bodies have memory of
// their own. Whoever gives memory back must have no view of it left.
import { BODY_MEMORY_KEPT_BYTES, BODY_MEMORY_PIECE_BYTES_MAX } from './limits.ts';

const PIECE_BYTES_MIN = 16 * 1024;

export class BodyMemory {
  /** By size. */
  readonly #free = new Map<number, Uint8Array[]>();
  #keptBytes = 0;

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /**
   * At least so many bytes with unknown content; `wishBytes`, where they are kept: so much may
   * come, and for what stands here anyway nobody need have sent it yet.
   */
  take(sizeBytes: number, wishBytes = sizeBytes): Uint8Array {
    const wished = wishBytes > sizeBytes ? this.#kept(wishBytes) : undefined;
    if (wished !== undefined) return wished;
    if (sizeBytes > BODY_MEMORY_PIECE_BYTES_MAX) return uninitialised(sizeBytes);
    return this.#kept(sizeBytes) ?? uninitialised(pieceBytesOf(sizeBytes));
  }

  #kept(sizeBytes: number): Uint8Array | undefined {
    const kept = this.#free.get(pieceBytesOf(sizeBytes))?.pop();
    if (kept !== undefined) this.#keptBytes -= kept.length;
    return kept;
  }

  /** What `take` gave, once. */
  give(piece: Uint8Array): void {
    const { length } = piece;
    if (length > BODY_MEMORY_PIECE_BYTES_MAX) return;
    if (this.#keptBytes + length > BODY_MEMORY_KEPT_BYTES) return;
    let pieces = this.#free.get(length);
    if (pieces === undefined) this.#free.set(length, (pieces = []));
    pieces.push(piece);
    this.#keptBytes += length;
  }
}

function pieceBytesOf(sizeBytes: number): number {
  return Math.max(PIECE_BYTES_MIN, 2 ** Math.ceil(Math.log2(sizeBytes)));
}

function uninitialised(sizeBytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
}
