// Who may act on the whole server: make tenants, set their limits, take snapshots, read every row
// of the audit log. Everybody else with the permission 'admin' is an admin of its own tenant.
import type { Principal, TenantId } from '../model/tenant.ts';
import type { TenantRecord, TokenRecord } from './records.ts';

/** What is asked of the store of tenants and tokens. */
interface Admins {
  tenant(id: TenantId): TenantRecord | undefined;
  token(id: string): TokenRecord | undefined;
  tokens(): Iterable<TokenRecord>;
}

/**
 * Open mode has principals without a token, and everybody who reaches its listener may do
 * everything; in the other modes it is a token of scope 'server'.
 */
export function isServerAdmin(principal: Principal, store: Pick<Admins, 'token'>): boolean {
  if (!principal.permissions.has('admin')) return false;
  return principal.tokenId === '' || store.token(principal.tokenId)?.scope === 'server';
}

/** Until when the token is one of a server admin; -Infinity: it is none now. */
export function serverAdminUntilMs(token: TokenRecord, nowMs: number): number {
  const { scope, permissions, revokedMs, notBeforeMs = nowMs, expiresMs = Infinity } = token;
  const isOne = scope === 'server' && permissions.includes('admin') && revokedMs === undefined;
  return isOne && notBeforeMs <= nowMs && expiresMs > nowMs ? expiresMs : -Infinity;
}

/** Until when somebody can administer the server; Infinity: one of the tokens does not expire. */
export function lastServerAdminUntilMs(
  store: Pick<Admins, 'tenant' | 'tokens'>,
  nowMs: number,
  isLeftOut: (token: TokenRecord) => boolean = () => false,
): number {
  let untilMs = -Infinity;
  for (const token of store.tokens()) {
    const isUsable = store.tenant(token.tenants[0] ?? '')?.state === 'active';
    if (!isUsable || isLeftOut(token)) continue;
    untilMs = Math.max(untilMs, serverAdminUntilMs(token, nowMs));
  }
  return untilMs;
}
