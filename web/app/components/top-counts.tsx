/** Names with their counts, the largest first, as bars. */
import type { ReactNode } from 'react';
import type { NamedCount } from '../api/types.ts';
import { visible } from '../util/labels.ts';
import { formatMetrics } from '../util/url-state.ts';
import { PlaceLink } from './place-link.tsx';

interface TopCountsProps {
  readonly title: string;
  readonly rows: readonly NamedCount[];
  readonly areMetrics?: boolean;
}

export function TopCounts({ title, rows, areMetrics = false }: TopCountsProps): ReactNode {
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
