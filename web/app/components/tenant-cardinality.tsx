/** What makes the series of a tenant many: metrics, labels, values. */
import type { ReactNode } from 'react';
import { tenantCardinality, type SeriesCount } from '../api/tenancy.ts';
import type { NamedCount } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { StatusSection } from './status-section.tsx';
import { TopCounts } from './top-counts.tsx';

const HEIGHT_PX = 240;

function counts(rows: readonly SeriesCount[]): readonly NamedCount[] {
  return rows.map(({ name, series }) => ({ name, value: series }));
}

export function TenantCardinality({ tenant }: { readonly tenant: string }): ReactNode {
  const { data, error } = useRequest('once', tenant, async (signal) =>
    tenantCardinality(tenant, signal),
  );
  return (
    <StatusSection
      title="Series"
      note={data !== undefined && `${data.series.toLocaleString('en')} stored`}
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data !== undefined && (
        <div className="cardinality">
          <TopCounts title="By metric" rows={counts(data.series_by_metric)} />
          <TopCounts title="By label" rows={counts(data.series_by_label)} />
          <TopCounts title="By label and value" rows={counts(data.series_by_label_value)} />
          <TopCounts
            title="Labels with most values"
            rows={data.values_by_label.map(({ name, values }) => ({ name, value: values }))}
          />
        </div>
      )}
    </StatusSection>
  );
}
