// Function calls by name. Arguments are type-checked by the parser; whatever is not here answers an
// error that names it.
import type { StepGrid } from '../../windows/sliding.ts';
import type { Call, Expr } from '../ast.ts';
import { absentColumns } from './absent.ts';
import { compareNanLast } from './aggregate-pick.ts';
import { dropMetadataLabels, mergeSameLabels, NewColumns, setFloat } from './column.ts';
import type { Column, Value } from './column.ts';
import type { Evaluation } from './context.ts';
import { notSupported } from './errors.ts';
import {
  fractionFunction,
  isHistogramReader,
  quantileFunction,
  quantilesFunction,
  readHistograms,
} from './histogram-functions.ts';
import { infoFunction } from './info.ts';
import { labelJoin, labelReplace, sortByLabel } from './label-functions.ts';
import { dateFunction, floatFunction, mapFloats, maxFloat, minFloat } from './math-functions.ts';
import { unwrap } from './prepare.ts';
import { rangeFunction } from './range-functions.ts';
import { rangeKernel } from './range-kernels.ts';
import { SLOT_EMPTY, SLOT_FLOAT } from './result.ts';
import { instantSelector } from './selector.ts';
import { startTimestamps } from './start-timestamps.ts';
import { eachInTurns, mapInTurns, sortInTurns } from '../../stdx/turns.ts';

function vectorValue(columns: Column[]): Value {
  return { kind: 'vector', columns };
}

function stepsOf(grid: StepGrid, at: (stepUs: number) => number): Float64Array {
  return Float64Array.from({ length: grid.count }, (_, k) => at(grid.startUs + k * grid.stepUs));
}

/** Removes the name from every column, now or at the end; refuses what becomes equal. */
async function withoutName(ev: Evaluation, columns: Column[]): Promise<Column[]> {
  await eachInTurns(ev, columns, (column) => {
    column.dropName = true;
    if (!ev.delayedNameRemoval) column.labels = dropMetadataLabels(column.labels);
  });
  return ev.delayedNameRemoval ? columns : await mergeSameLabels(ev, columns);
}

export async function callFunction(ev: Evaluation, call: Call, grid: StepGrid): Promise<Value> {
  const scalar = scalarFunction(ev, call, grid);
  if (scalar !== undefined) return { kind: 'scalar', values: await scalar };
  if (rangeKernel(call.func) !== undefined) return vectorValue(await rangeFunction(ev, call, grid));
  return vectorValue(await vectorFunction(ev, call, grid));
}

function scalarFunction(
  ev: Evaluation,
  call: Call,
  grid: StepGrid,
): Promise<Float64Array> | undefined {
  const { times } = ev;
  const constant = (value: number): Promise<Float64Array> =>
    Promise.resolve(new Float64Array(grid.count).fill(value));
  switch (call.func) {
    case 'pi':
      return constant(Math.PI);
    case 'time':
      return Promise.resolve(stepsOf(grid, (stepUs) => stepUs / 1e6));
    case 'start':
      return constant(times.startUs / 1e6);
    case 'end':
      return constant(times.endUs / 1e6);
    case 'range':
      return constant((times.endUs - times.startUs) / 1e6);
    case 'step':
      return constant(times.startUs === times.endUs ? 0 : times.stepUs / 1e6);
    case 'max_of':
    case 'min_of':
      return pairOf(ev, call, grid, call.func === 'max_of' ? maxFloat : minFloat);
    case 'scalar':
      return onlyFloat(ev, call.args[0]!, grid);
    default:
      return undefined;
  }
}

async function pairOf(
  ev: Evaluation,
  call: Call,
  grid: StepGrid,
  pick: (a: number, b: number) => number,
): Promise<Float64Array> {
  const left = await ev.scalar(call.args[0]!, grid);
  const right = await ev.scalar(call.args[1]!, grid);
  return left.map((value, k) => pick(value, right[k]!));
}

/** scalar(): the one float of a step, else NaN. */
async function onlyFloat(ev: Evaluation, arg: Expr, grid: StepGrid): Promise<Float64Array> {
  const columns = await ev.vector(arg, grid);
  const out = new Float64Array(grid.count).fill(Number.NaN);
  const found = new Uint8Array(grid.count);
  await eachInTurns(ev, columns, ({ present, values }) => {
    for (let k = 0; k < grid.count; k++) {
      if (present[k] !== SLOT_FLOAT) continue;
      out[k] = found[k] === 1 ? Number.NaN : values[k]!;
      found[k] = 1;
    }
  });
  return out;
}

async function vectorFunction(ev: Evaluation, call: Call, grid: StepGrid): Promise<Column[]> {
  const [first] = call.args;
  switch (call.func) {
    case 'vector':
      return constantVector(await ev.scalar(first!, grid));
    case 'timestamp':
      return timestampFunction(ev, first!, grid);
    case 'start_timestamp':
      return withoutName(ev, await startTimestamps(ev, first!, grid));
    case 'absent':
      return absentColumns(ev, unwrap(first!), await ev.vector(first!, grid), grid.count);
    case 'histogram_quantile':
      return quantileFunction(ev, call, grid);
    case 'histogram_quantiles':
      return quantilesFunction(ev, call, grid);
    case 'histogram_fraction':
      return fractionFunction(ev, call, grid);
    case 'info':
      return infoFunction(ev, call, grid);
    default:
      if (first === undefined) return dateOfSteps(call, grid);
      return columnFunction(ev, call, await columnArgument(ev, call, first, grid), grid);
  }
}

