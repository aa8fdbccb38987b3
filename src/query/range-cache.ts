// Results of range queries kept for the next refresh of the same panel: of a query that was asked
// before only the steps are evaluated that are not kept, not settled or not right any more.
//
// Exact by these rules (docs/decisions/0033). Only shapes are kept whose steps do not depend on
// each other (promql/engine/splitting.ts). Only steps are kept that look at nothing younger than
// the settled time, which is watched before it is read, and at nothing that retention has hidden.
// Kept steps are used while the change versions of all metric names and stretches of time they look
// at are what they were. Versions are read in the same turn of the event loop in which the query's
// pin is taken.
import type { Matcher } from '../model/matcher.ts';
import type { Storage } from '../model/storage.ts';
import type { Principal, TenantId } from '../model/tenant.ts';
import type { Expr } from '../promql/ast.ts';
import { reachesOf } from '../promql/engine/reach.ts';
import type { EvalParams, EvalResult } from '../promql/engine/result.ts';
import { exactName, whyWhole } from '../promql/engine/splitting.ts';
import type { Clock } from '../stdx/clock.ts';
import { nowUs } from '../stdx/clock.ts';
import {
  CACHE_ENTRY_PART,
  CACHE_NAMES_MAX,
  CACHE_SEGMENT_US,
  CACHE_SEGMENT_STEPS,
  CACHE_STEPS_MIN,
  SETTLED_DELAY_US,
} from './limits.ts';
import { joinParts, packed, resultBytes } from './range-parts.ts';
import type { ResultPart } from './range-parts.ts';
import { ResultBodies } from './result-bodies.ts';
import type { ResultWithBodies } from './result-bodies.ts';

export interface RangeCacheOptions {
  readonly storage: Pick<Storage, 'watchChanges' | 'changeVersion' | 'writeCount' | 'retention'>;
  readonly clock: Clock;
  readonly sizeBytesMax: number;
}

export type EvaluateSteps = (params: EvalParams) => Promise<EvalResult>;

/** How a query met the cache. */
export type CacheUse = 'hit' | 'miss' | 'unfit';

export interface CacheCounts {
  readonly uses: Readonly<Record<CacheUse, number>>;
  readonly keptSteps: number;
  readonly evaluatedSteps: number;
  readonly sizeBytes: number;
  readonly entryCount: number;
}

/** Steps [from, to) of a result, right as long as the versions are. */
interface Entry {
  readonly result: EvalResult;
  readonly from: number;
  readonly to: number;
  /** By segment of time (Plan.segmentOf). */
  readonly versions: ReadonlyMap<number, number>;
  readonly writeCount: number;
  /** Answers that were sent of it. */
  readonly bodies: ResultBodies;
  sizeBytes: number;
}

/** Columns and text of a slot, about: `[1767240750,"0.12345678901234567"],` and nine bytes. */
const TEXT_BYTES_PER_SLOT = 45;

/** What is known of a query in the turn in which its pin is taken. */
export interface CachePlan {
  readonly key: string;
  readonly params: EvalParams;
  readonly stepCount: number;
  /** Steps [from, to) may be kept. */
  readonly from: number;
  readonly to: number;
  readonly segmentOf: (step: number) => number;
  readonly versions: ReadonlyMap<number, number>;
  readonly writeCount: number;
}

export class RangeCache {
  readonly #options: RangeCacheOptions;
  /** The one used last is the last one. */
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;
  readonly #uses = { hit: 0, miss: 0, unfit: 0 };
  #keptSteps = 0;
  #evaluatedSteps = 0;

  constructor(options: RangeCacheOptions) {
    this.#options = options;
  }

  get counts(): CacheCounts {
    return {
      uses: this.#uses,
      keptSteps: this.#keptSteps,
      evaluatedSteps: this.#evaluatedSteps,
      sizeBytes: this.#sizeBytes,
      entryCount: this.#entries.size,
    };
  }

