// Binary operators between scalars and vectors, element by element. Matching of two vectors is in
// matching.ts. Comparisons filter unless `bool`; arithmetic drops the metric name.
import type { Histogram } from '../../model/histogram.ts';
import { NO_LABELS } from '../../model/labels.ts';
import { unreachable } from '../../stdx/assert.ts';
import { atan2 } from '../../stdx/trigonometry.ts';
import { equalHistograms } from '../../windows/histogram-equal.ts';
import { addHistograms, scaleHistogram, subtractHistograms } from '../../windows/histogram-math.ts';
import { compactHistogram } from '../../windows/histogram-layout.ts';
import { trimHistogram } from '../../windows/histogram-trim.ts';
import type { BinaryExpr, BinaryOp, PosRange } from '../ast.ts';
import { isComparisonOp } from '../ast.ts';
import { power } from '../power.ts';
import { quote } from '../text.ts';
import {
  dropMetadataLabels,
  haveOneMetric,
  isEmptyColumn,
  mergeSameLabels,
  NewColumns,
  newColumn,
  setFloat,
} from './column.ts';
import { setHistogram } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { SLOT_EMPTY, SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';

/** An operation between two floats; comparisons answer 1 or 0. */
export function scalarOperation(op: BinaryOp, left: number, right: number): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return power(left, right);
    case 'atan2':
      return atan2(left, right);
    case '==':
    case '!=':
    case '<':
    case '>':
    case '<=':
    case '>=':
      return compares(op, left, right) ? 1 : 0;
    case 'and':
    case 'or':
    case 'unless':
    case '</':
    case '>/':
      return Number.NaN;
    default:
      return unreachable(op);
  }
}

/** `scalarOperation` of every slot; what stands in slots that hold nothing does not matter. */
export function operateFloats(
  op: BinaryOp,
  left: Float64Array,
  right: Float64Array,
  out: Float64Array,
): void {
  const { length } = out;
  switch (op) {
    case '+':
      for (let k = 0; k < length; k++) out[k] = left[k]! + right[k]!;
      return;
    case '-':
      for (let k = 0; k < length; k++) out[k] = left[k]! - right[k]!;
      return;
    case '*':
      for (let k = 0; k < length; k++) out[k] = left[k]! * right[k]!;
      return;
    case '/':
      for (let k = 0; k < length; k++) out[k] = left[k]! / right[k]!;
      return;
    default:
      for (let k = 0; k < length; k++) out[k] = scalarOperation(op, left[k]!, right[k]!);
  }
}

function compares(op: BinaryOp, left: number, right: number): boolean {
  switch (op) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '<=':
      return left <= right;
    default:
      return left >= right;
  }
}

/** A slot's content: a float, or a histogram where `histogram` is given. */
export interface Element {
  readonly value: number;
  readonly histogram: Histogram | undefined;
}

/** Result of two elements; undefined where the pair is dropped (an annotation may say why). */
export interface ElementResult extends Element {
  readonly keep: boolean;
}

export function elementAt(column: Column, k: number): Element {
  const isHistogram = column.present[k] === SLOT_HISTOGRAM;
  return isHistogram
    ? { value: 0, histogram: column.histograms![k] }
    : { value: column.values[k]!, histogram: undefined };
}

export function putElement(column: Column, k: number, element: Element): void {
  if (element.histogram === undefined) setFloat(column, k, element.value);
  else setHistogram(column, k, element.histogram);
}

/** Operates on elements of which at least one is a histogram, or trims. */
export function elementOperation(
  ev: Evaluation,
  op: BinaryOp,
  left: Element,
  right: Element,
  pos: PosRange,
): ElementResult | undefined {
  if (left.histogram === undefined && right.histogram === undefined && op !== '</' && op !== '>/') {
    if (!isComparisonOp(op))
      return {
        value: scalarOperation(op, left.value, right.value),
        histogram: undefined,
        keep: true,
      };
    return { ...left, keep: compares(op, left.value, right.value) };
  }
  const result =
    left.histogram !== undefined && right.histogram !== undefined
      ? histogramPair(ev, op, left.histogram, right.histogram, pos)
      : histogramAndFloat(op, left, right);
  if (result === undefined) noteTypes(ev, op, left, right, pos);
  return result === 'refused' ? undefined : result;
}

function noteTypes(
  ev: Evaluation,
  op: BinaryOp,
  left: Element,
  right: Element,
  pos: PosRange,
): void {
  const kind = (element: Element): string =>
    element.histogram === undefined ? 'float' : 'histogram';
  ev.annotations.info(
    `incompatible sample types encountered for binary operator ${quote(op)}: ` +
      `${kind(left)} ${op} ${kind(right)}`,
    pos,
  );
}

function done(histogram: Histogram): ElementResult {
  return { value: 0, histogram, keep: true };
}

function histogramAndFloat(op: BinaryOp, left: Element, right: Element): ElementResult | undefined {
  if (left.histogram === undefined) {
    if (op !== '*' || right.histogram === undefined) return undefined;
    return done(compactHistogram(scaleHistogram(right.histogram, left.value)));
  }
  if (op === '*') return done(compactHistogram(scaleHistogram(left.histogram, right.value)));
  if (op === '/') return done(compactHistogram(scaleHistogram(left.histogram, right.value, true)));
  if (op === '</') return done(trimHistogram(left.histogram, right.value, 'upper'));
  if (op === '>/') return done(trimHistogram(left.histogram, right.value, 'lower'));
  return undefined;
}

