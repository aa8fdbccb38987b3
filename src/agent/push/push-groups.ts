// The groups of the Pushgateway API: what each job pushed last, kept in the catalog, and written
// into the storage again and again as a scrape of a Pushgateway would (with honored labels), so
// that queries see the last values until the group is deleted. A push writes its values at once,
// and staleness markers for series that it took away. Source: pushgateway README, storage/.
//
// Invariants: changes of one tenant follow each other; a push is answered when its samples and its
// rows are durable; a refused one changes nothing but its group's failure time.

import type { Catalog } from '../../catalog/catalog.ts';
import { Sha256 } from '../../codec/sha256.ts';
import { refOfPairs } from '../../formats/pairs-key.ts';
import { histogramPoint } from '../../formats/remote-write/histogram.ts';
import { AppError } from '../../model/errors.ts';
import { labelsFromPairs, labelsKey, METRIC_NAME } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { RowDictionary, RowSink } from '../../model/rows.ts';
import { REF_REFUSED } from '../../model/storage.ts';
import type { Principal, TenantId } from '../../model/tenant.ts';
import { openPrincipal } from '../../model/tenant.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import { nowUs } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ExpositionResult } from '../../formats/exposition.ts';
import type { ScrapeWriter } from '../scrape.ts';
import { encodeGroup, readGroups, writeGroup } from './group-rows.ts';
import type { GroupKey, StoredGroup } from './group-rows.ts';
import type { PushedFamily, PushedPage, PushedSeries } from './pushed-page.ts';
import { PUSH_FAILURE_TIME, PUSH_TIME } from './pushed-page.ts';
import { PushRoom } from './push-room.ts';

export interface PushGroupsOptions {
  readonly catalog: Catalog;
  readonly writer: ScrapeWriter;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly intervalMs: number;
  readonly onFatal: (error: unknown) => void;
}

interface Group extends StoredGroup {
  readonly hash: string;
  readonly sizeBytes: number;
}

/** Samples and markers of one write. */
interface Change {
  readonly series: readonly PushedSeries[];
  readonly stale: readonly Labels[];
  readonly families: readonly PushedFamily[];
}

interface Tenant {
  /** In the order of their labels' hashes. */
  readonly groups: Map<string, Group>;
  tail: Promise<unknown>;
  lastUs: number;
}

const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;

const PUSH_HELP = {
  [PUSH_TIME]: 'Last Unix time when changing this group in the Pushgateway succeeded.',
  [PUSH_FAILURE_TIME]: 'Last Unix time when changing this group in the Pushgateway failed.',
} as const;

