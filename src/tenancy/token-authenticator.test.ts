// What a token is worth: for whom, when, in which tenant, for what; and that nothing widens it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AppError } from '../model/errors.ts';
import { matcher } from '../model/matcher.ts';
import type { Needed, Permission } from '../model/tenant.ts';
import { seededPrng } from '../stdx/prng.ts';
import { HeaderAuthenticator } from './header-authenticator.ts';
import type { TenantRecord, TokenRecord } from './records.ts';
import { TenancyCopy } from './tenant-lookup.ts';
import { TokenAuthenticator } from './token-authenticator.ts';
import { isSecretOf, mintToken } from './token.ts';

const NOW_MS = 1_000_000;
const ALL: readonly Permission[] = ['read', 'write', 'delete', 'rules', 'admin'];

function tenant(id: string, more: Partial<TenantRecord> = {}): TenantRecord {
  return { id, name: id, createdMs: 0, state: 'active', limits: {}, ...more };
}

const prng = seededPrng(7);

function minted(more: Partial<TokenRecord> = {}): { token: string; record: TokenRecord } {
  const { id, token, hash } = mintToken(prng);
  const record: TokenRecord = {
    id,
    hash,
    name: 't',
    scope: 'tenant',
    tenants: ['acme'],
    permissions: ALL,
    labels: {},
    matchers: [],
    application: '',
    limits: {},
    createdMs: 0,
    ...more,
  };
  return { token, record };
}

function house(records: readonly TokenRecord[]) {
  const tenants = [
    tenant('acme'),
    tenant('renamed', { name: 'new-name' }),
    tenant('idle', { state: 'suspended' }),
    tenant('going', { state: 'deleting' }),
  ];
  const lookup = new TenancyCopy({ tenants, tokens: records });
  const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };
  const matchersOf = (selector: string) => {
    if (selector === 'broken') throw new Error('no selector');
    return [matcher('env', '=', selector)];
  };
  return { lookup, auth: new TokenAuthenticator({ lookup, clock, matchersOf }) };
}

interface Asked {
  readonly token?: string;
  readonly tenant?: string;
  readonly needed?: Needed;
}

function outcome(auth: TokenAuthenticator, { token, tenant: name, needed = 'read' }: Asked) {
  try {
    return auth.authenticate({ token, tenant: name, peer: '' }, needed).tenant;
  } catch (error) {
    assert.ok(error instanceof AppError);
    return `${error.kind} ${error.code}`;
  }
}

test('nothing, something else, an unknown id and a wrong secret are nobody', () => {
  const { token, record } = minted();
  const { auth } = house([record]);
  const wrong = token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a');
  assert.equal(outcome(auth, {}), 'unauthenticated token-missing');
  assert.equal(outcome(auth, { token: '' }), 'unauthenticated token-missing');
  for (const bad of ['secret', wrong, minted().token, `${token} `, token.toUpperCase()])
    assert.equal(outcome(auth, { token: bad }), 'unauthenticated token-unknown', bad);
  assert.equal(outcome(auth, { token }), 'acme');
});

test('a token is good from its first millisecond to the one before its last', () => {
  const cases: readonly (readonly [Partial<TokenRecord>, string])[] = [
    [{ notBeforeMs: NOW_MS }, 'acme'],
    [{ notBeforeMs: NOW_MS + 1 }, 'unauthenticated token-early'],
    [{ expiresMs: NOW_MS + 1 }, 'acme'],
    [{ expiresMs: NOW_MS }, 'unauthenticated token-expired'],
    [{ revokedMs: NOW_MS + 5 }, 'unauthenticated token-revoked'],
  ];
  for (const [more, expected] of cases) {
    const { token, record } = minted(more);
    assert.equal(outcome(house([record]).auth, { token }), expected);
  }
});

