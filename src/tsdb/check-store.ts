// `orrery check data`: every checksum and invariant of a data folder that no server uses, over
// `Files`, without writing a byte. Memory: the rows of the parts, one part's decoded index, one
// window of blocks. Goes on behind damage, so that one run names all of it.
import type { BlobRange } from '../blobs/blobs.ts';
import { AppError } from '../model/errors.ts';
import { errorMessage } from '../stdx/assert.ts';
import { fileErrorCode, listTree } from '../stdx/files.ts';
import type { Files, OpenFile } from '../stdx/files.ts';
import { checkHeadSnapshot } from './check-head-snapshot.ts';
import { checkCatalog } from './check-catalog.ts';
import type { CatalogRow, CheckedCatalog } from './check-catalog.ts';
import { checkLog } from './check-log.ts';
import { timesOf } from './check-part-findings.ts';
import { readFooterFields } from './check-part-frame.ts';
import { checkPart } from './check-part.ts';
import { checkSeenList } from './check-seen-list.ts';
import { ADVICE, unreadableAdvice } from './check-report.ts';
import type { CheckReport } from './check-report.ts';
import { parseHeadSnapshotName } from './head-snapshot-format.ts';
import { DEAD_LETTERS, HEAD_SNAPSHOTS } from './names.ts';
import { FOOTER_SIZE } from './part-format.ts';
import type { PartRow } from './part-format.ts';
import { parseSeenListName } from './seen-list.ts';

const PARTS = 'parts/';
const PART_NAME = /^parts\/(\d+)\/(\d{16})-(\d{16})-l(\d+)-[0-9a-f]+\.part$/;

export interface StoreToCheck {
  readonly files: Files;
  /** The data folder. */
  readonly directory: string;
  readonly catalogFile: string;
  readonly blobsFolder: string;
  readonly logFolder: (shard: number) => string;
  /** Rows of the catalog; undefined where it cannot be opened, which the caller has reported. */
  readonly rows: Iterable<CatalogRow> | AsyncIterable<CatalogRow> | undefined;
}

/** Throws FileError where the disk fails in a way that is no damage of one file. */
export async function checkStore(store: StoreToCheck, report: CheckReport): Promise<void> {
  const { files, directory, catalogFile, rows } = store;
  const catalog: CheckedCatalog =
    rows === undefined
      ? { shards: new Map(), isIncomplete: true }
      : await checkCatalog(rows, `${directory}/${catalogFile}`, report);
  for (const shard of await shardsOf(store, catalog))
    await checkLog(
      {
        files,
        directory: `${directory}/${store.logFolder(shard)}`,
        frontier: catalog.isIncomplete ? undefined : catalog.shards.get(shard)?.frontier,
      },
      report,
    );
  await checkBlobs(store, catalog, report);
}

/** Shards of the catalog; where it is not readable, those with a log. */
async function shardsOf(
  { files, directory, logFolder }: StoreToCheck,
  { shards, isIncomplete }: CheckedCatalog,
): Promise<readonly number[]> {
  if (!isIncomplete) return [...shards.keys()];
  const found: number[] = [];
  while ((await files.stat(`${directory}/${logFolder(found.length)}`)) !== undefined)
    found.push(found.length);
  return found;
}

async function checkBlobs(
  store: StoreToCheck,
  catalog: CheckedCatalog,
  report: CheckReport,
): Promise<void> {
  const { files, directory, blobsFolder } = store;
  const folder = `${directory}/${blobsFolder}`;
  const missing = new Map<string, PartRow>();
  for (const { parts } of catalog.shards.values())
    for (const row of parts) missing.set(row.name, row);
  const blobs = new FileBlobs(files, folder);
  try {
    for await (const { path, sizeBytes } of blobFiles(files, folder)) {
      const file = `${folder}/${path}`;
      const row = missing.get(path);
      report.sums.fileCount++;
      const isRowless = row === undefined && catalog.isIncomplete && path.startsWith(PARTS);
      const isLater = isRowless || isHeadSnapshot(path, catalog) || isSeenList(path, catalog);
      if (row?.sizeBytes !== sizeBytes && !isLater) report.progress(sizeBytes, file);
      if (row !== undefined) {
        missing.delete(path);
        if (row.sizeBytes === sizeBytes) await tryPart(row, file, blobs, report);
        else
          report.damage({
            code: 'part-size',
            file,
            what: `it has ${sizeBytes} bytes, the catalog says ${row.sizeBytes}`,
            lost: lossOf(row),
            advice: ADVICE.restoreAll,
          });
      } else if (isSeenList(path, catalog))
        await checkSeenList({ name: path, sizeBytes, blobs }, file, report);
      else if (isHeadSnapshot(path, catalog))
        await checkHeadSnapshot({ name: path, sizeBytes, blobs }, file, report);
      else if (path.startsWith(DEAD_LETTERS)) tellDeadLetter(file, report);
      else if (isRowless) await checkRowless({ name: path, sizeBytes }, file, blobs, report);
      else tellStray(path, file, report);
    }
  } finally {
    await blobs.close();
  }
  for (const row of missing.values())
    report.damage({
      code: 'part-missing',
      file: `${folder}/${row.name}`,
      what: 'the catalog names this part, there is no such file',
      lost: lossOf(row),
      advice: ADVICE.restoreAll,
    });
}

