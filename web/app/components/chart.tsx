/**
 * A time chart: lines on a canvas, a crosshair with exact values, zoom by drag. The canvas has a
 * text summary; the numbers themselves are in the legend and in the table view.
 */
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import uPlot from 'uplot';
import { useThemeInForce } from '../hooks/use-theme.ts';
import { useWidth } from '../hooks/use-width.ts';
import type { ChartData, ChartSeries } from '../util/series.ts';
import { formatTime, type Zone } from '../util/time.ts';
import { formatValue, type Unit } from '../util/unit.ts';
import { chartOptions, type ChartLive, type CursorAt } from './chart-options.ts';
import { ChartTooltip } from './chart-tooltip.tsx';

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
  /** Charts of one key share the crosshair. */
  readonly syncKey?: string;
  readonly onZoom: (startSec: number, endSec: number) => void;
}

export function Chart(props: ChartProps): ReactNode {
  const { data, unit, zone, height } = props;
  const hostRef = useRef<HTMLDivElement>(null);
  const width = useWidth(hostRef);
  const [cursor, setCursor] = useState<CursorAt | undefined>(undefined);
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
        />
      )}
    </div>
  );
}

function useChart(
  hostRef: React.RefObject<HTMLDivElement | null>,
  props: ChartProps,
  width: number,
  setCursor: (at: CursorAt | undefined) => void,
): void {
  const { data, unit, zone, height, fromZero = false, syncKey, shown } = props;
  const theme = useThemeInForce();
  const plotRef = useRef<uPlot | undefined>(undefined);
  const live: ChartLive = {
    startSec: props.startSec,
    endSec: props.endSec,
    onZoom: props.onZoom,
    onCursor: setCursor,
  };
  const liveRef = useRef(live);
  const seriesRef = useRef<readonly ChartSeries[]>(data.series);
  useEffect(() => {
    liveRef.current = live;
    seriesRef.current = data.series;
  });
  const hasWidth = width > 0;
  // The chart is rebuilt only when its lines or looks change; new samples go into the living one.
  const looks = useMemo(
    () => JSON.stringify([data.series.map((s) => [s.key, s.style]), unit, zone, fromZero, theme]),
    [data, unit, zone, fromZero, theme],
  );
  useEffect(() => {
    const host = hostRef.current;
    if (host === null || !hasWidth) return undefined;
    const shape = { width: host.clientWidth, height, unit, zone, fromZero, syncKey };
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
    if (plot === undefined) return;
    plot.setData(toAligned(data));
    data.series.forEach((entry, index) => {
      const show = shown?.has(entry.key) ?? true;
      // Each call scales the chart anew, so only real changes are made.
      if (plot.series[index + 1]?.show !== show) plot.setSeries(index + 1, { show });
    });
  }, [data, shown, looks, hasWidth, props.startSec, props.endSec]);
}

function toAligned(data: ChartData): uPlot.AlignedData {
  return [[...data.times], ...data.series.map((entry) => [...entry.values])];
}

function summaryOf({ title, data, startSec, endSec, unit, zone }: ChartProps): string {
  const span = `from ${formatTime(startSec * 1000, zone)} to ${formatTime(endSec * 1000, zone)}`;
  const count = data.series.length;
  const first = data.series[0];
  const detail =
    count === 1 && first?.stats !== undefined
      ? `, last ${formatValue(first.stats.last, unit)}, lowest ${formatValue(first.stats.min, unit)}` +
        `, highest ${formatValue(first.stats.max, unit)}`
      : '';
  return `${title}: line chart of ${count} series ${span}${detail}`;
}
