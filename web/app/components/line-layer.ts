/**
 * Lines drawn by the page itself in slices of a few milliseconds: a thousand series appear one
 * after another while keys and pointer go on working. Stacked series are areas between their line
 * and the one below.
 */
import type uPlot from 'uplot';
import { DASHES } from '../util/colour.ts';
import { DRAW_SLICE_MS, DRAW_SLICE_POINTS } from '../util/limits.ts';
import { isolatedIndexes, type ChartSeries } from '../util/series.ts';

export interface Layer {
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  /** Upper edges of stacked areas, one for each series; undefined draws lines. */
  readonly stack: readonly Float64Array[] | undefined;
}

const LINE_PX = 1.5;
const DOT_RADIUS_PX = 2.5;
const AREA_ALPHA = 0.55;

interface Pen {
  readonly ctx: CanvasRenderingContext2D;
  /** Canvas pixels of each step. */
  readonly xs: Float64Array;
  readonly y: (value: number) => number;
  readonly colours: ReadonlyMap<string, string>;
}

/** Starts drawing and returns what stops it. */
export function drawLayer(
  u: uPlot,
  layer: Layer,
  colours: ReadonlyMap<string, string>,
): () => void {
  const pen = penOf(u, layer.times, colours);
  let next = 0;
  let frame = 0;
  const slice = (): void => {
    const untilMs = performance.now() + DRAW_SLICE_MS;
    let points = 0;
    const { left, top, width, height } = u.bbox;
    pen.ctx.save();
    pen.ctx.beginPath();
    pen.ctx.rect(left, top, width, height);
    pen.ctx.clip();
    while (
      next < layer.series.length &&
      points < DRAW_SLICE_POINTS &&
      performance.now() < untilMs
    ) {
      drawOne(pen, layer, next);
      points += layer.times.length;
      next += 1;
    }
    pen.ctx.restore();
    if (next < layer.series.length) frame = requestAnimationFrame(slice);
  };
  slice();
  return () => cancelAnimationFrame(frame);
}

function penOf(u: uPlot, times: readonly number[], colours: ReadonlyMap<string, string>): Pen {
  const xs = Float64Array.from(times, (sec) => u.valToPos(sec, 'x', true));
  // Both scales are straight: two points give the line, which is cheaper than asking each time.
  const zero = u.valToPos(0, 'y', true);
  const perUnit = u.valToPos(1, 'y', true) - zero;
  return { ctx: u.ctx, xs, y: (value) => zero + value * perUnit, colours };
}

function drawOne(pen: Pen, { series, stack }: Layer, index: number): void {
  const entry = series[index];
  if (entry === undefined) return;
  const colour = pen.colours.get(`--series-${entry.style.slot}`) ?? 'gray';
  const { ctx } = pen;
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = LINE_PX * devicePixelRatio;
  ctx.lineJoin = 'round';
  const dash = DASHES[entry.style.dash] ?? [];
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  const upper = stack?.[index];
  if (upper === undefined) {
    drawLine(pen, entry.values);
    return;
  }
  drawArea(pen, upper, stack?.[index - 1]);
  drawLine(pen, upper);
}

function drawLine({ ctx, xs, y }: Pen, values: Float64Array): void {
  ctx.beginPath();
  let isOpen = false;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? Number.NaN;
    const x = xs[index] ?? 0;
    if (Number.isNaN(value)) isOpen = false;
    else if (isOpen) ctx.lineTo(x, y(value));
    else {
      ctx.moveTo(x, y(value));
      isOpen = true;
    }
  }
  ctx.stroke();
  ctx.setLineDash([]);
  for (const index of isolatedIndexes(values, 0, values.length - 1)) {
    ctx.beginPath();
    ctx.arc(xs[index] ?? 0, y(values[index] ?? 0), DOT_RADIUS_PX * devicePixelRatio, 0, 7);
    ctx.fill();
  }
}

function drawArea({ ctx, xs, y }: Pen, upper: Float64Array, lower: Float64Array | undefined): void {
  ctx.beginPath();
  for (let index = 0; index < upper.length; index += 1) {
    ctx.lineTo(xs[index] ?? 0, y(upper[index] ?? 0));
  }
  for (let index = upper.length - 1; index >= 0; index -= 1) {
    ctx.lineTo(xs[index] ?? 0, y(lower?.[index] ?? 0));
  }
  ctx.closePath();
  ctx.globalAlpha = AREA_ALPHA;
  ctx.fill();
  ctx.globalAlpha = 1;
}
