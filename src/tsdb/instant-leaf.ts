// A leaf for one instant over one shard: of each series the newest sample, read where it lies and
// added to groups that are told apart by symbols. Labels are made once a group. Parts and head are
// lanes (instant-lane.ts) that are merged in label order; one lane alone needs no labels, and where
// the order of the series does not matter, the head is read in the order of memory and nothing is
// sorted. Series whose newest sample cannot be told at sight (objects, companions, deletes that may
// hide it) go the general way, one by one.
import type { LeafPlan, LeafResult, ReadContext } from '../model/storage.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { KernelRun } from '../windows/kernels.ts';
import { InstantGroups, InstantSeries, isOrderFree } from '../windows/leaf-instant.ts';
import { metricOf } from '../windows/leaf-sink.ts';
import { Slices } from '../windows/leaf-slices.ts';
import { gatherSamples } from '../windows/samples.ts';
import { stepGrid } from '../windows/sliding.ts';
import { StepColumn } from '../windows/step-column.ts';
import { headFeed, HeadLane } from './head-lane.ts';
import { GroupNumbers, SEEN } from './instant-lane.ts';
import type { InstantLane } from './instant-lane.ts';
import { LaneMerge } from './lane-merge.ts';
import type { LaneRow } from './lane-merge.ts';
import { INSTANT_BATCH_SERIES } from './limits.ts';
import { openPartLane } from './part-lane.ts';
import { resolveSources } from './samples.ts';
import type { Source } from './samples.ts';
import type { Scan } from './scan.ts';
import { SeriesGroups } from './series-groups.ts';

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

export async function runInstantLeaf(options: InstantLeafOptions): Promise<LeafResult> {
  const leaf = new InstantLeaf(options);
  await leaf.read();
  return leaf.result();
}

