// The limits of tenants and tokens at work: asked per request, per new series and per query, never
// per point. A tenant has one account, a token that has limits of its own another one beside it;
// both are asked.
//
// Where writes are scanned in several threads the thread of the shards counts samples, and tells
// the others which accounts are over (`onClosed`, `close`); each of those counts what is under way
// in itself, against its part of the limit.
import { AppError, limitDocs } from '../model/errors.ts';
import type { LimitFacts } from '../model/errors.ts';
import type { SeriesSender } from '../model/series-watch.ts';
import type { SeriesCount, SeriesGate } from '../model/storage.ts';
import type { Principal, TenantId } from '../model/tenant.ts';
import type { Clock } from '../stdx/clock.ts';
import { Account } from './account.ts';
import type { Closed } from './account.ts';
import { LIMIT_IDS, LIMITS } from './limit-table.ts';
import type { EffectiveLimits, LimitId, LimitSource } from './limit-table.ts';
import {
  ACCOUNTS_MAX,
  BUSY_RETRY_SEC,
  COST_PER_SERIES,
  NEAR_SHARE,
  NEAR_TOLD_MS,
  RETRY_AFTER_SEC_MAX,
  SERIES_LEASE,
  SERIES_RETRY_SEC,
} from './limits.ts';

/** An account is over: other threads refuse its writes until then. */
export interface ClosedAccount {
  readonly tenant: TenantId;
  /** '' : the tenant's own. */
  readonly tokenId: string;
  readonly closed: Closed;
}

/** A limit refused something, or a tenant comes near to one. */
export interface LimitHit {
  readonly tenant: TenantId;
  readonly tokenId: string;
  readonly id: LimitId;
  readonly limit: number;
  readonly value: number;
  /** Of a series that is refused: when the next one may pass. */
  readonly retryAfterSec?: number;
}

export interface QuotasParts {
  readonly limitsOf: LimitSource;
  readonly clock: Clock;
  /** How many threads count what is under way, none of them samples; default: this one alone. */
  readonly threadCount?: number;
}

export interface QuotasListener {
  /** Four fifths of a limit are reached; told every ten seconds at most. */
  readonly onNear?: (hit: LimitHit) => void;
  /** New series of a tenant are refused; told once a second at most. */
  readonly onSeriesRefused?: (hit: LimitHit) => void;
  /** Something of a batch was left out, the rest of it kept; `sender` where it is known. */
  readonly onLeftOut?: (hit: LimitHit, sender: SeriesSender | undefined) => void;
  /** The account's writes are refused from now on. */
  readonly onClosed?: (account: ClosedAccount) => void;
}

interface Owner {
  readonly tenant: TenantId;
  readonly tokenId: string;
  readonly account: Account;
  /** Told by another thread. */
  elsewhere: Closed | undefined;
  /** The last refusal of a series, and when it was told. */
  seriesHit: LimitHit | undefined;
  seriesToldMs: number;
  /** When it was told last how near it is to its limits. */
  nearToldMs: number;
  /** So many times more a series may be made without a look at its limits, while they are these. */
  seriesLease: number;
  leaseLimits: EffectiveLimits | undefined;
}

/** What one principal may take, and has taken. */
export class Gate {
  readonly #quotas: Quotas;
  readonly #owners: readonly Owner[];
  /** The lower ones of tenant and token. */
  readonly limits: EffectiveLimits;
  readonly #tokenId: string;
  /** What it is called as a contributor, by protocol. */
  readonly #names = new Map<string, string>();

  constructor(
    quotas: Quotas,
    owners: readonly Owner[],
    { limits, tokenId }: { readonly limits: EffectiveLimits; readonly tokenId: string },
  ) {
    this.#quotas = quotas;
    this.#tokenId = tokenId;
    this.#owners = owners;
    this.limits = limits;
  }

  get isIdle(): boolean {
    return this.#owners.every(({ account }) => account.isIdle);
  }

