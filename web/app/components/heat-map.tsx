/**
 * Native histograms over time: each bucket a cell from its lower to its upper bound, the darker the
 * more it counts. Several series are added up. Bounds that grow by powers get a logarithmic axis.
 */
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import uPlot from 'uplot';
import { useMetadata } from '../hooks/use-metadata.ts';
import { useThemeInForce } from '../hooks/use-theme.ts';
import { useWidth } from '../hooks/use-width.ts';
import { Notice } from '../ui/notice.tsx';
import type { HistogramSeries } from '../util/decode.ts';
import { toHeat, type Heat, type HeatCell } from '../util/heat.ts';
import type { Grid } from '../util/series.ts';
import { formatTime, type Zone } from '../util/time.ts';
import { formatCount, formatValue, inferUnit, type Unit } from '../util/unit.ts';
import type { ViewGrid } from '../util/view-grid.ts';
import { heatOptions, type HeatLive } from './heat-options.ts';
import { HeatScale } from './heat-scale.tsx';

interface HeatMapProps {
  readonly histograms: readonly HistogramSeries[];
  readonly grid: Grid;
  readonly view: ViewGrid;
  readonly expr: string;
  readonly zone: Zone;
  readonly height: number;
  readonly onZoom: (startSec: number, endSec: number) => void;
}

interface Pointed {
  readonly cell: HeatCell;
  readonly leftPx: number;
}

export function HeatMap(props: HeatMapProps): ReactNode {
  const { histograms, grid, expr, zone, height, view } = props;
  const heat = useMemo(() => toHeat(histograms, grid), [histograms, grid]);
  const [metadata] = useMetadata([expr]);
  // A bucket's bounds have the unit of what was observed; how often is another matter.
  const { base } = inferUnit(expr, metadata?.unit);
  const unit = useMemo<Unit>(() => ({ base, perSec: false }), [base]);
  const hostRef = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<Pointed | undefined>(undefined);
  const width = useWidth(hostRef);
  useHeatPlot(hostRef, { ...props, heat, unit, width, setPointed });
  const count = `${histograms.length} ${histograms.length === 1 ? 'histogram' : 'histograms'}`;
  const [from, to] = [view.startSec, view.endSec].map((sec) => formatTime(sec * 1000, zone));
  const span = `from ${from} to ${to}`;
  return (
    <section className="heat" aria-label="Heat map">
      {histograms.length > 1 && (
        <Notice tone="info">
          {histograms.length} native histograms are added up here. Narrow the selector to see one.
        </Notice>
      )}
      <div className="chart" style={{ height }}>
        <div
          ref={hostRef}
          className="chart-host"
          role="img"
          aria-label={`${expr}: heat map of ${count} ${span}, ${summaryOf(heat, unit)}`}
          style={{ height }}
        />
        {pointed !== undefined && (
          <div
            className="tooltip"
            style={pointed.leftPx > width / 2 ? { left: 84 } : { right: 12 }}
            aria-hidden="true"
          >
            <div className="tooltip-time">
              {formatTime((grid.startSec + pointed.cell.index * grid.stepSec) * 1000, zone)}
            </div>
            <div className="tooltip-more">
              {boundsOf(pointed.cell, unit)}: {formatValue(pointed.cell.count, NO_BOUNDS)}
            </div>
          </div>
        )}
      </div>
      <HeatScale max={heat.countMax} />
    </section>
  );
}

const NO_BOUNDS: Unit = { base: 'none', perSec: false };

function boundsOf({ lower, upper }: HeatCell, unit: Unit): string {
  return `${formatValue(lower, unit)} to ${formatValue(upper, unit)}`;
}

function summaryOf({ cells, countMax }: Heat, unit: Unit): string {
  const fullest = cells.find(({ count }) => count === countMax);
  if (fullest === undefined) return 'nothing counted';
  return `fullest bucket ${boundsOf(fullest, unit)} with ${formatCount(countMax)}`;
}

interface HeatPlot extends HeatMapProps {
  readonly heat: Heat;
  readonly unit: Unit;
  readonly width: number;
  readonly setPointed: (pointed: Pointed | undefined) => void;
}

function useHeatPlot(hostRef: React.RefObject<HTMLDivElement | null>, plot: HeatPlot): void {
  const { heat, unit, width, zone, height, view, setPointed, onZoom } = plot;
  // The colours are read when the plot is made.
  const theme = useThemeInForce();
  const looks = JSON.stringify([theme, view.startSec, view.endSec]);
  const live: HeatLive = {
    startSec: view.startSec,
    endSec: view.endSec,
    onZoom,
    onPoint: (cell, leftPx) => setPointed(cell && { cell, leftPx }),
  };
  const liveRef = useRef(live);
  useEffect(() => {
    liveRef.current = live;
  });
  const hasWidth = width > 0;
  useEffect(() => {
    const host = hostRef.current;
    if (host === null || !hasWidth) return undefined;
    const made = new uPlot(
      heatOptions({ width, height, unit, zone, heat }, () => liveRef.current),
      [[...heat.times], heat.times.map(() => null)],
      host,
    );
    return () => made.destroy();
    // oxlint-disable-next-line react/exhaustive-deps
  }, [hostRef, hasWidth, width, height, unit, zone, heat, looks]);
}
