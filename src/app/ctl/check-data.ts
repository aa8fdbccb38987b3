// `orrery check data DIR`: the checks of src/tsdb/check-store.ts on a folder that no server uses,
// with a progress bar. Writes nothing into the folder: the catalog is copied elsewhere to be
// opened.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inspectSqlite, isSqliteInUse } from '../../catalog/sqlite-inspect.ts';
import { checkWal } from '../../catalog/sqlite-wal.ts';
import { errorMessage } from '../../stdx/assert.ts';
import { FileError, listTree } from '../../stdx/files.ts';
import type { Files } from '../../stdx/files.ts';
import { ADVICE, CheckReport, unreadableAdvice } from '../../tsdb/check-report.ts';
import type { Finding, Loss } from '../../tsdb/check-report.ts';
import { checkStore } from '../../tsdb/check-store.ts';
import { checkBuilt, PROJECT_ROOT } from '../build-stamp.ts';
import { BLOBS_FOLDER, CATALOG_FILE, logFolder, SNAPSHOTS_FOLDER } from '../data-folder.ts';
import { EXIT } from '../exit-codes.ts';
import { realFiles } from '../real/files.ts';
import { loadKernels } from '../real/kernels.ts';
import { copyFile, readChunks } from './backup-folder.ts';
import { needDataFolder } from './backup-source.ts';
import { CommandError } from './command-error.ts';
import { printable } from './draw.ts';
import { Progress, sizeText } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
  json: { type: 'boolean', default: false },
  snapshots: { type: 'boolean', default: false },
} as const;

export async function checkDataCommand(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [given, ...more] = positionals;
  if (given === undefined || more.length > 0)
    throw new UsageError('expected: orrery check data DIR');
  const data = given.replace(/(?<=.)\/+$/, '');
  await needDataFolder(realFiles, data);
  if (checkBuilt(PROJECT_ROOT) === undefined) loadKernels();
  const folders = [data, ...(values.snapshots ? await snapshotFolders(realFiles, data) : [])];
  for (const folder of folders) needUnused(folder);
  const findings: Finding[] = [];
  const totalBytes = await bytesIn(realFiles, folders);
  const progress = new Progress(terminal, { verb: 'checked', totalBytes, isQuiet: values.json });
  const report = new CheckReport(
    (finding) => {
      findings.push(finding);
      if (values.json) return;
      progress.end();
      terminal.out(`${findingText(finding)}\n`);
    },
    (sizeBytes, file) => progress.add(sizeBytes, file),
  );
  try {
    for (const folder of folders) await checkFolder(realFiles, folder, report);
  } finally {
    progress.end();
  }
  for (const folder of folders) needUnused(folder);
  return tellSums(report, findings, values.json, terminal);
}

function needUnused(folder: string): void {
  if (!isSqliteInUse(`${folder}/${CATALOG_FILE}`)) return;
  throw new CommandError(
    EXIT.failed,
    `another orrery process uses '${folder}': stop it, or check a snapshot or a restored backup`,
  );
}

async function snapshotFolders(files: Files, data: string): Promise<readonly string[]> {
  const folder = `${data}/${SNAPSHOTS_FOLDER}`;
  if ((await files.stat(folder)) === undefined) return [];
  const names = (await files.list(folder)).filter((name) => !name.startsWith('.'));
  return names.map((name) => `${folder}/${name}`);
}

async function bytesIn(files: Files, folders: readonly string[]): Promise<number> {
  let sum = 0;
  for (const folder of folders)
    for (const part of ['', `${BLOBS_FOLDER}/`]) {
      if ((await files.stat(`${folder}/${part}`)) === undefined) continue;
      for await (const { path, sizeBytes } of listTree(files, `${folder}/${part}`))
        if (part !== '' || path.startsWith('log')) sum += sizeBytes;
    }
  return sum;
}

// ---------------------------------------------------------------- one folder

