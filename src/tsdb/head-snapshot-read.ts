// Reads a head snapshot (docs/formats/head-snapshot.md) into memory of its own, which a shard takes
// over as a whole or not at all. Everything is compared with its checksum before it is used.
import type { Blobs } from '../blobs/blobs.ts';
import { crc32 } from '../codec/crc32.ts';
import { CodecError } from '../codec/varint.ts';
import { Generation } from './head.ts';
import type { HeadParts, PageRules } from './head.ts';
import { RECORD, RECORD_WORDS } from './head-append.ts';
import { CELLS_PER_SLAB, HeadMemory } from './head-memory.ts';
import type { ArenaExtent } from './head-memory.ts';
import { usedOf } from './head-pages.ts';
import {
  decodeDirectory,
  decodeFooter,
  HEAD_SIZE,
  SNAPSHOT_FOOTER_SIZE,
} from './head-snapshot-format.ts';
import type { SnapshotDirectory, SnapshotFooter } from './head-snapshot-format.ts';
import {
  ATTRIBUTE_ROW,
  BATCH_ID_ROW,
  COMPANION_ROW,
  DELETE_ROW,
  EXEMPLAR_ROW,
  HISTOGRAM_ROW,
  METADATA_ROW,
  readRows,
  SPLIT_ROW,
  TEXT_ROW,
} from './head-snapshot-rows.ts';
import type { DatedSplit, RowCodec, TenantBatchId } from './head-snapshot-rows.ts';
import type { Delete } from './deletes.ts';
import { sectionMemory, SectionReader } from './index-sections.ts';
import type { IndexSection } from './index-sections.ts';
import { HEAD_CHUNK_REFS_LOG2, HEAD_SNAPSHOT_CHUNK_BYTES } from './limits.ts';
import { Moments } from './moments.ts';
import { slotOf } from './refs.ts';
import { SeriesIndex } from './series-index.ts';

/** What a shard begins with instead of an empty memory. */
export interface RestoredHead {
  /** Of the object. */
  readonly name: string;
  readonly frontier: number;
  /** Replay goes on here. */
  readonly offset: number;
  /** Whose refs the index has; -1: nobody's that could still write. */
  readonly session: number;
  readonly tailBytes: number;
  readonly index: SeriesIndex;
  readonly memory: HeadMemory;
  readonly moments: Moments;
  readonly generation: Generation;
  readonly deletes: readonly Delete[];
  readonly splits: readonly DatedSplit[];
  readonly tenants: readonly string[];
  readonly batchIds: readonly TenantBatchId[];
}

/** Ranged reads of one object. */
export interface SnapshotObject {
  readonly name: string;
  readonly sizeBytes: number;
  readonly blobs: Pick<Blobs, 'get'>;
}

/** undefined: of another version. Throws CodecError where it is damaged. */
export async function readFooter({
  name,
  sizeBytes,
  blobs,
}: SnapshotObject): Promise<SnapshotFooter | undefined> {
  if (sizeBytes < HEAD_SIZE + SNAPSHOT_FOOTER_SIZE)
    throw new CodecError(`it has ${sizeBytes} bytes, which is less than its footer`);
  const place = { offset: sizeBytes - SNAPSHOT_FOOTER_SIZE, length: SNAPSHOT_FOOTER_SIZE };
  return decodeFooter(await blobs.get(name, place), sizeBytes);
}

/** Throws CodecError. */
export async function readDirectory(
  { name, blobs }: SnapshotObject,
  footer: SnapshotFooter,
): Promise<SnapshotDirectory> {
  const place = { offset: footer.directoryOffset, length: footer.directorySize };
  return decodeDirectory(await blobs.get(name, place), footer);
}

