// The table of limits: which of its four places holds, and that a token never gets more than its
// tenant, whatever the numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomInt, seededPrng } from '../stdx/prng.ts';
import {
  isLimitId,
  LIMIT_IDS,
  LIMITS,
  limitProblem,
  tenantLimits,
  tokenLimits,
} from './limit-table.ts';

test('the tenant wins over the server, the server over the table', () => {
  const server = { 'active-series': 7, 'body-bytes': 9 };
  const limits = tenantLimits(server, { 'active-series': 8, 'gone-limit': 1 });
  assert.equal(limits['active-series'], 8);
  assert.equal(limits['body-bytes'], 9);
  assert.equal(limits['query-points'], LIMITS['query-points'].fallback);
  assert.deepEqual(Object.keys(limits), [...LIMIT_IDS]);
});

test('a token only lowers, and has no share of what is a limit of tenants', () => {
  const prng = seededPrng(53);
  const some = () =>
    Object.fromEntries(
      LIMIT_IDS.filter(() => randomInt(prng, 2) === 0).map((id) => [id, randomInt(prng, 100)]),
    );
  for (let i = 0; i < 200; i++) {
    const tenant = tenantLimits(some(), some());
    const token = some();
    const limits = tokenLimits(tenant, token);
    for (const id of LIMIT_IDS) {
      const counts = LIMITS[id].scope === 'both' && Object.hasOwn(token, id);
      assert.equal(limits[id], counts ? Math.min(tenant[id], token[id]!) : tenant[id], id);
    }
  }
});

test('what is wrong with a value is said', () => {
  assert.equal(limitProblem('active-series', 0, 'tenant'), undefined);
  assert.equal(limitProblem('query-memory', 1, 'token'), undefined);
  assert.match(limitProblem('active-series', 1, 'token')!, /a limit of tenants/);
  for (const id of LIMIT_IDS) assert.ok(isLimitId(id));
  for (const id of ['', 'series', '__proto__', 'constructor'])
    assert.match(limitProblem(id, 1, 'tenant')!, /is no limit; known are active-series, /);
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53])
    assert.match(limitProblem('query-memory', value, 'tenant')!, /whole number/);
});
