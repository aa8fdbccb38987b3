// How the readers of an index get at its pieces: checked, decoded, and kept decoded in a cache that
// all parts share. Damage becomes an AppError that names the part and the piece.
import type { ByteReader } from '../codec/varint.ts';
import type { Decoded, SectionSlot } from './part-cache.ts';
import type { ColumnCache } from './column-cache.ts';
import type { PiecePlace } from './part-format.ts';

export interface PieceLoader {
  /** Where columns of row groups are kept. */
  readonly columns: Pick<ColumnCache, 'drop'>;
  /**
   * From the cache, or read and decoded; `name` is unique within the part and tenant. Who asks
   * often looks into its `slot` first.
   */
  piece<T>(
    name: string,
    place: PiecePlace,
    decode: (reader: ByteReader) => Decoded<T> | Promise<Decoded<T>>,
    slot?: SectionSlot<T>,
  ): Promise<T>;
  /** Made of other pieces, and kept as they are. */
  kept<T>(name: string, make: () => Promise<Decoded<T>>): Promise<T>;
  /** The most that one thing should take of the cache. */
  readonly largestBytes: number;
  /** Read and decoded, not kept. */
  once<T>(name: string, place: PiecePlace, decode: (reader: ByteReader) => T): Promise<T>;
}
