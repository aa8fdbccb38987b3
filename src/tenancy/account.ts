// What one tenant, or one token with limits of its own, has taken: buckets, the day's points, what
// is under way. Numbers only; who is asked and how a refusal is worded is in quotas.ts.
//
// Invariant. Where samples or points are over, `closed` says until when, so that a request is
// refused by one comparison.
import { Bucket } from './bucket.ts';
import { Contributors } from './contributors.ts';
import type { EffectiveLimits, LimitId } from './limit-table.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Where nothing ever passes: when it is looked at again. */
const NEVER_MS = 60_000;

export interface Closed {
  readonly id: LimitId;
  readonly untilMs: number;
  readonly value: number;
  /** Who wrote most lately, the most first. */
  readonly contributors: readonly string[];
}

/** How much of something a minute, and so much at once. */
class PerMinute {
  readonly bucket: Bucket;

  constructor(limit: number, nowMs: number) {
    this.bucket = new Bucket(limit, nowMs);
  }

  left(nowMs: number, limit: number): number {
    return this.bucket.level(nowMs, limit / MINUTE_MS, limit);
  }

  waitMs(limit: number): number {
    return limit === 0 ? NEVER_MS : this.bucket.waitMs(limit / MINUTE_MS);
  }
}

export class Account {
  limits: EffectiveLimits;
  /** Writes under way, and their bytes; queries that run or wait. */
  requests = 0;
  bytes = 0;
  queries = 0;
  readonly newSeries: PerMinute;
  readonly exemplars: PerMinute;
  readonly metadata: PerMinute;
  readonly cost: PerMinute;
  readonly writers = new Contributors();
  readonly askers = new Contributors();
  readonly #samples: Bucket;
  #day: number;
  #dayPoints = 0;
  /** Samples of the second that runs, and of the one before it. */
  #second: number;
  #inSecond = 0;
  #before = 0;
  #closed: Closed | undefined = undefined;

  constructor(limits: EffectiveLimits, nowMs: number) {
    this.limits = limits;
    this.newSeries = new PerMinute(limits['new-series-per-minute'], nowMs);
    this.exemplars = new PerMinute(limits['exemplars-per-minute'], nowMs);
    this.metadata = new PerMinute(limits['metadata-per-minute'], nowMs);
    this.cost = new PerMinute(limits['query-cost-per-minute'], nowMs);
    this.#samples = new Bucket(limits['samples-burst'], nowMs);
    this.#day = Math.floor(nowMs / DAY_MS);
    this.#second = Math.floor(nowMs / 1000);
    this.take(0, nowMs);
  }

  /** Is nothing under way, so that it may be forgotten and made anew? */
  get isIdle(): boolean {
    return this.requests === 0 && this.queries === 0 && this.#closed === undefined;
  }

  get dayPoints(): number {
    return this.#dayPoints;
  }

  /** Samples of the last whole second, or of the one that runs where those are more. */
  get samplesPerSecond(): number {
    return Math.max(this.#inSecond, this.#before);
  }

  /** What is over, if anything is. */
  closedAt(nowMs: number): Closed | undefined {
    const closed = this.#closed;
    if (closed !== undefined && nowMs >= closed.untilMs) this.take(0, nowMs);
    return this.#closed;
  }

  setLimits(limits: EffectiveLimits, nowMs: number): void {
    this.limits = limits;
    this.take(0, nowMs);
  }

  /** Counts samples that go to the log; negative: they did not come there. */
  take(samples: number, nowMs: number): void {
    const { limits } = this;
    const perMs = limits['samples-per-second'] / 1000;
    this.#count(samples, nowMs);
    const level = this.#samples.level(nowMs, perMs, perMs === 0 ? 0 : limits['samples-burst']);
    this.#samples.take(samples);
    const perDay = limits['points-per-day'];
    if (this.#dayPoints >= perDay) {
      const untilMs = (this.#day + 1) * DAY_MS;
      const contributors = this.writers.top();
      this.#closed = { id: 'points-per-day', untilMs, value: this.#dayPoints, contributors };
    } else if (level - samples < 1) {
      const waitMs = perMs === 0 ? NEVER_MS : this.#samples.waitMs(perMs);
      const value = this.samplesPerSecond;
      const contributors = this.writers.top();
      const untilMs = nowMs + waitMs;
      this.#closed = { id: 'samples-per-second', untilMs, value, contributors };
    } else this.#closed = undefined;
  }

  /** Points of this day that an earlier process took. */
  addToday(points: number, nowMs: number): void {
    this.#count(0, nowMs);
    this.#dayPoints += points;
    this.take(0, nowMs);
  }

  /** What is used of limits that are counted here, now. */
  used(nowMs: number): Partial<Record<LimitId, number>> {
    this.take(0, nowMs);
    const taken = (bucket: PerMinute, id: LimitId): number => {
      const limit = this.limits[id];
      return Math.max(0, Math.ceil(limit - bucket.left(nowMs, limit)));
    };
    return {
      'new-series-per-minute': taken(this.newSeries, 'new-series-per-minute'),
      'metadata-per-minute': taken(this.metadata, 'metadata-per-minute'),
      'samples-per-second': this.samplesPerSecond,
      'points-per-day': this.#dayPoints,
      'query-concurrency': this.queries,
      'query-cost-per-minute': taken(this.cost, 'query-cost-per-minute'),
    };
  }

  #count(samples: number, nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    if (day > this.#day) {
      this.#day = day;
      this.#dayPoints = 0;
    }
    this.#dayPoints = Math.max(0, this.#dayPoints + samples);
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#before = second === this.#second + 1 ? this.#inSecond : 0;
      this.#second = second;
      this.#inSecond = 0;
    }
    this.#inSecond = Math.max(0, this.#inSecond + samples);
  }
}
