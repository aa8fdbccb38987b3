// Counts what tenants use, by token, protocol and hour. Points are counted per batch when it is
// applied, from the log: what was counted and how far in each shard's log goes into the catalog in
// one transaction, and after a crash the records behind are counted again. So each point is counted
// once. Requests, queries and what they read are in no log: a kill loses those since the last
// commit.
//
// Invariants. Changes go into the open chunk; a chunk that is being committed changes no more, and
// chunks are committed in order. Rows in the catalog only ever hold whole chunks.
import type { Catalog, CatalogTx } from '../catalog/catalog.ts';
import { AppError } from '../model/errors.ts';
import type { AppliedBatch, BatchMeter, MeteredLog } from '../model/storage.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import {
  USAGE_COMMIT_MS,
  USAGE_COMMIT_ROWS_MAX,
  USAGE_KEPT_HOURS,
  USAGE_ROWS_HELD_MAX,
} from './limits.ts';
import {
  addUsage,
  encodeJson,
  hourOf,
  hourText,
  HOUR_MS,
  lastCommit,
  putCounted,
  readCounted,
  readUsage,
  removeBefore,
  STORED_PROTOCOL,
  TOLD_PROTOCOL,
  USAGE_SUMS,
  usageKey,
  usageValues,
} from './usage-rows.ts';
import type { UsageKey, UsageRange, UsageRow, UsageValues } from './usage-rows.ts';

import { UsageMeters } from './usage-meters.ts';
import type { Meter, Sums } from './usage-meters.ts';
import { UsageTotals } from './usage-totals.ts';
import type { UsageTotal } from './usage-totals.ts';

export interface UsageParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** A commit in the background failed; it is tried again. */
  readonly onError: (error: unknown) => void;
}

interface Chunk {
  /** By key of the catalog. */
  readonly rows: Map<string, Sums>;
  /** The same by who and by what, and with sums since the start. */
  readonly meters: UsageMeters;
  /** By shard. */
  readonly offsets: Map<number, number>;
  /** It was sent, and nobody knows whether it was committed. */
  isDoubtful: boolean;
}

function newChunk(): Chunk {
  return { rows: new Map(), meters: new UsageMeters(), offsets: new Map(), isDoubtful: false };
}

export class UsageBook implements BatchMeter {
  readonly #parts: UsageParts;
  /** By shard the first record that is not counted yet. */
  readonly #counted: Map<number, number>;
  #commit: number;
  #open = newChunk();
  readonly #sealed: Chunk[] = [];
  #keeping: Promise<void> = Promise.resolve();
  #timer: (() => void) | undefined = undefined;
  #isStopped = false;
  /** Rows as the catalog has them, so that few are read. */
  readonly #held = new Map<string, UsageValues>();
  readonly #totals = new UsageTotals(() => this.#open.meters.clear());
  #hour = { ms: Number.NaN, text: '' };
  #cleanedMs = Number.NEGATIVE_INFINITY;

  private constructor(parts: UsageParts, counted: Map<number, number>, commit: number) {
    this.#parts = parts;
    this.#counted = counted;
    this.#commit = commit;
  }

  static async open(parts: UsageParts): Promise<UsageBook> {
    const { offsets, commit } = await readCounted(parts.catalog);
    return new UsageBook(parts, offsets, commit);
  }

  // -------------------------------------------------------------- counting

  /** A log that ends earlier is one of a snapshot, whose records get those numbers again. */
  begin(shard: number, { startOffset, frontier, endOffset }: MeteredLog): number {
    const counted = this.#counted.get(shard) ?? frontier;
    const from = Math.min(Math.max(counted, startOffset), endOffset);
    this.#counted.set(shard, from);
    return from;
  }