test('a token is hashed once for its record, and never stands in for another', () => {
  const { token, record } = minted();
  const { lookup } = house([record]);
  const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };
  let hashed = 0;
  const compare: typeof isSecretOf = (secret, hash) => {
    hashed++;
    return isSecretOf(secret, hash);
  };
  const auth = new TokenAuthenticator({ lookup, clock, matchersOf: () => [], compare });
  for (let i = 0; i < 3; i++) assert.equal(outcome(auth, { token }), 'acme');
  assert.equal(hashed, 1);
  const bent = [token.length - 1, 17, 40].map((at) => {
    const other = token[at] === 'a' ? 'b' : 'a';
    return token.slice(0, at) + other + token.slice(at + 1);
  });
  for (const wrong of [...bent, token.slice(0, -1), `${token}a`, `${token}\0`, ` ${token}`])
    assert.equal(outcome(auth, { token: wrong }), 'unauthenticated token-unknown', wrong);
  // The same id with another secret: the one of before is worth nothing.
  const { hash } = mintToken(prng);
  lookup.apply({ kind: 'token', id: record.id, record: { ...record, hash } });
  assert.equal(outcome(auth, { token }), 'unauthenticated token-unknown');
  lookup.apply({ kind: 'token', id: record.id, record: { ...record, revokedMs: 1 } });
  for (let i = 0; i < 2; i++)
    assert.equal(outcome(auth, { token }), 'unauthenticated token-revoked');
  lookup.apply({ kind: 'token', id: record.id, record: undefined });
  assert.equal(outcome(auth, { token }), 'unauthenticated token-unknown');
});

test('a header names one of the tenants of the token, by its name of now', () => {
  const { token, record } = minted({ tenants: ['acme', 'renamed'], permissions: ['read'] });
  const { auth } = house([record]);
  assert.equal(outcome(auth, { token, tenant: 'new-name' }), 'renamed');
  assert.equal(outcome(auth, { token, tenant: 'acme' }), 'acme');
  for (const name of ['renamed', 'default', 'nobody', '', '__proto__', '../acme'])
    assert.equal(outcome(auth, { token, tenant: name }), 'forbidden tenant-not-in-token', name);
});

test('tenants that are suspended or going are refused, by tokens and by writes of before', () => {
  for (const [id, code] of [
    ['idle', 'tenant-suspended'],
    ['going', 'tenant-deleting'],
  ] as const) {
    const { token, record } = minted({ tenants: [id] });
    const { auth } = house([record]);
    assert.equal(outcome(auth, { token }), `forbidden ${code}`);
    assert.throws(() => auth.admit(id), { code });
  }
  const { auth } = house([]);
  auth.admit('acme');
  assert.throws(() => auth.admit('nobody'), { kind: 'forbidden' });
});

test('what is missing is named', () => {
  const { token, record } = minted({ permissions: ['write'] });
  const { auth } = house([record]);
  const ask = (needed: Needed) => () =>
    auth.authenticate({ token, tenant: undefined, peer: '' }, needed);
  assert.throws(ask('read'), { code: 'permission-missing', message: /permission "read"/ });
  assert.equal(ask('write')().tenant, 'acme');
  assert.equal(ask('any')().tenant, 'acme');
});

test('a principal has the restrictions of its token, and is one object until they change', () => {
  const { token, record } = minted({
    labels: { env: 'prod', __proto__: 'x' },
    matchers: ['prod', 'eu'],
    application: 'agent',
    minTUs: 5,
    maxTUs: 9,
  });
  const { auth, lookup } = house([record]);
  const ask = () => auth.authenticate({ token, tenant: undefined, peer: '' }, 'read');
  const first = ask();
  assert.equal(ask(), first);
  assert.deepEqual(first.forcedLabels, ['env', 'prod']);
  assert.deepEqual(
    first.forcedMatchers.map(({ value }) => value),
    ['prod', 'eu'],
  );
  const { application, minTUs, maxTUs, tokenId } = first;
  assert.deepEqual(
    { application, minTUs, maxTUs, tokenId },
    {
      application: 'agent',
      minTUs: 5,
      maxTUs: 9,
      tokenId: record.id,
    },
  );
  lookup.apply({ kind: 'token', id: record.id, record: { ...record, application: 'other' } });
  assert.equal(ask().application, 'other');
  lookup.apply({ kind: 'token', id: record.id, record: { ...record, revokedMs: 1 } });
  assert.throws(ask, { code: 'token-revoked' });
  lookup.apply({ kind: 'token', id: record.id, record: undefined });
  assert.throws(ask, { code: 'token-unknown' });
});

