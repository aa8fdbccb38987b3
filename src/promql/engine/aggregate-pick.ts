// Aggregations that pick series: topk, bottomk, limitk, limit_ratio. The picked slots keep their
// labels. In an instant query topk and bottomk answer in order of value, group by group.
import type { StepGrid } from '../../windows/sliding.ts';
import type { AggregateExpr } from '../ast.ts';
import { copySlot, isEmptyColumn, NewColumns } from './column.ts';
import type { Column, ColumnGroup } from './column.ts';
import type { Evaluation } from './context.ts';
import { executionError } from './errors.ts';
import { labelsRatio } from './labels-hash.ts';
import { unwrap } from './prepare.ts';
import { SLOT_EMPTY, SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';
import { goFloat } from './text.ts';
import { mapInTurns } from '../../stdx/turns.ts';

interface PickInput {
  /** k or the ratio by step. */
  readonly param: Float64Array;
  readonly grid: StepGrid;
}

const INT64_MIN = -(2 ** 63);
const INT64_MAX = 2 ** 63;

/** False where nothing can be picked at any step. */
function checkParam(ev: Evaluation, expr: AggregateExpr, param: Float64Array): boolean {
  const hasNan = param.some((value) => Number.isNaN(value));
  const finite = param.filter((value) => !Number.isNaN(value));
  const max = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const min = finite.reduce((a, b) => Math.min(a, b), Infinity);
  if (expr.op === 'limit_ratio') {
    if (max === 0 && min === 0 && !hasNan) return false;
    if (hasNan) throw executionError('Ratio value is NaN');
    const { pos } = unwrap(expr.param!);
    const text = 'ratio value should be between -1 and 1, got ';
    if (max > 1) ev.annotations.warning(`${text}${goFloat(max)}, capping to 1`, pos);
    if (min < -1) ev.annotations.warning(`${text}${goFloat(min)}, capping to -1`, pos);
    return true;
  }
  if (!hasNan && max < 1) return false;
  if (hasNan) throw executionError('Parameter value is NaN');
  if (min <= INT64_MIN) throw executionError(`Scalar value ${goFloat(min)} underflows int64`);
  if (max >= INT64_MAX) throw executionError(`Scalar value ${goFloat(max)} overflows int64`);
  return true;
}

export async function pickSeries(
  ev: Evaluation,
  expr: AggregateExpr,
  columns: readonly Column[],
  groups: readonly ColumnGroup[],
  { param, grid }: PickInput,
): Promise<Column[]> {
  if (!checkParam(ev, expr, param)) return [];
  const out = new Map<Column, Column>();
  const made = new NewColumns(grid.count);
  ev.takeColumns(columns.length, grid.count);
  const places =
    expr.op === 'limit_ratio'
      ? new Map(
          await mapInTurns(ev, columns, (column) => [column, labelsRatio(column.labels)] as const),
        )
      : undefined;
  for (const group of groups)
    for (let k = 0; k < grid.count; k++) {
      const picks =
        places === undefined
          ? pickAt(ev, expr, group.columns, k, param[k]!)
          : sampledAt(group.columns, places, k, param[k]!);
      for (const column of picks) {
        let picked = out.get(column);
        if (picked === undefined) {
          picked = made.next(column.labels, column.dropName);
          out.set(column, picked);
        }
        copySlot(picked, column, k);
      }
      const pause = ev.pause();
      if (pause !== undefined) await pause;
    }
  return Array.from(out.values()).filter((column) => !isEmptyColumn(column));
}

function pickAt(
  ev: Evaluation,
  expr: AggregateExpr,
  columns: readonly Column[],
  k: number,
  param: number,
): Column[] {
  const size = Math.trunc(param);
  if (size < 1) return [];
  if (expr.op === 'limitk')
    return columns.filter((column) => column.present[k] !== SLOT_EMPTY).slice(0, size);
  const sign = expr.op === 'topk' ? -1 : 1;
  const best = new BestColumns(k, size, sign);
  for (const column of columns) {
    if (column.present[k] === SLOT_HISTOGRAM)
      ev.annotations.info(`ignored histogram in ${expr.op} aggregation`, expr.pos);
    if (column.present[k] === SLOT_FLOAT) best.offer(column);
  }
  return best.heap.toSorted((a, b) => compareNanLast(a.values[k]!, b.values[k]!, sign));
}

/**
 * A heap of bounded size whose root is the worst of the best. It moves its items exactly as Go's
 * container/heap does: which of equal values is replaced depends on nothing else
 * (promql/engine.go, aggregationK).
 */
class BestColumns {
  readonly heap: Column[] = [];
  readonly #k: number;
  readonly #size: number;
  readonly #sign: number;

  constructor(k: number, size: number, sign: number) {
    this.#k = k;
    this.#size = size;
    this.#sign = sign;
  }

  offer(column: Column): void {
    const { heap } = this;
    if (heap.length < this.#size) {
      heap.push(column);
      this.#up(heap.length - 1);
      return;
    }
    const value = column.values[this.#k]!;
    const worst = heap[0]!.values[this.#k]!;
    const isBetter = this.#sign < 0 ? worst < value : worst > value;
    if (!isBetter && !(Number.isNaN(worst) && !Number.isNaN(value))) return;
    heap[0] = column;
    this.#down();
  }

  #isWorse(i: number, j: number): boolean {
    const a = this.heap[i]!.values[this.#k]!;
    const b = this.heap[j]!.values[this.#k]!;
    if (Number.isNaN(a)) return true;
    return this.#sign < 0 ? a < b : a > b;
  }

  #swap(i: number, j: number): void {
    const { heap } = this;
    const column = heap[i]!;
    heap[i] = heap[j]!;
    heap[j] = column;
  }

  #up(from: number): void {
    for (let j = from; j > 0;) {
      const parent = (j - 1) >> 1;
      if (!this.#isWorse(j, parent)) return;
      this.#swap(parent, j);
      j = parent;
    }
  }

  #down(): void {
    const { length } = this.heap;
    for (let i = 0; ;) {
      const left = 2 * i + 1;
      if (left >= length) return;
      const child = left + 1 < length && this.#isWorse(left + 1, left) ? left + 1 : left;
      if (!this.#isWorse(child, i)) return;
      this.#swap(i, child);
      i = child;
    }
  }
}

/** Ascending (sign 1) or descending (sign -1), NaN at the end either way. */
export function compareNanLast(a: number, b: number, sign: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  if (Number.isNaN(b)) return -1;
  return a === b ? 0 : a < b ? -sign : sign;
}

/** A fixed share of all label sets, which have places in [0, 1); -r picks what 1 - r does not. */
function sampledAt(
  columns: readonly Column[],
  places: ReadonlyMap<Column, number>,
  k: number,
  ratio: number,
): Column[] {
  if (ratio === 0) return [];
  const limit = Math.max(-1, Math.min(1, ratio));
  return columns.filter((column) => {
    if (column.present[k] === SLOT_EMPTY) return false;
    const place = places.get(column)!;
    return limit > 0 ? place < limit : place >= 1 + limit;
  });
}
