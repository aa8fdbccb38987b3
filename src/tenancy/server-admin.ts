// Who may act on the whole server: make tenants, set their limits, take snapshots, read every row
// of the audit log. Everybody else with the permission 'admin' is an admin of its own tenant.
import type { Principal } from '../model/tenant.ts';
import type { TenancyStore } from './tenancy-store.ts';

/**
 * Open mode has principals without a token, and everybody who reaches its listener may do
 * everything; in the other modes it is a token of scope 'server'.
 */
export function isServerAdmin(principal: Principal, store: Pick<TenancyStore, 'token'>): boolean {
  if (!principal.permissions.has('admin')) return false;
  return principal.tokenId === '' || store.token(principal.tokenId)?.scope === 'server';
}