/** One that the next start would look at. */
function isHeadSnapshot(path: string, { shards, isIncomplete }: CheckedCatalog): boolean {
  const stretch = path.startsWith(HEAD_SNAPSHOTS) ? parseHeadSnapshotName(path) : undefined;
  if (stretch === undefined) return false;
  const shard = Number(path.slice(HEAD_SNAPSHOTS.length, path.lastIndexOf('/')));
  return isIncomplete || (shards.get(shard)?.frontier ?? 0) === stretch.frontier;
}

/** As isHeadSnapshot. */
function isSeenList(path: string, { shards, isIncomplete }: CheckedCatalog): boolean {
  const found = parseSeenListName(path);
  if (found === undefined) return false;
  return isIncomplete || (shards.get(found.shard)?.frontier ?? 0) === found.frontier;
}

async function* blobFiles(files: Files, folder: string): ReturnType<typeof listTree> {
  try {
    yield* listTree(files, folder);
  } catch (error) {
    // No blobs yet: whatever should be there is told as missing.
    if (fileErrorCode(error) !== 'ENOENT') throw error;
  }
}

async function tryPart(
  row: PartRow,
  file: string,
  blobs: FileBlobs,
  report: CheckReport,
): Promise<void> {
  try {
    await checkPart({ row, file, blobs }, report);
  } catch (error) {
    const advice = unreadableAdvice(error);
    if (advice === undefined) throw error;
    report.damage({
      code: 'part-unreadable',
      file,
      what: errorMessage(error),
      lost: lossOf(row),
      advice,
    });
  }
}

function lossOf({ seriesCount, sampleCount, minUs, maxUs }: PartRow) {
  return { seriesCount, pointCount: sampleCount, ...timesOf(minUs, maxUs) };
}

/** Without a readable catalog a part is checked against what it says of itself. */
async function checkRowless(
  { name, sizeBytes }: { readonly name: string; readonly sizeBytes: number },
  file: string,
  blobs: FileBlobs,
  report: CheckReport,
): Promise<void> {
  const match = PART_NAME.exec(name);
  if (match === null || sizeBytes < FOOTER_SIZE) return tellStray(name, file, report);
  let footer;
  try {
    const place = { offset: sizeBytes - FOOTER_SIZE, length: FOOTER_SIZE };
    footer = readFooterFields(await blobs.get(name, place));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const what = errorMessage(error);
    const offset = sizeBytes - FOOTER_SIZE;
    report.damage({ code: 'part-footer', file, offset, what, advice: ADVICE.restoreAll });
    return;
  }
  const open = { minUs: Number.NEGATIVE_INFINITY, maxUs: Number.POSITIVE_INFINITY };
  const row = { name, sizeBytes, ...footer, ...open };
  const absent = { partitionUs: undefined, deletesEnd: footer.seqMax, seriesCount: -1 };
  await tryPart({ ...row, ...absent }, file, blobs, report);
}

function tellDeadLetter(file: string, report: CheckReport): void {
  report.warning({
    code: 'dead-letter',
    file,
    what: 'a log record that could not be applied; its points are missing',
    advice: 'keep it and report it',
  });
}

function tellStray(path: string, file: string, report: CheckReport): void {
  const isUnfinished = path.startsWith('.tmp/');
  report.warning({
    code: isUnfinished ? 'unfinished' : 'orphan',
    file,
    what: isUnfinished ? 'an object that was never finished' : 'no row of the catalog names it',
    advice: `${ADVICE.nothing}: the next start removes it`,
  });
}

/** Ranged reads of objects, one file open at a time. Nothing is written. */
class FileBlobs {
  readonly #files: Files;
  readonly #folder: string;
  #name = '';
  #file: OpenFile | undefined = undefined;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  async get(name: string, range?: BlobRange, into?: Uint8Array): Promise<Uint8Array> {
    if (this.#name !== name || this.#file === undefined) {
      await this.close();
      this.#file = await this.#files.open(`${this.#folder}/${name}`, 'read');
      this.#name = name;
    }
    const file = this.#file;
    const { offset, length } = range ?? { offset: 0, length: file.sizeBytes() };
    const bytes = into ?? new Uint8Array(length);
    if (offset < 0 || (await file.read(bytes, offset)) < length)
      throw new AppError('corrupt', 'short-blob', `the file ends before ${offset + length}`);
    return bytes;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}
