// Functions over range vectors. Over a plain selector they become a leaf plan; over a subquery, a
// selector with anchored or smoothed, or a fixed window with arguments that change by step, the
// same window kernels run here over samples held in memory.
import { labelValue, METRIC_NAME } from '../../model/labels.ts';
import type { LeafKernel } from '../../model/storage.ts';
import { extendedKernel } from '../../windows/extended.ts';
import type { ExtendedMode } from '../../windows/extended.ts';
import { KernelRun, runStretch, stepsAtOnce, stretchesOf } from '../../windows/kernels.ts';
import type { Note } from '../../windows/float-kernels.ts';
import { windowShape } from '../../windows/sliding.ts';
import type { StepGrid, WindowShape } from '../../windows/sliding.ts';
import { StepColumn } from '../../windows/step-column.ts';
import type { Call, Expr, MatrixSelector, PosRange, SubqueryExpr } from '../ast.ts';
import { quote } from '../text.ts';
import { absentColumns } from './absent.ts';
import { dropMetadataLabels, haveOneMetric, refuseSameLabels } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { executionError } from './errors.ts';
import { addNote } from './notes.ts';
import { durationUs, unwrap } from './prepare.ts';
import { keepsName, rangeKernel } from './range-kernels.ts';
import { SLOT_FLOAT } from './result.ts';
import { dataGrid, runLeaf, selectRaw } from './selector.ts';
import type { RawSeries } from './selector.ts';
import { subqueryGrid, subquerySeries } from './subquery.ts';
import { eachInTurns } from '../../stdx/turns.ts';

type RangeArg = MatrixSelector | SubqueryExpr;

export function rangeArg(call: Call): RangeArg {
  for (const arg of call.args) {
    const inner = unwrap(arg);
    if (inner.type === 'MatrixSelector' || inner.type === 'SubqueryExpr') return inner;
  }
  throw executionError(`expected a range vector as an argument of ${call.func}`);
}

function scalarArgs(call: Call): Expr[] {
  return call.args.filter((arg) => {
    const { type } = unwrap(arg);
    return type !== 'MatrixSelector' && type !== 'SubqueryExpr';
  });
}

/** Arguments by step; one value where all steps agree. */
export async function kernelArgs(
  ev: Evaluation,
  call: Call,
  grid: StepGrid,
  data: StepGrid,
): Promise<Float64Array[]> {
  const args: Float64Array[] = [];
  for (const arg of scalarArgs(call)) args.push(await ev.scalar(arg, grid));
  // A prediction is told from the step, also where the samples are those of another time.
  if (call.func === 'predict_linear')
    args.push(
      Float64Array.from(
        { length: grid.count },
        (_, k) => grid.startUs + k * grid.stepUs - (data.startUs + k * data.stepUs),
      ),
    );
  return args.map((arg) =>
    arg.every((value) => Object.is(value, arg[0])) ? arg.slice(0, 1) : arg,
  );
}

export async function rangeFunction(ev: Evaluation, call: Call, grid: StepGrid): Promise<Column[]> {
  const arg = rangeArg(call);
  const columns = await rangeColumns(ev, call, arg, grid);
  if (call.func === 'absent_over_time') return await absentColumns(ev, arg, columns, grid.count);
  if (columns.length > 0) {
    // Evaluated a second time, which nobody is to see.
    const given = (): Promise<Float64Array[]> => kernelArgs(ev, call, grid, grid);
    checkArguments(
      ev,
      call,
      await (ev.counted === undefined ? given() : ev.counted.quietly(given)),
    );
  }
  await noteNonCounters(ev, call, arg, columns);
  const areApart = arg.type === 'MatrixSelector' && (await haveOneMetric(ev, columns));
  await eachInTurns(ev, columns, (column) => {
    if (!keepsName(call.func)) column.dropName = true;
    if (column.labels.some(isTypeOrUnit)) ev.annotations.dependsOnRange = true;
    if (!ev.delayedNameRemoval && column.dropName)
      column.labels = dropMetadataLabels(column.labels);
  });
  if (!ev.delayedNameRemoval && !areApart) await refuseSameLabels(ev, columns);
  return columns;
}

