/**
 * Options of one uPlot chart. uPlot draws lines, axes and the cursor. Its own legend is off: it
 * writes labels as HTML, and labels are hostile text.
 */
import type uPlot from 'uplot';
import { COLOUR_SLOTS, DASHES } from '../util/colour.ts';
import { isolatedIndexes, type ChartSeries } from '../util/series.ts';
import { formatTick, type Zone } from '../util/time.ts';
import { formatTicks, type Unit } from '../util/unit.ts';
import { resolveColours } from '../ui/resolve-colour.ts';

const FONT = '12px system-ui, sans-serif';
/** Room for the longest tick, `22.875 GiB`. */
export const AXIS_Y_WIDTH = 72;
const AXIS_X_HEIGHT = 24;
/** Half the width of a time label, without and with seconds. */
const LABEL_EDGE_PX = 18;
const LABEL_SECONDS_EDGE_PX = 28;
/** Smallest drag in CSS pixels that counts as a zoom and not as a click. */
const DRAG_MIN_PX = 6;

export interface CursorAt {
  readonly index: number;
  readonly leftPx: number;
  readonly topPx: number;
}

/** What a chart reads while it lives; the object is replaced on every render of its owner. */
export interface ChartLive {
  readonly startSec: number;
  readonly endSec: number;
  readonly onZoom: (startSec: number, endSec: number) => void;
  readonly onCursor: (at: CursorAt | undefined) => void;
  /** Draws what the chart's library does not, each time the axes are drawn. */
  readonly onDraw: (u: uPlot, colours: ReadonlyMap<string, string>) => void;
}

export interface ChartShape {
  readonly width: number;
  readonly height: number;
  readonly unit: Unit;
  readonly zone: Zone;
  readonly fromZero: boolean;
  readonly syncKey: string | undefined;
  /** The lines are drawn by the page in slices; the library knows their lowest and highest only. */
  readonly isLayered: boolean;
}

export function chartOptions(
  shape: ChartShape,
  series: () => readonly ChartSeries[],
  live: () => ChartLive,
): uPlot.Options {
  const names = Array.from({ length: COLOUR_SLOTS }, (_, slot) => `--series-${slot}`);
  const colours = resolveColours([...names, '--fg', '--fg-2', '--grid', '--bg', '--accent']);
  return {
    width: shape.width,
    height: shape.height,
    // The last time label may stand under the very end of the plot.
    padding: [12, 28, 0, 0],
    tzDate: (sec) => zonedDate(sec, shape.zone),
    legend: { show: false },
    cursor: cursorOptions(shape),
    scales: {
      x: { time: true, range: () => [live().startSec, live().endSec] },
      y: shape.fromZero ? { range: (_u, _min, max) => [0, max > 0 ? max * 1.1 : 1] } : {},
    },
    axes: axisOptions(shape, colours.get('--fg-2') ?? '', colours.get('--grid') ?? ''),
    series: [
      {},
      ...(shape.isLayered
        ? [UNSEEN, UNSEEN]
        : series().map((entry, index) =>
            seriesOptions(
              entry,
              colours.get(`--series-${entry.style.slot}`),
              () => series()[index],
            ),
          )),
    ],
    hooks: {
      setCursor: [(u) => live().onCursor(cursorAt(u))],
      setSelect: [(u) => zoomTo(u, live())],
      draw: [(u) => live().onDraw(u, colours)],
    },
  };
}

/** A series that scales the axis and draws nothing. */
const UNSEEN: uPlot.Series = { paths: () => null, points: { show: false } };

export const dragOptions: uPlot.Cursor.Drag = {
  x: true,
  y: false,
  setScale: false,
  dist: DRAG_MIN_PX,
};

function cursorOptions({ syncKey, isLayered }: ChartShape): uPlot.Cursor {
  return {
    y: false,
    points: isLayered ? { show: false } : { size: 7 },
    drag: dragOptions,
    // Only the crosshair is shared: a drag zooms once, from the chart it was made on.
    ...(syncKey === undefined
      ? {}
      : { sync: { key: syncKey, filters: { pub: (type) => !/mouse(?:down|up)/.test(type) } } }),
  };
}

/** `current` gives the series as last drawn: the options outlive the samples they began with. */
function seriesOptions(
  entry: ChartSeries,
  stroke: string | undefined,
  current: () => ChartSeries | undefined,
): uPlot.Series {
  const dash = DASHES[entry.style.dash] ?? [];
  return {
    stroke: stroke ?? 'gray',
    width: 1.5,
    ...(dash.length === 0 ? {} : { dash: [...dash] }),
    spanGaps: false,
    points: {
      show: true,
      size: 5,
      fill: stroke ?? 'gray',
      filter: (u) => {
        const first = u.series[0]?.idxs;
        if (first === undefined) return [];
        return isolatedIndexes(current()?.values ?? NO_VALUES, first[0], first[1]);
      },
    },
  };
}

const NO_VALUES = new Float64Array();

export function axisOptions(
  shape: Pick<ChartShape, 'height' | 'unit' | 'zone'>,
  text: string,
  line: string,
): uPlot.Axis[] {
  const common = { stroke: text, font: FONT, ticks: { show: false } };
  return [
    {
      ...common,
      size: AXIS_X_HEIGHT,
      gap: 4,
      space: 58,
      grid: { show: false },
      border: { show: true, stroke: line, width: 1 },
      values: (u, splits, _axis, _space, increment) =>
        splits.map((sec) => {
          // At the left edge it would run into the lowest label of the other axis.
          const edge = increment < 60 ? LABEL_SECONDS_EDGE_PX : LABEL_EDGE_PX;
          if (u.valToPos(sec, 'x') < edge) return '';
          return formatTick(sec * 1000, increment, shape.zone);
        }),
    },
    {
      ...common,
      size: AXIS_Y_WIDTH,
      gap: 6,
      space: shape.height > 200 ? 44 : 28,
      grid: { show: true, stroke: line, width: 1 },
      values: (_u, splits) => formatTicks(splits, shape.unit),
      ...(shape.unit.base === 'bytes' ? { incrs: BINARY_INCREMENTS } : {}),
    },
  ];
}

/** Ticks of bytes are powers of two, so that labels are round in KiB, MiB and GiB. */
const BINARY_INCREMENTS = Array.from({ length: 70 }, (_, power) => 2 ** (power - 8));

/** A Date whose local fields read as the zone's: uPlot places ticks by local fields. */
export function zonedDate(sec: number, zone: Zone): Date {
  const date = new Date(sec * 1000);
  if (zone === 'local') return date;
  return new Date(date.getTime() + date.getTimezoneOffset() * 60_000);
}

function cursorAt(u: uPlot): CursorAt | undefined {
  const { idx, left, top } = u.cursor;
  // A shared crosshair moves on every chart; values are shown on the one under the pointer.
  if (!u.root.matches(':hover')) return undefined;
  if (idx == null || left === undefined || top === undefined || left < 0) return undefined;
  return { index: idx, leftPx: left, topPx: top };
}

export function zoomTo(u: uPlot, live: Pick<ChartLive, 'onZoom'>): void {
  const { left, width } = u.select;
  if (width < DRAG_MIN_PX) return;
  const startSec = u.posToVal(left, 'x');
  const endSec = u.posToVal(left + width, 'x');
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  live.onZoom(startSec, endSec);
}
