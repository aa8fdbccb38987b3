// Text helpers that follow the Go library, because PromQL's literals and messages are defined by
// it: quoting, unquoting, number syntax and number formatting. Strings are UTF-16 here and bytes
// there: `\x` and octal escapes are gathered as bytes and decoded as UTF-8; a byte that is none
// becomes the lone surrogate U+DC00 + byte (as in Python's PEP 383), prints as `\x..` again, and
// makes the string not well-formed, so that nobody takes it for a valid label.
import { isUtf8 } from 'node:buffer';

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

const ESCAPE_OF = new Map(Object.entries(SIMPLE_ESCAPES).map(([name, char]) => [char, name]));

/** Where bytes that are not UTF-8 go: 0x80–0xff become U+DC80–U+DCFF. */
const BYTE_BASE = 0xdc00;

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function quoteChar(char: string, delimiter: string): string {
  if (char === delimiter) return `\\${char}`;
  const name = ESCAPE_OF.get(char);
  if (name !== undefined) return `\\${name}`;
  if (PRINTABLE.test(char)) return char;
  const code = char.codePointAt(0)!;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code >= BYTE_BASE + 0x80 && code <= BYTE_BASE + 0xff)
    return `\\x${(code - BYTE_BASE).toString(16)}`;
  if (code >= 0xd800 && code < 0xe000) return '\ufffd';
  return code < 0x10000
    ? `\\u${code.toString(16).padStart(4, '0')}`
    : `\\U${code.toString(16).padStart(8, '0')}`;
}

/** A double-quoted PromQL string that unquotes to `text` again (Go's strconv.Quote). */
export function quote(text: string): string {
  let out = '"';
  for (const char of text) out += quoteChar(char, '"');
  return `${out}"`;
}

/** One character as messages show it; undefined (end of text) shows as U+FFFD. */
export function quoteRune(char: string | undefined): string {
  return `'${quoteChar(char ?? '\ufffd', "'")}'`;
}

/** `U+002E '.'` */
export function describeRune(char: string): string {
  const code = char.codePointAt(0)!;
  const shown = PRINTABLE.test(char) ? ` '${char}'` : '';
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}${shown}`;
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gsu;

/** Length of the well-formed UTF-8 sequence at `at`, 0 where there is none. */
function sequenceLength(bytes: Buffer, at: number): number {
  const head = bytes[at]!;
  const length = head < 0x80 ? 1 : head < 0xe0 ? 2 : head < 0xf0 ? 3 : 4;
  const sequence = bytes.subarray(at, at + length);
  return sequence.length === length && isUtf8(sequence) ? length : 0;
}

function decodeUtf8(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let out = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    out +=
      length === 0
        ? String.fromCharCode(BYTE_BASE + bytes[at]!)
        : bytes.toString('utf8', at, at + length);
    at += Math.max(length, 1);
  }
  return out;
}

/**
 * The value of a string token, quotes included. The lexer has checked its syntax, so that nothing
 * is refused here; back-quoted text is taken as it stands, without carriage returns.
 */
export function unquote(token: string): string {
  const body = token.slice(1, -1);
  if (token[0] === '`') return body.replaceAll('\r', '');
  if (!body.includes('\\')) return body;
  const bytes: Buffer[] = [];
  let last = 0;
  for (const match of body.matchAll(ESCAPE)) {
    if (match.index > last) bytes.push(Buffer.from(body.slice(last, match.index)));
    last = match.index + match[0].length;
    const [, hex, octal, short, long, simple] = match;
    const byte = hex === undefined ? undefined : Number.parseInt(hex, 16);
    const value = byte ?? (octal === undefined ? undefined : Number.parseInt(octal, 8));
    const code = short ?? long;
    if (value !== undefined) bytes.push(Buffer.from([value]));
    else if (code !== undefined)
      bytes.push(Buffer.from(String.fromCodePoint(Number.parseInt(code, 16))));
    else bytes.push(Buffer.from(SIMPLE_ESCAPES[simple!] ?? simple!));
  }
  bytes.push(Buffer.from(body.slice(last)));
  return decodeUtf8(Buffer.concat(bytes));
}

const INT64_MAX = 2n ** 63n - 1n;

function underscoresFit(text: string): boolean {
  if (!text.includes('_')) return true;
  const hex = /^0[xX]/.test(text);
  const digits = hex ? text.slice(2) : text;
  const bare = hex ? /^_?[0-9a-fA-F]+(_[0-9a-fA-F]+)*$/ : /^[^_]*(?:\d_\d[^_]*)*$/;
  return bare.test(digits);
}

function tryInteger(text: string): number | undefined {
  if (/^0[xX][0-9a-fA-F]+$/.test(text) || /^(?:0|[1-9]\d*)$/.test(text)) {
    const value = BigInt(text);
    return value <= INT64_MAX ? Number(value) : undefined;
  }
  if (!/^0[0-7]+$/.test(text)) return undefined;
  const value = BigInt(`0o${text.slice(1)}`);
  return value <= INT64_MAX ? Number(value) : undefined;
}

/**
 * A number token: decimal, hexadecimal, octal by a leading 0, float, Inf or NaN in any case, with
 * underscores between digits. Undefined where it is no number or too large for a double.
 */
export function parseNumber(token: string): number | undefined {
  const lower = token.toLowerCase();
  if (lower === 'inf') return Infinity;
  if (lower === 'nan') return Number.NaN;
  if (!underscoresFit(token)) return undefined;
  const text = token.replaceAll('_', '');
  const integer = tryInteger(text);
  if (integer !== undefined) return integer;
  if (!/^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return Object.is(value, -0) ? '-0' : undefined;
}

/** Shortest digits that read back as the same double, never with an exponent. */
export function formatFloat(value: number): string {
  const known = special(value);
  if (known !== undefined) return known;
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign, head, tail = '', exponentText] = match;
  const exponent = Number(exponentText);
  const digits = head! + tail;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, '0');
}

/** As formatFloat, with an exponent below 1e-4 and from 1e21 on (Go's `%v`). */
export function formatFloatShort(value: number): string {
  const known = special(value);
  if (known !== undefined) return known;
  const magnitude = Math.abs(value);
  if (value === 0 || (magnitude >= 1e-4 && magnitude < 1e21)) return formatFloat(value);
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

/** Does the name need no quotes as a label (`[a-zA-Z_][a-zA-Z0-9_]*`)? */
export function isPlainLabelName(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
}

/** Rounds half away from zero, never to -0. */
export function roundAway(value: number): number {
  const rounded = value < 0 ? -Math.round(-value) : Math.round(value);
  return rounded === 0 ? 0 : rounded;
}
