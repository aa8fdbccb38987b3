// Who made series, lately: by metric the tokens and protocols, and of each some of the series it
// made, with the moment. Whether such a series is new to the tenant is for the one who asks to find
// out: one that was flushed and forgotten is made again by its next write.
//
// Of each maker the first series is kept, and then one in a while; where there are too many every
// second one goes, and the while is twice as long. So what is kept spreads over all the time, and
// whenever a growth began one of its first series is among it. Bounded in all; the tenant and the
// metric that made none for longest go first.
import type { Labels } from '../model/labels.ts';
import { SAME } from '../model/label-bytes.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import { labelValue, METRIC_NAME } from '../model/labels.ts';
import { decodedLabels, isDecoded, metricOf, nameOf } from '../model/series-watch.ts';
import type { SeriesSender, SeriesWatch } from '../model/series-watch.ts';
import type { SeriesGate } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Breaches } from './breaches.ts';
import {
  MADE_GAP_MS,
  MADE_LABELS_LENGTH_MAX,
  MADE_PER_MAKER,
  MADE_SERIES_MAX,
  MAKERS_PER_METRIC,
  MAKING_METRICS_MAX,
} from './limits.ts';

export interface MadeSeries extends SeriesSender {
  readonly labels: Labels;
  readonly madeMs: number;
}

interface Maker {
  kept: MadeSeries[];
  gapMs: number;
}

/** Whose series of a metric are not kept until then. */
interface QuietMaker extends SeriesSender {
  readonly tenant: TenantId;
  readonly metric: string;
  readonly untilMs: number;
  /** The last series that was found of the metric by its bytes, and where its name stood. */
  labels: LabelBytes | undefined;
  serial: number;
  nameAt: number;
}

/** Looks at each series of tenants that are near to a limit of them. */
export type NearWatch = Pick<Breaches, 'isNear' | 'addNearSeries'>;

/** By token and protocol. */
type Makers = Map<string, Maker>;

export class SeriesMakers implements SeriesWatch {
  readonly #clock: Clock;
  /** By tenant, then by metric; both in the order of the last series that was kept. */
  readonly #tenants = new Map<TenantId, Map<string, Makers>>();
  #keptCount = 0;
  /** The last one that was found so: neighbours are mostly of one maker and metric. */
  #quiet: QuietMaker | undefined = undefined;
  madeCount = 0;
  /** Nothing is known of what was made before. */
  readonly sinceMs: number;
  readonly #near: NearWatch | undefined;

  constructor(clock: Clock, near?: NearWatch) {
    this.#clock = clock;
    this.#near = near;
    this.sinceMs = clock.nowMs();
  }

  /** The gate, and each series that comes through it is counted. */
  counting(gate: SeriesGate): SeriesGate {
    return {
      admits: (tenant) => gate.admits(tenant),
      made: (tenant) => {
        this.madeCount++;
        gate.made(tenant);
      },
      watch: (count) => gate.watch(count),
    };
  }

