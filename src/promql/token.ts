// Tokens of PromQL and the keyword table. The kind of a keyword, operator or bracket is its own
// canonical lower-case spelling; the other kinds are number, duration, string, identifier, metric
// (an identifier with a colon), eof and error. Keywords are recognised in any case.
import { quote } from './text.ts';
import type { AggregateOp } from './ast.ts';

export interface Token {
  readonly kind: string;
  /** The text as written; of an error token the message. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export const AGGREGATE_OPS: ReadonlySet<string> = new Set<AggregateOp>([
  'sum',
  'avg',
  'count',
  'min',
  'max',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'count_values',
  'quantile',
  'limitk',
  'limit_ratio',
]);

const WORD_OPERATORS = ['and', 'or', 'unless', 'atan2'];
const MODIFIERS = [
  'offset',
  'smoothed',
  'anchored',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'fill',
  'fill_left',
  'fill_right',
  'bool',
];
const PREPROCESSORS = ['start', 'end', 'step', 'range', 'max_of', 'min_of'];

const SYMBOL_OPERATORS = '+ - * / % ^ @ == != <= < >= > </ >/ =~ !~'.split(' ');
const OPERATORS: ReadonlySet<string> = new Set([...SYMBOL_OPERATORS, ...WORD_OPERATORS]);
const MODIFIER_SET: ReadonlySet<string> = new Set(MODIFIERS);

/** Word in lower case → token kind. */
export const KEYWORDS: ReadonlyMap<string, string> = new Map([
  ...[...AGGREGATE_OPS, ...WORD_OPERATORS, ...MODIFIERS, ...PREPROCESSORS].map(
    (word): [string, string] => [word, word],
  ),
  ['inf', 'number'],
  ['nan', 'number'],
]);

function keywordsBut(...excluded: string[]): ReadonlySet<string> {
  const kinds = new Set<string>(['identifier', 'metric', ...KEYWORDS.values()]);
  for (const kind of ['number', ...excluded]) kinds.delete(kind);
  return kinds;
}

/** Kinds that may stand for a metric name. */
export const METRIC_NAME_KINDS = keywordsBut(
  'bool',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'atan2',
);

/** Kinds that may stand for a label in by, without, on, ignoring, group_left and group_right. */
export const GROUPING_LABEL_KINDS = keywordsBut('without');

const LITERAL_KINDS = new Map([
  ['identifier', 'identifier'],
  ['metric', 'metric identifier'],
  ['string', 'string'],
  ['number', 'number'],
  ['duration', 'duration'],
]);

const QUOTED_LENGTH_MAX = 10;

function quoteShort(text: string): string {
  return text.length > QUOTED_LENGTH_MAX
    ? `${quote(text.slice(0, QUOTED_LENGTH_MAX))}...`
    : quote(text);
}

/** The token as an error message names it, e.g. `<op:*>`, `identifier "foo"`, `end of input`. */
export function describeToken(token: Token): string {
  if (token.kind === 'eof') return 'end of input';
  if (MODIFIER_SET.has(token.kind)) return `<${token.text}>`;
  if (OPERATORS.has(token.kind)) return `<op:${token.text}>`;
  if (AGGREGATE_OPS.has(token.kind)) return `<aggr:${token.text}>`;
  const literal = LITERAL_KINDS.get(token.kind);
  if (literal === undefined) return quoteShort(token.text);
  const whole = token.kind === 'identifier' || token.kind === 'metric';
  return `${literal} ${whole ? quote(token.text) : quoteShort(token.text)}`;
}