export class PushGroups {
  readonly #options: PushGroupsOptions;
  readonly #tenants = new Map<TenantId, Tenant>();
  readonly #room = new PushRoom();
  #cancel: (() => void) | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: PushGroupsOptions) {
    this.#options = options;
  }

  /** Reads what is kept. Before any other call. */
  async open(): Promise<void> {
    for (const { tenant, group } of await readGroups(this.#options.catalog))
      this.#keep(tenant, { ...group, ...about(group) });
  }

  /** Begins to write what is kept, at once and then every interval. */
  start(): void {
    this.#running = this.#round();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
    await Promise.all(Array.from(this.#tenants.values(), ({ tail }) => tail));
  }

  /** All groups of a tenant with the metrics about them. */
  groups(tenant: TenantId): readonly StoredGroup[] {
    const groups = [...(this.#tenants.get(tenant)?.groups.values() ?? [])];
    return groups.map((group) => ({ ...group, families: familiesOf(group) }));
  }

  /**
   * Replaces the group's metrics, or those of the names that are pushed. Rejects with AppError
   * invalid where the page may not be pushed, tooLarge above a bound.
   */
  push(
    principal: Principal,
    labels: Labels,
    { page, isWhole }: { readonly page: PushedPage; readonly isWhole: boolean },
  ): Promise<void> {
    return this.#inTurn(principal.tenant, async (tenant) => {
      const hash = hashOf(labels);
      const before = tenant.groups.get(hash);
      const { families } = page;
      const pushed = new Set(families.map(({ family }) => family));
      const kept = isWhole ? [] : (before?.families ?? []);
      const all = [...kept.filter(({ family }) => !pushed.has(family)), ...families];
      const nowMs = this.#options.clock.nowMs();
      const group: StoredGroup = {
        labels,
        pushTimeMs: nowMs,
        failureTimeMs: before?.failureTimeMs ?? 0,
        families: all,
      };
      const reason = page.reason || otherGroupsReason(families, tenant.groups, hash);
      if (reason !== '') {
        const { pushTimeMs = 0, families: own = [] } = before ?? {};
        const failed = { labels, pushTimeMs, failureTimeMs: nowMs, families: own };
        await this.#store(principal, failed, before);
        throw new AppError('invalid', 'inconsistent-push', inconsistent(reason));
      }
      await this.#store(principal, group, before);
    });
  }

  /** Forgets a group; its series go stale. */
  remove(principal: Principal, labels: Labels): Promise<void> {
    return this.#inTurn(principal.tenant, async (tenant) => {
      const hash = hashOf(labels);
      const before = tenant.groups.get(hash);
      if (before === undefined) return;
      const stale = seriesOf(familiesOf(before)).map((series) => series.labels);
      await this.#write(principal, { series: [], stale, families: [] });
      await this.#drop(tenant, { tenant: principal.tenant, hash });
    });
  }

  /** Writes the group's samples and rows. */
  async #store(principal: Principal, group: StoredGroup, before: Group | undefined): Promise<void> {
    const bytes = encodeGroup(group);
    this.#room.check(principal.tenant, bytes.length, before?.sizeBytes);
    const families = familiesOf(group);
    const series = seriesOf(families);
    const alive = new Set(series.map(({ labels }) => labelsKey(labels)));
    const stale = (before === undefined ? [] : seriesOf(familiesOf(before)))
      .map(({ labels }) => labels)
      .filter((labels) => !alive.has(labelsKey(labels)));
    await this.#write(principal, { series, stale, families });
    const hash = hashOf(group.labels);
    await writeGroup(this.#options.catalog, { tenant: principal.tenant, hash }, bytes);
    this.#keep(principal.tenant, { ...group, hash, sizeBytes: bytes.length });
  }

  #keep(tenantId: TenantId, group: Group): void {
    const { groups } = this.#tenant(tenantId);
    const before = groups.get(group.hash);
    this.#room.put(tenantId, group.sizeBytes, before?.sizeBytes);
    groups.set(group.hash, group);
  }

  #tenant(id: TenantId): Tenant {
    let tenant = this.#tenants.get(id);
    if (tenant === undefined) {
      tenant = { groups: new Map(), tail: Promise.resolve(), lastUs: 0 };
      this.#tenants.set(id, tenant);
    }
    return tenant;
  }

  /** Removes all groups of a tenant that is being removed: nothing is written of them. */
  async forget(id: TenantId): Promise<void> {
    if (!this.#tenants.has(id)) return;
    await this.#inTurn(id, async (tenant) => {
      for (const { hash } of tenant.groups.values()) await this.#drop(tenant, { tenant: id, hash });
    });
    if (this.groups(id).length === 0) this.#tenants.delete(id);
  }

  async #drop({ groups }: Tenant, key: GroupKey): Promise<void> {
    await writeGroup(this.#options.catalog, key, undefined);
    const group = groups.get(key.hash);
    if (group !== undefined) this.#room.drop(key.tenant, group.sizeBytes);
    groups.delete(key.hash);
  }

  #inTurn<T>(id: TenantId, task: (tenant: Tenant) => Promise<T>): Promise<T> {
    const tenant = this.#tenant(id);
    const done = tenant.tail.then(() => task(tenant));
    tenant.tail = done.catch(() => undefined);
    return done;
  }

  async #write(principal: Principal, change: Change): Promise<void> {
    const tenant = this.#tenant(principal.tenant);
    // A clock that stands or goes back must not leave an older value on top.
    const tUs = Math.max(nowUs(this.#options.clock), tenant.lastUs + 1);
    tenant.lastUs = tUs;
    const { scan } = await this.#options.writer.write(principal, {
      protocol: 'pushgateway',
      profileKey: '',
      durability: 'sync',
      batchId: undefined,
      sizeBytes: 0,
      scan: (dictionary, sink) => emit(change, tUs, dictionary, sink),
      refuses: (result) => result.errorCount > 0,
    });
    const [first] = scan.errors;
    if (first !== undefined)
      throw new AppError('invalid', 'refused-push', inconsistent(first.reason));
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, scheduler, intervalMs } = this.#options;
    this.#cancel = scheduler.after(intervalMs - (clock.nowMs() % intervalMs), () => {
      this.#running = this.#round();
    });
  }

  /** Writes the values of all groups, a write a tenant. */
  async #round(): Promise<void> {
    const { logger, onFatal } = this.#options;
    for (const id of this.#tenants.keys()) {
      try {
        await this.#inTurn(id, async ({ groups }) => {
          const series = [...groups.values()].flatMap((group) => seriesOf(familiesOf(group)));
          if (series.length > 0)
            await this.#write(openPrincipal(id), { series, stale: [], families: [] });
        });
      } catch (error) {
        if (!(error instanceof AppError)) return onFatal(error);
        logger.warn('pushed groups were not written', { tenant: id, error: errorMessage(error) });
      }
    }
    this.#schedule();
  }
}