  applied(shard: number, batch: AppliedBatch, pointCount: number): void {
    const { offset } = batch;
    if (offset < (this.#counted.get(shard) ?? 0)) return;
    this.#counted.set(shard, offset + 1);
    if (pointCount === 0 || batch.protocol === TOLD_PROTOCOL) return;
    this.#add(batch.writtenMs, batch, 'pointsWritten', pointCount);
    this.#open.offsets.set(shard, offset + 1);
  }

  /** Writes that ended, and questions. */
  countRequests(key: UsageKey, count: number): void {
    if (key.protocol === TOLD_PROTOCOL) return;
    this.#add(this.#parts.clock.nowMs(), key, 'requests', count);
  }

  countQuery(key: UsageKey, read: { readonly samplesRead: number; readonly cost: number }): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#add(nowMs, key, 'requests', 1);
    this.#add(nowMs, key, 'queries', 1);
    if (read.samplesRead > 0) this.#add(nowMs, key, 'pointsRead', read.samplesRead);
    if (read.cost > 0) this.#add(nowMs, key, 'queryCost', read.cost);
  }

  /** What a tenant keeps now. */
  look(tenant: string, activeSeries: number, bytesStored: number): void {
    const key = { tenant, tokenId: '', protocol: STORED_PROTOCOL };
    const row = this.#row(this.#parts.clock.nowMs(), key);
    row.activeSeries = Math.max(row.activeSeries ?? 0, activeSeries);
    row.bytesStored = bytesStored;
    Object.assign(this.#totals.of(key), { activeSeries, bytesStored });
  }

  #add(tMs: number, key: UsageKey, name: (typeof USAGE_SUMS)[number], count: number): void {
    const hourMs = hourOf(tMs);
    let meter = this.#open.meters.find(key);
    if (meter?.hourMs !== hourMs) meter = this.#makeMeter(hourMs, key);
    const { row, total } = meter;
    row[name] = (row[name] ?? 0) + count;
    total[name] = (total[name] ?? 0) + count;
  }

  #makeMeter(hourMs: number, key: UsageKey): Meter {
    const meter = { hourMs, row: this.#row(hourMs, key), total: this.#totals.of(key) };
    this.#open.meters.put(key, meter);
    return meter;
  }

  #row(tMs: number, of: UsageKey): Sums {
    const hourMs = hourOf(tMs);
    // The text of an hour costs more than the rest.
    if (hourMs !== this.#hour.ms) this.#hour = { ms: hourMs, text: hourText(hourMs) };
    const key = usageKey(this.#hour.text, of);
    let row = this.#open.rows.get(key);
    if (row !== undefined) return row;
    if (this.#open.rows.size >= USAGE_COMMIT_ROWS_MAX) this.#seal();
    this.#open.rows.set(key, (row = {}));
    this.#arm();
    return row;
  }

  /** The tenant is gone; its rows stay. */
  forget(tenant: string): void {
    this.#totals.forget(tenant);
  }

  /** Since the process started. */
  totals(tenant: string): readonly UsageTotal[] {
    return this.#totals.all(tenant);
  }

  // -------------------------------------------------------------- keeping

  #arm(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#timer = this.#parts.scheduler.after(USAGE_COMMIT_MS, () => {
      this.#timer = undefined;
      this.keep().catch((error: unknown) => {
        this.#parts.onError(error);
        this.#arm();
      });
    });
  }

  /** What comes from now on waits for `keep`. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.();
    this.#timer = undefined;
  }

  keep(): Promise<void> {
    const kept = this.#keeping.then(() => this.#keepAll());
    // Whoever asks next tries again what failed for this one.
    this.#keeping = kept.catch(() => undefined);
    return kept;
  }

  #seal(): void {
    this.#sealed.push(this.#open);
    this.#open = newChunk();
  }

  async #keepAll(): Promise<void> {
    while (this.#sealed.length > 0) await this.#keepFirst();
    if (this.#open.rows.size === 0) return;
    this.#seal();
    await this.#keepFirst();
  }

  async #keepFirst(): Promise<void> {
    const chunk = this.#sealed[0]!;
    const { catalog, clock } = this.#parts;
    const commit = this.#commit + 1;
    const keptFromMs = hourOf(clock.nowMs()) - USAGE_KEPT_HOURS * HOUR_MS;
    const isCleanDue = keptFromMs > this.#cleanedMs;
    const body = async (tx: CatalogTx): Promise<ReadonlyMap<string, UsageValues>> => {
      if (chunk.isDoubtful && (await lastCommit(tx)) >= commit) return new Map();
      const rows = await this.#changedRows(tx, chunk);
      for (const [key, values] of rows) tx.set(key, encodeJson(values));
      putCounted(tx, chunk.offsets, commit);
      if (isCleanDue) removeBefore(tx, keptFromMs);
      return rows;
    };
    let rows: ReadonlyMap<string, UsageValues>;
    try {
      ({ result: rows } = await catalog.transact(body));
    } catch (error) {
      if (error instanceof AppError && error.code === 'catalog-commit-unknown') {
        chunk.isDoubtful = true;
        this.#held.clear();
      }
      throw error;
    }
    this.#commit = commit;
    if (isCleanDue) this.#cleanedMs = keptFromMs;
    this.#sealed.shift();
    this.#hold(rows, isCleanDue || chunk.isDoubtful);
  }

  async #changedRows(tx: CatalogTx, { rows }: Chunk): Promise<Map<string, UsageValues>> {
    const changed = new Map<string, UsageValues>();
    for (const [key, change] of rows) {
      let before = this.#held.get(key);
      if (before === undefined) {
        const entry = await tx.get(key);
        before = entry === undefined ? {} : usageValues(entry);
      }
      changed.set(key, addUsage(before, change));
    }
    return changed;
  }

  #hold(rows: ReadonlyMap<string, UsageValues>, isAnew: boolean): void {
    if (isAnew || this.#held.size + rows.size > USAGE_ROWS_HELD_MAX) this.#held.clear();
    for (const [key, values] of rows) this.#held.set(key, values);
  }

  // -------------------------------------------------------------- telling

  /** In the order of hours; everything that was counted before is in it. */
  async *rows(range: UsageRange): AsyncGenerator<UsageRow, void, void> {
    await this.keep();
    yield* readUsage(this.#parts.catalog, range);
  }
}