async function checkFolder(files: Files, directory: string, report: CheckReport): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'orrery-check-'));
  const store = {
    files,
    directory,
    catalogFile: CATALOG_FILE,
    blobsFolder: BLOBS_FOLDER,
    logFolder,
  };
  try {
    const copy = join(scratch, CATALOG_FILE);
    if (!(await copyCatalog(files, directory, copy, report)))
      return await checkStore({ ...store, rows: undefined }, report);
    const inspection = inspectSqlite(copy);
    try {
      const file = `${directory}/${CATALOG_FILE}`;
      for (const problem of inspection.problems)
        report.damage({
          code: inspection.isNewer ? 'catalog-newer' : 'catalog-damage',
          file,
          what: problem,
          advice: inspection.isNewer ? ADVICE.newer : ADVICE.restoreAll,
        });
      report.sums.fileCount++;
      const rows = inspection.problems.length > 0 ? undefined : inspection.rows();
      await checkStore({ ...store, rows }, report);
    } finally {
      inspection.close();
    }
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** False where it cannot be read, which is told: then the rest is checked without it. */
async function copyCatalog(
  files: Files,
  directory: string,
  copy: string,
  report: CheckReport,
): Promise<boolean> {
  try {
    for (const end of ['', '-wal'])
      await copyIfThere(files, `${directory}/${CATALOG_FILE}`, copy, end);
    await checkWalOf(files, directory, report);
    return true;
  } catch (error) {
    const advice = unreadableAdvice(error);
    if (advice === undefined || !(error instanceof FileError)) throw error;
    const what = errorMessage(error);
    report.damage({ code: 'catalog-unreadable', file: error.path, what, advice });
    return false;
  }
}

async function copyIfThere(files: Files, from: string, to: string, end: string): Promise<void> {
  const stat = await files.stat(from + end);
  if (stat === undefined) return;
  const content = { chunks: readChunks(files, from + end), digest: () => undefined };
  const { sizeBytes } = stat;
  await copyFile(files, { target: to + end, sizeBytes, content, onBytes: () => undefined });
}

async function checkWalOf(files: Files, directory: string, report: CheckReport): Promise<void> {
  const path = `${directory}/${CATALOG_FILE}-wal`;
  if ((await files.stat(path)) === undefined) return;
  const file = await files.open(path, 'read');
  try {
    report.sums.fileCount++;
    const problem = await checkWal(file);
    if (problem === undefined) return;
    report.add({
      severity: problem.isCertain ? 'damage' : 'warning',
      code: 'catalog-log',
      file: path,
      offset: problem.position,
      what: `${problem.what}; the rest is checked against the state before`,
      advice: 'restore a backup, unless nothing else is found: then the log makes up for it',
    });
  } finally {
    await file.close();
  }
}

// ---------------------------------------------------------------- what is told

function timeText(tUs: number): string {
  const date = new Date(tUs / 1000);
  return Number.isNaN(date.getTime()) ? `${tUs} µs` : date.toISOString();
}

function lossText(lost: Loss): string {
  const { tenant, series, seriesCount, pointCount, recordCount, minUs, maxUs } = lost;
  const parts: string[] = [];
  if (recordCount !== undefined) parts.push(`log records: ${recordCount}`);
  if (pointCount !== undefined) parts.push(`points: ${pointCount}`);
  if (series !== undefined) parts.push(`of ${series}`);
  else if (seriesCount !== undefined && seriesCount >= 0) parts.push(`series: ${seriesCount}`);
  if (tenant !== undefined) parts.push(`tenant: ${tenant}`);
  if (minUs !== undefined && maxUs !== undefined)
    parts.push(`from ${timeText(minUs)} to ${timeText(maxUs)}`);
  return parts.join(', ');
}

function findingText({ severity, file, offset, what, lost, advice }: Finding): string {
  const place = offset === undefined ? file : `${file} at ${offset}`;
  const loss = lost === undefined ? '' : lossText(lost);
  const lines = [`${severity}: ${place}: ${what}`];
  if (loss !== '') lines.push(`  lost: ${loss}`);
  lines.push(`  do: ${advice}`);
  return lines.map(printable).join('\n');
}

function tellSums(
  report: CheckReport,
  findings: readonly Finding[],
  isJson: boolean,
  terminal: Terminal,
): number {
  const { sums } = report;
  const untold = report.untold();
  const isSound = sums.damageCount === 0;
  if (isJson) terminal.out(`${JSON.stringify({ ok: isSound, ...sums, findings, untold })}\n`);
  else {
    for (const { file, count } of untold) terminal.out(`… and ${count} more in ${file}\n`);
    terminal.out(
      `${sums.fileCount} files, ${sizeText(sums.checkedBytes)}: ${sums.partCount} parts, ` +
        `${sums.seriesCount} series, ${sums.blockCount} blocks, ${sums.sampleCount} samples, ` +
        `${sums.recordCount} log records\n` +
        (isSound
          ? 'no damage'
          : `${sums.damageCount} damaged ${sums.damageCount === 1 ? 'place' : 'places'}`) +
        (sums.warningCount === 0 ? '\n' : `, ${sums.warningCount} warnings\n`),
    );
  }
  return isSound ? EXIT.ok : EXIT.damaged;
}
