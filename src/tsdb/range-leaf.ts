// A leaf over a range of one part, in this thread: row group by row group in label order, groups
// told apart by ranks, samples as columns that are decoded already or kept for the next time
// (range-lane.ts). The same code as runLeafInThread over the same numbers in the same order, so the
// same bits. What is in several places, or hidden by deletes, or more than a thread should do
// alone, goes the general way (windows/leaf-runner.ts).
import { KIND } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { LeafPlan, LeafResult, ReadContext } from '../model/storage.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { KernelRun } from '../windows/kernels.ts';
import { metricOf, newLeafSink, SeriesSink } from '../windows/leaf-sink.ts';
import type { Group, LeafSink } from '../windows/leaf-sink.ts';
import { Slices } from '../windows/leaf-slices.ts';
import { gatherSamples } from '../windows/samples.ts';
import type { SeriesSamples } from '../windows/samples.ts';
import { stepGrid } from '../windows/sliding.ts';
import { StepColumn } from '../windows/step-column.ts';
import { leaseStates } from '../windows/window-kernel.ts';
import { deletesFrom } from './deletes.ts';
import { GroupNumbers, InstantBatch, SEEN } from './instant-lane.ts';
import {
  COLUMNS_LEAF_SHARE,
  LANE_DECODED_SAMPLES_MAX,
  LANE_SAMPLES_MAX,
  LANE_TURN_SERIES,
} from './limits.ts';
import type { GroupTexts } from './part-cursor.ts';
import type { PartIndex } from './part-index.ts';
import { PartGroups } from './part-lane.ts';
import type { Part } from './part-reader.ts';
import { RangeLane } from './range-lane.ts';
import type { LaneBatch } from './range-lane.ts';
import type { TimeRange } from './samples.ts';
import type { Scan } from './scan.ts';

export interface RangeLeafOptions {
  /** A scan over the range that the kernel wants to see. */
  readonly scanOf: (range: TimeRange) => Scan;
  readonly context: ReadContext;
  readonly plan: LeafPlan;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/** undefined: the leaf is not of that kind. */
export async function runRangeLeaf(options: RangeLeafOptions): Promise<LeafResult | undefined> {
  const { plan, context, scanOf } = options;
  if ((plan.kinds & (1 << KIND.f64)) === 0) return undefined;
  const grid = stepGrid(plan.startUs, plan.endUs, plan.stepUs);
  const run = new KernelRun({ ...plan, grid });
  const scan = scanOf(run.sampleRange);
  const found = await onlyPart(scan);
  if (found === undefined) return undefined;
  const sink = newLeafSink(plan, grid.count, context);
  return await new RangeLeaf(options, { scan, run, sink, ...found }).result();
}

interface Found {
  readonly part: Part;
  readonly index: PartIndex;
  readonly batches: readonly LaneBatch[];
  readonly isKept: boolean;
}

/** What of the one part that has anything matches; undefined where it is not as simple. */
async function onlyPart(scan: Scan): Promise<Found | undefined> {
  const { view, range, tenant, matchers } = scan;
  if (!(range.startUs <= range.endUs) || isInHead(scan)) return undefined;
  let found: { part: Part; index: PartIndex; ordinals: Uint32Array } | undefined;
  for (const part of view.parts) {
    if (part.row.minUs > range.endUs || part.row.maxUs < range.startUs) continue;
    scan.check();
    const index = await part.index(tenant);
    const ordinals = await index?.match(matchers);
    if (index === undefined || ordinals === undefined || ordinals.length === 0) continue;
    if (found !== undefined) return undefined;
    found = { part, index, ordinals };
  }
  if (found === undefined) return undefined;
  const { part, index, ordinals } = found;
  if (deletesFrom(view.deletes, tenant, part.row.deletesEnd, range).length > 0) return undefined;
  const batches = await batchesOf(index, ordinals, range);
  const { samples, missing } = countSamples(batches, range);
  if (missing > LANE_DECODED_SAMPLES_MAX || samples > LANE_SAMPLES_MAX) return undefined;
  const isKept = samples * 8 <= part.columns.limitBytes * COLUMNS_LEAF_SHARE;
  return { part, index, batches, isKept };
}

/** May the head have anything of it? */
function isInHead({ view, index, tenant, matchers }: Scan): boolean {
  const generations = view.generations.filter((one) => !one.isEmpty);
  if (generations.length === 0) return false;
  for (const ref of index.select(tenant, matchers))
    if (generations.some((generation) => generation.has(ref))) return true;
  return false;
}

async function batchesOf(
  index: PartIndex,
  ordinals: Uint32Array,
  { startUs, endUs }: TimeRange,
): Promise<LaneBatch[]> {
  const table = await index.rowTable();
  const batches: LaneBatch[] = [];
  for (let from = 0; from < ordinals.length;) {
    const number = table.groupOf(ordinals[from]!);
    let to = from;
    while (to < ordinals.length && ordinals[to]! < table.starts[number + 1]!) to++;
    if (table.minUs[number]! <= endUs && table.maxUs[number]! >= startUs)
      batches.push({ group: await index.rowGroup(number), ordinals: ordinals.subarray(from, to) });
    from = to;
  }
  return batches;
}

/** Samples of the blocks in the range, and of those that must be decoded. */
function countSamples(
  batches: readonly LaneBatch[],
  { startUs, endUs }: TimeRange,
): { readonly samples: number; readonly missing: number } {
  let samples = 0;
  let missing = 0;
  for (const { group, ordinals } of batches)
    for (const ordinal of ordinals) {
      const end = group.blockStart(ordinal - group.first + 1);
      for (let block = group.blockStart(ordinal - group.first); block < end; block++) {
        if (group.firstUs[block]! > endUs || group.lastUs[block]! < startUs) continue;
        const count = group.countOf(block);
        samples += count;
        if (group.columns[block] === undefined) missing += count;
      }
    }
  return { samples, missing };
}

interface Parts extends Found {
  readonly scan: Scan;
  readonly run: KernelRun;
  readonly sink: LeafSink;
}

class RangeLeaf {
  readonly #parts: Parts;
  readonly #lane: RangeLane;
  readonly #slices: Slices;
  readonly #numbers = new GroupNumbers();
  readonly #partGroups: PartGroups | undefined;
  readonly #rows = new InstantBatch();
  /** By number. */
  readonly #groups: (Group | undefined)[] = [];
  #column: StepColumn;
  #seriesRead = 0;
  #samplesRead = 0;

