// The selectors of an expression, for requests that ask about its series and not for its value.
import type { Expr, LabelMatcher } from './ast.ts';
import { childrenOf } from './ast.ts';

/** Matchers of every selector, left to right; a metric name is one of them. */
export function selectorsOf(expr: Expr): readonly (readonly LabelMatcher[])[] {
  if (expr.type === 'VectorSelector') return [expr.matchers];
  return childrenOf(expr).flatMap((child) => selectorsOf(child));
}
