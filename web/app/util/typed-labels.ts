/**
 * Labels as somebody types them: a selector as PromQL shows it (`up{job="node"}`), or one
 * `name=value` a line.
 */
import type { Labels } from './labels.ts';

export type TypedLabels =
  | { readonly labels: Labels; readonly problem: undefined }
  | { readonly labels: undefined; readonly problem: string };

const SELECTOR = /^\s*([^{}\n]*?)\s*\{(.*)\}\s*$/s;
const PAIR = /\s*(?:([^\s=",]+)|"((?:\\.|[^"\\])*)")\s*=\s*"((?:\\.|[^"\\])*)"\s*(?:,|$)/y;

export function parseTypedLabels(text: string): TypedLabels {
  const selector = SELECTOR.exec(text);
  return selector === null
    ? fromLines(text)
    : fromSelector(selector[1] ?? '', (selector[2] ?? '').trim());
}

function fromSelector(name: string, pairs: string): TypedLabels {
  // Not an object while it is filled: names may be those of what every object has.
  const labels = new Map(name === '' ? [] : [['__name__', name]]);
  const pair = new RegExp(PAIR);
  for (let at = 0; at < pairs.length; at = pair.lastIndex) {
    pair.lastIndex = at;
    const match = pair.exec(pairs);
    if (match === null) return problem(`Expected name="value" at “${pairs.slice(at, at + 20)}”.`);
    labels.set(match[1] ?? unquoted(match[2] ?? ''), unquoted(match[3] ?? ''));
  }
  return { labels: Object.fromEntries(labels), problem: undefined };
}

function fromLines(text: string): TypedLabels {
  const labels = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const equals = line.indexOf('=');
    const name = line.slice(0, equals).trim();
    if (equals < 0 && index === 0) labels.set('__name__', line.trim());
    else if (name === '') return problem(`Line ${index + 1}: expected name=value.`);
    else labels.set(name, valueOf(line.slice(equals + 1).trim()));
  }
  return { labels: Object.fromEntries(labels), problem: undefined };
}

function problem(sentence: string): TypedLabels {
  return { labels: undefined, problem: sentence };
}

function valueOf(text: string): string {
  const quoted = /^"((?:\\.|[^"\\])*)"$/s.exec(text);
  return quoted === null ? text : unquoted(quoted[1] ?? '');
}

function unquoted(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_, char: string) => (char === 'n' ? '\n' : char));
}
