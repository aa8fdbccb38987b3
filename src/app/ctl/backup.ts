// `orrery backup TO`: a backup of a running server or of a stopped folder into a backup folder;
// lists, verifies and prunes what is there.
import { parseArgs } from 'node:util';
import { EXIT } from '../exit-codes.ts';
import { realFiles } from '../real/files.ts';
import { realPrng } from '../real/prng.ts';
import { productVersion } from '../version.ts';
import { BackupFolder, manifestSizeBytes } from './backup-folder.ts';
import type { BackupFile, Manifest } from './backup-folder.ts';
import { folderSource, serverSource } from './backup-source.ts';
import type { BackupSource } from './backup-source.ts';
import { BackupLock } from './backup-lock.ts';
import { listBackups, verifyBackups } from './backup-look.ts';
import { CommandError } from './command-error.ts';
import { Progress, sizeText } from './progress.ts';
import { baseUrl, requestHeaders, TOKEN_OPTIONS } from './credentials.ts';
import type { Headers } from './credentials.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export const BACKUP_HELP = `Usage: orrery backup TO [FLAGS]

Adds a backup to the folder TO: of a running server, while it goes on writing, or of a stopped data
folder. Copies only parts that TO lacks, checks each by its SHA-256, and goes on where a killed
backup stopped.

  --url URL    back up the server at URL [http://127.0.0.1:4332, or ORRERY_URL]
  --token-file FILE
               file with the token to show, of scope "server" [the token in ORRERY_TOKEN]
  --token TOKEN
               the token itself, which others on this machine can see
  --data DIR   back up the stopped data folder DIR instead
  --keep N     afterwards keep the newest N backups and what they need
  --list       only list what TO holds
  --verify     only read every file of every backup in TO and compare checksums
  --json       one JSON object for scripts; no progress

Exit codes: 0 done; 1 the server, the folder or the disk does not allow it; 2 command line;
3 refused (TO is something else, a limit); 4 damage was found. "orrery restore" is the way back.
`;

const OPTIONS = {
  url: { type: 'string' },
  ...TOKEN_OPTIONS,
  data: { type: 'string' },
  keep: { type: 'string' },
  list: { type: 'boolean', default: false },
  verify: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

interface Options {
  readonly to: string;
  readonly url: string;
  readonly headers: Headers;
  readonly data: string | undefined;
  readonly keep: number | undefined;
  readonly isList: boolean;
  readonly isVerify: boolean;
  readonly json: boolean;
}

function optionsOf(args: readonly string[], terminal: Terminal): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [to, ...more] = positionals;
  if (to === undefined || more.length > 0) throw new UsageError('expected: orrery backup TO');
  const { data, list: isList, verify: isVerify, json } = values;
  if (data !== undefined && values.url !== undefined)
    throw new UsageError('--url and --data exclude each other');
  if (values.keep !== undefined && !/^[1-9]\d{0,5}$/.test(values.keep))
    throw new UsageError(`--keep "${values.keep}": expected a whole number from 1 on`);
  if ((isList || isVerify) && (values.keep !== undefined || data !== undefined))
    throw new UsageError('--list and --verify only look: no --keep or --data with them');
  const keep = values.keep === undefined ? undefined : Number(values.keep);
  const url = baseUrl(values.url, terminal);
  const headers = requestHeaders(values, terminal);
  return { to: to.replace(/(?<=.)\/+$/, ''), url, headers, data, keep, isList, isVerify, json };
}

export async function backupCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = optionsOf(args, terminal);
  if (options.isList) return await listBackups(options, terminal);
  if (options.isVerify) return await verifyBackups(options, terminal);
  const folder = await BackupFolder.create(realFiles, options.to);
  const lock = await BackupLock.take(realFiles, options.to);
  try {
    const { data, headers, url: base } = options;
    const server = data === undefined ? { base, headers } : { headers };
    const left = await lock.removeSnapshotOfEarlierRun(server);
    if (left !== undefined) terminal.err(`orrery backup: ${left}\n`);
    const result = await backUp(folder, lock, options, terminal);
    const pruned =
      options.keep === undefined ? [] : await folder.prune(options.keep, result.manifest.name);
    report(result, pruned, options, terminal);
    return EXIT.ok;
  } finally {
    await lock.release();
  }
}

interface Result {
  readonly manifest: Manifest;
  readonly copiedBytes: number;
  readonly copiedFiles: number;
}

async function openSource(options: Options, lock: BackupLock): Promise<BackupSource> {
  const { data, url, headers, to } = options;
  if (data === undefined)
    return await serverSource({ base: url, headers }, (name) => lock.note({ url, snapshot: name }));
  const scratch = `${to}/.scratch`;
  return await folderSource({
    files: realFiles,
    prng: realPrng,
    data: data.replace(/(?<=.)\/+$/, ''),
    nowMs: Date.now(),
    scratch,
  });
}

async function backUp(
  folder: BackupFolder,
  lock: BackupLock,
  options: Options,
  terminal: Terminal,
): Promise<Result> {
  await folder.begin();
  const source = await openSource(options, lock);
  try {
    return await copyAll(folder, source, options, terminal);
  } finally {
    await source.close();
    await lock.note({});
  }
}

async function copyAll(
  folder: BackupFolder,
  source: BackupSource,
  options: Options,
  terminal: Terminal,
): Promise<Result> {
  const { name, where, shards } = source;
  const present = new Map<string, BackupFile>();
  let totalBytes = 0;
  for (const { path, sizeBytes } of source.files) {
    const known = await folder.present(path, sizeBytes);
    if (known === undefined) totalBytes += sizeBytes;
    else present.set(path, known);
  }
  const { freeBytes } = await realFiles.space(folder.path);
  if (freeBytes < totalBytes)
    throw new CommandError(
      EXIT.failed,
      `'${folder.path}' has ${sizeText(freeBytes)} free, ${sizeText(totalBytes)} are needed`,
    );
  const progress = new Progress(terminal, { verb: 'copied', totalBytes, isQuiet: options.json });
  const files: BackupFile[] = [];
  try {
    for (const file of source.files) {
      const onBytes = (sizeBytes: number): void => progress.add(sizeBytes, file.path);
      files.push(
        present.get(file.path) ??
          (await folder.copy(name, file, await source.read(file.path), onBytes)),
      );
    }
  } finally {
    progress.end();
  }
  const product = productVersion();
  const manifest = { name, createdMs: Date.now(), product, source: where, shards, files };
  await folder.finish(manifest);
  const copiedFiles = files.length - present.size;
  return { manifest, copiedBytes: totalBytes, copiedFiles };
}

function report(
  { manifest, copiedBytes, copiedFiles }: Result,
  pruned: readonly string[],
  options: Options,
  terminal: Terminal,
): void {
  const { name, shards, files } = manifest;
  const sizeBytes = manifestSizeBytes(manifest);
  if (options.json) {
    const fileCount = files.length;
    const sums = { sizeBytes, fileCount, copiedBytes, copiedFiles };
    terminal.out(`${JSON.stringify({ name, shards, ...sums, pruned })}\n`);
    return;
  }
  const shared = files.length - copiedFiles;
  terminal.out(
    `backup ${name}: ${sizeText(sizeBytes)} in ${files.length} files, ` +
      `${sizeText(copiedBytes)} copied, ${shared} files were there already\n`,
  );
  for (const old of pruned) terminal.out(`removed ${old}\n`);
}
