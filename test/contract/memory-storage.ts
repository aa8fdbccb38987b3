// The storage contract (src/model/storage.ts) in plain Maps: the oracle of the contract suite and
// the storage of tests without an engine. Every point keeps the versions that a live pin may still
// see; reads pick the newest one. Obviously right, not fast; shares no code with src/tsdb.
import { assert, must } from '../../src/stdx/assert.ts';
import type {
  Points,
  Metadata,
  NameSplit,
  SeriesRef,
  WriteBatch,
} from '../../src/model/columns.ts';
import { AppError } from '../../src/model/errors.ts';
import type { LabelBytes } from '../../src/model/label-bytes.ts';
import {
  compareLabels,
  compareUtf8,
  labelsKey,
  labelValue,
  METRIC_NAME,
} from '../../src/model/labels.ts';
import type { Labels } from '../../src/model/labels.ts';
import { matchesAll } from '../../src/model/matcher.ts';
import type {
  AppendOptions,
  AppendResult,
  Cardinality,
  DeleteRequest,
  DeleteResult,
  EstimateRequest,
  ExemplarSeries,
  LeafPlan,
  LeafResult,
  LimitedNames,
  Pin,
  ReadContext,
  Retention,
  SelectedBlocks,
  SelectedSeries,
  SelectRequest,
  SelectorEstimate,
  SeriesAttributes,
  SeriesSelector,
  Storage,
  StorageHouse,
  StorageStats,
  TenantRetention,
} from '../../src/model/storage.ts';
import { pagesOf } from '../../src/model/series-page.ts';
import type { Principal, TenantId } from '../../src/model/tenant.ts';
import { runLeafInThread } from '../../src/windows/leaf.ts';
import { decodedLabels } from '../support/label-bytes.ts';
import { MemoryChanges } from './memory-changes.ts';
import { pointValue, toChunks } from './memory-columns.ts';
import type { PointValue } from './memory-columns.ts';
import { checkTime, clampTime, limited, topCounts } from './memory-narrow.ts';
import { isOfAll, MemorySeries, timelessOf, Versioned } from './memory-series.ts';
import type { MemoryTenant, Slot } from './memory-series.ts';

/** What names of series have behind the name of their family. */
const FAMILY_SUFFIXES = ' _bucket _count _sum _gcount _gsum _total _created _info'.split(' ');

class MemoryPin implements Pin {
  readonly sequence: number;
  readonly nowMs: number;
  readonly #release: () => void;
  released = false;

  constructor(sequence: number, nowMs: number, release: () => void) {
    this.nowMs = nowMs;
    this.sequence = sequence;
    this.#release = release;
  }

  release(): void {
    assert(!this.released, 'a pin is released exactly once');
    this.released = true;
    this.#release();
  }
}

/** What a pin shows to a principal. */
interface MemoryView {
  readonly principal: Principal;
  readonly sequence: number;
  readonly horizonUs: number;
}

/** How `runLeaf` is answered; the in-thread reference unless a test gives its own. */
type Evaluate = (
  reader: MemoryStorage,
  context: ReadContext,
  plan: LeafPlan,
) => Promise<LeafResult>;

export class MemoryStorage implements Storage {
  readonly #tenants = new Map<TenantId, MemoryTenant>();
  readonly #refs: MemorySeries[] = [];
  readonly #refOf = new Map<MemorySeries, SeriesRef>();
  readonly #evaluate: Evaluate;
  /** Retention by time alone; what is expired is hidden, not removed. */
  readonly #nowMs: () => number;
  readonly #retention = new Map<TenantId, Retention>();
  readonly #changes = new MemoryChanges();
  #sequence = 0;
  #pinCount = 0;
  #closed = false;

  constructor(evaluate: Evaluate = runLeafInThread, nowMs: () => number = () => 0) {
    this.#nowMs = nowMs;
    this.#evaluate = evaluate;
  }

