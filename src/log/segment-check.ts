// A log folder looked at from outside (`orrery check data`): what recovery would find, without
// writing a byte, and each record with its place in a file. Memory: one segment's read-ahead.
import { FatalError } from '../stdx/assert.ts';
import type { Files } from '../stdx/files.ts';
import { SegmentCursor } from './segment-cursor.ts';
import { SEGMENT_NAME, type FreeFile, type Segment } from './segment-files.ts';
import { type LogScan, scanLog, tornTail } from './segment-recovery.ts';
import { damagedHeaderCopies, HEADER_BLOCK_BYTES } from './segment.ts';

export interface LogProblem {
  /** `torn`: never acknowledged as far as the log knows, cut off by the next start. */
  readonly kind: 'corrupt' | 'torn' | 'header-copy' | 'newer';
  readonly file: string;
  readonly position: number;
  /** Records that are lost: [firstOffset, endOffset), empty where none is. */
  readonly firstOffset: number;
  readonly endOffset: number;
  readonly reason: string;
}

export interface CheckedRecord {
  readonly offset: number;
  /** Borrowed until the visit returns. */
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly position: number;
}

export interface CheckedLog {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly segmentCount: number;
  /** Of all files, free ones and free tails too. */
  readonly sizeBytes: number;
  readonly problems: readonly LogProblem[];
}

/** `visit` gets every readable record in order. Throws FileError. */
export async function checkSegmentLog(
  files: Files,
  directory: string,
  visit: (record: CheckedRecord) => Promise<void>,
): Promise<CheckedLog> {
  const opened: FreeFile[] = [];
  try {
    for (const name of await files.list(directory)) {
      if (!SEGMENT_NAME.test(name)) continue;
      const path = `${directory}/${name}`;
      opened.push({ path, file: await files.open(path, 'read') });
    }
    return await checkOpened(opened, visit);
  } finally {
    for (const { file } of opened) await file.close();
  }
}

async function checkOpened(
  opened: readonly FreeFile[],
  visit: (record: CheckedRecord) => Promise<void>,
): Promise<CheckedLog> {
  const sizeBytes = opened.reduce((sum, { file }) => sum + file.sizeBytes(), 0);
  let scan: LogScan;
  try {
    scan = await scanLog(opened, false);
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    const file = opened[0]?.path ?? '';
    const none = { position: 0, firstOffset: 0, endOffset: 0 };
    const problems = [{ kind: 'newer', file, ...none, reason: error.message } as const];
    return { startOffset: 0, endOffset: 0, segmentCount: 0, sizeBytes, problems };
  }
  const problems: LogProblem[] = [];
  for (const segment of scan.segments) problems.push(...(await headerProblems(segment)));
  const torn = tornTail(scan);
  for (const hole of scan.holes) {
    const { segment, position, firstOffset, endOffset, reason } = hole;
    const kind = hole === torn ? 'torn' : 'corrupt';
    problems.push({ kind, file: segment.path, position, firstOffset, endOffset, reason });
    // Everything behind a torn tail goes with it.
    if (hole === torn) break;
  }
  const last = scan.segments.at(-1);
  let endOffset = torn?.firstOffset ?? last?.endOffset ?? 0;
  if (last !== undefined && torn === undefined && endOffset < scan.mark) {
    const { path: file, usedBytes: position } = last;
    const reason = 'the end of the log is missing';
    const lost = { firstOffset: endOffset, endOffset: scan.mark };
    problems.push({ kind: 'corrupt', file, position, ...lost, reason });
    endOffset = scan.mark;
  }
  for (const segment of scan.segments) await visitSegment(segment, endOffset, visit);
  return {
    startOffset: scan.segments[0]?.header.firstOffset ?? 0,
    endOffset,
    segmentCount: scan.segments.length,
    sizeBytes,
    problems,
  };
}

async function headerProblems({ path, file, header }: Segment): Promise<readonly LogProblem[]> {
  const block = new Uint8Array(HEADER_BLOCK_BYTES);
  await file.read(block, 0);
  const at = header.firstOffset;
  return damagedHeaderCopies(block).map((position) => ({
    kind: 'header-copy',
    file: path,
    position,
    firstOffset: at,
    endOffset: at,
    reason: 'one of the two copies of the header is damaged; the other is used',
  }));
}

async function visitSegment(
  { path, file, seed, header, endOffset }: Segment,
  logEnd: number,
  visit: (record: CheckedRecord) => Promise<void>,
): Promise<void> {
  const cursor = new SegmentCursor({ file, seed, skipCrc: false });
  const end = Math.min(endOffset, logEnd);
  for (let expected = header.firstOffset; expected < end;) {
    const { position } = cursor;
    const item = await cursor.next(expected, file.sizeBytes());
    if (item === undefined) return;
    if (item.kind === 'frame') {
      await visit({ offset: item.offset, bytes: item.payload, file: path, position });
      expected++;
    } else expected = item.endOffset;
  }
}
