// Sentences for the annotation codes of window kernels and group sums (src/windows).
import type { LeafAnnotation } from '../../model/storage.ts';
import { UNSURE_SUM } from '../../windows/groups.ts';
import type { PosRange } from '../ast.ts';
import { quote } from '../text.ts';
import type { Annotations } from './annotations.ts';

type Sentence = (metric: string) => string;

const MIX = 'encountered a mix of histograms and floats for';
const SCHEMAS =
  'vector contains a mix of histograms with exponential and custom buckets schemas for metric name';

const SENTENCES: ReadonlyMap<string, Sentence> = new Map<string, Sentence>([
  ['mixed-floats-histograms', (metric) => `${MIX} metric name ${quote(metric)}`],
  [
    'histogram-ignored-in-range',
    (metric) =>
      'ignored histograms in a range containing both floats and histograms ' +
      `for metric name ${quote(metric)}`,
  ],
  ['histogram-not-counter', (m) => `this native histogram metric is not a counter: ${quote(m)}`],
  ['histogram-not-gauge', (m) => `this native histogram metric is not a gauge: ${quote(m)}`],
  ['mixed-exponential-custom', (metric) => `${SCHEMAS} ${quote(metric)}`],
  [
    'start-time-overlap',
    (metric) =>
      'sample has start time that overlaps with previous sample timestamp ' +
      `for metric ${quote(metric)}`,
  ],
  ['aggregation-mixed-floats-histograms', () => `${MIX} aggregation`],
  ['aggregation-mixed-exponential-custom', (metric) => `${SCHEMAS} ${quote(metric)}`],
]);

const PREFIXED: readonly (readonly [string, string])[] = [
  ['mismatched-custom-buckets-', 'mismatched custom buckets were reconciled during '],
  ['counter-reset-collision-', 'conflicting counter resets during histogram '],
];

function sentenceOf(code: string, metric: string): string {
  const known = SENTENCES.get(code);
  if (known !== undefined) return known(metric);
  const ignored = /^aggregation-histogram-ignored-(.+)$/.exec(code);
  if (ignored !== null) return `ignored histogram in ${ignored[1]} aggregation`;
  for (const [prefix, text] of PREFIXED) {
    const at = code.indexOf(prefix);
    if (at >= 0) return text + code.slice(at + prefix.length);
  }
  return code;
}

/** Adds a kernel's annotation; `aggregation-…` codes belong to the aggregation's own argument. */
export function addNote(
  annotations: Annotations,
  note: LeafAnnotation,
  at: { readonly kernel: PosRange; readonly aggregation: PosRange },
): void {
  if (note.code === UNSURE_SUM) {
    annotations.dependsOnRange = true;
    return;
  }
  if (note.code.includes('neighbour-') && !annotations.tellsNeighbourResets) return;
  const isAggregation = note.code.startsWith('aggregation-');
  const pos = isAggregation ? at.aggregation : at.kernel;
  annotations.add(note.level, sentenceOf(note.code, note.metric), pos);
}
