/** What takes the most series: metrics, label values, labels with the most values. */
import type { ReactNode } from 'react';
import { tsdbStatus } from '../api/client.ts';
import type { NamedCount } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';
import { CARDINALITY_ROWS } from '../util/limits.ts';
import { formatMetrics } from '../util/url-state.ts';
import { PlaceLink } from './place-link.tsx';
import { StatusSection } from './status-section.tsx';

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
          <Top title="By metric" rows={data.seriesCountByMetricName} areMetrics />
          <Top title="By label and value" rows={data.seriesCountByLabelValuePair} />
          <Top title="Labels with most values" rows={data.labelValueCountByLabelName} />
        </div>
      )}
    </StatusSection>
  );
}

interface TopProps {
  readonly title: string;
  readonly rows: readonly NamedCount[];
  readonly areMetrics?: boolean;
}

function Top({ title, rows, areMetrics = false }: TopProps): ReactNode {
  const max = Math.max(1, ...rows.map(({ value }) => value));
  return (
    <section aria-label={title} className="label-values">
      <h3>{title}</h3>
      {rows.length === 0 && <p className="hint">Nothing is stored yet.</p>}
      <ul>
        {rows.map(({ name, value }) => (
          <li key={name}>
            {areMetrics ? (
              <PlaceLink to={{ path: 'metrics-browser', search: linkTo(name) }}>
                {visible(name)}
              </PlaceLink>
            ) : (
              <span className="label-value">{visible(name)}</span>
            )}
            <meter min={0} max={max} value={value} aria-label={`Count of ${name}`} />
            <span className="num">{value.toLocaleString('en')}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function linkTo(metric: string): string {
  return formatMetrics({ filter: '', metric, sort: 'series', zone: 'local' });
}
