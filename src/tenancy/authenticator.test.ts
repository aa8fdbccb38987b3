// Open mode: who a request is, which tenant names pass, how many tenants a header may create.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../model/errors.ts';
import { OpenAuthenticator } from './authenticator.ts';
import { OPEN_TENANTS_MAX } from './limits.ts';

const anonymous = { tenant: undefined, token: undefined, peer: '' };

function kindOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error.kind;
    throw error;
  }
  return 'none';
}

test('no header is the default tenant, a header names another', () => {
  const auth = new OpenAuthenticator([]);
  assert.equal(auth.authenticate(anonymous, 'write').tenant, 'default');
  const acme = auth.authenticate({ ...anonymous, tenant: 'acme' }, 'write');
  assert.equal(acme.tenant, 'acme');
  assert.equal(auth.authenticate({ ...anonymous, tenant: 'acme' }, 'read'), acme);
});

test('tenant names that could travel in a path are refused', () => {
  const auth = new OpenAuthenticator([]);
  for (const tenant of ['', '.', '..', '../x', 'a/b', 'a b', 'é', 'a'.repeat(129), '__proto__\n'])
    assert.equal(
      kindOf(() => auth.authenticate({ ...anonymous, tenant }, 'write')),
      'invalid',
    );
  assert.equal(auth.tenantCount, 1);
});

test('writes create a bounded number of tenants, reads none', () => {
  const auth = new OpenAuthenticator(['old']);
  const write = (tenant: string) => auth.authenticate({ ...anonymous, tenant }, 'write');
  for (let i = 0; i < 50; i++) auth.authenticate({ ...anonymous, tenant: `r${i}` }, 'read');
  assert.equal(auth.tenantCount, 2);
  for (let i = 2; i < OPEN_TENANTS_MAX; i++) write(`t${i}`);
  assert.equal(
    kindOf(() => write('one-more')),
    'limited',
  );
  assert.equal(write('old').tenant, 'old');
  assert.equal(write('t5').tenant, 't5');
});
