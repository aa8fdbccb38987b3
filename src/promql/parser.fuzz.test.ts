// Properties of the PromQL front end: a printed tree parses to an equal tree, in one line and in
// several; whatever text comes, the parser answers with a tree or a PromqlParseError.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { METRIC_NAME } from '../model/labels.ts';
import type {
  AtModifier,
  BinaryExpr,
  BinaryOp,
  DurationExpr,
  DurationOperand,
  Expr,
  LabelMatcher,
  NumberLiteral,
  VectorMatching,
  VectorSelector,
} from './ast.ts';
import { isComparisonOp, isSetOp } from './ast.ts';
import { PromqlParseError } from './parse-error.ts';
import { parseExpr } from './parser.ts';
import { prettyPrint, printExpr } from './printer.ts';
import { quote } from './text.ts';
import { valueTypeOf } from './types.ts';

const pos = { start: 0, end: 0 };
const RUNS = 400;
const LINE_LENGTH = 20;

const plainName = fc.stringMatching(/^[a-z_][a-z0-9_]{0,6}$/);
const metricName = fc.oneof(
  plainName.filter(
    (name) => !/^(bool|on|ignoring|group_left|group_right|atan2|inf|nan)$/.test(name),
  ),
  fc.constantFrom('sum', 'offset', 'by', 'start', 'step', 'a:b', 'fill', 'and', 'Rate'),
);
const anyText = fc
  .string({ unit: 'grapheme', maxLength: 8 })
  .map((s) => s.replaceAll('\ufffd', ''));
const labelName = fc
  .oneof(plainName, anyText)
  .filter((name) => name !== METRIC_NAME && name !== '');

const seconds = fc.integer({ min: 1, max: 400 * 86_400_000 }).map((ms): NumberLiteral => ({
  type: 'NumberLiteral',
  value: Math.trunc(ms / 1000) + (ms % 1000) / 1000,
  duration: true,
  pos,
}));

const DURATION_OPS: readonly DurationExpr['op'][] = [
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  'min_of',
  'max_of',
];

function wrapped(operand: DurationOperand): DurationExpr {
  if (operand.type === 'DurationExpr') return { ...operand, wrapped: true };
  return { type: 'DurationExpr', op: '+', lhs: undefined, rhs: operand, wrapped: true, pos };
}

const durationExpr: fc.Arbitrary<DurationExpr> = fc.letrec<{ node: DurationExpr }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('step' as const, 'range' as const).map((op): DurationExpr => ({
      type: 'DurationExpr',
      op,
      lhs: undefined,
      rhs: undefined,
      wrapped: false,
      pos,
    })),
    seconds.map(wrapped),
    fc
      .tuple(
        fc.constantFrom(...DURATION_OPS),
        fc.oneof(tie('node'), seconds),
        fc.oneof(tie('node'), seconds),
      )
      .map(([op, lhs, rhs]): DurationExpr => {
        const call = op === 'min_of' || op === 'max_of';
        const sides = call ? { lhs, rhs } : { lhs: wrapped(lhs), rhs: wrapped(rhs) };
        return wrapped({ type: 'DurationExpr', op, ...sides, wrapped: false, pos });
      }),
    tie('node').map((rhs): DurationExpr =>
      wrapped({
        type: 'DurationExpr',
        op: '-',
        lhs: undefined,
        rhs: wrapped(rhs),
        wrapped: false,
        pos,
      }),
    ),
  ),
})).node;

const range: fc.Arbitrary<DurationOperand> = fc.oneof(seconds, durationExpr);
const offset: fc.Arbitrary<DurationOperand | undefined> = fc.option(
  fc.oneof(
    seconds,
    seconds.map((literal) => ({ ...literal, value: -literal.value })),
    durationExpr,
  ),
  { nil: undefined },
);
const at: fc.Arbitrary<AtModifier | undefined> = fc.option(
  fc.oneof(
    fc.constant<AtModifier>({ kind: 'start' }),
    fc.constant<AtModifier>({ kind: 'end' }),
    fc
      .integer({ min: -1e13, max: 1e13 })
      .map((timestampMs): AtModifier => ({ kind: 'timestamp', timestampMs })),
  ),
  { nil: undefined },
);