  /**
   * To be called in the turn in which the query's pin is taken. undefined: the query is not one
   * whose steps are kept.
   */
  plan(
    principal: Principal,
    { text, expr }: { readonly text: string; readonly expr: Expr },
    params: EvalParams,
  ): CachePlan | undefined {
    const { startUs, endUs, stepUs } = params;
    if (stepUs <= 0 || endUs < startUs || whyWhole(expr) !== undefined) return undefined;
    const reaches = reachesOf(expr, params);
    if (reaches.length === 0) return undefined;
    const beforeUs = startUs - Math.min(...reaches.map((reach) => reach.startUs));
    const afterUs = Math.max(0, ...reaches.map((reach) => reach.endUs - endUs));
    const { storage, clock } = this.#options;
    const settledUs = nowUs(clock) - SETTLED_DELAY_US;
    storage.watchChanges(settledUs);
    const { horizonUs } = storage.retention(principal.tenant);
    const stepCount = Math.floor((endUs - startUs) / stepUs) + 1;
    const stepOf = (tUs: number): number => (tUs - startUs) / stepUs;
    const from = Math.min(stepCount, Math.max(0, Math.ceil(stepOf(horizonUs + beforeUs))));
    // Writes at the watched time are not told: what looks at it is not settled.
    const to = Math.min(stepCount, Math.max(from, Math.ceil(stepOf(settledUs - afterUs))));
    const segmentUs = segmentLength(stepUs);
    const segmentOf = (step: number): number => Math.floor((startUs + step * stepUs) / segmentUs);
    const names = namesOf(reaches.map(({ selector }) => exactName(selector)));
    const versions = new Map<number, number>();
    if (to > from)
      for (let segment = segmentOf(from); segment <= segmentOf(to - 1); segment++) {
        const range = {
          startUs: segment * segmentUs - beforeUs,
          endUs: (segment + 1) * segmentUs + afterUs,
        };
        versions.set(segment, this.#version(principal.tenant, names, range));
      }
    const key = keyOf(principal, text, params);
    const writeCount = storage.writeCount(principal.tenant);
    return { key, params, stepCount, from, to, segmentOf, versions, writeCount };
  }

  /**
   * What of a query would have to be evaluated now: the whole, or what is not kept. For estimates:
   * nothing is counted or promised.
   */
  missing(plan: CachePlan | undefined, params: EvalParams): readonly EvalParams[] {
    if (plan !== undefined && this.#unchanged(plan) !== undefined) return [];
    const kept = plan && this.#usable(plan);
    if (plan === undefined || kept === undefined) return [params];
    return gapsOf(plan, kept).map(({ params: gap }) => gap);
  }

  /** Versions only grow, and so does their sum. */
  #version(
    tenant: TenantId,
    names: readonly (string | undefined)[],
    range: { readonly startUs: number; readonly endUs: number },
  ): number {
    const { storage } = this.#options;
    return names.reduce((sum, name) => sum + storage.changeVersion(tenant, name, range), 0);
  }

  /**
   * Evaluates what is not kept, and keeps what may be. `evaluate` reads with the query's pin.
   * Without a plan all of it is evaluated.
   */
  async run(
    plan: CachePlan | undefined,
    params: EvalParams,
    evaluate: EvaluateSteps,
  ): Promise<EvalResult> {
    if (plan === undefined) {
      this.#uses.unfit += 1;
      return await evaluate(params);
    }
    const same = this.#unchanged(plan);
    if (same !== undefined) return this.#again(plan, same);
    const kept = this.#usable(plan);
    const joined = kept && (await this.#join(plan, kept, evaluate));
    this.#uses[joined === undefined ? 'miss' : 'hit'] += 1;
    if (joined === undefined) this.#evaluatedSteps += plan.stepCount;
    return this.#keep(plan, joined ?? (await evaluate(plan.params)));
  }

  /** What was kept of the same steps, where the tenant's points are those of then, all of them. */
  #unchanged({ key, params, stepCount, from, writeCount }: CachePlan): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.writeCount !== writeCount) return undefined;
    const { startUs, stepCount: count } = entry.result;
    const isSame = startUs === params.startUs && count === stepCount;
    // Retention hides nothing that a step looks at, then or now.
    return isSame && from === 0 && entry.from === 0 ? entry : undefined;
  }

  #again({ key, stepCount }: CachePlan, entry: Entry): ResultWithBodies {
    this.#uses.hit += 1;
    this.#keptSteps += stepCount;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const { result, bodies } = entry;
    return { ...result, bodies, stats: { seriesRead: 0, samplesRead: 0, samplesPeak: 0 } };
  }

