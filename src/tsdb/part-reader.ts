// One part, read through ranged gets (docs/formats/part.md). Directory and sections are checked
// against their CRC and kept decoded in a cache shared by all parts; blocks are read in windows by
// the cursors of `select.ts`. Damage is an AppError corrupt that names the blob and the place; a
// damaged block leaves its neighbours readable.
import type { Blobs } from '../blobs/blobs.ts';
import { decodeBlock } from '../codec/block.ts';
import { crc32c } from '../codec/crc32c.ts';
import { ByteReader, CodecError } from '../codec/varint.ts';
import type { Metadata, Samples } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { errorMessage } from '../stdx/assert.ts';
import { FOOTER_MAGIC, FOOTER_SIZE, PART_VERSION, SECTIONS } from './part-format.ts';
import type {
  PartRow,
  SectionName,
  SectionPlace,
  SeriesAttribute,
  SeriesExemplar,
  TenantDirectory,
} from './part-format.ts';
import { PartIndex } from './part-index.ts';
import type { BlockPlace } from './part-index.ts';

/**
 * Decoded things by name, least recently used dropped first; promises, so that two readers share
 * one read.
 */
export class SectionCache {
  readonly #entries = new Map<string, { readonly value: Promise<unknown>; sizeBytes: number }>();
  readonly #limitBytes: number;
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get<T>(key: string, load: () => Promise<{ value: T; sizeBytes: number }>): Promise<T> {
    const found = this.#entries.get(key);
    if (found !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, found);
      return found.value as Promise<T>;
    }
    const entry = { value: this.#load(key, load), sizeBytes: 0 };
    this.#entries.set(key, entry);
    return entry.value;
  }

  async #load<T>(key: string, load: () => Promise<{ value: T; sizeBytes: number }>): Promise<T> {
    try {
      const { value, sizeBytes } = await load();
      const entry = this.#entries.get(key);
      if (entry !== undefined) {
        entry.sizeBytes = sizeBytes;
        this.#sizeBytes += sizeBytes;
        this.#evict(key);
      }
      return value;
    } catch (error) {
      this.#entries.delete(key);
      throw error;
    }
  }

  #evict(keep: string): void {
    for (const [key, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#limitBytes) return;
      if (key === keep || entry.sizeBytes === 0) continue;
      this.#sizeBytes -= entry.sizeBytes;
      this.#entries.delete(key);
    }
  }

  /** Forgets everything whose key starts with `prefix`. */
  drop(prefix: string): void {
    for (const [key, entry] of this.#entries)
      if (key.startsWith(prefix)) {
        this.#sizeBytes -= entry.sizeBytes;
        this.#entries.delete(key);
      }
  }
}

export interface PartContext {
  readonly blobs: Blobs;
  readonly cache: SectionCache;
  readonly skipCrc: boolean;
  /** Called once per damaged place. */
  readonly onCorrupt: (part: PartRow, reason: string) => void;
}

export class Part {
  readonly row: PartRow;
  readonly #context: PartContext;
  /** A place that could not be read: merges leave the part alone. */
  isDamaged = false;

  constructor(row: PartRow, context: PartContext) {
    this.row = row;
    this.#context = context;
  }

  #damage(where: string, cause: unknown): AppError {
    this.isDamaged = true;
    const reason = `${this.row.name}: ${where}: ${errorMessage(cause)}`;
    this.#context.onCorrupt(this.row, reason);
    return new AppError('corrupt', 'corrupt-block', reason, { cause });
  }

  /** Directory rows in byte order of tenants. */
  tenants(): Promise<readonly TenantDirectory[]> {
    return this.#context.cache.get(`${this.row.name} directory`, async () => {
      const value = await this.#readDirectory();
      return { value, sizeBytes: value.length * 300 + 100 };
    });
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

  async #bytes(place: SectionPlace): Promise<Uint8Array> {
    const { offset, sizeBytes, crc } = place;
    if (offset + sizeBytes > this.row.sizeBytes) throw new CodecError('a section outside the part');
    const bytes = await this.read(offset, sizeBytes);
    if (!this.#context.skipCrc && crc32c(bytes) !== crc)
      throw new CodecError('the checksum of the section is wrong');
    return bytes;
  }

  /** A tenant's directory row; undefined where the part holds nothing of it. */
  async tenant(tenant: TenantId): Promise<TenantDirectory | undefined> {
    return (await this.tenants()).find((one) => one.tenant === tenant);
  }

  async index(tenant: TenantId): Promise<PartIndex | undefined> {
    return this.#section(tenant, 'index', (bytes) => {
      const value = new PartIndex(bytes);
      return { value, sizeBytes: value.sizeBytes };
    });
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
    return this.#context.cache.get(`${this.row.name} ${name} ${tenant}`, async () => {
      try {
        return decode(await this.#bytes(place));
      } catch (error) {
        if (error instanceof CodecError)
          throw this.#damage(`section ${name} of ${tenant} at ${place.offset}`, error);
        throw error;
      }
    });
  }

  /** Raw bytes of the blob. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    try {
      return await this.#context.blobs.get(this.row.name, { offset, length });
    } catch (error) {
      const isShort = error instanceof AppError && error.kind === 'corrupt';
      throw isShort ? this.#damage(`bytes ${offset} to ${offset + length}`, error) : error;
    }
  }

  /** The block at `place` out of a window that starts at `windowOffset` of the blob. */
  decode(place: BlockPlace, window: Uint8Array, windowOffset: number): Samples {
    const { skipCrc } = this.#context;
    try {
      const samples = decodeBlock(window, place.offset - windowOffset, { skipCrc });
      if (samples.count !== place.count || samples.kind !== place.kind)
        throw new CodecError(`the index says ${place.count} samples of kind ${place.kind}`);
      return samples;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw this.#damage(`block at ${place.offset}, ${place.sizeBytes} bytes`, error);
    }
  }

  /** Forgets cached sections (the part is gone). */
  drop(): void {
    this.#context.cache.drop(`${this.row.name} `);
  }
}

function readFooter(footer: Uint8Array, skipCrc: boolean): SectionPlace {
  const reader = new ByteReader(footer);
  const magic = String.fromCharCode(...reader.raw(FOOTER_MAGIC.length));
  if (magic !== FOOTER_MAGIC) throw new CodecError(`the footer starts with ${magic}`);
  const version = reader.u32();
  if (version !== PART_VERSION)
    throw new CodecError(`part version ${version}, known is ${PART_VERSION}`);
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
  for (let left = reader.count(43); left > 0; left--) {
    const tenant = reader.string();
    const seriesCount = reader.varint();
    const sampleCount = reader.varint();
    const minUs = reader.f64();
    const maxUs = reader.f64();
    const sections = Object.fromEntries(
      SECTIONS.map((name) => [
        name,
        { offset: reader.varint(), sizeBytes: reader.varint(), crc: reader.u32() },
      ]),
    ) as Record<SectionName, SectionPlace>;
    out.push({ tenant, seriesCount, sampleCount, minUs, maxUs, sections });
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
