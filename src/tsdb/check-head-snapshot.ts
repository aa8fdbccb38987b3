// A head snapshot, looked at from outside: footer, directory and every checksum. Nothing in it can
// be lost, because the log says the same; so what is wrong with it is a warning.
import { CodecError } from '../codec/varint.ts';
import { AppError } from '../model/errors.ts';
import { errorMessage } from '../stdx/assert.ts';
import { FileError } from '../stdx/files.ts';
import { ADVICE } from './check-report.ts';
import type { CheckReport } from './check-report.ts';
import { readChunks, readDirectory, readFooter } from './head-snapshot-read.ts';
import type { SnapshotObject } from './head-snapshot-read.ts';

export async function checkHeadSnapshot(
  object: SnapshotObject,
  file: string,
  report: CheckReport,
): Promise<void> {
  report.progress(object.sizeBytes, file);
  const what = await problemOf(object);
  if (what === undefined) return;
  const advice = `${ADVICE.nothing}: the next start leaves it out and reads the log instead`;
  report.warning({ code: 'head-snapshot', file, what, advice });
}

async function problemOf(object: SnapshotObject): Promise<string | undefined> {
  try {
    const footer = await readFooter(object);
    if (footer === undefined) return 'it is of another version';
    const directory = await readDirectory(object, footer);
    for await (const chunk of readChunks(object, footer, directory))
      if (chunk.length === 0) return 'a chunk of it is empty';
    return undefined;
  } catch (error) {
    const isUnreadable =
      error instanceof CodecError || error instanceof AppError || error instanceof FileError;
    if (!isUnreadable) throw error;
    return errorMessage(error);
  }
}
