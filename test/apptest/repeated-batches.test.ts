// A sender whose points have no time names its batch, and repeats it when the server died before
// it answered, or after: the batch counts once, whether it lies in the log or in a part by then.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportedPoints } from '../support/exported-points.ts';
import { startOrrery } from './harness.ts';

const BODIES: Readonly<Record<string, string>> = {
  '/write': 'hits,path=a value=1\nhits,path=b value=2',
  '/api/v1/import/prometheus': 'hits{path="a"} 1\nhits{path="b"} 2\n',
};

for (const shards of ['1', '2'])
  for (const place of ['log', 'part'])
    test(`${shards} shards, killed while the batch is in the ${place}`, async () => {
      const data = await mkdtemp(join(tmpdir(), 'orrery-batches-'));
      const args = ['--no-collect', '--data', data, '--shards', shards];
      const paths = Object.keys(BODIES);
      try {
        let orrery = await startOrrery(args);
        const write = async (path: string): Promise<void> => {
          const id = String(paths.indexOf(path)).repeat(32);
          const headers = { 'X-Orrery-Batch-Id': id, 'X-Scope-OrgID': `tenant${path.length}` };
          const answer = await orrery.post(path, BODIES[path]!, { headers });
          assert.equal(answer.status, 204, answer.text);
        };
        for (const path of paths) await write(path);
        if (place === 'part') await orrery.post('/orrery/v1/admin/flush', '');
        await orrery.kill();
        orrery = await startOrrery(args);
        for (const path of paths) await write(path);
        for (const path of paths) {
          const points = await exportedPoints(orrery.url, `tenant${path.length}`);
          const sum = points.reduce((before, { value }) => before + Number(value), 0);
          assert.deepEqual([points.length, sum], [2, 3], path);
        }
        await orrery.stop();
      } finally {
        await rm(data, { recursive: true, force: true });
      }
    });
