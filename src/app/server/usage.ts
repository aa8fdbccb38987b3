// Use wired: the book over the catalog, what is told to it, and the looks at what tenants keep.
import type { Catalog } from '../../catalog/catalog.ts';
import type { Storage } from '../../model/storage.ts';
import type { EndedQuery } from '../../query/query-service.ts';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import type { TenantId } from '../../model/tenant.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { USAGE_LOOK_MS, USAGE_TOLD_MS } from '../../tenancy/limits.ts';
import { queryCost } from '../../tenancy/quotas.ts';
import { UsageBook } from '../../tenancy/usage.ts';
import type { UsageTotal } from '../../tenancy/usage-totals.ts';
import type { UsageKey } from '../../tenancy/usage-rows.ts';
import type { CountedRequests } from './ingest-protocol.ts';
import type { OpenQuotas } from './quotas.ts';

interface OpenUsageParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly onFatal: (error: unknown) => void;
}

export function openUsage(catalog: Catalog, parts: OpenUsageParts): Promise<UsageBook> {
  const { clock, scheduler, logger, onFatal } = parts;
  const onError = (error: unknown): void => {
    if (error instanceof FatalError) return onFatal(error);
    logger.warn('use is not written down yet', { error: errorMessage(error) });
  };
  return UsageBook.open({ catalog, clock, scheduler, onError });
}

export function countQuery(usage: UsageBook, ended: EndedQuery): void {
  const { principal, language: protocol, samplesRead } = ended;
  const { tenant, tokenId } = principal;
  usage.countQuery({ tenant, tokenId, protocol }, { samplesRead, cost: queryCost(ended) });
}

/** Writes that a thread finished, told together. */
export class RequestTally {
  readonly #scheduler: Scheduler;
  readonly #onTold: (requests: readonly CountedRequests[]) => void;
  #counts = new Map<string, { key: UsageKey; count: number }>();
  #timer: (() => void) | undefined = undefined;

  constructor(scheduler: Scheduler, onTold: (requests: readonly CountedRequests[]) => void) {
    this.#scheduler = scheduler;
    this.#onTold = onTold;
  }

  add({ tenant, tokenId, protocol }: UsageKey): void {
    const id = `${tenant}/${tokenId}/${protocol}`;
    const known = this.#counts.get(id);
    if (known !== undefined) known.count++;
    else this.#counts.set(id, { key: { tenant, tokenId, protocol }, count: 1 });
    this.#timer ??= this.#scheduler.after(USAGE_TOLD_MS, () => this.tell());
  }

  tell(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#counts.size === 0) return;
    const told = [...this.#counts.values()].map(({ key, count }) => ({ ...key, count }));
    this.#counts = new Map();
    this.#onTold(told);
  }
}

interface LookParts {
  readonly usage: UsageBook;
  readonly storage: Storage;
  readonly limits: OpenQuotas;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

type Tell = (tenant: TenantId, totals: readonly UsageTotal[]) => Promise<void>;

/** Looks at what tenants keep, once a minute and before somebody is told. */
export class UsageLooks {
  readonly #parts: LookParts;
  #looking: Promise<void> | undefined = undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #timer: (() => void) | undefined = undefined;
  #telling: Promise<void> | undefined = undefined;
  #isStopped = false;

  constructor(parts: LookParts) {
    this.#parts = parts;
  }

  /** Of the routes. */
  dependencies() {
    return { usage: this.#parts.usage, lookAtUsage: () => this.look() };
  }

  /** `tell`: writes a tenant's use into its own data, after each look. */
  start(tell?: Tell): void {
    if (this.#isStopped) return;
    const { scheduler, logger } = this.#parts;
    this.#timer = scheduler.after(USAGE_LOOK_MS, () => {
      this.#telling = this.#lookAndTell(tell)
        .catch((error: unknown) =>
          logger.warn('what tenants keep is not known', { error: errorMessage(error) }),
        )
        .finally(() => this.start(tell));
    });
  }

  async #lookAndTell(tell: Tell | undefined): Promise<void> {
    await this.look();
    const { storage, usage, logger } = this.#parts;
    if (tell === undefined) return;
    for (const tenant of storage.tenants()) {
      if (this.#isStopped) return;
      await tell(tenant, usage.totals(tenant)).catch((error: unknown) =>
        logger.warn('use is not told as series', { tenant, error: errorMessage(error) }),
      );
    }
  }

  /** Once a second at most; whoever comes meanwhile gets the last one. */
  look(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#looking !== undefined) return this.#looking;
    if (nowMs - this.#lookedMs < 1000) return Promise.resolve();
    this.#lookedMs = nowMs;
    this.#looking = this.#lookAtAll().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookAtAll(): Promise<void> {
    const { storage, limits, usage } = this.#parts;
    const sizes = await storage.storedBytes();
    for (const tenant of storage.tenants())
      usage.look(tenant, limits.quotas.activeSeries(tenant), sizes.get(tenant) ?? 0);
  }

  /** Then only the storage's end writes down what is used. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.();
    await this.#looking?.catch(() => undefined);
    await this.#telling;
    this.#parts.usage.stop();
    await this.#lookAtAll().catch((error: unknown) =>
      this.#parts.logger.warn('what tenants keep is not known', { error: errorMessage(error) }),
    );
  }
}
