// The PromQL engine's front door: a parsed expression, a storage and times in, result columns out.
// Leaves run in the storage (`runLeaf`); everything else is evaluated here on columns, all steps at
// once.
import { compareLabels } from '../../model/labels.ts';
import type { ReadContext, StorageReader } from '../../model/storage.ts';
import { stepGrid } from '../../windows/sliding.ts';
import type { Expr } from '../ast.ts';
import { dropMetadataLabels, mergeSameLabels } from './column.ts';
import type { Column, Value } from './column.ts';
import { Evaluator } from './evaluator.ts';
import { rangeTypeError } from './errors.ts';
import { unwrap } from './prepare.ts';
import { rangeVector } from './range-vector.ts';
import { SLOT_FLOAT } from './result.ts';
import type { EvalParams, EvalResult, EvalSeries } from './result.ts';
import { eachInTurns, sortInTurns } from '../../stdx/turns.ts';

/**
 * Evaluates an expression as an instant query (`stepUs` 0) or a range query. Rejects with AppError:
 * 'promql-execution' where the data makes it impossible, 'not-supported' naming a missing part,
 * 'query-samples' over the limit; with the signal's reason when aborted.
 */
export async function evaluate(
  storage: StorageReader,
  context: ReadContext,
  expr: Expr,
  params: EvalParams,
): Promise<EvalResult> {
  const ev = new Evaluator(storage, context, expr, params);
  const isRange = params.stepUs !== 0;
  const grid = stepGrid(params.startUs, params.endUs, params.stepUs);
  const inner = unwrap(expr);
  const isRangeVector = inner.type === 'MatrixSelector' || inner.type === 'SubqueryExpr';
  let answer: Pick<EvalResult, 'type' | 'series' | 'string'>;
  if (isRangeVector) {
    if (isRange) throw rangeTypeError('range vector');
    ev.trace?.begin(inner, 1);
    const series = await rangeVector(ev, inner, grid);
    ev.trace?.end(series.length);
    answer = { type: 'matrix', series, string: undefined };
  } else {
    const value = await ev.evaluate(inner, grid);
    answer = await (isRange ? asMatrix(value, ev) : asInstant(value, ev));
  }
  return {
    ...answer,
    startUs: grid.startUs,
    stepUs: grid.stepUs,
    stepCount: grid.count,
    annotations: ev.annotations.render(params.query),
    dependsOnRange: ev.annotations.dependsOnRange,
    stats: {
      seriesRead: ev.seriesRead,
      samplesRead: ev.samplesRead,
      samplesPeak: ev.samplesPeak,
      ...(ev.counted === undefined ? {} : { counted: ev.counted.counts }),
    },
  };
}

function toSeries(column: Column): EvalSeries {
  const { labels, present, values, histograms } = column;
  return { labels, present, values, histograms, tUs: undefined };
}

function scalarSeries(values: Float64Array): EvalSeries {
  const present = new Uint8Array(values.length).fill(SLOT_FLOAT);
  return { labels: [], present, values, histograms: undefined, tUs: undefined };
}

/** Removes the names that were only marked, and refuses what becomes equal. */
async function finishNames(ev: Evaluator, columns: Column[]): Promise<Column[]> {
  if (!ev.delayedNameRemoval) return columns;
  await eachInTurns(ev, columns, (column) => {
    if (column.dropName) column.labels = dropMetadataLabels(column.labels);
  });
  return await mergeSameLabels(ev, columns);
}

async function asMatrix(
  value: Value,
  ev: Evaluator,
): Promise<Pick<EvalResult, 'type' | 'series' | 'string'>> {
  if (value.kind === 'string') throw rangeTypeError('string');
  if (value.kind === 'scalar')
    return {
      type: 'matrix',
      series: value.values.length === 0 ? [] : [scalarSeries(value.values)],
      string: undefined,
    };
  const columns = await finishNames(ev, value.columns);
  const sorted = await sortInTurns(ev, columns, (a, b) => compareLabels(a.labels, b.labels));
  return { type: 'matrix', series: sorted.map(toSeries), string: undefined };
}

async function asInstant(
  value: Value,
  ev: Evaluator,
): Promise<Pick<EvalResult, 'type' | 'series' | 'string'>> {
  if (value.kind === 'string') return { type: 'string', series: [], string: value.text };
  if (value.kind === 'scalar')
    return { type: 'scalar', series: [scalarSeries(value.values)], string: undefined };
  const columns = await finishNames(ev, value.columns);
  return { type: 'vector', series: columns.map(toSeries), string: undefined };
}
