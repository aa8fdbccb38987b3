// What the limit of active series counts is the exact number of distinct series that were written
// within the last hour: under churn, rewrites, deletes, flushes, merges, clean restarts, kills,
// head snapshots and short memory, of tenants that are removed too, in one shard and in three. A
// model that remembers when each was written last says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesCount } from '../../src/model/storage.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import { matcher } from '../../src/model/matcher.ts';
import type { Matcher } from '../../src/model/matcher.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { ACTIVE_WINDOW_SEC } from '../../src/tsdb/limits.ts';
import { MemoryBound } from '../../src/tsdb/memory-bound.ts';
import { point, writeRows } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const TENANTS = ['a', 'b', 'gone'];
const NAMES = 60;
const STEPS = 120;
const SEEDS = [1, 2, 3, 4, 5, 6];
const MEMORY_BYTES = 1e12;

type Kind = (typeof KINDS)[number];
const KINDS = [
  'write',
  'write',
  'write',
  'write',
  'time',
  'minutes',
  'delete',
  'flush',
  'compact',
  'press',
  'restart',
  'kill',
  'head-snapshot',
  'reserve',
  'remove',
] as const;

class World {
  readonly under: TsdbUnderTest;
  readonly prng: Prng;
  /** By tenant and series the second of the last write. */
  readonly written = new Map<string, Map<number, number>>(TENANTS.map((one) => [one, new Map()]));
  #counts: ((tenant: string) => SeriesCount)[] = [];
  #pressedBytes = 0;
  readonly done: Kind[] = [];

  constructor(seed: number, shards: number) {
    this.prng = seededPrng(seed);
    const seriesGate = {
      admits: () => true,
      made: () => undefined,
      watch: (count: (tenant: string) => SeriesCount) => void this.#counts.push(count),
    };
    const memory = new MemoryBound(MEMORY_BYTES);
    memory.hold('test', () => this.#pressedBytes);
    // A head snapshot is due after a few writes, and at the close.
    const settings = { headSnapshotLogBytes: 12_000, openingRestMs: 0 };
    this.under = new TsdbUnderTest({ seriesGate, memory, settings }, shards);
  }

  async open(): Promise<void> {
    this.#counts = [];
    await this.under.open();
  }

  async write(tenant: string): Promise<void> {
    const { prng, under } = this;
    const from = randomInt(prng, NAMES);
    const series = Array.from({ length: 1 + randomInt(prng, 12) }, (_, i) => (from + i) % NAMES);
    const tUs = under.clock.ms * 1000 - randomInt(prng, 2) * randomInt(prng, 1e9) * 1000;
    const rows = series.map((n) => point({ __name__: 'm', n: `${n}` }, tUs, n));
    await writeRows(under.storage, rows, { principal: openPrincipal(tenant) });
    for (const n of series) this.written.get(tenant)!.set(n, Math.floor(under.clock.ms / 1000));
  }

  /** Series are asked for that nobody writes, as a batch that is refused later does. */
  reserve(tenant: string): void {
    const from = randomInt(this.prng, NAMES);
    for (let i = 0; i < 4; i++) {
      const labels = labelsFromObject({ __name__: 'm', n: `${(from + i) % NAMES}` });
      this.under.storage.resolve(tenant, labels);
    }
  }

  async delete(tenant: string, matchers: readonly Matcher[]): Promise<void> {
    const options = {
      principal: openPrincipal(tenant),
      durability: 'sync',
      protocol: 'test',
      batchId: undefined,
    } as const;
    // The bounds of a delete of everything.
    const range = { startUs: -Infinity, endUs: Infinity };
    await this.under.storage.delete({ matchers, ...range, dryRun: false }, options);
  }

  /** A flush that finds memory pressed: who was silent for five minutes leaves it. */
  async press(): Promise<void> {
    this.#pressedBytes = MEMORY_BYTES * 0.8;
    await this.under.storage.flush();
    this.#pressedBytes = 0;
  }

  async do(kind: Kind, tenant: string): Promise<void> {
    const { prng, under } = this;
    if (kind === 'write') return this.write(tenant);
    if (kind === 'time') under.clock.ms += randomInt(prng, 40 * 60_000);
    if (kind === 'minutes') under.clock.ms += randomInt(prng, 7 * 60_000);
    if (kind === 'reserve') this.reserve(tenant);
    if (kind === 'delete')
      await this.delete(tenant, [matcher('n', '=~', `${randomInt(prng, 6)}.*`)]);
    if (kind === 'remove') await this.delete('gone', []);
    if (kind === 'flush') await under.storage.flush();
    if (kind === 'compact') await under.storage.compact();
    if (kind === 'press') await this.press();
    if (kind === 'restart') {
      await under.storage.close();
      await this.open();
    }
    if (kind === 'kill') await this.open();
    // The one that is due is written in turns of the event loop.
    if (kind === 'head-snapshot')
      for (let turn = 0; turn < 200; turn++) await under.scheduler.yieldTurn();
  }

  check(): void {
    const nowSec = Math.floor(this.under.clock.ms / 1000);
    let sum = 0;
    for (const [tenant, written] of this.written) {
      const inWindow = [...written.values()].filter((one) => one > nowSec - ACTIVE_WINDOW_SEC);
      const active = this.#counts.reduce((all, count) => all + count(tenant).active, 0);
      assert.equal(active, inWindow.length, `${tenant} after ${this.done.join(' ')}`);
      sum += inWindow.length;
    }
    assert.equal(this.under.storage.stats().activeSeries, sum, 'the metric is their sum');
  }
}

for (const shards of [1, 3])
  test(`active series are those of the last hour, ${shards} shards`, async () => {
    for (const seed of SEEDS) {
      const world = new World(seed, shards);
      await world.open();
      for (let i = 0; i < STEPS; i++) {
        const kind = KINDS[randomInt(world.prng, KINDS.length)]!;
        world.done.push(kind);
        await world.do(kind, TENANTS[randomInt(world.prng, TENANTS.length)]!);
        world.check();
      }
      assert.deepEqual(world.under.events, []);
    }
  });
