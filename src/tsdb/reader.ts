// The reading half of the storage contract over one shard: every call narrows its selector by the
// principal, reads the view its pin holds, and stops when the signal says so.
import type { Metadata, NameSplit } from '../model/columns.ts';
import { compareUtf8 } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type {
  Cardinality,
  DeleteRequest,
  DeleteResult,
  EstimateRequest,
  ExemplarSeries,
  LeafPlan,
  LeafResult,
  LimitedNames,
  ReadContext,
  SelectedBlocks,
  SelectedSeries,
  SelectRequest,
  SelectorEstimate,
  SeriesAttributes,
  SeriesSelector,
} from '../model/storage.ts';
import { isRestricted } from '../model/tenant.ts';
import type { SeriesPage } from '../model/series-page.ts';
import type { Principal, TenantId } from '../model/tenant.ts';
import { matchesAll } from '../model/matcher.ts';
import { isInstantLeaf } from '../windows/instant-plan.ts';
import { assert } from '../stdx/assert.ts';
import { lazy } from '../stdx/lazy.ts';
import { estimateScan } from './estimate.ts';
import { resolveSources, samplesSizeBytes } from './samples.ts';
import type { TimeRange } from './samples.ts';
import { scanSeries } from './select.ts';
import type { Scan } from './scan.ts';
import { foldAttributes, foldExemplars, foldMetadata } from './side-tables.ts';
import type { SideScan } from './side-tables.ts';
import type { ShardState } from './state.ts';
import { ShardPin } from './view.ts';
import { visibleMetadata, visibleSplits } from './visible-names.ts';

// Loaded by the first question, as the kernels are.
const loadNames = lazy(() => import('./read-names.ts'));
const loadCardinality = lazy(() => import('./cardinality.ts'));
const loadPages = lazy(() => import('./series-pages.ts'));
const loadInstantLeaf = lazy(() => import('./instant-leaf.ts'));
const loadRangeLeaf = lazy(() => import('./range-leaf.ts'));

/** A selector as the principal may use it. */
export function narrowed(
  { matchers, startUs, endUs }: SeriesSelector,
  principal: Principal,
): SeriesSelector {
  return {
    matchers: [...matchers, ...principal.forcedMatchers],
    startUs: Math.max(startUs, principal.minTUs),
    endUs: Math.min(endUs, principal.maxTUs),
  };
}

/** Whether the series of the head are wanted in the order of their labels. */
type Order = 'ordered' | 'any order';

export class ShardReader {
  readonly #state: ShardState;

  constructor(state: ShardState) {
    this.#state = state;
  }

  pin(): ShardPin {
    const { view, retention, options, pins } = this.#state;
    const nowMs = options.clock.nowMs();
    return pins.pin(view, (tenant) => retention.horizonUs(tenant, nowMs));
  }

