// A leaf over a range, in this thread: samples of parts as columns that are decoded already or kept
// for the next time (range-lane.ts). Where one part or the head has it all, groups are told apart
// by ranks or pairs, and labels are made where somebody wants them; else parts and head are merged
// by labels (range-streams.ts). The same code as runLeafInThread over the same numbers in the same
// order, so the same bits. What deletes may hide in parts, or is more than a thread should do
// alone, goes the general way (windows/leaf-runner.ts).
import { NUMERIC_KINDS } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { LeafPlan, LeafResult, ReadContext } from '../model/storage.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { KernelRun, stepsAtOnce } from '../windows/kernels.ts';
import { metricOf, newLeafSink, SeriesSink } from '../windows/leaf-sink.ts';
import type { Group, LeafSink } from '../windows/leaf-sink.ts';
import { Slices } from '../windows/leaf-slices.ts';
import { gatherSamples } from '../windows/samples.ts';
import type { SeriesSamples } from '../windows/samples.ts';
import { stepGrid } from '../windows/sliding.ts';
import { StepColumns } from '../windows/step-column.ts';
import type { StepColumn } from '../windows/step-column.ts';
import { leaseStates } from '../windows/window-kernel.ts';
import { deletesFrom } from './deletes.ts';
import { GroupNumbers, InstantBatch, SEEN } from './instant-lane.ts';
import {
  COLUMNS_LEAF_SHARE,
  HEAD_SEEK_SERIES,
  LANE_DECODED_SAMPLES_MAX,
  LANE_FITTED_SAMPLES,
  LANE_HEAD_SERIES_MAX,
  LANE_HEAD_SLOTS_MAX,
  LANE_SAMPLES_MAX,
} from './limits.ts';
import type { PartIndex } from './part-index.ts';
import { PartGroups } from './part-lane.ts';
import type { Part } from './part-reader.ts';
import { RangeLane, UNCLEAR } from './range-lane.ts';
import type { LaneBatch } from './range-lane.ts';
import { firstOf, HeadStream, Joiner, PartStream } from './range-streams.ts';
import type { SeriesStream } from './range-streams.ts';
import { slotOf } from './refs.ts';
import { resolveSources } from './samples.ts';
import type { Source, TimeRange } from './samples.ts';
import type { Scan } from './scan.ts';
import { HeadSeries, isInHead, nearDeletes } from './select.ts';
import { SeriesGroups } from './series-groups.ts';

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
  if ((plan.kinds & NUMERIC_KINDS) !== NUMERIC_KINDS) return undefined;
  const grid = stepGrid(plan.startUs, plan.endUs, plan.stepUs);
  // What may be long has threads to do it, and they are asked the general way.
  if (stepsAtOnce({ ...plan, grid }, LANE_FITTED_SAMPLES) < grid.count) return undefined;
  const run = new KernelRun({ ...plan, grid });
  const scan = scanOf(run.sampleRange);
  const found = await findPlaces(scan, grid.count);
  if (found === undefined) return undefined;
  const sink = newLeafSink(plan, grid.count, context);
  return await new RangeLeaf(options, { scan, run, sink, ...found }).result();
}

/** A part that has matching series. */
interface Place {
  readonly part: Part;
  readonly priority: number;
  readonly index: PartIndex;
  readonly batches: readonly LaneBatch[];
}

interface Places {
  readonly places: readonly Place[];
  /** Series of the head, in label order. */
  readonly refs: Uint32Array;
  readonly isKept: boolean;
}

/** Undefined where there is too much, or nothing, or deletes hide some of it in parts. */
async function findPlaces(scan: Scan, stepCount: number): Promise<Places | undefined> {
  const { view, range, tenant, matchers } = scan;
  if (!(range.startUs <= range.endUs)) return undefined;
  const places: Place[] = [];
  const sum = { samples: 0, missing: 0 };
  for (const [priority, part] of view.parts.entries()) {
    if (part.row.minUs > range.endUs || part.row.maxUs < range.startUs) continue;
    scan.check();
    const index = await part.index(tenant);
    const ordinals = await index?.match(matchers);
    if (index === undefined || ordinals === undefined || ordinals.length === 0) continue;
    if (deletesFrom(view.deletes, tenant, part.row.deletesEnd, range).length > 0) return undefined;
    const batches = await batchesOf(index, ordinals, range);
    countSamples(batches, range, sum);
    places.push({ part, priority, index, batches });
  }
  const refs = await refsInHead(scan);
  if (refs === undefined) return undefined;
  const [first] = places;
  if (first === undefined) {
    const isApt = refs.length > 0 && refs.length * stepCount <= LANE_HEAD_SLOTS_MAX;
    return isApt ? { places, refs, isKept: false } : undefined;
  }
  if (refs.length > 0 && nearDeletes(scan).some((near) => near.length > 0)) return undefined;
  if (sum.missing > LANE_DECODED_SAMPLES_MAX || sum.samples > LANE_SAMPLES_MAX) return undefined;
  const isKept = sum.samples * 8 <= first.part.columns.limitBytes * COLUMNS_LEAF_SHARE;
  return { places, refs, isKept };
}

