// Real timers and turns of the event loop behind the Scheduler interface. Timers do not keep the
// process alive by themselves: what should (sockets, the catalog's pending requests) does.
import type { Scheduler } from '../../stdx/scheduler.ts';

/** setTimeout overflows above this and would fire at once. */
const DELAY_MAX_MS = 2_147_483_647;

function after(delayMs: number, task: () => void): () => void {
  const timer = setTimeout(task, Math.min(delayMs, DELAY_MAX_MS));
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    // Someone awaits it, so that this timer does hold the process.
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.min(delayMs, DELAY_MAX_MS),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

const waiting: (() => void)[] = [];

/**
 * One of those that wait goes on in each turn of the event loop. All at once would be as many
 * slices of work in one turn as there are queries and merges, and input would wait for their sum.
 */
function yieldTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(nextTurn);
  });
}

function nextTurn(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(nextTurn);
}

/** Runs a task in the next turn, whoever else waits for one. */
export function inNextTurn(task: () => void): void {
  setImmediate(task);
}

/** Resolves when the input of this turn of the event loop was handled. */
export function inputRead(): Promise<void> {
  return new Promise(inNextTurn);
}

export const realScheduler: Scheduler = { after, sleep, yieldTurn };
