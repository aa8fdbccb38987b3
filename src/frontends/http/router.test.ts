// Paths with a rest: what follows comes as it was sent, and fixed paths stay in front.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nativeErrors } from './errors.ts';
import type { Route } from './route.ts';
import { Router } from './router.ts';

const common = {
  prefix: '/p',
  permission: 'none',
  tenantScope: 'server',
  bodyLimitBytes: 0,
  errors: nativeErrors,
  handler: async () => undefined,
} as const;
const route = (method: Route['method'], path: string): Route => ({ ...common, method, path });
const router = new Router([
  route('GET', '/metrics'),
  route('PUT', '/metrics/job/:job/*labels'),
  route('PUT', '/metrics/job/x/own'),
]);

function find(method: string, path: string): unknown {
  const match = router.find(method, path);
  return 'route' in match ? [match.route.path, Object.fromEntries(match.params)] : match.allowed;
}

test('a rest is what follows, as it was sent, or nothing', () => {
  const path = '/metrics/job/:job/*labels';
  assert.deepEqual(find('PUT', '/metrics/job/a%2Fb'), [path, { job: 'a/b', labels: '' }]);
  assert.deepEqual(find('PUT', '/metrics/job/a/'), [path, { job: 'a', labels: '' }]);
  assert.deepEqual(find('PUT', '/p/metrics/job/a/b/%2F//c'), [
    path,
    { job: 'a', labels: 'b/%2F//c' },
  ]);
  assert.deepEqual(find('PUT', '/metrics/job/x/own'), ['/metrics/job/x/own', {}]);
});

test('other methods are told, other paths are none', () => {
  assert.deepEqual(find('GET', '/metrics/job/a/b/c'), ['PUT']);
  assert.deepEqual(find('PUT', '/metrics/job'), []);
  assert.deepEqual(find('GET', '/metrics'), ['/metrics', {}]);
});
