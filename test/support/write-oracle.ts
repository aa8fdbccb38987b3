// What a durable store must hold after a crash. Every operation is announced before it is sent and
// acknowledged when its answer came. At a crash the last acknowledged value of a point must be
// there, or the outcome of a later operation that was not answered yet; nothing else may be there.
// Operations on one series are sequential (one writer owns it), so their order is known.

/** A value, or undefined where the point does not exist. */
type Outcome = number | undefined;

export type Operation =
  | {
      readonly kind: 'write';
      readonly points: readonly { series: string; tMs: number; value: number }[];
    }
  | {
      readonly kind: 'delete';
      readonly series: string;
      readonly startMs: number;
      readonly endMs: number;
    };

interface PointState {
  acknowledged: Outcome;
  /** Outcomes of operations sent after the acknowledged one and not answered. */
  pending: Outcome[];
}

/** Series text → time in ms → value, as read back. */
export type ReadBack = ReadonlyMap<string, ReadonlyMap<number, number>>;

export class WriteOracle {
  #series = new Map<string, Map<number, PointState>>();
  acknowledgedPoints = 0;
  acknowledgedDeletes = 0;

  #state(series: string, tMs: number): PointState {
    let points = this.#series.get(series);
    if (points === undefined) this.#series.set(series, (points = new Map()));
    let state = points.get(tMs);
    if (state === undefined) points.set(tMs, (state = { acknowledged: undefined, pending: [] }));
    return state;
  }

  /** Call before the request leaves; returns what to call when the success arrived. */
  begin(operation: Operation): () => void {
    const outcomes = new Map<PointState, Outcome>();
    if (operation.kind === 'write')
      for (const p of operation.points) outcomes.set(this.#state(p.series, p.tMs), p.value);
    else
      for (const [tMs, state] of this.#series.get(operation.series) ?? [])
        if (tMs >= operation.startMs && tMs <= operation.endMs) outcomes.set(state, undefined);
    for (const [state, outcome] of outcomes) state.pending.push(outcome);
    return () => {
      for (const [state, outcome] of outcomes) {
        state.acknowledged = outcome;
        state.pending.length = 0;
      }
      if (operation.kind === 'write') this.acknowledgedPoints += operation.points.length;
      else this.acknowledgedDeletes++;
    };
  }

  /**
   * Violations in words, empty where the store kept its promise. Afterwards what was read is what
   * is expected: the crash decided each open question.
   */
  settle(actual: ReadBack): readonly string[] {
    const violations: string[] = [];
    for (const [series, points] of actual)
      for (const [tMs, value] of points)
        if (!this.#series.get(series)?.has(tMs))
          violations.push(`${series} at ${tMs}: ${value} was never sent`);
    for (const [series, points] of this.#series)
      for (const [tMs, state] of points) {
        const found = actual.get(series)?.get(tMs);
        if (found !== state.acknowledged && !state.pending.includes(found))
          violations.push(
            `${series} at ${tMs}: found ${found}, acknowledged ${state.acknowledged}, ` +
              `not answered [${state.pending.join(', ')}]`,
          );
        state.acknowledged = found;
        state.pending.length = 0;
      }
    return violations;
  }
}