const READS_TOTALS: ReadonlySet<string> = new Set([
  'histogram_avg',
  'histogram_count',
  'histogram_sum',
]);

async function columnArgument(
  ev: Evaluation,
  call: Call,
  arg: Expr,
  grid: StepGrid,
): Promise<Column[]> {
  const { annotations } = ev;
  const before = annotations.tellsNeighbourResets;
  annotations.tellsNeighbourResets = before || READS_TOTALS.has(call.func);
  try {
    return await ev.vector(arg, grid);
  } finally {
    annotations.tellsNeighbourResets = before;
  }
}

async function columnFunction(
  ev: Evaluation,
  call: Call,
  columns: Column[],
  grid: StepGrid,
): Promise<Column[]> {
  const { func } = call;
  const isSort = func.startsWith('sort');
  if (isSort && ev.times.stepUs !== 0)
    ev.annotations.warning(
      'sort is ineffective for range queries since results are always ordered by labels',
      call.pos,
    );
  switch (func) {
    case 'label_replace':
      return labelReplace(ev, call, columns);
    case 'label_join':
      return labelJoin(ev, call, columns);
    case 'sort':
    case 'sort_desc':
      return sortByValue(ev, columns, func === 'sort' ? 1 : -1);
    case 'sort_by_label':
    case 'sort_by_label_desc':
      return sortByLabel(ev, call, columns, func === 'sort_by_label' ? 1 : -1);
    case 'clamp':
    case 'clamp_min':
    case 'clamp_max':
    case 'round':
      return boundFunction(ev, call, columns, grid);
    default:
      break;
  }
  if (isHistogramReader(func)) return readHistograms(ev, call, columns);
  const apply = floatFunction(func);
  if (apply === undefined) throw notSupported(`the function ${func}`);
  ev.takeColumns(columns.length, grid.count);
  return withoutName(ev, await mapFloats(ev, columns, apply));
}

async function sortByValue(
  ev: Evaluation,
  columns: readonly Column[],
  sign: number,
): Promise<Column[]> {
  const floats = columns.filter((column) => column.present.includes(SLOT_FLOAT));
  return await sortInTurns(ev, floats, (a, b) => compareNanLast(a.values[0]!, b.values[0]!, sign));
}

async function boundFunction(
  ev: Evaluation,
  call: Call,
  columns: Column[],
  grid: StepGrid,
): Promise<Column[]> {
  const bounds: Float64Array[] = [];
  for (const arg of call.args.slice(1)) bounds.push(await ev.scalar(arg, grid));
  ev.takeColumns(columns.length, grid.count);
  if (call.func === 'round') {
    const nearest = bounds[0];
    const rounded = await mapFloats(ev, columns, (value, k) => {
      const inverse = 1 / (nearest?.[k] ?? 1);
      return Math.floor(value * inverse + 0.5) / inverse;
    });
    return withoutName(ev, rounded);
  }
  const min = call.func === 'clamp_max' ? undefined : bounds[0]!;
  const max = call.func === 'clamp_min' ? undefined : bounds.at(-1)!;
  const clamped = await mapFloats(ev, columns, (value, k) =>
    maxFloat(min?.[k] ?? -Infinity, minFloat(max?.[k] ?? Infinity, value)),
  );
  if (min !== undefined && max !== undefined)
    await eachInTurns(ev, clamped, ({ present }) => {
      for (let k = 0; k < grid.count; k++) if (max[k]! < min[k]!) present[k] = SLOT_EMPTY;
    });
  return withoutName(
    ev,
    clamped.filter(({ present }) => present.includes(SLOT_FLOAT)),
  );
}

function constantVector(values: Float64Array): Column[] {
  const present = new Uint8Array(values.length).fill(SLOT_FLOAT);
  return [{ labels: [], present, values, histograms: undefined, dropName: false }];
}

/** A date function without an argument reads the time of the step. */
function dateOfSteps(call: Call, grid: StepGrid): Column[] {
  const read = dateFunction(call.func);
  if (read === undefined) throw notSupported(`the function ${call.func} without an argument`);
  return constantVector(stepsOf(grid, (stepUs) => read(Math.floor(stepUs / 1e6))));
}

/** timestamp(): of a selector the time of its samples, of anything else the time of the step. */
async function timestampFunction(ev: Evaluation, arg: Expr, grid: StepGrid): Promise<Column[]> {
  const inner = unwrap(arg);
  if (inner.type === 'VectorSelector' && !inner.smoothed)
    return withoutName(ev, await instantSelector(ev, inner, grid, 'timestamp'));
  const columns = await ev.vector(arg, grid);
  ev.takeColumns(columns.length, grid.count);
  const made = new NewColumns(grid.count);
  const out = await mapInTurns(ev, columns, (column) => {
    const result = made.next(column.labels, column.dropName);
    for (let k = 0; k < grid.count; k++)
      if (column.present[k] !== SLOT_EMPTY)
        setFloat(result, k, (grid.startUs + k * grid.stepUs) / 1e6);
    return result;
  });
  return withoutName(ev, out);
}