/** With such a label beside the name, series may become equal that are not in every part. */
function isTypeOrUnit(text: string, index: number): boolean {
  return index % 2 === 0 && (text === '__type__' || text === '__unit__');
}

async function rangeColumns(
  ev: Evaluation,
  call: Call,
  arg: RangeArg,
  grid: StepGrid,
): Promise<Column[]> {
  const kernel = rangeKernel(call.func)!;
  const windowUs = durationUs(arg.range, ev.times, false);
  if (arg.type === 'SubqueryExpr') {
    const data = subqueryGrid(ev, arg, grid);
    const series = await subquerySeries(ev, arg, grid);
    const args = await kernelArgs(ev, call, grid, data);
    return await overSeries(ev, call, series, {
      kernel,
      windowUs,
      args,
      grid: data,
      isRead: false,
    });
  }
  const { selector } = arg;
  const data = dataGrid(ev, selector, grid);
  const args = await kernelArgs(ev, call, grid, data);
  if (selector.anchored || selector.smoothed) return extended(ev, call, arg, data);
  const isFixed = selector.at !== undefined && grid.count > 1;
  if (isFixed && args.some((values) => values.length > 1)) {
    const range = { startUs: data.startUs - windowUs, endUs: data.startUs };
    const series = await selectRaw(ev, selector, range);
    return await overSeries(ev, call, series, { kernel, windowUs, args, grid: data, isRead: true });
  }
  return runLeaf(
    ev,
    {
      selector,
      kernel,
      windowUs,
      args,
      grouping: undefined,
      kernelPos: notePos(call, selector),
      aggregationPos: call.pos,
    },
    grid,
  );
}

interface KernelJob {
  readonly kernel: LeafKernel;
  readonly windowUs: number;
  readonly args: readonly Float64Array[];
  readonly grid: StepGrid;
  /** The samples come from the storage. */
  readonly isRead: boolean;
}

/** What is said of samples points at the first argument, whatever it is, as in the reference. */
function notePos(call: Call, { pos }: Expr): PosRange {
  return call.func === 'quantile_over_time' ? call.args[0]!.pos : pos;
}

function noteInto(ev: Evaluation, call: Call, metric: string): Note {
  const pos = notePos(call, rangeArg(call));
  return (level, code) =>
    addNote(ev.annotations, { level, code, metric }, { kernel: pos, aggregation: pos });
}

async function overSeries(
  ev: Evaluation,
  call: Call,
  series: Iterable<RawSeries>,
  job: KernelJob,
): Promise<Column[]> {
  const spec = { ...job, lookbackUs: ev.lookbackUs, bounds: 'left-open' } as const;
  const run = new KernelRun(spec);
  const shape = windowShape('left-open', job.windowUs);
  const out: Column[] = [];
  for (const { labels, samples, dropName } of series) {
    const pause = ev.pause();
    if (pause !== undefined) await pause;
    ev.counted?.addWindows(samples, job.grid, shape, job.isRead);
    const note = noteInto(ev, call, labelValue(labels, METRIC_NAME));
    const column = new StepColumn(job.grid.count);
    if (stepsAtOnce(job, samples.count) < job.grid.count)
      for (const stretch of stretchesOf(spec, samples.count)) {
        runStretch(stretch, samples, column, note);
        const rest = ev.pause();
        if (rest !== undefined) await rest;
      }
    else run.run(samples, column, note);
    if (column.isEmpty()) continue;
    ev.takeColumns(1, job.grid.count);
    out.push({ ...toParts(column), labels, dropName });
  }
  return out;
}

function toParts(column: StepColumn): Pick<Column, 'present' | 'values' | 'histograms'> {
  return { present: column.present, values: column.values, histograms: column.histograms };
}

const ANCHORED_FUNCTIONS = ['changes', 'delta', 'increase', 'rate', 'resets'];
const SMOOTHED_FUNCTIONS = ['delta', 'increase', 'rate'];

