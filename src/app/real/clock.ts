// The machine's clocks behind the Clock interface.
import type { Clock } from '../../stdx/clock.ts';

export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
