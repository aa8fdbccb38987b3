// What encoder and decoder of log records share (docs/formats/log-record.md).
import type { WriteBatch } from '../model/columns.ts';
import type { Matcher, MatchType } from '../model/matcher.ts';
import type { TenantId } from '../model/tenant.ts';
import { RECORD_POINT_BYTES } from './limits.ts';
import type { SeriesDefinitions } from './record-series.ts';

export const RECORD_VERSION = 4;
/** Had no runs; 3 had no packed values. */
export const RECORD_VERSION_MIN = 2;
export const RECORD_KIND = { batch: 1, delete: 2 } as const;
export const RECORD_FLAG = { inline: 1, clientBatchId: 2 } as const;
export const HEADER_SIZE = 64;
const COUNT_OFFSET = 56;
export const SIZE_OFFSET = 60;
export const COMPANION = {
  rows: 1,
  subNs: 2,
  startUs: 4,
  position: 8,
  seriesRuns: 16,
  packed: 32,
} as const;
export const TIME_MODE = { raw: 0, const: 1, runs: 2 } as const;
export const MATCH_TYPES: readonly MatchType[] = ['=', '!=', '=~', '!~'];

/** `ref`: definitions once after each cut. `inline`: every record stands alone. */
export type SeriesEncoding = 'ref' | 'inline';

export interface RecordHeader {
  readonly offset: number;
  readonly durableOffset: number;
  readonly session: number;
  readonly writtenMs: number;
  readonly tenant: TenantId;
  readonly tokenId: string;
  readonly protocol: string;
  readonly batchId: Uint8Array;
  /** The writer chose the id, so a retry may come. */
  readonly isClientBatchId: boolean;
}

export interface BatchRecord {
  readonly kind: 'batch';
  readonly header: RecordHeader;
  readonly encoding: SeriesEncoding;
  /** None where the reader said that it knows the session's refs. */
  readonly definitions: SeriesDefinitions;
  /** As written, but every ref is a series number. */
  readonly batch: WriteBatch;
}

export interface DeleteRecord {
  readonly kind: 'delete';
  readonly header: RecordHeader;
  readonly matchers: readonly Matcher[];
  readonly startUs: number;
  readonly endUs: number;
}

/**
 * What a record counts for where the length of a log is bounded: heads and replays go by its
 * points, however few bytes these took.
 */
export function tailSizeOf(record: Uint8Array): number {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  return Math.max(record.length, view.getUint32(COUNT_OFFSET, true) * RECORD_POINT_BYTES);
}
