/** One line under the query: type, unit and help of its metric, when the writer sent them. */
import type { ReactNode } from 'react';
import { metadataOf } from '../api/client.ts';
import { useRequest } from '../hooks/use-request.ts';
import type { MetricMetadata } from '../api/types.ts';
import { metricNames } from '../util/unit.ts';

export function MetricHint({ expr }: { readonly expr: string }): ReactNode {
  const metadata = useMetadata(expr);
  return (
    <p className="metric-hint hint">
      {metadata !== undefined && (
        <>
          <code>{metricNames(expr)[0]}</code>
          <span>{metadata.type}</span>
          {metadata.unit !== '' && <span>{metadata.unit}</span>}
          <span>{metadata.help}</span>
        </>
      )}
    </p>
  );
}

/** Metadata is a courtesy: when it cannot be had the page is whole without it. */
export function useMetadata(expr: string): MetricMetadata | undefined {
  const name = metricNames(expr)[0];
  const { data } = useRequest(name, name ?? '', async (signal) =>
    name === undefined ? undefined : metadataOf(name, signal),
  );
  return data;
}
