// `orrery restore FROM --data DIR`: makes a data folder out of a backup, checking every byte.
import { parseArgs } from 'node:util';
import { Sha256 } from '../../codec/sha256.ts';
import { createFile, makeDirectoryDurable, parentDirectory } from '../../stdx/files.ts';
import type { Files } from '../../stdx/files.ts';
import { BLOBS_FOLDER, CATALOG_FILE, RESTORING_FOLDER } from '../data-folder.ts';
import { EXIT } from '../exit-codes.ts';
import { realFiles } from '../real/files.ts';
import {
  BackupFolder,
  copyFile,
  manifestSizeBytes,
  readChunks,
  refuseFile,
} from './backup-folder.ts';
import type { BackupFile, Manifest } from './backup-folder.ts';
import { CommandError } from './command-error.ts';
import { Progress, sizeText } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export const RESTORE_HELP = `Usage: orrery restore FROM --data DIR [FLAGS]

Makes the data folder DIR, which must be empty or missing, out of a backup in the folder FROM. Every
file is checked by its SHA-256. A restore that was killed goes on when it is started again.

  --data DIR     folder to make [./orrery-data]
  --backup NAME  which backup [the newest; "orrery backup FROM --list" lists them]
  --json         one JSON object for scripts; no progress

Exit codes: 0 done; 1 the disk does not allow it; 2 command line; 3 refused (DIR is not empty, no
such backup); 4 the backup is damaged: nothing was put into place.
`;

const OPTIONS = {
  data: { type: 'string', default: './orrery-data' },
  backup: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** In `.restoring`: which backup it is. */
const NOTE_FILE = 'restore.json';
const NOTE_MAX_BYTES = 65_536;

export async function restoreCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [from, ...more] = positionals;
  if (from === undefined || more.length > 0)
    throw new UsageError('expected: orrery restore FROM --data DIR');
  const folder = await BackupFolder.open(realFiles, from.replace(/(?<=.)\/+$/, ''));
  const name = await chooseBackup(folder, values.backup);
  const manifest = await folder.manifest(name);
  const data = values.data.replace(/(?<=.)\/+$/, '');
  await begin(realFiles, data, name);
  await copyAll(folder, manifest, data, { terminal, isQuiet: values.json });
  await putInPlace(realFiles, data, manifest);
  const sizeBytes = manifestSizeBytes(manifest);
  const fileCount = manifest.files.length;
  if (values.json) terminal.out(`${JSON.stringify({ name, data, sizeBytes, fileCount })}\n`);
  else
    terminal.out(
      `restored ${name} to '${data}': ${sizeText(sizeBytes)} in ${fileCount} files, all verified\n`,
    );
  return EXIT.ok;
}

async function chooseBackup(folder: BackupFolder, wanted: string | undefined): Promise<string> {
  const names = await folder.names();
  const name = wanted ?? names.at(-1);
  if (name !== undefined && names.includes(name)) return name;
  const known = names.length === 0 ? 'it holds none' : `it holds ${names.join(', ')}`;
  throw new CommandError(EXIT.refused, `'${folder.path}' has no such backup: ${known}`);
}

/** Makes `.restoring`, or finds the one of an earlier run of the same restore. */
async function begin(files: Files, data: string, name: string): Promise<void> {
  const restoring = `${data}/${RESTORING_FOLDER}`;
  await refuseFile(files, data);
  await makeDirectoryDurable(files, data);
  const notePath = `${restoring}/${NOTE_FILE}`;
  if ((await files.stat(notePath)) !== undefined) {
    const text = Buffer.from(await files.readWhole(notePath, NOTE_MAX_BYTES)).toString();
    if (text === noteOf(name)) return;
    throw new CommandError(
      EXIT.refused,
      `'${data}' holds an unfinished restore of another backup: ${text.trim()}; go on with that ` +
        'one, or remove the folder',
    );
  }
  const others = (await files.list(data)).filter((one) => one !== RESTORING_FOLDER);
  if (others.length > 0)
    throw new CommandError(EXIT.refused, `'${data}' is not empty: restore to another folder`);
  await makeDirectoryDurable(files, restoring);
  const temporary = `${data}/${RESTORING_FOLDER}/${NOTE_FILE}.tmp`;
  if ((await files.stat(temporary)) !== undefined) await files.remove(temporary);
  await createFile(files, temporary, Buffer.from(noteOf(name)));
  await files.rename(temporary, notePath);
  await files.syncDirectory(restoring);
}

