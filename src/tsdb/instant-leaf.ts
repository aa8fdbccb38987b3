// A leaf for one instant over one shard: of each series the newest sample, read where it lies and
// added to groups that are told apart by symbols. Labels are made once a group. Parts and head are
// lanes (instant-lane.ts) that are merged in label order; one lane alone needs no labels, and where
// the order of the series does not matter, the head is read in the order of memory and nothing is
// sorted. Series whose newest sample cannot be told at sight (objects, companions, deletes that may
// hide it) go the general way, one by one.
import type { Labels } from '../model/labels.ts';
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
import { InstantUnion, UNION_SERIES_BYTES } from './instant-union.ts';
import type { InstantAdder } from './instant-union.ts';
import { LaneMerge } from './lane-merge.ts';
import type { LaneRow } from './lane-merge.ts';
import { INSTANT_BATCH_SERIES } from './limits.ts';
import { openPartLane } from './part-lane.ts';
import type { PartLane } from './part-lane.ts';
import type { PartRefs } from './part-refs.ts';
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
  return await leaf.result();
}

class InstantLeaf implements InstantAdder {
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

  async result(): Promise<LeafResult> {
    const labelsOf = (group: number): Labels => this.#numbers.labelsOf(group);
    return {
      stepCount: 1,
      groups: (await this.#groups?.finish(this.#slices, labelsOf)) ?? this.#series.groups,
      annotations: this.#groups?.notes.all() ?? [],
      seriesRead: this.#seriesRead,
      samplesRead: this.#samplesRead,
    };
  }

  async read(): Promise<void> {
    const { range, view } = this.#scan;
    if (!(range.startUs <= range.endUs)) return;
    const isInHead = view.generations.some((one) => !one.isEmpty);
    const found = view.parts
      .map((part, priority) => ({ part, priority }))
      .filter(({ part: { row } }) => row.minUs <= range.endUs && row.maxUs >= range.startUs);
    const isOnlyPart = found.length === 1;
    const parts: PartLane[] = [];
    for (const { part, priority } of found) {
      this.#scan.check();
      const lane = await this.#partLane(part, priority, isOnlyPart);
      if (lane !== undefined) parts.push(lane);
    }
    const [only] = parts;
    if (parts.length === 0) {
      if (isInHead) await this.#readOne(this.#headLane(this.#isOrderFree, undefined));
    } else if (!isInHead) {
      if (parts.length === 1) await this.#readOne(only!);
      else await this.#readMerged(parts);
    } else if (isOnlyPart && this.#isOrderFree) await this.#readUnion(only!);
    else {
      const refs = isOnlyPart ? await only!.refs(this.turn, false) : undefined;
      await this.#readMerged([...parts, this.#headLane(false, refs)]);
    }
  }

  async #readUnion(part: PartLane): Promise<void> {
    const { budget } = this.#options.context;
    const sizeBytes = part.seriesCount * UNION_SERIES_BYTES;
    budget.take(sizeBytes);
    try {
      await new InstantUnion(part, this.#headLane(true, undefined), this).read();
    } finally {
      budget.give(sizeBytes);
    }
  }

  get #isOrderFree(): boolean {
    return isOrderFree(this.#options.plan.grouping?.aggregation);
  }

  #partLane(
    part: Scan['view']['parts'][number],
    priority: number,
    isOnlyPart: boolean,
  ): ReturnType<typeof openPartLane> {
    const { grouping, kinds } = this.#options.plan;
    return openPartLane({
      scan: this.#scan,
      part,
      priority,
      kinds,
      wants: this.#isOrderFree || this.#wantsTime ? 'times' : 'values',
      wantsLabels: grouping === undefined,
      isOnlyPart,
      grouping,
      numbers: this.#numbers,
    });
  }

  #headLane(isUnordered: boolean, partRefs: PartRefs | undefined): HeadLane {
    const { grouping, kinds } = this.#options.plan;
    const scan = this.#scan;
    const groups = grouping && new SeriesGroups(scan.index.tables, grouping, this.#numbers);
    const feed = headFeed(scan, !isUnordered);
    return new HeadLane({ scan, feed, kinds, isExistence: false, groups, partRefs });
  }

  /** Lets other work proceed where it is time. */
  readonly turn = async (): Promise<void> => {
    const pause = this.#slices.pause();
    if (pause !== undefined) await pause;
    this.#scan.check();
  };

  async #readOne(lane: InstantLane): Promise<void> {
    const { batch } = lane;
    while (await lane.next()) {
      for (let row = 0; row < batch.count; row++) {
        const state = batch.states[row]!;
        if (state === SEEN.unclear) await this.readRows([{ lane, row }]);
        else if (state !== SEEN.nothing) this.addRow(lane, row);
      }
      await this.turn();
    }
  }