const matcher: fc.Arbitrary<LabelMatcher> = fc.oneof(
  fc.record({
    name: labelName,
    type: fc.constantFrom('=' as const, '!=' as const),
    value: anyText,
  }),
  fc.record({
    name: labelName,
    type: fc.constantFrom('=~' as const, '!~' as const),
    value: fc.constantFrom('', '.*', 'a|b', '[a-z]+', '\\d{2}'),
  }),
);

function printed({ name, type, value }: LabelMatcher): string {
  return (/^[a-zA-Z_]\w*$/.test(name) ? name : quote(name)) + type + quote(value);
}

const selector: fc.Arbitrary<VectorSelector> = fc
  .record({
    name: metricName,
    matchers: fc.array(matcher, { maxLength: 3 }),
    offset,
    at,
    extension: fc.constantFrom('', '', 'anchored', 'smoothed'),
  })
  .map(({ name, matchers, extension, ...times }) => ({
    type: 'VectorSelector',
    name,
    matchers: [
      ...matchers.toSorted((a, b) =>
        Buffer.compare(Buffer.from(printed(a)), Buffer.from(printed(b))),
      ),
      { name: METRIC_NAME, type: '=', value: name },
    ],
    ...times,
    anchored: extension === 'anchored',
    smoothed: extension === 'smoothed',
    pos,
  }));

const number: fc.Arbitrary<NumberLiteral> = fc.oneof(
  seconds,
  fc.oneof(fc.double(), fc.integer()).map((value): NumberLiteral => ({
    type: 'NumberLiteral',
    value,
    duration: false,
    pos,
  })),
);

const OPS: readonly BinaryOp[] = '+ - * / % ^ atan2 == != < > <= >= and or unless </ >/'.split(
  ' ',
) as BinaryOp[];

interface MatchingParts {
  readonly labels: readonly string[];
  readonly include: readonly string[];
  readonly on: boolean;
  readonly group: '' | 'many-to-one' | 'one-to-many';
  readonly fills: readonly [number | undefined, number | undefined];
  readonly bool: boolean;
}

const fill = fc.option(fc.double(), { nil: undefined });
const parts: fc.Arbitrary<MatchingParts> = fc.record({
  labels: fc.uniqueArray(labelName, { maxLength: 2 }),
  include: fc.uniqueArray(plainName, { maxLength: 2 }),
  on: fc.boolean(),
  group: fc.constantFrom('' as const, 'many-to-one' as const, 'one-to-many' as const),
  fills: fc.tuple(fill, fill),
  bool: fc.boolean(),
});

function matchingOf(
  op: BinaryOp,
  { labels, include, on, group, fills }: MatchingParts,
): VectorMatching {
  if (isSetOp(op))
    return {
      card: 'many-to-many',
      labels,
      on,
      include: [],
      fillLeft: undefined,
      fillRight: undefined,
    };
  return {
    card: group === '' ? 'one-to-one' : group,
    labels,
    on,
    include: group === '' ? [] : include.filter((label) => !labels.includes(label)),
    fillLeft: fills[0],
    fillRight: fills[1],
  };
}

/** Operands in parentheses unless atoms, so that the text cannot be read in another way. */
function atom(expr: Expr): Expr {
  const safe = expr.type === 'Call' || expr.type === 'AggregateExpr' || expr.type === 'ParenExpr';
  return safe ? expr : { type: 'ParenExpr', expr, pos };
}

function binary([picked, left, right, some]: [BinaryOp, Expr, Expr, MatchingParts]): BinaryExpr {
  const vectors = valueTypeOf(left) === 'vector' && valueTypeOf(right) === 'vector';
  const op = isSetOp(picked) && !vectors ? '+' : picked;
  const scalars = valueTypeOf(left) === 'scalar' && valueTypeOf(right) === 'scalar';
  return {
    type: 'BinaryExpr',
    op,
    lhs: atom(left),
    rhs: atom(right),
    matching: vectors ? matchingOf(op, some) : undefined,
    returnBool: isComparisonOp(op) && (scalars || some.bool),
    pos,
  };
}

