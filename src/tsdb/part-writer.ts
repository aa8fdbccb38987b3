// Writes a part as a stream (docs/formats/part.md): blocks and time columns go out while the index
// is collected in memory. The caller gives tenants in byte order, series in label order, chunks
// resolved.
import { encodeBody, needsSibling } from '../codec/block.ts';
import { crc32c } from '../codec/crc32c.ts';
import { ByteWriter } from '../codec/varint.ts';
import { TextWriter } from './label-writer.ts';
import type { LabelSource } from './label-writer.ts';
import { TIME_PENDING_BYTES, WRITE_CHUNK_BYTES } from './limits.ts';
import type { Pause } from './pacer.ts';
import { cutToBlocks } from './part-cut.ts';
import { FOOTER_MAGIC, HEAD_MAGIC, NO_SECTION, PART_VERSION, SECTIONS } from './part-format.ts';
import type {
  SectionName,
  SectionPlace,
  SeriesAttribute,
  SeriesContent,
  SeriesExemplar,
  TenantContent,
  TenantDirectory,
} from './part-format.ts';
import { PartIndexWriter } from './part-index-writer.ts';
import type { PieceSink } from './part-index-writer.ts';
import { SiblingFinder } from './part-siblings.ts';
import { TimeColumnsWriter } from './part-times.ts';
import { bodyOf } from './whole-bodies.ts';

export interface PartTotals {
  minUs: number;
  maxUs: number;
  seriesCount: number;
  sampleCount: number;
}

/** What is collected while the blocks of one tenant go out. */
interface TenantWriters {
  readonly index: PartIndexWriter;
  readonly times: TimeColumnsWriter;
  readonly siblings: SiblingFinder;
}

export class PartWriter {
  readonly totals: PartTotals = {
    minUs: Number.POSITIVE_INFINITY,
    maxUs: Number.NEGATIVE_INFINITY,
    seriesCount: 0,
    sampleCount: 0,
  };
  readonly #out = new ByteWriter(4096);
  readonly #directory: TenantDirectory[] = [];
  readonly #pause: Pause;
  readonly #source: LabelSource;
  /** Bytes handed out before what is in #out. */
  #flushed = 0;

  constructor(pause: Pause, source: LabelSource) {
    this.#source = source;
    this.#pause = pause;
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
    const index = new PartIndexWriter(this.#source);
    const times = new TimeColumnsWriter();
    const writers = { index, times, siblings: new SiblingFinder() };
    const dataOffset = this.#offset;
    const totals = {
      minUs: Number.POSITIVE_INFINITY,
      maxUs: Number.NEGATIVE_INFINITY,
      seriesCount: 0,
      sampleCount: 0,
    };
    let groupOffset = dataOffset;
    const closeGroup = (isLast: boolean): void => {
      if (!index.isGroupEmpty) index.closeGroup(groupOffset);
      if (isLast || times.isBatchFull) this.#out.raw(times.closeBatch(this.#offset));
      groupOffset = this.#offset;
    };
    for await (const some of content.series) {
      for (const one of some) {
        this.#series(one, writers, totals);
        if (index.isGroupFull || times.pendingBytes >= TIME_PENDING_BYTES) closeGroup(false);
      }
      if (this.#out.size >= WRITE_CHUNK_BYTES) yield this.#hand();
      await this.#pause();
    }
    closeGroup(true);
    const dataSizeBytes = this.#offset - dataOffset;
    for (const { tUs } of content.exemplars) {
      totals.minUs = Math.min(totals.minUs, tUs);
      totals.maxUs = Math.max(totals.maxUs, tUs);
    }
    const sections: Record<SectionName, SectionPlace> = {
      index: yield* this.#indexSection(index, times),
      exemplars: this.#exemplarSection(content.exemplars),
      attributes: this.#attributeSection(content.attributes),
      metadata: this.#section(content.metadata, (out) => {
        for (const { family, type, unit, help } of content.metadata)
          for (const text of [family, type, unit, help]) out.string(text);
      }),
    };
    const { tenant } = content;
    this.#directory.push({ tenant, ...totals, dataOffset, dataSizeBytes, sections });
    this.totals.seriesCount += totals.seriesCount;
    this.totals.sampleCount += totals.sampleCount;
    this.totals.minUs = Math.min(this.totals.minUs, totals.minUs);
    this.totals.maxUs = Math.max(this.totals.maxUs, totals.maxUs);
  }

  #series(
    { series, chunks }: SeriesContent,
    { index, times, siblings }: TenantWriters,
    totals: PartTotals,
  ): void {
    const blocks = cutToBlocks(chunks);
    const ordinal = index.seriesCount;
    index.addSeries(series, blocks.length);
    siblings.enter(ordinal, index.lastRow);
    totals.seriesCount++;
    for (const samples of blocks) {
      const { kind, count, tUs } = samples;
      const firstUs = tUs[0]!;
      const lastUs = tUs[count - 1]!;
      const column = times.add(tUs, count);
      const body = bodyOf(samples);
      const near = body === undefined ? siblings.find(column, samples) : undefined;
      const start = this.#out.size;
      if (body === undefined) encodeBody(this.#out, samples, near?.values);
      else this.#out.raw(body);
      const sizeBytes = this.#out.size - start;
      const isBeside = near !== undefined && needsSibling(this.#out.bytes(), start);
      siblings.remember(column, samples, isBeside ? near.chain + 1 : 0);
      const sibling = isBeside ? ordinal - near.ordinal : 0;
      index.addBlock({ kind, times: column, sizeBytes, sibling }, { firstUs, lastUs });
      totals.sampleCount += count;
      totals.minUs = Math.min(totals.minUs, firstUs);
      totals.maxUs = Math.max(totals.maxUs, lastUs);
    }
  }

  /** Hands the index out in pieces: of a large part it is never in one place. */
  async *#indexSection(
    index: PartIndexWriter,
    times: TimeColumnsWriter,
  ): AsyncGenerator<Uint8Array, SectionPlace, void> {
    const offset = (): number => this.#offset;
    const sink: PieceSink = {
      get offset() {
        return offset();
      },
      append: (bytes) => this.#out.raw(bytes),
    };
    const writing = index.write(sink, times);
    for (;;) {
      const step = writing.next();
      if (step.done === true) return step.value;
      if (this.#out.size >= WRITE_CHUNK_BYTES) yield this.#hand();
      const rest = this.#pause();
      if (rest !== undefined) await rest;
    }
  }

  #exemplarSection(rows: readonly SeriesExemplar[]): SectionPlace {
    if (rows.length === 0) return NO_SECTION;
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
    if (rows.length === 0) return NO_SECTION;
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
      directory.varint(one.dataOffset);
      directory.varint(one.dataSizeBytes);
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
