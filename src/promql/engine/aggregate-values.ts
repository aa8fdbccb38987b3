// count_values: series counted by their value, which becomes a label.
import { labelsKey, withLabel } from '../../model/labels.ts';
import { groupingLabels } from '../../windows/leaf-sink.ts';
import type { AggregateExpr } from '../ast.ts';
import { formatFloat, quote } from '../text.ts';
import { newColumn, setFloat } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { executionError } from './errors.ts';
import { histogramText } from './histogram-text.ts';
import { isLabelName } from './label-functions.ts';
import { unwrap } from './prepare.ts';
import { SLOT_EMPTY, SLOT_FLOAT } from './result.ts';

export async function countValues(
  ev: Evaluation,
  expr: AggregateExpr,
  columns: readonly Column[],
  count: number,
): Promise<Column[]> {
  const param = unwrap(expr.param!);
  const label = param.type === 'StringLiteral' ? param.value : '';
  if (!isLabelName(label)) throw executionError(`invalid label name ${quote(label)}`);
  const grouping = {
    mode: expr.without ? ('without' as const) : ('by' as const),
    labels: expr.without ? expr.grouping : [...expr.grouping, label],
  };
  const out = new Map<string, Column>();
  for (const column of columns) {
    const pause = ev.pause();
    if (pause !== undefined) await pause;
    for (let k = 0; k < count; k++) {
      if (column.present[k] === SLOT_EMPTY) continue;
      const text =
        column.present[k] === SLOT_FLOAT
          ? formatFloat(column.values[k]!)
          : histogramText(column.histograms![k]!);
      const labels = groupingLabels(withLabel(column.labels, label, text), grouping);
      const key = labelsKey(labels);
      let result = out.get(key);
      if (result === undefined) {
        ev.takeColumns(1, count);
        result = newColumn(labels, count, false);
        out.set(key, result);
      }
      setFloat(result, k, result.present[k] === SLOT_FLOAT ? result.values[k]! + 1 : 1);
    }
  }
  return Array.from(out.values());
}