type Nodes = { readonly vector: Expr; readonly scalar: Expr; readonly any: Expr };

const call = (func: string, ...args: Expr[]): Expr => ({ type: 'Call', func, args, pos });

const trees = fc.letrec<Nodes>((tie) => ({
  any: fc.oneof(tie('vector'), tie('scalar')),
  scalar: fc.oneof(
    { maxDepth: 4 },
    number,
    fc.constantFrom(call('time'), call('step')),
    tie('vector').map((expr) => call('scalar', expr)),
  ),
  vector: fc.oneof(
    { maxDepth: 5 },
    selector,
    fc
      .tuple(selector, range)
      .map(([inner, length]) =>
        call('rate', { type: 'MatrixSelector', selector: inner, range: length, pos }),
      ),
    fc
      .tuple(tie('vector'), range, fc.option(range, { nil: undefined }), offset, at)
      .map(([expr, length, step, shift, time]) =>
        call('max_over_time', {
          type: 'SubqueryExpr',
          expr: atom(expr),
          range: length,
          step,
          offset: shift,
          at: time,
          pos,
        }),
      ),
    fc
      .tuple(tie('vector'), fc.array(labelName, { maxLength: 2 }), fc.boolean())
      .map(([expr, grouping, without]): Expr => ({
        type: 'AggregateExpr',
        op: 'sum',
        expr,
        param: undefined,
        grouping,
        without,
        pos,
      })),
    fc.tuple(tie('scalar'), tie('vector')).map(([param, expr]): Expr => ({
      type: 'AggregateExpr',
      op: 'topk',
      expr,
      param,
      grouping: [],
      without: false,
      pos,
    })),
    fc.tuple(tie('vector'), anyText, anyText).map(([expr, a, b]) => {
      const text = (value: string): Expr => ({ type: 'StringLiteral', value, pos });
      return call('label_replace', expr, text(a), text(b), text('src'), text('(.*)'));
    }),
    fc.tuple(fc.constantFrom(...OPS), tie('vector'), tie('any'), parts).map(binary),
    tie('vector').map((expr): Expr => ({ type: 'UnaryExpr', op: '-', expr: atom(expr), pos })),
  ),
}));

function withoutPositions(expr: Expr): unknown {
  return JSON.parse(
    JSON.stringify(expr, (key, value: unknown) => {
      if (key === 'pos') return undefined;
      return typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
        ? `special ${Object.is(value, -0) ? '-0' : value}`
        : value;
    }),
  );
}

describe('PromQL front end', () => {
  test('a printed tree parses to an equal tree', () => {
    fc.assert(
      fc.property(trees.any, (expr) => {
        const want = withoutPositions(expr);
        assert.deepEqual(withoutPositions(parseExpr(printExpr(expr))), want);
        assert.deepEqual(withoutPositions(parseExpr(prettyPrint(expr, LINE_LENGTH))), want);
      }),
      { numRuns: RUNS },
    );
  });

  test('any text gets a tree or a parse error', () => {
    const words = fc.constantFrom(
      ...'foo sum ( ) { } [ ] 5m 1 "s" , = =~ offset @ start() by on group_left bool fill( + - ^ : #'.split(
        ' ',
      ),
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words, { maxLength: 14 }).map((list) => list.join(' ')),
    );
    fc.assert(
      fc.property(text, (input) => {
        try {
          const expr = parseExpr(input);
          assert.deepEqual(
            withoutPositions(parseExpr(printExpr(expr))),
            withoutPositions(parseExpr(printExpr(parseExpr(printExpr(expr))))),
          );
        } catch (error) {
          if (!(error instanceof PromqlParseError)) throw error;
        }
      }),
      { numRuns: RUNS * 2 },
    );
  });
});
