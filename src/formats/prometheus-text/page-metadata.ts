// HELP and TYPE lines of one page of exposition text. Rows go to the sink at the end of the page,
// one per family, so that help and type arrive together. Bounded: families beyond PAGE_FAMILIES_MAX
// lose their metadata, never their samples.
import { decodeUtf8 } from '../../codec/utf8.ts';
import type { RowSink } from '../../model/rows.ts';
import { PAGE_FAMILIES_MAX } from '../limits.ts';
import type { Comment, KnownComments } from './known-comments.ts';
import { isNameByte, quotedEnd } from './series-text.ts';

/** Spellings of the formats → the type names of model Metadata. */
const TYPES: Readonly<Record<string, string>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'unknown',
  unknown: 'unknown',
  gaugehistogram: 'gaugehistogram',
  gauge_histogram: 'gaugehistogram',
  info: 'info',
  stateset: 'stateset',
};

/** Every name that a section's type may have but ''. */
export const METRIC_TYPES: readonly string[] = [...new Set(Object.values(TYPES))];

const NO_COMMENT: Comment = { kind: 'none' };

interface Family {
  type: string | undefined;
  help: string | undefined;
}

const HELP = 'HELP';
const TYPE = 'TYPE';

function isBlank(byte: number | undefined): boolean {
  return byte === 32 || byte === 9;
}

export class PageMetadata {
  readonly #bytes: Uint8Array;
  readonly #known: KnownComments | undefined;
  readonly #families = new Map<string, Family>();
  readonly isStrict: boolean;
  /** Type of the section the scanner is in, and where its word stands; '' outside. */
  type = '';
  typeStart = 0;
  typeEnd = 0;

  /** `known`: of pages before, where they are like this one. */
  constructor(
    bytes: Uint8Array,
    options: { readonly isStrict: boolean; readonly known?: KnownComments | undefined },
  ) {
    this.#bytes = bytes;
    this.isStrict = options.isStrict;
    this.#known = options.known;
    this.#known?.open();
  }

  /**
   * Reads the comment line [start, end) whose first byte is '#', line break excluded. A reason
   * where it claims to be HELP or TYPE and is not; '' otherwise. `lastName` is the name of the
   * sample before the line, '' where there is none or nobody is strict.
   */
  readLine(start: number, end: number, lastName: string): string {
    let comment: Comment | string | undefined = this.#known?.find(this.#bytes, start, end);
    if (comment === undefined) {
      comment = this.#parse(start, end);
      if (typeof comment === 'string') return comment;
      this.#known?.learn(this.#bytes, start, end, comment);
    }
    if (comment.kind === 'help') return this.#takeHelp(comment.name, comment.help);
    if (comment.kind === 'none') return '';
    this.type = comment.type;
    this.typeStart = start + comment.from;
    this.typeEnd = start + comment.to;
    return this.#takeType(comment.name, comment.type, lastName);
  }

  /** Rows of the whole page. */
  emit(sink: RowSink): void {
    for (const [family, { type, help }] of this.#families)
      sink.metadata({ family, type: type ?? 'unknown', unit: '', help: help ?? '' });
  }

  #parse(start: number, end: number): Comment | string {
    let at = start + 1;
    if (!isBlank(this.#bytes[at]) || at >= end) return NO_COMMENT;
    at = this.#skipBlanks(at, end);
    const word = decodeUtf8(this.#bytes, at, Math.min(at + 4, end));
    if ((word !== HELP && word !== TYPE) || at + 4 >= end || !isBlank(this.#bytes[at + 4]))
      return NO_COMMENT;
    at = this.#skipBlanks(at + 4, end);
    const nameEnd = this.#nameEnd(at, end);
    if (nameEnd < 0) return `expected a metric name behind ${word}`;
    const name = this.#name(at, nameEnd);
    if (name === undefined) return `metric name behind ${word} is not valid UTF-8`;
    if (nameEnd < end && !isBlank(this.#bytes[nameEnd]))
      return `invalid metric name behind ${word}`;
    if (word === HELP) return this.#parseHelp(name, Math.min(nameEnd + 1, end), end);
    return this.#parseType(name, start, this.#skipBlanks(nameEnd, end), end);
  }

  #skipBlanks(from: number, end: number): number {
    let at = from;
    while (at < end && isBlank(this.#bytes[at])) at++;
    return at;
  }

  #nameEnd(start: number, end: number): number {
    if (start >= end) return -1;
    if (this.#bytes[start] === 34) return quotedEnd(this.#bytes, start, end);
    let at = start;
    while (at < end && isNameByte(this.#bytes[at]!, at === start)) at++;
    return at === start ? -1 : at;
  }

  #name(start: number, end: number): string | undefined {
    if (this.#bytes[start] !== 34) return decodeUtf8(this.#bytes, start, end);
    const raw = decodeUtf8(this.#bytes, start + 1, end - 1);
    return raw?.replace(/\\([\\"n])/g, (_, code: string) => (code === 'n' ? '\n' : code));
  }

  #parseHelp(name: string, start: number, end: number): Comment | string {
    const raw = decodeUtf8(this.#bytes, start, end);
    if (raw === undefined) return 'help text is not valid UTF-8';
    const help = raw.replace(/\\([\\n])/g, (_, code: string) => (code === 'n' ? '\n' : code));
    return { kind: 'help', name, help };
  }

  #parseType(name: string, lineStart: number, start: number, end: number): Comment | string {
    let stop = end;
    while (stop > start && isBlank(this.#bytes[stop - 1])) stop--;
    const word = decodeUtf8(this.#bytes, start, stop) ?? '';
    const type = Object.hasOwn(TYPES, word) ? TYPES[word] : undefined;
    if (type === undefined) return `invalid metric type '${word.slice(0, 64)}'`;
    return { kind: 'type', name, type, from: start - lineStart, to: stop - lineStart };
  }

  #family(name: string): Family | undefined {
    let family = this.#families.get(name);
    if (family === undefined && this.#families.size < PAGE_FAMILIES_MAX) {
      family = { type: undefined, help: undefined };
      this.#families.set(name, family);
    }
    return family;
  }

  #takeHelp(name: string, help: string): string {
    const family = this.#family(name);
    if (family === undefined) return '';
    const isSecond = family.help !== undefined && family.help !== '' && family.help !== help;
    if (isSecond && this.isStrict) return `second HELP line for metric '${name}'`;
    family.help = help;
    return '';
  }

  #takeType(name: string, type: string, lastName: string): string {
    const family = this.#family(name);
    if (family === undefined) return '';
    if (this.isStrict && family.type !== undefined && family.type !== type)
      return `second TYPE line for metric '${name}'`;
    if (this.isStrict && lastName === name) return `TYPE of metric '${name}' behind its samples`;
    family.type = type;
    return '';
  }
}
