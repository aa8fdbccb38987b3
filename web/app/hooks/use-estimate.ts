/** What the queries being typed would read, a moment after the last key. */
import { useEffect, useState } from 'react';
import { canEstimate, estimate } from '../api/client.ts';
import type { QueryCost } from '../api/types.ts';
import { ESTIMATE_AFTER_MS } from '../util/limits.ts';
import { pickLookbackSec } from '../util/time.ts';
import type { ViewGrid } from '../util/view-grid.ts';
import { useRequest } from './use-request.ts';

/** Undefined where the server does not estimate, or has not answered yet. */
export function useEstimate(exprs: readonly string[], { grid }: ViewGrid): QueryCost | undefined {
  const typed = JSON.stringify(exprs);
  const [settled, setSettled] = useState<string | undefined>(undefined);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(typed), ESTIMATE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const isWanted = settled !== undefined && settled !== '[]' && settled === typed && canEstimate();
  const spanSec = grid.endSec - grid.startSec;
  // Minutes of a moving range change nothing that three digits would show.
  const key = JSON.stringify([settled, grid.stepSec, spanSec]);
  const { data } = useRequest(isWanted ? key : undefined, typed, async (signal) => {
    const lookbackSec = pickLookbackSec(grid.stepSec);
    const costs = await Promise.all(
      exprs.map(async (expr) => estimate({ expr, grid, lookbackSec }, signal)),
    );
    return costs.reduce((sum, cost) => ({
      seriesCount: sum.seriesCount + cost.seriesCount,
      sampleCount: sum.sampleCount + cost.sampleCount,
      sizeBytes: sum.sizeBytes + cost.sizeBytes,
    }));
  });
  return data;
}