  #pinOf(context: ReadContext): ShardPin {
    const { pin, signal } = context;
    this.#state.checkOpen();
    signal.throwIfAborted();
    assert(
      pin instanceof ShardPin && pin.owner === this.#state.pins,
      'a pin belongs to the storage that gave it',
    );
    assert(!pin.isReleased, 'a released pin cannot be read with');
    pin.check();
    return pin;
  }

  #sides({ view, moment }: ShardPin, tenant: TenantId): SideScan {
    return { tenant, view, moment, index: this.#state.index };
  }

  #scan(context: ReadContext, selector: SeriesSelector): Scan {
    const pin = this.#pinOf(context);
    const { view, moment } = pin;
    const { tenant } = context.principal;
    const { matchers, startUs, endUs } = narrowed(selector, context.principal);
    const check = (): void => {
      context.signal.throwIfAborted();
      pin.check();
    };
    const range = { startUs: Math.max(startUs, pin.horizonUs(tenant)), endUs };
    const { index, yieldTurn } = this.#state;
    const hold = (sizeBytes: number): void => context.budget.take(sizeBytes);
    return { tenant, matchers, range, view, moment, index, hold, check, yieldTurn };
  }

  /** As `#scan`; what takes long to find out of the matchers is known then, and the order. */
  async #prepared(context: ReadContext, selector: SeriesSelector, order: Order): Promise<Scan> {
    const scan = this.#scan(context, selector);
    const { index, tenant, matchers, yieldTurn, check } = scan;
    const steps = index.matchSteps(tenant, matchers, order === 'ordered');
    while (steps.next().done !== true) {
      await yieldTurn();
      check();
    }
    return scan;
  }

  async *select(
    context: ReadContext,
    request: SelectRequest,
  ): AsyncGenerator<SelectedSeries, void, void> {
    const scan = await this.#prepared(context, request, 'ordered');
    for await (const series of scanSeries(scan)) {
      const sources = await series.sources();
      scan.check();
      const chunks = resolveSources(sources).filter(
        (chunk) => (request.kinds & (1 << chunk.kind)) !== 0,
      );
      if (chunks.length === 0) continue;
      const sizeBytes = chunks.reduce((sum, chunk) => sum + samplesSizeBytes(chunk), 0);
      context.budget.take(sizeBytes);
      try {
        yield { labels: series.labels, chunks };
      } finally {
        context.budget.give(sizeBytes);
      }
    }
  }

  async *selectBlocks(
    context: ReadContext,
    request: SelectRequest,
  ): AsyncGenerator<SelectedBlocks, void, void> {
    const { tenant, minTUs, maxTUs } = context.principal;
    const horizonUs = this.#pinOf(context).horizonUs(tenant);
    const bounds = { startUs: Math.max(minTUs, horizonUs), endUs: maxTUs };
    const scan = await this.#prepared(context, request, 'ordered');
    for await (const series of scanSeries({ ...scan, bounds })) {
      const all = await series.blocks();
      context.signal.throwIfAborted();
      const chunks = all.filter((chunk) => (request.kinds & (1 << chunk.kind)) !== 0);
      if (chunks.length === 0) continue;
      const sizeBytes = chunks.reduce(
        (sum, chunk) => sum + ('block' in chunk ? chunk.block.length : samplesSizeBytes(chunk)),
        0,
      );
      context.budget.take(sizeBytes);
      try {
        yield { labels: series.labels, chunks };
      } finally {
        context.budget.give(sizeBytes);
      }
    }
  }

  /** A leaf for one instant; undefined: the plan asks for more than that. */
  async runInstant(context: ReadContext, plan: LeafPlan): Promise<LeafResult | undefined> {
    const { matchers, startUs, lookbackUs } = plan;
    if (!isInstantLeaf(plan)) return undefined;
    const range = { startUs: startUs - lookbackUs, endUs: startUs };
    const scan = await this.#prepared(context, { matchers, ...range }, 'any order');
    const { clock, scheduler } = this.#state.options;
    const { runInstantLeaf } = await loadInstantLeaf();
    return await runInstantLeaf({ scan, context, plan, clock, scheduler });
  }

  /** A leaf over a range; undefined: the general way. */
  async runRange(context: ReadContext, plan: LeafPlan): Promise<LeafResult | undefined> {
    const { matchers, startUs, endUs } = plan;
    await this.#prepared(context, { matchers, startUs, endUs }, 'ordered');
    const { clock, scheduler } = this.#state.options;
    const { runRangeLeaf } = await loadRangeLeaf();
    const scanOf = (range: TimeRange): Scan => this.#scan(context, { matchers, ...range });
    return await runRangeLeaf({ scanOf, context, plan, clock, scheduler });
  }

  async labelNames(
    context: ReadContext,
    s: SeriesSelector & LimitedNames,
  ): Promise<readonly string[]> {
    const scan = await this.#prepared(context, s, 'any order');
    return (await loadNames()).readLabelNames(scan, s.limit);
  }

  async labelValues(
    context: ReadContext,
    label: string,
    s: SeriesSelector & LimitedNames,
  ): Promise<readonly string[]> {
    const scan = await this.#prepared(context, s, 'any order');
    return (await loadNames()).readLabelValues(scan, label, s.limit);
  }

  async series(context: ReadContext, s: SeriesSelector & LimitedNames): Promise<readonly Labels[]> {
    const scan = await this.#prepared(context, s, 'ordered');
    return (await loadNames()).readSeries(scan, s.limit);
  }

  async *seriesPages(
    context: ReadContext,
    s: SeriesSelector & LimitedNames,
  ): AsyncGenerator<SeriesPage, void, void> {
    const scan = await this.#prepared(context, s, 'ordered');
    yield* (await loadPages()).readSeriesPages(scan, s.limit);
  }

  async cardinality(context: ReadContext, s: SeriesSelector & LimitedNames): Promise<Cardinality> {
    const scan = await this.#prepared(context, s, 'any order');
    return (await loadCardinality()).readCardinality(scan, s.limit);
  }

  async estimate(context: ReadContext, request: EstimateRequest): Promise<SelectorEstimate> {
    return await estimateScan(
      await this.#prepared(context, request, 'any order'),
      request.labelLimit,
    );
  }

  async metadata(
    context: ReadContext,
    request: { readonly family: string | undefined } & LimitedNames,
  ): Promise<readonly Metadata[]> {
    if (isRestricted(context.principal)) return await visibleMetadata(this, context, request);
    const pin = this.#pinOf(context);
    const { tenant } = context.principal;
    const rows = await foldMetadata(this.#sides(pin, tenant));
    const wanted = rows.filter(
      (row) => request.family === undefined || row.family === request.family,
    );
    return request.limit === 0 ? wanted : wanted.slice(0, request.limit);
  }

  async exemplars(context: ReadContext, s: SeriesSelector): Promise<readonly ExemplarSeries[]> {
    const pin = this.#pinOf(context);
    const { tenant } = context.principal;
    const { matchers, startUs, endUs } = narrowed(s, context.principal);
    const from = Math.max(startUs, pin.horizonUs(tenant));
    const rows = await foldExemplars(this.#sides(pin, tenant));
    const out = new Map<
      string,
      { labels: Labels; exemplars: ExemplarSeries['exemplars'][number][] }
    >();
    for (const { series, ...exemplar } of rows) {
      if (exemplar.tUs < from || exemplar.tUs > endUs || !matchesAll(matchers, series)) continue;
      const key = series.join('\udfff');
      const known = out.get(key);
      if (known === undefined) out.set(key, { labels: series, exemplars: [exemplar] });
      else known.exemplars.push(exemplar);
    }
    return [...out.values()];
  }

  async attributes(context: ReadContext, s: SeriesSelector): Promise<readonly SeriesAttributes[]> {
    const pin = this.#pinOf(context);
    const { tenant } = context.principal;
    const rows = await foldAttributes(this.#sides(pin, tenant));
    const bySeries = new Map<string, Record<string, string>>();
    for (const { series, key, value } of rows) {
      if (value === '') continue;
      const text = series.join('\udfff');
      let attributes = bySeries.get(text);
      if (attributes === undefined) {
        attributes = Object.create(null) as Record<string, string>;
        bySeries.set(text, attributes);
      }
      attributes[key] = value;
    }
    const out: SeriesAttributes[] = [];
    for await (const series of scanSeries(this.#scan(context, s))) {
      const attributes = bySeries.get(series.labels.join('\udfff'));
      if (attributes !== undefined && (await series.exists()))
        out.push({ labels: series.labels, attributes });
    }
    return out;
  }

  async splits(context: ReadContext): Promise<readonly NameSplit[]> {
    if (isRestricted(context.principal)) return await visibleSplits(this, context);
    this.#pinOf(context);
    const splits = this.#state.splits.get(context.principal.tenant)?.values() ?? [];
    return [...splits].map(({ split }) => split).toSorted((a, b) => compareUtf8(a.name, b.name));
  }

  /** What a delete would hide now. */
  async countDelete(request: DeleteRequest, principal: Principal): Promise<DeleteResult> {
    const pin = this.pin();
    try {
      const { matchers, startUs, endUs } = narrowed(request, principal);
      const { view, moment } = pin;
      const { index, yieldTurn } = this.#state;
      const { tenant } = principal;
      const check = (): void => this.#state.checkOpen();
      const range = { startUs: Math.max(startUs, pin.horizonUs(tenant)), endUs };
      const scan = { tenant, matchers, range, view, moment, index, check, yieldTurn };
      let seriesCount = 0;
      let pointCount = 0;
      for await (const series of scanSeries(scan)) {
        const chunks = resolveSources(await series.sources());
        const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
        if (count > 0) seriesCount++;
        pointCount += count;
      }
      return { seriesCount, pointCount };
    } finally {
      pin.release();
    }
  }
}
