// Selectors of Warp 10: `CLASS{LABEL=VALUE,LABEL~REGEX}`. A class or value that begins with `~` is
// a regular expression, one with `=` is exact. All parts are percent-encoded.
import { METRIC_NAME } from '../../model/labels.ts';
import { matcher } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import { decodePercentText } from './percent.ts';

/** Why a selector is none; the message is for its sender. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

function decoded(text: string): string {
  const found = decodePercentText(text);
  if (found === undefined) throw new SelectorError(`malformed percent encoding in ${text}`);
  return found;
}

function classMatcher(text: string): Matcher {
  const name = decoded(text);
  if (name.startsWith('~')) return matcher(METRIC_NAME, '=~', name.slice(1));
  return matcher(METRIC_NAME, '=', name.startsWith('=') ? name.slice(1) : name);
}

function labelMatcher(token: string): Matcher {
  const type = token.includes('=') ? '=' : '~';
  const at = token.indexOf(type);
  if (at <= 0) throw new SelectorError(`"${token}" is no label selector`);
  const name = decoded(token.slice(0, at));
  const value = decoded(token.slice(at + 1));
  if (type === '~') return matcher(name, '=~', value);
  // Clients write `name=~regex` for what the format has as `name~regex`.
  return value.startsWith('~') ? matcher(name, '=~', value.slice(1)) : matcher(name, '=', value);
}

/** Throws SelectorError, or RegexError where an expression is refused. */
export function parseSelector(text: string): Matcher[] {
  const match = /^([^{]+)\{(.*)\}$/su.exec(text);
  if (match === null) throw new SelectorError('expected class{labels}');
  const labels = match[2]!
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
  return [classMatcher(match[1]!), ...labels.map(labelMatcher)];
}