  made(tenant: TenantId, sender: SeriesSender, labels: Labels | LabelBytes): void {
    if (this.#near?.isNear(tenant) === true)
      this.#near.addNearSeries(tenant, sender, decodedLabels(labels));
    const nowMs = this.#clock.nowMs();
    if (this.#isQuiet(tenant, sender, labels, nowMs)) return;
    const { tokenId, protocol } = sender;
    const metric = metricOf(labels);
    const key = `${tokenId}/${protocol}`;
    const known = this.#tenants.get(tenant)?.get(metric)?.get(key);
    const last = known?.kept.at(-1);
    if (known !== undefined && last !== undefined && nowMs - last.madeMs < known.gapMs) {
      const untilMs = last.madeMs + known.gapMs;
      const noLabels = { labels: undefined, serial: 0, nameAt: 0 };
      this.#quiet = { tenant, tokenId, protocol, metric, untilMs, ...noLabels };
      return;
    }
    const texts = decodedLabels(labels);
    if (lengthOf(texts) > MADE_LABELS_LENGTH_MAX) return;
    const metrics = moved(this.#tenants, tenant, () => new Map<string, Makers>());
    const makers = moved(metrics, metric, (): Makers => new Map());
    const maker = moved(makers, key, () => ({ kept: [], gapMs: MADE_GAP_MS }));
    if (maker.kept.length >= MADE_PER_MAKER) this.#thin(maker);
    maker.kept.push({ tokenId, protocol, labels: texts, madeMs: nowMs });
    this.#keptCount++;
    this.#bound(metrics, makers);
  }

  #isQuiet(
    tenant: TenantId,
    { tokenId, protocol }: SeriesSender,
    labels: Labels | LabelBytes,
    nowMs: number,
  ): boolean {
    const quiet = this.#quiet;
    return (
      quiet !== undefined &&
      nowMs < quiet.untilMs &&
      quiet.tenant === tenant &&
      quiet.tokenId === tokenId &&
      quiet.protocol === protocol &&
      isOfMetric(quiet, labels)
    );
  }

  #thin(maker: Maker): void {
    const before = maker.kept.length;
    maker.kept = maker.kept.filter((_, i) => i % 2 === 0);
    maker.gapMs *= 2;
    this.#keptCount -= before - maker.kept.length;
  }

  #bound(metrics: Map<string, Makers>, makers: Makers): void {
    if (makers.size > MAKERS_PER_METRIC) this.#dropFirst(makers, ({ kept }) => kept.length);
    if (metrics.size > MAKING_METRICS_MAX) this.#dropFirst(metrics, sizeOf);
    while (this.#keptCount > MADE_SERIES_MAX) {
      const [tenant, oldest] = this.#tenants.entries().next().value!;
      this.#dropFirst(oldest, sizeOf);
      if (oldest.size === 0) this.#tenants.delete(tenant);
    }
  }

  #dropFirst<T>(map: Map<string, T>, size: (value: T) => number): void {
    const [key, value] = map.entries().next().value!;
    map.delete(key);
    this.#quiet = undefined;
    this.#keptCount -= size(value);
  }

  /** Of a metric, in the order of their making. */
  of(tenant: TenantId, metric: string): readonly MadeSeries[] {
    const makers = this.#tenants.get(tenant)?.get(metric)?.values() ?? [];
    return [...makers].flatMap(({ kept }) => kept).toSorted((a, b) => a.madeMs - b.madeMs);
  }

  forget(tenant: TenantId): void {
    const metrics = this.#tenants.get(tenant);
    for (const makers of metrics?.values() ?? []) this.#keptCount -= sizeOf(makers);
    this.#tenants.delete(tenant);
    this.#quiet = undefined;
  }
}

/** Is a series of the metric? Where the one before was and has the same label, nothing is read. */
function isOfMetric(quiet: QuietMaker, labels: Labels | LabelBytes): boolean {
  if (isDecoded(labels)) return labelValue(labels, METRIC_NAME) === quiet.metric;
  const isNext = quiet.labels === labels && quiet.serial + 1 === labels.serial;
  const isSame = isNext && quiet.nameAt < labels.count && labels.same[quiet.nameAt] === SAME.all;
  const nameAt = isSame ? quiet.nameAt : nameOf(labels, quiet.metric);
  if (nameAt < 0) return false;
  quiet.labels = labels;
  quiet.serial = labels.serial;
  quiet.nameAt = nameAt;
  return true;
}

function sizeOf(makers: Makers): number {
  return makers.values().reduce((sum, { kept }) => sum + kept.length, 0);
}

function lengthOf(labels: Labels): number {
  return labels.reduce((sum, text) => sum + text.length, 0);
}

/** The value of a key, made where there is none, as the last. */
function moved<T>(map: Map<string, T>, key: string, make: () => T): T {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  return value;
}
