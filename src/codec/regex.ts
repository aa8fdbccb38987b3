// Regular expressions with RE2 semantics: linear time in the input, Go's syntax, anchored at both
// ends, dot matches newline (as Prometheus compiles label matchers: `^(?s:PATTERN)$`). re2js runs
// the automaton; shapes proven safe (a literal, an alternation of literals, prefix.*, .*suffix,
// .*text.*, .+ and .*) are answered without it. Complexity: O(length * program size), program size
// bounded.
import { RE2JS } from 're2js';
import { REGEX_LENGTH_MAX } from './limits.ts';

export interface Regex {
  readonly pattern: string;
  /** The complete set of values it can match where that set is small and finite, else undefined. */
  readonly literals: readonly string[] | undefined;
  /** A literal every match starts with; '' where none is known. */
  readonly prefix: string;
  test(text: string): boolean;
}

/** Thrown by compileRegex; the message names the reason in words. */
export class RegexError extends Error {
  override readonly name = 'RegexError';
}

const META = /[\\^$.|?*+()[\]{}]/;

function literalAlternation(pattern: string): readonly string[] | undefined {
  const inner = /^\((?:\?:)?([^()]*)\)$/.exec(pattern)?.[1] ?? pattern;
  const parts = inner.split('|');
  return parts.some((part) => META.test(part)) ? undefined : parts;
}

function affixTest(pattern: string): ((text: string) => boolean) | undefined {
  if (pattern === '.*') return () => true;
  if (pattern === '.+') return (text) => text.length > 0;
  const parts = /^(\.[*+])?([^\\^$.|?*+()[\]{}]*)(\.[*+])?$/s.exec(pattern);
  if (parts === null || parts[2] === '') return undefined;
  const [, before, literal, after] = parts as unknown as [string, string?, string?, string?];
  if (literal === undefined || (before === undefined && after === undefined)) return undefined;
  const headMin = before === '.+' ? 1 : 0;
  const tailMin = after === '.+' ? 1 : 0;
  if (before === undefined)
    return (text) => text.startsWith(literal) && text.length >= literal.length + tailMin;
  if (after === undefined)
    return (text) => text.endsWith(literal) && text.length >= literal.length + headMin;
  return (text) => {
    const at = text.indexOf(literal, headMin);
    return at >= 0 && text.length - at - literal.length >= tailMin;
  };
}

function literalPrefix(pattern: string): string {
  const head = /^[^\\^$.|?*+()[\]{}]*/.exec(pattern)![0];
  // Flags are no item of their own: what repeats behind them repeats what stands before them.
  if (pattern.includes('|') || pattern.includes('(?')) return '';
  const next = pattern[head.length];
  return next === '*' || next === '?' || next === '{' ? head.slice(0, -1) : head;
}

/** A literal every match ends with; '' where none is known at sight. */
function literalSuffix(pattern: string): string {
  // Alternatives, escapes and flags change what the last characters mean.
  if (/\||\\|\(\?/.test(pattern)) return '';
  return /[^^$.?*+()[\]{}]*$/.exec(pattern)![0];
}

/**
 * Compiles a pattern. Throws RegexError where it is longer than REGEX_LENGTH_MAX or not RE2 syntax.
 * Source: RE2 syntax page (github.com/google/re2/wiki/Syntax); anchoring as Prometheus does.
 */
export function compileRegex(pattern: string): Regex {
  if (pattern.length > REGEX_LENGTH_MAX)
    throw new RegexError(
      `the regular expression has ${pattern.length} characters, the limit is ${REGEX_LENGTH_MAX}`,
    );
  const literals = literalAlternation(pattern);
  if (literals !== undefined) {
    const set = new Set(literals);
    const prefix = set.size === 1 ? literals[0]! : '';
    return { pattern, literals: [...set], prefix, test: (text) => set.has(text) };
  }
  const affix = affixTest(pattern);
  if (affix !== undefined)
    return { pattern, literals: undefined, prefix: literalPrefix(pattern), test: affix };
  try {
    // Not wrapped into a group: `a)|(b` must be refused, and errors name the pattern as it is.
    const compiled = RE2JS.compile(pattern, RE2JS.DOTALL);
    const prefix = literalPrefix(pattern);
    const suffix = literalSuffix(pattern);
    // Most texts are refused by their ends, at a tenth of what the automaton takes.
    const test = (text: string): boolean =>
      text.startsWith(prefix) && text.endsWith(suffix) && compiled.matches(text);
    return { pattern, literals: undefined, prefix, test };
  } catch (error) {
    throw regexError(error);
  }
}

/**
 * The library shows the flag that it was given as a part of the pattern, and does not show the
 * rest that it stopped at where that is empty.
 */
function regexError(cause: unknown): RegexError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const shown = message.replace(/(end of expression)$/, '$1: ``').replace('`(?s)', '`');
  return new RegexError(shown, { cause });
}

export interface CaptureMatch {
  /** Text of every group by number, 0 = the whole match; '' for a group that took no part. */
  readonly groups: readonly string[];
  /** Group number by name. */
  readonly names: Readonly<Record<string, number>>;
}

/** A pattern whose groups are wanted: the match of a whole text, or undefined. */
export type CaptureRegex = (text: string) => CaptureMatch | undefined;

/** Compiles a pattern, anchored and bounded as compileRegex does. Throws RegexError. */
export function compileCapture(pattern: string): CaptureRegex {
  if (pattern.length > REGEX_LENGTH_MAX)
    throw new RegexError(`the pattern is longer than ${REGEX_LENGTH_MAX} characters`);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch (error) {
    throw regexError(error);
  }
  const names = compiled.namedGroups() as Readonly<Record<string, number>>;
  return (text) => {
    const matcher = compiled.matcher(text);
    if (!matcher.matches()) return undefined;
    const groups: string[] = [];
    for (let i = 0; i <= matcher.groupCount(); i++) groups.push(matcher.group(i) ?? '');
    return { groups, names };
  };
}
