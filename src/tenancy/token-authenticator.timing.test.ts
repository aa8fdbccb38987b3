// Who tries tokens learns nothing from the time of a refusal: an unknown id, a wrong secret, and a
// wrong secret of a token that is revoked, expired or not valid yet are compared once, with a hash
// of the same length, to its end. Counted, not timed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../model/errors.ts';
import { seededPrng } from '../stdx/prng.ts';
import type { TokenRecord } from './records.ts';
import { TokenAuthenticator } from './token-authenticator.ts';
import { isSecretOf, mintToken } from './token.ts';

const NOW_MS = 1_000_000;

const prng = seededPrng(11);
const { token, id, hash } = mintToken(prng);
const other = mintToken(prng);
const secretOfOther = other.token.slice(17);
const wrong = `${token.slice(0, 17)}${secretOfOther}`;
/** Right but for its end: a comparison that stops early would take longest. */
const nearlyRight = token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a');

const record: TokenRecord = {
  id,
  hash,
  name: 't',
  scope: 'tenant',
  tenants: ['a'],
  permissions: ['read'],
  labels: {},
  matchers: [],
  application: '',
  limits: {},
  createdMs: 0,
};

/** Lengths of what is compared while a token is tried, and how it is refused. */
function tried(known: TokenRecord | undefined, shown: string) {
  const compared: (readonly [secret: number, hash: number])[] = [];
  const lookup = {
    token: (asked: string) => (asked === id ? known : undefined),
    tenant: () => undefined,
    tenantByName: () => undefined,
    isRemoved: () => false,
  };
  const clock = { nowMs: () => NOW_MS, monotonicMs: () => NOW_MS };
  const compare = (secret: string, stored: string): boolean => {
    compared.push([secret.length, stored.length]);
    return isSecretOf(secret, stored);
  };
  const auth = new TokenAuthenticator({ lookup, clock, matchersOf: () => [], compare });
  try {
    auth.authenticate({ token: shown, tenant: undefined, peer: '' }, 'read');
    return { compared, code: 'let in' };
  } catch (error) {
    return { compared, code: error instanceof AppError ? error.code : String(error) };
  }
}

/** Says how many of its characters were looked at. */
function watched(text: string): { readonly hash: string; readonly looks: () => number } {
  let count = 0;
  const shown = { length: text.length, charCodeAt: (at: number) => (count++, text.charCodeAt(at)) };
  return { hash: shown as unknown as string, looks: () => count };
}

test('a hash is looked at to its end, wherever it differs', () => {
  const secret = token.slice(17);
  for (const [given, isRight] of [
    [secret, true],
    [nearlyRight.slice(17), false],
    [secretOfOther, false],
  ] as const) {
    const { hash: stored, looks } = watched(hash);
    assert.equal(isSecretOf(given, stored), isRight);
    assert.equal(looks(), 64);
  }
});

test('whatever is wrong with a token, the same is compared', () => {
  const cases: Readonly<Record<string, readonly [TokenRecord | undefined, string]>> = {
    'an unknown id': [record, other.token],
    'a wrong secret': [record, wrong],
    'a secret that is nearly right': [record, nearlyRight],
    'of a revoked token': [{ ...record, revokedMs: 1 }, wrong],
    'of an expired token': [{ ...record, expiresMs: 1 }, wrong],
    'of one that is not valid yet': [{ ...record, notBeforeMs: NOW_MS + 1 }, wrong],
    'no record at all': [undefined, wrong],
  };
  const same = { compared: [[52, 64]], code: 'token-unknown' };
  for (const [what, [known, shown]] of Object.entries(cases))
    assert.deepEqual(tried(known, shown), same, what);
  // Who has the secret may know what became of the token.
  const ended = { ...record, revokedMs: 1 };
  assert.deepEqual(tried(ended, token), { ...same, code: 'token-revoked' });
});
