// One map of a YAML configuration, read field by field: every value as the text that was written,
// each mistake with its place, and at the end whatever nobody asked for.
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Document, LineCounter, Node, YAMLMap } from 'yaml';

/** The message begins with the place. */
export class ScrapeConfigError extends Error {
  override readonly name = 'ScrapeConfigError';
}

/** A document and how its texts are read. */
export interface ConfigText {
  readonly document: Document;
  readonly lines: LineCounter;
  /** `1m30s` in milliseconds; throws Error where it is none. */
  readonly parseDuration: (text: string) => number;
  /** `10MB` in bytes; throws Error where it is none. */
  readonly parseSize: (text: string) => number;
}

/** What fields are called that Prometheus has and this server does not. */
export interface UnusedFields {
  /** They would change what is asked for or who is asked: a mistake. */
  readonly refused: RegExp;
  /** They are told, and change nothing. */
  readonly ignored: RegExp;
}

export class Section {
  readonly #text: ConfigText;
  readonly #node: Node;
  readonly #fields = new Map<string, { readonly key: Node; readonly value: Node }>();
  readonly #asked = new Set<string>();

  constructor(text: ConfigText, node: Node, name: string) {
    this.#text = text;
    this.#node = node;
    if (!isMap(node)) throw placed(text, node, `${name}: expected fields and their values`);
    for (const { key, value } of (node as YAMLMap<Node, Node | null>).items)
      this.#fields.set(scalarText(key) ?? '', { key, value: resolved(text, value ?? key) });
  }

  /** At the section itself. */
  error(reason: string): ScrapeConfigError {
    return placed(this.#text, this.#node, reason);
  }

  /** At a field, or at the section where there is none. */
  errorAt(field: string, reason: string): ScrapeConfigError {
    return placed(this.#text, this.#fields.get(field)?.value ?? this.#node, reason);
  }

  node(field: string): Node | undefined {
    this.#asked.add(field);
    const found = this.#fields.get(field);
    // A field without a value is absent.
    return found === undefined || found.value === found.key || isNothing(found.value)
      ? undefined
      : found.value;
  }

  text(field: string): string | undefined {
    const node = this.node(field);
    if (node === undefined) return undefined;
    const text = scalarText(node);
    if (text === undefined) throw this.errorAt(field, `${field}: expected a text`);
    return text;
  }

  /** Read by a function that throws a sentence. */
  read<T>(field: string, parse: (text: string) => T): T | undefined {
    const text = this.text(field);
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      throw this.errorAt(field, `${field}: ${(error as Error).message}`);
    }
  }

  durationMs(field: string): number | undefined {
    return this.read(field, this.#text.parseDuration);
  }

  sizeBytes(field: string): number | undefined {
    return this.read(field, this.#text.parseSize);
  }

  count(field: string): number | undefined {
    return this.read(field, (text) => {
      if (!/^\d{1,15}$/.test(text)) throw new Error('expected a whole number');
      return Number(text);
    });
  }

  flag(field: string): boolean | undefined {
    return this.read(field, (text) => {
      if (text !== 'true' && text !== 'false') throw new Error('expected true or false');
      return text === 'true';
    });
  }

  section(field: string): Section | undefined {
    const node = this.node(field);
    return node && new Section(this.#text, node, field);
  }

  list(field: string): readonly Node[] {
    const node = this.node(field);
    if (node === undefined) return [];
    if (!isSeq(node)) throw this.errorAt(field, `${field}: expected a list`);
    return node.items.map((item) => resolved(this.#text, item as Node));
  }

  sections(field: string): readonly Section[] {
    return this.list(field).map((node) => new Section(this.#text, node, field));
  }

  texts(field: string): readonly string[] {
    return this.list(field).map((node) => {
      const text = scalarText(node);
      if (text === undefined) throw placed(this.#text, node, `${field}: expected texts`);
      return text;
    });
  }

  /** Names and texts of a map with names of the user's choice. */
  pairs(field: string): readonly (readonly [string, string])[] {
    const section = this.section(field);
    if (section === undefined) return [];
    return [...section.#fields.keys()].map((name) => [name, section.text(name) ?? '']);
  }

  names(): readonly string[] {
    return [...this.#fields.keys()];
  }

  /** Throws where a field is none; the names of those that change nothing. */
  end({ refused, ignored }: UnusedFields): readonly string[] {
    const untold: string[] = [];
    for (const [name, { key }] of this.#fields) {
      if (this.#asked.has(name)) continue;
      if (ignored.test(name)) untold.push(name);
      else if (refused.test(name)) throw placed(this.#text, key, `${name} is not supported`);
      else throw placed(this.#text, key, `there is no field "${name}" here`);
    }
    return untold;
  }
}

function placed(
  { lines }: Pick<ConfigText, 'lines'>,
  node: Node,
  reason: string,
): ScrapeConfigError {
  return placedAt(lines, node.range?.[0] ?? 0, reason);
}

export function placedAt(lines: LineCounter, offset: number, reason: string): ScrapeConfigError {
  const { line, col } = lines.linePos(offset);
  return new ScrapeConfigError(`line ${Math.max(line, 1)}, column ${Math.max(col, 1)}: ${reason}`);
}

function resolved({ document, lines }: ConfigText, node: Node): Node {
  if (!isAlias(node)) return node;
  const found = node.resolve(document);
  if (found === undefined) throw placed({ lines }, node, `there is no anchor ${node.source}`);
  return found;
}

function isNothing(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

/** As it was written; undefined of a list or a map. */
function scalarText(node: Node): string | undefined {
  if (!isScalar(node)) return undefined;
  if (typeof node.value === 'string') return node.value;
  return node.value === null ? '' : node.source;
}
