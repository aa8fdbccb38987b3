/** Rows that writers sent and the server refused; nothing is shown while there are none. */
import type { ReactNode } from 'react';
import { queryInstant } from '../api/client.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';
import { LOOKBACK_MIN_SEC } from '../util/limits.ts';
import { linkToExplore } from '../util/url-state.ts';
import { PlaceLink } from './place-link.tsx';

const METRIC = 'orrery_ingest_refused_rows_total';

interface RefusalsProps {
  /** Matchers of the server's own job. */
  readonly job: string;
  readonly timeSec: number;
}

interface Refused {
  readonly protocol: string;
  readonly rows: number;
}

export function Refusals({ job, timeSec }: RefusalsProps): ReactNode {
  const { data } = useRequest(`${job} ${timeSec}`, job, async (signal) =>
    fetchRefused(job, timeSec, signal),
  );
  if (data === undefined || data.length === 0) return null;
  const total = data.reduce((sum, entry) => sum + entry.rows, 0);
  const parts = data.map(({ protocol, rows }) => `${rows.toLocaleString('en')} ${protocol}`);
  const expr = `sum by (protocol) (increase(${METRIC}{${job}}[1m]))`;
  const search = linkToExplore(expr);
  const text = `${total.toLocaleString('en')} ${total === 1 ? 'row' : 'rows'} refused since the start`;
  return (
    <span className="refusals">
      <span aria-hidden="true">! </span>
      <PlaceLink to={{ path: 'explore', search }}>{text}</PlaceLink>
      <span> ({visible(parts.join(', '))})</span>
    </span>
  );
}

/** Most refusals first. */
async function fetchRefused(
  job: string,
  timeSec: number,
  signal: AbortSignal,
): Promise<readonly Refused[]> {
  const expr = `sum by (protocol) (${METRIC}{${job}}) > 0`;
  const { data } = await queryInstant({ expr, timeSec, lookbackSec: LOOKBACK_MIN_SEC }, signal);
  if (data.resultType !== 'vector') return [];
  return data.result
    .map(({ metric, value }) => ({
      protocol: metric['protocol'] ?? 'unknown protocol',
      rows: Number(value?.[1]),
    }))
    .toSorted((a, b) => b.rows - a.rows);
}
