// The worker pool of a process: threads of one module, started when they are first needed, ended
// after a while without work. The module answers each message with one: {answer} or {error}.
import { Worker } from 'node:worker_threads';
import type { Transferable } from 'node:worker_threads';
import { BugError } from '../../stdx/assert.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import { WorkerLostError } from '../../stdx/worker-pool.ts';
import type { WorkerPool } from '../../stdx/worker-pool.ts';

/** A thread without work ends after so long: it holds some 10 MB. */
const IDLE_MS = 30_000;

/** What a thread posts. */
export type ThreadReply<Answer> =
  | { readonly answer: Answer }
  | { readonly error: { readonly name: string; readonly message: string } };

export interface ThreadPoolOptions {
  readonly name: string;
  readonly module: URL;
  readonly threadCount: number;
  readonly scheduler: Scheduler;
  /** The whole environment of a thread. */
  readonly env: Readonly<NodeJS.Dict<string>>;
}

interface Job<Task, Answer> {
  readonly task: Task;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

interface Thread<Task, Answer> {
  readonly worker: Worker;
  job: Job<Task, Answer> | undefined;
}

export class ThreadPool<Task, Answer> implements WorkerPool<Task, Answer> {
  readonly threadCount: number;
  readonly #options: ThreadPoolOptions;
  readonly #threads = new Set<Thread<Task, Answer>>();
  /** The one that worked last is used first, so that others can end. */
  readonly #idle: Thread<Task, Answer>[] = [];
  readonly #line: Job<Task, Answer>[] = [];
  #cancelIdle: (() => void) | undefined = undefined;
  #isClosed = false;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.threadCount = options.threadCount;
  }

  /** Threads that exist now. */
  get runningCount(): number {
    return this.#threads.size;
  }

  run(task: Task, transfer: readonly ArrayBuffer[]): Promise<Answer> {
    if (this.#isClosed) return Promise.reject(new WorkerLostError('the pool is closed'));
    return new Promise((resolve, reject) => {
      this.#line.push({ task, transfer, resolve, reject });
      this.#assign();
    });
  }

  #assign(): void {
    while (this.#line.length > 0) {
      const thread = this.#idle.pop() ?? this.#start();
      if (thread === undefined) return;
      const job = this.#line.shift()!;
      try {
        thread.worker.postMessage(job.task, job.transfer as Transferable[]);
      } catch (error) {
        this.#idle.push(thread);
        job.reject(new BugError('BUG: a task cannot be sent', { cause: error }));
        continue;
      }
      thread.job = job;
      thread.worker.ref();
    }
  }

  #start(): Thread<Task, Answer> | undefined {
    if (this.#threads.size >= this.threadCount) return undefined;
    const { name, module, env } = this.#options;
    const worker = new Worker(module, { name, env });
    const thread: Thread<Task, Answer> = { worker, job: undefined };
    this.#threads.add(thread);
    worker.on('message', (reply: ThreadReply<Answer>) => this.#done(thread, reply));
    worker.on('error', (error) => this.#lost(thread, error));
    worker.on('exit', () => this.#lost(thread, undefined));
    return thread;
  }

  #done(thread: Thread<Task, Answer>, reply: ThreadReply<Answer>): void {
    const { job } = thread;
    thread.job = undefined;
    thread.worker.unref();
    this.#idle.push(thread);
    if (job !== undefined) {
      if ('answer' in reply) job.resolve(reply.answer);
      else job.reject(new Error(`${reply.error.name}: ${reply.error.message}`));
    }
    this.#assign();
    this.#armIdle();
  }

  /** Its task fails; the next one finds another thread. */
  #lost(thread: Thread<Task, Answer>, cause: unknown): void {
    if (!this.#threads.delete(thread)) return;
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
    const message = `a thread '${this.#options.name}' ended`;
    thread.job?.reject(new WorkerLostError(message, { cause }));
    if (!this.#isClosed) this.#assign();
  }

  #armIdle(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = this.#options.scheduler.after(IDLE_MS, () => {
      for (const thread of this.#idle.slice()) void this.#end(thread);
    });
  }

  #end(thread: Thread<Task, Answer>): Promise<number> {
    this.#lost(thread, undefined);
    return thread.worker.terminate();
  }

  /** Ends every thread; tasks that run or wait are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelIdle?.();
    for (const job of this.#line.splice(0)) job.reject(new WorkerLostError('the pool is closed'));
    await Promise.all([...this.#threads].map((thread) => this.#end(thread)));
  }
}
