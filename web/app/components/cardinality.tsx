/** What takes the most series: metrics, label values, labels with the most values. */
import type { ReactNode } from 'react';
import { tsdbStatus } from '../api/client.ts';
import { useRequest } from '../hooks/use-request.ts';
import { CARDINALITY_ROWS } from '../util/limits.ts';
import { StatusSection } from './status-section.tsx';
import { metricPlace, TopCounts } from './top-counts.tsx';

const HEIGHT_PX = 240;

export function Cardinality(): ReactNode {
  const { data, error } = useRequest('once', 'tsdb', async (signal) =>
    tsdbStatus(CARDINALITY_ROWS, signal),
  );
  return (
    <StatusSection
      title="Series"
      note={data !== undefined && `${data.headStats.numSeries.toLocaleString('en')} stored`}
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data !== undefined && (
        <div className="cardinality">
          <TopCounts title="By metric" rows={data.seriesCountByMetricName} placeOf={metricPlace} />
          <TopCounts title="By label and value" rows={data.seriesCountByLabelValuePair} />
          <TopCounts title="Labels with most values" rows={data.labelValueCountByLabelName} />
        </div>
      )}
    </StatusSection>
  );
}
