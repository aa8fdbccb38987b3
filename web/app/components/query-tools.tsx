/** The line under the queries: what they are about, what they would cost, one more, tidier. */
import type { ReactNode } from 'react';
import { useEstimate } from '../hooks/use-estimate.ts';
import { formatCount, formatValue } from '../util/unit.ts';
import type { ViewGrid } from '../util/view-grid.ts';
import { MetricHint } from './metric-hint.tsx';

interface QueryToolsProps {
  /** What is typed and can be parsed. */
  readonly exprs: readonly string[];
  /** The first query that was asked. */
  readonly asked: string;
  readonly view: ViewGrid;
  readonly canAdd: boolean;
  readonly onAdd: () => void;
  readonly onFormat: () => void;
}

export function QueryTools(props: QueryToolsProps): ReactNode {
  const { exprs, asked, view, canAdd, onAdd, onFormat } = props;
  const cost = useEstimate(exprs, view);
  return (
    <div className="query-tools">
      <button type="button" className="button" disabled={!canAdd} onClick={onAdd}>
        Add query
      </button>
      <button
        type="button"
        className="button"
        disabled={exprs.length === 0}
        onClick={onFormat}
        title="Lay the queries out over lines"
      >
        Format
      </button>
      <MetricHint expr={asked} />
      <span className="cost hint" aria-live="polite">
        {cost !== undefined && (
          <>
            Reads about {formatCount(cost.seriesCount)} series, {formatCount(cost.sampleCount)}{' '}
            samples, {formatValue(cost.sizeBytes, { base: 'bytes', perSec: false })}
          </>
        )}
      </span>
    </div>
  );
}
