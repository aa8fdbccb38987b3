// The meaning of the storage contract (src/model/storage.ts): every implementation runs it. A case
// is a list of steps and a check; it runs with nothing, a flush, a merge or a reopening between its
// steps, and its check must hold as written, after a flush, after a merge and after a reopening.
import { describe, test } from 'node:test';
import { batchCases } from './cases-batches.ts';
import { deleteCases } from './cases-deletes.ts';
import { changeTests, estimateCases } from './cases-estimates.ts';
import { isolationCases } from './cases-isolation.ts';
import { leafCases } from './cases-leaf.ts';
import { nameCases } from './cases-names.ts';
import { pinTests } from './cases-pins.ts';
import { pointCases } from './cases-points.ts';
import { propertyTests } from './cases-property.ts';
import { refCases } from './cases-refs.ts';
import { restrictionTests } from './cases-restrictions.ts';
import type { OpenStorage, StorageCase, StorageUnderTest } from './storage-case.ts';

const BETWEEN = {
  'in one go': async (under: StorageUnderTest) => under,
  'flushed between': async (under: StorageUnderTest) => {
    await under.storage.flush();
    return under;
  },
  'merged between': async (under: StorageUnderTest) => {
    await under.storage.compact();
    return under;
  },
  'reopened between': (under: StorageUnderTest) => under.reopen(),
} as const;

async function runCase(
  { steps, check }: StorageCase,
  open: OpenStorage,
  between: (under: StorageUnderTest) => Promise<StorageUnderTest>,
): Promise<void> {
  let under = await open();
  for (const step of steps) {
    await step(under.storage);
    under = await between(under);
  }
  await check(under.storage);
  await under.storage.flush();
  await check(under.storage);
  await under.storage.compact();
  await check(under.storage);
  under = await under.reopen();
  await check(under.storage);
  await under.storage.close();
}

/** Registers every contract test for one implementation. */
export function storageSuite(name: string, open: OpenStorage): void {
  describe(`storage contract: ${name}`, () => {
    const groups = {
      points: pointCases,
      batches: batchCases,
      deletes: deleteCases,
      names: nameCases,
      isolation: isolationCases,
      leaf: leafCases,
      estimates: estimateCases,
      refs: refCases,
    };
    for (const [group, cases] of Object.entries(groups))
      for (const one of cases)
        for (const [how, between] of Object.entries(BETWEEN)) {
          if (one.steps.length === 1 && how !== 'in one go') continue;
          test(`${group}: ${one.name} (${how})`, () => runCase(one, open, between));
        }
    changeTests(open);
    pinTests(open);
    propertyTests(open);
    restrictionTests(open);
  });
}
