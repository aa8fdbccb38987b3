// Query text → tokens, whole text at once (its length is bounded). Three modes: statements, inside
// braces (where keywords are plain names) and inside brackets (where only durations stand). The
// first thing that is no token becomes an `error` token that ends the list, so that the parser can
// report whichever comes first, its own complaint or the lexer's. Comments and white space are
// dropped.
import { describeRune, quote, quoteRune } from './text.ts';
import { KEYWORDS } from './token.ts';
import type { Token } from './token.ts';

const TWO_CHAR_OPERATORS = new Set(['==', '!=', '<=', '>=', '</', '>/']);
const ONE_CHAR_OPERATORS = new Set([',', '*', '/', '%', '+', '-', '^', '=', '<', '>', '@']);
const DURATION_OPERATORS = new Set(['+', '-', '*', '/', '%', '^', ',']);
const DURATION_KEYWORDS = new Set(['step', 'range', 'max_of', 'min_of']);
const CALL_LIKE_KEYWORDS = new Set(['fill', 'fill_left', 'fill_right']);
const HEX_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const CODE_POINT_MAX = 0x10ffff;

const isSpace = (char: string): boolean =>
  char === ' ' || char === '\t' || char === '\n' || char === '\r';
const isDigit = (char: string | undefined): boolean =>
  char !== undefined && char >= '0' && char <= '9';
