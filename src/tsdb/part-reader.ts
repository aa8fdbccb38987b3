// One part, read through ranged gets (docs/formats/part.md). Directory and sections are checked
// against their CRC and kept decoded in a cache shared by all parts; blocks are read in windows by
// the cursors of `select.ts`. Damage is an AppError corrupt that names the blob and the place; a
// damaged block leaves its neighbours readable.
import type { Blobs } from '../blobs/blobs.ts';
import { decodeBody, readBodyHeader } from '../codec/block.ts';
import type { BlockHeader } from '../codec/block.ts';
import { crc32c } from '../codec/crc32c.ts';
import { decodeTimes, gridTimes } from '../codec/times.ts';
import { ByteReader, CodecError } from '../codec/varint.ts';
import type { Metadata, Samples } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { errorMessage } from '../stdx/assert.ts';
import { FOOTER_MAGIC, FOOTER_SIZE, PART_VERSION, SECTIONS } from './part-format.ts';
import type {
  PartRow,
  PiecePlace,
  SectionName,
  SectionPlace,
  SeriesAttribute,
  SeriesExemplar,
  TenantDirectory,
} from './part-format.ts';
import type { ColumnCache } from './column-cache.ts';
import { SectionSlot } from './part-cache.ts';
import type { Decoded, ExtentCache, SectionCache } from './part-cache.ts';
import { PartIndex } from './part-index.ts';
import type { PieceLoader } from './part-pieces.ts';
import type { PartRefs } from './part-refs.ts';
import type { BlockPlace } from './part-rows.ts';

export interface PartContext {
  readonly blobs: Pick<Blobs, 'get'>;
  readonly cache: SectionCache;
  readonly extents: ExtentCache;
  readonly columns: ColumnCache;
  readonly skipCrc: boolean;
  /** Called once per damaged place. */
  readonly onCorrupt: (part: PartRow, reason: string) => void;
}

export class Part {
  readonly row: PartRow;
  readonly #context: PartContext;
  readonly #directorySlot = new SectionSlot<ReadonlyMap<TenantId, TenantDirectory>>();
  readonly #roots = new Map<TenantId, SectionSlot<PartIndex>>();
  /** A place that could not be read: merges leave the part alone. */
  isDamaged = false;

  constructor(row: PartRow, context: PartContext) {
    this.row = row;
    this.#context = context;
  }

  get columns(): ColumnCache {
    return this.#context.columns;
  }

  /** Somebody found a place that cannot be read. */
  noteDamage(reason: string): void {
    this.isDamaged = true;
    this.#context.onCorrupt(this.row, reason);
  }

