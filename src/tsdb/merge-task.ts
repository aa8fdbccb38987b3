// The long half of a merge: builds the outputs that a task asks for out of its input parts, and
// proves each by reading it again. Every delete of the task is applied to what it hides, expired
// points are left out. A task is plain data and names all that it depends on, so it is the same
// work in the shard's own thread and in another one (merge-thread.ts); what swaps inputs for
// outputs, and may fail, is merge.ts.
import type { Blobs } from '../blobs/blobs.ts';
import { compareUtf8 } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { BugError } from '../stdx/assert.ts';
import { deleteOf } from './catalog-rows.ts';
import type { DeleteJson } from './catalog-rows.ts';
import type { Delete } from './deletes.ts';
import type { MergeKind } from './merge-plan.ts';
import { partName, shardNames } from './names.ts';
import type { Pause } from './pacer.ts';
import { buildPart } from './part-build.ts';
import type { PartRow } from './part-format.ts';
import type { Part } from './part-reader.ts';
import { DAY_US, partitionAt, partitionRange, partitionsOfDays } from './partitions.ts';
import type { TimePartition } from './partitions.ts';
import { Digest } from './proof.ts';
import { resolveSources } from './samples.ts';
import type { TimeRange } from './samples.ts';
import { scanSeries } from './select.ts';
import { SeriesIndex } from './series-index.ts';
import type { View } from './view.ts';

export interface MergeTask {
  readonly kind: MergeKind;
  readonly shard: number;
  /** In log order. */
  readonly inputs: readonly PartRow[];
  readonly target: TimePartition | undefined;
  /** Of all live parts: what a division keeps to. */
  readonly live: readonly TimePartition[];
  readonly nowUs: number;
  /** Of every tenant of the inputs: what is below is left out. */
  readonly horizonsUs: ReadonlyMap<TenantId, number>;
  readonly deletesEnd: number;
  readonly deletes: readonly DeleteJson[];
  /** Keeps the names of its outputs apart from those of every other merge. */
  readonly unique: string;
}

/** What a task is run with. */
export interface MergeGround {
  readonly blobs: Blobs;
  readonly openPart: (row: PartRow) => Part;
  /** Called between pieces of work; throws where the merge is not wanted any more. */
  readonly pause: Pause;
  readonly yieldTurn: () => Promise<void>;
  /** Samples read: of the inputs, and once more of the outputs. */
  readonly advance: (count: number) => void;
}

const EVER: TimeRange = {
  startUs: Number.NEGATIVE_INFINITY,
  endUs: Number.POSITIVE_INFINITY,
};
const NO_TIME: TimeRange = {
  startUs: Number.POSITIVE_INFINITY,
  endUs: Number.NEGATIVE_INFINITY,
};

/** One part to be made of the inputs. */
interface Output {
  readonly level: number;
  readonly partitionUs: number | undefined;
  readonly range: TimeRange;
  readonly withTimeless: boolean;
}

function outputIn(partition: TimePartition): Output {
  const { level, startUs } = partition;
  const range = partitionRange(partition);
  return { level, partitionUs: startUs, range, withTimeless: false };
}

const TIMELESS: Output = {
  level: 1,
  partitionUs: undefined,
  range: NO_TIME,
  withTimeless: true,
};

/**
 * Rows of the parts that were made, none for an output without content. Throws what reading and
 * writing throw, AppError corrupt where an input is damaged, BugError where a proof fails; then no
 * part is left.
 */
export async function runMergeTask(task: MergeTask, ground: MergeGround): Promise<PartRow[]> {
  const merge = new MergeRun(task, ground);
  const rows: PartRow[] = [];
  try {
    for (const [number, output] of (await merge.outputs()).entries()) {
      const row = await merge.build(output, number);
      if (row !== undefined) rows.push(row);
    }
  } catch (error) {
    for (const { name } of rows) await ground.blobs.remove(name);
    throw error;
  }
  return rows;
}

class MergeRun {
  readonly #task: MergeTask;
  readonly #ground: MergeGround;
  readonly #inputs: readonly Part[];
  readonly #deletes: readonly Delete[];
  /** Empty: series of parts bring their labels along, and no number is looked up. */
  readonly #index = new SeriesIndex();

  constructor(task: MergeTask, ground: MergeGround) {
    this.#task = task;
    this.#ground = ground;
    this.#inputs = task.inputs.map((row) => ground.openPart(row));
    this.#deletes = task.deletes.map(deleteOf);
  }

