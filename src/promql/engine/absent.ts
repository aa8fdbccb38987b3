// Labels that absent() and absent_over_time() answer: those which the selector demands exactly and
// once. A name matched twice or otherwise is left out (Prometheus, createLabelsForAbsentFunction).
import { labelsFromPairs, METRIC_NAME } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Expr } from '../ast.ts';

export function absentLabels(expr: Expr): Labels {
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
