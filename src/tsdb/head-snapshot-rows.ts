// Rows of a head snapshot (docs/formats/head-snapshot.md): how each is written, one behind the
// other in pieces of bounded size, and read back.
import { readHistogram, writeHistogram } from '../codec/column-histogram.ts';
import { ByteReader, ByteWriter, CodecError } from '../codec/varint.ts';
import type { Attribute, Exemplar } from '../model/columns.ts';
import type { Histogram } from '../model/histogram.ts';
import { matcher } from '../model/matcher.ts';
import type { MatchType } from '../model/matcher.ts';
import type { TenantId } from '../model/tenant.ts';
import type { BatchId, TenantSplit } from './catalog-rows.ts';
import type { Delete } from './deletes.ts';
import type { Dated, TenantMetadata } from './head.ts';
import type { PageCompanions } from './head-objects.ts';
import { HEAD_SNAPSHOT_PIECE_BYTES, HEAD_SNAPSHOT_PIECE_ROWS } from './limits.ts';

/** A split with the offset of the record that brought it. */
export interface DatedSplit {
  readonly offset: number;
  readonly split: TenantSplit;
}

export interface TenantBatchId extends BatchId {
  readonly tenant: TenantId;
}

export interface CompanionRow {
  readonly page: number;
  readonly capacity: number;
  readonly columns: PageCompanions;
}

export interface RowCodec<T> {
  readonly write: (out: ByteWriter, row: T) => void;
  readonly read: (reader: ByteReader) => T;
}

/** Pieces, each borrowed until the next one is asked for. */
export function* rowPieces<T>(
  rows: Iterable<T>,
  { write }: RowCodec<T>,
): Generator<Uint8Array, void, undefined> {
  const out = new ByteWriter(1024);
  let count = 0;
  for (const row of rows) {
    write(out, row);
    if (out.size < HEAD_SNAPSHOT_PIECE_BYTES && ++count < HEAD_SNAPSHOT_PIECE_ROWS) continue;
    yield out.bytes();
    out.reset();
    count = 0;
  }
  if (out.size > 0) yield out.bytes();
}

/** The first `count` rows of a list that only grows. */
export function* firstOf<T>(rows: readonly T[], count: number): Generator<T, void, undefined> {
  for (let i = 0; i < count; i++) yield rows[i]!;
}

export function readRows<T>(bytes: Uint8Array, { read }: RowCodec<T>): T[] {
  const reader = new ByteReader(bytes);
  const rows: T[] = [];
  while (reader.left > 0) rows.push(read(reader));
  return rows;
}

export const TEXT_ROW: RowCodec<string> = {
  write: (out, text) => out.string(text),
  read: (reader) => reader.string(),
};

export const HISTOGRAM_ROW: RowCodec<Histogram> = {
  write: writeHistogram,
  read: readHistogram,
};

export const METADATA_ROW: RowCodec<Dated<TenantMetadata>> = {
  write: (out, { moment, row }) => {
    out.f64(moment);
    for (const text of [row.tenant, row.family, row.type, row.unit, row.help]) out.string(text);
  },
  read: (reader) => {
    const moment = reader.f64();
    const tenant = reader.string();
    const family = reader.string();
    const type = reader.string();
    const unit = reader.string();
    return { moment, row: { tenant, family, type, unit, help: reader.string() } };
  },
};

export const EXEMPLAR_ROW: RowCodec<Dated<Exemplar>> = {
  write: (out, { moment, row }) => {
    out.f64(moment);
    out.u32(row.ref);
    out.f64(row.tUs);
    out.varint(row.subNs);
    out.f64(row.value);
    out.varint(row.labels.length);
    for (const text of row.labels) out.string(text);
  },
  read: (reader) => {
    const moment = reader.f64();
    const ref = reader.u32();
    const tUs = reader.f64();
    const subNs = reader.varint();
    const value = reader.f64();
    const labels = Array.from({ length: reader.count() }, () => reader.string());
    return { moment, row: { ref, labels, tUs, subNs, value } };
  },
};

