// The flush protocol by log offset. A frozen generation holds exactly what the log said in [seqMin,
// seqMax); it becomes one level-0 part, and one catalog transaction moves part row, deletes, young
// batch ids, splits, tenants and the frontier together. Only then is the log trimmed and the
// generation dropped. The seen list of the new frontier is durable before that. A crash before the
// commit leaves an orphan blob, after it a longer log.
import type { Catalog, CatalogTx } from '../catalog/catalog.ts';
import { prefixEnd } from '../catalog/catalog.ts';
import { assert, FatalError } from '../stdx/assert.ts';
import { AppError } from '../model/errors.ts';
import { compareUtf8 } from '../model/labels.ts';
import {
  batchIdsValue,
  commit,
  deleteKey,
  deleteValue,
  partKey,
  readFrontier,
  splitKey,
  toJson,
} from './catalog-rows.ts';
import { isOfAll } from './deletes.ts';
import type { Delete } from './deletes.ts';
import type { Generation } from './head.ts';
import { BATCH_ID_MEMORY_MS, BATCH_IDS_PER_ROW, CATALOG_CHUNK_BYTES } from './limits.ts';
import { padded, partName } from './names.ts';
import { buildPart } from './part-build.ts';
import type { PartRow } from './part-format.ts';
import { removeFormerSeenLists, writeSeenList } from './seen-lists.ts';
import { sortedParts } from './state.ts';
import type { BatchIdRow, ShardState } from './state.ts';

const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };

/** A blob name's unique end. */
export function uniqueText(state: ShardState): string {
  return state.options.prng.bytes(6).toHex();
}

/** Puts every frozen generation into a part, oldest first. */
export async function persistFrozen(state: ShardState): Promise<void> {
  for (;;) {
    const [oldest, ...newer] = state.view.generations;
    if (oldest === undefined || newer.length === 0) return;
    await persist(state, oldest);
  }
}

async function persist(state: ShardState, generation: Generation): Promise<void> {
  const { blobs, log } = state.options;
  const { seqMin, seqMax } = generation;
  assert(seqMin === state.frontier, 'generations follow each other');
  assert(
    state.mutations.skipFrontier === true || seqMax <= log.durableOffset,
    'only what is durable is flushed',
  );
  const deletes = state.view.deletes.filter((one) => one.offset >= seqMin && one.offset < seqMax);
  // Before anything is committed: the log is trimmed behind it.
  await state.options.meter?.keep();
  const nowMs = state.options.clock.nowMs();
  const { flushPace } = state;
  flushPace.begin(generation.sampleCount);
  const row = generation.isEmpty
    ? undefined
    : await buildPart(blobs, {
        name: partName(state.names, { level: 0, seqMin, seqMax }, uniqueText(state)),
        level: 0,
        partitionUs: undefined,
        seqMin,
        seqMax,
        deletesEnd: seqMax,
        range: EVER,
        horizonUs: (tenant) => state.retention.horizonUs(tenant, nowMs),
        withTimeless: true,
        view: { parts: [], generations: [generation], deletes },
        moment: Number.POSITIVE_INFINITY,
        tenants: tenantsOf(state, generation),
        index: state.index,
        pause: state.flushPacer.pause,
        wrote: (count) => flushPace.wrote(count),
      });
  const batchRows = await writeSeenList(state, seqMax)
    .then(() => state.probe('flush'))
    .then(() => commitFlush(state, generation, row, deletes))
    .catch((error: unknown) => removeUnused(state, row === undefined ? [] : [row], error));
  state.batchIdRows = batchRows;
  if (row !== undefined) state.progress.flushed(row);
  state.frontier = seqMax;
  const { view } = state;
  state.view = {
    parts: row === undefined ? view.parts : sortedParts([...view.parts, state.openPart(row)]),
    generations: view.generations.filter((one) => one !== generation),
    deletes: view.deletes.filter((one) => one.offset >= seqMax || isNeeded(one, view.parts)),
  };
  state.pins.retireGeneration(generation);
  state.batchIds.expire(state.options.clock.nowMs(), seqMax);
  await log.trim(seqMax);
  await removeFormerSeenLists(state);
}

/**
 * Removes parts of a commit that failed, and throws its error again: each retry would leave more of
 * them on a disk that may be full. Where the outcome is unknown they stay until the next start.
 */
export async function removeUnused(
  state: ShardState,
  rows: readonly PartRow[],
  error: unknown,
): Promise<never> {
  const isUnknown = error instanceof AppError && error.code === 'catalog-commit-unknown';
  if (error instanceof AppError && !isUnknown)
    for (const { name } of rows) await state.options.blobs.remove(name);
  throw error;
}

/** Has the delete anything left to hide in these parts? */
export function isNeeded(one: Delete, parts: readonly { readonly row: PartRow }[]): boolean {
  return parts.some(
    ({ row }) => row.deletesEnd <= one.offset && row.minUs <= one.endUs && row.maxUs >= one.startUs,
  );
}