  /** Where the points of the inputs go. */
  async outputs(): Promise<Output[]> {
    const { kind, target, inputs } = this.#task;
    if (kind === 'divide') return this.#divideOutputs();
    if (target !== undefined) return [outputIn(target)];
    const { level, partitionUs } = inputs[0]!;
    if (level === 0) return [{ level, partitionUs, range: EVER, withTimeless: true }];
    return [partitionUs === undefined ? TIMELESS : outputIn({ level, startUs: partitionUs })];
  }

  async #divideOutputs(): Promise<Output[]> {
    const { live, nowUs } = this.#task;
    const days = new Set<number>();
    let hasTimeless = false;
    for (const part of this.#inputs)
      for (const { tenant, sections } of await part.tenants()) {
        hasTimeless ||= sections.metadata.sizeBytes + sections.attributes.sizeBytes > 0;
        const horizonUs = this.#horizonUs(tenant);
        const add = (tUs: number): void => {
          if (tUs >= horizonUs) days.add(partitionAt(tUs, 1));
        };
        await this.#addDays(part, tenant, add);
        for (const { tUs } of await part.exemplars(tenant)) add(tUs);
      }
    const outputs = partitionsOfDays(days, live, nowUs).map(outputIn);
    return hasTimeless ? [...outputs, TIMELESS] : outputs;
  }

  #horizonUs(tenant: TenantId): number {
    const horizonUs = this.#task.horizonsUs.get(tenant);
    if (horizonUs === undefined) throw new BugError(`BUG: no horizon of tenant ${tenant}`);
    return horizonUs;
  }

  /** A time column over a long time is read, so that no empty partitions are named. */
  async #addDays(part: Part, tenant: TenantId, add: (tUs: number) => void): Promise<void> {
    const index = await part.index(tenant);
    if (index === undefined) return;
    for await (const group of index.timeGroups())
      for (let i = 0; i < group.count; i++) {
        const firstUs = group.firstUs[i]!;
        const lastUs = group.lastUs[i]!;
        add(firstUs);
        add(lastUs);
        if (partitionAt(lastUs, 1) <= partitionAt(firstUs, 1) + DAY_US) continue;
        for (const tUs of await part.times(tenant, index, group.first + i)) add(tUs);
        await this.#ground.pause();
      }
  }

  async build(output: Output, number: number): Promise<PartRow | undefined> {
    const { shard, inputs, deletesEnd, unique } = this.#task;
    const { blobs, pause, advance } = this.#ground;
    const seqMin = inputs[0]!.seqMin;
    const seqMax = Math.max(...inputs.map((row) => row.seqMax));
    const place = { level: output.level, seqMin, seqMax };
    const expected = new Digest();
    const row = await buildPart(blobs, {
      name: partName(shardNames(shard), place, unique + number.toString(16)),
      ...output,
      seqMin,
      seqMax,
      deletesEnd,
      horizonUs: (tenant) => this.#horizonUs(tenant),
      view: { parts: this.#inputs, generations: [], deletes: this.#deletes },
      moment: 0,
      tenants: [...this.#task.horizonsUs.keys()].toSorted(compareUtf8),
      index: this.#index,
      pause,
      witness: (tenant, labels, sources) => {
        expected.addSources(tenant, labels, sources);
        for (const { samples } of sources) advance(samples.count);
      },
    });
    if (row !== undefined)
      try {
        await this.#prove(row, expected);
      } catch (error) {
        await blobs.remove(row.name);
        throw error;
      }
    else if (expected.count > 0) throw new BugError(`BUG: a merge lost ${expected.toString()}`);
    return row;
  }

  /** Reads the written part again and compares digests; throws BugError, or what reading throws. */
  async #prove(row: PartRow, expected: Digest): Promise<void> {
    const { openPart, pause, yieldTurn, advance } = this.#ground;
    const part = openPart(row);
    const view: View = { parts: [part], generations: [], deletes: [] };
    const actual = new Digest();
    for (const { tenant } of await part.tenants()) {
      const where = { tenant, matchers: [], range: EVER, view, moment: 0 };
      const scan = { ...where, index: this.#index, check: never, yieldTurn, isOnce: true };
      for await (const series of scanSeries(scan)) {
        for (const samples of resolveSources(await series.sources())) {
          actual.addSamples(tenant, series.labels, samples);
          advance(samples.count);
        }
        await pause();
      }
    }
    part.drop();
    if (actual.equals(expected)) return;
    throw new BugError(
      `BUG: merge into ${row.name} holds ${actual.toString()}, expected ${expected.toString()}`,
    );
  }
}

/** `pause` says where a merge is not wanted any more. */
function never(): void {
  // Nothing to check.
}
