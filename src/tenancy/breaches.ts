// Who came to which limit of a tenant, how often, and what would stop it: for the tenant to look
// at. Of refused series the label is found that made them many, and a relabelling rule is proposed
// that takes it away (or the metric, where no label is to blame). Bounded per tenant and in
// tenants; what was not seen for longest goes first.
import { METRIC_NAME } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import type { SeriesSender } from '../model/series-watch.ts';
import type { Clock } from '../stdx/clock.ts';
import {
  BREACH_LABELS_MAX,
  BREACH_TENANTS_MAX,
  BREACH_TEXT_LENGTH_MAX,
  BREACH_VALUES_MAX,
  BREACHES_MAX,
  NEAR_METRICS_MAX,
  NEAR_TOLD_MS,
} from './limits.ts';
import type { LimitHit } from './quotas.ts';

/** Who it was. */
export interface Offence {
  /** Wire protocol, or the path of a request that was refused as a whole. */
  readonly protocol: string;
  readonly peer: string;
  readonly tokenId: string;
}

/** A series that was refused. */
export interface RefusedSeries extends Offence {
  readonly tenant: TenantId;
  readonly labels: Labels;
  /** Series refused since the last one that was told of, this one included. */
  readonly count: number;
  readonly hit: LimitHit | undefined;
}

export interface Breach {
  readonly limitId: string;
  readonly limit: number;
  /** The last one. */
  readonly value: number;
  /** 'near': nothing was refused, four fifths of the limit were reached. */
  readonly kind: 'refused' | 'near';
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The first one; undefined where nobody in particular comes near. */
  readonly first: Offence | undefined;
  /** Of refused series, and of those made near to a limit of series; undefined elsewhere. */
  readonly series: SeriesBlame | undefined;
}

export interface SeriesBlame {
  /** Of the first one. */
  readonly labels: Labels;
  readonly metric: string;
  /** The label with the most values among these; '' where each has one. */
  readonly label: string;
  /** How many were seen of them; no more are counted than BREACH_VALUES_MAX. */
  readonly valueCount: number;
  /** YAML of relabelling rules that would stop it. */
  readonly rules: string;
}

interface Entry {
  readonly limitId: string;
  limit: number;
  value: number;
  readonly kind: 'refused' | 'near';
  count: number;
  readonly firstMs: number;
  lastMs: number;
  readonly first: Offence | undefined;
  readonly metric: string;
  readonly labels: Labels | undefined;
  /** By name of a label. */
  readonly values: Map<string, Set<string>>;
}

const SERIES_LIMITS: ReadonlySet<string> = new Set(['active-series', 'new-series-per-minute']);

type Draft = Pick<Entry, 'limitId' | 'limit' | 'value' | 'kind' | 'first' | 'metric' | 'labels'>;

/** A tenant that is near to a limit of series: what it makes is looked at until then. */
interface Near {
  readonly hit: LimitHit;
  readonly untilMs: number;
  readonly metrics: Set<string>;
}

export class Breaches {
  readonly #clock: Clock;
  readonly #near = new Map<TenantId, Near>();
  /** Entries by key, both in the order of last use, the oldest first. */
  readonly #tenants = new Map<TenantId, Map<string, Entry>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What contributes most to the refused series of this metric, in words. */
  addSeries({ tenant, labels, count, hit, ...first }: RefusedSeries): string {
    const { id: limitId = 'active-series', limit = 0, value = 0 } = hit ?? {};
    const metric = metricOf(labels);
    const draft = { limitId, limit, value, kind: 'refused', first, metric, labels } as const;
    const entry = this.#entry(tenant, `${limitId}\n${metric}`, draft, count);
    for (let i = 0; i < labels.length; i += 2) note(entry.values, labels[i]!, labels[i + 1]!);
    const { label, valueCount } = labelToBlame(entry.values);
    return label === ''
      ? `metric ${metric}`
      : `label ${label} of metric ${metric} (${valueCount} values refused)`;
  }

  /** A request as a whole, or a part of it. */
  addRequest(hit: LimitHit, first: Offence): void {
    const { tenant, id: limitId, limit, value } = hit;
    const none = { metric: '', labels: undefined };
    const draft = { limitId, limit, value, kind: 'refused', first, ...none } as const;
    this.#entry(tenant, `${limitId}\n${first.tokenId}\n${first.protocol}`, draft, 1);
  }