  #damage(where: string, cause: unknown): AppError {
    const reason = `${this.row.name}: ${where}: ${errorMessage(cause)}`;
    this.noteDamage(reason);
    return new AppError('corrupt', 'corrupt-block', reason, { cause });
  }

  /** Directory rows in byte order of tenants. */
  async tenants(): Promise<readonly TenantDirectory[]> {
    return [...(await this.#directory()).values()];
  }

  #directory(): Promise<ReadonlyMap<TenantId, TenantDirectory>> {
    const load = async (): Promise<Decoded<ReadonlyMap<TenantId, TenantDirectory>>> => {
      const rows = await this.#readDirectory();
      const value = new Map(rows.map((row) => [row.tenant, row]));
      return { value, sizeBytes: rows.length * 400 + 100 };
    };
    const slot = this.#directorySlot;
    return slot.held ?? this.#context.cache.get(this.row.name, 'directory', load, slot);
  }

  async #readDirectory(): Promise<TenantDirectory[]> {
    const footer = await this.read(this.row.sizeBytes - FOOTER_SIZE, FOOTER_SIZE);
    try {
      const place = readFooter(footer, this.#context.skipCrc);
      const bytes = await this.#bytes(place);
      return readDirectory(new ByteReader(bytes));
    } catch (error) {
      if (error instanceof CodecError) throw this.#damage('footer or directory', error);
      throw error;
    }
  }

  async #bytes(place: PiecePlace): Promise<Uint8Array> {
    const { offset, sizeBytes, crc } = place;
    if (offset + sizeBytes > this.row.sizeBytes) throw new CodecError('a section outside the part');
    const bytes = await this.read(offset, sizeBytes);
    if (!this.#context.skipCrc && crc32c(bytes) !== crc)
      throw new CodecError('the checksum of the section is wrong');
    return bytes;
  }

  /** A tenant's directory row; undefined where the part holds nothing of it. */
  async tenant(tenant: TenantId): Promise<TenantDirectory | undefined> {
    return (await this.#directory()).get(tenant);
  }

  /** undefined where the part has no series of the tenant. */
  async index(tenant: TenantId): Promise<PartIndex | undefined> {
    const place = (await this.tenant(tenant))?.sections.index;
    if (place === undefined || place.sizeBytes === 0) return undefined;
    const slot = this.#rootOf(tenant);
    if (slot.held !== undefined) return slot.held;
    const pieces = this.#pieces(tenant);
    const decode = (reader: ByteReader): Decoded<PartIndex> => {
      const value = new PartIndex(reader, pieces);
      return { value, sizeBytes: value.sizeBytes };
    };
    return pieces.piece('root', place, decode, slot);
  }

  #rootOf(tenant: TenantId): SectionSlot<PartIndex> {
    let slot = this.#roots.get(tenant);
    if (slot === undefined) this.#roots.set(tenant, (slot = new SectionSlot()));
    return slot;
  }

  #pieces(tenant: TenantId): PieceLoader {
    const once = <T>(
      name: string,
      place: PiecePlace,
      decode: (reader: ByteReader) => T | Promise<T>,
    ): Promise<T> =>
      this.#checked(`index of ${tenant}: ${name}`, place, (bytes) => decode(new ByteReader(bytes)));
    return {
      columns: this.#context.columns,
      largestBytes: this.#context.cache.largestBytes,
      once,
      kept: (name, make) => this.#context.cache.get(this.row.name, `${tenant} ${name}`, make),
      piece: (name, place, decode, slot) =>
        this.#context.cache.get(
          this.row.name,
          `${tenant} ${name}`,
          () => once(name, place, decode),
          slot,
        ),
    };
  }

  /**
   * Which of its series are which of the index; made by `find` where it is not known, or anew.
   */
  refs(tenant: TenantId, find: () => Promise<PartRefs>, isAnew: boolean): Promise<PartRefs> {
    const { cache } = this.#context;
    const { name } = this.row;
    const key = `refs of ${tenant}`;
    if (isAnew) cache.drop(name, key);
    return cache.get(name, key, async () => {
      const value = await find();
      return { value, sizeBytes: value.sizeBytes };
    });
  }

  /** The times of a column: one array for all blocks that have them, not to be written to. */
  async times(tenant: TenantId, index: PartIndex, number: number): Promise<Float64Array> {
    const slot = index.columnSlot(number);
    if (slot.held !== undefined) return slot.held;
    const load = async (): Promise<Decoded<Float64Array>> => {
      const group = await index.timeGroup((await index.timeTable()).groupOf(number));
      const at = number - group.first;
      const offset = group.offsets[at]!;
      const sizeBytes = group.sizes[at]!;
      const place = {
        firstUs: group.firstUs[at]!,
        lastUs: group.lastUs[at]!,
        count: group.counts[at]!,
      };
      const { skipCrc } = this.#context;
      const bytes = sizeBytes === 0 ? undefined : await this.read(offset, sizeBytes);
      try {
        const value =
          bytes === undefined ? gridTimes(place) : decodeTimes(bytes, place, { skipCrc });
        return { value, sizeBytes: value.length * 8 + 100 };
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        throw this.#damage(`times at ${offset}, ${sizeBytes} bytes`, error);
      }
    };
    return this.#context.cache.get(this.row.name, `${tenant} column ${number}`, load, slot);
  }

  async exemplars(tenant: TenantId): Promise<readonly SeriesExemplar[]> {
    return (await this.#section(tenant, 'exemplars', rowsOf(readExemplar))) ?? [];
  }

  async attributes(tenant: TenantId): Promise<readonly SeriesAttribute[]> {
    return (await this.#section(tenant, 'attributes', rowsOf(readAttribute))) ?? [];
  }

  async metadata(tenant: TenantId): Promise<readonly Metadata[]> {
    return (
      (await this.#section(tenant, 'metadata', (bytes) => {
        const reader = new ByteReader(bytes);
        const value: Metadata[] = [];
        for (let left = reader.count(4); left > 0; left--) value.push(readMetadata(reader));
        reader.finish();
        return { value, sizeBytes: bytes.length * 2 };
      })) ?? []
    );
  }

  async #section<T>(
    tenant: TenantId,
    name: SectionName,
    decode: (bytes: Uint8Array) => { value: T; sizeBytes: number },
  ): Promise<T | undefined> {
    const place = (await this.tenant(tenant))?.sections[name];
    if (place === undefined || place.sizeBytes === 0) return undefined;
    return this.#context.cache.get(this.row.name, `section ${name} of ${tenant}`, () =>
      this.#checked(`section ${name} of ${tenant}`, place, decode),
    );
  }

  /** Reads, checks and decodes a piece. */
  async #checked<T>(
    what: string,
    place: PiecePlace,
    decode: (bytes: Uint8Array) => T | Promise<T>,
  ): Promise<T> {
    try {
      return await decode(await this.#bytes(place));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw this.#damage(`${what} at ${place.offset}, ${place.sizeBytes} bytes`, error);
    }
  }

  /**
   * Raw bytes of the blob, borrowed and not to be written to. `isOnce`: they will not be asked for
   * again, and are not kept.
   */
  async read(offset: number, length: number, isOnce = false): Promise<Uint8Array> {
    const { blobs, extents } = this.#context;
    const { name, sizeBytes } = this.row;
    try {
      return isOnce
        ? await blobs.get(name, { offset, length })
        : await extents.read(blobs, { name, sizeBytes }, { offset, length });
    } catch (error) {
      // Too short, or gone while it was in use: to a reader both are damage, not an empty answer.
      const isDamage =
        error instanceof AppError && (error.kind === 'corrupt' || error.kind === 'notFound');
      throw isDamage ? this.#damage(`bytes ${offset} to ${offset + length}`, error) : error;
    }
  }

  /** The block at `place` out of a window that starts at `windowOffset` of the blob. */
  decode(
    place: BlockPlace,
    tUs: Float64Array,
    { window, windowOffset }: { readonly window: Uint8Array; readonly windowOffset: number },
    sibling: Float64Array | undefined,
  ): Samples {
    const { skipCrc } = this.#context;
    const { kind, count, sizeBytes, offset } = place;
    try {
      const body = { start: offset - windowOffset, sizeBytes, kind, count };
      return decodeBody(window, body, tUs, { skipCrc, sibling });
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw this.#damage(`block at ${offset}, ${sizeBytes} bytes`, error);
    }
  }

  /** Flags and aggregates of the block at `place`, as `decode`. */
  header(
    { kind, count, sizeBytes, offset }: BlockPlace,
    { window, windowOffset }: { readonly window: Uint8Array; readonly windowOffset: number },
  ): BlockHeader {
    const { skipCrc } = this.#context;
    try {
      const body = { start: offset - windowOffset, sizeBytes, kind, count };
      return readBodyHeader(window, body, { skipCrc });
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw this.#damage(`block at ${offset}, ${sizeBytes} bytes`, error);
    }
  }

  /** Says that a block does not fit what the index says of it. */
  misfit(place: BlockPlace, reason: string): AppError {
    return this.#damage(`block at ${place.offset}`, new CodecError(reason));
  }

  /** Forgets what is cached of it (the part is gone). */
  drop(): void {
    this.#context.cache.drop(this.row.name);
    this.#context.extents.drop(this.row.name);
  }
}

