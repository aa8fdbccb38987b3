/** One label of a metric: its values by number of series, each a link that draws those series. */
import { useState, type ReactNode } from 'react';
import { formatLabels, visible } from '../util/labels.ts';
import { LABEL_VALUES_MAX } from '../util/limits.ts';
import type { LabelFacts } from '../util/metric-facts.ts';
import type { Zone } from '../util/time.ts';
import { linkToExplore } from '../util/url-state.ts';
import { PlaceLink } from './place-link.tsx';

interface LabelValuesProps {
  readonly facts: LabelFacts;
  readonly metric: string;
  /** Series whose labels were read; the bars are shares of it. */
  readonly seriesCount: number;
  readonly zone: Zone;
}

export function LabelValues({ facts, metric, seriesCount, zone }: LabelValuesProps): ReactNode {
  const { label, values } = facts;
  const [isWhole, setIsWhole] = useState(false);
  const shown = isWhole ? values : values.slice(0, LABEL_VALUES_MAX);
  return (
    <section className="label-values" aria-label={`Label ${label}`}>
      <h3>
        <code>{visible(label)}</code>{' '}
        <span className="hint">
          {values.length.toLocaleString('en')} {values.length === 1 ? 'value' : 'values'}
        </span>
      </h3>
      <ul>
        {shown.map(({ value, seriesCount: count }) => {
          const expr = formatLabels({ __name__: metric, [label]: value });
          return (
            <li key={value}>
              <PlaceLink to={{ path: 'explore', search: linkToExplore(expr, zone) }}>
                {value === '' ? '(empty)' : visible(value)}
              </PlaceLink>
              <meter min={0} max={seriesCount} value={count} aria-label={`Series with ${value}`} />
              <span className="num">{count.toLocaleString('en')}</span>
            </li>
          );
        })}
      </ul>
      {shown.length < values.length && (
        <button type="button" className="button" onClick={() => setIsWhole(true)}>
          Show all {values.length.toLocaleString('en')} values
        </button>
      )}
    </section>
  );
}
