// Snapshots of a running engine under random deaths: each is what the store was at one moment,
// whole or not there, a data folder of its own. Then with one promise of the disk broken at a time.
import { describe, test } from 'node:test';
import { checkHolds, checkRed, type SeededRun } from './seeds.ts';

const SNAPSHOTS: SeededRun = {
  run: 'snapshots',
  test: 'snapshot.sim.test.ts',
  seedCount: 40,
};

describe('snapshots under random deaths', () => {
  test('are the store at one moment', () => checkHolds(SNAPSHOTS));
  test('or refused, when the disk fails and fills up', () =>
    checkHolds(SNAPSHOTS, { faults: true }));
  test('need syncs of folders', () => checkRed(SNAPSHOTS, { disk: { ignoreSyncDirectory: true } }));
  test('need datasync', () => checkRed(SNAPSHOTS, { disk: { ignoreDatasync: true } }));
});