function emit(
  { series, stale, families }: Change,
  tUs: number,
  dictionary: RowDictionary,
  sink: RowSink,
): ExpositionResult {
  const errors: { line: number; column: number; reason: string }[] = [];
  const refOf = (labels: Labels): number => {
    const ref = refOfPairs(dictionary, labels);
    if (ref === REF_REFUSED) errors.push({ line: 0, column: -1, reason: dictionary.refusal() });
    return ref;
  };
  let pointCount = 0;
  for (const { labels, value } of series) {
    const ref = refOf(labels);
    if (ref < 0) continue;
    pointCount++;
    if (typeof value === 'number') sink.f64(ref, tUs, 0, value);
    else sink.points(histogramPoint(ref, tUs, Number.NaN, value));
  }
  for (const labels of stale) {
    const ref = refOf(labels);
    if (ref >= 0) sink.f64Bits(ref, tUs, 0, STALE_LOW, STALE_HIGH);
  }
  for (const { family, type, unit, help } of families) sink.metadata({ family, type, unit, help });
  return { rowCount: series.length, pointCount, errorCount: errors.length, errors };
}

function hashOf(labels: Labels): string {
  const hash = new Sha256();
  hash.update(Buffer.from(labelsKey(labels)));
  return Buffer.from(hash.finish()).toString('hex');
}

function about(group: StoredGroup): { hash: string; sizeBytes: number } {
  return { hash: hashOf(group.labels), sizeBytes: encodeGroup(group).length };
}

/** What was pushed, and when. */
function familiesOf(group: StoredGroup): readonly PushedFamily[] {
  const own = (family: keyof typeof PUSH_HELP, timeMs: number): PushedFamily => ({
    family,
    type: 'gauge',
    unit: '',
    help: PUSH_HELP[family],
    timeMs: group.pushTimeMs || group.failureTimeMs,
    series: [
      { labels: labelsFromPairs([METRIC_NAME, family, ...group.labels]), value: timeMs / 1000 },
    ],
  });
  return [
    ...group.families,
    own(PUSH_TIME, group.pushTimeMs),
    own(PUSH_FAILURE_TIME, group.failureTimeMs),
  ];
}

function seriesOf(families: readonly PushedFamily[]): readonly PushedSeries[] {
  return families.flatMap(({ series }) => series);
}

function inconsistent(reason: string): string {
  return `pushed metrics are invalid or inconsistent with existing metrics: ${reason}`;
}

/** One name has one type in all groups, and a series is in one of them. */
function otherGroupsReason(
  families: readonly PushedFamily[],
  groups: ReadonlyMap<string, Group>,
  hash: string,
): string {
  const pushed = new Map(families.map((family) => [family.family, family]));
  for (const group of groups.values()) {
    if (group.hash === hash) continue;
    for (const known of group.families) {
      const own = pushed.get(known.family);
      if (own === undefined) continue;
      const { family, type } = known;
      if (own.type !== type)
        return `metric family "${family}" has type ${type} in another group, but ${own.type} here`;
      const keys = new Set(own.series.map(({ labels }) => labelsKey(labels)));
      if (known.series.some(({ labels }) => keys.has(labelsKey(labels))))
        return `collected metric "${family}" was collected before with the same name and label values`;
    }
  }
  return '';
}