function tenantsOf(state: ShardState, generation: Generation): string[] {
  const tenants = new Set<string>();
  const { index } = state;
  let last: string | undefined;
  for (const ref of generation.refs.view()) {
    const tenant = index.tenantOf(ref)!;
    if (tenant !== last) tenants.add(tenant);
    last = tenant;
  }
  for (const { row } of generation.exemplars) tenants.add(index.tenantOf(row.ref)!);
  for (const { row } of generation.attributes) tenants.add(index.tenantOf(row.ref)!);
  for (const { row } of generation.metadata) tenants.add(row.tenant);
  return [...tenants].toSorted(compareUtf8);
}

async function commitFlush(
  state: ShardState,
  generation: Generation,
  row: PartRow | undefined,
  deletes: readonly Delete[],
): Promise<BatchIdRow[]> {
  const { catalog, clock } = state.options;
  const { names, mutations, view } = state;
  const { seqMin, seqMax } = generation;
  const nowMs = clock.nowMs();
  const old = state.batchIdRows.filter((one) => nowMs - one.newestMs >= BATCH_ID_MEMORY_MS);
  const young = mutations.skipBatchIds === true ? [] : youngRows(state, generation, nowMs);
  const newTenants = [...state.tenants].filter(([, isStored]) => !isStored).map(([id]) => id);
  const moved = deletes.filter(
    (one) => mutations.skipDeletes !== true && isNeeded(one, view.parts),
  );
  // Rows that are true as soon as the records are in the log may be there before the commit; so the
  // commit itself stays small however many there are.
  const splits = splitRows(state, generation);
  await writeAhead(catalog, [
    ...young,
    ...splits,
    ...newTenants.map((tenant) => ({ key: `${names.tenantRows}${tenant}`, value: toJson({}) })),
  ]);
  const body = async (tx: CatalogTx): Promise<void> => {
    const frontier = await readFrontier(tx, names);
    if (frontier !== seqMin && mutations.skipFrontier !== true)
      throw new FatalError(
        `the catalog's frontier is ${frontier}, this process expected ${seqMin}: another process writes here`,
      );
    if (row !== undefined) tx.set(partKey(names, row), toJson(row));
    for (const one of moved) tx.set(deleteKey(names, one.offset), deleteValue(one));
    for (const { key } of old) tx.remove(key);
    for (const { tenant } of deletes.filter(isOfAll)) {
      const prefix = splitKey(names, tenant, '');
      tx.removeRange(prefix, prefixEnd(prefix));
      // Of those that came after the delete.
      for (const { key, value } of splits) if (key.startsWith(prefix)) tx.set(key, value);
      if (!state.tenants.has(tenant)) tx.remove(names.tenantRows + tenant);
    }
    tx.set(names.frontier, toJson(seqMax));
  };
  if (mutations.skipFrontier === true)
    await catalog.transact(async (tx) => tx.set(names.frontier, toJson(seqMax)));
  await commit(catalog, body, async (tx) => (await readFrontier(tx, names)) === seqMax);
  // A delete may have come meanwhile.
  for (const tenant of newTenants) if (state.tenants.has(tenant)) state.tenants.set(tenant, true);
  return [...state.batchIdRows.filter((one) => !old.includes(one)), ...young];
}

interface CatalogRow {
  readonly key: string;
  readonly value: Uint8Array;
}

function splitRows(state: ShardState, { seqMin, seqMax }: Generation): CatalogRow[] {
  const rows: CatalogRow[] = [];
  for (const [tenant, splits] of state.splits)
    for (const { split, offset } of splits.values())
      if (offset >= seqMin && offset < seqMax)
        rows.push({
          key: splitKey(state.names, tenant, split.name),
          value: toJson({ tenant, ...split }),
        });
  return rows;
}

/** Writes rows in as many transactions as the catalog's limits ask for. */
async function writeAhead(catalog: Catalog, rows: readonly CatalogRow[]): Promise<void> {
  for (let from = 0; from < rows.length;) {
    const some: CatalogRow[] = [];
    let sizeBytes = 0;
    while (from < rows.length && sizeBytes < CATALOG_CHUNK_BYTES) {
      const row = rows[from++]!;
      some.push(row);
      sizeBytes += row.key.length * 3 + row.value.length;
    }
    await catalog.transact(async (tx) => {
      for (const { key, value } of some) tx.set(key, value);
    });
  }
}

interface YoungRow extends BatchIdRow {
  readonly value: Uint8Array;
}

function youngRows(state: ShardState, generation: Generation, nowMs: number): YoungRow[] {
  const { seqMin, seqMax } = generation;
  const out: YoungRow[] = [];
  for (const [tenant, ids] of state.batchIds.young(nowMs, seqMin, seqMax))
    for (let from = 0; from < ids.length; from += BATCH_IDS_PER_ROW) {
      const some = ids.slice(from, from + BATCH_IDS_PER_ROW);
      out.push({
        key: `${state.names.batchIdRows}${padded(seqMax)}/${padded(from)}/${tenant}`,
        newestMs: Math.max(...some.map((one) => one.seenMs)),
        value: batchIdsValue(some),
      });
    }
  return out;
}
