/**
 * A time chart: lines on a canvas, a crosshair with exact values, zoom by drag. The canvas has a
 * text summary; the numbers themselves are in the legend and in the table view.
 */
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import uPlot from 'uplot';
import { useThemeInForce } from '../hooks/use-theme.ts';
import { useWidth } from '../hooks/use-width.ts';
import { WHOLE_SERIES_MAX } from '../util/limits.ts';
import { envelope, stackColumns, type ChartData, type ChartSeries } from '../util/series.ts';
import { formatTime, type Zone } from '../util/time.ts';
import { formatValue, type Unit } from '../util/unit.ts';
import { drawMarks, marksAt, type ChartMark } from './chart-marks.ts';
import { chartOptions, type ChartLive, type CursorAt } from './chart-options.ts';
import { ChartTooltip } from './chart-tooltip.tsx';
import { drawLayer, type Layer } from './line-layer.ts';

export interface ChartProps {
  readonly title: string;
  readonly data: ChartData;
  /** The range that was asked for; data may cover less of it. */
  readonly startSec: number;
  readonly endSec: number;
  readonly unit: Unit;
  readonly zone: Zone;
  readonly height: number;
  /** Keys of the series that are drawn; undefined draws all. */
  readonly shown?: ReadonlySet<string> | undefined;
  readonly fromZero?: boolean;
  /** Series stand on top of one another. */
  readonly isStacked?: boolean;
  readonly marks?: readonly ChartMark[];
  /** Charts of one key share the crosshair. */
  readonly syncKey?: string;
  readonly onZoom: (startSec: number, endSec: number) => void;
}

interface MarkedCursor extends CursorAt {
  readonly marks: readonly ChartMark[];
}

const NO_MARKS: readonly ChartMark[] = [];

export function Chart(props: ChartProps): ReactNode {
  const { data, unit, zone, height } = props;
  const hostRef = useRef<HTMLDivElement>(null);
  const width = useWidth(hostRef);
  const [cursor, setCursor] = useState<MarkedCursor | undefined>(undefined);
  useChart(hostRef, props, width, setCursor);
  return (
    <div className="chart" style={{ height }}>
      <div
        ref={hostRef}
        className="chart-host"
        role="img"
        aria-label={summaryOf(props)}
        style={{ height }}
      />
      {cursor !== undefined && (
        <ChartTooltip
          at={cursor}
          data={data}
          shown={props.shown}
          unit={unit}
          zone={zone}
          chartWidth={width}
          marks={cursor.marks}
        />
      )}
    </div>
  );
}

function useChart(
  hostRef: React.RefObject<HTMLDivElement | null>,
  props: ChartProps,
  width: number,
  setCursor: (at: MarkedCursor | undefined) => void,
): void {
  const { data, unit, zone, height, fromZero = false, syncKey, shown, marks = NO_MARKS } = props;
  const { isStacked = false } = props;
  const theme = useThemeInForce();
  const plotRef = useRef<uPlot | undefined>(undefined);
  const stopRef = useRef<(() => void) | undefined>(undefined);
  const isLayered = isStacked || data.series.length > WHOLE_SERIES_MAX;
  const layer = useMemo(
    () => (isLayered ? layerOf(data, shown, isStacked) : undefined),
    [data, shown, isLayered, isStacked],
  );
  const live: ChartLive = {
    startSec: props.startSec,
    endSec: props.endSec,
    onZoom: props.onZoom,
    onCursor: (at) => {
      const plot = plotRef.current;
      if (at === undefined || plot === undefined) setCursor(undefined);
      else setCursor({ ...at, marks: marksAt(plot, marks, at.leftPx, at.topPx) });
    },
    onDraw: (u, colours) => {
      stopRef.current?.();
      if (layer !== undefined) stopRef.current = drawLayer(u, layer, colours);
      drawMarks(u, marks, colours);
    },
  };
  const liveRef = useRef(live);
  const seriesRef = useRef<readonly ChartSeries[]>(data.series);
  useEffect(() => {
    liveRef.current = live;
    seriesRef.current = data.series;
  });
  const hasWidth = width > 0;
  // The chart is rebuilt only when its lines or looks change; new samples go into the living one.
  const looks = useMemo(() => {
    const lines = isLayered ? [] : data.series.map((entry) => [entry.key, entry.style]);
    return JSON.stringify([lines, unit, zone, fromZero, theme, isLayered]);
  }, [data, unit, zone, fromZero, theme, isLayered]);
  useEffect(() => {
    const host = hostRef.current;
    if (host === null || !hasWidth) return undefined;
    const shape = { width: host.clientWidth, height, unit, zone, fromZero, syncKey, isLayered };
    const plot = new uPlot(
      chartOptions(
        shape,
        () => seriesRef.current,
        () => liveRef.current,
      ),
      undefined,
      host,
    );
    plotRef.current = plot;
    return () => {
      plotRef.current = undefined;
      stopRef.current?.();
      plot.destroy();
    };
    // `looks` stands for unit, zone and the lines.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [looks, hasWidth, height, syncKey, hostRef]);
  useEffect(() => {
    if (hasWidth) plotRef.current?.setSize({ width, height });
  }, [width, hasWidth, height]);
  useEffect(() => {
    const plot = plotRef.current;
    if (plot !== undefined) fillPlot(plot, data, layer, shown);
  }, [data, layer, shown, looks, hasWidth, props.startSec, props.endSec, marks]);
}

function fillPlot(
  plot: uPlot,
  data: ChartData,
  layer: Layer | undefined,
  shown: ReadonlySet<string> | undefined,
): void {
  plot.setData(layer === undefined ? toAligned(data) : toEnvelope(layer));
  if (layer !== undefined) return;
  data.series.forEach((entry, index) => {
    const show = shown?.has(entry.key) ?? true;
    // Each call scales the chart anew, so only real changes are made.
    if (plot.series[index + 1]?.show !== show) plot.setSeries(index + 1, { show });
  });
}

function layerOf(
  data: ChartData,
  shown: ReadonlySet<string> | undefined,
  isStacked: boolean,
): Layer {
  const series = data.series.filter((entry) => shown?.has(entry.key) ?? true);
  const columns = series.map((entry) => entry.values);
  const stack = isStacked ? stackColumns(columns, data.times.length) : undefined;
  return { times: data.times, series, stack };
}

function toAligned(data: ChartData): uPlot.AlignedData {
  const columns = data.series.map(({ values }) =>
    Array.from(values, (value) => (Number.isNaN(value) ? null : value)),
  );
  return [[...data.times], ...columns];
}

/** A stack stands on zero, so zero belongs to its axis. */
function toEnvelope({ times, series, stack }: Layer): uPlot.AlignedData {
  const columns = stack ?? series.map((entry) => entry.values);
  const base = stack === undefined ? [] : [new Float64Array(times.length)];
  return [[...times], ...envelope([...base, ...columns], times.length)];
}

function summaryOf(props: ChartProps): string {
  const { title, data, startSec, endSec, unit, zone, isStacked } = props;
  const span = `from ${formatTime(startSec * 1000, zone)} to ${formatTime(endSec * 1000, zone)}`;
  const count = data.series.length;
  const kind = isStacked === true ? 'stacked chart' : 'line chart';
  const first = data.series[0];
  const detail =
    count === 1 && first?.stats !== undefined
      ? `, last ${formatValue(first.stats.last, unit)}, lowest ${formatValue(first.stats.min, unit)}` +
        `, highest ${formatValue(first.stats.max, unit)}`
      : '';
  return `${title}: ${kind} of ${count} series ${span}${detail}`;
}
