// Tenants and tokens wired to what holds something of a tenant.
import type { PushGroups } from '../../agent/push/push-groups.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { HttpServerOptions } from '../../frontends/http/server.ts';
import type { MetadataFilter } from '../../ingest/metadata-filter.ts';
import type { RelabelStore } from '../../ingest/relabel-store.ts';
import type { Storage } from '../../model/storage.ts';
import { openPrincipal } from '../../model/tenant.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Prng } from '../../stdx/prng.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { SeriesMakers } from '../../tenancy/series-makers.ts';
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
  readonly makers: SeriesMakers;
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
  { relabel, metadata, makers, pushGroups }: Keepers,
): Promise<void> {
  const groups = pushGroups();
  const principal = openPrincipal(tenant);
  for (const { labels } of groups?.groups(tenant) ?? []) await groups?.remove(principal, labels);
  await relabel.remove(tenant);
  metadata.forget(tenant);
  makers.forget(tenant);
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
