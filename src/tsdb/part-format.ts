// What writer and reader of parts share (docs/formats/part.md).
import type { Labels } from '../model/labels.ts';
import type { Exemplar, Metadata, Samples, SeriesRef } from '../model/columns.ts';
import type { TenantId } from '../model/tenant.ts';

export const PART_VERSION = 2;
export const HEAD_MAGIC = 'ORRYPART';
export const FOOTER_MAGIC = 'ORRYPEND';
export const FOOTER_SIZE = 64;
export const SECTIONS = ['index', 'exemplars', 'attributes', 'metadata'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** A run of bytes of the part and its CRC-32C. */
export interface PiecePlace {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly crc: number;
}

export type SectionPlace = PiecePlace;

export const NO_SECTION: SectionPlace = { offset: 0, sizeBytes: 0, crc: 0 };

export interface TenantDirectory {
  readonly tenant: TenantId;
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly minUs: number;
  readonly maxUs: number;
  /** Blocks and time columns. */
  readonly dataOffset: number;
  readonly dataSizeBytes: number;
  /** `index` is the root; the index lies between the data and its end. */
  readonly sections: Readonly<Record<SectionName, SectionPlace>>;
}

/** The catalog's row of a part: what opening a store needs to know. */
export interface PartRow {
  readonly name: string;
  readonly level: number;
  /** Start of the time partition; undefined at level 0 and without time (partitions.ts). */
  readonly partitionUs: number | undefined;
  readonly seqMin: number;
  /** Exclusive. */
  readonly seqMax: number;
  /** Every delete with a lower offset is applied to the part's bytes; at least seqMax. */
  readonly deletesEnd: number;
  /** Times of samples and exemplars: a delete that misses them has nothing to hide here. */
  readonly minUs: number;
  readonly maxUs: number;
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly sizeBytes: number;
}

export interface SeriesExemplar extends Omit<Exemplar, 'ref'> {
  readonly series: Labels;
}

export interface SeriesAttribute {
  readonly series: Labels;
  readonly key: string;
  readonly value: string;
}

/** One tenant's content on its way into a part; series sorted by labels. */
export interface TenantContent {
  readonly tenant: TenantId;
  /** Handed over some at a time; each series is done with when the next is asked for. */
  readonly series: AsyncIterable<Iterable<SeriesContent>>;
  readonly exemplars: readonly SeriesExemplar[];
  readonly attributes: readonly SeriesAttribute[];
  readonly metadata: readonly Metadata[];
}

export interface SeriesContent {
  /** Labels, or a ref of the index that the part is written from; the same for all of a part. */
  readonly series: Labels | SeriesRef;
  readonly chunks: readonly Samples[];
}
