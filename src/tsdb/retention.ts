// How long points are kept. Per tenant a limit of time and one of bytes, its own or the shard's
// default; without either nothing expires. From them comes the tenant's horizon: what is older is
// invisible at once, left out of every part written from then on, and dropped with its part. A
// horizon by bytes moves only when the house is kept, is stored, and never falls until the limit is
// set anew. Tables are immutable, so that a pin can keep one.
import type { Retention } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Part } from './part-reader.ts';

const NEVER = Number.NEGATIVE_INFINITY;

export class RetentionTable {
  readonly fallback: Retention;
  readonly #own: ReadonlyMap<TenantId, Retention>;
  /** Horizons by bytes, in microseconds. */
  readonly #byBytes: ReadonlyMap<TenantId, number>;

  constructor(
    fallback: Retention,
    own: ReadonlyMap<TenantId, Retention> = new Map(),
    byBytes: ReadonlyMap<TenantId, number> = new Map(),
  ) {
    this.fallback = fallback;
    this.#own = own;
    this.#byBytes = byBytes;
  }

  own(tenant: TenantId): Retention | undefined {
    return this.#own.get(tenant);
  }

  of(tenant: TenantId): Retention {
    return this.#own.get(tenant) ?? this.fallback;
  }

  /** Points below are expired at `nowMs`; -Infinity where none are. */
  horizonUs(tenant: TenantId, nowMs: number): number {
    const { timeMs } = this.of(tenant);
    const byTime = timeMs === undefined ? NEVER : (nowMs - timeMs) * 1000;
    return Math.max(byTime, this.#byBytes.get(tenant) ?? NEVER);
  }

  /** No tenant's horizon is later. */
  latestHorizonUs(nowMs: number): number {
    let latest = NEVER;
    for (const { timeMs } of [this.fallback, ...this.#own.values()])
      if (timeMs !== undefined) latest = Math.max(latest, (nowMs - timeMs) * 1000);
    for (const horizon of this.#byBytes.values()) latest = Math.max(latest, horizon);
    return latest;
  }

  get hasSizeLimit(): boolean {
    const limits = [this.fallback, ...this.#own.values()];
    return limits.some(({ sizeBytes }) => sizeBytes !== undefined);
  }

  /** The tenant's own limits; undefined: the default. Its horizon by bytes starts anew. */
  with(tenant: TenantId, retention: Retention | undefined): RetentionTable {
    const own = new Map(this.#own);
    if (retention === undefined) own.delete(tenant);
    else own.set(tenant, retention);
    const byBytes = new Map(this.#byBytes);
    byBytes.delete(tenant);
    return new RetentionTable(this.fallback, own, byBytes);
  }

  withHorizons(moved: ReadonlyMap<TenantId, number>): RetentionTable {
    return new RetentionTable(this.fallback, this.#own, new Map([...this.#byBytes, ...moved]));
  }

  /** Horizons by bytes that the parts ask for and that are later than those in force. */
  async movedHorizons(parts: readonly Part[], nowMs: number): Promise<Map<TenantId, number>> {
    const moved = new Map<TenantId, number>();
    if (!this.hasSizeLimit) return moved;
    for (const [tenant, shares] of await sharesOf(parts)) {
      const { sizeBytes } = this.of(tenant);
      if (sizeBytes === undefined) continue;
      const horizon = horizonBySize(shares, sizeBytes);
      if (horizon > this.horizonUs(tenant, nowMs)) moved.set(tenant, horizon);
    }
    return moved;
  }
}

/** The same time and so many times the bytes. */
export function scaledRetention({ timeMs, sizeBytes }: Retention, factor: number): Retention {
  return { timeMs, sizeBytes: sizeBytes === undefined ? undefined : sizeBytes * factor };
}

/** A tenant's share of one part: its bytes by its share of the samples, spread evenly over time. */
interface Share {
  readonly minUs: number;
  readonly maxUs: number;
  readonly sizeBytes: number;
}

async function sharesOf(parts: readonly Part[]): Promise<Map<TenantId, Share[]>> {
  const out = new Map<TenantId, Share[]>();
  for (const part of parts) {
    const { row } = part;
    if (part.isDamaged || row.sampleCount === 0) continue;
    for (const { tenant, sampleCount, minUs, maxUs } of await part.tenants()) {
      if (sampleCount === 0) continue;
      const sizeBytes = (row.sizeBytes * sampleCount) / row.sampleCount;
      const known = out.get(tenant);
      if (known === undefined) out.set(tenant, [{ minUs, maxUs, sizeBytes }]);
      else known.push({ minUs, maxUs, sizeBytes });
    }
  }
  return out;
}

/** Whole bytes of each tenant's samples in the parts. */
export async function bytesByTenant(parts: readonly Part[]): Promise<Map<TenantId, number>> {
  const out = new Map<TenantId, number>();
  for (const [tenant, shares] of await sharesOf(parts))
    out.set(tenant, Math.round(shares.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)));
  return out;
}

/** How much of [minUs, maxUs] is below the horizon, 0…1. */
export function shareBelow(range: { minUs: number; maxUs: number }, horizonUs: number): number {
  const { minUs, maxUs } = range;
  if (horizonUs <= minUs) return 0;
  if (horizonUs > maxUs) return 1;
  return (horizonUs - minUs) / (maxUs - minUs + 1);
}

/** The earliest time from which on the shares take at most `limitBytes`; -Infinity: all fit. */
function horizonBySize(shares: readonly Share[], limitBytes: number): number {
  const sizeFrom = (horizonUs: number): number =>
    shares.reduce((sum, one) => sum + one.sizeBytes * (1 - shareBelow(one, horizonUs)), 0);
  if (sizeFrom(NEVER) <= limitBytes) return NEVER;
  let low = Math.min(...shares.map((one) => one.minUs));
  let high = Math.max(...shares.map((one) => one.maxUs)) + 1;
  while (high - low > 1) {
    const middle = Math.floor(low + (high - low) / 2);
    if (sizeFrom(middle) <= limitBytes) high = middle;
    else low = middle;
  }
  return high;
}
