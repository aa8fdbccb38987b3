// What every operator of one evaluation shares. `evaluate` is the way back to the tree walk;
// operators know this interface and never the walker.
import type { ReadContext, StorageReader } from '../../model/storage.ts';
import type { StepGrid } from '../../windows/sliding.ts';
import type { Expr } from '../ast.ts';
import type { Annotations } from './annotations.ts';
import type { Column, Value } from './column.ts';
import type { QueryTimes } from './prepare.ts';
import type { QuerySamples } from './query-samples.ts';
import type { Trace } from './trace.ts';
import type { Pausing } from '../../stdx/turns.ts';

export interface Evaluation extends Pausing {
  readonly storage: StorageReader;
  readonly context: ReadContext;
  readonly times: QueryTimes;
  readonly lookbackUs: number;
  readonly delayedNameRemoval: boolean;
  readonly typeAndUnitLabels: boolean;
  readonly annotations: Annotations;
  /** Where `explain` listens. */
  readonly trace: Trace | undefined;
  /** Where the query asks for statistics. */
  readonly counted: QuerySamples | undefined;
  /** Value at every step of the grid; a part that does not depend on the step is evaluated once. */
  evaluate(expr: Expr, grid: StepGrid): Promise<Value>;
  /** As `evaluate` where the type is known. */
  vector(expr: Expr, grid: StepGrid): Promise<Column[]>;
  scalar(expr: Expr, grid: StepGrid): Promise<Float64Array>;
  /** Counts what was read; throws where the query's limit on samples is passed. */
  countRead(seriesCount: number, sampleCount: number): void;
  /** Counts slots whose bytes the storage has taken from the budget. */
  countSlots(count: number): void;
  /** Takes the bytes of new columns from the budget and checks the limit on samples. */
  takeColumns(columnCount: number, stepCount: number): void;
  /** Gives back columns that are done with, at most what was taken. */
  giveColumns(columnCount: number, stepCount: number): void;
}
