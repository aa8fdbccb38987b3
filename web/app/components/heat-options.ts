/** Options of a heat map: axes and cursor by the chart's library, cells by its draw hook. */
import type uPlot from 'uplot';
import { resolveColours } from '../ui/resolve-colour.ts';
import { cellAt, type Heat, type HeatCell } from '../util/heat.ts';
import type { Zone } from '../util/time.ts';
import { formatValue, type Unit } from '../util/unit.ts';
import { axisOptions, dragOptions, zonedDate, zoomTo } from './chart-options.ts';

export interface HeatShape {
  readonly width: number;
  readonly height: number;
  readonly unit: Unit;
  readonly zone: Zone;
  readonly heat: Heat;
}

export interface HeatLive {
  readonly startSec: number;
  readonly endSec: number;
  readonly onZoom: (startSec: number, endSec: number) => void;
  readonly onPoint: (cell: HeatCell | undefined, leftPx: number) => void;
}

/** The faintest cell is still seen. */
const ALPHA_MIN = 0.08;
const LOG_SCALE = 3;

export function heatOptions(shape: HeatShape, live: () => HeatLive): uPlot.Options {
  const { heat, unit, zone } = shape;
  const colours = resolveColours(['--heat', '--fg-2', '--grid']);
  const [time, value] = axisOptions(
    { ...shape, unit },
    colours.get('--fg-2') ?? '',
    colours.get('--grid') ?? '',
  );
  return {
    width: shape.width,
    height: shape.height,
    padding: [12, 28, 0, 0],
    tzDate: (sec) => zonedDate(sec, zone),
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: dragOptions },
    scales: {
      x: { time: true, range: () => [live().startSec, live().endSec] },
      y: { range: () => [heat.low, heat.high], ...(heat.isLog ? { distr: LOG_SCALE } : {}) },
    },
    axes: [
      time ?? {},
      {
        ...value,
        grid: { show: false },
        ...(heat.isLog
          ? {
              values: (_u, splits) =>
                splits.map((at) => (isRound(at) ? formatValue(at, unit) : '')),
            }
          : {}),
      },
    ],
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: {
      draw: [(u) => drawCells(u, heat, colours.get('--heat') ?? 'gray')],
      setCursor: [(u) => pointAt(u, heat, live())],
      setSelect: [(u) => zoomTo(u, live())],
    },
  };
}

/** Labels of a logarithmic axis stand at 1, 2 and 5 of each decade. */
function isRound(at: number | null): boolean {
  if (at === null || at <= 0) return false;
  const lead = at / 10 ** Math.floor(Math.log10(at) + 1e-9);
  return [1, 2, 5].some((round) => Math.abs(lead - round) < 1e-6);
}

function drawCells(u: uPlot, heat: Heat, colour: string): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colour;
  const bottom = bbox.top + bbox.height;
  for (const { index, lower, upper, count } of heat.cells) {
    const sec = heat.times[index];
    if (sec === undefined) continue;
    // A step looks back: its cell ends where its time stands.
    const left = Math.round(u.valToPos(sec - heat.stepSec, 'x', true));
    const right = Math.round(u.valToPos(sec, 'x', true));
    const isBelow = lower < heat.low;
    const low = isBelow ? bottom : Math.round(u.valToPos(lower, 'y', true));
    const high = Math.round(u.valToPos(Math.min(upper, heat.high), 'y', true));
    ctx.globalAlpha = ALPHA_MIN + (1 - ALPHA_MIN) * Math.sqrt(count / heat.countMax);
    ctx.fillRect(left, high, Math.max(1, right - left), Math.max(1, low - high));
  }
  ctx.restore();
}

function pointAt(u: uPlot, heat: Heat, live: HeatLive): void {
  const { left = -1, top = -1 } = u.cursor;
  if (left < 0 || top < 0) {
    live.onPoint(undefined, 0);
    return;
  }
  const [first = 0] = heat.times;
  const index = Math.ceil((u.posToVal(left, 'x') - first) / heat.stepSec);
  live.onPoint(cellAt(heat, index, u.posToVal(top, 'y')), left);
}
