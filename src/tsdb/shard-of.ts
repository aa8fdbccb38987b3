// Which shard a series, a family or a metric name belongs to, and how a ref carries its shard. The
// hash is part of what lies on the disk (docs/decisions/0024): FNV-1a over UTF-8 bytes (Fowler,
// Noll, Vo, 1991) with the finalizer of MurmurHash3, modulo the number of shards. It never changes.
import type { SeriesRef } from '../model/columns.ts';
import { RANGE_STRIDE } from '../model/label-bytes.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { assert } from '../stdx/assert.ts';
import { REF_MAX } from './limits.ts';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** Between two texts: no byte of UTF-8. */
const SEPARATOR = 0xff;

function withByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, FNV_PRIME);
}

/** The UTF-8 bytes of a well-formed string and the separator. */
function withText(start: number, text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      hash = withByte(hash, unit);
      continue;
    }
    const point = text.codePointAt(i)!;
    if (point < 0x800) hash = withByte(hash, 0xc0 | (point >>> 6));
    else {
      if (point < 0x10000) hash = withByte(hash, 0xe0 | (point >>> 12));
      else {
        hash = withByte(hash, 0xf0 | (point >>> 18));
        hash = withByte(hash, 0x80 | ((point >>> 12) & 0x3f));
        i++;
      }
      hash = withByte(hash, 0x80 | ((point >>> 6) & 0x3f));
    }
    hash = withByte(hash, 0x80 | (point & 0x3f));
  }
  return withByte(hash, SEPARATOR);
}

function finished(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The shard, 0 to shardCount - 1, that owns a series. */
export function shardOfSeries(tenant: TenantId, labels: Labels, shardCount: number): number {
  let hash = withText(FNV_OFFSET, tenant);
  for (const text of labels) hash = withText(hash, text);
  return finished(hash) % shardCount;
}

/** As `shardOfSeries`, from the labels' UTF-8. */
export function shardOfBytes(tenant: TenantId, labels: LabelBytes, shardCount: number): number {
  const { bytes, ranges, count } = labels;
  let hash = withText(FNV_OFFSET, tenant);
  for (let at = 0; at < count * RANGE_STRIDE; at += 2) {
    const end = ranges[at + 1]!;
    for (let i = ranges[at]!; i < end; i++) hash = withByte(hash, bytes[i]!);
    hash = withByte(hash, SEPARATOR);
  }
  return finished(hash) % shardCount;
}

/** The shard that owns what belongs to a name alone: the split of a metric, a family's metadata. */
export function shardOfName(tenant: TenantId, name: string, shardCount: number): number {
  return finished(withText(withText(FNV_OFFSET, tenant), name)) % shardCount;
}

/** Refs of a shard are spread over the refs of the whole, so that those stay as dense as before. */
export function refOf(local: SeriesRef, shard: number, shardCount: number): SeriesRef {
  const ref = local * shardCount + shard;
  assert(ref <= REF_MAX, 'refs fit the columns');
  return ref;
}

export function shardOfRef(ref: SeriesRef, shardCount: number): number {
  return ref % shardCount;
}

export function localRef(ref: SeriesRef, shardCount: number): SeriesRef {
  return Math.floor(ref / shardCount);
}
