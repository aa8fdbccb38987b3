// Prometheus' feature type-and-unit-labels for remote write 2.0: what the metadata of a series says
// becomes labels of it, `__type__` and `__unit__`. The message is written anew with further symbols
// and references, so that the scanner knows nothing of it; a message that cannot be read is given
// back as it is, and the scanner says why. Source: Prometheus storage/remote/write_handler.go
// (appendV2), schema/labels.go.
import { ProtobufError, ProtobufReader, WIRE } from '../../codec/protobuf.ts';
import { decodeUtf8 } from '../../codec/utf8.ts';
import { ByteWriter } from '../../codec/varint.ts';
import { METADATA_TYPES } from './labels.ts';
import { NumberList } from './symbols.ts';

const TYPE_LABEL = '__type__';
const UNIT_LABEL = '__unit__';

const SYMBOL_TAG = (4 << 3) | WIRE.bytes;
const SERIES_TAG = (5 << 3) | WIRE.bytes;
const REFS_TAG = (1 << 3) | WIRE.bytes;
const REF_TAG = (1 << 3) | WIRE.varint;
const EXEMPLAR_TAG = (4 << 3) | WIRE.bytes;
const METADATA_TAG = (5 << 3) | WIRE.bytes;
const TYPE_TAG = (1 << 3) | WIRE.varint;
const HELP_TAG = (3 << 3) | WIRE.varint;
const UNIT_TAG = (4 << 3) | WIRE.varint;
/** No symbol, whatever the size of the table. */
const NO_SYMBOL = 2 ** 32 - 1;

/** The uncompressed message with those labels. */
export function withTypeAndUnitLabels(body: Uint8Array): Uint8Array {
  try {
    return new Rewriter(body).run();
  } catch (error) {
    if (error instanceof ProtobufError) return body;
    throw error;
  }
}

class Rewriter {
  readonly #reader: ProtobufReader;
  readonly #symbols = new ByteWriter();
  readonly #others = new ByteWriter();
  readonly #rest = new ByteWriter();
  readonly #packed = new ByteWriter();
  readonly #refs = new NumberList();
  /** Symbols that are label names of this feature, and those that have no text. */
  readonly #ours = new Set<number>();
  readonly #empty = new Set<number>();
  readonly #added = new Map<string, number>();
  #symbolCount = 0;
  /** Of the message as it came: what lies above refers to nothing. */
  #symbolEnd = 0;
  #isSound = true;

  constructor(body: Uint8Array) {
    this.#reader = new ProtobufReader(body, 0, body.length);
  }

  run(): Uint8Array {
    const reader = this.#reader;
    const { end } = reader;
    while (reader.at < end) this.#symbol();
    this.#symbolEnd = this.#symbolCount;
    reader.at = 0;
    while (reader.at < end) {
      const start = reader.at;
      const tag = reader.tag();
      if (tag === SERIES_TAG) {
        const stop = reader.lengthEnd();
        this.#series(reader.at, stop);
        reader.end = end;
        reader.at = stop;
      } else {
        reader.skip(tag);
        if (tag !== SYMBOL_TAG) this.#others.range(reader.bytes, start, reader.at);
      }
    }
    this.#symbols.raw(this.#others.bytes());
    return this.#symbols.take();
  }

