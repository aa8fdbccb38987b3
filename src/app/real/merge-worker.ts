// The thread of merges: tasks in, rows of written parts out (tsdb/merge-thread.ts).
import { parentPort } from 'node:worker_threads';
import { DirectoryBlobs } from '../../blobs/directory-blobs.ts';
import { must } from '../../stdx/assert.ts';
import { MergeControl } from '../../tsdb/merge-control.ts';
import type { MergeTask } from '../../tsdb/merge-task.ts';
import { answerMerge } from '../../tsdb/merge-thread.ts';
import type { MergeAnswer } from '../../tsdb/merge-thread.ts';
import { realClock } from './clock.ts';
import { realFiles } from './files.ts';
import { loadKernels } from './kernels.ts';
import { realScheduler } from './scheduler.ts';
import { lowerPriority } from './thread-priority.ts';
import type { ThreadReply } from './thread-pool.ts';

export interface MergeParcel {
  /** DATA/blobs. */
  readonly directory: string;
  readonly task: MergeTask;
  readonly share: number;
  /** Of the control. */
  readonly memory: SharedArrayBuffer;
}

lowerPriority();
loadKernels();
const port = must(parentPort, 'this module is the start of a thread');

async function answer({ directory, task, share, memory }: MergeParcel): Promise<MergeAnswer> {
  const blobs = DirectoryBlobs.beside(realFiles, directory, task.unique);
  try {
    const work = { task, share, control: new MergeControl(memory) };
    return await answerMerge(work, blobs, { clock: realClock, scheduler: realScheduler });
  } finally {
    // What was merged can be removed by whoever asked, and then takes no space.
    await blobs.close();
  }
}

// What is thrown here is no answer: it ends the thread, and the pool says so.
port.on('message', async (parcel: MergeParcel) => {
  const reply: ThreadReply<MergeAnswer> = { answer: await answer(parcel) };
  port.postMessage(reply);
});