/** Memory of what was read. */
export function heldBytes({ cache, extents, columns }: PartContext): number {
  return cache.sizeBytes + extents.sizeBytes + columns.sizeBytes;
}

function readFooter(footer: Uint8Array, skipCrc: boolean): SectionPlace {
  const reader = new ByteReader(footer);
  const magic = String.fromCharCode(...reader.raw(FOOTER_MAGIC.length));
  if (magic !== FOOTER_MAGIC) throw new CodecError(`the footer starts with ${magic}`);
  const version = reader.u32();
  if (version !== PART_VERSION)
    throw new CodecError(
      `version ${version} of the part format: this program reads version ${PART_VERSION}`,
    );
  const crc = reader.u32();
  const offset = reader.f64();
  const sizeBytes = reader.f64();
  reader.at = FOOTER_SIZE - 4;
  if (!skipCrc && reader.u32() !== crc32c(footer.subarray(0, FOOTER_SIZE - 4)))
    throw new CodecError('the checksum of the footer is wrong');
  return { offset, sizeBytes, crc };
}

function readDirectory(reader: ByteReader): TenantDirectory[] {
  const out: TenantDirectory[] = [];
  for (let left = reader.count(45); left > 0; left--) {
    const tenant = reader.string();
    const seriesCount = reader.varint();
    const sampleCount = reader.varint();
    const minUs = reader.f64();
    const maxUs = reader.f64();
    const dataOffset = reader.varint();
    const dataSizeBytes = reader.varint();
    const sections = Object.fromEntries(
      SECTIONS.map((name) => [
        name,
        { offset: reader.varint(), sizeBytes: reader.varint(), crc: reader.u32() },
      ]),
    ) as Record<SectionName, SectionPlace>;
    const place = { dataOffset, dataSizeBytes, sections };
    out.push({ tenant, seriesCount, sampleCount, minUs, maxUs, ...place });
  }
  reader.finish();
  return out;
}

type LabelsReader = () => Labels;

function rowsOf<T>(
  read: (reader: ByteReader, labels: LabelsReader) => T,
): (bytes: Uint8Array) => { value: T[]; sizeBytes: number } {
  return (bytes) => {
    const reader = new ByteReader(bytes);
    const symbols: string[] = [];
    for (let left = reader.count(); left > 0; left--) symbols.push(reader.string());
    const labels = (): Labels => {
      const out: string[] = [];
      for (let texts = reader.count(2) * 2; texts > 0; texts--) {
        const text = symbols[reader.varint()];
        if (text === undefined) throw new CodecError(`unknown symbol before ${reader.at}`);
        out.push(text);
      }
      return out;
    };
    const value: T[] = [];
    for (let left = reader.count(3); left > 0; left--) value.push(read(reader, labels));
    reader.finish();
    return { value, sizeBytes: bytes.length * 4 };
  };
}

function readExemplar(reader: ByteReader, labels: LabelsReader): SeriesExemplar {
  const series = labels();
  const own = labels();
  return {
    series,
    labels: own,
    tUs: reader.f64(),
    subNs: reader.varint(),
    value: reader.f64(),
  };
}

function readAttribute(reader: ByteReader, labels: LabelsReader): SeriesAttribute {
  return { series: labels(), key: reader.string(), value: reader.string() };
}

function readMetadata(reader: ByteReader): Metadata {
  return {
    family: reader.string(),
    type: reader.string(),
    unit: reader.string(),
    help: reader.string(),
  };
}
