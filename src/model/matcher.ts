// Label matchers. Regular expressions have RE2 syntax and are anchored at both ends; compiled once
// per matcher by codec/regex, whose cost is bounded by c * length * program size. An absent label
// is the empty string for every matcher type.
import { compileRegex } from '../codec/regex.ts';
import type { Regex } from '../codec/regex.ts';
import { labelValue } from './labels.ts';
import type { Labels } from './labels.ts';

export type MatchType = '=' | '!=' | '=~' | '!~';

export interface Matcher {
  readonly name: string;
  readonly type: MatchType;
  readonly value: string;
  /** Does this matcher accept the label value (absent = '')? */
  matches(value: string): boolean;
  /** The compiled pattern of =~ and !~, for planners that look for literals and prefixes. */
  readonly regex: Regex | undefined;
}

/** Compiles a matcher; throws RegexError with the reason where the pattern is refused. */
export function matcher(name: string, type: MatchType, value: string): Matcher {
  if (type === '=') return { name, type, value, regex: undefined, matches: (v) => v === value };
  if (type === '!=') return { name, type, value, regex: undefined, matches: (v) => v !== value };
  const regex = compileRegex(value);
  if (type === '=~') return { name, type, value, regex, matches: (v) => regex.test(v) };
  return { name, type, value, regex, matches: (v) => !regex.test(v) };
}

/** Equal for matchers that accept the same. */
export function matcherKey({ name, type, value }: Matcher): string {
  return `${type}${name.length} ${name}${value}`;
}

/** Conjunction of all matchers; an empty list accepts every series. */
export function matchesAll(matchers: readonly Matcher[], labels: Labels): boolean {
  for (const m of matchers) if (!m.matches(labelValue(labels, m.name))) return false;
  return true;
}
