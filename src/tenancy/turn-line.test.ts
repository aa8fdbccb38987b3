// Tenants take turns by weight and by cost, and nothing waits for ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededPrng } from '../stdx/prng.ts';
import { TURN_ROUNDS_MAX } from './limits.ts';
import { TurnLine } from './turn-line.ts';

function lineOf(
  turnCost: number,
  rows: readonly (readonly [string, number, number?])[],
): TurnLine<string> {
  const line = new TurnLine<string>(turnCost);
  for (const [i, [tenant, cost, weight = 1]] of rows.entries())
    line.push({ tenant, cost, weight }, `${tenant}${i}`);
  return line;
}

function all(line: TurnLine<string>): string[] {
  const order: string[] = [];
  for (let next = line.shift(); next !== undefined; next = line.shift()) order.push(next);
  return order;
}

test('one after the other, whoever came first', () => {
  const line = lineOf(1, [
    ['a', 1],
    ['a', 1],
    ['a', 1],
    ['b', 1],
    ['c', 1],
    ['b', 1],
  ]);
  assert.equal(line.count, 6);
  assert.deepEqual(all(line), ['a0', 'b3', 'c4', 'a1', 'b5', 'a2']);
  assert.equal(line.count, 0);
});

test('a tenant of weight 2 has two turns for one', () => {
  const rows = Array.from({ length: 4 }, () => ['heavy', 1, 2] as const);
  const line = lineOf(1, [...rows, ['light', 1], ['light', 1]]);
  assert.deepEqual(all(line), ['heavy0', 'heavy1', 'light4', 'heavy2', 'heavy3', 'light5']);
});

test('cheap things go while a costly one saves for its turn', () => {
  const line = lineOf(10, [['a', 25], ...Array.from({ length: 6 }, () => ['b', 5] as const)]);
  assert.deepEqual(all(line), ['b1', 'b2', 'b3', 'b4', 'a0', 'b5', 'b6']);
});

test('whatever it costs, it goes after so many rounds', () => {
  const many = Array.from({ length: 2 * TURN_ROUNDS_MAX }, () => ['b', 1] as const);
  const order = all(lineOf(1, [['a', Infinity], ...many]));
  assert.equal(order.indexOf('a0'), TURN_ROUNDS_MAX - 1);
});

test('who leaves the line is not called; the newest is the last', () => {
  const line = lineOf(1, [
    ['a', 1],
    ['a', 1],
    ['b', 1],
  ]);
  assert.equal(line.last('a'), 'a1');
  line.remove('a', 'a0');
  line.remove('a', 'a0');
  line.remove('b', 'b2');
  assert.equal(line.countOf('b'), 0);
  assert.equal(line.peek(), 'a1');
  assert.deepEqual(all(line), ['a1']);
  assert.equal(line.last('a'), undefined);
});

test('property: in any stretch tenants that wait get cost by their weight', () => {
  const prng = seededPrng(11);
  for (let round = 0; round < 50; round++) {
    const weights = [1, 1 + (prng.u32() % 4), 1 + (prng.u32() % 4)];
    const line = new TurnLine<{ readonly tenant: string; readonly cost: number }>(100);
    for (const [i, weight] of weights.entries())
      for (let n = 0; n < 400; n++) {
        const place = { tenant: `t${i}`, cost: 1 + (prng.u32() % 150), weight };
        line.push(place, place);
      }
    const got = weights.map(() => 0);
    for (let n = 0; n < 300; n++) {
      const { tenant, cost } = line.shift()!;
      got[Number(tenant.slice(1))]! += cost;
    }
    const shares = got.map((cost, i) => cost / weights[i]!);
    // Two turns and the largest thing: what the round robin allows.
    assert.ok(Math.max(...shares) - Math.min(...shares) <= 2 * 100 + 150, shares.join(' '));
  }
});
