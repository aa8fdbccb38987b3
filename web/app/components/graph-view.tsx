/** The graph of range queries: states, remarks, chart or heat map, legend. */
import { lazy, Suspense, type ReactNode } from 'react';
import { queryRange } from '../api/client.ts';
import { useAsked } from '../hooks/use-asked.ts';
import { Notice } from '../ui/notice.tsx';
import type { HistogramSeries } from '../util/decode.ts';
import { DRAWN_SERIES_MAX } from '../util/limits.ts';
import { formatDurationSec, pickLookbackSec } from '../util/time.ts';
import { formatCount } from '../util/unit.ts';
import { viewGrid, type ViewGrid } from '../util/view-grid.ts';
import type { GraphPart } from './graph-part.ts';
import { LineGraph } from './line-graph.tsx';
import { PartErrors } from './part-errors.tsx';
import { Remarks } from './remarks.tsx';
import { ResultError } from './result-error.tsx';
import { ResultStatus } from './result-status.tsx';
import type { ResultViewProps } from './result-view.ts';
import { Wait } from './wait.tsx';

const HeatMap = lazy(async () => ({ default: (await import('./heat-map.tsx')).HeatMap }));

const CHART_HEIGHT_PX = 360;

export function GraphView(props: ResultViewProps): ReactNode {
  const { state, asked, nowMs, width, onRetry } = props;
  const view = viewGrid(state.time, nowMs, width);
  const { grid } = view;
  const lookbackSec = pickLookbackSec(grid.stepSec);
  const { request, error } = useAsked(props, grid, async (expr, signal) => ({
    // The grid is kept with the answer: the next one is asked before this one leaves the page.
    grid,
    ...(await queryRange({ expr, grid, lookbackSec }, DRAWN_SERIES_MAX, signal)),
  }));
  const { data, isLoading, cancel } = request;
  const texts = asked.map(({ expr }) => expr);
  const hasData = data !== undefined;
  return (
    <>
      <ResultStatus isLoading={isLoading} hasData={hasData} texts={texts} onCancel={cancel}>
        {hasData && <Counts parts={data} stepSec={data[0]?.answer?.grid.stepSec ?? grid.stepSec} />}
      </ResultStatus>
      {error !== undefined && (
        <ResultError error={error} expr={texts[0] ?? ''} hasData={hasData} onRetry={onRetry} />
      )}
      {!hasData && error === undefined && (
        <Wait height={CHART_HEIGHT_PX} texts={texts} onCancel={cancel} />
      )}
      {hasData && <GraphBody {...props} parts={data} view={view} />}
    </>
  );
}

function Counts({ parts, stepSec }: { parts: readonly GraphPart[]; stepSec: number }): ReactNode {
  const count = parts.reduce((sum, { answer }) => sum + (answer?.seriesCount ?? 0), 0);
  const read = parts.flatMap(({ answer }) => answer?.samplesRead ?? []);
  return (
    <span>
      {count.toLocaleString('en')} series, one point every {formatDurationSec(stepSec)}
      {read.length > 0 && `, ${formatCount(read.reduce((a, b) => a + b, 0))} samples read`}
    </span>
  );
}

interface GraphBodyProps extends ResultViewProps {
  readonly parts: readonly GraphPart[];
  readonly view: ViewGrid;
}

function GraphBody(props: GraphBodyProps): ReactNode {
  const { parts, view, state, onZoom } = props;
  const answers = parts.flatMap(({ answer }) => answer ?? []);
  const lineCount = answers.reduce((sum, { lines }) => sum + lines.length, 0);
  const histograms: readonly HistogramSeries[] = answers.flatMap((answer) => answer.histograms);
  const seriesCount = answers.reduce((sum, answer) => sum + answer.seriesCount, 0);
  const most = Math.max(...answers.map((answer) => answer.seriesCount));
  return (
    <>
      <PartErrors parts={parts} />
      <Remarks
        warnings={answers.flatMap((answer) => answer.warnings)}
        infos={answers.flatMap((answer) => answer.infos)}
      />
      {most > DRAWN_SERIES_MAX && (
        <Notice tone="warning">
          {most.toLocaleString('en')} series are too many to read; the first{' '}
          {DRAWN_SERIES_MAX.toLocaleString('en')} are drawn. Narrow the selector with a matcher,
          aggregate with <code>sum by (…)</code>, or keep the largest with <code>topk(20, …)</code>.
        </Notice>
      )}
      {seriesCount === 0 && (
        <p className="panel-empty" style={{ minHeight: CHART_HEIGHT_PX }}>
          No series match in this range. Check the names, or look further back.
        </p>
      )}
      {histograms.length > 0 && (
        <Suspense fallback={<Wait height={CHART_HEIGHT_PX} />}>
          <HeatMap
            histograms={histograms}
            grid={answers[0]?.grid ?? view.grid}
            view={view}
            expr={parts[0]?.expr ?? ''}
            zone={state.time.zone}
            height={CHART_HEIGHT_PX}
            onZoom={onZoom}
          />
        </Suspense>
      )}
      {lineCount > 0 && <LineGraph {...props} height={CHART_HEIGHT_PX} />}
    </>
  );
}
