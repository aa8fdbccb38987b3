/** Exact values under the crosshair: largest first, in the order of the lines. */
import type { ReactNode } from 'react';
import { Swatch } from '../ui/swatch.tsx';
import { TOOLTIP_ROWS_MAX } from '../util/limits.ts';
import type { ChartData } from '../util/series.ts';
import { formatTime, type Zone } from '../util/time.ts';
import { formatValue, type Unit } from '../util/unit.ts';
import type { ChartMark } from './chart-marks.ts';
import { AXIS_Y_WIDTH, type CursorAt } from './chart-options.ts';

interface ChartTooltipProps {
  readonly at: CursorAt;
  readonly data: ChartData;
  readonly shown: ReadonlySet<string> | undefined;
  readonly unit: Unit;
  readonly zone: Zone;
  readonly chartWidth: number;
  readonly marks: readonly ChartMark[];
}

const GAP_PX = 12;
/** Below a narrower chart, not on it: there it would hide the line it explains. */
const NARROW_PX = 560;

export function ChartTooltip(props: ChartTooltipProps): ReactNode {
  const { at, data, shown, unit, zone, chartWidth, marks } = props;
  const rows = data.series
    .filter((entry) => shown?.has(entry.key) ?? true)
    .flatMap((entry) => {
      const value = entry.values[at.index] ?? Number.NaN;
      return Number.isNaN(value) ? [] : [{ entry, value }];
    })
    .toSorted((a, b) => b.value - a.value);
  const time = data.times[at.index];
  if (time === undefined) return null;
  const x = AXIS_Y_WIDTH + at.leftPx;
  const isRight = x > chartWidth / 2;
  const isNarrow = chartWidth < NARROW_PX;
  const beside = isRight ? { right: chartWidth - x + GAP_PX } : { left: x + GAP_PX };
  return (
    <div
      className={isNarrow ? 'tooltip is-narrow' : 'tooltip'}
      style={isNarrow ? {} : beside}
      aria-hidden="true"
    >
      <div className="tooltip-time">{formatTime(time * 1000, zone)}</div>
      {rows.slice(0, TOOLTIP_ROWS_MAX).map(({ entry, value }) => (
        <div className="tooltip-row" key={entry.key}>
          <Swatch style={entry.style} />
          <span className="tooltip-name">{entry.name}</span>
          <span className="num">{formatValue(value, entry.unit ?? unit)}</span>
          <span className="num tooltip-exact">{String(value)}</span>
        </div>
      ))}
      {rows.length > TOOLTIP_ROWS_MAX && (
        <div className="tooltip-more">and {rows.length - TOOLTIP_ROWS_MAX} more</div>
      )}
      {marks.map((mark) => (
        <div className="tooltip-mark" key={mark.id}>
          ◆ {mark.text}
        </div>
      ))}
      {rows.length === 0 && <div className="tooltip-more">no sample here</div>}
    </div>
  );
}
