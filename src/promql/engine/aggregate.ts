// Aggregations. Those that a leaf can do over a selector or a range function are pushed down, so
// that the series under them never exist here; the rest runs over columns in the order of the
// series.
import { compareLabels, labelsKey } from '../../model/labels.ts';
import type { LeafAggregation, LeafGrouping } from '../../model/storage.ts';
import { addColumn, finishGroup, newGroupSlots } from '../../windows/groups.ts';
import type { GroupSlots } from '../../windows/groups.ts';
import { groupingLabels } from '../../windows/leaf-sink.ts';
import { selectedQuantile } from '../../windows/quantile.ts';
import type { StepGrid } from '../../windows/sliding.ts';
import { StepColumn } from '../../windows/step-column.ts';
import type { AggregateExpr, Call, MatrixSelector } from '../ast.ts';
import { countValues } from './aggregate-values.ts';
import { pickSeries } from './aggregate-pick.ts';
import { isMetadataLabel, newColumn, setFloat } from './column.ts';
import type { Column, ColumnGroup } from './column.ts';
import type { Evaluation } from './context.ts';
import { addNote } from './notes.ts';
import { durationUs, isLeafAggregation, unwrap } from './prepare.ts';
import { kernelArgs, noteNonCounter, rangeArg } from './range-functions.ts';
import { keepsName, rangeKernel } from './range-kernels.ts';
import { SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';
import { dataGrid, instantRequest, runLeaf } from './selector.ts';
import { eachInTurns, sortInTurns } from '../../stdx/turns.ts';

export async function aggregate(
  ev: Evaluation,
  expr: AggregateExpr,
  grid: StepGrid,
): Promise<Column[]> {
  const pushed = await pushDown(ev, expr, grid);
  if (pushed !== undefined) return pushed;
  if (expr.op === 'count_values') {
    const columns = await ev.vector(expr.expr, grid);
    return await countValues(ev, expr, columns, grid.count);
  }
  const param = expr.param === undefined ? undefined : await ev.scalar(expr.param, grid);
  const columns = await inLabelOrder(ev, expr, await ev.vector(expr.expr, grid));
  const groups = await groupColumns(ev, expr, columns);
  if (isLeafAggregation(expr.op)) return await foldGroups(ev, expr, expr.op, groups, grid.count);
  if (expr.op === 'quantile') return await quantiles(ev, expr, groups, param!, grid.count);
  return await pickSeries(ev, expr, columns, groups, { param: param!, grid });
}

/**
 * Where equals are told apart by who comes first, a range query goes by labels: other orders depend
 * on the series of other steps.
 */
async function inLabelOrder(
  ev: Evaluation,
  expr: AggregateExpr,
  columns: Column[],
): Promise<Column[]> {
  const isOrdered = !isLeafAggregation(expr.op) || expr.op === 'min' || expr.op === 'max';
  if (ev.times.stepUs === 0 || !isOrdered) return columns;
  return await sortInTurns(ev, columns, (a, b) => compareLabels(a.labels, b.labels));
}

/** Columns by group, groups in order of first appearance. */
async function groupColumns(
  ev: Evaluation,
  expr: AggregateExpr,
  columns: readonly Column[],
): Promise<ColumnGroup[]> {
  const groups = new Map<string, ColumnGroup>();
  const grouping = groupingOf(expr);
  await eachInTurns(ev, columns, (column) => {
    const labels = groupingLabels(column.labels, grouping);
    const key = labelsKey(labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { labels, columns: [column] });
    else group.columns.push(column);
  });
  return Array.from(groups.values());
}

function groupingOf(expr: AggregateExpr): Pick<LeafGrouping, 'mode' | 'labels'> {
  return { mode: expr.without ? 'without' : 'by', labels: expr.grouping };
}

/**
 * Runs the aggregation in the storage where the argument is one leaf; undefined where it is not.
 */
async function pushDown(
  ev: Evaluation,
  expr: AggregateExpr,
  grid: StepGrid,
): Promise<Column[] | undefined> {
  if (!isLeafAggregation(expr.op) || ev.delayedNameRemoval) return undefined;
  const grouping: LeafGrouping = { aggregation: expr.op, ...groupingOf(expr) };
  const inner = unwrap(expr.expr);
  if (inner.type === 'VectorSelector') {
    if (inner.smoothed) return undefined;
    return runLeaf(ev, instantRequest(inner, 'last', grouping, inner.pos), grid);
  }
  if (inner.type !== 'Call' || inner.func === 'absent_over_time') return undefined;
  const kernel = rangeKernel(inner.func);
  if (kernel === undefined) return undefined;
  const arg = rangeArg(inner);
  if (arg.type !== 'MatrixSelector' || !isPlainLeaf(inner, arg)) return undefined;
  // With types as labels, series may become equal when those are dropped; each type is looked at.
  if (ev.typeAndUnitLabels && !keepsName(inner.func)) return undefined;
  const { selector } = arg;
  const args = await kernelArgs(ev, inner, grid, dataGrid(ev, selector, grid));
  if (selector.at !== undefined && args.some((values) => values.length > 1)) return undefined;
  const columns = await runLeaf(
    ev,
    {
      selector,
      kernel,
      windowUs: durationUs(arg.range, ev.times, false),
      args,
      grouping: keepsName(inner.func) ? grouping : withoutMetadata(grouping),
      kernelPos: arg.pos,
      aggregationPos: inner.pos,
    },
    grid,
  );
  noteRate(ev, inner, arg, columns);
  return columns;
}

/** Functions that say something about their arguments once they have a result. */
const ARGUMENTS_CHECKED: ReadonlySet<string> = new Set([
  'double_exponential_smoothing',
  'quantile_over_time',
]);

/** One metric name, so that no two series can become equal when the name is dropped. */
function isPlainLeaf(call: Call, arg: MatrixSelector): boolean {
  const { selector } = arg;
  if (selector.anchored || selector.smoothed) return false;
  if (ARGUMENTS_CHECKED.has(call.func)) return false;
  return metricNameOf(arg) !== undefined;
}

function metricNameOf(arg: MatrixSelector): string | undefined {
  const found = arg.selector.matchers.find(({ name, type }) => name === '__name__' && type === '=');
  return found?.value;
}

/** What remains to group by after a function dropped the labels of the metric itself. */
function withoutMetadata(grouping: LeafGrouping): LeafGrouping {
  const labels =
    grouping.mode === 'by'
      ? grouping.labels.filter((name) => !isMetadataLabel(name))
      : [...grouping.labels, '__type__', '__unit__'];
  return { ...grouping, labels };
}

function noteRate(ev: Evaluation, call: Call, arg: MatrixSelector, columns: Column[]): void {
  if (call.func !== 'rate' && call.func !== 'increase') return;
  if (columns.some(({ present }) => present.includes(SLOT_FLOAT)))
    noteNonCounter(ev, arg, metricNameOf(arg)!, '');
}

async function foldGroups(
  ev: Evaluation,
  expr: AggregateExpr,
  aggregation: LeafAggregation,
  groups: readonly ColumnGroup[],
  count: number,
): Promise<Column[]> {
  const { pos } = unwrap(expr.expr);
  let metric = '';
  const note = (level: 'info' | 'warning', code: string): void =>
    addNote(ev.annotations, { level, code, metric }, { kernel: pos, aggregation: pos });
  const out: Column[] = [];
  ev.takeColumns(groups.length, count);
  for (const { labels, columns } of groups) {
    const slots: GroupSlots = newGroupSlots(aggregation, count);
    for (const column of columns) {
      metric = column.labels[1] ?? '';
      if (column.labels[0] !== '__name__') metric = '';
      addColumn(slots, column, note);
      const pause = ev.pause();
      if (pause !== undefined) await pause;
    }
    const result = new StepColumn(count);
    finishGroup(slots, result, note);
    if (result.isEmpty()) continue;
    const { present, values, histograms } = result;
    const dropName = columns.some((column) => column.dropName);
    out.push({ labels, present, values, histograms, dropName });
  }
  return out;
}

async function quantiles(
  ev: Evaluation,
  expr: AggregateExpr,
  groups: readonly ColumnGroup[],
  q: Float64Array,
  count: number,
): Promise<Column[]> {
  const paramPos = unwrap(expr.param!).pos;
  const below = greatest(
    q.map((value) => -value),
    0,
  );
  const bad = [
    q.find((value) => Number.isNaN(value)),
    greatest(q, 1),
    below === undefined ? undefined : -below,
  ];
  for (const value of bad) if (value !== undefined) ev.annotations.invalidQuantile(value, paramPos);
  const out: Column[] = [];
  ev.takeColumns(groups.length, count);
  for (const { labels, columns } of groups) {
    const result = newColumn(
      labels,
      count,
      columns.some((column) => column.dropName),
    );
    const ignored = (): void =>
      ev.annotations.info('ignored histogram in quantile aggregation', unwrap(expr.expr).pos);
    let isEmpty = true;
    const tile = new QuantileTile(columns, ignored);
    for (let k = 0; k < count; k++) {
      const pause = ev.pause();
      if (pause !== undefined) await pause;
      const size = tile.open(k);
      if (size === 0) continue;
      isEmpty = false;
      setFloat(result, k, selectedQuantile(q[k]!, tile.values, size));
    }
    if (!isEmpty) out.push(result);
  }
  return out;
}

/** Steps that are gathered at once: columns are read a cache line at a time. */
const TILE_STEPS = 16;

/** What the columns have at a step, step after step. */
class QuantileTile {
  /** Of the step at hand; the caller may change their order. */
  values: Float64Array = new Float64Array(0);
  readonly #columns: readonly Column[];
  readonly #ignored: () => void;
  readonly #all: Float64Array;
  readonly #sizes = new Int32Array(TILE_STEPS);
  readonly #rows: readonly Float64Array[];

  constructor(columns: readonly Column[], ignored: () => void) {
    const { length } = columns;
    this.#columns = columns;
    this.#ignored = ignored;
    this.#all = new Float64Array(length * TILE_STEPS);
    this.#rows = Array.from({ length: TILE_STEPS }, (_, step) =>
      this.#all.subarray(step * length, (step + 1) * length),
    );
  }

  /** Fills `values` for step k; how many there are. Steps come in order. */
  open(k: number): number {
    const step = k % TILE_STEPS;
    if (step === 0) this.#gather(k);
    this.values = this.#rows[step]!;
    return this.#sizes[step]!;
  }

  #gather(from: number): void {
    const { length } = this.#columns;
    const all = this.#all;
    const sizes = this.#sizes.fill(0);
    for (const { present, values } of this.#columns) {
      const steps = Math.min(TILE_STEPS, present.length - from);
      for (let step = 0; step < steps; step++) {
        const slot = present[from + step]!;
        if (slot === SLOT_FLOAT) all[step * length + sizes[step]!++] = values[from + step]!;
        else if (slot === SLOT_HISTOGRAM) this.#ignored();
      }
    }
  }
}

/** The greatest value where it is above the bound. */
function greatest(values: Float64Array, bound: number): number | undefined {
  let best = bound;
  for (const value of values) if (value > best) best = value;
  return best > bound ? best : undefined;
}
