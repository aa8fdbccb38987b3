// What a durable store must hold, exactly. Writers are lanes: the part of a series' name before the
// slash says which lane owns it, and a lane has one operation under way at a time, so the order of
// its operations is the store's. An operation happens wholly or not at all, and a lane's in their
// order: at any moment a lane holds what was acknowledged plus the first k of its operations that
// were sent and not yet answered, for some k. A refused operation changed nothing.

/** What a point holds; only compared. */
export type PointValue = number | string;

export interface WritePoint {
  /** `lane/…`. */
  readonly series: string;
  /** In the unit of the test; a fraction stands for what is finer than a delete's bounds. */
  readonly t: number;
  readonly value: PointValue;
}

export interface DeleteOperation {
  readonly kind: 'delete';
  readonly series: string;
  /** Inclusive, whole numbers. */
  readonly start: number;
  readonly end: number;
}

export type Operation =
  | { readonly kind: 'write'; readonly points: readonly WritePoint[] }
  | DeleteOperation;

/** `series at t` → value: the points of one lane. */
export type LaneState = ReadonlyMap<string, PointValue>;
/** Lane → its points, as read back. */
export type ReadBack = ReadonlyMap<string, LaneState>;

/** How a crash decided an operation that had not been answered. */
type Fate = 'applied' | 'lost' | 'either';

export interface Sent {
  readonly operation: Operation;
  /** Undefined while it is open. */
  fate: Fate | undefined;
  /** Call when the success arrived; everything the lane sent before has happened as well. */
  acknowledge(): void;
  /** Call when it was refused: nothing of it happened. */
  refuse(): void;
}

interface Lane {
  acknowledged: Map<string, PointValue>;
  /** Somebody has `acknowledged` in hand: it is copied before it changes. */
  isLent: boolean;
  /** Sent and not answered, in order. */
  open: Sent[];
}

export function pointKey(series: string, t: number): string {
  return `${series} at ${t}`;
}

export function laneOf(series: string): string {
  return series.slice(0, series.indexOf('/'));
}

const NOTHING: LaneState = new Map();

function change(state: Map<string, PointValue>, operation: Operation): void {
  if (operation.kind === 'write')
    for (const p of operation.points) state.set(pointKey(p.series, p.t), p.value);
  else for (const key of state.keys()) if (isHidden(key, operation)) state.delete(key);
}

/** What hangs on a series and goes with it, its exemplars, is named like it with this behind. */
export const BESIDE = '!';

function isHidden(key: string, operation: DeleteOperation): boolean {
  // Most keys are of other series; of what is left the name may still go on.
  if (!key.startsWith(operation.series)) return false;
  const at = key.indexOf(' at ');
  const series = key.slice(0, at);
  if (series !== operation.series && series !== operation.series + BESIDE) return false;
  const t = Math.floor(Number(key.slice(at + 4)));
  return t >= operation.start && t <= operation.end;
}

/** The points a delete would hide in a state; what is beside them is not counted. */
export function hiddenBy(state: LaneState, operation: DeleteOperation): number {
  let count = 0;
  for (const key of state.keys()) if (isHidden(key, operation) && !key.includes(BESIDE)) count++;
  return count;
}

function isSame(a: LaneState, b: LaneState): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

/** Differences in words, at most a few. */
function differences(found: LaneState, expected: LaneState): string {
  const words: string[] = [];
  for (const [key, value] of expected)
    if (found.get(key) !== value) words.push(`${key}: found ${found.get(key)}, expected ${value}`);
  for (const [key, value] of found)
    if (!expected.has(key)) words.push(`${key}: found ${value}, expected nothing`);
  const more = words.length > 4 ? ` and ${words.length - 4} more` : '';
  return words.slice(0, 4).join(', ') + more;
}

/** The states a lane may be in: what was acknowledged, then after each open operation. */
type Candidates = ReadonlyMap<string, readonly LaneState[]>;

/** What is wrong with a read, in words, given what each lane might hold when it was made. */
export function checkRead(found: ReadBack, candidates: Candidates): readonly string[] {
  const violations: string[] = [];
  for (const [lane, state] of found)
    if (!candidates.has(lane) && state.size > 0)
      violations.push(`lane ${lane} holds ${differences(state, NOTHING)}`);
  for (const [lane, states] of candidates) {
    const actual = found.get(lane) ?? NOTHING;
    if (states.some((state) => isSame(state, actual))) continue;
    const shown = differences(actual, states[0]!);
    violations.push(`lane ${lane} with ${states.length - 1} open operations: ${shown}`);
  }
  return violations;
}

export class WriteOracle {
  readonly #lanes = new Map<string, Lane>();
  acknowledgedPoints = 0;
  acknowledgedDeletes = 0;

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { acknowledged: new Map(), isLent: false, open: [] };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  /** Call before the operation leaves. */
  begin(operation: Operation): Sent {
    const series = operation.kind === 'write' ? operation.points[0]?.series : operation.series;
    const lane = this.#lane(laneOf(series ?? '/'));
    const sent: Sent = {
      operation,
      fate: undefined,
      acknowledge: () => this.#acknowledge(lane, sent),
      refuse: () => {
        lane.open = lane.open.filter((one) => one !== sent);
        sent.fate = 'lost';
      },
    };
    lane.open.push(sent);
    return sent;
  }

  #acknowledge(lane: Lane, sent: Sent): void {
    const count = lane.open.indexOf(sent) + 1;
    if (count > 0 && lane.isLent) {
      lane.acknowledged = new Map(lane.acknowledged);
      lane.isLent = false;
    }
    for (const one of lane.open.splice(0, count)) {
      const { operation } = one;
      one.fate = 'applied';
      change(lane.acknowledged, operation);
      if (operation.kind === 'write') this.acknowledgedPoints += operation.points.length;
      else this.acknowledgedDeletes++;
    }
  }

  /** The lane's operations have all happened: the store said so when it closed. */
  acknowledgeAll(lane: string): void {
    this.#lanes.get(lane)?.open.at(-1)?.acknowledge();
  }

  /** What was acknowledged of a lane; stays as it is. */
  acknowledgedState(name: string): LaneState {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return NOTHING;
    lane.isLent = true;
    return lane.acknowledged;
  }

  openCount(lane: string): number {
    return this.#lanes.get(lane)?.open.length ?? 0;
  }

  /** For `checkRead`: what a read made now may show. */
  candidates(): Candidates {
    const out = new Map<string, readonly LaneState[]>();
    for (const [name, lane] of this.#lanes) {
      lane.isLent = true;
      const states: LaneState[] = [lane.acknowledged];
      for (const { operation } of lane.open) {
        const next = new Map(states.at(-1));
        change(next, operation);
        states.push(next);
      }
      out.set(name, states);
    }
    return out;
  }

  /**
   * Violations in words, empty where the store kept its promise. Afterwards what was read is what
   * is expected: the crash decided each open question.
   */
  settle(found: ReadBack): readonly string[] {
    const candidates = this.candidates();
    const violations = checkRead(found, candidates);
    for (const [name, lane] of this.#lanes) {
      const actual = found.get(name) ?? NOTHING;
      const states = candidates.get(name)!;
      const first = states.findIndex((state) => isSame(state, actual));
      const last = states.findLastIndex((state) => isSame(state, actual));
      for (const [i, sent] of lane.open.entries())
        sent.fate = i < first ? 'applied' : i < last ? 'either' : 'lost';
      lane.acknowledged = new Map(actual);
      lane.isLent = false;
      lane.open = [];
    }
    return violations;
  }
}
