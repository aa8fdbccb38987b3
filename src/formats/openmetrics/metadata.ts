// HELP, TYPE and UNIT lines of one OpenMetrics page. Rows go to the sink at the end of the page,
// one a family. Families beyond PAGE_FAMILIES_MAX lose their metadata, never their samples.
//
//   "# " WORD SP ( name / quoted name ) SP text
import { decodeUtf8 } from '../../codec/utf8.ts';
import type { RowSink } from '../../model/rows.ts';
import { PAGE_FAMILIES_MAX } from '../limits.ts';

const LINE = /^# (HELP|TYPE|UNIT) (?:([a-zA-Z_:][a-zA-Z0-9_:]*)|"((?:\\[^]|[^\\"])+)") ([^]*)$/;
const TYPES = new Set([
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
  'unknown',
]);

export interface MetadataLine {
  readonly word: string;
  readonly name: string;
  /** As it stands. */
  readonly text: string;
  /** Where the text stands. */
  readonly textStart: number;
  readonly textEnd: number;
}

interface Family {
  type: string;
  unit: string;
  help: string;
}

function unescaped(text: string): string {
  return text.replace(/\\([\\"n])/g, (_, code: string) => (code === 'n' ? '\n' : code));
}

export class OpenMetricsMetadata {
  readonly #bytes: Uint8Array;
  readonly #families = new Map<string, Family>();
  /** Of the section the scanner is in: type, and where its word stands; unit of its family. */
  type = '';
  typeStart = 0;
  typeEnd = 0;
  unit = '';
  #name = '';

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The line [start, end) without its line break, or the reason why it is none. */
  readLine(start: number, end: number): MetadataLine | string {
    const line = decodeUtf8(this.#bytes, start, end);
    if (line === undefined) return 'the line is not valid UTF-8';
    const match = LINE.exec(line);
    if (match === null) return 'expected # HELP, # TYPE or # UNIT with a name and a text, or # EOF';
    const [, word, plain, quoted, text] = match as unknown as [string, string, ...string[]];
    const name = plain ?? unescaped(quoted!);
    if (word === 'TYPE' && !TYPES.has(text!)) return `invalid metric type '${text!.slice(0, 64)}'`;
    if (word === 'UNIT' && text !== '' && !name.endsWith(`_${text}`))
      return `unit '${text!.slice(0, 64)}' is no suffix of metric '${name.slice(0, 64)}'`;
    const textStart = end - Buffer.byteLength(text!);
    return { word, name, text: text!, textStart, textEnd: end };
  }

  /** What a line says holds from here on. */
  take({ word, name, text, textStart, textEnd }: MetadataLine): void {
    if (name !== this.#name) {
      this.#name = name;
      this.unit = '';
    }
    if (word === 'TYPE') {
      this.type = text;
      this.typeStart = textStart;
      this.typeEnd = textEnd;
    } else if (word === 'UNIT') this.unit = text;
    let family = this.#families.get(name);
    if (family === undefined) {
      if (this.#families.size >= PAGE_FAMILIES_MAX) return;
      this.#families.set(name, (family = { type: 'unknown', unit: '', help: '' }));
    }
    if (word === 'TYPE') family.type = text;
    else if (word === 'UNIT') family.unit = text;
    else family.help = unescaped(text);
  }

  /** Rows of the whole page. */
  emit(sink: RowSink): void {
    for (const [family, { type, unit, help }] of this.#families)
      sink.metadata({ family, type, unit, help });
  }
}