  /** Series by series in label order; rows of one series are one. */
  async #readMerged(lanes: readonly InstantLane[]): Promise<void> {
    const merge = new LaneMerge(lanes);
    const { rows } = merge;
    for (let count = 1; ; count++) {
      if (count % INSTANT_BATCH_SERIES === 0) await this.turn();
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
      if (isUnclear) await this.readRows(rows);
      else this.addRow(newest.lane, newest.row);
    }
  }

  /** A row whose newest sample is known. */
  addRow(lane: InstantLane, row: number): void {
    const { batch } = lane;
    const tUs = batch.tUs[row]!;
    if (this.#groups === undefined) {
      this.#seriesRead++;
      this.#samplesRead++;
      if (batch.states[row] !== SEEN.value || tUs <= this.#afterUs) return;
      const value = this.#wantsTime ? tUs / US_PER_SEC : batch.values[row]!;
      this.#series.add(lane.labels(row), value);
    } else this.add(batch.states[row]!, tUs, batch.values[row]!, batch.groups[row]!);
  }

  /** A series with its newest sample and its group. */
  add(state: number, tUs: number, value: number, group: number): void {
    this.#seriesRead++;
    this.#samplesRead++;
    if (state === SEEN.value && tUs > this.#afterUs)
      this.#groups!.addFloat(group, this.#wantsTime ? tUs / US_PER_SEC : value);
    this.#groups!.end();
  }

  /** The rows of one series, by the kernel over all samples. */
  async readRows(rows: readonly LaneRow[]): Promise<void> {
    const sources: Source[] = [];
    for (const { lane, row } of rows) sources.push(...(await lane.sources(row)));
    const { lane, row } = rows[0]!;
    await this.readSources(sources, lane.batch.groups[row]!, () => lane.loadLabels(row));
  }

  async readSources(
    sources: readonly Source[],
    group: number,
    loadLabels: () => Promise<Labels>,
  ): Promise<void> {
    const { kinds } = this.#options.plan;
    const chunks = resolveSources(sources).filter(({ kind }) => (kinds & (1 << kind)) !== 0);
    if (chunks.length === 0) return;
    const samples = gatherSamples(chunks, true);
    this.#seriesRead++;
    this.#samplesRead += samples.count + (samples.histograms?.count ?? 0);
    const column = this.#column;
    this.#run.run(samples, column, () => undefined);
    if (column.present[0] !== 0) await this.#addSlot(column, group, loadLabels);
    column.reset();
    this.#groups?.end();
  }

  async #addSlot(
    { present, values, histograms }: StepColumn,
    group: number,
    loadLabels: () => Promise<Labels>,
  ): Promise<void> {
    const histogram = present[0] === SLOT_HISTOGRAM ? histograms?.[0] : undefined;
    if (histogram === undefined && this.#groups !== undefined) {
      this.#groups.addFloat(group, values[0]!);
      return;
    }
    const labels = await loadLabels();
    if (this.#groups === undefined) this.#series.add(labels, values[0]!, histogram);
    else {
      this.#groups.notes.metric = metricOf(labels);
      this.#groups.addHistogram(group, histogram!);
    }
  }
}
