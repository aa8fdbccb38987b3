// Tenants that come, write, are refused something and are removed again, many times over: nothing
// of them stays in memory but their ids, and nobody counts them any more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endWhatIsTaken, followRemovals } from '../../src/app/server/tenancy.ts';
import { Ingest } from '../../src/ingest/ingest.ts';
import { MetadataFilter } from '../../src/ingest/metadata-filter.ts';
import { RefusedLines } from '../../src/ingest/refused-lines.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { SERVER_ACTOR } from '../../src/tenancy/audit.ts';
import { Breaches } from '../../src/tenancy/breaches.ts';
import { LimitBook } from '../../src/tenancy/limit-book.ts';
import { Quotas } from '../../src/tenancy/quotas.ts';
import { SeriesMakers } from '../../src/tenancy/series-makers.ts';
import { TenancyStore } from '../../src/tenancy/tenancy-store.ts';
import { TenantRemoval } from '../../src/tenancy/tenant-removal.ts';
import { UsageBook } from '../../src/tenancy/usage.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';
import { lineRequest } from '../support/line-request.ts';

/** The rooms of a server that know tenants, over a storage in memory. */
async function openHouse(shardCount: number) {
  const book = new LimitBook({ 'active-series': 2 });
  const usage: { book?: UsageBook } = {};
  const limitsOf = book.of.bind(book);
  // That of the storage.
  const clock = { nowMs: () => Date.UTC(2026, 0, 1), monotonicMs: () => 0 };
  const quotas = new Quotas({ limitsOf, clock });
  const makers = new SeriesMakers(clock);
  const under: TsdbUnderTest = new TsdbUnderTest(
    {
      seriesGate: makers.counting(quotas),
      meter: {
        begin: (shard, log) => usage.book!.begin(shard, log),
        applied: (shard, one, count) => usage.book!.applied(shard, one, count),
        keep: () => usage.book!.keep(),
      },
    },
    shardCount,
  );
  const { catalog, scheduler } = under;
  const onError = (error: unknown): void => assert.fail(String(error));
  usage.book = await UsageBook.open({ catalog, clock, scheduler, onError });
  await under.open();
  const store = await TenancyStore.open({ catalog, clock });
  book.readFrom(store);
  const breaches = new Breaches(clock);
  const refusedLines = new RefusedLines(clock);
  const metadata = new MetadataFilter();
  const ingest = new Ingest({
    storage: under.storage,
    prng: seededPrng(1),
    metadata,
    quotas,
    admit: (tenant) => store.checkStored(tenant),
    seriesWatch: makers,
    onSeriesRefused: (refused) => breaches.addSeries(refused),
  });
  const profiles = { forget: (tenant: string) => ingest.forgetRules(tenant) };
  followRemovals(store, [quotas, makers, breaches, refusedLines, usage.book, metadata, profiles]);
  const forget = async (): Promise<void> => undefined;
  const { storage } = under;
  const removal = new TenantRemoval({ store, storage, forget, logger: silentLogger });
  return {
    under,
    store,
    removal,
    ingest,
    quotas,
    breaches,
    refusedLines,
    makers,
    usage: usage.book,
  };
}

for (const shardCount of [1, 3])
  test(`tenants come and go, ${shardCount} shards: nothing of them stays`, async () => {
    const house = await openHouse(shardCount);
    const { store, under, ingest, removal, quotas, breaches, refusedLines, makers, usage } = house;
    const write = async (tenant: string): Promise<number> => {
      const request = lineRequest('m,i=1 v=1 1\nm,i=2 v=1 1\nm,i=3 v=1 1\n');
      const { scan } = await ingest.write(openPrincipal(tenant), request);
      return scan.errorCount;
    };
    let changes = 0;
    endWhatIsTaken(store, () => changes++);
    for (let i = 0; i < 40; i++) {
      const tenant = `t${i}`;
      await store.createTenant({ name: tenant, limits: {} }, SERVER_ACTOR);
      assert.equal(await write(tenant), 1, 'the third series is refused');
      refusedLines.add({ tenant, protocol: 'x', peer: '', counts: [['request', 1]], rows: [] });
      assert.deepEqual([quotas.accountCount, breaches.tenantCount], [1, 1]);
      assert.deepEqual(under.storage.tenants(), [tenant]);
      assert.ok(usage.totals(tenant).length > 0 && makers.of(tenant, 'm_v').length > 0);
      if (i % 10 === 0) await under.storage.flush();
      await removal.remove(tenant, SERVER_ACTOR);
      await assert.rejects(write(tenant), { code: 'tenant-removed' });
      assert.deepEqual(under.storage.tenants(), []);
      assert.deepEqual([quotas.accountCount, breaches.tenantCount], [0, 0]);
      assert.equal(refusedLines.of(tenant).count, 0);
      assert.deepEqual([usage.totals(tenant), makers.of(tenant, 'm_v')], [[], []]);
    }
    assert.equal(changes, 80, 'each was deleted, and gone');
    assert.equal(ingest.dictionaryBytes, 0);
    await under.reopen();
    assert.deepEqual(under.storage.tenants(), []);
    const { catalog } = under;
    const { result } = await catalog.transact((tx) => tx.range('', '\uffff', { limit: 10_000 }));
    const left = result.map(({ key }) => key).filter((key) => /\/t\d+$/.test(key));
    assert.deepEqual(
      left.filter((key) => !key.startsWith('tenancy/removed/')),
      [],
    );
    await under.storage.close();
  });
