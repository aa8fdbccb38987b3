// The walk over the syntax tree. Every node is evaluated for all steps of a grid at once; a part
// that does not depend on the step is evaluated for the first step only and repeated; a part that
// is written twice is evaluated once (sharing.ts).
import type { ReadContext, StorageReader } from '../../model/storage.ts';
import { limitNote } from '../../model/errors.ts';
import { labelValue, METRIC_NAME } from '../../model/labels.ts';
import { smoothedKernel } from '../../windows/extended.ts';
import type { Note } from '../../windows/float-kernels.ts';
import { stepGrid } from '../../windows/sliding.ts';
import type { StepGrid } from '../../windows/sliding.ts';
import { StepColumn } from '../../windows/step-column.ts';
import type { BinaryExpr, Expr, UnaryExpr, VectorSelector } from '../ast.ts';
import { isSetOp } from '../ast.ts';
import { aggregate } from './aggregate.ts';
import { Annotations } from './annotations.ts';
import { scalarOperation, vectorScalar } from './binary.ts';
import { dropMetadataLabels, mergeSameLabels, repeatValue } from './column.ts';
import type { Column, Value } from './column.ts';
import type { Evaluation } from './context.ts';
import { executionError, limitedError } from './errors.ts';
import { callFunction } from './functions.ts';
import { addNote } from './notes.ts';
import { QUERY_SAMPLES_MAX, SLOT_BYTES } from './limits.ts';
import { joinVectors, setOperation } from './matching.ts';
import { isStepInvariant } from './prepare.ts';
import type { QueryTimes } from './prepare.ts';
import { QuerySamples } from './query-samples.ts';
import type { EvalParams } from './result.ts';
import { dataGrid, instantSelector, selectRaw } from './selector.ts';
import { Sharing } from './sharing.ts';
import type { Trace } from './trace.ts';
import { mapInTurns } from '../../stdx/turns.ts';
import { scaleHistogram } from '../../windows/histogram-math.ts';

export class Evaluator implements Evaluation {
  readonly storage: StorageReader;
  readonly context: ReadContext;
  readonly times: QueryTimes;
  readonly lookbackUs: number;
  readonly delayedNameRemoval: boolean;
  readonly typeAndUnitLabels: boolean;
  readonly annotations = new Annotations();
  readonly trace: Trace | undefined;
  readonly counted: QuerySamples | undefined;
  seriesRead = 0;
  samplesRead = 0;
  samplesPeak = 0;
  readonly #samplesMax: number;
  readonly #seriesMax: number;
  readonly #onRead: EvalParams['onRead'];
  readonly #pause: EvalParams['pause'];
  readonly #sharing: Sharing;
  #slots = 0;

  /** `whole` is the expression that will be evaluated. */
  constructor(storage: StorageReader, context: ReadContext, whole: Expr, params: EvalParams) {
    this.storage = storage;
    this.context = context;
    this.times = { startUs: params.startUs, endUs: params.endUs, stepUs: params.stepUs };
    this.lookbackUs = params.lookbackUs;
    this.delayedNameRemoval = params.enableDelayedNameRemoval ?? false;
    this.typeAndUnitLabels = params.enableTypeAndUnitLabels ?? false;
    this.trace = params.trace;
    const grid = stepGrid(params.startUs, params.endUs, params.stepUs);
    this.counted = params.countsSamples === true ? new QuerySamples(grid) : undefined;
    this.#samplesMax = params.samplesMax ?? QUERY_SAMPLES_MAX;
    this.#seriesMax = params.seriesMax ?? Number.POSITIVE_INFINITY;
    this.#onRead = params.onRead;
    this.#pause = params.pause;
    this.#sharing = new Sharing(whole);
  }

  async evaluate(expr: Expr, grid: StepGrid): Promise<Value> {
    this.context.signal.throwIfAborted();
    this.trace?.begin(expr, grid.count);
    // Statistics count a part as often as it is written.
    const value =
      this.counted === undefined && this.#sharing.has(expr)
        ? await this.#shared(expr, grid)
        : await this.#computed(expr, grid);
    this.trace?.end(value.kind === 'vector' ? value.columns.length : 1);
    if (value.kind === 'vector' && value.columns.some(({ histograms }) => histograms !== undefined))
      this.annotations.dependsOnRange = true;
    return value;
  }

