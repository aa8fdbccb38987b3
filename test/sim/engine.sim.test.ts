// The whole engine under random deaths: what was acknowledged reads back with its last acknowledged
// value or a later one that was under way, nothing never sent is there, a batch counts once, a
// pinned view does not move. Then with one safety mechanism switched off at a time, which must be
// noticed.
import { describe, test } from 'node:test';
import { checkHolds, checkRed, type SeededRun } from './seeds.ts';

const ENGINE: SeededRun = {
  run: 'engine',
  test: 'engine.sim.test.ts',
  seedCount: 120,
};

describe('the engine under random deaths', () => {
  test('loses nothing acknowledged and invents nothing', () => checkHolds(ENGINE));
  test('also when the disk fails and fills up', () => checkHolds(ENGINE, { faults: true }));
  test('never shows a value that a flipped bit made', () => checkHolds(ENGINE, { flips: true }));
});

describe('the engine without one safety mechanism is caught', () => {
  test('datasync', () => checkRed(ENGINE, { disk: { ignoreDatasync: true } }));
  test('syncs of folders', () => checkRed(ENGINE, { disk: { ignoreSyncDirectory: true } }));
  test('atomic renames', () => checkRed(ENGINE, { disk: { renameNotAtomic: true } }));
  test('checksums', () => {
    const mutations = { log: { skipCrc: true }, tsdb: { skipCrc: true } };
    return checkRed(ENGINE, { flips: true, mutations });
  });
  test('the frontier', () => checkRed(ENGINE, { mutations: { tsdb: { skipFrontier: true } } }));
  test('pins', () => checkRed(ENGINE, { mutations: { tsdb: { skipPin: true } } }));
  test('batch ids in the catalog', () =>
    checkRed(ENGINE, { mutations: { tsdb: { skipBatchIds: true } } }));
  test('deletes in the catalog', () =>
    checkRed(ENGINE, { mutations: { tsdb: { skipDeletes: true } } }));
});