  #tenant(id: TenantId): MemoryTenant {
    let tenant = this.#tenants.get(id);
    if (tenant === undefined) {
      tenant = {
        series: new Map(),
        metadata: new Map(),
        splits: new Map(),
        batchIds: new Set(),
      };
      this.#tenants.set(id, tenant);
    }
    return tenant;
  }

  resolve(tenantId: TenantId, labels: Labels): SeriesRef {
    const tenant = this.#tenant(tenantId);
    const key = labelsKey(labels);
    let series = tenant.series.get(key);
    if (series === undefined) {
      series = new MemorySeries(tenantId, [...labels]);
      tenant.series.set(key, series);
      this.#refOf.set(series, this.#refs.push(series) - 1);
    }
    return must(this.#refOf.get(series), 'every series has a ref');
  }

  resolveBytes = (id: TenantId, labels: LabelBytes) => this.resolve(id, decodedLabels(labels));
  knows = (id: TenantId, ref: SeriesRef): boolean => this.#refs[ref]?.tenant === id;
  splitOf(tenant: TenantId, name: string): NameSplit | undefined {
    return this.#tenants.get(tenant)?.splits.get(name)?.at(this.#sequence);
  }

  async append(batch: WriteBatch, options: AppendOptions): Promise<AppendResult> {
    this.#checkOpen();
    const { principal, batchId } = options;
    this.#validate(batch, principal);
    const tenant = this.#tenant(principal.tenant);
    if (batchId !== undefined) {
      if (batchId.length !== 16)
        throw new AppError('invalid', 'bad-batch-id', 'a batch id has exactly 16 bytes');
      const id = Buffer.from(batchId).toString('hex');
      if (tenant.batchIds.has(id)) return { applied: false };
      tenant.batchIds.add(id);
    }
    this.#sequence++;
    this.#applyPoints(batch.points);
    this.#applyRest(tenant, batch);
    return { applied: true };
  }

  #validate(batch: WriteBatch, principal: Principal): void {
    const refs = [
      ...batch.points.flatMap((points) => [...points.refs.subarray(0, points.count)]),
      ...batch.exemplars.map((row) => row.ref),
      ...batch.attributes.map((row) => row.ref),
    ];
    for (const ref of refs)
      if (this.#refs[ref]?.tenant !== principal.tenant)
        throw new AppError('conflict', 'stale-ref', `series ref ${ref} is not known any more`);
    for (const points of batch.points)
      for (const tUs of points.tUs.subarray(0, points.count)) checkTime(tUs, principal);
    for (const row of batch.exemplars) checkTime(row.tUs, principal);
  }

  #applyPoints(columns: readonly Points[]): void {
    const rows = columns.flatMap((points) =>
      Array.from({ length: points.count }, (_, i) => ({ points, i, row: points.rows?.[i] ?? i })),
    );
    for (const { points, i } of rows.toSorted((a, b) => a.row - b.row)) {
      const series = must(this.#refs[points.refs[i]!], 'refs were checked');
      const slot = series.slot(points.tUs[i]!, points.subNs?.[i] ?? 0);
      this.#changes.written(series.tenant, series.labels, points.tUs[i]!);
      slot.versions.set(this.#sequence, pointValue(points, i), this.#pinCount > 0);
    }
  }

  #applyRest(tenant: MemoryTenant, batch: WriteBatch): void {
    const keepOld = this.#pinCount > 0;
    for (const row of batch.metadata)
      versionedIn(tenant.metadata, row.family).set(this.#sequence, { ...row }, keepOld);
    for (const row of batch.splits) {
      const split = versionedIn(tenant.splits, row.name);
      if (split.at(this.#sequence) === undefined) split.set(this.#sequence, { ...row }, keepOld);
    }
    for (const { ref, key, value } of batch.attributes) {
      const series = must(this.#refs[ref], 'refs were checked');
      const stored = value === '' ? undefined : value;
      versionedIn(series.attributes, key).set(this.#sequence, stored, keepOld);
    }
    for (const { ref, ...exemplar } of batch.exemplars) {
      const { exemplars } = must(this.#refs[ref], 'refs were checked');
      const key = `${exemplar.tUs}+${exemplar.subNs} ${labelsKey(exemplar.labels)}`;
      const slot = exemplars.get(key) ?? { exemplar, versions: new Versioned() };
      exemplars.set(key, slot);
      slot.versions.set(this.#sequence, { ...exemplar }, keepOld);
    }
  }

  async delete(request: DeleteRequest, options: AppendOptions): Promise<DeleteResult> {
    this.#checkOpen();
    const { principal } = options;
    const horizonUs = this.#horizonUs(principal.tenant, this.#nowMs());
    const view = { principal, sequence: this.#sequence, horizonUs };
    const { startUs, endUs } = clampTime(request, options.principal);
    const selected = this.#matching(view, { ...request, startUs, endUs });
    let pointCount = 0;
    for (const { points } of selected) pointCount += points.length;
    const result = { seriesCount: selected.length, pointCount };
    if (request.dryRun) return result;
    const keepOld = this.#pinCount > 0;
    this.#sequence++;
    for (const { series, points } of selected)
      for (const { slot } of points) {
        slot.versions.set(this.#sequence, undefined, keepOld);
        this.#changes.deleted(series.tenant, series.labels, slot.tUs);
      }
    for (const series of this.#candidates(options.principal, request))
      for (const { exemplar, versions } of series.exemplars.values())
        if (exemplar.tUs >= startUs && exemplar.tUs <= endUs)
          versions.set(this.#sequence, undefined, keepOld);
    if (isOfAll(request, principal))
      for (const versions of timelessOf(this.#tenant(principal.tenant)))
        versions.set(this.#sequence, undefined, keepOld);
    return result;
  }

  pin(): Pin {
    this.#pinCount++;
    return new MemoryPin(this.#sequence, this.#nowMs(), () => this.#pinCount--);
  }

  *#candidates(
    principal: Principal,
    { matchers }: Pick<SeriesSelector, 'matchers'>,
  ): Iterable<MemorySeries> {
    const tenant = this.#tenants.get(principal.tenant);
    for (const series of tenant?.series.values() ?? [])
      if (
        matchesAll(matchers, series.labels) &&
        matchesAll(principal.forcedMatchers, series.labels)
      )
        yield series;
  }

  #matching(
    view: MemoryView,
    selector: SeriesSelector,
  ): { series: MemorySeries; points: { slot: Slot; value: PointValue }[] }[] {
    const { startUs, endUs } = clampTime(selector, view.principal, view.horizonUs);
    return [...this.#candidates(view.principal, selector)]
      .map((series) => ({ series, points: series.points(view.sequence, startUs, endUs) }))
      .filter(({ points }) => points.length > 0)
      .toSorted((a, b) => compareLabels(a.series.labels, b.series.labels));
  }

  #view(context: ReadContext): MemoryView {
    this.#checkOpen();
    context.signal.throwIfAborted();
    const { pin } = context;
    assert(pin instanceof MemoryPin, 'a pin belongs to the storage that gave it');
    assert(!pin.released, 'a released pin cannot be read with');
    const { principal } = context;
    const horizonUs = this.#horizonUs(principal.tenant, pin.nowMs);
    return { principal, sequence: pin.sequence, horizonUs };
  }

  async *select(context: ReadContext, request: SelectRequest): AsyncIterable<SelectedSeries> {
    for (const { series, points } of this.#matching(this.#view(context), request)) {
      context.signal.throwIfAborted();
      const kept = points.filter(({ value }) => (request.kinds & (1 << value.kind)) !== 0);
      if (kept.length === 0) continue;
      const sizeBytes = kept.length * 16;
      context.budget.take(sizeBytes);
      try {
        yield { labels: series.labels, chunks: toChunks(kept) };
      } finally {
        context.budget.give(sizeBytes);
      }
    }
  }

  selectBlocks(context: ReadContext, request: SelectRequest): AsyncIterable<SelectedBlocks> {
    return this.select(context, request);
  }

  runLeaf(context: ReadContext, plan: LeafPlan): Promise<LeafResult> {
    return this.#evaluate(this, context, plan);
  }

  async labelNames(
    context: ReadContext,
    selector: SeriesSelector & LimitedNames,
  ): Promise<readonly string[]> {
    const names = this.#matching(this.#view(context), selector).flatMap(({ series }) =>
      series.labels.filter((_, i) => i % 2 === 0),
    );
    return limited([...new Set(names)].toSorted(compareUtf8), selector.limit);
  }

  async labelValues(
    context: ReadContext,
    label: string,
    selector: SeriesSelector & LimitedNames,
  ): Promise<readonly string[]> {
    const values = this.#matching(this.#view(context), selector).flatMap(({ series }) =>
      series.labels.filter((_, i) => i % 2 === 1 && series.labels[i - 1] === label),
    );
    const kept = limited([...new Set(values)].toSorted(compareUtf8), selector.limit);
    context.budget.take(kept.join('').length);
    return kept;
  }

  async series(
    context: ReadContext,
    selector: SeriesSelector & LimitedNames,
  ): Promise<readonly Labels[]> {
    const rows = this.#matching(this.#view(context), selector);
    for (const { series } of rows) context.budget.take(series.labels.length);
    return limited(
      rows.map(({ series }) => series.labels),
      selector.limit,
    );
  }

  seriesPages: Storage['seriesPages'] = (context, s) => pagesOf(this.series(context, s));

  async cardinality(
    context: ReadContext,
    selector: SeriesSelector & LimitedNames,
  ): Promise<Cardinality> {
    const metricNames = new Map<string, number>();
    const labelNames = new Map<string, number>();
    const values = new Map<string, Set<string>>();
    const pairs = new Map<string, number>();
    const rows = this.#matching(this.#view(context), selector);
    for (const { series } of rows) context.budget.take(series.labels.length);
    for (const { series } of rows)
      for (let i = 0; i < series.labels.length; i += 2) {
        const [name, value] = [series.labels[i]!, series.labels[i + 1]!];
        if (name === METRIC_NAME) metricNames.set(value, (metricNames.get(value) ?? 0) + 1);
        labelNames.set(name, (labelNames.get(name) ?? 0) + 1);
        values.set(name, (values.get(name) ?? new Set()).add(value));
        pairs.set(`${name}=${value}`, (pairs.get(`${name}=${value}`) ?? 0) + 1);
      }
    const valueBytes = new Map(
      [...values].map(([name, set]) => [name, Buffer.byteLength([...set].join(''))]),
    );
    const valueCounts = new Map([...values].map(([name, set]) => [name, set.size]));
    return {
      seriesCount: rows.length,
      byMetricName: topCounts(metricNames, selector.limit),
      byLabelName: topCounts(labelNames, selector.limit),
      valuesByLabelName: topCounts(valueCounts, selector.limit),
      valueBytesByLabelName: topCounts(valueBytes, selector.limit),
      byLabelPair: topCounts(pairs, selector.limit),
      labelPairCount: [...valueCounts.values()].reduce((sum, count) => sum + count, 0),
    };
  }

  async estimate(context: ReadContext, request: EstimateRequest): Promise<SelectorEstimate> {
    const rows = this.#matching(this.#view(context), request);
    const sampleCount = rows.reduce((sum, { points }) => sum + points.length, 0);
    const { valuesByLabelName } = await this.cardinality(context, { ...request, limit: 0 });
    const byLabel = valuesByLabelName.slice(0, request.labelLimit).map(({ name, count }) => ({
      name,
      valueCount: count,
    }));
    return { seriesCount: rows.length, sampleCount, sizeBytes: sampleCount * 16, byLabel };
  }

  watchChanges = (belowUs: number): void => this.#changes.watch(belowUs);
  writeCount = (): number => this.#sequence;
  changeVersion: Storage['changeVersion'] = (tenant, name, range) =>
    this.#changes.version(tenant, name, range);

  async metadata(
    context: ReadContext,
    request: { readonly family: string | undefined } & LimitedNames,
  ): Promise<readonly Metadata[]> {
    const view = this.#view(context);
    const rows = [...(this.#tenants.get(view.principal.tenant)?.metadata.values() ?? [])]
      .map((versions) => versions.at(view.sequence))
      .filter((row) => row !== undefined)
      .filter((row) => request.family === undefined || row.family === request.family)
      .filter((row) => this.#seesName(view, row.family, FAMILY_SUFFIXES))
      .toSorted((a, b) => compareUtf8(a.family, b.family));
    return limited(rows, request.limit);
  }

  async exemplars(
    context: ReadContext,
    selector: SeriesSelector,
  ): Promise<readonly ExemplarSeries[]> {
    const view = this.#view(context);
    const { startUs, endUs } = clampTime(selector, view.principal, view.horizonUs);
    const out: ExemplarSeries[] = [];
    for (const series of this.#candidates(view.principal, selector)) {
      const exemplars = [...series.exemplars.values()]
        .map(({ versions }) => versions.at(view.sequence))
        .filter((row) => row !== undefined)
        .filter((row) => row.tUs >= startUs && row.tUs <= endUs)
        .toSorted(
          (a, b) => a.tUs - b.tUs || a.subNs - b.subNs || compareLabels(a.labels, b.labels),
        );
      if (exemplars.length > 0) out.push({ labels: series.labels, exemplars });
    }
    return out.toSorted((a, b) => compareLabels(a.labels, b.labels));
  }

  async attributes(
    context: ReadContext,
    selector: SeriesSelector,
  ): Promise<readonly SeriesAttributes[]> {
    const view = this.#view(context);
    const out: SeriesAttributes[] = [];
    for (const { series } of this.#matching(view, selector)) {
      const attributes: Record<string, string> = Object.create(null) as Record<string, string>;
      for (const key of [...series.attributes.keys()].toSorted(compareUtf8)) {
        const value = series.attributes.get(key)?.at(view.sequence);
        if (value !== undefined) attributes[key] = value;
      }
      if (Object.keys(attributes).length > 0) out.push({ labels: series.labels, attributes });
    }
    return out;
  }

  async splits(context: ReadContext): Promise<readonly NameSplit[]> {
    const view = this.#view(context);
    return [...(this.#tenants.get(view.principal.tenant)?.splits.values() ?? [])]
      .map((versions) => versions.at(view.sequence))
      .filter((row) => row !== undefined)
      .filter((row) => this.#seesName(view, row.name, ['']))
      .toSorted((a, b) => compareUtf8(a.name, b.name));
  }

  /** Has a restricted principal a point of the name with one of the suffixes behind it? */
  #seesName(view: MemoryView, name: string, suffixes: readonly string[]): boolean {
    const { forcedMatchers, minTUs, maxTUs } = view.principal;
    if (forcedMatchers.length === 0 && minTUs === -Infinity && maxTUs === Infinity) return true;
    return this.#matching(view, { matchers: [], startUs: -Infinity, endUs: Infinity }).some(
      ({ series }) =>
        suffixes.some((suffix) => labelValue(series.labels, METRIC_NAME) === name + suffix),
    );
  }

  async flush(): Promise<void> {
    this.#checkOpen();
  }

  async compact(): Promise<void> {
    this.#checkOpen();
  }

  async cleanTombstones(): Promise<void> {
    this.#checkOpen();
  }

  #horizonUs(tenant: TenantId, nowMs: number): number {
    const timeMs = this.#retention.get(tenant)?.timeMs;
    return timeMs === undefined ? Number.NEGATIVE_INFINITY : (nowMs - timeMs) * 1000;
  }

  retention(tenant: TenantId): TenantRetention {
    const own = this.#retention.get(tenant);
    const effective = own ?? { timeMs: undefined, sizeBytes: undefined };
    return { own, effective, horizonUs: this.#horizonUs(tenant, this.#nowMs()) };
  }

  async setRetention(tenant: TenantId, retention: Retention | undefined): Promise<void> {
    if (retention === undefined) this.#retention.delete(tenant);
    else this.#retention.set(tenant, retention);
  }

  house(): readonly StorageHouse[] {
    return [];
  }

  stats(): StorageStats {
    const all = this.#refs.flatMap((series) => [...series.slots.values()]);
    const seriesCount = this.#refs.filter((series) => series.slots.size > 0).length;
    return {
      activeSeries: seriesCount,
      seriesInMemory: seriesCount,
      headSamples: all.filter((slot) => slot.versions.at(this.#sequence) !== undefined).length,
      partCount: 0,
      dataSizeBytes: 0,
      logSizeBytes: 0,
      frontier: 0,
      logEndOffset: this.#sequence,
    };
  }

  async storedBytes(): Promise<ReadonlyMap<TenantId, number>> {
    return new Map();
  }

  tenants(): readonly TenantId[] {
    return [...this.#tenants]
      .filter(([, { series }]) =>
        series
          .values()
          .some((one) => one.slots.values().some((s) => s.versions.at(this.#sequence))),
      )
      .map(([id]) => id)
      .toSorted(compareUtf8);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed) throw new AppError('unavailable', 'closed', 'the storage is closed');
  }
}

function versionedIn<T>(map: Map<string, Versioned<T>>, key: string): Versioned<T> {
  const versions = map.get(key) ?? new Versioned<T>();
  map.set(key, versions);
  return versions;
}
