// The parser's own decisions: shape of the tree, positions, what binds to what, messages, bounds.
// What Prometheus accepts and refuses is in test/conformance/promql-parser.test.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Expr } from './ast.ts';
import {
  EXPR_DEPTH_MAX,
  ISSUE_LENGTH_MAX,
  NESTING_DEPTH_MAX,
  PARSE_ISSUES_MAX,
  QUERY_LENGTH_MAX,
} from './limits.ts';
import { PromqlParseError } from './parse-error.ts';
import { parseExpr, parseMetricSelector } from './parser.ts';
import { printExpr } from './printer.ts';

function refusal(input: string): PromqlParseError {
  try {
    parseExpr(input);
  } catch (error) {
    assert.ok(error instanceof PromqlParseError);
    return error;
  }
  return assert.fail(`accepted: ${input}`);
}

/** The text with every operator's operands in braces: shows what binds to what. */
function bracketed(expr: Expr): string {
  switch (expr.type) {
    case 'BinaryExpr':
      return `{${bracketed(expr.lhs)} ${expr.op} ${bracketed(expr.rhs)}}`;
    case 'UnaryExpr':
      return `{${expr.op}${bracketed(expr.expr)}}`;
    default:
      return printExpr(expr);
  }
}

describe('parseExpr', () => {
  test('binds operators as Prometheus does', () => {
    const cases = [
      ['a or b and c', '{a or {b and c}}'],
      ['a unless b or c', '{{a unless b} or c}'],
      ['a == b + c * d ^ e', '{a == {b + {c * {d ^ e}}}}'],
      ['a - b - c', '{{a - b} - c}'],
      ['a ^ b ^ c', '{a ^ {b ^ c}}'],
      ['-a ^ b', '{-{a ^ b}}'],
      ['-a * b', '{{-a} * b}'],
      ['2 ^ -3 * 4', '{{2 ^ -3} * 4}'],
      ['a atan2 b % c', '{{a atan2 b} % c}'],
      ['a </ b + c >/ d', '{{a </ {b + c}} >/ d}'],
      ['a offset 5m - 1', '{a offset 5m - 1}'],
      ['a offset -step() * 2', '{a offset -step() * 2}'],
      ['-a offset 5m @ 10', '{-a @ 10.000 offset 5m}'],
    ] as const;
    for (const [input, want] of cases) assert.equal(bracketed(parseExpr(input)), want);
  });

  test('reads every number format', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['1_000', 1000],
      ['0x1F', 31],
      ['0xee', 238],
      ['0755', 493],
      ['089', 89],
      ['.5', 0.5],
      ['5.', 5],
      ['1e-3', 0.001],
      ['iNf', Infinity],
      ['-Inf', -Infinity],
      ['1h30m', 5400],
      ['2ms', 0.002],
      ['9007199254740993', 9007199254740992],
    ];
    for (const [input, value] of cases) {
      const expr = parseExpr(input);
      assert.ok(expr.type === 'NumberLiteral');
      assert.equal(expr.value, value, input);
    }
    const nan = parseExpr('NaN');
    assert.ok(nan.type === 'NumberLiteral' && Number.isNaN(nan.value));
    for (const bad of ['1__0', '0x', '1e400', '.5.5', '5y1y', '1d2w'])
      assert.match(refusal(bad).message, /parse error/);
  });
});

describe('parsed trees', () => {
  test('keeps keywords usable as names', () => {
    const expr = parseExpr('sum by (on, offset, "a b") (by{without="x", sum="y"})');
    assert.ok(expr.type === 'AggregateExpr' && expr.expr.type === 'VectorSelector');
    assert.deepEqual(expr.grouping, ['on', 'offset', 'a b']);
    assert.equal(expr.expr.name, 'by');
    assert.deepEqual(expr.expr.matchers, [
      { name: 'without', type: '=', value: 'x' },
      { name: 'sum', type: '=', value: 'y' },
      { name: '__name__', type: '=', value: 'by' },
    ]);
  });

  test('describes how two vectors match', () => {
    const expr = parseExpr('a == bool on (x) group_left (y, z) fill_right (-5) b');
    assert.ok(expr.type === 'BinaryExpr');
    assert.equal(expr.returnBool, true);
    assert.deepEqual(expr.matching, {
      card: 'many-to-one',
      labels: ['x'],
      on: true,
      include: ['y', 'z'],
      fillLeft: undefined,
      fillRight: -5,
    });
    const set = parseExpr('a and b');
    assert.ok(set.type === 'BinaryExpr');
    assert.equal(set.matching?.card, 'many-to-many');
    const scalar = parseExpr('a + 1');
    assert.ok(scalar.type === 'BinaryExpr');
    assert.equal(scalar.matching, undefined);
  });

  test('keeps duration expressions for query time', () => {
    const expr = parseExpr('rate(a[max_of(step(), 5m) * 2] offset (1h - 5m))');
    assert.ok(expr.type === 'Call' && expr.args[0]?.type === 'MatrixSelector');
    const { range, selector } = expr.args[0];
    assert.ok(range.type === 'DurationExpr' && range.op === '*');
    assert.ok(selector.offset?.type === 'DurationExpr' && selector.offset.op === '-');
    const plain = parseExpr('a offset 0s');
    assert.ok(plain.type === 'VectorSelector');
    assert.equal(plain.offset, undefined);
  });

  test('says where nodes stand', () => {
    const input = ' sum(foo{a="b"}[5m:1m] @ 5 offset 1m) ';
    const position = refusal(input).issues[0]!.pos;
    assert.equal(input.slice(position.start, position.end), 'foo{a="b"}[5m:1m] @ 5 offset 1m');
    const call = parseExpr('1 + rate( foo[5m] )');
    assert.ok(call.type === 'BinaryExpr');
    assert.deepEqual(call.rhs.pos, { start: 4, end: 19 });
  });
});

