// The engine, of one shard or several, on planes in RAM, for the contract suite and for tests that
// look into the planes.
import type { Clock } from '../../src/stdx/clock.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import type { Scheduler } from '../../src/stdx/scheduler.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openShards } from '../../src/tsdb/open-shards.ts';
import type { TsdbEvent, TsdbOptions } from '../../src/tsdb/tsdb.ts';
import { mergeElsewhere } from '../support/merge-elsewhere.ts';
import { MemoryBlobs, MemoryCatalog, MemoryLog } from './memory-planes.ts';
import type { StorageUnderTest } from './storage-case.ts';

/** A clock that only tests move. */
class ManualClock implements Clock {
  ms = Date.UTC(2026, 0, 1);

  nowMs(): number {
    return this.ms;
  }

  monotonicMs(): number {
    return this.ms;
  }
}

/** Timers fire only when a test fires them; turns of the event loop are real. */
class ManualScheduler implements Scheduler {
  readonly #tasks = new Set<() => void>();

  after(_delayMs: number, task: () => void): () => void {
    this.#tasks.add(task);
    return () => this.#tasks.delete(task);
  }

  /** Runs every timer that waits now. */
  fire(): void {
    const due = [...this.#tasks];
    this.#tasks.clear();
    for (const task of due) task();
  }

  sleep(): Promise<void> {
    return this.yieldTurn();
  }

  yieldTurn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

export class TsdbUnderTest implements StorageUnderTest {
  /** Merges are done as a thread of their own does them. */
  static areMergesElsewhere = false;
  /** One a shard. */
  readonly logs: readonly MemoryLog[];
  readonly blobs = new MemoryBlobs();
  readonly catalog = new MemoryCatalog();
  readonly clock = new ManualClock();
  readonly scheduler = new ManualScheduler();
  readonly events: TsdbEvent[] = [];
  readonly #options: Partial<TsdbOptions>;
  /** Asked for when opening; undefined: as the data say. */
  shardCount: number | undefined;
  #seed = 1;
  storage!: Storage;

  constructor(options: Partial<TsdbOptions> = {}, shardCount = 1) {
    this.#options = options;
    this.shardCount = shardCount;
    this.logs = Array.from({ length: shardCount }, () => new MemoryLog());
  }

  /** The log of the only, or first, shard. */
  get log(): MemoryLog {
    return this.logs[0]!;
  }

  /** Opens the data as it is, without closing what was open: as after a kill. */
  async open(): Promise<this> {
    const { logs, blobs, catalog, clock, scheduler } = this;
    this.storage = await openShards({
      shardCount: this.shardCount,
      openLog: async (shard) => logs[shard]!,
      blobs,
      catalog,
      clock,
      scheduler,
      prng: seededPrng(this.#seed++),
      report: (event) => this.events.push(event),
      ...(TsdbUnderTest.areMergesElsewhere
        ? {
            runMerge: mergeElsewhere(() => blobs, { clock, scheduler }),
          }
        : {}),
      ...this.#options,
    });
    return this;
  }

  async reopen(): Promise<this> {
    await this.storage.close();
    return this.open();
  }
}
