// Series that an expression selects: for each selector three label sets which its matchers accept,
// with the labels that groupings and joins of the whole expression name, so that both sides of a
// join meet; buckets where a selector looks at a histogram.
import { matcher } from '../../src/model/matcher.ts';
import type { Expr, LabelMatcher, VectorSelector } from '../../src/promql/ast.ts';
import { childrenOf } from '../../src/promql/ast.ts';
import { fittingText } from './fitting-text.ts';

export type SeriesShape = 'gauge' | 'counter' | 'one' | 'bucket';

export interface FittingSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly shape: SeriesShape;
}

const BUCKETS = ['0.1', '0.5', '1', '2.5', '10', '+Inf'];
const VARIANTS = 3;
/** Tried where the walk through a regular expression finds nothing. */
const GUESSES = ['x', '', '500', 'default', 'eth0', 'node-1', '1', '0.5'];

function selectorsOf(expr: Expr): readonly VectorSelector[] {
  if (expr.type === 'VectorSelector') return [expr];
  return childrenOf(expr).flatMap(selectorsOf);
}

function joinLabels(expr: Expr): readonly string[] {
  const own =
    expr.type === 'AggregateExpr' && !expr.without
      ? expr.grouping
      : expr.type === 'BinaryExpr' && expr.matching?.on === true
        ? expr.matching.labels
        : [];
  return [...own, ...childrenOf(expr).flatMap(joinLabels)];
}

function candidates({ type, value }: LabelMatcher): readonly string[] {
  if (type === '=') return [value];
  if (type === '=~') return [fittingText(value), ...GUESSES];
  return ['x', ...GUESSES];
}

/** A label value all matchers of the label accept; undefined: none was found. */
function valueFor(matchers: readonly LabelMatcher[], wished: string): string | undefined {
  const compiled = matchers.map(({ name, type, value }) => matcher(name, type, value));
  const tries = [wished, ...matchers.flatMap(candidates)];
  return tries.find((text) => compiled.every((one) => one.matches(text)));
}

function shapeOf(name: string, isBucket: boolean): SeriesShape {
  if (isBucket) return 'bucket';
  if (/_(?:total|count|sum)$|:(?:rate|sum)/.test(name)) return 'counter';
  return /_info$|_labels$|^up$|_owner$/.test(name) ? 'one' : 'gauge';
}

function variant(
  selector: VectorSelector,
  joins: readonly string[],
  number: number,
): Record<string, string> | undefined {
  const byName = Map.groupBy(selector.matchers, ({ name }) => name);
  const labels: Record<string, string> = {};
  const wished = new Map(joins.map((name) => [name, `v${number % 2}`]));
  if (number === 2) wished.set('extra', 'e2');
  for (const name of new Set([...byName.keys(), ...wished.keys()])) {
    if (name === 'le') continue;
    const value = valueFor(byName.get(name) ?? [], wished.get(name) ?? `w${number}`);
    if (value === undefined) return undefined;
    if (value !== '') labels[name] = value;
  }
  return labels['__name__'] === undefined ? undefined : labels;
}

export function fittingSeries(expr: Expr): readonly FittingSeries[] {
  const joins = [...new Set(joinLabels(expr))].filter((name) => name !== '__name__');
  const out: FittingSeries[] = [];
  for (const selector of selectorsOf(expr)) {
    const les = selector.matchers.filter(({ name }) => name === 'le');
    for (let number = 0; number < VARIANTS; number++) {
      const labels = variant(selector, joins, number);
      if (labels === undefined) continue;
      const name = labels['__name__']!;
      const isBucket = name.endsWith('_bucket') || les.length > 0 || joins.includes('le');
      const shape = shapeOf(name, isBucket);
      if (!isBucket) {
        out.push({ labels, shape });
        continue;
      }
      const own = les.filter(({ type }) => type === '=').map(({ value }) => value);
      for (const le of new Set([...BUCKETS, ...own]))
        out.push({ labels: { ...labels, le }, shape });
    }
  }
  return out;
}