function histogramPair(
  ev: Evaluation,
  op: BinaryOp,
  left: Histogram,
  right: Histogram,
  pos: PosRange,
): ElementResult | 'refused' | undefined {
  if (op === '==' || op === '!=')
    return {
      value: 0,
      histogram: left,
      keep: equalHistograms(left, right) === (op === '=='),
    };
  if (op !== '+' && op !== '-') return undefined;
  const name = op === '+' ? 'addition' : 'subtraction';
  const result = op === '+' ? addHistograms(left, right) : subtractHistograms(left, right);
  if (result === undefined) {
    ev.annotations.warning(`incompatible bucket layout encountered for binary operator ${op}`, pos);
    return 'refused';
  }
  if (result.resetCollision)
    ev.annotations.warning(`conflicting counter resets during histogram ${name}`, pos);
  else if (result.boundsReconciled)
    ev.annotations.info(`mismatched custom buckets were reconciled during ${name}`, pos);
  return { value: 0, histogram: compactHistogram(result.histogram), keep: true };
}

/** Operators that change what the values mean, and with it the metric name. */
export function changesMeaning(op: BinaryOp): boolean {
  return (
    op === '+' ||
    op === '-' ||
    op === '*' ||
    op === '/' ||
    op === '%' ||
    op === '^' ||
    op === 'atan2'
  );
}

/** A vector and a scalar; `swapped`: the scalar stands on the left. */
export async function vectorScalar(
  ev: Evaluation,
  expr: BinaryExpr,
  columns: readonly Column[],
  scalar: Float64Array,
  swapped: boolean,
): Promise<Column[]> {
  const { op, returnBool } = expr;
  const dropsName = changesMeaning(op) || returnBool;
  const out: Column[] = [];
  const passed = newColumn(NO_LABELS, scalar.length, false);
  const made = new NewColumns(scalar.length);
  for (const column of columns) {
    const labels =
      dropsName && !ev.delayedNameRemoval ? dropMetadataLabels(column.labels) : column.labels;
    const dropName = dropsName || column.dropName;
    const isPlain = column.histograms === undefined && op !== '</' && op !== '>/';
    if (isPlain && isComparisonOp(op) && !returnBool) {
      // Many filters leave nothing of most series: what is left alone takes memory.
      if (filterColumn(op, column, scalar, swapped, passed))
        out.push(copyOf(passed, made.next(labels, dropName)));
    } else {
      const result = made.next(labels, dropName);
      if (isPlain) {
        const [left, right] = swapped ? [scalar, column.values] : [column.values, scalar];
        operateFloats(op, left, right, result.values);
        result.present.set(column.present);
      } else elementColumn(ev, expr, column, scalar, swapped, result);
      if (!isEmptyColumn(result)) out.push(result);
    }
    const pause = ev.pause();
    if (pause !== undefined) await pause;
  }
  // Without a name that tells them apart series may be the same.
  if (!dropsName || ev.delayedNameRemoval || (await haveOneMetric(ev, columns))) return out;
  return await mergeSameLabels(ev, out);
}

function copyOf({ present, values }: Column, to: Column): Column {
  to.present.set(present);
  to.values.set(values);
  return to;
}

/** Histograms among others, and operators that are about them. */
function elementColumn(
  ev: Evaluation,
  { op, returnBool, pos }: BinaryExpr,
  column: Column,
  scalar: Float64Array,
  swapped: boolean,
  result: Column,
): void {
  for (let k = 0; k < scalar.length; k++) {
    if (column.present[k] === SLOT_EMPTY) continue;
    const own = elementAt(column, k);
    const other: Element = { value: scalar[k]!, histogram: undefined };
    const element = swapped
      ? elementOperation(ev, op, other, own, pos)
      : elementOperation(ev, op, own, other, pos);
    if (element === undefined) continue;
    if (returnBool) setFloat(result, k, element.keep ? 1 : 0);
    else if (element.keep) putElement(result, k, isComparisonOp(op) ? own : element);
  }
}

/** Fills `result` with what passes; false where nothing does. */
function filterColumn(
  op: BinaryOp,
  { present, values }: Column,
  scalar: Float64Array,
  swapped: boolean,
  result: Column,
): boolean {
  const below = compares(op, swapped ? 1 : 0, swapped ? 0 : 1);
  const same = compares(op, 0, 0);
  const above = compares(op, swapped ? 0 : 1, swapped ? 1 : 0);
  // One of them is no number.
  const unordered = compares(op, Number.NaN, 0);
  let isAny = false;
  for (let k = 0; k < scalar.length; k++) {
    const own = values[k]!;
    const other = scalar[k]!;
    const passes = own < other ? below : own > other ? above : own === other ? same : unordered;
    const isKept = passes && present[k] === SLOT_FLOAT;
    result.present[k] = isKept ? SLOT_FLOAT : SLOT_EMPTY;
    result.values[k] = isKept ? own : 0;
    isAny ||= isKept;
  }
  return isAny;
}