  /** The longest stretch of kept steps that are still right, in steps of the query at hand. */
  #usable(plan: CachePlan): ResultPart | undefined {
    const entry = this.#entries.get(plan.key);
    if (entry === undefined) return undefined;
    const { startUs, stepUs } = plan.params;
    const shift = Math.round((entry.result.startUs - startUs) / stepUs);
    const first = Math.max(plan.from, entry.from + shift);
    const end = Math.min(plan.to, entry.to + shift);
    let best = { from: 0, to: 0 };
    let from = first;
    for (let step = first; step < end; step++) {
      const segment = plan.segmentOf(step);
      if (entry.versions.get(segment) !== plan.versions.get(segment)) from = step + 1;
      else if (step + 1 - from > best.to - best.from) best = { from, to: step + 1 };
    }
    if (best.to - best.from < CACHE_STEPS_MIN) return undefined;
    return { result: entry.result, at: shift, ...best };
  }

  /** undefined where the parts do not make up the result of a whole evaluation for sure. */
  async #join(
    plan: CachePlan,
    kept: ResultPart,
    evaluate: EvaluateSteps,
  ): Promise<EvalResult | undefined> {
    const { params, stepCount } = plan;
    const parts: ResultPart[] = [];
    for (const { from, to, params: gap } of gapsOf(plan, kept)) {
      const result = await evaluate(gap);
      this.#evaluatedSteps += to - from;
      if (result.dependsOnRange) return undefined;
      parts.push({ result, from, to, at: from });
    }
    const told = new Set(
      parts.flatMap(({ result }) => result.annotations.map(({ message }) => message)),
    );
    if (kept.result.annotations.some(({ message }) => !told.has(message))) return undefined;
    this.#keptSteps += kept.to - kept.from;
    const all = [kept, ...parts];
    const slots = stepCount * Math.max(...all.map(({ result }) => result.series.length));
    const isTextKept = slots * TEXT_BYTES_PER_SLOT <= this.#entryBytesMax;
    const onText = (sizeBytes: number): void => this.#grow(plan.key, joined, sizeBytes);
    const joined: EvalResult = joinParts(params, stepCount, all, isTextKept ? onText : undefined);
    return joined;
  }

  get #entryBytesMax(): number {
    return this.#options.sizeBytesMax / CACHE_ENTRY_PART;
  }

  /** Text or a body of a result was made while it was sent. */
  #grow(key: string, result: EvalResult, sizeBytes: number): void {
    const entry = this.#entries.get(key);
    if (entry?.result !== result) return;
    entry.sizeBytes += sizeBytes;
    this.#sizeBytes += sizeBytes;
    this.#bound();
  }

  /** The result as it is to be sent. */
  #keep(plan: CachePlan, result: EvalResult): EvalResult {
    const { key, from, to, versions, writeCount } = plan;
    const old = this.#entries.get(key);
    this.#remove(key, old);
    const sizeBytes = resultBytes(result) + key.length * 2;
    const isFit = !result.dependsOnRange && to - from >= CACHE_STEPS_MIN;
    if (!isFit || sizeBytes > this.#entryBytesMax) return result;
    const kept = packed(result);
    const onBytes = (bodyBytes: number): void => this.#grow(key, kept, bodyBytes);
    const bodies = new ResultBodies(this.#entryBytesMax, onBytes);
    this.#entries.set(key, { result: kept, from, to, versions, writeCount, bodies, sizeBytes });
    this.#sizeBytes += sizeBytes;
    this.#bound();
    const sent: ResultWithBodies = { ...result, bodies };
    return sent;
  }

  #bound(): void {
    for (const [oldest, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#options.sizeBytesMax) return;
      this.#remove(oldest, entry);
    }
  }

  #remove(key: string, entry: Entry | undefined): void {
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#sizeBytes -= entry.sizeBytes;
  }
}

/** Steps [from, to) that are not kept, as queries of their own. */
interface Gap {
  readonly from: number;
  readonly to: number;
  readonly params: EvalParams;
}

function gapsOf({ params, stepCount }: CachePlan, kept: ResultPart): Gap[] {
  const gap = (from: number, to: number): Gap => {
    const startUs = params.startUs + from * params.stepUs;
    const endUs = params.startUs + (to - 1) * params.stepUs;
    return { from, to, params: { ...params, startUs, endUs } };
  };
  return [gap(0, kept.from), gap(kept.to, stepCount)].filter(({ from, to }) => from < to);
}

/** Whole stretches of time of which a version is asked for; the longer the step the longer they. */
function segmentLength(stepUs: number): number {
  let lengthUs = CACHE_SEGMENT_US;
  while (lengthUs < stepUs * CACHE_SEGMENT_STEPS) lengthUs *= 2;
  return lengthUs;
}

/** Distinct; of too many names any is asked for. */
function namesOf(names: readonly (string | undefined)[]): readonly (string | undefined)[] {
  const distinct = [...new Set(names)];
  const isAny = distinct.includes(undefined) || distinct.length > CACHE_NAMES_MAX;
  return isAny ? [undefined] : distinct;
}

function keyOf(principal: Principal, text: string, params: EvalParams): string {
  const { tenant, forcedMatchers, minTUs, maxTUs } = principal;
  const { startUs, stepUs, lookbackUs, enableDelayedNameRemoval, enableTypeAndUnitLabels } = params;
  const phase = ((startUs % stepUs) + stepUs) % stepUs;
  const forced = forcedMatchers.map(({ name, type, value }: Matcher) => [name, type, value]);
  // Infinite bounds have no word in JSON.
  const bounds = [String(minTUs), String(maxTUs)];
  const flags = [enableDelayedNameRemoval, enableTypeAndUnitLabels];
  return JSON.stringify([tenant, forced, bounds, stepUs, phase, lookbackUs, flags, text]);
}
