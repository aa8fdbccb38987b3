// Selectors lowered to leaf plans, and what a leaf cannot say (raw samples of a range vector).
// Offsets and @ are applied here: a plan's times are data times, its slots are the steps of the
// grid.
import { RegexError } from '../../codec/regex.ts';
import { KIND, NUMERIC_KINDS } from '../../model/columns.ts';
import type { KindMask } from '../../model/columns.ts';
import type { Labels } from '../../model/labels.ts';
import { AppError } from '../../model/errors.ts';
import { matcher } from '../../model/matcher.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { LeafGrouping, LeafKernel, LeafPlan, LeafResult } from '../../model/storage.ts';
import { gatherSamples } from '../../windows/samples.ts';
import type { SeriesSamples } from '../../windows/samples.ts';
import type { StepGrid } from '../../windows/sliding.ts';
import type { LabelMatcher, PosRange, VectorSelector } from '../ast.ts';
import { printExpr } from '../printer.ts';
import { repeatValue } from './column.ts';
import type { Column } from './column.ts';
import type { Evaluation } from './context.ts';
import { SAMPLE_BYTES } from './limits.ts';
import { addNote } from './notes.ts';
import { atTimeUs, durationUs } from './prepare.ts';

export const QUERY_KINDS = NUMERIC_KINDS | (1 << KIND.histogram);

/** Throws AppError 'bad-matcher' where a pattern is refused. */
export function compileMatchers(matchers: readonly LabelMatcher[]): Matcher[] {
  return matchers.map(({ name, type, value }) => {
    try {
      return matcher(name, type, value);
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      throw new AppError('invalid', 'bad-matcher', error.message, { cause: error });
    }
  });
}

/** Data times of a selector over a grid. With @ every step looks at the same time. */
export function dataGrid(ev: Evaluation, selector: VectorSelector, grid: StepGrid): StepGrid {
  const offsetUs = durationUs(selector.offset, ev.times, true);
  const atUs = atTimeUs(selector.at, ev.times);
  if (atUs !== undefined) return { startUs: atUs - offsetUs, stepUs: 0, count: grid.count };
  return { ...grid, startUs: grid.startUs - offsetUs };
}

export interface LeafRequest {
  readonly selector: VectorSelector;
  readonly kernel: LeafKernel;
  /** 0: the instant selector. */
  readonly windowUs: number;
  readonly args: readonly Float64Array[];
  readonly grouping: LeafGrouping | undefined;
  /** QUERY_KINDS where it is not given. */
  readonly kinds?: KindMask;
  /** Where annotations of the kernel and of the aggregation point. */
  readonly kernelPos: PosRange;
  readonly aggregationPos: PosRange;
}

/** Runs a leaf over the grid; with @ once, repeated for every step. */
export async function runLeaf(
  ev: Evaluation,
  request: LeafRequest,
  grid: StepGrid,
): Promise<Column[]> {
  const data = dataGrid(ev, request.selector, grid);
  const isFixed = request.selector.at !== undefined;
  const plan: LeafPlan = {
    matchers: compileMatchers(request.selector.matchers),
    startUs: data.startUs,
    endUs: isFixed ? data.startUs : data.startUs + (grid.count - 1) * grid.stepUs,
    stepUs: isFixed || grid.count === 1 ? 0 : grid.stepUs,
    windowUs: request.windowUs,
    lookbackUs: ev.lookbackUs,
    bounds: 'left-open',
    kernel: request.kernel,
    args: request.args,
    grouping: request.grouping,
    kinds: request.kinds ?? QUERY_KINDS,
  };
  ev.trace?.beginNode('Leaf', leafText(request), plan.stepUs === 0 ? 1 : grid.count);
  const result = await ev.storage.runLeaf(ev.context, plan);
  ev.countRead(result.seriesRead, result.samplesRead);
  ev.trace?.end(result.groups.length);
  for (const note of result.annotations)
    addNote(ev.annotations, note, {
      kernel: request.kernelPos,
      aggregation: request.aggregationPos,
    });
  const columns = toColumns(result);
  ev.countSlots(columns.length * result.stepCount);
  if (!isFixed || grid.count === 1) return columns;
  ev.takeColumns(columns.length, grid.count);
  const repeated = repeatValue({ kind: 'vector', columns }, grid.count);
  return repeated.kind === 'vector' ? repeated.columns : [];
}

/** What a leaf computes: `sum by (job) of rate over 300 s of m{a="b"}`. */
function leafText({ selector, kernel, windowUs, grouping }: LeafRequest): string {
  const window = windowUs === 0 ? '' : ` over ${windowUs / 1e6} s`;
  const text = `${kernel}${window} of ${printExpr(selector)}`;
  if (grouping === undefined) return text;
  return `${grouping.aggregation} ${grouping.mode} (${grouping.labels.join(', ')}) of ${text}`;
}

function toColumns(result: LeafResult): Column[] {
  return result.groups.map(({ labels, present, values, histograms }) => ({
    labels,
    present,
    values,
    histograms: histograms === undefined ? undefined : [...histograms],
    dropName: false,
  }));
}

export function instantSelector(
  ev: Evaluation,
  selector: VectorSelector,
  grid: StepGrid,
  kernel: 'last' | 'timestamp',
): Promise<Column[]> {
  return runLeaf(ev, instantRequest(selector, kernel, undefined, selector.pos), grid);
}

export function instantRequest(
  selector: VectorSelector,
  kernel: 'last' | 'timestamp',
  grouping: LeafGrouping | undefined,
  aggregationPos: PosRange,
): LeafRequest {
  return {
    selector,
    kernel,
    windowUs: 0,
    args: [],
    grouping,
    kernelPos: selector.pos,
    aggregationPos,
  };
}

export interface RawSeries {
  readonly labels: Labels;
  readonly samples: SeriesSamples;
  readonly dropName: boolean;
}

/** Samples with startUs <= t <= endUs, staleness markers left out, copied out of the storage. */
export async function selectRaw(
  ev: Evaluation,
  selector: VectorSelector,
  range: { readonly startUs: number; readonly endUs: number },
): Promise<RawSeries[]> {
  const out: RawSeries[] = [];
  const request = {
    matchers: compileMatchers(selector.matchers),
    kinds: QUERY_KINDS,
    ...range,
  };
  ev.trace?.beginNode('Select', printExpr(selector), 0);
  for await (const series of ev.storage.select(ev.context, request)) {
    ev.context.signal.throwIfAborted();
    const samples = gatherSamples(series.chunks, false);
    ev.countRead(1, samples.count + (samples.histograms?.count ?? 0));
    if (samples.count === 0 && samples.histograms === undefined) continue;
    ev.context.budget.take(samples.count * SAMPLE_BYTES);
    out.push({ labels: series.labels, samples: ownSamples(samples), dropName: false });
  }
  ev.trace?.end(out.length);
  return out;
}

/** Floats may be borrowed from the storage until the next series: copies them. */
function ownSamples(samples: SeriesSamples): SeriesSamples {
  return {
    ...samples,
    tUs: samples.tUs.slice(0, samples.count),
    values: samples.values.slice(0, samples.count),
    startUs: samples.startUs?.slice(0, samples.count),
  };
}