class InstantLeaf {
  readonly #options: InstantLeafOptions;
  readonly #scan: Scan;
  readonly #slices: Slices;
  readonly #run: KernelRun;
  readonly #column = new StepColumn(1);
  readonly #wantsTime: boolean;
  /** A sample at or before it is not in the window. */
  readonly #afterUs: number;
  readonly #numbers = new GroupNumbers();
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
    this.#wantsTime = plan.kernel === 'timestamp';
    this.#afterUs = plan.startUs - plan.lookbackUs;
    this.#groups = plan.grouping && new InstantGroups(plan.grouping.aggregation, context);
    this.#series = new InstantSeries(context);
  }

  result(): LeafResult {
    return {
      stepCount: 1,
      groups: this.#groups?.finish((group) => this.#numbers.labelsOf(group)) ?? this.#series.groups,
      annotations: this.#groups?.notes.all() ?? [],
      seriesRead: this.#seriesRead,
      samplesRead: this.#samplesRead,
    };
  }

  async read(): Promise<void> {
    const { range, view } = this.#scan;
    if (!(range.startUs <= range.endUs)) return;
    const parts = view.parts
      .map((part, priority) => ({ part, priority }))
      .filter(({ part: { row } }) => row.minUs <= range.endUs && row.maxUs >= range.startUs);
    const laneCount = parts.length + Number(view.generations.some((one) => !one.isEmpty));
    const lanes: InstantLane[] = [];
    for (const { part, priority } of parts) {
      this.#scan.check();
      const lane = await this.#partLane(part, priority, laneCount > 1);
      if (lane !== undefined) lanes.push(lane);
    }
    if (laneCount > parts.length) lanes.push(this.#headLane(lanes.length > 0));
    if (lanes.length === 1) await this.#readOne(lanes[0]!);
    else await this.#readMerged(lanes);
  }

  #partLane(
    part: Scan['view']['parts'][number],
    priority: number,
    isMerged: boolean,
  ): ReturnType<typeof openPartLane> {
    const { grouping, kinds } = this.#options.plan;
    return openPartLane({
      scan: this.#scan,
      part,
      priority,
      kinds,
      wants: isOrderFree(grouping?.aggregation) || this.#wantsTime ? 'times' : 'values',
      wantsLabels: isMerged || grouping === undefined,
      grouping,
      numbers: this.#numbers,
    });
  }

  #headLane(isMerged: boolean): InstantLane {
    const { grouping, kinds } = this.#options.plan;
    const groups = grouping && new SeriesGroups(this.#scan.index.tables, grouping, this.#numbers);
    const isOrdered = isMerged || !isOrderFree(grouping?.aggregation);
    const feed = headFeed(this.#scan, isOrdered);
    return new HeadLane({ scan: this.#scan, feed, kinds, isExistence: false, groups });
  }

  async #turn(): Promise<void> {
    const pause = this.#slices.pause();
    if (pause !== undefined) await pause;
    this.#scan.check();
  }

  async #readOne(lane: InstantLane): Promise<void> {
    const { batch } = lane;
    while (await lane.next()) {
      for (let row = 0; row < batch.count; row++) {
        const state = batch.states[row]!;
        if (state === SEEN.unclear) await this.#readGeneral([{ lane, row }]);
        else if (state !== SEEN.nothing) this.#add(lane, row);
      }
      await this.#turn();
    }
  }

  /** Series by series in label order; rows of one series are one. */
  async #readMerged(lanes: readonly InstantLane[]): Promise<void> {
    const merge = new LaneMerge(lanes);
    const { rows } = merge;
    for (let count = 1; ; count++) {
      if (count % INSTANT_BATCH_SERIES === 0) await this.#turn();
      const found = merge.next();
      if (!(typeof found === 'boolean' ? found : await found)) return;
      let newest = rows[0]!;
      let isUnclear = false;
      for (let i = 0; i < rows.length; i++) {
        const one = rows[i]!;
        if (one.lane.batch.states[one.row] === SEEN.unclear) isUnclear = true;
        // Of equal times the later source wins.
        if (one.lane.batch.tUs[one.row]! >= newest.lane.batch.tUs[newest.row]!) newest = one;
      }
      if (isUnclear) await this.#readGeneral(rows);
      else this.#add(newest.lane, newest.row);
    }
  }

  #add(lane: InstantLane, row: number): void {
    const { batch } = lane;
    const tUs = batch.tUs[row]!;
    this.#seriesRead++;
    this.#samplesRead++;
    if (batch.states[row] === SEEN.value && tUs > this.#afterUs) {
      const value = this.#wantsTime ? tUs / US_PER_SEC : batch.values[row]!;
      if (this.#groups === undefined) this.#series.add(lane.labels(row), value);
      else this.#groups.addFloat(batch.groups[row]!, value);
    }
    this.#groups?.end();
  }

  /** By the kernel, over all samples of the rows of one series. */
  async #readGeneral(rows: readonly LaneRow[]): Promise<void> {
    const sources: Source[] = [];
    for (const { lane, row } of rows) sources.push(...(await lane.sources(row)));
    const { kinds } = this.#options.plan;
    const chunks = resolveSources(sources).filter(({ kind }) => (kinds & (1 << kind)) !== 0);
    if (chunks.length === 0) return;
    const samples = gatherSamples(chunks, true);
    this.#seriesRead++;
    this.#samplesRead += samples.count + (samples.histograms?.count ?? 0);
    const column = this.#column;
    this.#run.run(samples, column, () => undefined);
    if (column.present[0] !== 0) await this.#addSlot(rows[0]!, column);
    column.reset();
    this.#groups?.end();
  }

  async #addSlot({ lane, row }: LaneRow, column: StepColumn): Promise<void> {
    const { present, values, histograms } = column;
    const histogram = present[0] === SLOT_HISTOGRAM ? histograms?.[0] : undefined;
    const group = lane.batch.groups[row]!;
    if (histogram === undefined && this.#groups !== undefined) {
      this.#groups.addFloat(group, values[0]!);
      return;
    }
    const labels = await lane.loadLabels(row);
    if (this.#groups === undefined) this.#series.add(labels, values[0]!, histogram);
    else {
      this.#groups.notes.metric = metricOf(labels);
      this.#groups.addHistogram(group, histogram!);
    }
  }
}