  #symbol(): void {
    const reader = this.#reader;
    const start = reader.at;
    const tag = reader.tag();
    reader.skip(tag);
    if (tag !== SYMBOL_TAG) return;
    this.#symbols.raw(reader.bytes.subarray(start, reader.at));
    const index = this.#symbolCount++;
    const size = reader.at - start;
    if (size === 2) this.#empty.add(index);
    if (size !== TYPE_LABEL.length + 2 && size !== UNIT_LABEL.length + 2) return;
    const text = decodeUtf8(reader.bytes, start + 2, reader.at);
    if (text === TYPE_LABEL || text === UNIT_LABEL) this.#ours.add(index);
  }

  /** The symbol of a text that the message may not have. */
  #symbolOf(text: string): number {
    let index = this.#added.get(text);
    if (index !== undefined) return index;
    this.#symbols.varint(SYMBOL_TAG);
    this.#symbols.string(text);
    index = this.#symbolCount++;
    this.#added.set(text, index);
    return index;
  }

  #series(start: number, stop: number): void {
    const reader = this.#reader;
    const refs = this.#refs;
    refs.count = 0;
    reader.end = stop;
    this.#isSound = true;
    const said = { type: 0, unit: 0 };
    while (reader.at < stop) this.#field(said);
    for (let i = 0; i < refs.count; i++) this.#look(refs.values[i]!);
    const type = METADATA_TYPES[said.type] ?? 'unknown';
    const hasType = type !== 'unknown';
    const hasUnit = !this.#empty.has(said.unit);
    // A number behind the table must not come to mean a symbol that is added: it is refused.
    if (!this.#isSound) this.#pack(NO_SYMBOL, NO_SYMBOL);
    else if (refs.count > 0 && (hasType || hasUnit)) {
      this.#packKept();
      if (hasType) this.#pack(this.#symbolOf(TYPE_LABEL), this.#symbolOf(type));
      if (hasUnit) this.#pack(this.#symbolOf(UNIT_LABEL), said.unit);
    }
    if (this.#packed.size > 0) this.#writeSeries();
    else {
      this.#others.varint(SERIES_TAG);
      this.#others.varint(stop - start);
      this.#others.raw(reader.bytes.subarray(start, stop));
    }
    this.#packed.reset();
    this.#rest.reset();
  }

  #look(ref: number): void {
    if (ref >= this.#symbolEnd) this.#isSound = false;
  }

  /** References of labels are collected, all else is kept as it is. */
  #field(said: { type: number; unit: number }): void {
    const reader = this.#reader;
    const start = reader.at;
    const tag = reader.tag();
    if (tag === REFS_TAG) return this.#refs.readPacked(reader, reader.lengthEnd());
    if (tag === REF_TAG) return this.#refs.push(reader.uint32());
    if (tag === METADATA_TAG) this.#metadata(said);
    else if (tag === EXEMPLAR_TAG) this.#exemplar();
    else reader.skip(tag);
    this.#rest.raw(reader.bytes.subarray(start, reader.at));
  }

  #exemplar(): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    const stop = reader.lengthEnd();
    const refs = new NumberList();
    reader.end = stop;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === REFS_TAG) refs.readPacked(reader, reader.lengthEnd());
      else if (tag === REF_TAG) refs.push(reader.uint32());
      else reader.skip(tag);
    }
    reader.end = outerEnd;
    for (let i = 0; i < refs.count; i++) this.#look(refs.values[i]!);
  }

  #metadata(said: { type: number; unit: number }): void {
    const reader = this.#reader;
    const outerEnd = reader.end;
    const stop = reader.lengthEnd();
    reader.end = stop;
    while (reader.at < stop) {
      const tag = reader.tag();
      if (tag === TYPE_TAG) said.type = reader.uint32();
      else if (tag === HELP_TAG) this.#look(reader.uint32());
      else if (tag === UNIT_TAG) this.#look((said.unit = reader.uint32()));
      else reader.skip(tag);
    }
    reader.end = outerEnd;
  }

  /** The labels of the series but for ours, which the metadata replaces. */
  #packKept(): void {
    const { count, values } = this.#refs;
    for (let i = 0; i < count; i += 2) {
      if (this.#ours.has(values[i]!)) continue;
      this.#packed.varint(values[i]!);
      // An odd number of references stays one, and is refused by the scanner.
      if (i + 1 < count) this.#packed.varint(values[i + 1]!);
    }
  }

  #pack(name: number, value: number): void {
    this.#packed.varint(name);
    this.#packed.varint(value);
  }

  #writeSeries(): void {
    const packed = this.#packed.bytes();
    const rest = this.#rest.bytes();
    const head = this.#writtenRefs(packed);
    this.#others.varint(SERIES_TAG);
    this.#others.varint(head.length + rest.length);
    this.#others.raw(head);
    this.#others.raw(rest);
  }

  #writtenRefs(packed: Uint8Array): Uint8Array {
    const out = new ByteWriter(packed.length + 8);
    out.varint(REFS_TAG);
    out.varint(packed.length);
    out.raw(packed);
    return out.take();
  }
}