describe('refusals', () => {
  test('points at the fault by line and column and finds all of them', () => {
    const error = refusal('floor(1)\n  + rate(foo)');
    assert.equal(error.line, 1);
    assert.equal(error.column, 7);
    assert.equal(error.kind, 'invalid');
    assert.equal(
      error.message,
      '1:7: parse error: expected type instant vector in call to function "floor", got scalar',
    );
    assert.equal(error.issues.length, 2);
    assert.match(refusal('foo\n +\n )').message, /^3:3: parse error: unexpected right parenth/);
    assert.match(refusal('{a=~"("}').message, /missing closing \)/);
  });

  test('refuses what is too long or too deep without harm to the stack', () => {
    assert.match(refusal(' '.repeat(QUERY_LENGTH_MAX + 1)).message, /the limit is \d+/);
    for (const open of ['(', '-', 'abs(', 'a^', 'a[(', 'sum by (x) (', '1+('])
      assert.match(
        refusal(open.repeat(QUERY_LENGTH_MAX / 12)).message,
        /deeper than the limit|unclosed|unexpected/,
      );
    const nested = NESTING_DEPTH_MAX - 5;
    assert.equal(parseExpr('('.repeat(nested) + '1' + ')'.repeat(nested)).type, 'ParenExpr');
    const chain = (count: number): string => Array(count).fill('a').join(' or ');
    const longest = parseExpr(chain(EXPR_DEPTH_MAX));
    assert.equal(printExpr(longest), chain(EXPR_DEPTH_MAX));
    assert.match(refusal(chain(EXPR_DEPTH_MAX + 1)).message, /deeper than the limit of 1000/);
    const sum = `a[1m${'+1m'.repeat(EXPR_DEPTH_MAX)}]`;
    assert.match(refusal(sum).message, /deeper than the limit of 1000/);
    const many = refusal(`label_join(a, "b"${', floor(1)'.repeat(PARSE_ISSUES_MAX)})`);
    assert.equal(many.issues.length, PARSE_ISSUES_MAX);
    assert.ok(refusal('9'.repeat(10_000)).message.length < 2 * ISSUE_LENGTH_MAX);
  });

  test('gathers escaped bytes as UTF-8 and keeps those that are none', () => {
    const cases = [
      [String.raw`"\xe2\x98\xba\u263a\342\230\272☺"`, '☺☺☺☺'],
      [String.raw`'it\'s "\t"'`, 'it\'s "\t"'],
      ['`a\\nb`', 'a\\nb'],
      [String.raw`"a\xc5z"`, 'a\udcc5z'],
    ] as const;
    for (const [input, value] of cases) {
      const expr = parseExpr(input);
      assert.ok(expr.type === 'StringLiteral');
      assert.equal(expr.value, value);
      assert.deepEqual(parseExpr(printExpr(expr)).type, 'StringLiteral');
    }
    assert.equal(printExpr(parseExpr(String.raw`"a\xc5z"`)), String.raw`"a\xc5z"`);
  });
});

describe('parseMetricSelector', () => {
  test('reads names, braces and both', () => {
    assert.deepEqual(parseMetricSelector('up{job=~"a.*"}'), [
      { name: 'job', type: '=~', value: 'a.*' },
      { name: '__name__', type: '=', value: 'up' },
    ]);
    assert.deepEqual(parseMetricSelector(' {"foo.bar", "a.b"!="c"} '), [
      { name: '__name__', type: '=', value: 'foo.bar' },
      { name: 'a.b', type: '!=', value: 'c' },
    ]);
    assert.deepEqual(parseMetricSelector('{}'), []);
  });

  test('refuses anything else', () => {
    for (const input of ['', 'up[5m]', 'up offset 5m', 'sum(up)', '1', 'up or down', '{a=~"["}'])
      assert.throws(() => parseMetricSelector(input), PromqlParseError);
  });
});
