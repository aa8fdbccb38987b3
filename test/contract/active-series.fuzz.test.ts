// What the limit of active series counts is the exact number of distinct series that were written
// within the last hour: under churn, rewrites, deletes, flushes and merges, in one shard and in
// three; after a kill too, as far as the log has them. Of what was flushed before a start nothing
// is known but by its next write: for an hour the count is at most the exact one, and never less
// than what was written since. A model that remembers when each was written last says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesCount } from '../../src/model/storage.ts';
import { matcher } from '../../src/model/matcher.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { randomInt, seededPrng } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { ACTIVE_WINDOW_SEC } from '../../src/tsdb/limits.ts';
import { point, writeRows } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const TENANTS = ['a', 'b'];
const NAMES = 60;
const STEPS = 120;
const SEEDS = [1, 2, 3, 4, 5, 6];

class World {
  readonly under: TsdbUnderTest;
  readonly prng: Prng;
  /** By tenant and series the second of the last write. */
  readonly written = new Map<string, Map<number, number>>(TENANTS.map((one) => [one, new Map()]));
  #counts: ((tenant: string) => SeriesCount)[] = [];
  #openedMs = 0;
  #flushedMs = -Infinity;
  /** Until then something that was written before a start may not be known. */
  #unsureUntilMs = -Infinity;
  exactCount = 0;
  kinds = 0;
  readonly done: string[] = [];

  constructor(seed: number, shards: number) {
    this.prng = seededPrng(seed);
    const seriesGate = {
      admits: () => true,
      made: () => undefined,
      watch: (count: (tenant: string) => SeriesCount) => void this.#counts.push(count),
    };
    this.under = new TsdbUnderTest({ seriesGate }, shards);
  }

  async open(): Promise<void> {
    this.#counts = [];
    this.#openedMs = this.under.clock.ms;
    this.#unsureUntilMs = Math.max(this.#unsureUntilMs, this.#flushedMs + ACTIVE_WINDOW_SEC * 1000);
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

  async delete(tenant: string): Promise<void> {
    const { prng, under } = this;
    const options = {
      principal: openPrincipal(tenant),
      durability: 'sync',
      protocol: 'test',
      batchId: undefined,
    } as const;
    const matchers = [matcher('n', '=~', `${randomInt(prng, 6)}.*`)];
    const range = { startUs: -1e15, endUs: 1e16 };
    await under.storage.delete({ matchers, ...range, dryRun: false }, options);
  }

  async step(): Promise<void> {
    const { prng, under } = this;
    const tenant = TENANTS[randomInt(prng, TENANTS.length)]!;
    const kind = randomInt(prng, this.kinds);
    this.done.push(String(kind));
    if (kind < 5) await this.write(tenant);
    else if (kind < 7) under.clock.ms += randomInt(prng, 20 * 60_000);
    else if (kind === 7) await this.delete(tenant);
    else if (kind === 11) await this.open();
    else {
      this.#flushedMs = under.clock.ms;
      if (kind === 8) await under.storage.flush();
      else if (kind === 9) await under.storage.compact();
      else {
        await under.storage.close();
        await this.open();
      }
    }
  }

  check(): void {
    const nowSec = Math.floor(this.under.clock.ms / 1000);
    const openedSec = Math.floor(this.#openedMs / 1000);
    for (const [tenant, written] of this.written) {
      const inWindow = [...written.values()].filter((one) => one > nowSec - ACTIVE_WINDOW_SEC);
      const active = this.#counts.reduce((sum, count) => sum + count(tenant).active, 0);
      const what = `${tenant} after ${this.done.join(' ')}`;
      if (this.under.clock.ms >= this.#unsureUntilMs) {
        assert.equal(active, inWindow.length, what);
        this.exactCount++;
        continue;
      }
      const since = inWindow.filter((one) => one > openedSec).length;
      assert.ok(active >= since && active <= inWindow.length, `${since} ${active} ${what}`);
    }
  }
}

/** Starts among the steps, or none. */
const KINDS = [12, 10];

for (const shards of [1, 3])
  test(`active series are those of the last hour, ${shards} shards`, async () => {
    for (const [seed, kinds] of SEEDS.flatMap((one) => KINDS.map((two) => [one, two] as const))) {
      const world = new World(seed, shards);
      await world.open();
      world.kinds = kinds;
      for (let i = 0; i < STEPS; i++) {
        await world.step();
        world.check();
      }
      assert.deepEqual(world.under.events, []);
      assert.ok(world.exactCount >= (kinds === 10 ? STEPS * TENANTS.length : 1));
    }
  });
