/** One line under the query: type, unit and help of its metric, when the writer sent them. */
import type { ReactNode } from 'react';
import { useMetadata } from '../hooks/use-metadata.ts';
import { visible, visibleLine } from '../util/labels.ts';
import { metricNames } from '../util/unit.ts';

export function MetricHint({ expr }: { readonly expr: string }): ReactNode {
  const [metadata] = useMetadata([expr]);
  return (
    <p className="metric-hint hint">
      {metadata !== undefined && (
        <>
          <code>{metricNames(expr)[0]}</code>
          <span>{visible(metadata.type)}</span>
          {metadata.unit !== '' && <span>{visible(metadata.unit)}</span>}
          <span>{visibleLine(metadata.help)}</span>
        </>
      )}
    </p>
  );
}
