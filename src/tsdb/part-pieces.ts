// How the readers of an index get at its pieces: checked, decoded, and kept decoded in a cache that
// all parts share. Damage becomes an AppError that names the part and the piece.
import type { ByteReader } from '../codec/varint.ts';
import type { PiecePlace } from './part-format.ts';

/** What was decoded, and an estimate of the memory it holds. */
export interface Decoded<T> {
  readonly value: T;
  readonly sizeBytes: number;
}

export interface PieceLoader {
  /** From the cache, or read and decoded; `name` is unique within the part and tenant. */
  piece<T>(
    name: string,
    place: PiecePlace,
    decode: (reader: ByteReader) => Decoded<T> | Promise<Decoded<T>>,
  ): Promise<T>;
  /** Read and decoded, not kept. */
  once<T>(name: string, place: PiecePlace, decode: (reader: ByteReader) => T): Promise<T>;
}
