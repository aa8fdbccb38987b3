// The slow half of the exposition-format scanner: what the bytes of a series mean, looked at only
// when the dictionary does not know them. Grammar (prometheus/docs exposition_formats.md and the
// lexer of Prometheus' model/textparse):
//   series = name [SP] ["{" [label *("," label) [","]] "}"]  /  "{" quoted-name ["," …] "}"
//   label  = (label-name / quoted) [SP] "=" [SP] quoted      SP = spaces and tabs, anywhere between
// Escapes in quoted text: \\ \" \n. Any other escape is refused when strict and taken literally
// otherwise, as Prometheus' scraper does.
import { decodeUtf8, decodeUtf8Lenient } from '../../codec/utf8.ts';
import { formatOpenMetricsFloat } from '../../codec/go-float.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { SERIES_LABELS_MAX } from '../limits.ts';

export interface SeriesTextOptions {
  /** Refuse unknown escapes. */
  readonly isStrict: boolean;
  /** Labels of the target; a label of the page with such a name becomes `exported_NAME`. */
  readonly extraLabels: readonly string[];
  /** Type of the family in whose section the line stands: normalises `le` and `quantile`. */
  readonly type: string;
  /** That type becomes the label `__type__`, instead of one that the line has. */
  readonly typeLabels: boolean;
  /** Labels of the line win over `extraLabels`. */
  readonly honorLabels?: boolean;
  /** With `typeLabels`: becomes the label `__unit__`. */
  readonly unit?: string;
  /**
   * Where commas stand: 'lax' (absent): also one alone, and none between labels; 'behind': between
   * labels and behind the last one; 'between': between labels only. But for 'lax' the only blanks
   * within the braces are those behind a comma.
   */
  readonly commas?: 'lax' | 'behind' | 'between';
}

const TYPE_LABEL = '__type__';
const UNIT_LABEL = '__unit__';
const BACKSLASH = 92;
const QUOTE = 34;
const LINE_FEED = 10;

export function isNameByte(byte: number, isFirst: boolean): boolean {
  const lower = byte | 32;
  if ((lower >= 97 && lower <= 122) || byte === 95 || byte === 58) return true;
  return !isFirst && byte >= 48 && byte <= 57;
}

/**
 * End of the quoted text whose opening quote is at `start`: behind the closing one, or -1. A line
 * break ends the search: a quote left open must not take the next lines with it.
 */
export function quotedEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start + 1; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === QUOTE) return i + 1;
    if (byte === LINE_FEED) return -1;
    if (byte === BACKSLASH && i + 1 < end && bytes[i + 1] !== LINE_FEED) i++;
  }
  return -1;
}

/** A float as labels spell it; undefined where the text is none. */
function floatOf(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (/^[+-]?inf(inity)?$/.test(lower)) return lower.startsWith('-') ? -Infinity : Infinity;
  if (lower === 'nan') return Number.NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(lower) ? Number(lower) : undefined;
}

function isKnownType(type: string): boolean {
  return type !== '' && type !== 'unknown';
}

class SeriesReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #options: SeriesTextOptions;
  #at: number;
  #name = '';
  #hasName = false;
  readonly #pairs: string[] = [];
  readonly #names = new Set<string>();
  reason = '';

  constructor(bytes: Uint8Array, start: number, end: number, options: SeriesTextOptions) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#options = options;
  }

  /** Flat pairs with the metric name first, or undefined with `reason` set. */
  read(): string[] | undefined {
    const nameStart = this.#at;
    this.#skipName();
    if (this.#at > nameStart) this.#setName(this.#text(nameStart, this.#at));
    this.#skipSpace();
    if (this.#at < this.#end && !this.#readBraces()) return undefined;
    if (!this.#hasName || this.#name === '') return this.#fail('expected a metric name');
    if (this.#at !== this.#end) return this.#fail('expected a value behind the series');
    const { type, typeLabels, unit = '', extraLabels } = this.#options;
    const own = typeLabels && isKnownType(type) ? [TYPE_LABEL, type] : [];
    if (typeLabels && unit !== '') own.push(UNIT_LABEL, unit);
    const { honorLabels = false } = this.#options;
    const name = [METRIC_NAME, this.#name];
    return honorLabels
      ? [...name, ...extraLabels, ...own, ...this.#pairs]
      : [...name, ...own, ...this.#pairs, ...extraLabels];
  }

  #fail(reason: string): undefined {
    if (this.reason === '') this.reason = reason;
    return undefined;
  }

  #setName(name: string): void {
    this.#name = name;
    this.#hasName = true;
  }

  #text(start: number, end: number): string {
    return decodeUtf8Lenient(this.#bytes, start, end);
  }

  #skipSpace(): void {
    while (this.#at < this.#end && (this.#byte() === 32 || this.#byte() === 9)) this.#at++;
  }

  /** Blanks that text has and OpenMetrics has not. */
  #skipLaxSpace(): void {
    if ((this.#options.commas ?? 'lax') === 'lax') this.#skipSpace();
  }

  /** The byte at the position; 0 behind the end, which no rule accepts. */
  #byte(): number {
    return this.#at < this.#end ? this.#bytes[this.#at]! : 0;
  }

  #skipName(): void {
    let isFirst = true;
    while (this.#at < this.#end && isNameByte(this.#byte(), isFirst)) {
      this.#at++;
      isFirst = false;
    }
  }

  #readBraces(): boolean {
    if (this.#byte() !== 123) return this.#refuse('unexpected character in the metric name');
    this.#at++;
    this.#skipLaxSpace();
    const { commas = 'lax' } = this.#options;
    // A lone comma in the braces is taken, as by the official Python parser.
    if (commas === 'lax' && this.#byte() === 44) this.#at++;
    let isBehindComma = false;
    for (;;) {
      if (isBehindComma) this.#skipSpace();
      else this.#skipLaxSpace();
      if (this.#byte() === 125) break;
      if (!this.#readItem()) return false;
      this.#skipLaxSpace();
      // Prometheus' scraper takes labels without a comma between them, and so do we.
      const next = this.#byte();
      isBehindComma = next === 44;
      if (isBehindComma) this.#at++;
      else if (next !== 125 && (commas !== 'lax' || (next !== QUOTE && !isNameByte(next, true))))
        return this.#refuse('expected a comma or a closing brace');
    }
    if (isBehindComma && commas === 'between') return this.#refuse('a comma behind the last label');
    this.#at++;
    return true;
  }

  #refuse(reason: string): false {
    this.#fail(reason);
    return false;
  }

  /** A label, or the quoted metric name. */
  #readItem(): boolean {
    const isQuoted = this.#byte() === QUOTE;
    const name = isQuoted ? this.#readQuoted() : this.#readLabelName();
    if (name === undefined) return false;
    this.#skipLaxSpace();
    const next = this.#byte();
    if (isQuoted && (next === 44 || next === 125)) {
      if (this.#hasName) return this.#refuse('metric name given twice');
      this.#setName(name);
      return true;
    }
    if (next !== 61) return this.#refuse(`expected an equals sign behind label '${name}'`);
    this.#at++;
    this.#skipLaxSpace();
    if (this.#byte() !== QUOTE)
      return this.#refuse(`expected a double-quoted value of label '${name}'`);
    const value = this.#readQuoted();
    return value !== undefined && this.#addLabel(name, value);
  }

  #readLabelName(): string | undefined {
    const start = this.#at;
    this.#skipName();
    const name = this.#text(start, this.#at);
    if (name === '' || name.includes(':')) return this.#fail('expected a label name');
    return name;
  }

  #readQuoted(): string | undefined {
    const start = this.#at;
    const stop = quotedEnd(this.#bytes, start, this.#end);
    if (stop < 0) return this.#fail('quoted text without an end');
    const raw = decodeUtf8(this.#bytes, start + 1, stop - 1);
    if (raw === undefined) return this.#fail('quoted text is not valid UTF-8');
    this.#at = stop;
    if (!raw.includes('\\')) return raw;
    if (this.#options.isStrict && /\\[^\\"n]/.test(raw.replaceAll('\\\\', '')))
      return this.#fail('unknown escape sequence in quoted text');
    return raw.replace(/\\([\\"n])/g, (_, code: string) => (code === 'n' ? '\n' : code));
  }

  #addLabel(name: string, value: string): boolean {
    if (name === METRIC_NAME) return this.#refuse(`label name ${METRIC_NAME} is reserved`);
    if (name === '') return this.#refuse('expected a label name');
    if (this.#names.has(name)) return this.#refuse(`label name '${name}' is not unique`);
    if (this.#names.size >= SERIES_LABELS_MAX)
      return this.#refuse(`more than ${SERIES_LABELS_MAX} labels`);
    this.#names.add(name);
    const { extraLabels, type, typeLabels, honorLabels = false } = this.#options;
    if (typeLabels && name === TYPE_LABEL && isKnownType(type)) return true;
    if (typeLabels && name === UNIT_LABEL && (this.#options.unit ?? '') !== '') return true;
    let stored = name;
    if (!honorLabels && value !== '')
      for (let i = 0; i < extraLabels.length; i += 2)
        if (extraLabels[i] === name) stored = `exported_${name}`;
    const isBound =
      (name === 'le' && (type === 'histogram' || type === 'gaugehistogram')) ||
      (name === 'quantile' && type === 'summary');
    const bound = isBound ? floatOf(value) : undefined;
    if (isBound && bound === undefined && this.#options.isStrict)
      return this.#refuse(`expected a float as value of label '${name}'`);
    this.#pairs.push(stored, bound === undefined ? value : formatOpenMetricsFloat(bound));
    return true;
  }
}

/** Label pairs of the series text [start, end), or the reason why it is not one. */
export function parseSeriesText(
  bytes: Uint8Array,
  start: number,
  end: number,
  options: SeriesTextOptions,
): readonly string[] | string {
  const reader = new SeriesReader(bytes, start, end, options);
  return reader.read() ?? reader.reason;
}
