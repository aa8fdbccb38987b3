// Looking at a backup folder: what it holds, and whether it is still as it was written.
import { Sha256 } from '../../codec/sha256.ts';
import { errorMessage } from '../../stdx/assert.ts';
import { EXIT } from '../exit-codes.ts';
import { realFiles } from '../real/files.ts';
import { BackupFolder, manifestSizeBytes, readChunks } from './backup-folder.ts';
import type { BackupFile, Manifest } from './backup-folder.ts';
import { CommandError } from './command-error.ts';
import { printable, tableText } from './draw.ts';
import { Progress, sizeText } from './progress.ts';
import type { Terminal } from './terminal.ts';

interface Look {
  readonly to: string;
  readonly json: boolean;
}

/** `--list`. */
export async function listBackups({ to, json }: Look, terminal: Terminal): Promise<number> {
  const folder = await BackupFolder.open(realFiles, to);
  const rows: { readonly name: string; readonly error?: string; readonly manifest?: Manifest }[] =
    [];
  for (const name of await folder.names())
    try {
      rows.push({ name, manifest: await folder.manifest(name) });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      rows.push({ name, error: error.message });
    }
  const isDamaged = rows.some((row) => row.error !== undefined);
  if (json) {
    const backups = rows.map(({ name, error, manifest }) =>
      manifest === undefined
        ? { name, error }
        : {
            name,
            createdMs: manifest.createdMs,
            source: manifest.source,
            shards: manifest.shards,
            sizeBytes: manifestSizeBytes(manifest),
            fileCount: manifest.files.length,
          },
    );
    terminal.out(`${JSON.stringify({ backups })}\n`);
  } else if (rows.length === 0) terminal.out('no backups\n');
  else {
    const cells = rows.map(({ name, error, manifest }) =>
      manifest === undefined
        ? [name, '', '', error ?? '']
        : [
            name,
            sizeText(manifestSizeBytes(manifest)),
            String(manifest.files.length),
            manifest.source,
          ],
    );
    terminal.out(tableText([['name', 'size', 'files', 'source'], ...cells], terminal.columns));
  }
  return isDamaged ? EXIT.damaged : EXIT.ok;
}

/** `--verify`: reads every file that any manifest names, each once. */
export async function verifyBackups({ to, json }: Look, terminal: Terminal): Promise<number> {
  const folder = await BackupFolder.open(realFiles, to);
  const damaged: { readonly path: string; readonly backups: string[]; reason: string }[] = [];
  const wanted = new Map<string, { readonly file: BackupFile; readonly backups: string[] }>();
  for (const name of await folder.names())
    try {
      for (const file of (await folder.manifest(name)).files) {
        const path = folder.fileOf(name, file.path);
        const known = wanted.get(path);
        if (known === undefined) wanted.set(path, { file, backups: [name] });
        else known.backups.push(name);
      }
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      damaged.push({
        path: folder.fileOf(name, 'manifest.json'),
        backups: [name],
        reason: error.message,
      });
    }
  const totalBytes = [...wanted.values()].reduce((sum, { file }) => sum + file.sizeBytes, 0);
  const progress = new Progress(terminal, { verb: 'verified', totalBytes, isQuiet: json });
  for (const [path, { file, backups }] of wanted) {
    const reason = await wrongWith(path, file, (sizeBytes) => progress.add(sizeBytes, path));
    if (reason !== undefined) damaged.push({ path, backups, reason });
  }
  progress.end();
  if (json)
    terminal.out(`${JSON.stringify({ fileCount: wanted.size, sizeBytes: totalBytes, damaged })}\n`);
  else {
    for (const { path, backups, reason } of damaged)
      terminal.out(`${printable(path)}: ${reason}; needed by ${backups.join(', ')}\n`);
    const verdict = damaged.length === 0 ? 'all as written' : `${damaged.length} damaged`;
    terminal.out(`${wanted.size} files, ${sizeText(totalBytes)}: ${verdict}\n`);
  }
  return damaged.length === 0 ? EXIT.ok : EXIT.damaged;
}

async function wrongWith(
  path: string,
  file: BackupFile,
  onBytes: (sizeBytes: number) => void,
): Promise<string | undefined> {
  if ((await realFiles.stat(path)) === undefined) return 'missing';
  const digest = new Sha256();
  try {
    for await (const chunk of readChunks(realFiles, path)) {
      digest.update(chunk);
      onBytes(chunk.length);
    }
  } catch (error) {
    return errorMessage(error);
  }
  return digest.finish().toHex() === file.sha256 ? undefined : 'its checksum is wrong';
}
