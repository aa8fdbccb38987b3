/** One metric opened: what it is, how many series, which labels with which values. */
import type { ReactNode } from 'react';
import { queryInstant, seriesOf } from '../api/client.ts';
import { useRequest } from '../hooks/use-request.ts';
import { Notice } from '../ui/notice.tsx';
import { toNumber } from '../util/decode.ts';
import { formatLabels, visible, visibleLine } from '../util/labels.ts';
import { METRIC_SERIES_MAX } from '../util/limits.ts';
import { firstQuery, labelFacts, type MetricFacts } from '../util/metric-facts.ts';
import { formatTime } from '../util/time.ts';
import { formatMetrics, linkToExplore, type MetricsState } from '../util/url-state.ts';
import { ErrorNote } from './error-note.tsx';
import { LabelValues } from './label-values.tsx';
import { PlaceLink } from './place-link.tsx';
import { Wait } from './wait.tsx';

interface MetricDetailProps {
  readonly facts: MetricFacts;
  readonly state: MetricsState;
}

const WAIT_HEIGHT_PX = 240;
/** Older samples than these are found by asking a range of one's own. */
const NEWEST_WITHIN_SEC = 30 * 86_400;

export function MetricDetail({ facts, state }: MetricDetailProps): ReactNode {
  const { name, type, unit, help, seriesCount } = facts;
  const selector = formatLabels({ __name__: name });
  const series = useRequest(name, name, async (signal) =>
    seriesOf(selector, METRIC_SERIES_MAX, signal),
  );
  const newest = useRequest(name, name, async (signal) => newestSec(selector, signal));
  const found = series.data?.data ?? [];
  const isCut = found.length >= METRIC_SERIES_MAX;
  const count = isCut ? seriesCount : (seriesCount ?? found.length);
  const closed = formatMetrics({ ...state, metric: undefined });
  return (
    <section className="metric-detail" aria-labelledby="metric-title">
      <header>
        <h2 id="metric-title">{visible(name)}</h2>
        <PlaceLink
          className="button primary"
          to={{ path: 'explore', search: linkToExplore(firstQuery(facts), state.zone) }}
        >
          Draw it
        </PlaceLink>
        <PlaceLink className="button" to={{ path: 'metrics-browser', search: closed }}>
          Close
        </PlaceLink>
      </header>
      {help !== '' && <p>{visibleLine(help)}</p>}
      <dl className="facts">
        <Fact name="Type">{type === '' ? 'not declared' : visible(type)}</Fact>
        <Fact name="Unit">{unit === '' ? 'not declared' : visible(unit)}</Fact>
        <Fact name="Series">{count === undefined ? '–' : count.toLocaleString('en')}</Fact>
        <Fact name="Newest sample">
          {newest.data === undefined
            ? newest.isLoading
              ? '…'
              : 'none in 30 days'
            : formatTime(Math.round(newest.data * 1000), state.zone)}
        </Fact>
      </dl>
      {series.error !== undefined && <ErrorNote error={series.error} />}
      {series.data === undefined && series.error === undefined && <Wait height={WAIT_HEIGHT_PX} />}
      {isCut && (
        <Notice tone="info">
          Labels of the first {METRIC_SERIES_MAX.toLocaleString('en')} series.
        </Notice>
      )}
      {labelFacts(found).map((label) => (
        <LabelValues
          key={label.label}
          facts={label}
          metric={name}
          seriesCount={found.length}
          zone={state.zone}
        />
      ))}
    </section>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

async function newestSec(selector: string, signal: AbortSignal): Promise<number | undefined> {
  const query = {
    expr: `max(timestamp(${selector}))`,
    timeSec: Date.now() / 1000,
    lookbackSec: NEWEST_WITHIN_SEC,
  };
  const { data } = await queryInstant(query, signal);
  const text = data.resultType === 'vector' ? data.result[0]?.value?.[1] : undefined;
  return text === undefined ? undefined : toNumber(text);
}