/** In label order; undefined: more than LANE_HEAD_SERIES_MAX. */
async function refsInHead(scan: Scan): Promise<Uint32Array | undefined> {
  const { view, index, tenant, matchers } = scan;
  const generations = view.generations.filter((one) => !one.isEmpty);
  const refs: number[] = [];
  if (generations.length === 0) return Uint32Array.from(refs);
  const all = index.select(tenant, matchers);
  for (let i = 0; i < all.length; i++) {
    if ((i + 1) % HEAD_SEEK_SERIES === 0) {
      await scan.yieldTurn();
      scan.check();
    }
    const ref = all[i]!;
    if (!isInHead(generations, ref)) continue;
    // The general way selects anew: no more is looked at here than is needed to tell.
    if (refs.length === LANE_HEAD_SERIES_MAX) return undefined;
    refs.push(ref);
  }
  return Uint32Array.from(refs);
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

/** Adds the samples of blocks in the range, and of those that must be decoded. */
function countSamples(
  batches: readonly LaneBatch[],
  { startUs, endUs }: TimeRange,
  sum: { samples: number; missing: number },
): void {
  for (const { group, ordinals } of batches)
    for (const ordinal of ordinals) {
      const end = group.blockStart(ordinal - group.first + 1);
      for (let block = group.blockStart(ordinal - group.first); block < end; block++) {
        if (group.firstUs[block]! > endUs || group.lastUs[block]! < startUs) continue;
        const count = group.countOf(block);
        sum.samples += count;
        if (group.columns[block] === undefined) sum.missing += count;
      }
    }
}

interface Parts extends Places {
  readonly scan: Scan;
  readonly run: KernelRun;
  readonly sink: LeafSink;
}

class RangeLeaf {
  readonly #plan: LeafPlan;
  readonly #parts: Parts;
  readonly #slices: Slices;
  readonly #columns: StepColumns;
  #column: StepColumn;
  readonly #lanes: RangeLane[] = [];
  readonly #joiner = new Joiner();
  #seriesRead = 0;
  #samplesRead = 0;

  constructor({ plan, clock, scheduler }: RangeLeafOptions, parts: Parts) {
    this.#plan = plan;
    this.#parts = parts;
    this.#slices = new Slices(clock, scheduler);
    this.#columns = new StepColumns(parts.run.spec.grid.count);
    this.#column = this.#columns.next();
  }

  async result(): Promise<LeafResult> {
    const { places, refs, sink, run } = this.#parts;
    const { count } = run.spec.grid;
    const lease = sink instanceof SeriesSink ? undefined : leaseStates(count);
    try {
      if (lease !== undefined && !(sink instanceof SeriesSink)) {
        sink.use(lease);
        this.#column = lease.column(count);
      }
      if (places.length === 0) await this.#readHead();
      else if (places.length === 1 && refs.length === 0) await this.#readPart(places[0]!);
      else await this.#readMerged();
      return {
        stepCount: count,
        groups: await sink.finish(this.#slices),
        annotations: sink.notes.all(),
        seriesRead: this.#seriesRead,
        samplesRead: this.#samplesRead,
      };
    } finally {
      lease?.end();
      for (const lane of this.#lanes) lane.end();
      this.#joiner.end();
    }
  }

  #laneOf({ part, priority, index }: Place): RangeLane {
    const { scan, isKept } = this.#parts;
    const lane = new RangeLane({ scan, part, priority, index, isKept });
    this.#lanes.push(lane);
    return lane;
  }

  /** All series are in one part: groups are known by ranks. */
  async #readPart(place: Place): Promise<void> {
    const { sink } = this.#parts;
    const { grouping } = this.#plan;
    const lane = this.#laneOf(place);
    const numbers = new GroupNumbers();
    const byRanks = grouping && new PartGroups(place.index, grouping, numbers);
    const rows = new InstantBatch();
    rows.states.fill(SEEN.value);
    /** By number. */
    const groups: Group[] = [];
    for (const batch of place.batches) {
      lane.open(batch);
      rows.count = batch.ordinals.length;
      await byRanks?.fill(rows, batch.group, batch.ordinals);
      const labelsOf = await lane.texts();
      for (let row = 0; row < batch.ordinals.length; row++) {
        const first = lane.samplesOf(row);
        const found = first instanceof Promise ? await first : first;
        const samples = found === UNCLEAR ? this.#gather(await lane.sourcesOf(row)) : found;
        if (samples !== undefined) {
          let group: Group | undefined;
          if (!(sink instanceof SeriesSink)) {
            const number = rows.groups[row]!;
            group = groups[number] ??= sink.groupOf(numbers.labelsOf(number));
          }
          this.#add(samples, () => labelsOf(row), group);
        }
        const pause = this.#slices.pause();
        if (pause !== undefined) await this.#rest(pause);
      }
    }
  }

  /** All series are in the head: groups are known by the pairs of their rows. */
  async #readHead(): Promise<void> {
    const { scan, sink, refs, run } = this.#parts;
    const { grouping, kinds } = this.#plan;
    const { index } = scan;
    const numbers = new GroupNumbers();
    const byRows = grouping && new SeriesGroups(index.tables, grouping, numbers);
    /** By number. */
    const groups: Group[] = [];
    const series = new HeadSeries(scan, refs);
    for (let found = series.next(); found !== undefined; found = series.next()) {
      const chunks = found.filter(({ kind }) => (kinds & (1 << kind)) !== 0);
      if (chunks.length > 0) {
        const { ref } = series;
        let group: Group | undefined;
        if (byRows !== undefined && !(sink instanceof SeriesSink)) {
          const number = byRows.groupOf(slotOf(ref));
          group = groups[number] ??= sink.groupOf(numbers.labelsOf(number));
        }
        this.#add(gatherSamples(chunks, run.isInstant), () => index.labelsOf(ref), group);
      }
      const pause = this.#slices.pause();
      if (pause !== undefined) await this.#rest(pause);
    }
  }

  /** Series by series in label order, out of several parts and the head. */
  async #readMerged(): Promise<void> {
    const { places, refs, scan } = this.#parts;
    const streams: SeriesStream[] = places.map(
      (place) => new PartStream(this.#laneOf(place), place.batches),
    );
    if (refs.length > 0) streams.push(new HeadStream(scan, refs));
    for (const stream of streams) await stream.advance();
    const some: SeriesStream[] = [];
    for (;;) {
      firstOf(streams, some);
      if (some.length === 0) return;
      const labels = some[0]!.labels!;
      const samples = await this.#samplesOf(some);
      if (samples !== undefined) this.#add(samples, () => labels, undefined);
      for (const stream of some) await stream.advance();
      const pause = this.#slices.pause();
      if (pause !== undefined) await this.#rest(pause);
    }
  }

  async #samplesOf(streams: readonly SeriesStream[]): Promise<SeriesSamples | undefined> {
    const all: SeriesSamples[] = [];
    for (const stream of streams) {
      const first = stream.samples();
      const found = first instanceof Promise ? await first : first;
      if (found === UNCLEAR) return this.#gatherAll(streams);
      if (found !== undefined) all.push(found);
    }
    if (all.length < 2) return all[0];
    const joined = this.#joiner.join(all);
    return joined === UNCLEAR ? this.#gatherAll(streams) : joined;
  }

  async #gatherAll(streams: readonly SeriesStream[]): Promise<SeriesSamples | undefined> {
    const sources: Source[] = [];
    for (const stream of streams) sources.push(...(await stream.sources()));
    return this.#gather(sources);
  }

  #gather(sources: readonly Source[]): SeriesSamples | undefined {
    const { kinds } = this.#plan;
    const chunks = resolveSources(sources).filter(({ kind }) => (kinds & (1 << kind)) !== 0);
    return chunks.length === 0 ? undefined : gatherSamples(chunks, this.#parts.run.isInstant);
  }

  async #rest(pause: Promise<void>): Promise<void> {
    await pause;
    this.#parts.scan.check();
  }

  /** `group`: where it is known already. */
  #add(samples: SeriesSamples, labels: () => Labels, group: Group | undefined): void {
    const { run, sink } = this.#parts;
    this.#seriesRead++;
    this.#samplesRead += samples.count + (samples.histograms?.count ?? 0);
    const column = this.#column;
    const isNoted = samples.histograms !== undefined || samples.startUs !== undefined;
    if (isNoted) sink.notes.metric = metricOf(labels());
    run.run(samples, column, sink.notes.note);
    if (sink instanceof SeriesSink) {
      if (sink.add(labels(), column)) this.#column = this.#columns.next();
      else column.reset();
      return;
    }
    sink.addTo(group ?? sink.groupOf(labels()), column);
    column.reset();
  }
}
