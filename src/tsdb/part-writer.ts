// Writes a part as a stream (docs/formats/part.md): blocks go out while the index is collected in
// memory. The caller gives tenants in byte order, series in label order, chunks resolved.
import { encodeBlock } from '../codec/block.ts';
import { crc32c } from '../codec/crc32c.ts';
import { BLOCK_COUNT_MAX } from '../codec/limits.ts';
import { ByteWriter } from '../codec/varint.ts';
import { KIND } from '../model/columns.ts';
import type { Samples, SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { RefWriter, TextWriter } from './label-writer.ts';
import type { LabelSource, LabelWriter } from './label-writer.ts';
import { WRITE_CHUNK_BYTES } from './limits.ts';
import { FOOTER_MAGIC, HEAD_MAGIC, PART_VERSION, SECTIONS } from './part-format.ts';
import type {
  SectionName,
  SectionPlace,
  SeriesAttribute,
  SeriesExemplar,
  TenantContent,
  TenantDirectory,
} from './part-format.ts';
import { sliceSamples } from './samples.ts';

/** Strings and histograms are cut into blocks of fewer samples, so that a block stays readable. */
const OBJECTS_PER_BLOCK = 512;
const NO_SECTION: SectionPlace = { offset: 0, sizeBytes: 0, crc: 0 };

export interface PartTotals {
  minUs: number;
  maxUs: number;
  seriesCount: number;
  sampleCount: number;
}

export class PartWriter {
  readonly totals: PartTotals = {
    minUs: Number.POSITIVE_INFINITY,
    maxUs: Number.NEGATIVE_INFINITY,
    seriesCount: 0,
    sampleCount: 0,
  };
  readonly #out = new ByteWriter(WRITE_CHUNK_BYTES * 2);
  readonly #directory: TenantDirectory[] = [];
  readonly #scheduler: Scheduler;
  readonly #source: LabelSource;
  /** Bytes handed out before what is in #out. */
  #flushed = 0;

  constructor(scheduler: Scheduler, source: LabelSource) {
    this.#source = source;
    this.#scheduler = scheduler;
  }

  get #offset(): number {
    return this.#flushed + this.#out.size;
  }

  /** The bytes of the part; each piece is borrowed until the next is asked for. */
  async *stream(
    tenants: AsyncIterable<TenantContent> | Iterable<TenantContent>,
    range: { readonly level: number; readonly seqMin: number; readonly seqMax: number },
  ): AsyncGenerator<Uint8Array, void, void> {
    for (let i = 0; i < HEAD_MAGIC.length; i++) this.#out.u8(HEAD_MAGIC.charCodeAt(i));
    this.#out.u32(PART_VERSION);
    this.#out.u32(0);
    for await (const content of tenants) yield* this.#tenant(content);
    this.#footer(range);
    yield this.#hand();
  }

  #hand(): Uint8Array {
    const bytes = this.#out.take();
    this.#flushed += bytes.length;
    return bytes;
  }

  async *#tenant(content: TenantContent): AsyncGenerator<Uint8Array, void, void> {
    const index = new ByteWriter(4096);
    const refs = new RefWriter(this.#source);
    const texts = new TextWriter();
    let table: LabelWriter<SeriesRef> | LabelWriter<Labels> = texts;
    const firstBlock = this.#offset;
    const totals = {
      minUs: Number.POSITIVE_INFINITY,
      maxUs: Number.NEGATIVE_INFINITY,
      seriesCount: 0,
      sampleCount: 0,
    };
    for await (const some of content.series) {
      for (const { series, chunks } of some) {
        if (typeof series === 'number') {
          table = refs;
          refs.write(index, series);
        } else texts.write(index, series);
        this.#series(chunks, index, totals);
      }
      if (this.#out.size >= WRITE_CHUNK_BYTES) {
        yield this.#hand();
        await this.#scheduler.yieldTurn();
      }
    }
    for (const { tUs } of content.exemplars) {
      totals.minUs = Math.min(totals.minUs, tUs);
      totals.maxUs = Math.max(totals.maxUs, tUs);
    }
    const sections: Record<SectionName, SectionPlace> = {
      index: this.#indexSection(index, table, firstBlock, totals.seriesCount),
      exemplars: this.#exemplarSection(content.exemplars),
      attributes: this.#attributeSection(content.attributes),
      metadata: this.#section(content.metadata, (out) => {
        for (const { family, type, unit, help } of content.metadata)
          for (const text of [family, type, unit, help]) out.string(text);
      }),
    };
    this.#directory.push({ tenant: content.tenant, ...totals, sections });
    this.totals.seriesCount += totals.seriesCount;
    this.totals.sampleCount += totals.sampleCount;
    this.totals.minUs = Math.min(this.totals.minUs, totals.minUs);
    this.totals.maxUs = Math.max(this.totals.maxUs, totals.maxUs);
  }

  #series(chunks: readonly Samples[], index: ByteWriter, totals: PartTotals): void {
    const blocks = chunks.flatMap(cutToBlocks);
    index.varint(blocks.length);
    totals.seriesCount++;
    for (const samples of blocks) {
      const firstUs = samples.tUs[0]!;
      const lastUs = samples.tUs[samples.count - 1]!;
      const sizeBytes = encodeBlock(this.#out, samples);
      index.u8(samples.kind);
      index.varint(sizeBytes);
      index.varint(samples.count);
      index.f64(firstUs);
      index.f64(lastUs);
      totals.sampleCount += samples.count;
      totals.minUs = Math.min(totals.minUs, firstUs);
      totals.maxUs = Math.max(totals.maxUs, lastUs);
    }
  }

  #indexSection(
    rows: ByteWriter,
    symbols: Pick<LabelWriter<unknown>, 'writeTable'>,
    firstBlock: number,
    seriesCount: number,
  ): SectionPlace {
    const section = new ByteWriter(rows.size + 1024);
    section.varint(firstBlock);
    symbols.writeTable(section);
    section.varint(seriesCount);
    section.raw(rows.bytes());
    return this.#place(section);
  }

  #exemplarSection(rows: readonly SeriesExemplar[]): SectionPlace {
    const symbols = new TextWriter();
    return this.#section(
      rows,
      (out) => {
        for (const { series, labels, tUs, subNs, value } of rows) {
          symbols.write(out, series);
          symbols.write(out, labels);
          out.f64(tUs);
          out.varint(subNs);
          out.f64(value);
        }
      },
      symbols,
    );
  }

  #attributeSection(rows: readonly SeriesAttribute[]): SectionPlace {
    const symbols = new TextWriter();
    return this.#section(
      rows,
      (out) => {
        for (const { series, key, value } of rows) {
          symbols.write(out, series);
          out.string(key);
          out.string(value);
        }
      },
      symbols,
    );
  }

  #section(
    rows: readonly unknown[],
    write: (out: ByteWriter) => void,
    symbols?: TextWriter,
  ): SectionPlace {
    if (rows.length === 0) return NO_SECTION;
    const body = new ByteWriter(1024);
    write(body);
    const section = new ByteWriter(body.size + 1024);
    symbols?.writeTable(section);
    section.varint(rows.length);
    section.raw(body.bytes());
    return this.#place(section);
  }

  #place(section: ByteWriter): SectionPlace {
    const bytes = section.bytes();
    const place = { offset: this.#offset, sizeBytes: bytes.length, crc: crc32c(bytes) };
    this.#out.raw(bytes);
    return place;
  }

  #footer(range: {
    readonly level: number;
    readonly seqMin: number;
    readonly seqMax: number;
  }): void {
    const directory = new ByteWriter(1024);
    directory.varint(this.#directory.length);
    for (const one of this.#directory) {
      directory.string(one.tenant);
      directory.varint(one.seriesCount);
      directory.varint(one.sampleCount);
      directory.f64(one.minUs);
      directory.f64(one.maxUs);
      for (const name of SECTIONS) {
        directory.varint(one.sections[name].offset);
        directory.varint(one.sections[name].sizeBytes);
        directory.u32(one.sections[name].crc);
      }
    }
    const { offset, sizeBytes, crc } = this.#place(directory);
    const footer = new ByteWriter(64);
    for (let i = 0; i < FOOTER_MAGIC.length; i++) footer.u8(FOOTER_MAGIC.charCodeAt(i));
    footer.u32(PART_VERSION);
    footer.u32(crc);
    const { seqMin, seqMax, level } = range;
    for (const value of [offset, sizeBytes, seqMin, seqMax, this.totals.sampleCount])
      footer.f64(value);
    footer.u32(level);
    footer.u32(crc32c(footer.bytes()));
    this.#out.raw(footer.bytes());
  }
}

function cutToBlocks(samples: Samples): Samples[] {
  const isObjects = samples.kind === KIND.string || samples.kind === KIND.histogram;
  const size = isObjects ? OBJECTS_PER_BLOCK : BLOCK_COUNT_MAX;
  if (samples.count <= size) return [samples];
  const out: Samples[] = [];
  for (let from = 0; from < samples.count; from += size)
    out.push(sliceSamples(samples, from, Math.min(from + size, samples.count)));
  return out;
}
