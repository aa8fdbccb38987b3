/** The graph of a range query: states, remarks, chart, legend. */
import { useMemo, useState, type ReactNode } from 'react';
import { queryRange } from '../api/client.ts';
import type { Answer, RangeResult } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { Notice } from '../ui/notice.tsx';
import { DRAWN_SERIES_MAX, RANGE_POINTS_MAX } from '../util/limits.ts';
import { alignedGrid, gridOf, toChartData, type ChartData, type Grid } from '../util/series.ts';
import {
  formatDurationSec,
  isRelative,
  pickLookbackSec,
  pickStepSec,
  tryResolve,
} from '../util/time.ts';
import { inferUnit } from '../util/unit.ts';
import { Chart } from './chart.tsx';
import type { ResultViewProps } from './result-view.ts';
import { Legend } from './legend.tsx';
import { useMetadata } from './metric-hint.tsx';
import { Remarks } from './remarks.tsx';
import { ResultError } from './result-error.tsx';
import { shownError } from './shown-error.ts';
import { ResultStatus } from './result-status.tsx';
import { Wait } from './wait.tsx';

const CHART_HEIGHT_PX = 360;
const HOUR_MS = 3_600_000;

interface GraphAnswer {
  readonly answer: Answer<RangeResult>;
  readonly chart: ChartData;
  readonly grid: Grid;
  readonly seriesCount: number;
  /** Series that hold native histograms only; a line cannot show them. */
  readonly histogramCount: number;
}

export function GraphView(props: ResultViewProps): ReactNode {
  const { state, nowMs, width, onRetry } = props;
  const { expr, time } = state;
  const resolved = tryResolve(time.range, nowMs) ?? { startMs: nowMs - HOUR_MS, endMs: nowMs };
  const startSec = resolved.startMs / 1000;
  const endSec = resolved.endMs / 1000;
  const stepSec = pickStepSec(endSec - startSec, Math.min(width, RANGE_POINTS_MAX));
  // A single look at “now” ends on the newest sample; a refreshed one keeps its grid still.
  const isLook = time.refreshSec === 0 && isRelative(time.range);
  const grid = (isLook ? gridOf : alignedGrid)(startSec, endSec, stepSec);
  const key = JSON.stringify([expr, grid, nowMs]);
  const request = useRequest(key, expr, async (signal) => fetchGraph(expr, grid, signal));
  const { data, isLoading, cancel } = request;
  const error = shownError(request);
  return (
    <>
      <ResultStatus isLoading={isLoading} hasData={data !== undefined} onCancel={cancel}>
        {data !== undefined && (
          <span>
            {data.seriesCount} series, one point every {formatDurationSec(data.grid.stepSec)}
          </span>
        )}
      </ResultStatus>
      {error !== undefined && (
        <ResultError error={error} expr={expr} hasData={data !== undefined} onRetry={onRetry} />
      )}
      {data === undefined && error === undefined && (
        <Wait height={CHART_HEIGHT_PX} onCancel={cancel} />
      )}
      {data !== undefined && (
        <GraphBody {...props} result={data} startSec={startSec} endSec={endSec} />
      )}
    </>
  );
}

interface GraphBodyProps extends ResultViewProps {
  readonly result: GraphAnswer;
  readonly startSec: number;
  readonly endSec: number;
}

function GraphBody({ state, result, startSec, endSec, onZoom }: GraphBodyProps): ReactNode {
  const { expr, time } = state;
  const metadata = useMetadata(expr);
  const unit = useMemo(() => inferUnit(expr, metadata?.unit), [expr, metadata]);
  const [pick, setPick] = useState<{ expr: string; shown: ReadonlySet<string> | undefined }>({
    expr,
    shown: undefined,
  });
  const shown = pick.expr === expr ? pick.shown : undefined;
  const { answer, chart, seriesCount, histogramCount } = result;
  return (
    <>
      <Remarks answer={answer} />
      {seriesCount > DRAWN_SERIES_MAX && (
        <Notice tone="warning">
          {seriesCount.toLocaleString('en')} series are too many to read; the first{' '}
          {DRAWN_SERIES_MAX} are drawn. Narrow the selector with a matcher, aggregate with{' '}
          <code>sum by (…)</code>, or keep the largest with <code>topk(20, …)</code>.
        </Notice>
      )}
      {histogramCount > 0 && (
        <Notice tone="info">
          {histogramCount} series hold native histograms, which a line cannot show. Take{' '}
          <code>histogram_quantile(0.9, …)</code> of them.
        </Notice>
      )}
      {seriesCount === 0 ? (
        <p className="panel-empty" style={{ minHeight: CHART_HEIGHT_PX }}>
          No series match in this range. Check the names, or look further back.
        </p>
      ) : (
        <>
          <Chart
            title={expr}
            data={chart}
            startSec={startSec}
            endSec={endSec}
            unit={unit}
            zone={time.zone}
            height={CHART_HEIGHT_PX}
            shown={shown}
            onZoom={onZoom}
          />
          <Legend
            series={chart.series}
            unit={unit}
            shown={shown}
            onShown={(next) => setPick({ expr, shown: next })}
          />
        </>
      )}
    </>
  );
}

async function fetchGraph(expr: string, grid: Grid, signal: AbortSignal): Promise<GraphAnswer> {
  const lookbackSec = pickLookbackSec(grid.stepSec);
  const answer = await queryRange({ expr, ...grid, lookbackSec }, signal);
  const { result } = answer.data;
  const lines = result.flatMap(({ metric, values }) => (values ? [{ metric, values }] : []));
  return {
    answer,
    chart: toChartData(lines.slice(0, DRAWN_SERIES_MAX), grid),
    grid,
    seriesCount: result.length,
    histogramCount: result.length - lines.length,
  };
}