function noteOf(name: string): string {
  return `${JSON.stringify({ backup: name })}\n`;
}

/** Copies what is not there yet; throws after all files were tried, naming the damaged ones. */
async function copyAll(
  folder: BackupFolder,
  manifest: Manifest,
  data: string,
  { terminal, isQuiet }: { readonly terminal: Terminal; readonly isQuiet: boolean },
): Promise<void> {
  const totalBytes = manifestSizeBytes(manifest);
  const progress = new Progress(terminal, { verb: 'restored', totalBytes, isQuiet });
  const damaged: string[] = [];
  const folders = new Set<string>();
  try {
    for (const file of manifest.files) {
      const onBytes = (sizeBytes: number): void => progress.add(sizeBytes, file.path);
      const target = `${data}/${RESTORING_FOLDER}/${file.path}`;
      if (await isInPlace(realFiles, data, file)) {
        onBytes(file.sizeBytes);
        continue;
      }
      const parent = parentDirectory(target);
      if (!folders.has(parent)) await makeDirectoryDurable(realFiles, parent);
      folders.add(parent);
      const source = folder.fileOf(manifest.name, file.path);
      const problem = await copyOne(realFiles, { source, target, file, onBytes });
      if (problem !== undefined) damaged.push(`'${source}' ${problem}`);
    }
  } finally {
    progress.end();
  }
  for (const parent of folders) await realFiles.syncDirectory(parent);
  if (damaged.length === 0) return;
  throw new CommandError(
    EXIT.damaged,
    `backup ${manifest.name} is damaged, nothing was put into place: ${damaged.join('; ')}`,
  );
}

/** A file of an earlier run, whole and right, under its temporary or its final name. */
async function isInPlace(files: Files, data: string, file: BackupFile): Promise<boolean> {
  for (const path of [`${data}/${RESTORING_FOLDER}/${file.path}`, `${data}/${file.path}`]) {
    const stat = await files.stat(path);
    if (stat?.sizeBytes !== file.sizeBytes) continue;
    const digest = new Sha256();
    for await (const chunk of readChunks(files, path)) digest.update(chunk);
    if (digest.finish().toHex() === file.sha256) return true;
  }
  return false;
}

interface OneCopy {
  readonly source: string;
  readonly target: string;
  readonly file: BackupFile;
  readonly onBytes: (sizeBytes: number) => void;
}

/** What is wrong with the source, if anything. */
async function copyOne(
  files: Files,
  { source, target, file, onBytes }: OneCopy,
): Promise<string | undefined> {
  const stat = await files.stat(source);
  if (stat === undefined) return 'is missing';
  if (stat.sizeBytes !== file.sizeBytes)
    return `has ${stat.sizeBytes} bytes instead of ${file.sizeBytes}`;
  const content = { chunks: readChunks(files, source), digest: () => file.sha256 };
  try {
    await copyFile(files, { target, sizeBytes: file.sizeBytes, content, onBytes });
    return undefined;
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === EXIT.damaged)
      return 'has a wrong checksum';
    throw error;
  }
}

/** Catalog first: what a kill leaves in between is a folder that no server starts on. */
async function putInPlace(files: Files, data: string, manifest: Manifest): Promise<void> {
  const restoring = `${data}/${RESTORING_FOLDER}`;
  const tops = new Set(manifest.files.map(({ path }) => path.split('/')[0]!));
  const order = [CATALOG_FILE, BLOBS_FOLDER, ...tops];
  for (const name of new Set(order.filter((one) => tops.has(one)))) {
    if ((await files.stat(`${restoring}/${name}`)) === undefined) continue;
    await files.rename(`${restoring}/${name}`, `${data}/${name}`);
    await files.syncDirectory(data);
  }
  await files.remove(`${restoring}/${NOTE_FILE}`);
  await files.removeDirectory(restoring);
  await files.syncDirectory(data);
}