/** Chunks of the content in order, each compared with its checksum; borrowed until the next. */
export async function* readChunks(
  { name, blobs }: SnapshotObject,
  { directoryOffset }: SnapshotFooter,
  { chunkCrcs }: SnapshotDirectory,
  skipCrc = false,
): AsyncGenerator<Uint8Array, void, undefined> {
  // As many and as long as there is content for.
  const buffers = [0, HEAD_SNAPSHOT_CHUNK_BYTES].map(
    (from) =>
      new Uint8Array(Math.min(HEAD_SNAPSHOT_CHUNK_BYTES, Math.max(0, directoryOffset - from))),
  );
  const read = (i: number): Promise<Uint8Array> | undefined => {
    const offset = i * HEAD_SNAPSHOT_CHUNK_BYTES;
    if (offset >= directoryOffset) return undefined;
    const length = Math.min(HEAD_SNAPSHOT_CHUNK_BYTES, directoryOffset - offset);
    const reading = blobs.get(name, { offset, length }, buffers[i % 2]!.subarray(0, length));
    // Looked at in its turn; until then a failure is nobody's.
    reading.catch(() => undefined);
    return reading;
  };
  let next = read(0);
  for (let i = 0; next !== undefined; i++) {
    const chunk = await next;
    // The one after it is read while this one is used.
    next = read(i + 1);
    if (!skipCrc && crc32(chunk) !== chunkCrcs[i])
      throw new CodecError(
        `the checksum of the bytes at ${i * HEAD_SNAPSHOT_CHUNK_BYTES} is wrong`,
      );
    yield chunk;
  }
}

/** Bytes of the content, taken in order. */
class ContentReader {
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(chunks: AsyncGenerator<Uint8Array, void, undefined>) {
    this.#chunks = chunks;
  }

  async read(target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.length;) {
      if (this.#at === this.#chunk.length) {
        const { value } = await this.#chunks.next();
        if (value === undefined) throw new CodecError('the content ends too early');
        this.#chunk = value;
        this.#at = 0;
      }
      const some = this.#chunk.subarray(this.#at, this.#at + target.length - done);
      target.set(some, done);
      done += some.length;
      this.#at += some.length;
    }
  }
}

export interface ReadOptions {
  readonly object: SnapshotObject;
  readonly footer: SnapshotFooter;
  readonly rules: PageRules;
  /** A mutation switch. */
  readonly skipCrc: boolean;
}

/** Throws CodecError where anything of it is not as it was written. */
export async function readHeadSnapshot(options: ReadOptions): Promise<RestoredHead> {
  const { object, footer, skipCrc } = options;
  const directory = await readDirectory(object, footer);
  const content = new ContentReader(readChunks(object, footer, directory, skipCrc));
  await content.read(new Uint8Array(HEAD_SIZE));
  const sections: IndexSection[] = [];
  const memory = new HeadMemory();
  let extent: ArenaExtent = { slabs: [], next: 0, end: 0 };
  for (const { name, sizeBytes } of directory.sections) {
    if (name === 'head-pages') {
      extent = extentOf(new SectionReader(sections));
      await readPages(memory, extent, sizeBytes, content);
      continue;
    }
    const bytes = sectionMemory(sizeBytes);
    await content.read(bytes);
    sections.push({ name, bytes });
  }
  return restore(options, sections, memory, extent);
}

const NUMBER_COUNT = 11;

function numbersOf(sections: SectionReader): Float64Array {
  const bytes = sections.bytes('head-numbers');
  if (bytes.length !== NUMBER_COUNT * 8) throw new CodecError('the numbers of the head are others');
  return new Float64Array(bytes.slice().buffer);
}

function extentOf(sections: SectionReader): ArenaExtent {
  const numbers = numbersOf(sections);
  return { slabs: [...sections.u32('head-slabs')], next: numbers[8]!, end: numbers[9]! };
}

