// Merges as another thread does them, without one: nothing crosses but what structured clone takes
// and the memory of the control, and the files are opened a second time.
import type { Blobs } from '../../src/blobs/blobs.ts';
import { MergeControl } from '../../src/tsdb/merge-control.ts';
import { answerMerge } from '../../src/tsdb/merge-thread.ts';
import type { MergeTime, RunMerge } from '../../src/tsdb/merge-thread.ts';

/** `openBlobs` opens the store for one merge, by its unique text. */
export function mergeElsewhere(openBlobs: (unique: string) => Blobs, time: MergeTime): RunMerge {
  return async ({ task, control, share }) => {
    const sent = structuredClone(task);
    const blobs = openBlobs(sent.unique);
    try {
      const work = { task: sent, share, control: new MergeControl(control.memory) };
      return structuredClone(await answerMerge(work, blobs, time));
    } finally {
      await blobs.close();
    }
  };
}
