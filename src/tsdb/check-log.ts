// A shard's log, looked at from outside: frames, holes, torn tail, the header of every segment,
// every record from the frontier on decoded, every series that a record uses defined before. What
// lies below the frontier is in parts too, so damage there loses nothing.
import { CodecError } from '../codec/varint.ts';
import { checkSegmentLog } from '../log/segment-check.ts';
import type { CheckedLog, CheckedRecord, LogProblem } from '../log/segment-check.ts';
import { errorMessage } from '../stdx/assert.ts';
import { FileError, fileErrorCode } from '../stdx/files.ts';
import type { Files } from '../stdx/files.ts';
import { grownU32 } from '../stdx/growable.ts';
import { ADVICE, unreadableAdvice } from './check-report.ts';
import type { CheckReport } from './check-report.ts';
import { decodeRecord } from './record-decode.ts';
import type { BatchRecord, DeleteRecord } from './record-layout.ts';
import { slotOf } from './refs.ts';

export interface LogToCheck {
  readonly files: Files;
  readonly directory: string;
  /** undefined: the catalog could not be read. */
  readonly frontier: number | undefined;
}

export async function checkLog(log: LogToCheck, report: CheckReport): Promise<void> {
  const { files, directory, frontier } = log;
  const replay = new Replay(frontier ?? 0, report);
  let found: CheckedLog;
  try {
    found = await checkSegmentLog(files, directory, async (record) => replay.visit(record));
  } catch (error) {
    const advice = unreadableAdvice(error);
    if (advice !== undefined) {
      const file = error instanceof FileError ? error.path : directory;
      report.damage({ code: 'log-unreadable', file, what: errorMessage(error), advice });
      return;
    }
    if (fileErrorCode(error) !== 'ENOENT') throw error;
    found = { startOffset: 0, endOffset: 0, segmentCount: 0, sizeBytes: 0, problems: [] };
  }
  report.sums.fileCount += found.segmentCount;
  // What is no record: headers, frames, free space.
  report.progress(found.sizeBytes - replay.readBytes, directory);
  for (const problem of found.problems) tellProblem(problem, frontier, report);
  if (frontier !== undefined) checkFrontier(found, frontier, directory, report);
}

function tellProblem(problem: LogProblem, frontier: number | undefined, report: CheckReport): void {
  const { kind, file, position: offset, firstOffset, endOffset, reason } = problem;
  const place = { file, offset };
  if (kind === 'newer') {
    const code = 'log-newer';
    report.damage({ ...place, code, what: reason, advice: ADVICE.newer });
    return;
  }
  if (kind === 'header-copy') {
    const code = 'log-header-copy';
    report.warning({ ...place, code, what: reason, advice: ADVICE.nothing });
    return;
  }
  if (kind === 'torn') {
    const what =
      `${reason}: the log ends at record ${firstOffset}, what follows counts as never ` +
      'acknowledged and is cut off by the next start';
    const code = 'log-torn-tail';
    report.warning({ ...place, code, what, advice: ADVICE.nothing });
    return;
  }
  const recordCount = Math.max(0, endOffset - Math.max(firstOffset, frontier ?? 0));
  const what = `records ${firstOffset} to ${endOffset - 1}: ${reason}`;
  const code = 'log-damage';
  if (recordCount === 0) {
    const advice = `${ADVICE.nothing}: their points are in parts`;
    report.warning({ ...place, code, what, advice });
  } else report.damage({ ...place, code, what, lost: { recordCount }, advice: ADVICE.restore });
}

function checkFrontier(
  { startOffset, endOffset }: CheckedLog,
  frontier: number,
  file: string,
  report: CheckReport,
): void {
  if (startOffset <= frontier && frontier <= endOffset) return;
  const lost = { recordCount: Math.max(0, startOffset - frontier) };
  report.damage({
    code: 'log-frontier',
    file,
    what:
      `the catalog says that the log is in parts up to record ${frontier}, but the log holds ` +
      `${startOffset} to ${endOffset}: one of the two was replaced or lost records`,
    lost,
    advice: ADVICE.restoreAll,
  });
}

/** Decodes as the next start would. */
class Replay {
  readonly #frontier: number;
  readonly #report: CheckReport;
  #session = -1;
  readBytes = 0;
  /** Numbers defined in this session: a bit each. */
  #defined = new Uint32Array(1024);

  constructor(frontier: number, report: CheckReport) {
    this.#frontier = frontier;
    this.#report = report;
  }

  visit({ offset, bytes, file, position }: CheckedRecord): void {
    this.readBytes += bytes.length;
    this.#report.progress(bytes.length, file);
    this.#report.sums.recordCount++;
    if (offset < this.#frontier) return;
    let record: BatchRecord | DeleteRecord | undefined;
    try {
      record = decodeRecord(bytes, offset);
      if (record.kind === 'batch') this.#checkSeries(record);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      const { tenant } = record?.header ?? {};
      const pointCount = record?.kind === 'batch' ? pointsOf(record) : undefined;
      this.#report.damage({
        code: 'log-record',
        file,
        offset: position,
        what: `record ${offset}: ${errorMessage(error)}; it goes to the dead letters`,
        lost: {
          recordCount: 1,
          ...(tenant === undefined ? {} : { tenant }),
          ...(pointCount === undefined ? {} : { pointCount }),
        },
        advice: ADVICE.restore,
      });
    }
  }

  #checkSeries({ header, encoding, definitions, batch }: BatchRecord): void {
    if (encoding === 'inline') return;
    if (header.session !== this.#session) {
      this.#session = header.session;
      this.#defined.fill(0);
    }
    for (const number of definitions.numbers) this.#define(number);
    for (const { refs, count } of batch.points)
      for (let i = 0; i < count; i++) {
        const ref = refs[i]!;
        if (this.#defined[slotOf(ref)] !== ref + 1)
          throw new CodecError(`series ${ref} was defined by no readable record`);
      }
  }

  #define(number: number): void {
    const slot = slotOf(number);
    this.#defined = grownU32(this.#defined, slot + 1);
    this.#defined[slot] = number + 1;
  }
}

function pointsOf({ batch }: BatchRecord): number {
  return batch.points.reduce((sum, { count }) => sum + count, 0);
}
