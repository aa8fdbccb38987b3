// A leaf for one instant over one shard: of each series the newest sample, read where it lies and
// added to groups that are told apart by symbols. Labels are made once a group. Where the order of
// the series does not matter, they are read in the order of memory and nothing is sorted. Series
// whose newest sample cannot be told at sight (objects, companions, deletes that may hide it) go
// the general way, one by one.
import type { SeriesRef } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { LeafGroup, LeafPlan, LeafResult, ReadContext } from '../model/storage.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { KernelRun } from '../windows/kernels.ts';
import { InstantGroups, InstantSeries, isOrderFree } from '../windows/leaf-instant.ts';
import { metricOf } from '../windows/leaf-sink.ts';
import { Slices } from '../windows/leaf-slices.ts';
import { gatherSamples } from '../windows/samples.ts';
import { stepGrid } from '../windows/sliding.ts';
import { StepColumn } from '../windows/step-column.ts';
import { TOUCH_SERIES } from './head.ts';
import { HeadLook } from './head-look.ts';
import { slotOf } from './refs.ts';
import { resolveSources } from './samples.ts';
import type { Source } from './samples.ts';
import type { Scan } from './scan.ts';
import { headSources, nearDeletes } from './select.ts';
import type { Delete } from './deletes.ts';
import { SeriesGroups } from './series-groups.ts';
import { SlotTests } from './slot-tests.ts';

const US_PER_SEC = 1e6;
const SLOT_HISTOGRAM = 2;

export interface InstantLeafOptions {
  /** Over [t - lookback, t]. */
  readonly scan: Scan;
  readonly context: ReadContext;
  readonly plan: LeafPlan;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/** undefined where parts have to be read too. */
export async function runInstantLeaf(options: InstantLeafOptions): Promise<LeafResult | undefined> {
  const { range, view } = options.scan;
  const { parts } = view;
  const isInParts = parts.some(({ row }) => row.minUs <= range.endUs && row.maxUs >= range.startUs);
  if (isInParts) return undefined;
  const leaf = new InstantLeaf(options);
  await leaf.readHead();
  return leaf.result();
}

class InstantLeaf {
  readonly #options: InstantLeafOptions;
  readonly #scan: Scan;
  readonly #slices: Slices;
  readonly #run: KernelRun;
  readonly #column = new StepColumn(1);
  readonly #look: HeadLook;
  readonly #near: readonly Delete[][];
  /** Series that a delete may hide samples of. */
  readonly #hidden: readonly SlotTests[];
  readonly #wantsTime: boolean;
  /** A sample at or before it is not in the window. */
  readonly #afterUs: number;
  readonly #tables: SeriesGroups | undefined;
  readonly #groups: InstantGroups | undefined;
  readonly #series: InstantSeries;
  #seriesRead = 0;
  #samplesRead = 0;

  constructor(options: InstantLeafOptions) {
    const { scan, context, plan, clock, scheduler } = options;
    this.#options = options;
    this.#scan = scan;
    this.#slices = new Slices(clock, scheduler);
    const grid = stepGrid(plan.startUs, plan.endUs, plan.stepUs);
    this.#run = new KernelRun({ ...plan, grid });
    this.#look = new HeadLook(scan.range, plan.kinds);
    this.#near = nearDeletes(scan);
    const { tables } = scan.index;
    this.#hidden = [...new Set(this.#near.flat())].map(
      ({ matchers }) => new SlotTests(tables, matchers),
    );
    this.#wantsTime = plan.kernel === 'timestamp';
    this.#afterUs = plan.startUs - plan.lookbackUs;
    const { grouping } = plan;
    this.#tables = grouping && new SeriesGroups(tables, grouping);
    this.#groups = grouping && new InstantGroups(grouping.aggregation, context);
    this.#series = new InstantSeries(context);
  }

  result(): LeafResult {
    const groups: readonly LeafGroup[] =
      this.#groups?.finish((group) => this.#tables!.labelsOf(group)) ?? this.#series.groups;
    return {
      stepCount: 1,
      groups,
      annotations: this.#groups?.notes.all() ?? [],
      seriesRead: this.#seriesRead,
      samplesRead: this.#samplesRead,
    };
  }

