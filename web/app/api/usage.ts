/** What a tenant used by the hour, and the limits that hold for it (docs/protocols/tenants.md). */
import { sendOwn } from './client.ts';

export interface UsageRow {
  /** When the hour begins. */
  readonly hour: string;
  readonly token: string;
  /** Of queries their language; `storage`: what the tenant keeps. */
  readonly protocol: string;
  readonly points_written: number;
  readonly points_read: number;
  readonly queries: number;
  readonly requests: number;
  readonly active_series: number;
  readonly bytes_stored: number;
}

export interface LimitInForce {
  readonly value: number;
  readonly source: 'default' | 'server' | 'tenant' | 'token';
  /** Where it is counted. */
  readonly used?: number;
}

export async function tenantUsage(
  tenant: string,
  range: { readonly fromSec: number; readonly toSec: number },
  signal?: AbortSignal,
): Promise<readonly UsageRow[]> {
  const params = new URLSearchParams({
    from: new Date(range.fromSec * 1000).toISOString(),
    to: new Date(range.toSec * 1000).toISOString(),
    group: 'hour,token,protocol',
  });
  const path = `tenants/${encodeURIComponent(tenant)}/usage?${params}`;
  return (await sendOwn<{ rows: readonly UsageRow[] }>(path, {}, signal)).rows;
}

export async function limitsInForce(
  tenant: string,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, LimitInForce>>> {
  const path = `tenants/${encodeURIComponent(tenant)}/limits`;
  return (await sendOwn<{ effective: Record<string, LimitInForce> }>(path, {}, signal)).effective;
}
