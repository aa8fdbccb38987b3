// Runs the contract suites of log, blobs and catalog on every driver: on simulated files and on real
// ones in a temporary folder.
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { realFiles } from '../../src/app/real/files.ts';
import { realPrng } from '../../src/app/real/prng.ts';
import { openSegmentLog } from '../../src/log/segment-log.ts';
import { World } from '../sim/world.ts';
import { logSuite } from './log-suite.ts';

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
    const directory = '/data/log';
    const segmentSizeBytes = SEGMENT_SIZE_BYTES;
    return world.run(
      body({ open: () => openSegmentLog({ files, prng, directory, segmentSizeBytes }) }),
    );
  },
});

logSuite({
  name: 'real files',
  segmentSizeBytes: SEGMENT_SIZE_BYTES,
  run: (body) =>
    inTemporaryFolder((directory) =>
      body({
        open: () =>
          openSegmentLog({
            files: realFiles,
            prng: realPrng,
            directory: `${directory}/log`,
            segmentSizeBytes: SEGMENT_SIZE_BYTES,
          }),
      }),
    ),
});