async function readPages(
  memory: HeadMemory,
  { slabs, next, end }: ArenaExtent,
  sizeBytes: number,
  content: ContentReader,
): Promise<void> {
  const cells = slabs.length * CELLS_PER_SLAB - (end - next);
  const last = slabs.at(-1) ?? 0;
  const isEnd = slabs.length === 0 ? end === 0 : end === last + CELLS_PER_SLAB && next >= last;
  if (cells * 8 !== sizeBytes || !isEnd || next > end)
    throw new CodecError('the pages of the head do not fit its slabs');
  memory.takeSlabs(slabs);
  for (const slab of slabs)
    await content.read(memory.bytesAt(slab, slab === last ? next - last : CELLS_PER_SLAB));
}

function restore(
  { object, footer, rules }: ReadOptions,
  sections: readonly IndexSection[],
  memory: HeadMemory,
  extent: ArenaExtent,
): RestoredHead {
  const reader = new SectionReader(sections, true);
  const rows = <T>(name: string, codec: RowCodec<T>): T[] => readRows(reader.bytes(name), codec);
  const numbers = numbersOf(reader);
  const index = SeriesIndex.fromSections(reader);
  const moments = new Moments();
  moments.restore(numbers[7]!);
  const parts = { memory, moments, ...rules };
  const generation = restoreGeneration(footer.frontier, parts, reader, extent);
  return {
    name: object.name,
    frontier: footer.frontier,
    offset: footer.offset,
    session: numbers[0]!,
    tailBytes: numbers[1]!,
    index,
    memory,
    moments,
    generation,
    deletes: rows('deletes', DELETE_ROW),
    splits: rows('splits', SPLIT_ROW),
    tenants: rows('tenants', TEXT_ROW),
    batchIds: rows('batch-ids', BATCH_ID_ROW),
  };
}

/** A head out of its sections; its pages are in the memory. Throws CodecError. */
export function restoreGeneration(
  seqMin: number,
  parts: HeadParts,
  reader: SectionReader,
  extent: ArenaExtent,
): Generation {
  const rows = <T>(name: string, codec: RowCodec<T>): T[] => readRows(reader.bytes(name), codec);
  const numbers = numbersOf(reader);
  const generation = new Generation(seqMin, parts);
  const chunks = reader.u32('head-chunks');
  generation.restore(new Int32Array(chunks.buffer, 0, chunks.length), extent, {
    refs: reader.u32('head-refs'),
    metadata: rows('head-metadata', METADATA_ROW),
    exemplars: rows('head-exemplars', EXEMPLAR_ROW),
    attributes: rows('head-attributes', ATTRIBUTE_ROW),
    sampleCount: numbers[2]!,
    deleteCount: numbers[3]!,
    sideBytes: numbers[4]!,
    firstMoment: numbers[6]!,
  });
  generation.sealer.free.restore(reader.u32('head-free'));
  generation.inside.history.restore(
    reader.u32('head-history'),
    reader.u32('head-newest'),
    new Float64Array(reader.bytes('head-marks').slice().buffer),
  );
  const companions = rows('head-companions', COMPANION_ROW);
  generation.objects.restore({
    strings: rows('head-strings', TEXT_ROW),
    histograms: rows('head-histograms', HISTOGRAM_ROW),
    companions: new Map(companions.map(({ page, columns }) => [page, columns])),
    sizeBytes: numbers[5]!,
  });
  if (companions.length > 0) cutCompanions(generation);
  return generation;
}

/** Companions were copied later than the records: forgets those of samples that came meanwhile. */
function cutCompanions(generation: Generation): void {
  const { i32 } = generation.memory;
  const { chunks } = generation.inside;
  for (const ref of generation.refs.view()) {
    const slot = slotOf(ref);
    const chunk = chunks[slot >>> HEAD_CHUNK_REFS_LOG2]!;
    const record = chunk + (slot & (2 ** HEAD_CHUNK_REFS_LOG2 - 1)) * RECORD_WORDS;
    generation.objects.cutCompanions(
      i32[record + RECORD.page]!,
      usedOf(i32[record + RECORD.meta]!),
    );
  }
}
