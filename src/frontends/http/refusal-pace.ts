// When requests of nobody are answered: so many a second at once, and in a flood one after the
// other. Whoever sends bad tokens as fast as his connections carry them waits for each answer, and
// the loop that serves everybody else does not. The answer is the same, whatever is wrong with the
// token, and nothing is known of peers: those behind one proxy look alike.
import { REFUSAL_BURST_MS, REFUSAL_WAIT_MS_MAX, REFUSALS_PER_SECOND } from './limits.ts';

export class RefusalPace {
  /** When the next one is due. */
  #dueMs = Number.NEGATIVE_INFINITY;

  /** How long the answer to one more waits. */
  waitMs(nowMs: number): number {
    const dueMs = Math.max(this.#dueMs, nowMs - REFUSAL_BURST_MS) + 1000 / REFUSALS_PER_SECOND;
    this.#dueMs = Math.min(dueMs, nowMs + REFUSAL_WAIT_MS_MAX);
    return Math.max(0, this.#dueMs - nowMs);
  }
}