  async #shared(expr: Expr, grid: StepGrid): Promise<Value> {
    const { annotations } = this;
    const mode = annotations.tellsNeighbourResets ? 'resets' : '';
    const onCopy = (columnCount: number): void => this.takeColumns(columnCount, grid.count);
    const known = this.#sharing.take(expr, grid, mode, onCopy);
    if (known !== undefined) {
      this.trace?.note({ isShared: true, computedSteps: 0 });
      return known;
    }
    const { addCount } = annotations;
    const value = await this.#computed(expr, grid);
    // What it has to say names its place in the text: the next one says it of its own.
    if (annotations.addCount > addCount) return value;
    return this.#sharing.keep(expr, grid, mode, value, onCopy);
  }

  async #computed(expr: Expr, grid: StepGrid): Promise<Value> {
    if (grid.count > 1 && isStepInvariant(expr)) {
      this.trace?.note({ computedSteps: 1 });
      const once = (): Promise<Value> => this.#node(expr, { ...grid, count: 1 });
      const value = await (this.counted === undefined ? once() : this.counted.repeated(once));
      if (value.kind === 'vector') this.takeColumns(value.columns.length, grid.count);
      return await repeatValue(this, value, grid.count);
    }
    return this.#node(expr, grid);
  }

  async vector(expr: Expr, grid: StepGrid): Promise<Column[]> {
    const value = await this.evaluate(expr, grid);
    if (value.kind !== 'vector') throw executionError('expected an instant vector');
    return value.columns;
  }

  async scalar(expr: Expr, grid: StepGrid): Promise<Float64Array> {
    const value = await this.evaluate(expr, grid);
    if (value.kind !== 'scalar') throw executionError('expected a scalar');
    return value.values;
  }

  countRead(seriesCount: number, sampleCount: number): void {
    this.seriesRead += seriesCount;
    this.samplesRead += sampleCount;
    this.trace?.read(seriesCount, sampleCount);
    this.#onRead?.(seriesCount, sampleCount);
    this.#checkSamples(this.#slots + sampleCount);
    if (this.seriesRead <= this.#seriesMax) return;
    throw limitedError(
      'query-series',
      `the query read ${this.seriesRead} series, the limit of one query is ${this.#seriesMax} ` +
        limitNote('query-series'),
      { limit: this.#seriesMax, value: this.seriesRead },
    );
  }

  countSlots(count: number): void {
    this.#slots += count;
    this.#checkSamples(this.#slots);
  }

  takeColumns(columnCount: number, stepCount: number): void {
    this.countSlots(columnCount * stepCount);
    this.context.budget.take(columnCount * stepCount * SLOT_BYTES);
  }

  giveColumns(columnCount: number, stepCount: number): void {
    const count = Math.min(columnCount * stepCount, this.#slots);
    this.#slots -= count;
    this.context.budget.give(count * SLOT_BYTES);
  }

  pause(): Promise<void> | undefined {
    this.context.signal.throwIfAborted();
    return this.#pause?.();
  }

  #checkSamples(count: number): void {
    if (count > this.samplesPeak) this.samplesPeak = count;
    if (count <= this.#samplesMax) return;
    throw limitedError(
      'query-samples',
      `query processing would load too many samples into memory in query execution: ` +
        `${count} of at most ${this.#samplesMax} ${limitNote('query-samples')}; ask for fewer ` +
        'series, a shorter range or a larger step',
      { limit: this.#samplesMax, value: count },
    );
  }

  async #node(expr: Expr, grid: StepGrid): Promise<Value> {
    switch (expr.type) {
      case 'NumberLiteral':
        return { kind: 'scalar', values: new Float64Array(grid.count).fill(expr.value) };
      case 'StringLiteral':
        return { kind: 'string', text: expr.value };
      case 'ParenExpr':
        return this.evaluate(expr.expr, grid);
      case 'VectorSelector':
        return { kind: 'vector', columns: await this.#selector(expr, grid) };
      case 'UnaryExpr':
        return this.#unary(expr, grid);
      case 'BinaryExpr':
        return this.#binary(expr, grid);
      case 'AggregateExpr':
        return { kind: 'vector', columns: await aggregate(this, expr, grid) };
      case 'Call':
        return callFunction(this, expr, grid);
      case 'MatrixSelector':
      case 'SubqueryExpr':
        throw executionError('a range vector has no value at a step');
    }
  }

  async #selector(expr: VectorSelector, grid: StepGrid): Promise<Column[]> {
    if (!expr.smoothed) return instantSelector(this, expr, grid, 'last');
    const data = dataGrid(this, expr, grid);
    const series = await selectRaw(this, expr, {
      startUs: data.startUs - this.lookbackUs,
      endUs: data.startUs + (data.count - 1) * data.stepUs + this.lookbackUs,
    });
    const out: Column[] = [];
    for (const { labels, samples } of series) {
      const pause = this.pause();
      if (pause !== undefined) await pause;
      const column = new StepColumn(grid.count);
      const metric = labelValue(labels, METRIC_NAME);
      const note: Note = (level, code) =>
        addNote(
          this.annotations,
          { level, code, metric },
          { kernel: expr.pos, aggregation: expr.pos },
        );
      smoothedKernel({ grid: data, lookbackUs: this.lookbackUs }, samples, column, note);
      if (column.isEmpty()) continue;
      this.takeColumns(1, grid.count);
      const { present, values, histograms } = column;
      out.push({ labels, present, values, histograms, dropName: false });
    }
    return out;
  }

  async #unary(expr: UnaryExpr, grid: StepGrid): Promise<Value> {
    const value = await this.evaluate(expr.expr, grid);
    if (expr.op === '+' || value.kind === 'string') return value;
    if (value.kind === 'scalar')
      return { kind: 'scalar', values: value.values.map((number) => -number) };
    const columns = await mapInTurns(this, value.columns, (column) => ({
      labels: this.delayedNameRemoval ? column.labels : dropMetadataLabels(column.labels),
      present: column.present,
      values: column.values.map((number) => -number),
      histograms: column.histograms?.map((h) => (h === undefined ? h : scaleHistogram(h, -1))),
      dropName: true,
    }));
    return {
      kind: 'vector',
      columns: this.delayedNameRemoval ? columns : await mergeSameLabels(this, columns),
    };
  }

  async #binary(expr: BinaryExpr, grid: StepGrid): Promise<Value> {
    const left = await this.evaluate(expr.lhs, grid);
    const right = await this.evaluate(expr.rhs, grid);
    if (left.kind === 'scalar' && right.kind === 'scalar') {
      const values = left.values.map((value, k) =>
        scalarOperation(expr.op, value, right.values[k]!),
      );
      return { kind: 'scalar', values };
    }
    return { kind: 'vector', columns: await this.#vectorBinary(expr, left, right, grid.count) };
  }

  async #vectorBinary(
    expr: BinaryExpr,
    left: Value,
    right: Value,
    count: number,
  ): Promise<Column[]> {
    if (left.kind === 'vector' && right.kind === 'vector') {
      this.takeColumns(Math.max(left.columns.length, right.columns.length), count);
      const columns = isSetOp(expr.op)
        ? await setOperation(this, expr, left.columns, right.columns, count)
        : await joinVectors(this, expr, left.columns, right.columns, count);
      this.giveColumns(left.columns.length + right.columns.length, count);
      return columns;
    }
    if (left.kind === 'vector' && right.kind === 'scalar') {
      this.takeColumns(left.columns.length, count);
      const columns = await vectorScalar(this, expr, left.columns, right.values, false);
      this.giveColumns(left.columns.length, count);
      return columns;
    }
    if (left.kind === 'scalar' && right.kind === 'vector') {
      this.takeColumns(right.columns.length, count);
      const columns = await vectorScalar(this, expr, right.columns, left.values, true);
      this.giveColumns(right.columns.length, count);
      return columns;
    }
    throw executionError('binary expressions take scalars and instant vectors');
  }
}
