// The contract suite on every implementation of the storage contract.
import { CrossingUnderTest } from './crossing-under-test.ts';
import { MemoryStorage } from './memory-storage.ts';
import { storageSuite } from './storage-suite.ts';
import type { StorageUnderTest } from './storage-case.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

function memoryUnderTest(storage: MemoryStorage): StorageUnderTest {
  return { storage, reopen: async () => memoryUnderTest(storage) };
}

storageSuite('memory', async () => memoryUnderTest(new MemoryStorage()));

storageSuite('tsdb', () => new TsdbUnderTest().open());
storageSuite('tsdb, three shards', () => new TsdbUnderTest({}, 3).open());
storageSuite('tsdb, three shards, written from another thread', () => CrossingUnderTest.open());
storageSuite('tsdb, inline series, head pages of few samples', () =>
  new TsdbUnderTest({
    settings: {
      seriesEncoding: 'inline',
      pageSamples: [1, 2, 3],
      sealSamples: 5,
      sealHeadBytes: 0,
    },
  }).open(),
);
