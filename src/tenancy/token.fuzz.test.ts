// The form of tokens, for every seed and every bent text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { sha256Hex } from '../codec/sha256.ts';
import { seededPrng } from '../stdx/prng.ts';
import { isSecretOf, mintToken, parseToken, withoutSecrets } from './token.ts';

const seed = fc.nat(2 ** 31);

test('what is minted is read again, and is its own secret alone', () => {
  fc.assert(
    fc.property(seed, (at) => {
      const prng = seededPrng(at);
      const [one, other] = [mintToken(prng), mintToken(prng)];
      const parsed = parseToken(one.token)!;
      assert.match(one.token, /^orr_[a-z2-7]{12}_[a-z2-7]{52}$/);
      assert.equal(parsed.id, one.id);
      assert.equal(one.hash, sha256Hex(parsed.secret));
      assert.ok(isSecretOf(parsed.secret, one.hash));
      assert.ok(!isSecretOf(parsed.secret, other.hash));
      assert.ok(!isSecretOf(parsed.secret, ''));
      assert.ok(!isSecretOf(parsed.secret, one.hash.slice(1)));
      assert.ok(!isSecretOf(parsed.secret, `${one.hash}0`));
    }),
  );
});

test('a token that is bent anywhere is none, or is not right', () => {
  fc.assert(
    fc.property(seed, fc.nat(68), fc.string({ minLength: 0, maxLength: 2 }), (at, index, text) => {
      const { token, hash } = mintToken(seededPrng(at));
      const bent = token.slice(0, index) + text + token.slice(index + 1);
      fc.pre(bent !== token);
      const parsed = parseToken(bent);
      const isSame = parsed !== undefined && token.endsWith(parsed.secret);
      // A bent id finds no record; a bent secret has another hash.
      assert.equal(parsed !== undefined && isSecretOf(parsed.secret, hash), isSame);
      if (isSame) assert.notEqual(parsed.id, parseToken(token)!.id);
    }),
  );
});

test('no text keeps a secret, and others stay as they are', () => {
  fc.assert(
    fc.property(seed, fc.string(), fc.string(), (at, before, after) => {
      const { token, id } = mintToken(seededPrng(at));
      const { secret } = parseToken(token)!;
      const shown = withoutSecrets(`${before}${token}.${after}${token}`);
      assert.ok(!shown.includes(secret));
      assert.ok(shown.includes(`orr_${id}_…`));
      fc.pre(!before.includes('orr_'));
      assert.equal(withoutSecrets(before), before);
    }),
  );
  assert.equal(withoutSecrets('orr_name.cpu 1 2'), 'orr_name.cpu 1 2');
});