  async readHead(): Promise<void> {
    const { index, tenant, matchers, range } = this.#scan;
    if (!(range.startUs <= range.endUs)) return;
    const isUnordered = isOrderFree(this.#options.plan.grouping?.aggregation);
    const few = isUnordered ? index.selectFew(tenant, matchers) : undefined;
    if (isUnordered && few === undefined) return this.#readSlots();
    return this.#readRefs(few ?? index.select(tenant, matchers));
  }

  /** Series in the order of their slots. */
  async #readSlots(): Promise<void> {
    const { index, tenant, matchers } = this.#scan;
    const { rows } = index.tables;
    const owner = index.ownerNumber(tenant);
    const tests = new SlotTests(index.tables, matchers);
    if (owner === undefined || tests.isImpossible) return;
    const { slotEnd } = rows;
    for (let from = 0; from < slotEnd; from += TOUCH_SERIES) {
      const to = Math.min(from + TOUCH_SERIES, slotEnd);
      for (let slot = from; slot < to; slot++)
        if (rows.ownerOf(slot) === owner && tests.accepts(slot))
          this.#readHeadSeries(rows.refAt(slot));
      await this.#turn();
    }
  }

  async #readRefs(refs: Uint32Array): Promise<void> {
    const { generations } = this.#scan.view;
    for (let from = 0; from < refs.length; from += TOUCH_SERIES) {
      const to = Math.min(from + TOUCH_SERIES, refs.length);
      for (const generation of generations) generation.touch(refs, from, to);
      for (let i = from; i < to; i++) this.#readHeadSeries(refs[i]!);
      await this.#turn();
    }
  }

  async #turn(): Promise<void> {
    const pause = this.#slices.pause();
    if (pause === undefined) return;
    await pause;
    this.#scan.check();
  }

  #readHeadSeries(ref: SeriesRef): void {
    const { view, moment } = this.#scan;
    const look = this.#look;
    look.reset();
    for (const generation of view.generations) generation.look(ref, moment, look);
    if (!look.isFound) return;
    const slot = slotOf(ref);
    if (look.isUnclear || this.#hidden.some((tests) => tests.accepts(slot))) {
      const sources = headSources(this.#scan, ref, this.#near);
      this.#readSources(ref, sources);
      return;
    }
    this.#seriesRead++;
    this.#samplesRead++;
    if (!look.isStale && look.tUs > this.#afterUs) {
      const value = this.#wantsTime ? look.tUs / US_PER_SEC : look.value;
      if (this.#groups === undefined) this.#series.add(this.#labelsOf(ref), value);
      else this.#groups.addFloat(this.#tables!.groupOf(slot), value);
    }
    this.#groups?.end();
  }

  #labelsOf(ref: SeriesRef): Labels {
    return this.#scan.index.labelsOf(ref);
  }

  /** By the kernel, over all samples. */
  #readSources(ref: SeriesRef, sources: readonly Source[]): void {
    const { kinds } = this.#options.plan;
    const chunks = resolveSources(sources).filter(({ kind }) => (kinds & (1 << kind)) !== 0);
    if (chunks.length === 0) return;
    const samples = gatherSamples(chunks, true);
    this.#seriesRead++;
    this.#samplesRead += samples.count + (samples.histograms?.count ?? 0);
    const column = this.#column;
    this.#run.run(samples, column, () => undefined);
    if (column.present[0] !== 0) this.#addSlot(ref, column);
    column.reset();
    this.#groups?.end();
  }

  #addSlot(ref: SeriesRef, { present, values, histograms }: StepColumn): void {
    const value = values[0]!;
    const histogram = present[0] === SLOT_HISTOGRAM ? histograms?.[0] : undefined;
    if (this.#groups === undefined) {
      if (histogram === undefined) this.#series.add(this.#labelsOf(ref), value);
      else this.#series.addHistogram(this.#labelsOf(ref), histogram);
      return;
    }
    const group = this.#tables!.groupOf(slotOf(ref));
    if (histogram === undefined) this.#groups.addFloat(group, value);
    else {
      this.#groups.notes.metric = metricOf(this.#labelsOf(ref));
      this.#groups.addHistogram(group, histogram);
    }
  }
}
