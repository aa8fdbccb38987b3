/**
 * Single moments on a chart, such as exemplars: a diamond at time and value. A value beyond the
 * axis stands at its edge, so that no mark is lost.
 */
import type uPlot from 'uplot';

export interface ChartMark {
  readonly id: string;
  readonly sec: number;
  readonly value: number;
  /** What the tooltip says. */
  readonly text: string;
}

/** Half the diagonal of a diamond and how near the pointer must come, in CSS pixels. */
const RADIUS_PX = 5;
const REACH_PX = 9;
/** Marks that the tooltip names at one place. */
const NAMED_MAX = 3;

export function drawMarks(
  u: uPlot,
  marks: readonly ChartMark[],
  colours: ReadonlyMap<string, string>,
): void {
  const { ctx } = u;
  const radius = RADIUS_PX * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = colours.get('--fg') ?? 'black';
  ctx.strokeStyle = colours.get('--bg') ?? 'white';
  ctx.lineWidth = devicePixelRatio;
  for (const mark of marks) {
    const x = u.valToPos(mark.sec, 'x', true);
    if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
    const y = clampedY(u, mark.value, true);
    ctx.beginPath();
    ctx.moveTo(x, y - radius);
    ctx.lineTo(x + radius, y);
    ctx.lineTo(x, y + radius);
    ctx.lineTo(x - radius, y);
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }
  ctx.restore();
}

/** Marks under the pointer. */
export function marksAt(
  u: uPlot,
  marks: readonly ChartMark[],
  leftPx: number,
  topPx: number,
): readonly ChartMark[] {
  return marks
    .filter(
      (mark) =>
        Math.abs(u.valToPos(mark.sec, 'x') - leftPx) <= REACH_PX &&
        Math.abs(clampedY(u, mark.value, false) - topPx) <= REACH_PX,
    )
    .slice(0, NAMED_MAX);
}

function clampedY(u: uPlot, value: number, isCanvas: boolean): number {
  const top = isCanvas ? u.bbox.top : 0;
  const height = isCanvas ? u.bbox.height : u.over.clientHeight;
  return Math.min(top + height, Math.max(top, u.valToPos(value, 'y', isCanvas)));
}
