// What an export leaves of a file that it gives up.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileSink } from './export.ts';

test('a file that is given up while it is being opened is not there afterwards', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-export-'));
  try {
    // Which thread comes first, the one that opens or the one that removes, differs.
    for (let i = 0; i < 200; i++) {
      await fileSink(join(folder, i % 2 === 0 ? 'out.jsonl' : 'out.jsonl.gz')).discard();
      assert.deepEqual(await readdir(folder), []);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
