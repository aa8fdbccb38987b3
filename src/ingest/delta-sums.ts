// Running sums of series whose writer tells differences (OTLP's delta temporality). Kept in memory
// only: after a restart, or when a series was forgotten, its sum starts again with a new start
// time, which readers take for the reset of a counter.
//
// A write may be scanned twice and may fail: what its scan added counts only when it is stored.
// Writes of one tenant that add follow each other, so that each starts from what is stored.
import type { SeriesRef } from '../model/columns.ts';
import type { Histogram } from '../model/histogram.ts';
import type { TenantId } from '../model/tenant.ts';
import type { DeltaPoint, DeltaSums, DeltaValue, RunningSum } from '../formats/otlp/deltas.ts';
import { addHistograms } from '../windows/histogram-math.ts';
import { REF_DROPPED } from './dropped-points.ts';
import { DELTA_SERIES_MAX } from './limits.ts';

interface State extends RunningSum<DeltaValue> {
  readonly tUs: number;
  readonly subNs: number;
}

const INT64_MAX = 2n ** 63n - 1n;

/** Sums by series, the one added to least recently first. */
export class DeltaLedger {
  readonly #sums = new Map<SeriesRef, State>();
  readonly #tails = new Map<TenantId, Promise<void>>();

  get seriesCount(): number {
    return this.#sums.size;
  }

  /**
   * Runs `task` when the tenant's writes before it have settled. It calls `open` before each scan;
   * what was added since the last call is kept when it resolves.
   */
  async write<Result>(
    tenant: TenantId,
    task: (open: () => DeltaSums) => Promise<Result>,
  ): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#tails.get(tenant);
    this.#tails.set(tenant, promise);
    await before;
    try {
      let change = new Change(this.#sums);
      const result = await task(() => (change = new Change(this.#sums)));
      this.#keep(change);
      return result;
    } finally {
      if (this.#tails.get(tenant) === promise) this.#tails.delete(tenant);
      resolve();
    }
  }

  #keep({ states }: Change): void {
    const sums = this.#sums;
    for (const [ref, state] of states) {
      sums.delete(ref);
      if (state !== undefined) sums.set(ref, state);
    }
    for (const oldest of sums.keys()) {
      if (sums.size <= DELTA_SERIES_MAX) break;
      sums.delete(oldest);
    }
  }
}

/** What one scan adds. */
class Change implements DeltaSums {
  /** undefined: the series ended. */
  readonly states = new Map<SeriesRef, State | undefined>();
  readonly #kept: ReadonlyMap<SeriesRef, State>;

  constructor(kept: ReadonlyMap<SeriesRef, State>) {
    this.#kept = kept;
  }

  add<Value extends DeltaValue>(point: DeltaPoint<Value>): RunningSum<Value> | string {
    const { ref, tUs, subNs, startUs, value } = point;
    // Not one series but all that rules drop.
    if (ref === REF_DROPPED) return { value, startUs };
    const known = this.states.has(ref) ? this.states.get(ref) : this.#kept.get(ref);
    const last =
      (typeof known?.value === 'object') === (typeof value === 'object') ? known : undefined;
    const order = last === undefined ? 1 : tUs - last.tUs || subNs - last.subNs;
    if (order < 0) return 'a difference that is older than the one before';
    // The same point again: its writer did not hear that it was stored.
    if (order === 0) return last as RunningSum<Value> & State;
    const sum = last === undefined ? undefined : added(last.value, value);
    const state = {
      tUs,
      subNs,
      value: sum ?? value,
      startUs: sum === undefined ? startUs : last!.startUs,
    };
    this.states.set(ref, state);
    return state as RunningSum<Value> & State;
  }

  end(ref: SeriesRef): void {
    this.states.set(ref, undefined);
  }
}

/** undefined: they cannot be added, a new sum starts. */
function added(sum: DeltaValue, value: DeltaValue): DeltaValue | undefined {
  if (typeof sum === 'object' || typeof value === 'object')
    return typeof sum === 'object' && typeof value === 'object'
      ? addedHistogram(sum, value)
      : undefined;
  if (typeof sum === 'bigint' && typeof value === 'bigint') {
    const total = sum + value;
    return total > INT64_MAX || total < -INT64_MAX ? undefined : total;
  }
  return Number(sum) + Number(value);
}

function addedHistogram(sum: Histogram, value: Histogram): Histogram | undefined {
  const combined = addHistograms(sum, value);
  if (combined === undefined || combined.boundsReconciled) return undefined;
  const { histogram } = combined;
  if (histogram.count > Number.MAX_SAFE_INTEGER) return undefined;
  return { ...histogram, isInteger: true };
}
