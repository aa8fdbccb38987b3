/**
 * In which order completion offers what matches a text equally well: what is used most first, then
 * by the alphabet.
 */
const COMMON: readonly string[] = [
  'rate',
  'increase',
  'irate',
  'delta',
  'sum',
  'avg',
  'max',
  'min',
  'count',
  'topk',
  'histogram_quantile',
  'quantile',
  'avg_over_time',
  'max_over_time',
  'min_over_time',
  'sum_over_time',
  'by',
  'without',
  'on',
  'label_replace',
];

function rank(label: string): number {
  const index = COMMON.indexOf(label);
  return index < 0 ? COMMON.length : index;
}

export function compareByUse(a: { readonly label: string }, b: { readonly label: string }): number {
  return rank(a.label) - rank(b.label) || a.label.localeCompare(b.label);
}