test('a restriction that is not understood makes the token worth nothing', () => {
  const { token, record } = minted({ matchers: ['prod', 'broken'] });
  assert.equal(outcome(house([record]).auth, { token }), 'forbidden token-restrictions');
});

test('whatever a token says, it gives no more than its parts', () => {
  const ids = ['acme', 'renamed', 'idle', 'going', 'nobody'];
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 3 }),
      fc.uniqueArray(fc.constantFrom(...ALL)),
      fc.option(fc.constantFrom(...ids, 'new-name'), { nil: undefined }),
      fc.constantFrom<Needed>(...ALL, 'any'),
      (tenants, permissions, name, needed) => {
        const { token, record } = minted({ tenants, permissions });
        const { auth } = house([record]);
        const got = outcome(auth, { token, needed, ...(name !== undefined && { tenant: name }) });
        if (got.includes(' ')) return;
        assert.ok(tenants.includes(got) && ['acme', 'renamed'].includes(got));
        assert.ok(name === undefined || name === (got === 'renamed' ? 'new-name' : got));
        // Who administers a tenant may change its rules.
        const sufficient: readonly Needed[] = needed === 'rules' ? ['rules', 'admin'] : [needed];
        assert.ok(needed === 'any' || permissions.some((one) => sufficient.includes(one)));
        assert.ok(tenants.length === 1 || needed === 'read' || needed === 'any');
      },
    ),
  );
});

test('a trusted header is believed from trusted addresses alone, and administers nothing', () => {
  const { token, record } = minted();
  const { auth: tokens, lookup } = house([record]);
  const isTrusted = (peer: string) => peer === '10.0.0.1';
  const auth = new HeaderAuthenticator({ known: ['old'], lookup, isTrusted, tokens });
  const ask = (peer: string, name?: string, needed: Needed = 'write', secret?: string) => {
    try {
      return auth.authenticate({ tenant: name, token: secret, peer }, needed).tenant;
    } catch (error) {
      assert.ok(error instanceof AppError);
      return error.code;
    }
  };
  assert.equal(ask('10.0.0.1', 'acme'), 'acme');
  assert.equal(ask('10.0.0.1', 'old'), 'old');
  assert.equal(ask('10.0.0.1', 'fresh'), 'fresh');
  assert.equal(ask('10.0.0.1', 'new-name'), 'renamed');
  assert.equal(ask('10.0.0.1', 'renamed'), 'no-such-tenant');
  assert.equal(ask('10.0.0.1', 'idle'), 'tenant-suspended');
  assert.equal(ask('10.0.0.1', 'a/b'), 'tenant-name');
  assert.equal(ask('10.0.0.1', 'acme', 'admin'), 'permission-missing');
  for (const none of [undefined, '']) assert.equal(ask('10.0.0.1', none), 'no-tenant');
  for (const peer of ['10.0.0.2', '', '127.0.0.1'])
    assert.equal(ask(peer, 'acme'), 'source-not-trusted', peer);
  // Whoever has a token is who it says, wherever it comes from; what is none changes nothing.
  assert.equal(ask('10.0.0.2', undefined, 'admin', token), 'acme');
  assert.equal(ask('10.0.0.1', 'old', 'write', token), 'tenant-not-in-token');
  assert.equal(ask('10.0.0.1', 'old', 'write', 'password of another'), 'old');
});
