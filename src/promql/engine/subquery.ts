// Subqueries: the inner expression is evaluated once, on its own grid of aligned steps that covers
// all windows of the outer grid, and read like the samples of stored series.
import { COUNTER_RESET_HINT } from '../../model/histogram.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { SeriesSamples } from '../../windows/samples.ts';
import type { StepGrid } from '../../windows/sliding.ts';
import type { SubqueryExpr } from '../ast.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { SUBQUERY_STEP_US } from './limits.ts';
import { atTimeUs, durationUs } from './prepare.ts';
import { SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';
import type { RawSeries } from './selector.ts';

/** Data times of the windows of a subquery over the outer grid. */
export function subqueryGrid(ev: Evaluation, expr: SubqueryExpr, grid: StepGrid): StepGrid {
  const offsetUs = durationUs(expr.offset, ev.times, true);
  const atUs = atTimeUs(expr.at, ev.times);
  if (atUs !== undefined) return { startUs: atUs - offsetUs, stepUs: 0, count: grid.count };
  return { ...grid, startUs: grid.startUs - offsetUs };
}

/** The inner grid: multiples of the step in (first - range, last]. */
function innerGrid(ev: Evaluation, expr: SubqueryExpr, grid: StepGrid): StepGrid {
  const data = subqueryGrid(ev, expr, grid);
  const rangeUs = durationUs(expr.range, ev.times, false);
  const stepUs =
    expr.step === undefined ? SUBQUERY_STEP_US : durationUs(expr.step, ev.times, false);
  const lastUs = data.startUs + (data.count - 1) * data.stepUs;
  const startUs = (Math.floor((data.startUs - rangeUs) / stepUs) + 1) * stepUs;
  const count = Math.max(0, Math.floor((lastUs - startUs) / stepUs) + 1);
  return { startUs, stepUs, count };
}

export async function subquerySeries(
  ev: Evaluation,
  expr: SubqueryExpr,
  grid: StepGrid,
): Promise<RawSeries[]> {
  const inner = innerGrid(ev, expr, grid);
  if (inner.count === 0) return [];
  ev.takeColumns(1, inner.count);
  const columns = await innerColumns(ev, expr, inner);
  ev.giveColumns(1, inner.count);
  return columns.map((column) => ({
    labels: column.labels,
    samples: columnSamples(column, inner),
    dropName: column.dropName,
  }));
}

async function innerColumns(
  ev: Evaluation,
  expr: SubqueryExpr,
  inner: StepGrid,
): Promise<Column[]> {
  const value = await ev.evaluate(expr.expr, inner);
  if (value.kind === 'vector') return value.columns;
  if (value.kind === 'string') return [];
  const present = new Uint8Array(inner.count).fill(SLOT_FLOAT);
  const { values } = value;
  return [{ labels: [], present, values, histograms: undefined, dropName: false }];
}

/** The filled slots as samples at the times of their steps. */
function columnSamples(column: Column, grid: StepGrid): SeriesSamples {
  const { present } = column;
  const tUs = new Float64Array(present.length);
  const values = new Float64Array(present.length);
  const histogramTimes: number[] = [];
  const histograms: Histogram[] = [];
  let count = 0;
  for (let k = 0; k < present.length; k++) {
    const stepUs = grid.startUs + k * grid.stepUs;
    if (present[k] === SLOT_FLOAT) {
      tUs[count] = stepUs;
      values[count++] = column.values[k]!;
    } else if (present[k] === SLOT_HISTOGRAM) {
      histogramTimes.push(stepUs);
      histograms.push(withoutResetHint(column.histograms![k]!));
    }
  }
  const others =
    histograms.length === 0
      ? undefined
      : {
          count: histograms.length,
          tUs: Float64Array.from(histogramTimes),
          values: histograms,
          startUs: undefined,
          stale: undefined,
        };
  return { count, tUs, values, startUs: undefined, stale: undefined, histograms: others };
}

/**
 * Steps of a subquery are not neighbours in storage, so what a sample says about resets is void.
 */
function withoutResetHint(histogram: Histogram): Histogram {
  const { counterResetHint } = histogram;
  const isGauge = counterResetHint === COUNTER_RESET_HINT.gauge;
  if (isGauge || counterResetHint === COUNTER_RESET_HINT.unknown) return histogram;
  return { ...histogram, counterResetHint: COUNTER_RESET_HINT.unknown };
}
