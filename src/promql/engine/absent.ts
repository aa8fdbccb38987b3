// What absent() and absent_over_time() answer. Their labels are those which the selector demands
// exactly and once; a name matched twice or otherwise is left out (Prometheus,
// createLabelsForAbsentFunction).
import { labelsFromPairs, METRIC_NAME } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Expr } from '../ast.ts';
import { newColumn, setFloat } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { SLOT_EMPTY } from './result.ts';

function absentLabels(expr: Expr): Labels {
  if (expr.type === 'MatrixSelector') return absentLabels(expr.selector);
  if (expr.type !== 'VectorSelector') return [];
  const found = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, type, value } of expr.matchers) {
    if (name === METRIC_NAME) continue;
    if (type === '=' && !seen.has(name)) {
      found.set(name, value);
      seen.add(name);
    } else found.delete(name);
  }
  return labelsFromPairs(Array.from(found).flat());
}

/** 1 at every step where none of the columns holds anything; no column where there is no such. */
export async function absentColumns(
  ev: Evaluation,
  expr: Expr,
  columns: readonly Column[],
  count: number,
): Promise<Column[]> {
  const out = newColumn(absentLabels(expr), count, false);
  let isEmpty = true;
  for (let k = 0; k < count; k++) {
    const pause = ev.pause();
    if (pause !== undefined) await pause;
    if (columns.some(({ present }) => present[k] !== SLOT_EMPTY)) continue;
    setFloat(out, k, 1);
    isEmpty = false;
  }
  return isEmpty ? [] : [out];
}
