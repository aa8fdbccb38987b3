// Every folder and file that the server writes is tried before anything is opened.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FatalError } from '../../stdx/assert.ts';
import { FileError } from '../../stdx/files.ts';
import type { Files } from '../../stdx/files.ts';
import { realFiles } from '../real/files.ts';
import { checkDataFolder } from './check-data-folder.ts';

const NAMES = ['.', 'log', 'log-2', 'blobs', 'snapshots', 'catalog.sqlite', 'catalog.sqlite-wal'];

/** The real ones, but what is below `path` cannot be opened. */
function refusing(path: string, code: string): Files {
  return {
    ...realFiles,
    open: async (opened, mode) => {
      if (opened === path || opened === `${path}/.writable`)
        throw new FileError(code, opened, 'open');
      return await realFiles.open(opened, mode);
    },
  };
}

test('what cannot be written is named, with the reason; a full disk is none', async () => {
  const data = await mkdtemp(join(tmpdir(), 'orrery-check-folder-'));
  try {
    for (const name of NAMES.slice(1))
      await (name.startsWith('catalog')
        ? writeFile(join(data, name), '')
        : mkdir(join(data, name)));
    await mkdir(join(data, 'blobs/parts/0'), { recursive: true });
    await checkDataFolder(realFiles, data);
    for (const name of NAMES) {
      const path = name === '.' ? data : `${data}/${name}`;
      await assert.rejects(checkDataFolder(refusing(path, 'EACCES'), data), (error) => {
        assert.ok(error instanceof FatalError);
        const [head, why] = [
          `cannot write to '${path}': EACCES: `,
          '(the user of this process has no',
        ];
        assert.ok(error.message.startsWith(head) && error.message.includes(why), error.message);
        return true;
      });
      if (!name.startsWith('catalog')) await checkDataFolder(refusing(path, 'ENOSPC'), data);
    }
    assert.deepEqual((await readdir(data)).toSorted(), NAMES.slice(1).toSorted());
  } finally {
    await rm(data, { recursive: true });
  }
});
