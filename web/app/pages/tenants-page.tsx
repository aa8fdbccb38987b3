/** Tenants: who may, who is there, what each may take, who changed it. One tenant at a time. */
import { useEffect, useState, type ReactNode } from 'react';
import { isServerAdmin, listTenants, whoami } from '../api/tenancy.ts';
import { AuditLog } from '../components/audit-log.tsx';
import { LimitBreaches } from '../components/limit-breaches.tsx';
import { RefusedRows } from '../components/refused-rows.tsx';
import { Shell } from '../components/shell.tsx';
import { StatusSection } from '../components/status-section.tsx';
import { TenantCardinality } from '../components/tenant-cardinality.tsx';
import { TenantGrowth } from '../components/tenant-growth.tsx';
import { TenantLimits } from '../components/tenant-limits.tsx';
import { TenantList } from '../components/tenant-list.tsx';
import { TenantUsage } from '../components/tenant-usage.tsx';
import { TenantTokens } from '../components/tenant-tokens.tsx';
import { useNow } from '../hooks/use-now.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';

const HEIGHT_PX = 240;
const REFUSED_EVERY_SEC = 5;

export function TenantsPage({ search }: { readonly search: string }): ReactNode {
  const [round, setRound] = useState(0);
  const { nowMs } = useNow(REFUSED_EVERY_SEC);
  const { data, error } = useRequest(String(round), 'tenants', listTenants);
  // A courtesy: what the reader may not do is not offered. The server decides.
  const { data: who } = useRequest('once', 'whoami', whoami);
  const isAdmin = who !== undefined && isServerAdmin(who);
  const params = new URLSearchParams(search);
  const asked = params.get('tenant');
  const metric = params.get('metric') ?? '';
  const tenants = data?.tenants ?? [];
  const chosen = tenants.find(({ name }) => name === asked) ?? tenants[0];
  const isUnknown = data !== undefined && asked !== null && chosen?.name !== asked;
  const changed = (): void => setRound(round + 1);
  useEffect(() => {
    document.title = 'Tenants · Orrery';
  }, []);
  return (
    <Shell path="tenants" controls={null}>
      <h1>Who may what?</h1>
      <div className="status ingest">
        <StatusSection
          title="Tenants"
          note={data && (data.next === null ? tenants.length : `the first ${tenants.length}`)}
          error={error}
          isWaiting={data === undefined && error === undefined}
          height={HEIGHT_PX}
        >
          {data !== undefined && (
            <TenantList
              tenants={tenants}
              chosen={chosen?.name}
              isAdmin={isAdmin}
              onChanged={changed}
            />
          )}
        </StatusSection>
        {isUnknown && (
          <p className="hint" role="status">
            There is no tenant {visible(asked)} among them.
          </p>
        )}
        {chosen !== undefined && (
          <TenantTokens
            key={`t ${chosen.name}`}
            tenant={chosen.name}
            isAdmin={isAdmin}
            onChanged={changed}
          />
        )}
        {chosen !== undefined && (
          <TenantLimits
            key={`l ${chosen.name}`}
            tenant={chosen}
            isAdmin={isAdmin}
            onChanged={changed}
          />
        )}
        {chosen !== undefined && <TenantUsage key={`u ${chosen.name}`} tenant={chosen.name} />}
        {chosen !== undefined && <LimitBreaches nowMs={nowMs} tenant={chosen.name} />}
        {chosen !== undefined && <RefusedRows nowMs={nowMs} tenant={chosen.name} />}
        {chosen !== undefined && <TenantGrowth tenant={chosen.name} metric={metric} />}
        {chosen !== undefined && <TenantCardinality tenant={chosen.name} metric={metric} />}
        {chosen !== undefined && <AuditLog tenant={chosen.name} round={round} />}
      </div>
    </Shell>
  );
}
