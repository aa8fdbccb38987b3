/** Where the page of a tenant is, with one of its metrics looked into or with all. */
import type { Place } from '../hooks/use-location.ts';

export function tenantPlace(tenant: string, metric = ''): Place {
  const params = new URLSearchParams({ tenant });
  if (metric !== '') params.set('metric', metric);
  return { path: 'tenants', search: `?${params}` };
}
