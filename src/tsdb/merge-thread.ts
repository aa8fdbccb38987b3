// The long half of a merge in a thread of its own, so that nothing else of the shard waits for a
// slice of it (docs/decisions/0054). The thread has the files alone in common with the shard: it
// opens the inputs by their rows, and answers with the rows of what it wrote.
import type { Blobs } from '../blobs/blobs.ts';
import { AppError } from '../model/errors.ts';
import { thrownOf } from '../model/thrown.ts';
import type { Thrown } from '../model/thrown.ts';
import { ColumnCache } from './column-cache.ts';
import {
  MERGE_COLUMNS_BYTES,
  MERGE_EXTENTS_BYTES,
  MERGE_SECTIONS_BYTES,
  MERGE_TURN_STEPS,
} from './limits.ts';
import type { MergeControl } from './merge-control.ts';
import { runMergeTask } from './merge-task.ts';
import type { MergeTask } from './merge-task.ts';
import { ExtentCache, SectionCache } from './part-cache.ts';
import type { PartRow } from './part-format.ts';
import { Part } from './part-reader.ts';

export interface MergeWork {
  readonly task: MergeTask;
  readonly control: MergeControl;
}

/** A place of a part that could not be read. */
export interface PartDamage {
  readonly row: PartRow;
  readonly reason: string;
}

export interface MergeAnswer {
  /** None where something was thrown. */
  readonly rows: readonly PartRow[];
  readonly damages: readonly PartDamage[];
  readonly thrown: Thrown | undefined;
}

/** Rejects where the thread itself is lost; what it wrote then is removed by the next opening. */
export type RunMerge = (work: MergeWork) => Promise<MergeAnswer>;

/** The thread's half. Whoever gives `blobs` closes them afterwards, and with them the inputs. */
export async function answerMerge(
  { task, control }: MergeWork,
  blobs: Blobs,
  nextTurn: () => Promise<void>,
): Promise<MergeAnswer> {
  const damages: PartDamage[] = [];
  const context = {
    blobs,
    cache: new SectionCache(MERGE_SECTIONS_BYTES),
    extents: new ExtentCache(MERGE_EXTENTS_BYTES),
    columns: new ColumnCache(MERGE_COLUMNS_BYTES),
    skipCrc: false,
    onCorrupt: (row: PartRow, reason: string) => damages.push({ row, reason }),
  };
  let steps = 0;
  const pause = (): Promise<void> | undefined => {
    if (control.isStopped) throw new AppError('unavailable', 'closed', 'the storage is closing');
    return ++steps % MERGE_TURN_STEPS === 0 ? nextTurn() : undefined;
  };
  try {
    const rows = await runMergeTask(task, {
      blobs,
      openPart: (row) => new Part(row, context),
      pause,
      yieldTurn: nextTurn,
      advance: (count) => control.advance(count),
    });
    return { rows, damages, thrown: undefined };
  } catch (error) {
    return { rows: [], damages, thrown: thrownOf(error) };
  }
}
