// Who is asking. One authenticator makes a Principal at the door; every ingest and query call
// carries it, and restrictions only ever narrow it (intersection). Open mode has one principal per
// tenant.
import type { Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';

/** 1-128 characters of [a-zA-Z0-9_.-], not starting with a dot: safe in keys, paths and headers. */
export type TenantId = string;

export const DEFAULT_TENANT: TenantId = 'default';
export const TENANT_ID_PATTERN = /^[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,127}$/;

/**
 * 'metrics': what the process counts of itself, of all tenants together; it is about no tenant and
 * gives nothing of one. Server admins have it without being given it.
 */
export type Permission = 'read' | 'write' | 'delete' | 'rules' | 'admin' | 'metrics';

/** What a request needs; 'any': whoever may do anything at all. */
export type Needed = Permission | 'any';

export interface Principal {
  readonly tenant: TenantId;
  /** The token's public id; '' in open mode. */
  readonly tokenId: string;
  /** Of the token; '' where it names none. */
  readonly application: string;
  readonly permissions: ReadonlySet<Permission>;
  /** Set on every written series, over what the client sent. */
  readonly forcedLabels: Labels;
  /** Added to every selector of every read. */
  readonly forcedMatchers: readonly Matcher[];
  /** Readable and writable time, inclusive, microseconds. */
  readonly minTUs: number;
  readonly maxTUs: number;
}

const ALL_PERMISSIONS: ReadonlySet<Permission> = new Set<Permission>([
  'read',
  'write',
  'delete',
  'rules',
  'admin',
  'metrics',
]);

/** The unrestricted principal of a tenant: open mode, the collector, tests. */
export function openPrincipal(tenant: TenantId): Principal {
  return {
    tenant,
    tokenId: '',
    application: '',
    permissions: ALL_PERMISSIONS,
    forcedLabels: [],
    forcedMatchers: [],
    minTUs: Number.NEGATIVE_INFINITY,
    maxTUs: Number.POSITIVE_INFINITY,
  };
}

/** Does the principal see less than all of its tenant? */
export function isRestricted({ forcedMatchers, minTUs, maxTUs }: Principal): boolean {
  return forcedMatchers.length > 0 || minTUs > -Infinity || maxTUs < Infinity;
}