  constructor({ plan, clock, scheduler }: RangeLeafOptions, parts: Parts) {
    const { scan, part, index, run, isKept } = parts;
    this.#parts = parts;
    this.#slices = new Slices(clock, scheduler);
    this.#lane = new RangeLane({ scan, part, index, kinds: plan.kinds, isKept });
    this.#partGroups = plan.grouping && new PartGroups(index, plan.grouping, this.#numbers);
    this.#column = new StepColumn(run.spec.grid.count);
    this.#rows.states.fill(SEEN.value);
  }

  async result(): Promise<LeafResult> {
    const { batches, sink, run } = this.#parts;
    const { count } = run.spec.grid;
    const lease = sink instanceof SeriesSink ? undefined : leaseStates(count);
    try {
      if (lease !== undefined && !(sink instanceof SeriesSink)) {
        sink.use(lease);
        this.#column = lease.column(count);
      }
      for (const batch of batches) await this.#read(batch);
      return {
        stepCount: count,
        groups: sink.finish(),
        annotations: sink.notes.all(),
        seriesRead: this.#seriesRead,
        samplesRead: this.#samplesRead,
      };
    } finally {
      lease?.end();
    }
  }

  async #read(batch: LaneBatch): Promise<void> {
    const { run, scan } = this.#parts;
    const lane = this.#lane;
    lane.open(batch);
    const rows = this.#rows;
    rows.count = batch.ordinals.length;
    await this.#partGroups?.fill(rows, batch.group, batch.ordinals);
    const texts = await lane.texts();
    const gather = (chunks: Parameters<typeof gatherSamples>[0]): SeriesSamples =>
      gatherSamples(chunks, run.isInstant);
    for (let row = 0; row < batch.ordinals.length; row++) {
      const found = lane.samplesOf(row, gather);
      const samples = found instanceof Promise ? await found : found;
      if (samples !== undefined) this.#add(row, samples, texts);
      if (row % LANE_TURN_SERIES !== 0) continue;
      const pause = this.#slices.pause();
      if (pause !== undefined) await pause;
      scan.check();
    }
  }

  #add(row: number, samples: SeriesSamples, texts: GroupTexts): void {
    const { run, sink } = this.#parts;
    this.#seriesRead++;
    this.#samplesRead += samples.count + (samples.histograms?.count ?? 0);
    const column = this.#column;
    const isNoted = samples.histograms !== undefined || samples.startUs !== undefined;
    const labels = (): Labels => this.#lane.labels(texts, row);
    if (isNoted) sink.notes.metric = metricOf(labels());
    run.run(samples, column, sink.notes.note);
    if (sink instanceof SeriesSink) {
      if (sink.add(labels(), column)) this.#column = new StepColumn(column.count);
      else column.reset();
      return;
    }
    sink.addTo(this.#groupOf(this.#rows.groups[row]!, sink), column);
    column.reset();
  }

  #groupOf(number: number, sink: Exclude<LeafSink, SeriesSink>): Group {
    return (this.#groups[number] ??= sink.groupOf(this.#numbers.labelsOf(number)));
  }
}
