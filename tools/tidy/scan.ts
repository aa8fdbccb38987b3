// A small scanner that tells code from comments and literals, so that a rule about code is not set
// off by a word in a sentence. Offsets and lines stay those of the source: what is taken out turns
// into spaces. It knows TypeScript's tokens, not its grammar: after `)` and `}` a slash is a
// division.
import type { SourceFile } from './finding.ts';

export interface Scanned {
  /** Comments and the insides of strings, templates and regular expressions are blank. */
  readonly code: string;
  /** Only comments are blank. */
  readonly uncommented: string;
}

/** Words after which a slash opens a regular expression. */
const BEFORE_REGEX = new Set(
  'return typeof instanceof in of new delete void throw case do else yield await'.split(' '),
);

/** Several rules look at one file; it is scanned once. */
const scanned = new WeakMap<SourceFile, Scanned>();

export function scanFile(file: SourceFile): Scanned {
  return scanned.getOrInsertComputed(file, () => scan(file.text));
}

export function scan(text: string): Scanned {
  const scanner = new Scanner(text);
  scanner.run();
  return { code: scanner.code.join(''), uncommented: scanner.uncommented.join('') };
}

class Scanner {
  readonly code: string[];
  readonly uncommented: string[];
  readonly #text: string;
  #at = 0;
  /** For each open `${`: how many braces are open inside it. */
  readonly #templates: number[] = [];

  constructor(text: string) {
    this.#text = text;
    this.code = text.split('');
    this.uncommented = text.split('');
  }

  run(): void {
    const text = this.#text;
    if (text.startsWith('#!')) this.#comment(endOfLine(text, 0));
    while (this.#at < text.length) {
      const char = text[this.#at] ?? '';
      const next = text[this.#at + 1] ?? '';
      if (char === '/' && next === '/') this.#comment(endOfLine(text, this.#at));
      else if (char === '/' && next === '*') this.#comment(endOf(text, '*/', this.#at + 2));
      else if (char === "'" || char === '"') this.#literal(this.#stringEnd(char));
      else if (char === '`') this.#template();
      else if (char === '/' && this.#isRegex()) this.#literal(this.#regexEnd());
      else this.#punctuation(char);
    }
  }

  #punctuation(char: string): void {
    this.#at++;
    const depth = this.#templates.length - 1;
    if (depth < 0) return;
    if (char === '{') this.#templates[depth] = (this.#templates[depth] ?? 0) + 1;
    if (char !== '}') return;
    const open = this.#templates[depth] ?? 0;
    if (open > 0) {
      this.#templates[depth] = open - 1;
      return;
    }
    this.#templates.pop();
    this.#templateText();
  }

  #template(): void {
    this.#at++;
    this.#templateText();
  }

  /** From inside a template up to its closing backtick or its next `${`. */
  #templateText(): void {
    const start = this.#at;
    const text = this.#text;
    while (this.#at < text.length && text[this.#at] !== '`' && !text.startsWith('${', this.#at))
      this.#at += text[this.#at] === '\\' ? 2 : 1;
    blank(this.code, start, this.#at);
    if (text[this.#at] === '`') {
      this.#at++;
    } else if (this.#at < text.length) {
      this.#templates.push(0);
      this.#at += 2;
    }
  }

  #comment(end: number): void {
    blank(this.code, this.#at, end);
    blank(this.uncommented, this.#at, end);
    this.#at = end;
  }

  /** Keeps the delimiters: a rule may want to know that a literal stands there. */
  #literal(end: number): void {
    blank(this.code, this.#at + 1, end - 1);
    this.#at = end;
  }

  /** A string ends at the end of its line at the latest: a misread quote does no further harm. */
  #stringEnd(quote: string): number {
    const text = this.#text;
    let at = this.#at + 1;
    while (at < text.length && text[at] !== quote && text[at] !== '\n')
      at += text[at] === '\\' ? 2 : 1;
    return Math.min(at + 1, text.length);
  }

  #regexEnd(): number {
    const text = this.#text;
    let isClass = false;
    let at = this.#at + 1;
    while (at < text.length && text[at] !== '\n' && (isClass || text[at] !== '/')) {
      if (text[at] === '[') isClass = true;
      if (text[at] === ']') isClass = false;
      at += text[at] === '\\' ? 2 : 1;
    }
    return Math.min(at + 1, text.length);
  }

  #isRegex(): boolean {
    let at = this.#at - 1;
    while (at >= 0 && /\s/.test(this.code[at] ?? '')) at--;
    const before = this.code[at] ?? '';
    if (!/[\w$)\]}'"`]/.test(before)) return true;
    let start = at;
    while (start >= 0 && /[\w$]/.test(this.code[start] ?? '')) start--;
    return BEFORE_REGEX.has(this.code.slice(start + 1, at + 1).join(''));
  }
}

function endOfLine(text: string, at: number): number {
  return endOf(text, '\n', at) - (text.includes('\n', at) ? 1 : 0);
}

function endOf(text: string, closing: string, at: number): number {
  const found = text.indexOf(closing, at);
  return found < 0 ? text.length : found + closing.length;
}

function blank(chars: string[], from: number, to: number): void {
  for (let at = from; at < to && at < chars.length; at++) if (chars[at] !== '\n') chars[at] = ' ';
}
