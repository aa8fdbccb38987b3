// What is kept of tenants and tokens (docs/decisions/0053). Secrets are not: a token is here with
// the hash of its secret.
import type { Permission, TenantId } from '../model/tenant.ts';

/** By id of `limit-table.ts`, only what differs from the defaults. */
export type Limits = Readonly<Record<string, number>>;

export type TenantState = 'active' | 'suspended' | 'deleting';

export interface TenantRecord {
  readonly id: TenantId;
  readonly name: string;
  readonly createdMs: number;
  readonly state: TenantState;
  readonly limits: Limits;
}

/** 'server': an admin of everything; 'tenant': of its own tenants alone. */
export type TokenScope = 'server' | 'tenant';

export interface TokenRecord {
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
  readonly name: string;
  readonly scope: TokenScope;
  /** One, or several for tokens that may only read; a request names one, else it is the first. */
  readonly tenants: readonly TenantId[];
  readonly permissions: readonly Permission[];
  /** Forced on writes. */
  readonly labels: Readonly<Record<string, string>>;
  /** Forced on reads: selectors such as `{env="prod"}`, all of which hold. */
  readonly matchers: readonly string[];
  readonly application: string;
  readonly minTUs?: number;
  readonly maxTUs?: number;
  readonly notBeforeMs?: number;
  readonly expiresMs?: number;
  readonly limits: Limits;
  readonly createdMs: number;
  readonly revokedMs?: number;
}

/** What has changed, for those that keep copies; `record` undefined: it is gone. */
export type TenancyChange =
  | { readonly kind: 'tenant'; readonly id: TenantId; readonly record: TenantRecord | undefined }
  | { readonly kind: 'token'; readonly id: string; readonly record: TokenRecord | undefined };
