// The JSON form of trees: the fields Prometheus' own UI reads from `parse_query`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpr } from './parser.ts';
import { exprToJson } from './to-json.ts';

const UP = {
  type: 'vectorSelector',
  name: 'up',
  offset: 0,
  offsetExpr: null,
  matchers: [{ name: '__name__', value: 'up', type: '=' }],
  timestamp: null,
  startOrEnd: null,
  anchored: false,
  smoothed: false,
};

test('selectors, ranges and subqueries carry times in milliseconds', () => {
  assert.deepEqual(exprToJson(parseExpr('up')), UP);
  assert.deepEqual(exprToJson(parseExpr('up[1001ms] @ 1.5 offset -7m')), {
    ...UP,
    type: 'matrixSelector',
    range: 1001,
    rangeExpr: null,
    offset: -420_000,
    timestamp: 1500,
  });
  assert.deepEqual(exprToJson(parseExpr('up[5m:(step())] @ end()')), {
    type: 'subquery',
    expr: UP,
    range: 300_000,
    rangeExpr: null,
    step: 0,
    stepExpr: { type: 'durationExpr', op: 'step', lhs: null, rhs: null, wrapped: true },
    offset: 0,
    offsetExpr: null,
    timestamp: null,
    startOrEnd: 'end',
  });
});

test('operators, aggregations and calls carry their settings', () => {
  assert.deepEqual(exprToJson(parseExpr('up * ignoring (a) group_right fill_left (2) up')), {
    type: 'binaryExpr',
    op: '*',
    lhs: UP,
    rhs: UP,
    matching: {
      card: 'one-to-many',
      labels: ['a'],
      on: false,
      include: [],
      fillValues: { lhs: 2, rhs: null },
    },
    bool: false,
  });
  assert.deepEqual(exprToJson(parseExpr('topk by (x) (1e-7, up)')), {
    type: 'aggregation',
    op: 'topk',
    expr: UP,
    param: { type: 'numberLiteral', val: '0.0000001' },
    grouping: ['x'],
    without: false,
  });
  assert.deepEqual(exprToJson(parseExpr('-round(up)')), {
    type: 'unaryExpr',
    op: '-',
    expr: {
      type: 'call',
      func: {
        name: 'round',
        argTypes: ['vector', 'scalar'],
        variadic: 1,
        returnType: 'vector',
      },
      args: [UP],
    },
  });
});
