// Use is counted to the unit whatever happens: random writes of several tenants, tokens and
// protocols over one and several shards; flushes, merges, head snapshots, commits of use, kills and
// clean ends between them; commits whose outcome nobody knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { AppError } from '../../src/model/errors.ts';
import type { BatchMeter } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { UsageBook } from '../../src/tenancy/usage.ts';
import { HOUR_MS } from '../../src/tenancy/usage-rows.ts';
import { appendOptions } from './contexts.ts';
import { point, writeRows } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const TENANTS = ['a', 'b'];
const TOKENS = ['', 't1', 't2'];
const PROTOCOLS = ['influx', 'remote-write'];

class Metered {
  readonly under: TsdbUnderTest;
  book!: UsageBook;
  readonly #prng: Prng;
  readonly #catalog: Catalog;
  /** Points by key of a row. */
  readonly expected = new Map<string, number>();

  constructor(seed: number, shardCount: number) {
    this.#prng = seededPrng(seed);
    const meter: BatchMeter = {
      begin: (shard, log) => this.book.begin(shard, log),
      applied: (shard, one, count) => this.book.applied(shard, one, count),
      keep: () => this.book.keep(),
    };
    const settings = { headSnapshotLogBytes: 3000, openingRestMs: 0 };
    this.under = new TsdbUnderTest({ meter, settings }, shardCount);
    this.#catalog = this.#doubtful(this.under.catalog);
  }

  /** Some commits are answered by nobody; of these some have happened. */
  #doubtful(catalog: Catalog): Catalog {
    const unknown = () =>
      new AppError('unavailable', 'catalog-commit-unknown', 'no answer', { retryable: true });
    return {
      transact: async (body) => {
        const chance = this.below(10);
        if (chance === 0) throw unknown();
        const committed = await catalog.transact(body);
        if (chance === 1) throw unknown();
        return committed;
      },
      backup: (path) => catalog.backup(path),
      checkpoint: () => catalog.checkpoint(),
      close: () => catalog.close(),
    };
  }

  below(count: number): number {
    return this.#prng.u32() % count;
  }

  async open(): Promise<void> {
    const { clock, scheduler, catalog } = this.under;
    const onError = (): void => undefined;
    this.book = await UsageBook.open({ catalog, clock, scheduler, onError });
    // What is read at the start has an answer.
    this.book = await UsageBook.open({ catalog: this.#catalog, clock, scheduler, onError }).catch(
      () => this.book,
    );
    await this.under.open();
  }

  async write(): Promise<void> {
    const { under } = this;
    const pick = (of: readonly string[]): string => of[this.below(of.length)]!;
    const [tenant, tokenId, protocol] = [pick(TENANTS), pick(TOKENS), pick(PROTOCOLS)];
    const count = 1 + this.below(20);
    const rows = Array.from({ length: count }, () =>
      point({ __name__: 'm', i: String(this.below(30)) }, 1 + this.below(1e6), 1),
    );
    const principal = { ...openPrincipal(tenant), tokenId };
    await writeRows(under.storage, rows, { ...appendOptions(), principal, protocol });
    const hourMs = Math.floor(under.clock.ms / HOUR_MS) * HOUR_MS;
    const key = `${hourMs} ${tenant} ${tokenId} ${protocol}`;
    this.expected.set(key, (this.expected.get(key) ?? 0) + count);
  }

  async counted(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const range = { tenant: undefined, fromMs: 0, toMs: this.under.clock.ms + HOUR_MS };
    await settled(() => this.book.keep());
    for await (const { hourMs, tenant, tokenId, protocol, values } of this.#rows(range))
      found.set(`${hourMs} ${tenant} ${tokenId} ${protocol}`, values.pointsWritten ?? 0);
    return found;
  }

  /** Of a book whose catalog always answers. */
  async *#rows(range: Parameters<UsageBook['rows']>[0]) {
    const { clock, scheduler, catalog } = this.under;
    const onError = (): void => undefined;
    yield* (await UsageBook.open({ catalog, clock, scheduler, onError })).rows(range);
  }
}

/** Tries until it is kept. */
async function settled(keep: () => Promise<void>): Promise<void> {
  for (let round = 0; ; round++)
    try {
      return await keep();
    } catch (error) {
      if (!(error instanceof AppError) || round === 100) throw error;
    }
}

async function run(seed: number, shardCount: number): Promise<void> {
  const metered = new Metered(seed, shardCount);
  await metered.open();
  const { under } = metered;
  for (let step = 0; step < 120; step++) {
    const chance = metered.below(20);
    if (chance < 13) await metered.write();
    else if (chance === 13) under.clock.ms += metered.below(2 * HOUR_MS);
    else if (chance === 14) await settled(() => metered.book.keep());
    else if (chance === 15) await settled(() => under.storage.flush());
    else if (chance === 16) await settled(() => under.storage.compact());
    else if (chance < 19) await metered.open();
    else {
      await under.storage.close();
      await metered.open();
    }
  }
  assert.deepEqual(sorted(await metered.counted()), sorted(metered.expected), `seed ${seed}`);
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

for (const shardCount of [1, 3])
  test(`points are counted once, ${shardCount} shards`, async () => {
    for (let seed = 1; seed <= 6; seed++) await run(seed, shardCount);
  });

test('a log that ends before what was counted is counted from its end on', async () => {
  const metered = new Metered(1, 1);
  await metered.open();
  const { startOffset, endOffset } = metered.under.log;
  assert.equal(metered.book.begin(0, { startOffset, frontier: endOffset, endOffset: 5 }), 0);
  metered.book.applied(0, batch(0), 3);
  metered.book.applied(0, batch(7), 3);
  assert.equal(metered.book.begin(0, { startOffset: 0, frontier: 4, endOffset: 4 }), 4);
  metered.book.applied(0, batch(3), 100);
  metered.book.applied(0, batch(4), 2);
  assert.deepEqual([...(await metered.counted()).values()], [8]);
});

function batch(offset: number) {
  return { offset, writtenMs: Date.UTC(2026, 0, 1), tenant: 'a', tokenId: '', protocol: 'influx' };
}
