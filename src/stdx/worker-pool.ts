// Threads that each run one task at a time, with memory of their own: only what structured clone
// takes crosses, and what is large crosses by transfer or in shared memory. Made in app/; what
// stands on the interface alone also runs where there are no threads.

/** The thread ended while it ran the task: out of memory, or a bug below JavaScript. */
export class WorkerLostError extends Error {
  override readonly name = 'WorkerLostError';
}

export interface WorkerPool<Task, Answer> {
  /** Threads that run at once, at least 1; they start when they are first needed. */
  readonly threadCount: number;
  /**
   * Runs the task on the next free thread; tasks wait in line. `transfer`: buffers of the task that
   * the caller gives away. Rejects with an Error of the same message where the task threw, with
   * WorkerLostError where its thread ended; other tasks do not notice.
   */
  run(task: Task, transfer: readonly ArrayBuffer[]): Promise<Answer>;
}
