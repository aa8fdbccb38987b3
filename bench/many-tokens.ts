// Tenants with a token each, for what is measured of authentication.
import { realPrng } from '../src/app/real/prng.ts';
import type { TenantRecord, TokenRecord } from '../src/tenancy/records.ts';
import { mintToken } from '../src/tenancy/token.ts';

/** `secrets` are the texts of the tokens, in their order. */
export function manyTokens(count: number) {
  const tenants: TenantRecord[] = [];
  const tokens: TokenRecord[] = [];
  const secrets: string[] = [];
  for (let i = 0; i < count; i++) {
    const id = `tenant-${i}`;
    const { id: tokenId, token, hash } = mintToken(realPrng);
    tenants.push({ id, name: id, createdMs: 0, state: 'active', limits: {} });
    secrets.push(token);
    tokens.push({
      id: tokenId,
      hash,
      name: 'bench',
      scope: 'tenant',
      tenants: [id],
      permissions: ['read', 'write'],
      labels: {},
      matchers: [],
      application: '',
      limits: {},
      createdMs: 0,
      expiresMs: Number.MAX_SAFE_INTEGER,
    });
  }
  return { tenants, tokens, secrets };
}