async function extended(
  ev: Evaluation,
  call: Call,
  arg: MatrixSelector,
  data: StepGrid,
): Promise<Column[]> {
  const { selector } = arg;
  const mode: ExtendedMode = selector.smoothed ? 'smoothed' : 'anchored';
  const allowed = selector.anchored ? ANCHORED_FUNCTIONS : SMOOTHED_FUNCTIONS;
  if (!allowed.includes(call.func))
    throw executionError(
      `${mode} modifier can only be used with: ${allowed.join(', ')} - not with ${call.func}`,
    );
  const windowUs = durationUs(arg.range, ev.times, false);
  const lastUs = data.startUs + (data.count - 1) * data.stepUs;
  const series = await selectRaw(ev, selector, {
    startUs: data.startUs - windowUs - ev.lookbackUs,
    endUs: lastUs + (mode === 'smoothed' ? ev.lookbackUs : 0),
  });
  const shape: WindowShape = {
    beforeUs: windowUs + ev.lookbackUs,
    afterUs: mode === 'smoothed' ? ev.lookbackUs : 0,
    includesStart: false,
    includesEnd: true,
  };
  const out: Column[] = [];
  for (const { labels, samples, dropName } of series) {
    const pause = ev.pause();
    if (pause !== undefined) await pause;
    ev.counted?.addWindows(samples, data, shape, true);
    const column = new StepColumn(data.count);
    const spec = { mode, windowUs, lookbackUs: ev.lookbackUs, grid: data };
    const note = noteInto(ev, call, labelValue(labels, METRIC_NAME));
    extendedKernel(call.func, spec, samples, column, note);
    if (column.isEmpty()) continue;
    ev.takeColumns(1, data.count);
    out.push({ ...toParts(column), labels, dropName });
  }
  return out;
}

/** Arguments out of range: a warning for quantiles, an error for smoothing factors. */
function checkArguments(ev: Evaluation, call: Call, args: readonly Float64Array[]): void {
  if (call.func === 'quantile_over_time')
    for (const q of new Set(args[0]))
      if (Number.isNaN(q) || q < 0 || q > 1)
        ev.annotations.invalidQuantile(q, unwrap(call.args[0]!).pos);
  if (call.func !== 'double_exponential_smoothing') return;
  for (const [index, name, letter] of [
    [0, 'smoothing', 'sf'],
    [1, 'trend', 'tf'],
  ] as const)
    for (const factor of args[index]!)
      if (!(factor > 0 && factor < 1))
        throw executionError(
          `invalid ${name} factor. Expected: 0 < ${letter} < 1, got: ${factor.toFixed(6)}`,
        );
}

const COUNTER_SUFFIXES = ['_total', '_sum', '_count', '_bucket'];

/** rate and increase over something that does not look like a counter. */
async function noteNonCounters(
  ev: Evaluation,
  call: Call,
  arg: RangeArg,
  columns: Column[],
): Promise<void> {
  if (call.func !== 'rate' && call.func !== 'increase') return;
  await eachInTurns(ev, columns, ({ labels, present }) => {
    const name = labelValue(labels, METRIC_NAME);
    if (name !== '' && present.includes(SLOT_FLOAT))
      noteNonCounter(ev, arg, name, labelValue(labels, '__type__'));
  });
}

/** The same for one metric. */
export function noteNonCounter(ev: Evaluation, arg: RangeArg, name: string, type: string): void {
  const { annotations } = ev;
  if (ev.typeAndUnitLabels) {
    if (type === 'counter' || type === 'histogram') return;
    annotations.info(
      'metric might not be a counter, __type__ label is not set to "counter" or "histogram", ' +
        `got ${quote(type)}: ${quote(name)}`,
      arg.pos,
    );
  } else if (!COUNTER_SUFFIXES.some((suffix) => name.endsWith(suffix)))
    annotations.info(
      'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ' +
        quote(name),
      arg.pos,
    );
}
