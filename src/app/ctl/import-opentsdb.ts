// OpenTSDB's files as bodies of `/api/put`: lines of telnet's `put` (the word may be missing, as in
// files for its import tool), or JSON, whose points may stand one behind the other or in arrays,
// over any number of lines. A body is an array with a point a line.
import { decodeUtf8Lenient } from '../../codec/utf8.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandError } from './command-error.ts';
import type { Body } from './import-bodies.ts';

const LF = 10;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const POINT_BYTES_MAX = 1024 * 1024;

/** A body and where its points come from. */
export interface PutBody extends Body {
  /** Line of each point in the file. */
  readonly lines: readonly number[];
}

export interface PutOptions {
  readonly path: string;
  readonly bodyBytes: number;
  /** Hears of lines that are no points. */
  readonly onRefused: (line: number, reason: string) => void;
}

/** `[put] METRIC TIME VALUE NAME=VALUE …` as a JSON object; a reason where it cannot be one. */
function pointOfLine(text: string): { readonly json: string } | string {
  const words = text.split(/[ \t]+/).filter((word) => word !== '');
  if (words[0]?.toLowerCase() === 'put') words.shift();
  const [metric, time = '', value, ...tags] = words;
  if (value === undefined) return 'expected a metric, a time, a value and tags';
  const timestamp = time.replace('.', '');
  if (!/^\d{1,15}$/.test(timestamp)) return `the time ${JSON.stringify(time)} cannot be read`;
  const pairs: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const tag of tags) {
    const equals = tag.indexOf('=');
    if (equals <= 0) return `the tag ${JSON.stringify(tag)} is not NAME=VALUE`;
    pairs[tag.slice(0, equals)] = tag.slice(equals + 1);
  }
  return { json: JSON.stringify({ metric, timestamp: Number(timestamp), value, tags: pairs }) };
}

/** Collects points into bodies. */
class Collector {
  readonly #bodyBytes: number;
  #texts: string[] = [];
  #lines: number[] = [];
  #length = 0;

  constructor(bodyBytes: number) {
    this.#bodyBytes = bodyBytes;
  }

  add(json: string, line: number): void {
    this.#texts.push(json);
    this.#lines.push(line);
    this.#length += json.length;
  }

  get isFull(): boolean {
    return this.#length >= this.#bodyBytes;
  }

  *take(): Generator<PutBody, void> {
    if (this.#texts.length === 0) return;
    const bytes = new TextEncoder().encode(`[\n${this.#texts.join(',\n')}\n]`);
    yield { bytes, line: this.#lines[0]!, lines: this.#lines };
    this.#texts = [];
    this.#lines = [];
    this.#length = 0;
  }
}

/** Cuts points of JSON out of text that comes in pieces. */
class PointCutter {
  readonly #path: string;
  #parts: Uint8Array[] = [];
  #heldBytes = 0;
  #depth = 0;
  #isQuoted = false;
  #isEscaped = false;
  #line = 1;
  #pointLine = 1;

  constructor(path: string) {
    this.#path = path;
  }

  feed(chunk: Uint8Array, onPoint: (json: string, line: number) => void): void {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === LF) this.#line++;
      if (this.#isQuoted) this.#inString(byte);
      else if (byte === QUOTE && this.#depth > 0) this.#isQuoted = true;
      else if (byte === OPEN_BRACE) {
        if (this.#depth++ > 0) continue;
        start = i;
        this.#pointLine = this.#line;
      } else if (byte === CLOSE_BRACE && this.#depth > 0) {
        if (--this.#depth > 0) continue;
        this.#hold(chunk.subarray(start, i + 1));
        // A point a line: line breaks inside are blanks.
        const bytes = Buffer.concat(this.#parts).map((one) => (one === LF ? SPACE : one));
        onPoint(decodeUtf8Lenient(bytes, 0, bytes.length), this.#pointLine);
        this.#parts = [];
        this.#heldBytes = 0;
      } else if (this.#depth === 0 && !isBetween(byte)) throw this.#foreign();
    }
    if (this.#depth > 0) this.#hold(chunk.slice(start));
  }

  end(): void {
    if (this.#depth > 0) throw this.#foreign();
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isQuoted = false;
  }

  #hold(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > POINT_BYTES_MAX) throw this.#foreign();
  }

  #foreign(): CommandError {
    const message = `${this.#path}:${this.#line}: not JSON objects, or arrays of them`;
    return new CommandError(EXIT.refused, message);
  }
}

/** Brackets, commas and blanks. */
function isBetween(byte: number): boolean {
  return byte <= SPACE || byte === COMMA || byte === OPEN_BRACKET || byte === CLOSE_BRACKET;
}

/** A first byte other than a blank says what the file is. */
function isJson(chunk: Uint8Array): boolean | undefined {
  const first = chunk.find((byte) => byte > SPACE);
  return first === undefined ? undefined : first === OPEN_BRACE || first === OPEN_BRACKET;
}

export async function* cutPuts(
  chunks: AsyncIterable<Uint8Array>,
  { path, bodyBytes, onRefused }: PutOptions,
): AsyncGenerator<PutBody, void> {
  const collector = new Collector(bodyBytes);
  const cutter = new PointCutter(path);
  const decoder = new TextDecoder();
  let isCut: boolean | undefined = undefined;
  let rest = '';
  let line = 0;
  const takeLine = (text: string): void => {
    line++;
    const trimmed = text.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const point = pointOfLine(trimmed);
    if (typeof point === 'string') onRefused(line, point);
    else collector.add(point.json, line);
  };
  for await (const chunk of chunks) {
    isCut ??= isJson(chunk);
    if (isCut === true) cutter.feed(chunk, (json, at) => collector.add(json, at));
    else {
      const texts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = texts.pop()!;
      for (const text of texts) takeLine(text);
    }
    if (collector.isFull) yield* collector.take();
  }
  if (isCut === true) cutter.end();
  else takeLine(rest);
  yield* collector.take();
}
