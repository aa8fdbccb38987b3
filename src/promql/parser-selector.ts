// Selectors: `name{label="value", …}` and `{"quoted name", …}`, and the label lists of grouping and
// matching clauses. Regular expressions are compiled once here for their syntax alone.
import { RegexError, compileRegex } from '../codec/regex.ts';
import { METRIC_NAME } from '../model/labels.ts';
import type { LabelMatcher, MatcherType, VectorSelector } from './ast.ts';
import type { TokenStream } from './parser-stream.ts';
import { quote, unquote } from './text.ts';
import { GROUPING_LABEL_KINDS } from './token.ts';
import type { Token } from './token.ts';

const PLACE = 'label matching';
const MATCH_OPERATORS = new Set(['=', '!=', '=~', '!~']);

function checkRegex(stream: TokenStream, first: Token, last: Token, pattern: string): void {
  try {
    compileRegex(pattern);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    stream.report({ start: first.start, end: last.end }, error.message);
  }
}

function takeMatcher(stream: TokenStream): LabelMatcher {
  const first = stream.current;
  if (first.kind !== 'identifier' && first.kind !== 'string')
    return stream.unexpected(PLACE, 'identifier or "}"');
  stream.next();
  const name = first.kind === 'string' ? unquote(first.text) : first.text;
  const after = stream.current.kind;
  if (!MATCH_OPERATORS.has(after)) {
    if (first.kind === 'string') return { name: METRIC_NAME, type: '=', value: name };
    return stream.unexpected(PLACE, 'label matching operator');
  }
  const type = stream.next().kind as MatcherType;
  const last = stream.take('string', PLACE, 'string');
  const value = unquote(last.text);
  if (type === '=~' || type === '!~') checkRegex(stream, first, last, value);
  return { name, type, value };
}

function takeMatchers(stream: TokenStream): LabelMatcher[] {
  const matchers: LabelMatcher[] = [];
  stream.take('{');
  if (stream.tryTake('}') !== undefined) return matchers;
  for (;;) {
    matchers.push(takeMatcher(stream));
    if (stream.tryTake('}') !== undefined) return matchers;
    stream.take(',', PLACE, '"," or "}"');
    if (stream.tryTake('}') !== undefined) return matchers;
  }
}

/** A vector selector; the caller has seen that it starts with a name or a brace. */
export function parseSelector(stream: TokenStream): VectorSelector {
  const { start } = stream.current;
  const name = stream.at('{') ? '' : stream.next().text;
  const matchers = stream.at('{') ? takeMatchers(stream) : [];
  if (name !== '') matchers.push({ name: METRIC_NAME, type: '=', value: name });
  return {
    type: 'VectorSelector',
    name,
    matchers,
    offset: undefined,
    at: undefined,
    anchored: false,
    smoothed: false,
    pos: { start, end: stream.lastEnd },
  };
}

const GROUPING = 'grouping opts';

function takeGroupingLabel(stream: TokenStream): string {
  const { kind } = stream.current;
  if (kind !== 'string' && !GROUPING_LABEL_KINDS.has(kind))
    return stream.unexpected(GROUPING, 'label');
  const token = stream.next();
  const label = kind === 'string' ? unquote(token.text) : token.text;
  if (label === '' || !label.isWellFormed())
    stream.report(token, `invalid label name for grouping: ${quote(label)}`);
  return label;
}

/** `(a, "b.c", …)` with an optional comma at the end. */
export function parseGroupingLabels(stream: TokenStream): string[] {
  const labels: string[] = [];
  stream.take('(', GROUPING, '"("');
  if (stream.tryTake(')') !== undefined) return labels;
  for (;;) {
    labels.push(takeGroupingLabel(stream));
    if (stream.tryTake(')') !== undefined) return labels;
    stream.take(',', GROUPING, '"," or ")"');
    if (stream.tryTake(')') !== undefined) return labels;
  }
}
