// Keeping house: moves horizons, drops what is expired, and merges what is due, one job at a time,
// until nothing is left. A damaged part is left alone. Merges that the disk has no room for wait.
import { AppError } from '../model/errors.ts';
import { matchesAll } from '../model/matcher.ts';
import { horizonKey, toJson } from './catalog-rows.ts';
import { isOfAll } from './deletes.ts';
import type { Delete } from './deletes.ts';
import { noRoom } from './disk-floor.ts';
import { isNeeded } from './flush.ts';
import { REWRITE_DELETES_MIN, REWRITE_EXPIRED_MIN } from './limits.ts';
import { merge, swap } from './merge.ts';
import { planMerge, rewritePlan } from './merge-plan.ts';
import type { MergePlan, MergePolicy } from './merge-plan.ts';
import type { Part } from './part-reader.ts';
import { shareBelow } from './retention.ts';
import { scanSeries } from './select.ts';
import type { ShardState } from './state.ts';
import type { View } from './view.ts';

/**
 * 'due': what the settings call due. 'all': whatever makes fewer parts. 'clean': rewrites alone,
 * until no delete and no expired point is left in any part. The latter two are about the parts and
 * deletes that are there at the call: under writes they would never end otherwise.
 */
export type KeepingMode = 'due' | 'all' | 'clean';

