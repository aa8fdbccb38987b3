// Merges of adjacent parts. Level 0 → 1 takes a run of level-0 parts in log order and cuts it by
// time partition; inside a partition adjacent parts become one. A merge applies the deletes of its
// own stretch to the inputs below them, proves that nothing was lost or invented by reading its
// output again, and swaps inputs for outputs in one transaction. A part with damage is left alone,
// and no output spans it.
import { BugError } from '../stdx/assert.ts';
import { compareUtf8 } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { AppError } from '../model/errors.ts';
import { commit, deleteKey, partKey, toJson } from './catalog-rows.ts';
import { isNeeded, removeUnused, uniqueText } from './flush.ts';
import { MERGE_DELETES_MIN, PARTITION_US } from './limits.ts';
import { partName } from './names.ts';
import { buildPart } from './part-build.ts';
import type { PartRow } from './part-format.ts';
import type { Part } from './part-reader.ts';
import { Digest } from './proof.ts';
import { resolveSources } from './samples.ts';
import type { TimeRange } from './samples.ts';
import { scanSeries } from './select.ts';
import { sortedParts } from './state.ts';
import type { ShardState } from './state.ts';
import type { View } from './view.ts';

/** Start of a time partition, or the place of what has no time (metadata, attributes). */
type Partition = number | 'timeless';

const NO_TIME: TimeRange = { startUs: Number.POSITIVE_INFINITY, endUs: Number.NEGATIVE_INFINITY };

function rangeOf(partition: Partition): TimeRange {
  if (partition === 'timeless') return NO_TIME;
  return { startUs: partition, endUs: partition + PARTITION_US - 1 };
}

function partitionAt(tUs: number): number {
  return Math.floor(tUs / PARTITION_US) * PARTITION_US;
}

function partitionOf({ row }: Part): Partition | 'any' {
  return row.level === 0 ? 'any' : (row.partitionUs ?? 'timeless');
}

/** One merge to do: adjacent inputs, the partitions they are cut into, where their stretch ends. */
interface Job {
  readonly inputs: readonly Part[];
  readonly partitions: readonly Partition[];
  readonly seqMax: number;
}

/**
 * Runs of undamaged parts of one partition with no other part between them that can hold their
 * times.
 */
