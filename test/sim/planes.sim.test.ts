// Log, blobs and the catalog over `Files` under random deaths: seeds decide what is appended, put,
// committed, when the machine dies and what the disk keeps. Then the same with one safety mechanism
// switched off at a time: the checkers must notice.
import { describe, test } from 'node:test';
import { checkHolds, checkRed, type SeededRun } from './seeds.ts';

const TEST = 'planes.sim.test.ts';
const LOG: SeededRun = { run: 'log', test: TEST, seedCount: 200 };
const BLOBS: SeededRun = { run: 'blobs', test: TEST, seedCount: 200 };
const CATALOG: SeededRun = { run: 'catalog', test: TEST, seedCount: 200 };

describe('the log under random deaths', () => {
  test('keeps what is durable and invents nothing', () => checkHolds(LOG));
  test('red without datasync', () => checkRed(LOG, { disk: { ignoreDatasync: true } }));
  test('red without checksums', () => checkRed(LOG, { skipCrc: true }));
  test('red without syncs of its folder', () =>
    checkRed(LOG, { disk: { ignoreSyncDirectory: true } }));
});

describe('blobs under random deaths', () => {
  test('are whole or absent', () => checkHolds(BLOBS));
  test('red without datasync', () => checkRed(BLOBS, { disk: { ignoreDatasync: true } }));
  test('red without syncs of folders', () =>
    checkRed(BLOBS, { disk: { ignoreSyncDirectory: true } }));
  test('red without atomic renames', () => checkRed(BLOBS, { disk: { renameNotAtomic: true } }));
});

describe('the catalog over files under random deaths', () => {
  test('is as before or after a commit', () => checkHolds(CATALOG));
  test('red without datasync', () => checkRed(CATALOG, { disk: { ignoreDatasync: true } }));
  test('red without syncs of its folder', () =>
    checkRed(CATALOG, { disk: { ignoreSyncDirectory: true } }));
  test('red without atomic renames', () => checkRed(CATALOG, { disk: { renameNotAtomic: true } }));
});
