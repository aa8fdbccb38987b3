// A seen list, looked at from outside: head, length and checksum. No point can be lost with it; so
// what is wrong with it is a warning.
import { CodecError } from '../codec/varint.ts';
import type { BlobInfo, Blobs } from '../blobs/blobs.ts';
import { AppError } from '../model/errors.ts';
import { errorMessage } from '../stdx/assert.ts';
import { FileError } from '../stdx/files.ts';
import type { CheckReport } from './check-report.ts';
import { readSeenList } from './seen-list.ts';

export async function checkSeenList(
  object: BlobInfo & { readonly blobs: Pick<Blobs, 'get'> },
  file: string,
  report: CheckReport,
): Promise<void> {
  report.progress(object.sizeBytes, file);
  try {
    await readSeenList(object.blobs, object);
  } catch (error) {
    const isUnreadable =
      error instanceof CodecError || error instanceof AppError || error instanceof FileError;
    if (!isUnreadable) throw error;
    const advice = 'nothing to do: for an hour after the next start too few active series count';
    report.warning({ code: 'seen-list', file, what: errorMessage(error), advice });
  }
}
