/** Names with their counts, the largest first, as bars. */
import type { ReactNode } from 'react';
import type { NamedCount } from '../api/types.ts';
import type { Place } from '../hooks/use-location.ts';
import { WrappedName } from '../ui/wrapped-name.tsx';
import { formatMetrics } from '../util/url-state.ts';
import { PlaceLink } from './place-link.tsx';

interface TopCountsProps {
  readonly title: string;
  readonly rows: readonly NamedCount[];
  /** Where a name leads to; default: nowhere. */
  readonly placeOf?: (name: string) => Place;
  /** In front of each count. */
  readonly sign?: string;
  /** Where there are no rows. */
  readonly none?: string;
}

export function TopCounts(props: TopCountsProps): ReactNode {
  const { title, rows, placeOf, sign = '', none = 'Nothing is stored yet.' } = props;
  const max = Math.max(1, ...rows.map(({ value }) => value));
  return (
    <section aria-label={title} className="label-values">
      <h3>{title}</h3>
      {rows.length === 0 && <p className="hint">{none}</p>}
      <ul>
        {rows.map(({ name, value }) => (
          <li key={name}>
            {placeOf === undefined ? (
              <span className="label-value">
                <WrappedName text={name} />
              </span>
            ) : (
              <PlaceLink to={placeOf(name)}>
                <WrappedName text={name} />
              </PlaceLink>
            )}
            <meter min={0} max={max} value={value} aria-label={`Count of ${name}`} />
            <span className="num">
              {sign}
              {value.toLocaleString('en')}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The metric in the metric browser. */
export function metricPlace(metric: string): Place {
  const search = formatMetrics({ filter: '', metric, sort: 'series', zone: 'local' });
  return { path: 'metrics-browser', search };
}
