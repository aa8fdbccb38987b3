// What of --memory is in use, added up in one place. Whoever holds memory that grows with the data
// says how much it is; the shards of a process share one bound. As it fills up: heads are flushed
// early (pressed); series leave memory after minutes of silence instead of an hour (crowded), and
// writes that bring new ones are refused (full), both with the room counted that flushes and merges
// of those in memory need; and in the end all writes are refused until a flush has made room. Each
// time the tenant that holds most is the first one, and one that holds little the last. What is in
// the log already is always applied. What queries hold has a bound of its own beside it: it is told
// here and refuses no write.
import { AppError } from '../model/errors.ts';
import type { TenantId } from '../model/tenant.ts';
import {
  MEMORY_FULL_SHARE,
  MEMORY_LOOK_EVERY,
  MEMORY_PRESSED_SHARE,
  MEMORY_RETRY_AFTER_SEC,
  MEMORY_SERIES_SHARE,
  SHARE_OF_LEFT,
} from './limits.ts';

interface Holder {
  readonly name: string;
  readonly sizeBytes: () => number;
}

export class MemoryBound {
  readonly bytesMax: number;
  /** Of queries, beside `bytesMax`. */
  readonly queriesBytesMax: number;
  readonly #holders: Holder[] = [];
  readonly #queryHolders: Holder[] = [];
  readonly #kept: Holder[] = [];
  readonly #byTenant: ((tenant: TenantId) => number)[] = [];
  #untilLook = 0;

  constructor(bytesMax: number, queriesBytesMax = Number.POSITIVE_INFINITY) {
    this.bytesMax = bytesMax;
    this.queriesBytesMax = queriesBytesMax;
  }

  /** Several may have one name: their sum is told. */
  hold(name: string, sizeBytes: () => number): void {
    this.#holders.push({ name, sizeBytes });
  }

  /** Room that series in memory need beside them: counted where new ones ask, and told. */
  keepFree(name: string, sizeBytes: () => number): void {
    this.#kept.push({ name, sizeBytes });
  }

  /** About so many bytes of what is held are a tenant's. */
  holdByTenant(sizeBytes: (tenant: TenantId) => number): void {
    this.#byTenant.push(sizeBytes);
  }

  #heldBy(tenant: TenantId): number {
    return this.#byTenant.reduce((sum, sizeBytes) => sum + sizeBytes(tenant), 0);
  }

  /** As `hold`, for what queries hold. */
  holdForQueries(name: string, sizeBytes: () => number): void {
    this.#queryHolders.push({ name, sizeBytes });
  }

  /** Of data. Complexity: one call a holder. */
  get usedBytes(): number {
    return sumOf(this.#holders);
  }

  /** As far as new series are concerned. */
  get #takenBytes(): number {
    return this.usedBytes + sumOf(this.#kept);
  }

  /** Bytes by name of their holders, queries among them. */
  uses(): ReadonlyMap<string, number> {
    return usesOf([...this.#holders, ...this.#kept, ...this.#queryHolders]);
  }

  /** Heads should be flushed early. */
  get isPressed(): boolean {
    return this.usedBytes > this.bytesMax * MEMORY_PRESSED_SHARE;
  }

  /** Series that are silent should leave early. */
  get isCrowded(): boolean {
    return this.#takenBytes > this.bytesMax * MEMORY_PRESSED_SHARE;
  }

  /** New series are refused; where there is room it looks only now and then. */
  get isFull(): boolean {
    if (--this.#untilLook > 0) return false;
    const isFull = this.#takenBytes > this.bytesMax * MEMORY_FULL_SHARE;
    this.#untilLook = isFull ? 0 : MEMORY_LOOK_EVERY;
    return isFull;
  }

  /** Where it is full: may the tenant have new series all the same, since it has little? */
  hasRoomFor(tenant: TenantId): boolean {
    const leftBytes = this.bytesMax * MEMORY_SERIES_SHARE - this.#takenBytes;
    return leftBytes > 0 && this.#heldBy(tenant) < leftBytes;
  }

  /**
   * Throws AppError unavailable where so many further bytes would pass the bound, or would leave
   * too little to others of what the tenant has most of.
   */
  checkRoom(furtherBytes: number, tenant: TenantId): void {
    const usedBytes = this.usedBytes + furtherBytes;
    if (usedBytes > this.bytesMax) throw this.#refusal('a write would pass the limit');
    const leftBytes = this.bytesMax - usedBytes;
    // Nobody has more than all.
    if (usedBytes <= SHARE_OF_LEFT * leftBytes) return;
    const ownBytes = this.#heldBy(tenant);
    if (ownBytes > SHARE_OF_LEFT * leftBytes)
      throw this.#refusal(`the tenant has ${Math.round(ownBytes)} bytes of it`);
  }

  /** Why a new series is refused. */
  seriesRefusal(): AppError {
    return this.#refusal('the write has series that are not in memory');
  }

  #refusal(what: string): AppError {
    const uses = [...usesOf([...this.#holders, ...this.#kept])].map(
      ([name, sizeBytes]) => `${name} ${sizeBytes}`,
    );
    return new AppError(
      'unavailable',
      'memory-full',
      `memory is full and ${what}: ${uses.join(', ')} bytes of ${this.bytesMax} (from --memory)`,
      { retryAfterSec: MEMORY_RETRY_AFTER_SEC },
    );
  }
}

function sumOf(holders: readonly Holder[]): number {
  let sum = 0;
  for (const { sizeBytes } of holders) sum += sizeBytes();
  return sum;
}

function usesOf(holders: readonly Holder[]): Map<string, number> {
  const uses = new Map<string, number>();
  for (const { name, sizeBytes } of holders) uses.set(name, (uses.get(name) ?? 0) + sizeBytes());
  return uses;
}
