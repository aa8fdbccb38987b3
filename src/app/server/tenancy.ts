// Tenants and tokens wired to what holds something of a tenant.
import type { PushGroups } from '../../agent/push/push-groups.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { HttpServerOptions } from '../../frontends/http/server.ts';
import type { MetadataFilter } from '../../ingest/metadata-filter.ts';
import type { RelabelStore } from '../../ingest/relabel-store.ts';
import type { Storage } from '../../model/storage.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Prng } from '../../stdx/prng.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { TenancyChange } from '../../tenancy/records.ts';
import { isServerAdmin } from '../../tenancy/server-admin.ts';
import { TenancyStore } from '../../tenancy/tenancy-store.ts';
import { TenantRemoval } from '../../tenancy/tenant-removal.ts';
import { mintToken } from '../../tenancy/token.ts';

interface TenancyParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly storage: Storage;
  readonly logger: Logger;
}

/** Rooms that keep something of a tenant beside its points. */
interface Keepers {
  readonly relabel: RelabelStore;
  readonly metadata: MetadataFilter;
  /** undefined: they are not opened yet. */
  readonly pushGroups: () => PushGroups | undefined;
}

export interface Tenancy {
  readonly store: TenancyStore;
  readonly removal: TenantRemoval;
}

export async function openTenancy(parts: TenancyParts, keepers: Keepers): Promise<Tenancy> {
  const { catalog, clock, storage, logger } = parts;
  const store = await TenancyStore.open({ catalog, clock });
  const forget = (tenant: TenantId): Promise<void> => forgetTenant(tenant, keepers);
  return { store, removal: new TenantRemoval({ store, storage, forget, logger }) };
}

/** Pushed groups would be written again and again. */
async function forgetTenant(
  tenant: TenantId,
  { relabel, metadata, pushGroups }: Keepers,
): Promise<void> {
  await pushGroups()?.forget(tenant);
  await relabel.forget(tenant);
  metadata.forget(tenant);
}

/** What rooms hold of tenants goes with them: last of all, when nothing comes any more. */
export function followRemovals(
  store: TenancyStore,
  rooms: readonly { forget(tenant: TenantId): void }[],
): void {
  store.onChange(({ kind, id, record }) => {
    if (kind !== 'tenant' || record !== undefined) return;
    for (const room of rooms) room.forget(id);
  });
}

/** Calls `recheck` where something is taken from somebody, who may be under way. */
export function endWhatIsTaken(store: Pick<TenancyStore, 'onChange'>, recheck: () => void): void {
  store.onChange((change) => {
    if (takesAway(change)) recheck();
  });
}

function takesAway({ record }: TenancyChange): boolean {
  if (record === undefined) return true;
  return 'state' in record ? record.state !== 'active' : record.revokedMs !== undefined;
}

/** What the routes of tenants need beside what all routes have. */
export function tenancyDependencies({ store, removal }: Tenancy, prng: Prng) {
  return { tenancy: store, removal, mintToken: () => mintToken(prng) };
}

/** What a door asks of tenants' admins, and tells the audit log of what rooms beside tenancy do. */
export function doorOfTenants(
  store: TenancyStore,
): Pick<HttpServerOptions, 'isServerAdmin' | 'onDeed'> {
  return {
    isServerAdmin: (principal) => isServerAdmin(principal, store),
    onDeed: async ({ principal: { tenant, tokenId }, peer, deed }) => {
      const tokenName = store.token(tokenId)?.name ?? '';
      await store.record(deed, { tokenId, tokenName, tenant, peer });
    },
  };
}