export async function keepHouse(state: ShardState, mode: KeepingMode): Promise<void> {
  await moveHorizons(state);
  const clock = (): number => state.options.clock.nowMs();
  const asked: Scope | undefined =
    mode === 'due' ? undefined : { mode, end: state.frontier, nowMs: clock() };
  for (;;) {
    const damagedBefore = damagedCount(state);
    try {
      const plan = await nextPlan(state, asked ?? { mode, end: state.frontier, nowMs: clock() });
      if (plan === undefined) return;
      if (await execute(state, plan)) continue;
      // Asked for, it must not look done; in the background it is tried again later.
      const { space } = state.disk;
      if (mode === 'due' || space === undefined) return;
      throw noRoom(space);
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

/** Moves the horizons of tenants with a limit in bytes to where their parts now ask for it. */
async function moveHorizons(state: ShardState): Promise<void> {
  const { catalog, clock } = state.options;
  const moved = await state.retention.movedHorizons(state.view.parts, clock.nowMs());
  if (moved.size === 0) return;
  await catalog.transact(async (tx) => {
    for (const [tenant, horizonUs] of moved)
      tx.set(horizonKey(state.names, tenant), toJson(horizonUs));
  });
  state.retention = state.retention.withHorizons(moved);
}

/** What plans are about. */
interface Scope {
  readonly mode: KeepingMode;
  /** Parts and deletes below this record of the log. */
  readonly end: number;
  /** What is expired by then. */
  readonly nowMs: number;
}

async function nextPlan(state: ShardState, scope: Scope): Promise<MergePlan<Part> | undefined> {
  const { mode, end } = scope;
  const parts = state.view.parts.filter(({ row }) => row.seqMax <= end);
  const dirty = new Set<Part>();
  for (const part of parts) if (await isDirty(state, part, scope)) dirty.add(part);
  const has = (part: Part): boolean => dirty.has(part);
  if (mode === 'clean') return rewritePlan(parts, has);
  return planMerge(parts, policyOf(state, mode === 'all'), has);
}

function policyOf(state: ShardState, all: boolean): MergePolicy {
  const { level0PartsMax, partitionPartsMax, partSizeMaxBytes } = state.settings;
  const { timeMs } = state.retention.fallback;
  return {
    level0PartsMax,
    partitionPartsMax,
    partSizeMaxBytes,
    // So that what is expired is mostly dropped with its part, not rewritten.
    widthMaxUs: timeMs === undefined ? Number.POSITIVE_INFINITY : (timeMs * 1000) / 4,
    all,
    nowUs: state.options.clock.nowMs() * 1000,
    skipAdjacency: state.mutations.skipAdjacency === true,
  };
}

/** Deletes in the catalog, below `end`, that the part's bytes may still hold points of. */
function openDeletes(state: ShardState, part: Part, end = state.frontier): Delete[] {
  return state.view.deletes.filter((one) => one.offset < end && isNeeded(one, [part]));
}

/** Is a rewrite of this part due, for deletes or for what is expired? */
async function isDirty(
  state: ShardState,
  part: Part,
  { mode, end, nowMs }: Scope,
): Promise<boolean> {
  if (part.isDamaged) return false;
  const deletesMin = mode === 'due' ? REWRITE_DELETES_MIN : 1;
  if (openDeletes(state, part, end).length >= deletesMin) return true;
  const expired = await expiredShare(state, part, nowMs);
  return mode === 'due' ? expired >= REWRITE_EXPIRED_MIN : expired > 0;
}

/** How much of the part's samples is expired, 0…1; exact at both ends. */
async function expiredShare(
  state: ShardState,
  part: Part,
  nowMs = state.options.clock.nowMs(),
): Promise<number> {
  const { minUs, sampleCount } = part.row;
  if (!(state.retention.latestHorizonUs(nowMs) > minUs)) return 0;
  let expired = 0;
  let rest = 0;
  for (const tenant of await part.tenants()) {
    if (tenant.minUs > tenant.maxUs) continue;
    const share = shareBelow(tenant, state.retention.horizonUs(tenant.tenant, nowMs));
    // Exemplars alone have a time and no sample.
    const weight = Math.max(tenant.sampleCount, 1 / (1 + sampleCount));
    expired += weight * share;
    rest += weight * (1 - share);
  }
  return expired === 0 ? 0 : expired / (expired + rest);
}

/** False where there is no room for the outputs now. */
async function execute(state: ShardState, plan: MergePlan<Part>): Promise<boolean> {
  const [part] = plan.inputs;
  if (plan.kind === 'rewrite' && part !== undefined) {
    const share = await expiredShare(state, part);
    if (share === 1 && !(await hasTimeless(part))) {
      await swap(state, [part], []);
      state.progress.merged('drop', []);
      return true;
    }
    if (share === 0 && !(await isHit(state, part, openDeletes(state, part)))) {
      // Nothing to rewrite: the row alone says that these deletes are done.
      await swap(state, [part], [{ ...part.row, deletesEnd: state.frontier }]);
      return true;
    }
  }
  const sizeBytes = plan.inputs.reduce((sum, { row }) => sum + row.sizeBytes, 0);
  // A rewrite gives more back than it takes: the floor is there for it.
  const above = plan.kind === 'rewrite' ? 'disk' : 'floor';
  if (!(await state.disk.hasRoomFor(sizeBytes, above))) return false;
  state.mergeShare = shareOf(state);
  await merge(state, plan);
  return true;
}

/** Four times the level-0 parts that make a division due: all of the thread. */
function shareOf(state: ShardState): number {
  const level0 = state.view.parts.filter(({ row }) => row.level === 0).length;
  const { mergeShare, level0PartsMax } = state.settings;
  return Math.min(1, Math.max(mergeShare, level0 / (4 * level0PartsMax)));
}

async function hasTimeless(part: Part): Promise<boolean> {
  const tenants = await part.tenants();
  return tenants.some(
    ({ sections }) => sections.metadata.sizeBytes + sections.attributes.sizeBytes > 0,
  );
}

/** Does one of the deletes hide a sample, an exemplar or a row without a time of the part? */
async function isHit(state: ShardState, part: Part, deletes: readonly Delete[]): Promise<boolean> {
  const view: View = { parts: [part], generations: [], deletes: [] };
  const { index, pacer } = state;
  for (const { tenant, matchers, startUs, endUs } of deletes) {
    const where = { tenant, matchers, range: { startUs, endUs }, view, moment: 0 };
    const scan = { ...where, index, check: () => undefined, yieldTurn: pacer.yieldTurn };
    for await (const series of scanSeries(scan)) if (await series.exists()) return true;
    for (const { series, tUs } of await part.exemplars(tenant))
      if (tUs >= startUs && tUs <= endUs && matchesAll(matchers, series)) return true;
    if (!isOfAll({ matchers, startUs, endUs })) continue;
    if ((await part.metadata(tenant)).length > 0) return true;
    if ((await part.attributes(tenant)).length > 0) return true;
  }
  return false;
}
