/** What became more since yesterday: by metric with who began it, by label, by value. */
import type { ReactNode } from 'react';
import {
  tenantGrowth,
  type Grown,
  type GrownMetric,
  type SeriesMaker,
  type TenantGrowth as Growth,
} from '../api/tenancy.ts';
import type { NamedCount } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { formatLabels, visible } from '../util/labels.ts';
import { tenantPlace } from '../util/tenant-place.ts';
import { formatTime } from '../util/time.ts';
import { PlaceLink } from './place-link.tsx';
import { StatusSection } from './status-section.tsx';
import { TopCounts } from './top-counts.tsx';

interface TenantGrowthProps {
  readonly tenant: string;
  /** '': of all. */
  readonly metric: string;
}

const HEIGHT_PX = 160;

export function TenantGrowth({ tenant, metric }: TenantGrowthProps): ReactNode {
  const { data, error } = useRequest(metric, tenant, async (signal) =>
    tenantGrowth(tenant, metric, signal),
  );
  return (
    <StatusSection
      title="Growth since yesterday"
      note={data !== undefined && noteOf(data)}
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data !== undefined && isStill(data) && (
        <p className="hint">
          Nothing {metric === '' ? '' : `of ${visible(metric)} `}became more: the last hour has the
          series of the same hour a day before.
        </p>
      )}
      {data !== undefined && !isStill(data) && (
        <>
          <MetricTable tenant={tenant} rows={data.growth_by_metric} since={data.makers_since} />
          <div className="cardinality">
            <More title="More series by label" rows={data.growth_by_label} />
            <More title="More series by label and value" rows={data.growth_by_label_value} />
            <More
              title="Labels with more values"
              rows={data.growth_by_values.map(({ values, ...row }) => ({ ...row, series: values }))}
            />
          </div>
        </>
      )}
    </StatusSection>
  );
}

function noteOf({ now, before }: Growth): string {
  const [there, then] = [now, before].map(({ series }) => series.toLocaleString('en'));
  return `${there} series in the last hour, ${then} a day before`;
}

/** Labels and values can be other ones though no metric has more series. */
function isStill({
  growth_by_metric: metrics,
  growth_by_label: labels,
  growth_by_label_value: pairs,
  growth_by_values: values,
}: Growth): boolean {
  return [metrics, labels, pairs, values].every(({ length }) => length === 0);
}

function more(rows: readonly Grown[]): readonly NamedCount[] {
  return rows.map(({ name, series, before }) => ({ name, value: series - before }));
}

function More({ title, rows }: { readonly title: string; readonly rows: readonly Grown[] }) {
  return <TopCounts title={title} rows={more(rows)} sign="+" none="None." />;
}

interface MetricTableProps {
  readonly tenant: string;
  readonly rows: readonly GrownMetric[];
  readonly since: string;
}

function MetricTable({ tenant, rows, since }: MetricTableProps): ReactNode {
  if (rows.length === 0) return <p className="hint">No metric has more series.</p>;
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Metrics that grew">
      <table className="grown">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col" className="num">
              More
            </th>
            <th scope="col" className="num">
              Now
            </th>
            <th scope="col" className="num">
              Day before
            </th>
            <th scope="col">Begun by</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, series, before, started_by: maker }) => (
            <tr key={name}>
              <th scope="row">
                <PlaceLink to={tenantPlace(tenant, name)} className="metric-name">
                  {visible(name)}
                </PlaceLink>
              </th>
              <td className="num">+{(series - before).toLocaleString('en')}</td>
              <td className="num">{series.toLocaleString('en')}</td>
              <td className="num">{before.toLocaleString('en')}</td>
              <td>
                {maker === null ? (
                  <span className="hint">not known; it is since {timeOf(since)}</span>
                ) : (
                  <Begun maker={maker} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function timeOf(text: string): string {
  return formatTime(Date.parse(text), 'local');
}

function Begun({ maker }: { readonly maker: SeriesMaker }): ReactNode {
  const { time, token, protocol, labels } = maker;
  const who = token === '' ? 'without a token' : `token ${visible(token)}`;
  return (
    <>
      {who}, {visible(protocol)}, {timeOf(time)}
      <span className="begun-by hint">{formatLabels(labels)}</span>
    </>
  );
}