function runsOf(parts: readonly Part[], partition: Partition | 'any'): Part[][] {
  const runs: Part[][] = [[]];
  for (const part of parts) {
    const own = partitionOf(part);
    if (own !== partition && own !== 'any' && partition !== 'any') continue;
    if (own === partition && !part.isDamaged) runs.at(-1)!.push(part);
    else if (runs.at(-1)!.length > 0) runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

/**
 * How far a merge of `inputs` may say it covers the log: up to the next part that shares its
 * times.
 */
function coverageEnd(state: ShardState, inputs: readonly Part[]): number {
  const last = inputs.at(-1)!;
  const partition = partitionOf(last);
  const next = state.view.parts.find((part) => {
    const own = partitionOf(part);
    const shares = own === partition || own === 'any' || partition === 'any';
    return shares && part.row.seqMin >= last.row.seqMax;
  });
  return next?.row.seqMin ?? state.frontier;
}

/**
 * Partitions in which the inputs have samples or exemplars, ascending; what has no time comes
 * last.
 */
async function occupied(inputs: readonly Part[]): Promise<Partition[]> {
  const starts = new Set<number>();
  let hasTimeless = false;
  for (const part of inputs)
    for (const { tenant, sections } of await part.tenants()) {
      hasTimeless ||= sections.metadata.sizeBytes + sections.attributes.sizeBytes > 0;
      for await (const start of partitionsOf(part, tenant)) starts.add(start);
      for (const { tUs } of await part.exemplars(tenant)) starts.add(partitionAt(tUs));
    }
  const sorted: Partition[] = [...starts].toSorted((a, b) => a - b);
  return hasTimeless ? [...sorted, 'timeless'] : sorted;
}

/**
 * Partitions of a part's time columns; a column over a long time is read, so that no empty ones are
 * named.
 */
async function* partitionsOf(part: Part, tenant: TenantId): AsyncGenerator<number, void, void> {
  const index = await part.index(tenant);
  if (index === undefined) return;
  for await (const group of index.timeGroups())
    for (let i = 0; i < group.count; i++) {
      const first = partitionAt(group.firstUs[i]!);
      const last = partitionAt(group.lastUs[i]!);
      if (last <= first + PARTITION_US) yield* [first, last];
      else
        for (const tUs of await part.times(tenant, index, group.first + i)) yield partitionAt(tUs);
    }
}

/** When a run of parts is worth a merge: so many parts, or so many deletes that it would apply. */
interface Due {
  readonly level0Min: number;
  readonly partitionMin: number;
  readonly deletesMin: number;
}

/** The first run of level-0 parts that is due. */
async function level0Job(state: ShardState, due: Due): Promise<Job | undefined> {
  const level0 = state.view.parts.filter((part) => part.row.level === 0);
  const inputs = runsOf(level0, 'any').find(
    (run) =>
      run.length >= due.level0Min ||
      dueDeletes(state, run, coverageEnd(state, run)) >= due.deletesMin,
  );
  if (inputs === undefined) return undefined;
  const partitions = await occupied(inputs);
  return { inputs, partitions, seqMax: coverageEnd(state, inputs) };
}

/** The first run of parts of one partition that is due. */
function partitionJob(state: ShardState, due: Due): Job | undefined {
  const partitions = new Set(state.view.parts.map(partitionOf));
  for (const partition of partitions) {
    if (partition === 'any') continue;
    for (const inputs of runsOf(state.view.parts, partition)) {
      const seqMax = coverageEnd(state, inputs);
      const isDue =
        inputs.length >= due.partitionMin || dueDeletes(state, inputs, seqMax) >= due.deletesMin;
      if (isDue) return { inputs, partitions: [partition], seqMax };
    }
  }
  return undefined;
}

/** Deletes that a rewrite of `inputs` up to `seqMax` would apply. */
function dueDeletes(state: ShardState, inputs: readonly Part[], seqMax: number): number {
  return state.view.deletes.filter((one) => one.offset < seqMax && isNeeded(one, inputs)).length;
}

/** Merges what is due; `all`: until nothing is left to merge. */
export async function mergeDue(state: ShardState, all: boolean): Promise<void> {
  const { level0PartsMax, partitionPartsMax } = state.settings;
  const due = all
    ? { level0Min: 1, partitionMin: 2, deletesMin: 1 }
    : {
        level0Min: level0PartsMax,
        partitionMin: partitionPartsMax,
        deletesMin: MERGE_DELETES_MIN,
      };
  for (;;) {
    const damagedBefore = damagedCount(state);
    try {
      const job = (await level0Job(state, due)) ?? partitionJob(state, due);
      if (job === undefined) return;
      await merge(state, job);
    } catch (error) {
      // The reader marked and reported a damaged part; the next plan leaves it out.
      const isDamage = error instanceof AppError && error.kind === 'corrupt';
      if (!isDamage || damagedCount(state) === damagedBefore) throw error;
    }
  }
}

function damagedCount(state: ShardState): number {
  return state.view.parts.filter((part) => part.isDamaged).length;
}

async function merge(state: ShardState, job: Job): Promise<void> {
  const outputs: PartRow[] = [];
  try {
    for (const partition of job.partitions) {
      const row = await buildOutput(state, job, partition);
      if (row !== undefined) outputs.push(row);
    }
  } catch (error) {
    for (const { name } of outputs) await state.options.blobs.remove(name);
    throw error;
  }
  state.probe('merge');
  await swap(state, job, outputs).catch((error: unknown) => removeUnused(state, outputs, error));
}

async function buildOutput(
  state: ShardState,
  job: Job,
  partition: Partition,
): Promise<PartRow | undefined> {
  const { blobs, scheduler } = state.options;
  const { inputs, seqMax } = job;
  const level = 1;
  const seqMin = inputs[0]!.row.seqMin;
  const deletes = state.view.deletes.filter((one) => one.offset < seqMax);
  const expected = new Digest();
  const row = await buildPart(blobs, scheduler, {
    name: partName(state.names, { level, seqMin, seqMax }, uniqueText(state)),
    level,
    partitionUs: partition === 'timeless' ? undefined : partition,
    seqMin,
    seqMax,
    range: rangeOf(partition),
    withTimeless: partition === 'timeless',
    view: { parts: inputs, generations: [], deletes },
    moment: 0,
    tenants: await tenantsOf(inputs),
    index: state.index,
    witness: (tenant, labels, sources) => expected.addSources(tenant, labels, sources),
  });
  if (row !== undefined) await prove(state, row, expected);
  return row;
}

async function tenantsOf(inputs: readonly Part[]): Promise<TenantId[]> {
  const tenants = new Set<TenantId>();
  for (const part of inputs) for (const { tenant } of await part.tenants()) tenants.add(tenant);
  return [...tenants].toSorted(compareUtf8);
}

/** Merges are not cancelled. */
function never(): void {
  // Nothing to check.
}

/** Reads the written part again and compares digests; throws BugError, the blob is gone. */
async function prove(state: ShardState, row: PartRow, expected: Digest): Promise<void> {
  const part = state.openPart(row);
  const view: View = { parts: [part], generations: [], deletes: [] };
  const range = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };
  const actual = new Digest();
  for (const { tenant } of await part.tenants()) {
    const { index, yieldTurn } = state;
    const where = { tenant, matchers: [], range, view, moment: 0 };
    const scan = { ...where, index, check: never, yieldTurn, isOnce: true };
    for await (const series of scanSeries(scan))
      for (const samples of resolveSources(await series.sources()))
        actual.addSamples(tenant, series.labels, samples);
  }
  part.drop();
  if (actual.equals(expected)) return;
  await state.options.blobs.remove(row.name);
  throw new BugError(
    `BUG: merge into ${row.name} holds ${actual.toString()}, expected ${expected.toString()}`,
  );
}

async function swap(state: ShardState, job: Job, outputs: readonly PartRow[]): Promise<void> {
  const { names } = state;
  const inputs = new Set(job.inputs);
  const live = [
    ...state.view.parts.filter((part) => !inputs.has(part)),
    ...outputs.map((row) => state.openPart(row)),
  ];
  const done = state.view.deletes.filter(
    (one) => one.offset < state.frontier && !isNeeded(one, live),
  );
  await commit(
    state.options.catalog,
    async (tx) => {
      for (const { row } of job.inputs) {
        if ((await tx.get(partKey(names, row))) === undefined)
          throw new BugError(`BUG: part ${row.name} is not in the catalog any more`);
        tx.remove(partKey(names, row));
      }
      for (const row of outputs) tx.set(partKey(names, row), toJson(row));
      for (const { offset } of done) tx.remove(deleteKey(names, offset));
    },
    async (tx) => (await tx.get(partKey(names, job.inputs[0]!.row))) === undefined,
  );
  const { view } = state;
  const gone = new Set(done);
  state.view = {
    parts: sortedParts(live),
    generations: view.generations,
    deletes: view.deletes.filter((one) => !gone.has(one)),
  };
  state.pins.retire(job.inputs);
}
