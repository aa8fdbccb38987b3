// A thread of queries: parcels in, answers out (windows/leaf-thread.ts). What a task throws is
// answered; anything else ends the thread, and the pool starts another.
import { parentPort } from 'node:worker_threads';
import { errorMessage, must } from '../../stdx/assert.ts';
import { LeafThread } from '../../windows/leaf-thread.ts';
import type { LeafAnswer } from '../../windows/leaf-thread.ts';
import type { LeafParcel } from '../../windows/leaf-parcel.ts';
import { loadKernels } from './kernels.ts';
import { lowerPriority } from './thread-priority.ts';
import type { ThreadReply } from './thread-pool.ts';

lowerPriority();
loadKernels();
const port = must(parentPort, 'this module is the start of a thread');
const thread = new LeafThread();

function reply(parcel: LeafParcel): ThreadReply<LeafAnswer> {
  try {
    return { answer: thread.answer(parcel) };
  } catch (error) {
    const name = error instanceof Error ? error.name : 'Error';
    return { error: { name, message: errorMessage(error) } };
  }
}

port.on('message', (parcel: LeafParcel) => {
  const message = reply(parcel);
  const transfer = 'answer' in message ? [message.answer.data, message.answer.spent] : [];
  port.postMessage(message, transfer);
});
