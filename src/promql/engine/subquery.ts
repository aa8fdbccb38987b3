// Subqueries: the inner expression is evaluated on its own grid of aligned steps, which covers all
// windows of the outer grid, and read like the samples of stored series. Steps between windows that
// are far apart are left out.
import { COUNTER_RESET_HINT } from '../../model/histogram.ts';
import type { Histogram } from '../../model/histogram.ts';
import { compareLabels, labelsKey } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { StepGrid } from '../../windows/sliding.ts';
import type { SubqueryExpr } from '../ast.ts';
import type { Column, Value } from './column.ts';
import type { Evaluation } from './context.ts';
import { SAMPLE_BYTES, SUBQUERY_GAP_STEPS_MIN, SUBQUERY_STEP_US } from './limits.ts';
import { atTimeUs, durationUs } from './prepare.ts';
import { SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';
import type { RawSeries } from './selector.ts';
import { whyWhole } from './splitting.ts';

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

/**
 * The grids that the inner expression is evaluated on: one for all windows, or one for each where
 * many steps lie between them that no window covers.
 */
function innerGrids(ev: Evaluation, expr: SubqueryExpr, grid: StepGrid): StepGrid[] {
  const whole = innerGrid(ev, expr, grid);
  const data = subqueryGrid(ev, expr, grid);
  const rangeUs = durationUs(expr.range, ev.times, false);
  const gapSteps = (data.stepUs - rangeUs) / whole.stepUs;
  const isApart = grid.count > 1 && gapSteps >= SUBQUERY_GAP_STEPS_MIN;
  if (!isApart || whyWhole(expr.expr) !== undefined) return [whole];
  return Array.from({ length: grid.count }, (_, k) =>
    innerGrid(ev, expr, { ...grid, startUs: grid.startUs + k * grid.stepUs, count: 1 }),
  ).filter(({ count }) => count > 0);
}

interface CountedAs {
  /** The steps follow others of the same subquery. */
  readonly isContinued: boolean;
  readonly isAnswer: boolean;
}

/** A column with the steps that it has values for. */
interface Piece {
  readonly column: Column;
  readonly grid: StepGrid;
}

/** Each is made when it is asked for. `isAnswer`: no window looks at the values. */
export async function subquerySeries(
  ev: Evaluation,
  expr: SubqueryExpr,
  grid: StepGrid,
  isAnswer = false,
): Promise<Iterable<RawSeries>> {
  const grids = innerGrids(ev, expr, grid);
  if (grids.length > 1) {
    const { annotations } = ev;
    const restore = annotations.save();
    annotations.dependsOnRange = false;
    const series = await piecewise(ev, expr, grids);
    if (!annotations.dependsOnRange) {
      annotations.dependsOnRange = restore.dependsOnRange;
      return inTurn(ev, series, isAnswer);
    }
    // What came of the steps could be another in all of them together.
    restore.run();
  }
  const whole = innerGrid(ev, expr, grid);
  if (whole.count === 0) return [];
  ev.takeColumns(1, whole.count);
  const columns = await innerColumns(ev, expr, whole, { isContinued: false, isAnswer });
  ev.giveColumns(1, whole.count);
  return inTurn(
    ev,
    columns.map((column) => [{ column, grid: whole }]),
    isAnswer,
  );
}

/** Times and values of one series at a time; those of an answer stay, and are paid for. */
function* inTurn(
  ev: Evaluation,
  all: readonly (readonly Piece[])[],
  isAnswer: boolean,
): Generator<RawSeries, void, void> {
  const { budget } = ev.context;
  for (const pieces of all) {
    const sizeBytes = slotsOf(pieces) * SAMPLE_BYTES;
    budget.take(sizeBytes);
    yield seriesOf(pieces);
    if (!isAnswer) budget.give(sizeBytes);
  }
}

/** One evaluation for each grid; series in the order of their labels, as leaves give them. */
async function piecewise(
  ev: Evaluation,
  expr: SubqueryExpr,
  grids: readonly StepGrid[],
): Promise<(readonly Piece[])[]> {
  const byLabels = new Map<string, Piece[]>();
  for (const [i, grid] of grids.entries()) {
    const how = { isContinued: i > 0, isAnswer: false };
    ev.takeColumns(1, grid.count);
    for (const column of await innerColumns(ev, expr, grid, how)) {
      const key = labelsKey(column.labels);
      const pieces = byLabels.get(key);
      if (pieces === undefined) byLabels.set(key, [{ column, grid }]);
      else pieces.push({ column, grid });
    }
    ev.giveColumns(1, grid.count);
  }
  const labelsOf = ([first]: readonly Piece[]): Labels => first!.column.labels;
  return [...byLabels.values()].toSorted((a, b) => compareLabels(labelsOf(a), labelsOf(b)));
}

async function innerColumns(
  ev: Evaluation,
  expr: SubqueryExpr,
  inner: StepGrid,
  how: CountedAs,
): Promise<Column[]> {
  const value = await innerValue(ev, expr, inner, how);
  if (value.kind === 'vector') return value.columns;
  if (value.kind === 'string') return [];
  const present = new Uint8Array(inner.count).fill(SLOT_FLOAT);
  const { values } = value;
  return [{ labels: [], present, values, histograms: undefined, dropName: false }];
}

/** Evaluates, and counts what it reads for the windows of the subquery. */
async function innerValue(
  ev: Evaluation,
  expr: SubqueryExpr,
  inner: StepGrid,
  { isContinued, isAnswer }: CountedAs,
): Promise<Value> {
  const { counted } = ev;
  const evaluate = (): Promise<Value> => ev.evaluate(expr.expr, inner);
  if (counted?.isCounting !== true) return await evaluate();
  const { value, counts } = await counted.apart({ grid: inner, isContinued }, evaluate);
  const offsetUs = durationUs(expr.offset, ev.times, true);
  const rangeUs = durationUs(expr.range, ev.times, false);
  counted.addSubquery(counts, inner, { offsetUs, rangeUs });
  if (isAnswer) for (const total of counts.total) counted.add(0, total, 0);
  return value;
}

function slotsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { grid }) => sum + grid.count, 0);
}

/** The filled slots as samples at the times of their steps. */
function seriesOf(pieces: readonly Piece[]): RawSeries {
  const slots = slotsOf(pieces);
  const tUs = new Float64Array(slots);
  const values = new Float64Array(slots);
  const histogramTimes: number[] = [];
  const histograms: Histogram[] = [];
  let count = 0;
  for (const { column, grid } of pieces)
    for (let k = 0; k < grid.count; k++) {
      const stepUs = grid.startUs + k * grid.stepUs;
      if (column.present[k] === SLOT_FLOAT) {
        tUs[count] = stepUs;
        values[count++] = column.values[k]!;
      } else if (column.present[k] === SLOT_HISTOGRAM) {
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
  const { labels, dropName } = pieces[0]!.column;
  const samples = { count, tUs, values, startUs: undefined, stale: undefined, histograms: others };
  return { labels, samples, dropName };
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
