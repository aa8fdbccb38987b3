// A seen list as bytes (docs/formats/seen-list.md): which series of a shard were written within the
// window, and when last.
import { crc32 } from '../codec/crc32.ts';
import { CodecError } from '../codec/varint.ts';
import type { TenantId } from '../model/tenant.ts';
import type { BlobInfo, Blobs } from '../blobs/blobs.ts';
import { SEEN_LIST_MAX_BYTES, SEEN_SLICE_WORDS } from './limits.ts';
import { SEEN_LISTS } from './names.ts';
import { SEEN_ENTRY_WORDS } from './remembered-series.ts';
import type { SeenList } from './remembered-series.ts';
import { SEEN_WORDS } from './seen-table.ts';
import type { SeriesIndex } from './series-index.ts';
import { windowStart } from './series-seen.ts';

const MAGIC = 'ORRYSEEN';
const VERSION = 1;
const HEAD_SIZE = 32;
/** Number of entries and checksum. */
const END_SIZE = 8;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// ---------------------------------------------------------------- writing

interface ListStretch {
  readonly shard: number;
  readonly frontier: number;
  readonly nowMs: number;
}

function encodeHead(
  { shard, frontier }: ListStretch,
  seed: number,
  tenants: readonly TenantId[],
): Uint8Array {
  const text = encoder.encode(JSON.stringify(tenants));
  const bytes = new Uint8Array(HEAD_SIZE + Math.ceil(text.length / 4) * 4).fill(0x20, HEAD_SIZE);
  encoder.encodeInto(MAGIC, bytes);
  bytes.set(text, HEAD_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, shard, true);
  view.setFloat64(16, frontier, true);
  view.setUint32(24, seed, true);
  view.setUint32(28, bytes.length - HEAD_SIZE, true);
  return bytes;
}

/**
 * Slices of entries of the first tenants, each borrowed until the next one: rows first, then what
 * has none.
 */
function* slices(
  index: SeriesIndex,
  after: number,
  tenantEnd: number,
): Generator<Uint32Array, void, undefined> {
  const out = new Uint32Array(SEEN_SLICE_WORDS);
  const count = SEEN_SLICE_WORDS / SEEN_ENTRY_WORDS;
  const { slotEnd, tenants } = index.seen;
  for (let from = 0; from < slotEnd; from += count) {
    // Not earlier: what grew has moved.
    const { remembered, marks } = index.seen;
    const to = Math.min(from + count, slotEnd);
    const end = remembered.rowEntries(marks, { from, to, after, tenantEnd }, out);
    if (end > 0) yield out.subarray(0, end);
  }
  for (let tenant = 0; tenant < tenantEnd; tenant++) {
    const words = tenants[tenant]!.remembered?.words ?? new Uint32Array(0);
    let end = 0;
    for (let at = 0; at < words.length; at += SEEN_WORDS) {
      if (words[at]! <= after) continue;
      out[end++] = tenant;
      for (let i = 0; i < SEEN_WORDS; i++) out[end++] = words[at + i]!;
      if (end < SEEN_SLICE_WORDS) continue;
      yield out;
      end = 0;
    }
    if (end > 0) yield out.subarray(0, end);
  }
}

/**
 * The object in chunks, each borrowed until the next one is asked for. A series that is written
 * while they are made may be in it with that second or without it: the log behind the frontier has
 * the write.
 */
export async function* seenListChunks(
  index: SeriesIndex,
  stretch: ListStretch,
  pause: () => Promise<void> | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { tenants, remembered } = index.seen;
  // Others may come as soon as the head is given away, and it does not name them.
  const tenantEnd = tenants.length;
  const head = encodeHead(
    stretch,
    remembered.seed,
    tenants.map(({ id }) => id),
  );
  let crc = crc32(head);
  let words = 0;
  yield head;
  for (const slice of slices(index, windowStart(stretch.nowMs), tenantEnd)) {
    const bytes = new Uint8Array(slice.buffer, 0, slice.byteLength);
    crc = crc32(bytes, crc);
    words += slice.length;
    yield bytes;
    const rest = pause();
    if (rest !== undefined) await rest;
  }
  const end = new DataView(new ArrayBuffer(END_SIZE));
  end.setUint32(0, words / SEEN_ENTRY_WORDS, true);
  crc = crc32(new Uint8Array(end.buffer, 0, 4), crc);
  end.setUint32(4, crc, true);
  yield new Uint8Array(end.buffer);
}

// ---------------------------------------------------------------- reading

/** Throws CodecError where it is not as it was written. */
export function parseSeenList(bytes: Uint8Array<ArrayBuffer>, skipCrc = false): SeenList {
  const { length } = bytes;
  if (length < HEAD_SIZE + END_SIZE || decoder.decode(bytes.subarray(0, 8)) !== MAGIC)
    throw new CodecError('it is no seen list');
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const version = view.getUint32(8, true);
  if (version !== VERSION)
    throw new CodecError(`a seen list of version ${version}, known is ${VERSION}`);
  if (!skipCrc && view.getUint32(length - 4, true) !== crc32(bytes.subarray(0, length - 4)))
    throw new CodecError('the checksum is wrong');
  const start = HEAD_SIZE + view.getUint32(28, true);
  const sizeBytes = length - END_SIZE - start;
  const count = view.getUint32(length - END_SIZE, true);
  if (sizeBytes !== count * SEEN_ENTRY_WORDS * 4)
    throw new CodecError(`it has ${sizeBytes} bytes of ${count} entries`);
  const tenants = JSON.parse(decoder.decode(bytes.subarray(HEAD_SIZE, start))) as TenantId[];
  return {
    shard: view.getUint32(12, true),
    frontier: view.getFloat64(16, true),
    seed: view.getUint32(24, true),
    tenants,
    entries: new Uint32Array(bytes.slice(start, start + sizeBytes).buffer),
  };
}

/** Throws CodecError, and what `blobs` throws. */
export async function readSeenList(
  blobs: Pick<Blobs, 'get'>,
  { name, sizeBytes }: BlobInfo,
  skipCrc = false,
): Promise<SeenList> {
  if (sizeBytes > SEEN_LIST_MAX_BYTES) throw new CodecError(`it has ${sizeBytes} bytes`);
  const bytes = new Uint8Array(sizeBytes);
  await blobs.get(name, { offset: 0, length: sizeBytes }, bytes);
  return parseSeenList(bytes, skipCrc);
}

/** Shard and frontier of a list by its name; undefined: it is none. */
export function parseSeenListName(
  name: string,
): { readonly shard: number; readonly frontier: number } | undefined {
  if (!name.startsWith(SEEN_LISTS)) return undefined;
  const found = /^(\d+)\/(\d{16})\.seen$/.exec(name.slice(SEEN_LISTS.length));
  if (found === null) return undefined;
  return { shard: Number(found[1]), frontier: Number(found[2]) };
}
