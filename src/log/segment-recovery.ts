// What a log folder holds after a crash: order of segments, their ends, damage, and the torn tail
// cut off (docs/formats/segment.md, "Reading at start"). When it returns, everything up to
// `endOffset` is on stable storage and nothing beyond can come back.
import { FatalError, must } from '../stdx/assert.ts';
import { fileErrorCode } from '../stdx/files.ts';
import type { LogDamage } from './log.ts';
import { SegmentCursor } from './segment-cursor.ts';
import { newSegment, type FreeFile, type Segment, type SegmentFiles } from './segment-files.ts';
import { decodeHeaderBlock, decodeMark, HEADER_BLOCK_BYTES } from './segment.ts';

export interface RecoveredLog {
  /** By sequence; empty where the folder holds none. */
  readonly segments: Segment[];
  readonly damage: LogDamage[];
  readonly endOffset: number;
}

/** A stretch that cannot be read; the records of `segment` from `position` on. */
export interface Hole {
  readonly segment: Segment;
  readonly position: number;
  readonly firstOffset: number;
  /** Exclusive. */
  readonly endOffset: number;
  readonly reason: string;
}

/** What the files of a log folder hold; nothing is written to find out. */
export interface LogScan {
  /** By sequence. */
  readonly segments: Segment[];
  readonly free: readonly FreeFile[];
  /** In the order of offsets. */
  readonly holes: Hole[];
  /** Every record below was durable once. */
  mark: number;
  /** The mark of a clean close, 0 where the last life did not close. */
  cleanMark: number;
}

export async function recoverLog(files: SegmentFiles, skipCrc: boolean): Promise<RecoveredLog> {
  const scan = await scanLog(await files.openAll(), skipCrc);
  for (const freed of scan.free) await files.keepOrRemove(freed);
  return repair(files, scan);
}

export async function scanLog(files: readonly FreeFile[], skipCrc: boolean): Promise<LogScan> {
  const segments: Segment[] = [];
  const free: FreeFile[] = [];
  const marks = new Map<Segment, number>();
  for (const opened of files) {
    const block = new Uint8Array(HEADER_BLOCK_BYTES);
    const got = await opened.file.read(block, 0);
    const decoded = decodeHeaderBlock(block.subarray(0, got));
    if (decoded.state === 'other-version') {
      throw new FatalError(
        `log segment '${opened.path}' has format version ${decoded.version}, which this version of ` +
          `the program does not read: start the one that wrote it`,
      );
    }
    if (decoded.state === 'free') {
      free.push(opened);
      continue;
    }
    const segment = newSegment(opened, decoded.header);
    marks.set(segment, decodeMark(block, decoded.header));
    segments.push(segment);
  }
  segments.sort((a, b) => a.header.sequence - b.header.sequence);
  const scan: LogScan = { segments, free, holes: [], mark: 0, cleanMark: 0 };
  for (const [i, segment] of segments.entries()) {
    scan.cleanMark = marks.get(segment) ?? 0;
    scan.mark = Math.max(scan.mark, segment.header.durableOffset, scan.cleanMark);
    await scanSegment(segment, segments[i + 1]?.header.firstOffset, scan, skipCrc);
  }
  return scan;
}

/** The hole that is a torn tail: the first one that is not below what was once durable. */
export function tornTail({ holes, mark }: LogScan): Hole | undefined {
  return holes.find((hole) => hole.firstOffset >= mark);
}

/** Finds the segment's end and holes. `nextFirst` is where the following segment begins. */
async function scanSegment(
  segment: Segment,
  nextFirst: number | undefined,
  scan: LogScan,
  skipCrc: boolean,
): Promise<void> {
  const { file, seed } = segment;
  const cursor = new SegmentCursor({ file, seed, skipCrc });
  const limit = file.sizeBytes();
  const endMax = nextFirst ?? Number.MAX_SAFE_INTEGER;
  let expected = segment.header.firstOffset;
  while (expected < endMax) {
    const item = await cursor.next(expected, limit);
    if (item === undefined) break;
    scan.mark = Math.max(scan.mark, item.durableOffset);
    if (item.kind === 'frame') {
      expected++;
      continue;
    }
    const endOffset = Math.min(item.endOffset, endMax);
    const { position, reason } = item;
    scan.holes.push({ segment, position, firstOffset: expected, endOffset, reason });
    expected = endOffset;
  }
  segment.usedBytes = cursor.position;
  if (nextFirst !== undefined && expected < nextFirst) {
    scan.holes.push({
      segment,
      position: cursor.position,
      firstOffset: expected,
      endOffset: nextFirst,
      reason: 'the rest of the segment is unreadable',
    });
    expected = nextFirst;
  }
  segment.endOffset = expected;
}

/** Separates damage from the torn tail, cuts the tail, syncs what may be in the page cache only. */
async function repair(files: SegmentFiles, scan: LogScan): Promise<RecoveredLog> {
  const { segments } = scan;
  const last = segments.at(-1);
  if (last === undefined) return { segments, damage: [], endOffset: 0 };
  const torn = tornTail(scan);
  const damage: LogDamage[] = [];
  for (const hole of scan.holes) {
    if (hole === torn) break;
    const { firstOffset, endOffset, reason } = hole;
    damage.push({ firstOffset, endOffset, file: hole.segment.path, reason });
  }
  if (torn !== undefined) {
    // Newest first: a crash in between leaves a log that is cut at the same place again.
    while (segments.at(-1) !== torn.segment) {
      await files.release(must(segments.pop(), 'the torn segment is among the segments'));
    }
    torn.segment.usedBytes = torn.position;
    torn.segment.endOffset = torn.firstOffset;
  } else if (last.endOffset < scan.mark) {
    damage.push({
      firstOffset: last.endOffset,
      endOffset: scan.mark,
      file: last.path,
      reason: 'the end of the log is missing',
    });
    last.endOffset = scan.mark;
  }
  const tail = torn?.segment ?? last;
  const closedCleanly = torn === undefined && scan.cleanMark === tail.endOffset;
  if (!closedCleanly) await cutTail(files, tail);
  for (const segment of segments) {
    if (segment.endOffset > scan.mark || segment === tail) await segment.file.datasync();
  }
  return { segments, damage, endOffset: tail.endOffset };
}

async function cutTail(files: SegmentFiles, tail: Segment): Promise<void> {
  await tail.file.truncate(tail.usedBytes);
  try {
    await files.fillZeros(tail.file, tail.usedBytes);
  } catch (error) {
    // A full disk must not keep the server from starting and reading: appends will say so.
    if (fileErrorCode(error) !== 'ENOSPC') throw error;
  }
}
