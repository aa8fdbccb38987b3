/** Exemplars of the queries in the range: single observations that name where they came from. */
import { useMemo } from 'react';
import { queryExemplars } from '../api/client.ts';
import type { ApiError } from '../api/api-error.ts';
import type { ChartMark } from '../components/chart-marks.ts';
import { toNumber } from '../util/decode.ts';
import { formatLabels, type Labels } from '../util/labels.ts';
import { EXEMPLARS_MAX, LOOKBACK_MIN_SEC } from '../util/limits.ts';
import type { ViewGrid } from '../util/view-grid.ts';
import { useRequest } from './use-request.ts';

export interface FoundExemplar extends ChartMark {
  readonly labels: Labels;
  readonly series: Labels;
  readonly exact: string;
}

export interface FoundExemplars {
  readonly marks: readonly FoundExemplar[];
  readonly isLoading: boolean;
  readonly error: ApiError | undefined;
}

const NONE: readonly FoundExemplar[] = [];

export function useExemplars(
  parts: readonly { readonly expr: string }[],
  { grid }: ViewGrid,
  isWanted: boolean,
): FoundExemplars {
  const exprs = parts.map(({ expr }) => expr);
  const subject = JSON.stringify(exprs);
  const key = isWanted ? JSON.stringify([exprs, grid]) : undefined;
  const { data, isLoading, error } = useRequest(key, subject, async (signal) => {
    const lookbackSec = LOOKBACK_MIN_SEC;
    const found = await Promise.all(
      exprs.map(async (expr) => queryExemplars({ expr, grid, lookbackSec }, signal)),
    );
    return found.flat();
  });
  const marks = useMemo(
    () =>
      (data ?? [])
        .flatMap(({ seriesLabels, exemplars }) =>
          exemplars.map((one) => ({
            id: `${formatLabels(seriesLabels)} ${one.timestamp} ${formatLabels(one.labels)}`,
            sec: one.timestamp,
            value: toNumber(one.value),
            text: `${formatLabels(one.labels)} ${one.value}`,
            labels: one.labels,
            series: seriesLabels,
            exact: one.value,
          })),
        )
        .toSorted((a, b) => b.sec - a.sec)
        .slice(0, EXEMPLARS_MAX),
    [data],
  );
  return { marks: isWanted ? marks : NONE, isLoading, error };
}