  addNear({ tenant, tokenId, id: limitId, limit, value }: LimitHit): void {
    const none = { first: undefined, metric: '', labels: undefined };
    const draft = { limitId, limit, value, kind: 'near', ...none } as const;
    this.#entry(tenant, nearKey(limitId, tokenId), draft, 1);
    if (!SERIES_LIMITS.has(limitId)) return;
    // Told again every NEAR_TOLD_MS while series are made.
    const untilMs = this.#clock.nowMs() + 2 * NEAR_TOLD_MS;
    const metrics = this.#near.get(tenant)?.metrics ?? new Set();
    this.#near.set(tenant, {
      hit: { tenant, tokenId, id: limitId, limit, value },
      untilMs,
      metrics,
    });
    if (this.#near.size > BREACH_TENANTS_MAX) this.#near.delete(this.#near.keys().next().value!);
  }

  /** Are series that it makes worth `addNearSeries`? */
  isNear(tenant: TenantId): boolean {
    if (this.#near.size === 0) return false;
    const near = this.#near.get(tenant);
    if (near === undefined) return false;
    if (this.#clock.nowMs() < near.untilMs) return true;
    this.#near.delete(tenant);
    return false;
  }

  /** A series was made while the tenant is near to a limit of them. */
  addNearSeries(tenant: TenantId, { tokenId: by, protocol }: SeriesSender, labels: Labels): void {
    const near = this.#near.get(tenant);
    if (near === undefined) return;
    const { id: limitId, limit, value, tokenId } = near.hit;
    const metric = metricOf(labels);
    if (!near.metrics.has(metric)) {
      if (near.metrics.size >= NEAR_METRICS_MAX) return;
      near.metrics.add(metric);
    }
    // This says more.
    this.#tenants.get(tenant)?.delete(nearKey(limitId, tokenId));
    const first = { protocol, peer: '', tokenId: by };
    const draft = { limitId, limit, value, kind: 'near', first, metric, labels } as const;
    const entry = this.#entry(tenant, `${nearKey(limitId, tokenId)}\n${metric}`, draft, 1);
    for (let i = 0; i < labels.length; i += 2) note(entry.values, labels[i]!, labels[i + 1]!);
  }

  /** Something of a batch that was kept otherwise; undefined: of whom is not known. */
  addLeftOut({ tenant, id: limitId, limit, value }: LimitHit, sender?: SeriesSender): void {
    const first = sender && { ...sender, peer: '' };
    const none = { metric: '', labels: undefined };
    const draft = { limitId, limit, value, kind: 'refused', first, ...none } as const;
    const { tokenId = '', protocol = '' } = sender ?? {};
    this.#entry(tenant, `${limitId}\nleft out\n${tokenId}\n${protocol}`, draft, 1);
  }

  #entry(tenant: TenantId, key: string, draft: Draft, count: number): Entry {
    const entries = moved(this.#tenants, tenant, BREACH_TENANTS_MAX, () => new Map());
    const nowMs = this.#clock.nowMs();
    const entry = moved(entries, key, BREACHES_MAX, () => {
      return { ...draft, count: 0, firstMs: nowMs, lastMs: nowMs, values: new Map() };
    });
    entry.count += count;
    entry.lastMs = nowMs;
    if (draft.limit > 0) {
      entry.limit = draft.limit;
      entry.value = draft.value;
    }
    return entry;
  }

  forget(tenant: TenantId): void {
    this.#near.delete(tenant);
    this.#tenants.delete(tenant);
  }

  get tenantCount(): number {
    return this.#tenants.size;
  }

  /** What a tenant came to, the last one first. */
  of(tenant: TenantId): readonly Breach[] {
    return [...(this.#tenants.get(tenant)?.values() ?? [])].toReversed().map(breachOf);
  }
}

/** The value of a key, made where there is none, as the last; beyond the bound the first goes. */
function moved<T>(map: Map<string, T>, key: string, most: number, make: () => T): T {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
  return value;
}

function note(values: Map<string, Set<string>>, name: string, value: string): void {
  if (name === METRIC_NAME) return;
  let seen = values.get(name);
  if (seen === undefined) {
    if (values.size >= BREACH_LABELS_MAX) return;
    values.set(name, (seen = new Set()));
  }
  if (seen.size < BREACH_VALUES_MAX) seen.add(value.slice(0, BREACH_TEXT_LENGTH_MAX));
}

function metricOf(labels: Labels): string {
  for (let i = 0; i < labels.length; i += 2)
    if (labels[i] === METRIC_NAME) return labels[i + 1]!.slice(0, BREACH_TEXT_LENGTH_MAX);
  return '';
}

function nearKey(limitId: string, tokenId: string): string {
  return `${limitId}\nnear\n${tokenId}`;
}

function breachOf(entry: Entry): Breach {
  const { labels, metric, values, ...rest } = entry;
  const series = labels && blameOf(labels, metric, values);
  // Nothing was refused yet: one series of a metric is to blame for nothing.
  return { ...rest, series: rest.kind === 'near' && series?.label === '' ? undefined : series };
}

function labelToBlame(values: ReadonlyMap<string, ReadonlySet<string>>) {
  let label = '';
  let valueCount = 1;
  for (const [name, seen] of values)
    if (seen.size > valueCount) [label, valueCount] = [name, seen.size];
  return { label, valueCount };
}

function blameOf(
  labels: Labels,
  metric: string,
  values: ReadonlyMap<string, ReadonlySet<string>>,
): SeriesBlame {
  const { label, valueCount } = labelToBlame(values);
  const shown = labels.map((text) => text.slice(0, BREACH_TEXT_LENGTH_MAX));
  return { labels: shown, metric, label, valueCount, rules: rulesAgainst(metric, label) };
}

/** Quoted as JSON is: YAML reads it as the same text. */
function rulesAgainst(metric: string, label: string): string {
  const regex = JSON.stringify(metric.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  const head = `- source_labels: [__name__]\n  regex: ${regex}\n`;
  if (label === '') return `${head}  action: drop\n`;
  // Of this metric only: `labeldrop` would take the label from all others too.
  return `${head}  target_label: ${JSON.stringify(label)}\n  replacement: ""\n`;
}