const isAlpha = (char: string | undefined): boolean =>
  char !== undefined &&
  (char === '_' || (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z'));
const isAlphaNumeric = (char: string | undefined): boolean => isAlpha(char) || isDigit(char);

/**
 * Position after a number at `from` and whether it is one; malformed text is consumed up to the
 * fault.
 */
function scanNumber(input: string, from: number): { end: number; ok: boolean } {
  let pos = from;
  let digits = '0123456789';
  const has = (set: string): boolean => pos < input.length && set.includes(input[pos]!);
  const take = (set: string): boolean => {
    if (!has(set)) return false;
    pos++;
    return true;
  };
  if (take('0') && take('xX')) {
    take('_');
    digits += 'abcdefABCDEF';
  }
  const hex = digits.length > 10;
  // One leading dot does not count as the dot of the number: `.5.5` is cut like the reference does.
  take('.');
  take(digits);
  let dotSeen = false;
  let exponentSeen = false;
  while (has(`${digits}._eE`)) {
    if ((dotSeen && take('.')) || (exponentSeen && take('eE'))) return { end: pos, ok: false };
    if (take('.')) {
      dotSeen = true;
      if (take('_.') || hex) return { end: pos, ok: false };
    } else if (!hex && take('eE')) {
      exponentSeen = true;
      take('+-');
      if (take('._eE') || pos >= input.length) return { end: pos, ok: false };
    } else if (take('_')) {
      if (take('._eE') || pos >= input.length) return { end: pos, ok: false };
    } else {
      while (take(digits));
    }
  }
  return { end: pos, ok: pos > from && !isAlphaNumeric(input[pos]) };
}

/** Continues after scanNumber with units; `end` shows the fault when `ok` is false. */
function scanDurationTail(input: string, from: number): { end: number; ok: boolean } {
  const match = /^[smhdwy]s?(?:\d+[smhdw]s?)*/.exec(input.slice(from, from + 256));
  if (match === null) return { end: from, ok: false };
  const end = from + match[0].length;
  if (!isAlphaNumeric(input[end])) return { end, ok: true };
  const digits = /^\d*/.exec(input.slice(end, end + 32))![0].length;
  return { end: end + Math.max(digits, 1), ok: false };
}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #input: string;
  #pos = 0;
  #done = false;
  #parenDepth = 0;
  #braceOpen = false;
  #bracketOpen = false;
  /** Inside brackets and before the first number, where nothing but duration syntax is lexed. */
  #durationOnly = false;
  #colonSeen = false;

  constructor(input: string) {
    this.#input = input;
  }

  run(): Token[] {
    while (!this.#done) {
      const char = this.#input[this.#pos];
      if (char !== undefined && isSpace(char)) this.#pos++;
      else if (char === '#' && !this.#durationOnly) this.#skipComment();
      else if (this.#braceOpen) this.#inBraces(char);
      else if (this.#durationOnly) this.#inDuration(char);
      else this.#inStatement(char);
    }
    return this.tokens;
  }

  #emit(kind: string, length: number): void {
    const start = this.#pos;
    this.#pos += length;
    this.tokens.push({ kind, text: this.#input.slice(start, this.#pos), start, end: this.#pos });
  }

  #fail(message: string, start = this.#pos): void {
    this.tokens.push({ kind: 'error', text: message, start, end: this.#input.length });
    this.#done = true;
  }

  #runeAt(pos: number): string | undefined {
    const code = this.#input.codePointAt(pos);
    return code === undefined ? undefined : String.fromCodePoint(code);
  }

  #skipComment(): void {
    const rest = /[\r\n]/g;
    rest.lastIndex = this.#pos;
    this.#pos = rest.exec(this.#input)?.index ?? this.#input.length;
  }

  #inStatement(char: string | undefined): void {
    if (char === undefined) return this.#atEnd();
    const next = this.#input[this.#pos + 1];
    const two = char + (next ?? '');
    if (TWO_CHAR_OPERATORS.has(two)) return this.#emit(two, 2);
    if (two === '=~') return this.#fail(`unexpected character after '=': ${quoteRune('~')}`);
    if (char === '!')
      return this.#fail(
        `unexpected character after '!': ${quoteRune(this.#runeAt(this.#pos + 1))}`,
      );
    if (ONE_CHAR_OPERATORS.has(char)) return this.#emit(char, 1);
    if (isDigit(char) || (char === '.' && isDigit(next))) return this.#numberOrDuration();
    if (char === '"' || char === "'" || char === '`') return this.#string(char);
    if (isAlpha(char) || char === ':')
      return this.#bracketOpen ? this.#wordInBrackets(char) : this.#word();
    return this.#bracket(char);
  }

  #atEnd(): void {
    if (this.#parenDepth !== 0) return this.#fail('unclosed left parenthesis');
    if (this.#bracketOpen) return this.#fail('unclosed left bracket');
    this.#emit('eof', 0);
    this.#done = true;
  }

  #bracket(char: string): void {
    switch (char) {
      case '(':
        this.#parenDepth++;
        return this.#emit('(', 1);
      case ')':
        if (--this.#parenDepth < 0)
          // Behind it, where the reference's lexer stands by then.
          return this.#fail(`unexpected right parenthesis ${quoteRune(char)}`, this.#pos + 1);
        return this.#emit(')', 1);
      case '{':
        this.#braceOpen = true;
        return this.#emit('{', 1);
      case '[':
        if (this.#bracketOpen) return this.#fail(`unexpected left bracket ${quoteRune(char)}`);
        this.#bracketOpen = true;
        this.#durationOnly = true;
        this.#colonSeen = false;
        return this.#emit('[', 1);
      case ']':
        if (!this.#bracketOpen) return this.#fail(`unexpected right bracket ${quoteRune(char)}`);
        return this.#closeBracket();
      default:
        return this.#fail(`unexpected character: ${quoteRune(this.#runeAt(this.#pos))}`);
    }
  }

  #closeBracket(): void {
    this.#bracketOpen = false;
    this.#durationOnly = false;
    this.#emit(']', 1);
  }

  #colon(): void {
    if (this.#colonSeen) return this.#fail(`unexpected colon ${quoteRune(':')}`);
    this.#colonSeen = true;
    this.#emit(':', 1);
  }

  #inDuration(char: string | undefined): void {
    if (char === undefined) return this.#fail('unexpected end of input in duration expression');
    if (DURATION_OPERATORS.has(char)) return this.#emit(char, 1);
    if (char === '(' || char === ')') return this.#bracket(char);
    if (char === ']') return this.#closeBracket();
    if (char === ':') return this.#colon();
    if (isDigit(char) || (char === '.' && isDigit(this.#input[this.#pos + 1]))) {
      this.#durationOnly = false;
      return this.#numberOrDuration();
    }
    if (this.#durationKeyword()) return;
    this.#fail(
      `unexpected character in duration expression: ${quoteRune(this.#runeAt(this.#pos))}`,
    );
  }

  #wordInBrackets(char: string): void {
    if (char === ':') return this.#colon();
    if (this.#durationKeyword()) return;
    this.#fail(`unexpected character: ${quoteRune(char)}, expected ${quoteRune(':')}`);
  }

  #durationKeyword(): boolean {
    const word = /^[a-zA-Z_]{1,8}/.exec(this.#input.slice(this.#pos, this.#pos + 8))?.[0];
    if (word === undefined || isAlpha(this.#input[this.#pos + word.length])) return false;
    const kind = word.toLowerCase();
    if (!DURATION_KEYWORDS.has(kind)) return false;
    this.#emit(kind, word.length);
    return true;
  }

  #numberOrDuration(): void {
    const number = scanNumber(this.#input, this.#pos);
    if (number.ok) return this.#emit('number', number.end - this.#pos);
    const duration = scanDurationTail(this.#input, number.end);
    if (duration.ok) return this.#emit('duration', duration.end - this.#pos);
    const text = this.#input.slice(this.#pos, duration.end);
    this.#fail(`bad number or duration syntax: ${quote(text)}`);
  }

  #word(): void {
    let end = this.#pos;
    while (isAlphaNumeric(this.#input[end]) || this.#input[end] === ':') end++;
    const length = end - this.#pos;
    const word = this.#input.slice(this.#pos, end);
    const keyword = KEYWORDS.get(word.toLowerCase());
    if (keyword === undefined) this.#emit(word.includes(':') ? 'metric' : 'identifier', length);
    else if (CALL_LIKE_KEYWORDS.has(keyword) && !/^[ \t\r\n]*\(/.test(this.#input.slice(end)))
      this.#emit('identifier', length);
    else this.#emit(keyword, length);
  }

  #inBraces(char: string | undefined): void {
    if (char === undefined) return this.#fail('unexpected end of input inside braces');
    const next = this.#input[this.#pos + 1];
    if (isAlpha(char)) {
      let end = this.#pos;
      while (isAlphaNumeric(this.#input[end])) end++;
      return this.#emit('identifier', end - this.#pos);
    }
    if (char === ',') return this.#emit(',', 1);
    if (char === '"' || char === "'" || char === '`') return this.#string(char);
    if (char === '=') return next === '~' ? this.#emit('=~', 2) : this.#emit('=', 1);
    if (char === '!') {
      if (next === '~' || next === '=') return this.#emit(char + next, 2);
      const rune = quoteRune(this.#runeAt(this.#pos + 1));
      return this.#fail(`unexpected character after '!' inside braces: ${rune}`);
    }
    if (char === '}') {
      this.#braceOpen = false;
      return this.#emit('}', 1);
    }
    const rune = quoteRune(this.#runeAt(this.#pos));
    this.#fail(
      char === '{'
        ? `unexpected left brace ${rune}`
        : `unexpected character inside braces: ${rune}`,
    );
  }

  #string(delimiter: string): void {
    const result = scanString(this.#input, this.#pos, delimiter);
    if (result.error !== undefined) return this.#fail(result.error);
    this.#emit('string', result.end - this.#pos);
  }
}

interface StringScan {
  /** Position after the closing quote. */
  readonly end: number;
  readonly error?: string;
}

/** Scans a string whose opening quote stands at `from`; `delimiter` is that quote. */
function scanString(input: string, from: number, delimiter: string): StringScan {
  const raw = delimiter === '`';
  for (let pos = from + 1; ; pos++) {
    const char = input[pos];
    if (char === undefined || (char === '\n' && !raw))
      return { end: pos, error: raw ? 'unterminated raw string' : 'unterminated quoted string' };
    if (char === delimiter) return { end: pos + 1 };
    if (char === '\ufffd') return { end: pos, error: 'invalid UTF-8 rune' };
    if (char === '\\' && !raw) {
      const escape = scanEscape(input, pos + 1, delimiter);
      if (escape.error !== undefined) return escape;
      pos = escape.end - 1;
    }
  }
}

function scanEscape(input: string, from: number, delimiter: string): StringScan {
  const char = input[from];
  if (char === undefined) return { end: from, error: 'escape sequence not terminated' };
  if (char === delimiter || 'abfnrtv\\'.includes(char)) return { end: from + 1 };
  const octal = char >= '0' && char <= '7';
  const hexLength = HEX_LENGTHS[char];
  if (!octal && hexLength === undefined) {
    const rune = String.fromCodePoint(input.codePointAt(from)!);
    return { end: from, error: `unknown escape sequence ${describeRune(rune)}` };
  }
  const start = octal ? from : from + 1;
  const end = start + (hexLength ?? 3);
  const allowed = octal ? /[0-7]/ : /[0-9a-fA-F]/;
  for (let pos = start; pos < end; pos++) {
    const digit = input.codePointAt(pos);
    if (digit === undefined) return { end: pos, error: 'escape sequence not terminated' };
    const rune = String.fromCodePoint(digit);
    if (!allowed.test(rune))
      return { end: pos, error: `illegal character ${describeRune(rune)} in escape sequence` };
  }
  const value = Number.parseInt(input.slice(start, end), octal ? 8 : 16);
  const valueMax = octal || char === 'x' ? 0xff : CODE_POINT_MAX;
  if (value > valueMax || (value >= 0xd800 && value < 0xe000))
    return { end, error: 'escape sequence is an invalid Unicode code point' };
  return { end };
}

/** Tokens of a query; the last one is `eof` or `error`. Never throws. Linear in the text. */
export function tokenize(input: string): Token[] {
  return new Lexer(input).run();
}
