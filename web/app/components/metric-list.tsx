/** The list of metrics: searched by name and help, sorted by name or by number of series. */
import { useMemo, useState, type ReactNode } from 'react';
import { WrappedName } from '../ui/wrapped-name.tsx';
import { visible, visibleLine } from '../util/labels.ts';
import { METRICS_ROWS_MAX } from '../util/limits.ts';
import { filterFacts, type MetricFacts } from '../util/metric-facts.ts';
import { formatCount } from '../util/unit.ts';
import { formatMetrics, type MetricsState } from '../util/url-state.ts';
import { PlaceLink } from './place-link.tsx';

interface MetricListProps {
  readonly facts: readonly MetricFacts[];
  readonly state: MetricsState;
  readonly onState: (state: MetricsState, isTyping: boolean) => void;
}

export function MetricList({ facts, state, onState }: MetricListProps): ReactNode {
  const { filter, sort } = state;
  const [rowsMax, setRowsMax] = useState(METRICS_ROWS_MAX);
  const found = useMemo(() => {
    const some = filterFacts(facts, filter);
    if (sort === 'name') return some;
    return some.toSorted((a, b) => (b.seriesCount ?? 0) - (a.seriesCount ?? 0));
  }, [facts, filter, sort]);
  const header = (column: MetricsState['sort'], text: string): ReactNode => (
    <button type="button" onClick={() => onState({ ...state, sort: column }, false)}>
      {text}
      <span className="sort-mark" aria-hidden="true">
        {sort === column && (column === 'name' ? '↑' : '↓')}
      </span>
    </button>
  );
  return (
    <section className="metric-list" aria-label="Metrics">
      <div className="metric-filter">
        <input
          type="search"
          aria-label="Find metrics"
          placeholder="Part of a name or its help"
          value={filter}
          onChange={(event) => onState({ ...state, filter: event.target.value }, true)}
        />
        <span className="hint nowrap" role="status">
          {found.length.toLocaleString('en')} of {facts.length.toLocaleString('en')}
        </span>
      </div>
      <table>
        <thead>
          <tr>
            <th scope="col" aria-sort={sort === 'name' ? 'ascending' : 'none'}>
              {header('name', 'Metric')}
            </th>
            <th scope="col">Type</th>
            <th scope="col">Unit</th>
            <th scope="col" className="num" aria-sort={sort === 'series' ? 'descending' : 'none'}>
              {header('series', 'Series')}
            </th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, rowsMax).map((metric) => (
            <MetricRow key={metric.name} metric={metric} state={state} />
          ))}
        </tbody>
      </table>
      {found.length === 0 && <p className="panel-empty">No metric has that in its name or help.</p>}
      {found.length > rowsMax && (
        <button
          type="button"
          className="button"
          onClick={() => setRowsMax(rowsMax + METRICS_ROWS_MAX)}
        >
          Show {Math.min(METRICS_ROWS_MAX, found.length - rowsMax)} more
        </button>
      )}
    </section>
  );
}

interface MetricRowProps {
  readonly metric: MetricFacts;
  readonly state: MetricsState;
}

function MetricRow({ metric, state }: MetricRowProps): ReactNode {
  const { name, type, unit, help, seriesCount } = metric;
  const isOpen = name === state.metric;
  const search = formatMetrics({ ...state, metric: name });
  return (
    <tr className={isOpen ? 'is-chosen' : ''}>
      <th scope="row">
        <PlaceLink
          to={{ path: 'metrics-browser', search }}
          className="metric-name"
          isCurrent={isOpen}
        >
          <WrappedName text={name} />
        </PlaceLink>
        <span className="metric-help hint">{visibleLine(help)}</span>
      </th>
      <td>{visible(type)}</td>
      <td>{visible(unit)}</td>
      <td className="num" title={seriesCount?.toLocaleString('en')}>
        {seriesCount === undefined ? '–' : formatCount(seriesCount)}
      </td>
    </tr>
  );
}
