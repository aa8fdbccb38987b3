// The whole engine under random deaths on disks that fail: what was acknowledged reads back with
// its last acknowledged value or a later one that was under way, nothing never sent is there, a
// batch counts once, a pinned view does not move, back pressure and a full disk end by themselves,
// damage is named. Then with one safety mechanism switched off at a time, which must be noticed.
import { describe, test } from 'node:test';
import { REGRESSION_SEEDS } from './regression-seeds.ts';
import { checkHolds, checkRed, type SeededRun } from './seeds.ts';

const ENGINE: SeededRun = { run: 'engine', test: 'engine.sim.test.ts', seedCount: 3000 };

describe('the engine under random deaths', () => {
  test('loses nothing acknowledged and invents nothing', () =>
    checkHolds(
      ENGINE,
      {},
      REGRESSION_SEEDS.map(({ seed }) => seed),
    ));
});

/** One mechanism switched off, and the seeds that are about it. */
const MUTATIONS: Readonly<Record<string, object>> = {
  datasync: { disk: { ignoreDatasync: true } },
  'syncs of folders': { disk: { ignoreSyncDirectory: true } },
  'atomic renames': { disk: { renameNotAtomic: true } },
  'reading on after a short read': { disk: { readOnce: true } },
  'checksums of log frames': { mutations: { log: { skipCrc: true } }, isTorn: true },
  'checksums of frames and records': {
    mutations: { log: { skipCrc: true }, tsdb: { skipCrc: true } },
    profile: 'damaged',
    damage: 'log',
  },
  'checksums of parts': {
    mutations: { tsdb: { skipCrc: true } },
    profile: 'damaged',
    damage: 'part',
  },
  'checksums of head snapshots': {
    mutations: { tsdb: { skipCrc: true } },
    profile: 'damaged',
    damage: 'head',
  },
  'whether a head snapshot fits catalog and log': {
    mutations: { tsdb: { skipHeadCheck: true } },
    isUntidy: true,
  },
  'the frontier': { mutations: { tsdb: { skipFrontier: true } } },
  pins: { mutations: { tsdb: { skipPin: true } } },
  'batch ids in the catalog': { mutations: { tsdb: { skipBatchIds: true } } },
  'adjacency of merged parts': { mutations: { tsdb: { skipAdjacency: true } } },
  'deletes in the catalog': { mutations: { tsdb: { skipDeletes: true } } },
};

/** Those that trust what is damaged: it may be a ring that is followed for ever. */
const BOUNDED: ReadonlySet<string> = new Set([
  'checksums of frames and records',
  'checksums of parts',
  'checksums of head snapshots',
]);

describe('the engine without one safety mechanism is caught', () => {
  for (const [name, options] of Object.entries(MUTATIONS))
    test(name, () => checkRed(ENGINE, options, BOUNDED.has(name)));
});
