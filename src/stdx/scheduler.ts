// Timers and turns of the event loop. The real one is made in app/ from setTimeout; the simulator's
// runs timers on a virtual clock in an order drawn from its seed.

export interface Scheduler {
  /** Runs `task` once after `delayMs`; the returned function cancels it (idempotent). */
  after(delayMs: number, task: () => void): () => void;
  /** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /**
   * Resolves in a later turn of the event loop, so that long work lets input and output proceed.
   */
  yieldTurn(): Promise<void>;
}
