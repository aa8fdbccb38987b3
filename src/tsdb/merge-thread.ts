// The long half of a merge in a thread of its own, so that nothing else of the shard waits for a
// slice of it (docs/decisions/0054). The thread has the files alone in common with the shard: it
// opens the inputs by their rows, and answers with the rows of what it wrote.
import type { Blobs } from '../blobs/blobs.ts';
import { AppError } from '../model/errors.ts';
import { thrownOf } from '../model/thrown.ts';
import type { Thrown } from '../model/thrown.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { ColumnCache } from './column-cache.ts';
import {
  MERGE_COLUMNS_BYTES,
  MERGE_EXTENTS_BYTES,
  MERGE_SECTIONS_BYTES,
  MERGE_SLICE_MS,
  PACE_LATE_MS,
  PACE_REST_MAX_MS,
} from './limits.ts';
import type { Pause } from './pacer.ts';
import type { MergeControl } from './merge-control.ts';
import { runMergeTask } from './merge-task.ts';
import type { MergeTask } from './merge-task.ts';
import { ExtentCache, SectionCache } from './part-cache.ts';
import type { PartRow } from './part-format.ts';
import { Part } from './part-reader.ts';

export interface MergeWork {
  readonly task: MergeTask;
  readonly control: MergeControl;
  /** Of the time, while writes are under way: a merge and they share a disk. Above 0, at most 1. */
  readonly share: number;
}

/** Of the thread. */
export interface MergeTime {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
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
  work: MergeWork,
  blobs: Blobs,
  time: MergeTime,
): Promise<MergeAnswer> {
  const { task, control } = work;
  const damages: PartDamage[] = [];
  const context = {
    blobs,
    cache: new SectionCache(MERGE_SECTIONS_BYTES),
    extents: new ExtentCache(MERGE_EXTENTS_BYTES),
    columns: new ColumnCache(MERGE_COLUMNS_BYTES),
    skipCrc: false,
    onCorrupt: (row: PartRow, reason: string) => damages.push({ row, reason }),
  };
  const pace = new ThreadPace(work, time);
  try {
    const rows = await runMergeTask(task, {
      blobs,
      openPart: (row) => new Part(row, context),
      pause: pace.pause,
      yieldTurn: () => time.scheduler.yieldTurn(),
      advance: (count) => control.advance(count),
    });
    return { rows, damages, thrown: undefined };
  } catch (error) {
    return { rows: [], damages, thrown: thrownOf(error) };
  }
}

/** Rests after each slice, where a write came meanwhile. */
class ThreadPace {
  readonly #work: MergeWork;
  readonly #time: MergeTime;
  #sliceStartMs: number;
  #writeCount = 0;

  constructor(work: MergeWork, time: MergeTime) {
    this.#work = work;
    this.#time = time;
    this.#sliceStartMs = time.clock.monotonicMs();
  }

  readonly pause: Pause = () => {
    if (this.#work.control.isStopped)
      throw new AppError('unavailable', 'closed', 'the storage is closing');
    const workedMs = this.#time.clock.monotonicMs() - this.#sliceStartMs;
    return workedMs < MERGE_SLICE_MS ? undefined : this.#rest(workedMs);
  };

  async #rest(workedMs: number): Promise<void> {
    const { control, share } = this.#work;
    const { clock, scheduler } = this.#time;
    const { writeCount } = control;
    const isBusy = writeCount !== this.#writeCount;
    this.#writeCount = writeCount;
    // What is longer was spent waiting for the disk.
    const restMs = Math.min(workedMs, 2 * MERGE_SLICE_MS) * (1 / share - 1);
    if (isBusy && restMs > 0) await this.#sleep(restMs);
    else await scheduler.yieldTurn();
    this.#sliceStartMs = clock.monotonicMs();
  }

  /** Where it wakes late the processors are wanted by others, and it rests once more. */
  async #sleep(restMs: number): Promise<void> {
    const { clock, scheduler } = this.#time;
    const startMs = clock.monotonicMs();
    await scheduler.sleep(restMs);
    const lateMs = clock.monotonicMs() - startMs - restMs;
    if (lateMs > PACE_LATE_MS) await scheduler.sleep(Math.min(lateMs, PACE_REST_MAX_MS));
  }
}
