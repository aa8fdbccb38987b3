// A range vector as the answer of an instant query: the samples themselves, with their own times.
import type { Histogram } from '../../model/histogram.ts';
import { extendedSamples } from '../../windows/extended.ts';
import type { SeriesSamples } from '../../windows/samples.ts';
import type { StepGrid, WindowShape } from '../../windows/sliding.ts';
import { compareLabels } from '../../model/labels.ts';
import type { MatrixSelector, SubqueryExpr } from '../ast.ts';
import type { Evaluation } from './context.ts';
import { dropMetadataLabels } from './column.ts';
import { durationUs } from './prepare.ts';
import { SLOT_FLOAT, SLOT_HISTOGRAM } from './result.ts';
import type { EvalSeries } from './result.ts';
import { dataGrid, selectRaw } from './selector.ts';
import type { RawSeries } from './selector.ts';
import { subqueryGrid, subquerySeries } from './subquery.ts';

/** Exclusive start of a window as an inclusive bound: times are whole microseconds. */
const NEXT_US = 1;

/** A range vector is one step that looks at all that it answers. */
const EVERYTHING: WindowShape = {
  beforeUs: Infinity,
  afterUs: Infinity,
  includesStart: true,
  includesEnd: true,
};

export async function rangeVector(
  ev: Evaluation,
  expr: MatrixSelector | SubqueryExpr,
  grid: StepGrid,
): Promise<EvalSeries[]> {
  const windowUs = durationUs(expr.range, ev.times, false);
  const isSubquery = expr.type === 'SubqueryExpr';
  const data = isSubquery ? subqueryGrid(ev, expr, grid) : dataGrid(ev, expr.selector, grid);
  const range = { startUs: data.startUs - windowUs, endUs: data.startUs };
  const series = isSubquery
    ? [...(await subquerySeries(ev, expr, grid, true))]
    : await selectorSeries(ev, expr, range);
  if (!isSubquery)
    for (const { samples } of series)
      ev.counted?.addWindows(samples, { ...data, count: 1 }, EVERYTHING, true);
  return series
    .map((one) => toSeries(one, ev.delayedNameRemoval))
    .filter(({ present }) => present.length > 0)
    .toSorted((a, b) => compareLabels(a.labels, b.labels));
}

async function selectorSeries(
  ev: Evaluation,
  { selector }: MatrixSelector,
  range: { readonly startUs: number; readonly endUs: number },
): Promise<RawSeries[]> {
  const { anchored, smoothed } = selector;
  if (!anchored && !smoothed)
    return selectRaw(ev, selector, { ...range, startUs: range.startUs + NEXT_US });
  const raw = await selectRaw(ev, selector, {
    startUs: range.startUs - ev.lookbackUs + NEXT_US,
    endUs: range.endUs + (smoothed ? ev.lookbackUs : 0),
  });
  const out: RawSeries[] = [];
  for (const series of raw) {
    const floats = extendedSamples(series.samples, range, smoothed ? 'smoothed' : 'anchored');
    if (floats === undefined) continue;
    const samples = { ...series.samples, ...floats, count: floats.tUs.length };
    out.push({ ...series, samples });
  }
  return out;
}

function toSeries({ labels, samples, dropName }: RawSeries, isDelayed: boolean): EvalSeries {
  const own = isDelayed && dropName ? dropMetadataLabels(labels) : labels;
  const others = samples.histograms;
  if (others === undefined)
    return {
      labels: own,
      present: new Uint8Array(samples.count).fill(SLOT_FLOAT),
      values: samples.values.subarray(0, samples.count),
      histograms: undefined,
      tUs: samples.tUs.subarray(0, samples.count),
    };
  return mergeKinds(own, samples, others);
}

function mergeKinds(
  labels: EvalSeries['labels'],
  samples: SeriesSamples,
  others: NonNullable<SeriesSamples['histograms']>,
): EvalSeries {
  const count = samples.count + others.count;
  const present = new Uint8Array(count);
  const values = new Float64Array(count);
  const tUs = new Float64Array(count);
  const histograms = Array.from<Histogram | undefined>({ length: count });
  let f = 0;
  let h = 0;
  for (let i = 0; i < count; i++) {
    const takesFloat = h >= others.count || (f < samples.count && samples.tUs[f]! < others.tUs[h]!);
    present[i] = takesFloat ? SLOT_FLOAT : SLOT_HISTOGRAM;
    tUs[i] = takesFloat ? samples.tUs[f]! : others.tUs[h]!;
    if (takesFloat) values[i] = samples.values[f++]!;
    else histograms[i] = others.values[h++];
  }
  return { labels, present, values, histograms, tUs };
}