  /**
   * Throws where a write is refused whatever is in its body: before it is read. `sizeBytes`: as far
   * as it is known.
   */
  checkWrite(sizeBytes: number): void {
    if (sizeBytes > this.limits['body-bytes'])
      throw this.#quotas.refusal(this.#owners.at(-1)!, 'body-bytes', sizeBytes, undefined);
    const nowMs = this.#quotas.nowMs();
    for (const owner of this.#owners) {
      const { account } = owner;
      const closed = owner.elsewhere ?? account.closedAt(nowMs);
      if (closed !== undefined) {
        if (nowMs < closed.untilMs)
          throw this.#quotas.closedRefusal(owner, closed, closed.untilMs - nowMs);
        owner.elsewhere = undefined;
      }
      if (account.requests >= this.#quotas.part(account.limits['requests-in-flight']))
        throw this.#quotas.busy(owner, 'requests-in-flight', account.requests + 1);
      const bytesMax = this.#quotas.part(account.limits['bytes-in-flight']);
      // A body alone is always let in: its size has a limit of its own.
      if (account.requests > 0 && account.bytes + sizeBytes > bytesMax)
        throw this.#quotas.busy(owner, 'bytes-in-flight', account.bytes + sizeBytes);
    }
  }

  /** Throws as `checkWrite`; `leaveWrite` follows where it does not. */
  enterWrite(sizeBytes: number): void {
    this.checkWrite(sizeBytes);
    for (const { account } of this.#owners) {
      account.requests++;
      account.bytes += sizeBytes;
    }
  }

  leaveWrite(sizeBytes: number): void {
    for (const { account } of this.#owners) {
      account.requests--;
      account.bytes -= sizeBytes;
    }
  }

  /** A protocol or a language of this sender: few, and each is named once. */
  #nameOf(protocol: string): string {
    let name = this.#names.get(protocol);
    if (name === undefined) {
      name = this.#tokenId === '' ? protocol : `token ${this.#tokenId}, ${protocol}`;
      this.#names.set(protocol, name);
    }
    return name;
  }