export const ATTRIBUTE_ROW: RowCodec<Dated<Attribute>> = {
  write: (out, { moment, row }) => {
    out.f64(moment);
    out.u32(row.ref);
    out.string(row.key);
    out.string(row.value);
  },
  read: (reader) => {
    const moment = reader.f64();
    const ref = reader.u32();
    const key = reader.string();
    return { moment, row: { ref, key, value: reader.string() } };
  },
};

const HAS = { subNs: 1, startUs: 2, position: 4 };
const ALL_COLUMNS = HAS.subNs | HAS.startUs | HAS.position;

export const COMPANION_ROW: RowCodec<CompanionRow> = {
  write: (out, { page, capacity, columns: { subNs, startUs, position } }) => {
    out.u32(page);
    out.u8(capacity);
    const has = (subNs && HAS.subNs) ?? 0;
    out.u8(has | ((startUs && HAS.startUs) ?? 0) | ((position && HAS.position) ?? 0));
    if (subNs !== undefined) out.column(subNs, capacity);
    if (startUs !== undefined) out.column(startUs, capacity);
    if (position === undefined) return;
    out.column(position.latitude, capacity);
    out.column(position.longitude, capacity);
    out.column(position.elevation, capacity);
  },
  read: (reader) => {
    const page = reader.u32();
    const capacity = reader.u8();
    const has = reader.u8();
    if (has > ALL_COLUMNS) throw new CodecError(`companions ${has} before ${reader.at}`);
    const f64s = (): Float64Array => new Float64Array(reader.copy(capacity * 8));
    const subNs = (has & HAS.subNs) === 0 ? undefined : new Uint16Array(reader.copy(capacity * 2));
    const startUs = (has & HAS.startUs) === 0 ? undefined : f64s();
    const position =
      (has & HAS.position) === 0
        ? undefined
        : { latitude: f64s(), longitude: f64s(), elevation: f64s() };
    return { page, capacity, columns: { subNs, startUs, position } };
  },
};

export const DELETE_ROW: RowCodec<Delete> = {
  write: (out, { offset, moment, startUs, endUs, tenant, matchers }) => {
    out.f64(offset);
    out.f64(moment);
    out.f64(startUs);
    out.f64(endUs);
    out.string(tenant);
    out.varint(matchers.length);
    for (const { name, type, value } of matchers) {
      out.string(name);
      out.string(type);
      out.string(value);
    }
  },
  read: (reader) => {
    const offset = reader.f64();
    const moment = reader.f64();
    const startUs = reader.f64();
    const endUs = reader.f64();
    const tenant = reader.string();
    const matchers = Array.from({ length: reader.count(3) }, () => {
      const name = reader.string();
      // Written from a matcher; `matcher` takes any other type for the last one.
      const type = reader.string() as MatchType;
      return matcher(name, type, reader.string());
    });
    return { offset, moment, startUs, endUs, tenant, matchers };
  },
};

export const SPLIT_ROW: RowCodec<DatedSplit> = {
  write: (out, { offset, split }) => {
    out.f64(offset);
    for (const text of [split.tenant, split.name, split.measurement, split.field]) out.string(text);
  },
  read: (reader) => {
    const offset = reader.f64();
    const tenant = reader.string();
    const name = reader.string();
    const measurement = reader.string();
    return { offset, split: { tenant, name, measurement, field: reader.string() } };
  },
};

export const BATCH_ID_ROW: RowCodec<TenantBatchId> = {
  write: (out, { offset, seenMs, id, tenant }) => {
    out.f64(offset);
    out.f64(seenMs);
    out.string(id);
    out.string(tenant);
  },
  read: (reader) => {
    const offset = reader.f64();
    const seenMs = reader.f64();
    const id = reader.string();
    return { offset, seenMs, id, tenant: reader.string() };
  },
};
