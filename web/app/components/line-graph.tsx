/** Lines or stacked areas with their legend and tools; exemplars when they are asked for. */
import { useMemo, type ReactNode } from 'react';
import { useExemplars } from '../hooks/use-exemplars.ts';
import { useMetadata } from '../hooks/use-metadata.ts';
import { isPicked, nextPick } from '../util/pick.ts';
import { gridTimes, seriesId, toChartSeries, type ChartSeries } from '../util/series.ts';
import { inferUnit, NO_UNIT, type Unit } from '../util/unit.ts';
import type { ViewGrid } from '../util/view-grid.ts';
import { Chart } from './chart.tsx';
import { ExemplarList } from './exemplar-list.tsx';
import { GraphTools } from './graph-tools.tsx';
import type { GraphPart } from './graph-part.ts';
import { Legend } from './legend.tsx';
import type { ResultViewProps } from './result-view.ts';

interface LineGraphProps extends ResultViewProps {
  readonly parts: readonly GraphPart[];
  readonly view: ViewGrid;
  readonly height: number;
}

export function LineGraph(props: LineGraphProps): ReactNode {
  const { state, parts, view, height, onState, onZoom } = props;
  const units = useUnits(parts);
  const data = useMemo(() => toData(parts, units), [parts, units]);
  const unit = commonUnit(units);
  const { pick, isStacked } = state;
  const shown = useMemo(
    () =>
      pick.kind === 'all'
        ? undefined
        : new Set(data.series.flatMap(({ key }) => (isPicked(pick, seriesId(key)) ? [key] : []))),
    [data, pick],
  );
  const exemplars = useExemplars(parts, view, state.hasExemplars);
  const title = parts.map(({ expr }) => expr).join(' and ');
  return (
    <>
      <Chart
        title={title}
        data={data}
        startSec={view.startSec}
        endSec={view.endSec}
        unit={unit}
        zone={state.time.zone}
        height={height}
        shown={shown}
        isStacked={isStacked}
        marks={exemplars.marks}
        onZoom={onZoom}
      />
      <GraphTools state={state} onState={onState} />
      {state.hasExemplars && <ExemplarList found={exemplars} zone={state.time.zone} />}
      <Legend
        series={data.series}
        unit={unit}
        shown={shown}
        onPick={(key, isAdding) => {
          const all = data.series.map((entry) => seriesId(entry.key));
          onState({ ...state, pick: nextPick(pick, all, { id: seriesId(key), isAdding }) });
        }}
      />
    </>
  );
}

function toData(
  parts: readonly GraphPart[],
  units: readonly Unit[],
): { readonly times: readonly number[]; readonly series: readonly ChartSeries[] } {
  const grid = parts.find(({ answer }) => answer !== undefined)?.answer?.grid;
  const series = parts.flatMap(({ letter, expr, index, answer }, at) =>
    toChartSeries(answer?.lines ?? [], index === 0 ? '' : letter).map((entry) => {
      // A series without labels is best known by the question.
      const name = entry.name === '{}' ? expr : entry.name;
      return {
        ...entry,
        name: letter === '' ? name : `${letter}  ${name}`,
        unit: units[at] ?? NO_UNIT,
      };
    }),
  );
  return { times: grid === undefined ? [] : gridTimes(grid), series };
}

function useUnits(parts: readonly GraphPart[]): readonly Unit[] {
  const exprs = JSON.stringify(parts.map(({ expr }) => expr));
  const metadata = useMetadata(JSON.parse(exprs) as string[]);
  return useMemo(
    () =>
      (JSON.parse(exprs) as string[]).map((expr, index) => inferUnit(expr, metadata[index]?.unit)),
    [exprs, metadata],
  );
}

/** The axis has a unit when all its lines share it. */
function commonUnit(units: readonly Unit[]): Unit {
  const [first = NO_UNIT] = units;
  const isShared = units.every(
    ({ base, perSec }) => base === first.base && perSec === first.perSec,
  );
  return isShared ? first : NO_UNIT;
}
