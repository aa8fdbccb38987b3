// Before anything of a data folder is opened: may this process read and write there, and is
// everything what it has to be? Further inside the same mistake has a sentence that says less, or
// is found hours later, when the first new file is needed.
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import { fileErrorCode, listTree } from '../../stdx/files.ts';
import type { Files } from '../../stdx/files.ts';
import { BLOBS_FOLDER, CATALOG_FILE, isLogFolder, SNAPSHOTS_FOLDER } from '../data-folder.ts';

const PARTS = `${BLOBS_FOLDER}/parts`;

/** Throws FatalError that names what is wrong and where. */
export async function checkDataFolder(files: Files, data: string): Promise<void> {
  await makeWritable(files, data);
  for (const name of await files.list(data)) {
    const path = `${data}/${name}`;
    const isFolder = name === BLOBS_FOLDER || name === SNAPSHOTS_FOLDER || isLogFolder(name);
    if (isFolder) await makeWritable(files, path);
    else if (name.startsWith(CATALOG_FILE)) await checkFile(files, path);
  }
  await checkCatalogIsThere(files, data);
}

async function makeWritable(files: Files, folder: string): Promise<void> {
  const path = `${folder}/.writable`;
  try {
    if ((await files.stat(folder))?.isDirectory === false)
      throw new FatalError(`'${folder}' is a file, where a folder is needed: move it away`);
    await files.makeDirectory(folder);
    if ((await files.stat(path)) !== undefined) await files.remove(path);
    const file = await files.open(path, 'create');
    await file.close();
    await files.remove(path);
  } catch (error) {
    const code = fileErrorCode(error);
    // A full disk must not keep the server from starting and reading.
    if (code === 'ENOSPC' || code === 'EDQUOT') return;
    if (code === undefined) throw error;
    throw cannotWrite(folder, error);
  }
}

async function checkFile(files: Files, path: string): Promise<void> {
  try {
    const file = await files.open(path, 'write');
    await file.close();
  } catch (error) {
    if (fileErrorCode(error) === undefined) throw error;
    throw cannotWrite(path, error);
  }
}

function cannotWrite(path: string, error: unknown): FatalError {
  return new FatalError(`cannot write to '${path}': ${errorMessage(error)}`, { cause: error });
}

/** Made anew it would know of no part. */
async function checkCatalogIsThere(files: Files, data: string): Promise<void> {
  if ((await files.stat(`${data}/${CATALOG_FILE}`)) !== undefined) return;
  if ((await files.stat(`${data}/${PARTS}`)) === undefined) return;
  for await (const { path } of listTree(files, `${data}/${PARTS}`))
    throw new FatalError(
      `'${data}' has parts ('${PARTS}/${path}') and no ${CATALOG_FILE}, which says what they ` +
        'hold: put that file back, or restore a backup',
    );
}
