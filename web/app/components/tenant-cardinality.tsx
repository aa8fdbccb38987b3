/** What makes the series of a tenant many: metrics, labels, values; of one metric, or of all. */
import type { ReactNode } from 'react';
import { tenantCardinality, type SeriesCount } from '../api/tenancy.ts';
import type { NamedCount } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';
import { tenantPlace } from '../util/tenant-place.ts';
import { PlaceLink } from './place-link.tsx';
import { StatusSection } from './status-section.tsx';
import { metricPlace, TopCounts } from './top-counts.tsx';

interface TenantCardinalityProps {
  readonly tenant: string;
  /** '': of all. */
  readonly metric: string;
}

const HEIGHT_PX = 240;

function counts(rows: readonly SeriesCount[]): readonly NamedCount[] {
  return rows.map(({ name, series }) => ({ name, value: series }));
}

export function TenantCardinality({ tenant, metric }: TenantCardinalityProps): ReactNode {
  const { data, error } = useRequest(metric, tenant, async (signal) =>
    tenantCardinality(tenant, metric, signal),
  );
  return (
    <StatusSection
      title="Series"
      note={data !== undefined && `${data.series.toLocaleString('en')} stored`}
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {metric !== '' && <ChosenMetric tenant={tenant} metric={metric} />}
      {data !== undefined && (
        <div className="cardinality">
          {metric === '' && (
            <TopCounts
              title="By metric"
              rows={counts(data.series_by_metric)}
              placeOf={(name) => tenantPlace(tenant, name)}
            />
          )}
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

function ChosenMetric({ tenant, metric }: TenantCardinalityProps): ReactNode {
  return (
    <p className="chosen-metric">
      of <PlaceLink to={metricPlace(metric)}>{visible(metric)}</PlaceLink>{' '}
      <PlaceLink to={tenantPlace(tenant)} className="button">
        All metrics
      </PlaceLink>
    </p>
  );
}