  /** Samples go to the log; negative: they did not come there. */
  takeSamples(count: number, protocol: string): void {
    if (!this.#quotas.countsSamples) return;
    const nowMs = this.#quotas.nowMs();
    const name = this.#nameOf(protocol);
    for (const owner of this.#owners) {
      const { account, tenant, tokenId } = owner;
      const before = account.closedAt(nowMs);
      account.writers.add(name, count, nowMs);
      account.take(count, nowMs);
      const closed = account.closedAt(nowMs);
      this.#quotas.tellNear(owner, 'samples-per-second', account.samplesPerSecond, nowMs);
      this.#quotas.tellNear(owner, 'points-per-day', account.dayPoints, nowMs);
      if (closed !== undefined && closed.untilMs !== before?.untilMs)
        this.#quotas.tellClosed({ tenant, tokenId, closed });
    }
  }

  /** How many of these exemplars may be stored. */
  takeExemplars(count: number, protocol: string): number {
    const nowMs = this.#quotas.nowMs();
    let kept = count;
    let over: Owner | undefined;
    for (const owner of this.#owners) {
      const limit = this.#quotas.part(owner.account.limits['exemplars-per-minute']);
      const left = wholePart(owner.account.exemplars.left(nowMs, limit));
      if (left >= kept) continue;
      kept = left;
      over = owner;
    }
    if (over !== undefined) {
      const sender = { tokenId: this.#tokenId, protocol };
      this.#quotas.tellLeftOut(over, 'exemplars-per-minute', count - kept, sender);
    }
    for (const { account } of this.#owners) account.exemplars.bucket.take(kept);
    return kept;
  }

  /** Throws where a query may not begin; `leaveQuery` follows where it does not. */
  enterQuery(): void {
    const nowMs = this.#quotas.nowMs();
    for (const owner of this.#owners) {
      const { account } = owner;
      if (account.queries >= account.limits['query-concurrency'])
        throw this.#quotas.refusal(owner, 'query-concurrency', account.queries + 1, undefined);
      const limit = account.limits['query-cost-per-minute'];
      const left = account.cost.left(nowMs, limit);
      if (left < 1) {
        const waitMs = account.cost.waitMs(limit);
        const value = Math.ceil(limit - left);
        const contributors = account.askers.top();
        throw this.#quotas.refusal(owner, 'query-cost-per-minute', value, waitMs, contributors);
      }
    }
    for (const { account } of this.#owners) account.queries++;
  }

  /** `language`: of the query, or what else read. */
  leaveQuery(read: QueryRead, language: string): void {
    const nowMs = this.#quotas.nowMs();
    const cost = queryCost(read);
    const name = this.#nameOf(language);
    for (const { account } of this.#owners) {
      account.queries--;
      account.cost.left(nowMs, account.limits['query-cost-per-minute']);
      account.cost.bucket.take(cost);
      account.askers.add(name, cost, nowMs);
    }
  }

  /** Throws where the range of a query is longer than it may be. */
  checkRange(rangeUs: number): void {
    const rangeSec = rangeUs / 1e6;
    if (rangeSec > this.limits['query-range'])
      throw this.#quotas.refusal(this.#owners.at(-1)!, 'query-range', rangeSec, undefined);
  }
}

interface QueryRead {
  readonly seriesRead: number;
  readonly samplesRead: number;
}

/** Units of what a query read. */
export function queryCost(read: QueryRead): number {
  return read.samplesRead + COST_PER_SERIES * read.seriesRead;
}

export class Quotas implements SeriesGate {
  readonly #parts: QuotasParts;
  #listener: QuotasListener = {};
  /** By tenant, then by token, '' the tenant's own; the one asked least recently first. */
  readonly #owners = new Map<TenantId, Map<string, Owner>>();
  /** Who asked for a series last: neighbours are mostly of one tenant. */
  #lastMaker: Owner | undefined = undefined;
  /** By tenant, then by token; asked several times a request, so no key is put together. */
  readonly #gates = new Map<TenantId, Map<string, Gate>>();
  readonly #counts: ((tenant: TenantId) => SeriesCount)[] = [];

  constructor(parts: QuotasParts) {
    this.#parts = parts;
  }

  /** One listener; it must not throw. */
  listen(listener: QuotasListener): void {
    this.#listener = listener;
  }

  nowMs(): number {
    return this.#parts.clock.nowMs();
  }

  get countsSamples(): boolean {
    return this.#parts.threadCount === undefined;
  }

  /** What of a limit of things under way this thread may use. */
  part(limit: number): number {
    const { threadCount = 1 } = this.#parts;
    return threadCount === 1 || limit === 0 ? limit : Math.max(1, Math.floor(limit / threadCount));
  }

  gate({ tenant, tokenId }: Principal): Gate {
    const known = this.#gates.get(tenant)?.get(tokenId);
    return known ?? this.#makeGate(tenant, tokenId);
  }

  #makeGate(tenant: TenantId, tokenId: string): Gate {
    const { limitsOf } = this.#parts;
    const limits = limitsOf(tenant, tokenId);
    const owners = [this.#owner(tenant, '')];
    if (tokenId !== '' && limits !== limitsOf(tenant, ''))
      owners.push(this.#owner(tenant, tokenId));
    const gate = new Gate(this, owners, { limits, tokenId });
    let ofTenant = this.#gates.get(tenant);
    if (ofTenant === undefined) this.#gates.set(tenant, (ofTenant = new Map()));
    ofTenant.set(tokenId, gate);
    return gate;
  }

  #owner(tenant: TenantId, tokenId: string): Owner {
    let ofTenant = this.#owners.get(tenant);
    if (ofTenant === undefined) {
      this.#bound();
      this.#owners.set(tenant, (ofTenant = new Map()));
    }
    let owner = ofTenant.get(tokenId);
    if (owner === undefined) {
      const account = new Account(this.#parts.limitsOf(tenant, tokenId), this.nowMs());
      owner = {
        tenant,
        tokenId,
        account,
        elsewhere: undefined,
        seriesHit: undefined,
        seriesToldMs: -Infinity,
        nearToldMs: -Infinity,
        seriesLease: 0,
        leaseLimits: undefined,
      };
      ofTenant.set(tokenId, owner);
    }
    return owner;
  }

  /** Tenants that only ask cost nothing for long: those that take nothing are forgotten. */
  #bound(): void {
    if (this.#owners.size < ACCOUNTS_MAX) return;
    this.#lastMaker = undefined;
    for (const [tenant, owners] of this.#owners) {
      if (![...owners.values()].every(({ account }) => account.isIdle)) continue;
      this.#owners.delete(tenant);
    }
    this.#gates.clear();
  }

  /** Points of this day that an earlier process took; `tokenId` '': of the whole tenant. */
  addToday(tenant: TenantId, tokenId: string, points: number): void {
    this.#owner(tenant, tokenId).account.addToday(points, this.nowMs());
  }

  /** For threads that begin. */
  closedAccounts(): readonly ClosedAccount[] {
    const nowMs = this.nowMs();
    return [...this.#owners.values()].flatMap((owners) =>
      [...owners.values()].flatMap(({ tenant, tokenId, account }) => {
        const closed = account.closedAt(nowMs);
        return closed === undefined ? [] : [{ tenant, tokenId, closed }];
      }),
    );
  }

  /** What is used now of what is counted here; of a token where its limit is the lower one. */
  used(tenant: TenantId, tokenId: string): Partial<Record<LimitId, number>> {
    const nowMs = this.nowMs();
    const ofTenant = this.#parts.limitsOf(tenant, '');
    const limits = this.#parts.limitsOf(tenant, tokenId);
    const used = this.#owner(tenant, '').account.used(nowMs);
    used['active-series'] = this.activeSeries(tenant);
    if (limits === ofTenant) return used;
    const own = this.#owner(tenant, tokenId).account.used(nowMs);
    for (const id of LIMIT_IDS)
      if (limits[id] < ofTenant[id] && own[id] !== undefined) used[id] = own[id];
    return used;
  }

  /** The limits of a tenant or of a token of it have changed: they hold from now on. */
  changed(tenant: TenantId): void {
    const nowMs = this.nowMs();
    for (const { account, tokenId } of this.#owners.get(tenant)?.values() ?? [])
      account.setLimits(this.#parts.limitsOf(tenant, tokenId), nowMs);
    for (const owner of this.#owners.get(tenant)?.values() ?? []) owner.elsewhere = undefined;
    this.#gates.delete(tenant);
  }

  /** The tenant is gone. What is under way keeps its account until it has ended. */
  forget(tenant: TenantId): void {
    this.#lastMaker = undefined;
    this.#owners.delete(tenant);
    this.#gates.delete(tenant);
  }

  /** Tenants that have an account. */
  get accountCount(): number {
    return this.#owners.size;
  }

  /** Another thread has counted. */
  close({ tenant, tokenId, closed }: ClosedAccount): void {
    this.#owner(tenant, tokenId).elsewhere = closed;
  }

  tellClosed(account: ClosedAccount): void {
    this.#listener.onClosed?.(account);
  }

  /** As Gate.checkWrite; the largest body that may come. */
  checkWrite(principal: Principal, sizeBytes: number): number {
    const gate = this.gate(principal);
    gate.checkWrite(sizeBytes);
    return gate.limits['body-bytes'];
  }

  // -------------------------------------------------------------- series

  watch(count: (tenant: TenantId) => SeriesCount): void {
    this.#counts.push(count);
  }

  /** Written within the last hour, to the second: the number that limits, pages and errors show. */
  activeSeries(tenant: TenantId): number {
    return this.#counts.reduce((sum, count) => sum + count(tenant).active, 0);
  }

  admits(tenant: TenantId): boolean {
    const owner = this.#maker(tenant);
    if (owner.seriesLease > 0 && owner.leaseLimits === owner.account.limits) {
      owner.seriesLease--;
      return true;
    }
    const nowMs = this.nowMs();
    const hit = this.#seriesHit(owner, nowMs);
    if (hit === undefined) return true;
    owner.seriesHit = hit;
    if (nowMs - owner.seriesToldMs >= 1000) {
      owner.seriesToldMs = nowMs;
      this.#listener.onSeriesRefused?.(hit);
    }
    return false;
  }

  #maker(tenant: TenantId): Owner {
    const last = this.#lastMaker;
    if (last?.tenant === tenant) return last;
    return (this.#lastMaker = this.#owner(tenant, ''));
  }

  /** The last refusal of a series of the tenant. */
  lastSeriesHit(tenant: TenantId): LimitHit | undefined {
    return this.#owners.get(tenant)?.get('')?.seriesHit;
  }

  /** Another thread refused a series. */
  hearSeriesRefused(hit: LimitHit): void {
    this.#owner(hit.tenant, '').seriesHit = hit;
  }

  #seriesHit(owner: Owner, nowMs: number): LimitHit | undefined {
    const { tenant, account } = owner;
    const { limits } = account;
    let value = 0;
    for (const count of this.#counts) {
      const { active, reserved } = count(tenant);
      value += active + reserved;
    }
    const limit = limits['active-series'];
    this.tellNear(owner, 'active-series', value, nowMs);
    if (value >= limit) {
      const retryAfterSec = SERIES_RETRY_SEC;
      return { tenant, tokenId: '', id: 'active-series', limit, value, retryAfterSec };
    }
    const perMinute = limits['new-series-per-minute'];
    const left = account.newSeries.left(nowMs, perMinute);
    this.tellNear(owner, 'new-series-per-minute', Math.ceil(perMinute - left), nowMs);
    // Each series that is made asks once, so what both limits have room for need not be asked.
    const room = Math.min(limit * NEAR_SHARE - value, left - perMinute * (1 - NEAR_SHARE));
    owner.seriesLease = room > SERIES_LEASE ? SERIES_LEASE - 1 : 0;
    owner.leaseLimits = limits;
    if (left >= 1) return undefined;
    const made = Math.ceil(perMinute - left);
    const retryAfterSec = retrySec(account.newSeries.waitMs(perMinute));
    const id = 'new-series-per-minute';
    return { tenant, tokenId: '', id, limit: perMinute, value: made, retryAfterSec };
  }

  /** How many of these descriptions of metrics may be stored. */
  takeMetadata(tenant: TenantId, count: number): number {
    const owner = this.#owner(tenant, '');
    const { metadata, limits } = owner.account;
    const left = wholePart(metadata.left(this.nowMs(), limits['metadata-per-minute']));
    const kept = Math.min(count, left);
    if (kept < count) this.tellLeftOut(owner, 'metadata-per-minute', count - kept, undefined);
    metadata.bucket.take(kept);
    return kept;
  }

  made(tenant: TenantId): void {
    this.#maker(tenant).account.newSeries.bucket.take(1);
  }

  // -------------------------------------------------------------- refusals

  tellNear(owner: Owner, id: LimitId, value: number, nowMs: number): void {
    const { tenant, tokenId, account } = owner;
    const limit = account.limits[id];
    if (value === 0 || value < limit * NEAR_SHARE || nowMs - owner.nearToldMs < NEAR_TOLD_MS)
      return;
    owner.nearToldMs = nowMs;
    this.#listener.onNear?.({ tenant, tokenId, id, limit, value });
  }

  tellLeftOut(owner: Owner, id: LimitId, count: number, sender: SeriesSender | undefined): void {
    const { tenant, tokenId, account } = owner;
    const limit = account.limits[id];
    this.#listener.onLeftOut?.({ tenant, tokenId, id, limit, value: limit + count }, sender);
  }

  /** Too much is under way: who wrote most lately is likely to have it. */
  busy(owner: Owner, id: LimitId, value: number): AppError {
    return this.refusal(owner, id, value, undefined, owner.account.writers.top());
  }

  closedRefusal(owner: Owner, { id, value, contributors }: Closed, waitMs: number): AppError {
    return this.refusal(owner, id, value, waitMs, contributors);
  }

  refusal(
    owner: Owner,
    id: LimitId,
    value: number,
    waitMs: number | undefined,
    contributors: readonly string[] = [],
  ): AppError {
    const { tenant, tokenId, account } = owner;
    const hit = { tenant, tokenId, id, limit: account.limits[id], value };
    const limit = limitFacts(hit, contributors);
    const [most] = contributors;
    const said = limitSentence(hit) + (most === undefined ? '' : `; ${most} contributes most`);
    const { retryable } = LIMITS[id];
    const kind = id === 'body-bytes' ? 'tooLarge' : 'limited';
    if (!retryable) return new AppError(kind, id, said, { retryable, limit });
    return new AppError(kind, id, said, { retryAfterSec: retrySec(waitMs ?? 0), limit });
  }
}

function retrySec(waitMs: number): number {
  return Math.min(Math.max(Math.ceil(waitMs / 1000), BUSY_RETRY_SEC), RETRY_AFTER_SEC_MAX);
}

function wholePart(level: number): number {
  return Math.max(0, Math.floor(level));
}

/** As `limit` of an answer. */
export function limitFacts(
  { id, limit, value }: LimitHit,
  contributors: readonly string[],
): LimitFacts {
  return { id, limit, value, contributors, docs: limitDocs(id) };
}

/** What was there or asked for, and the limit. */
export function limitSentence({ tenant, tokenId, id, limit, value }: LimitHit): string {
  const who = tokenId === '' ? `tenant "${tenant}"` : `token ${tokenId} of tenant "${tenant}"`;
  return `${who} is over its limit ${id}: ${value}, at most ${limit}; see ${limitDocs(id)}`;
}
