/** One card of Home: title, the value now, a small chart, its lines below with their values. */
import { useEffect, type ReactNode } from 'react';
import { queryRange } from '../api/client.ts';
import { useRequest } from '../hooks/use-request.ts';
import type { PanelScope, PanelSpec } from '../pages/home-panels.ts';
import { Swatch } from '../ui/swatch.tsx';
import { slotOf, styleSlots } from '../util/colour.ts';
import { DRAWN_SERIES_MAX } from '../util/limits.ts';
import {
  gridTimes,
  toChartSeries,
  type ChartData,
  type ChartSeries,
  type Grid,
} from '../util/series.ts';
import { formatDurationSec, pickLookbackSec, type Zone } from '../util/time.ts';
import { formatValue } from '../util/unit.ts';
import { linkToExplore } from '../util/url-state.ts';
import { Chart } from './chart.tsx';
import { ErrorNote } from './error-note.tsx';
import { PanelNow } from './panel-now.tsx';
import { PlaceLink } from './place-link.tsx';
import { Wait } from './wait.tsx';

const CHART_HEIGHT_PX = 132;
/** Rates look back over at least four scrapes of five seconds; two of them suffice to draw. */
const RATE_WINDOW_MIN_SEC = 20;

interface PanelProps {
  readonly spec: PanelSpec;
  /** Matchers of the job, for the card's queries. */
  readonly job: string;
  readonly grid: Grid;
  /** Left end of the chart; later than the grid's start while the data is young. */
  readonly shownStartSec: number;
  readonly zone: Zone;
  readonly onZoom: (startSec: number, endSec: number) => void;
  /** Told the time of the earliest sample after each answer that has one. */
  readonly onFirst: (sec: number) => void;
}

export function Panel(props: PanelProps): ReactNode {
  const { spec, job, grid, zone } = props;
  const windowSec = Math.max(RATE_WINDOW_MIN_SEC, 4 * grid.stepSec);
  const key = JSON.stringify([spec.id, job, grid]);
  const request = useRequest(key, `${spec.id} ${job}`, async (signal) =>
    fetchPanel(spec, grid, { job, window: formatDurationSec(windowSec) }, signal),
  );
  const data = request.data;
  const firstSec = data === undefined ? undefined : firstSampleSec(data);
  const { onFirst } = props;
  useEffect(() => {
    if (firstSec !== undefined) onFirst(firstSec);
  }, [firstSec, onFirst]);
  const explore = linkToExplore(spec.lines[0]?.expr({ job, window: '1m' }) ?? '', zone);
  return (
    <section className="panel" aria-label={spec.title}>
      <header className="panel-head">
        <h3>
          <PlaceLink to={{ path: 'explore', search: explore }}>{spec.title}</PlaceLink>
        </h3>
        <PanelNow
          text={data === undefined ? undefined : spec.headline(data.series)}
          isOld={request.error !== undefined}
        />
      </header>
      <div className="panel-body" style={{ height: CHART_HEIGHT_PX }}>
        <PanelBody {...props} data={data} error={request.error} hasAny={firstSec !== undefined} />
      </div>
      <PanelLegend spec={spec} series={data?.series ?? []} />
    </section>
  );
}

interface PanelBodyProps extends PanelProps {
  readonly data: ChartData | undefined;
  readonly error: ReturnType<typeof useRequest>['error'];
  readonly hasAny: boolean;
}

function PanelBody(props: PanelBodyProps): ReactNode {
  const { spec, grid, data, error, hasAny } = props;
  if (data === undefined && error !== undefined) return <ErrorNote error={error} />;
  if (data === undefined) return <Wait height={CHART_HEIGHT_PX} />;
  if (!hasAny) return <p className="panel-empty">No samples in this range yet</p>;
  return (
    <Chart
      title={spec.title}
      data={data}
      startSec={props.shownStartSec}
      endSec={grid.endSec}
      unit={spec.unit}
      zone={props.zone}
      height={CHART_HEIGHT_PX}
      fromZero
      syncKey="home"
      onZoom={props.onZoom}
    />
  );
}

interface PanelLegendProps {
  readonly spec: PanelSpec;
  readonly series: readonly ChartSeries[];
}

function PanelLegend({ spec, series }: PanelLegendProps): ReactNode {
  return (
    <ul className="panel-legend" aria-label={`${spec.title}, values now`}>
      {series.map((entry) => (
        <li key={entry.key}>
          <Swatch style={entry.style} />
          <span className="panel-name">{entry.name}</span>
          <span className="num" title={entry.stats && String(entry.stats.last)}>
            {entry.stats === undefined ? '–' : formatValue(entry.stats.last, spec.unit)}
          </span>
        </li>
      ))}
    </ul>
  );
}

async function fetchPanel(
  spec: PanelSpec,
  grid: Grid,
  scope: PanelScope,
  signal: AbortSignal,
): Promise<ChartData> {
  const lookbackSec = pickLookbackSec(grid.stepSec);
  const answers = await Promise.all(
    spec.lines.map(async (line) =>
      queryRange({ expr: line.expr(scope), grid, lookbackSec }, DRAWN_SERIES_MAX, signal),
    ),
  );
  const series = answers.flatMap(({ lines }, index) =>
    toChartSeries(lines).map((entry) => {
      const name = spec.lines[index]?.name(entry.labels) ?? entry.name;
      return { ...entry, key: `${index}:${entry.key}`, name };
    }),
  );
  const styles = styleSlots(
    series.map(({ name }) => (Object.hasOwn(spec.slots, name) ? spec.slots[name]! : slotOf(name))),
  );
  return {
    times: gridTimes(grid),
    series: series.map((entry, index) => ({ ...entry, style: styles[index]! })),
  };
}

function firstSampleSec(data: ChartData): number | undefined {
  const firsts = data.series.map((entry) =>
    entry.values.findIndex((value) => !Number.isNaN(value)),
  );
  const index = Math.min(...firsts.filter((found) => found !== -1));
  return data.times[index];
}
