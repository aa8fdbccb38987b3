// The only ways to know the time outside app/. Real implementations are made in app/, simulated
// ones in test/sim: a component that takes a Clock can be run on any day at any speed.

export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01T00:00:00Z, may jump. */
  nowMs(): number;
  /** Monotonic milliseconds with a fraction; only differences mean anything. */
  monotonicMs(): number;
}

/** Wall clock in whole microseconds, the unit of every stored timestamp. */
export function nowUs(clock: Clock): number {
  return Math.round(clock.nowMs() * 1000);
}

/**
 * The same clock, whose wall time stands still until the code that runs has returned: for loops
 * that ask of each series. Where the kernel has to be asked, a look takes 100 ns.
 */
export function turnClock(clock: Clock): Clock {
  let turnMs: number | undefined;
  return {
    nowMs() {
      if (turnMs !== undefined) return turnMs;
      queueMicrotask(() => (turnMs = undefined));
      return (turnMs = clock.nowMs());
    },
    monotonicMs: () => clock.monotonicMs(),
  };
}
