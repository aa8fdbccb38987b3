/** Metrics: what is there? Names and what is known of them; one opened with its labels. */
import { useEffect, useMemo, type ReactNode } from 'react';
import { allMetadata, metricNamesStored, queryInstant, tsdbStatus } from '../api/client.ts';
import { ApiError } from '../api/api-error.ts';
import { ErrorNote } from '../components/error-note.tsx';
import { MetricDetail } from '../components/metric-detail.tsx';
import { MetricList } from '../components/metric-list.tsx';
import { Shell } from '../components/shell.tsx';
import { Wait } from '../components/wait.tsx';
import { navigate } from '../hooks/use-location.ts';
import { useRequest } from '../hooks/use-request.ts';
import { toNumber } from '../util/decode.ts';
import { LOOKBACK_MIN_SEC, METRIC_COUNTS_MAX } from '../util/limits.ts';
import { factsOf } from '../util/metric-facts.ts';
import { formatMetrics, parseMetrics, type MetricsState } from '../util/url-state.ts';

const WAIT_HEIGHT_PX = 480;
const NOT_FOUND = 404;
const NO_METADATA = {};

export function MetricsPage({ search }: { readonly search: string }): ReactNode {
  const state = useMemo(() => parseMetrics(search), [search]);
  const names = useRequest('once', 'names', metricNamesStored);
  // Both are courtesies: the list is whole without them.
  const metadata = useRequest('once', 'metadata', allMetadata);
  const counts = useRequest('once', 'counts', seriesCounts);
  const facts = useMemo(
    () => factsOf(names.data ?? [], metadata.data ?? NO_METADATA, counts.data),
    [names.data, metadata.data, counts.data],
  );
  const { metric } = state;
  useEffect(() => {
    document.title = metric === undefined ? 'Metrics · Orrery' : `${metric} · Orrery`;
  }, [metric]);
  const open = facts.find(({ name }) => name === metric);
  return (
    <Shell path="metrics-browser" controls={null}>
      <h1 className="visually-hidden">Metrics</h1>
      {names.error !== undefined && <ErrorNote error={names.error} />}
      {names.data === undefined && names.error === undefined && <Wait height={WAIT_HEIGHT_PX} />}
      {names.data?.length === 0 && (
        <p className="panel-empty" style={{ minHeight: WAIT_HEIGHT_PX }}>
          Nothing is stored yet. Home shows the line that writes the first point.
        </p>
      )}
      {facts.length > 0 && (
        <div className={metric === undefined ? 'metrics' : 'metrics is-open'}>
          <MetricList facts={facts} state={state} onState={go} />
          {open !== undefined && <MetricDetail key={open.name} facts={open} state={state} />}
          {metric !== undefined && open === undefined && (
            <p className="panel-empty">No metric is called “{metric}”.</p>
          )}
        </div>
      )}
    </Shell>
  );
}

/** Typing a filter leaves no steps for the back button; opening a metric does. */
function go(state: MetricsState, isTyping: boolean): void {
  navigate({ path: 'metrics-browser', search: formatMetrics(state) }, { replace: isTyping });
}

/** Series of each metric: of all that is stored, or of what is written now where nobody counts. */
async function seriesCounts(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  try {
    const { seriesCountByMetricName: rows } = await tsdbStatus(METRIC_COUNTS_MAX, signal);
    return new Map(rows.map(({ name, value }) => [name, value]));
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== NOT_FOUND) throw error;
  }
  const expr = 'count by (__name__) ({__name__!=""})';
  const query = { expr, timeSec: Date.now() / 1000, lookbackSec: LOOKBACK_MIN_SEC };
  const { data } = await queryInstant(query, signal);
  if (data.resultType !== 'vector') return new Map();
  return new Map(
    data.result.map(({ metric, value }) => [
      metric['__name__'] ?? '',
      toNumber(value?.[1] ?? 'NaN'),
    ]),
  );
}
