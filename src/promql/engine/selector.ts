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
import { windowShape } from '../../windows/sliding.ts';
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

/** Of selectors that somebody holds: estimate and leaf ask for the same, and so does the next. */
const compiled = new WeakMap<readonly LabelMatcher[], readonly Matcher[]>();

/** Throws AppError 'bad-matcher' where a pattern is refused. */
export function compileMatchers(matchers: readonly LabelMatcher[]): readonly Matcher[] {
  let own = compiled.get(matchers);
  if (own === undefined) compiled.set(matchers, (own = matchers.map(compileMatcher)));
  return own;
}

function compileMatcher({ name, type, value }: LabelMatcher): Matcher {
  try {
    return matcher(name, type, value);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new AppError('invalid', 'bad-matcher', error.message, { cause: error });
  }
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
  if (ev.counted?.isCounting === true) await countLeaf(ev, plan, columns, grid);
  ev.countSlots(columns.length * result.stepCount);
  if (!isFixed || grid.count === 1) return columns;
  ev.takeColumns(columns.length, grid.count);
  const repeated = await repeatValue(ev, { kind: 'vector', columns }, grid.count);
  return repeated.kind === 'vector' ? repeated.columns : [];
}

const ALL_SERIES = { mode: 'by', labels: [] } as const;

/** Counts what a leaf looks at: from its values, or by running it once more as a count. */
async function countLeaf(
  ev: Evaluation,
  plan: LeafPlan,
  columns: readonly Column[],
  grid: StepGrid,
): Promise<void> {
  const counted = ev.counted!;
  const isInstant = plan.windowUs === 0;
  if (isInstant && plan.grouping === undefined)
    return counted.addColumns(columns, plan.kernel === 'timestamp');
  if (isInstant) return countInstants(ev, plan);
  const { windowUs } = plan;
  const numbers = { ...plan, kinds: plan.kinds & NUMERIC_KINDS };
  const total = await windowCounts(ev, numbers);
  const isOverlapping = plan.stepUs > 0 && plan.stepUs < windowUs;
  const fresh = isOverlapping
    ? await windowCounts(ev, { ...numbers, windowUs: plan.stepUs })
    : total;
  for (let k = 0; k < grid.count; k++) {
    const at = plan.stepUs === 0 ? 0 : k;
    const isFirst = k === 0 && !counted.isContinued;
    const read = isFirst ? total[at]! : plan.stepUs === 0 ? 0 : fresh[at]!;
    counted.add(k, total[at]!, read);
  }
  await countHistograms(ev, plan, grid);
}

/** Series of an aggregation by step; one by one where there are histograms. */
async function countInstants(ev: Evaluation, plan: LeafPlan): Promise<void> {
  const counting = { ...plan, grouping: { aggregation: 'count', ...ALL_SERIES } } as const;
  const kinds = plan.kinds & (1 << KIND.histogram);
  const histograms = await ev.storage.runLeaf(ev.context, { ...counting, kinds });
  if (histograms.groups.length > 0) {
    const alone = await ev.storage.runLeaf(ev.context, { ...plan, grouping: undefined });
    return ev.counted!.addColumns(toColumns(alone));
  }
  const { groups } = await ev.storage.runLeaf(ev.context, counting);
  for (const { values } of groups)
    for (const [k, count] of values.entries()) ev.counted!.add(k, count, count);
}

/** Samples of all series in the window of each step. */
async function windowCounts(ev: Evaluation, plan: LeafPlan): Promise<Float64Array> {
  const grouping = { aggregation: 'sum', ...ALL_SERIES } as const;
  const counting = { ...plan, kernel: 'count', args: [], grouping } as const;
  const { groups, stepCount } = await ev.storage.runLeaf(ev.context, counting);
  const [sum] = groups;
  return sum === undefined ? new Float64Array(stepCount) : sum.values;
}

/** Histograms count by their size, so they are looked at one by one. */
async function countHistograms(ev: Evaluation, plan: LeafPlan, grid: StepGrid): Promise<void> {
  const { matchers, startUs, endUs, stepUs, windowUs } = plan;
  const kinds = plan.kinds & (1 << KIND.histogram);
  const request = { matchers, kinds, startUs: startUs - windowUs, endUs };
  const data = { startUs, stepUs, count: grid.count };
  const shape = windowShape('left-open', windowUs);
  for await (const series of ev.storage.select(ev.context, request)) {
    ev.context.signal.throwIfAborted();
    ev.counted!.addWindows(gatherSamples(series.chunks, false), data, shape, true);
  }
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
    const pause = ev.pause();
    if (pause !== undefined) await pause;
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
