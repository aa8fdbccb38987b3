// Runs the contract suites of log, blobs and catalog on every driver: on simulated files and on
// real ones in a temporary folder.
import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { realFiles } from '../../src/app/real/files.ts';
import { realPrng } from '../../src/app/real/prng.ts';
import { inputRead } from '../../src/app/real/scheduler.ts';
import { DirectoryBlobs } from '../../src/blobs/directory-blobs.ts';
import { FilesCatalog } from '../../src/catalog/files-catalog.ts';
import { SqliteCatalog } from '../../src/catalog/sqlite-catalog.ts';
import { openSegmentLog } from '../../src/log/segment-log.ts';
import { World } from '../sim/world.ts';
import { blobsSuite } from './blobs-suite.ts';
import { catalogSuite } from './catalog-suite.ts';
import { logSuite, recordBytes } from './log-suite.ts';

const SEGMENT_SIZE_BYTES = 16 * 1024;

async function inTemporaryFolder(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await fs.mkdtemp(`${tmpdir()}/orrery-planes-`);
  try {
    await body(directory);
  } finally {
    await fs.rm(directory, { recursive: true });
  }
}

logSuite({
  name: 'simulated files',
  segmentSizeBytes: SEGMENT_SIZE_BYTES,
  run: (body) => {
    const world = new World({ seed: 1 });
    const { files, prng } = world.boot();
    const open = (directory: string) => () =>
      openSegmentLog({ files, prng, directory, segmentSizeBytes: SEGMENT_SIZE_BYTES });
    const emptyDirectory = '/other/log';
    return world.run(
      body({ open: open('/data/log'), emptyDirectory, openEmpty: open(emptyDirectory) }),
    );
  },
});

logSuite({
  name: 'real files',
  segmentSizeBytes: SEGMENT_SIZE_BYTES,
  run: (body) =>
    inTemporaryFolder((folder) => {
      const open = (directory: string) => () =>
        openSegmentLog({
          files: realFiles,
          prng: realPrng,
          directory,
          segmentSizeBytes: SEGMENT_SIZE_BYTES,
        });
      const emptyDirectory = `${folder}/other/log`;
      return body({ open: open(`${folder}/log`), emptyDirectory, openEmpty: open(emptyDirectory) });
    }),
});

blobsSuite({
  name: 'simulated files',
  run: (body) => {
    const world = new World({ seed: 2 });
    const { files } = world.boot();
    const open = (directory: string) => () => DirectoryBlobs.open(files, directory);
    const backupDirectory = '/other/blobs';
    return world.run(
      body({ open: open('/data/blobs'), backupDirectory, openBackup: open(backupDirectory) }),
    );
  },
});

blobsSuite({
  name: 'real files',
  run: (body) =>
    inTemporaryFolder((directory) =>
      body({
        open: () => DirectoryBlobs.open(realFiles, `${directory}/blobs`),
        backupDirectory: `${directory}/other/blobs`,
        openBackup: () => DirectoryBlobs.open(realFiles, `${directory}/other/blobs`),
      }),
    ),
});

blobsSuite({
  name: 'a second way into a folder that is open',
  run: (body) =>
    inTemporaryFolder(async (directory) => {
      const open = (folder: string) => async (): Promise<DirectoryBlobs> => {
        const owner = await DirectoryBlobs.open(realFiles, folder);
        await owner.close();
        return DirectoryBlobs.beside(realFiles, folder, 'abc');
      };
      const backupDirectory = `${directory}/other/blobs`;
      await body({
        open: open(`${directory}/blobs`),
        backupDirectory,
        openBackup: open(backupDirectory),
      });
    }),
});

test('puts of two ways into one folder under way at once stay apart', () =>
  inTemporaryFolder(async (directory) => {
    const owner = await DirectoryBlobs.open(realFiles, directory);
    const beside = ['abc', 'abd'].map((unique) =>
      DirectoryBlobs.beside(realFiles, directory, unique),
    );
    const ways = [owner, ...beside];
    await Promise.all(
      ways.map((way, i) => way.put(`part/${i}`, [Uint8Array.of(i), Uint8Array.of(i)])),
    );
    for (const way of ways)
      for (const i of ways.keys())
        assert.deepEqual(await way.get(`part/${i}`), Uint8Array.of(i, i));
    for (const way of ways) await way.close();
  }));

catalogSuite({
  name: 'SQLite',
  run: (body) =>
    inTemporaryFolder((directory) =>
      body({
        open: () => SqliteCatalog.open(`${directory}/catalog.db`),
        backupPath: `${directory}/backup.db`,
        openBackup: () => SqliteCatalog.open(`${directory}/backup.db`),
      }),
    ),
});

/** With conflicts, every third run of a transaction function is discarded and run again. */
function filesCatalogSuite(name: string, conflictPeriod: number): void {
  catalogSuite({
    name,
    run: async (body) => {
      const world = new World({ seed: 3 });
      const { files } = world.boot();
      let count = 0;
      const conflict = (): boolean => ++count % conflictPeriod === 0;
      await world.run(files.makeDirectory('/backup'));
      await world.run(
        body({
          open: () => FilesCatalog.open(files, '/data/catalog.snapshot', { isConflict: conflict }),
          backupPath: '/backup/catalog.snapshot',
          openBackup: () => FilesCatalog.open(files, '/backup/catalog.snapshot'),
        }),
      );
    },
  });
}

filesCatalogSuite('simulated files', Number.MAX_SAFE_INTEGER);

/** Promises between the arrival of one write and the next one's, in one turn. */
const STEPS = 10;

test('group commit: what the input of one turn appends shares a sync, what comes meanwhile the next', () =>
  inTemporaryFolder(async (folder) => {
    let syncs = 0;
    const log = await openSegmentLog({
      files: realFiles,
      prng: realPrng,
      directory: `${folder}/log`,
      segmentSizeBytes: SEGMENT_SIZE_BYTES,
      inputRead,
      watch: { clock: { monotonicMs: () => 0 }, synced: () => syncs++ },
    });
    const append = (): Promise<void> => log.append(recordBytes(log.endOffset, 100)).durable;
    const together: Promise<void>[] = [];
    for (let write = 0; write < 5; write++) {
      together.push(append());
      for (let step = 0; step < STEPS; step++) await Promise.resolve();
    }
    await Promise.all(together);
    assert.equal(syncs, 1);
    const first = append();
    await inputRead();
    const meanwhile = append();
    await Promise.all([first, meanwhile]);
    assert.equal(syncs, 3);
    assert.equal(log.durableOffset, log.endOffset);
    await log.close();
  }));
