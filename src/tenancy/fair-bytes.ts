// Bytes that tenants hold together, within one bound. Nobody waits: who asks is let in or not. A
// tenant that holds little is let in while there is room at all, one that holds much only while
// what is free is a part of what it holds: so the heaviest is refused first, and some room is
// always left for those who hold nothing.
//
// Dynamic thresholds of Choudhury and Hahne (1998). With k tenants that take all they get, each has
// 4 of 4k + 1 parts, and one part stays free.
import type { TenantId } from '../model/tenant.ts';
import { assert } from '../stdx/assert.ts';
import { SHARE_OF_FREE } from './limits.ts';

/** The bound of all, where one tenant alone should get `bytes`. */
export function boundOfAll(bytes: number): number {
  return Math.ceil((bytes * (SHARE_OF_FREE + 1)) / SHARE_OF_FREE);
}

export class FairBytes {
  readonly limitBytes: number;
  readonly #held = new Map<TenantId, number>();
  #heldBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  heldBy(tenant: TenantId): number {
    return this.#held.get(tenant) ?? 0;
  }

  /** False, and nothing taken, where it is another's room; `give` follows where it is true. */
  tryTake(tenant: TenantId, sizeBytes: number): boolean {
    const freeBytes = this.limitBytes - this.#heldBytes;
    const own = this.heldBy(tenant);
    const all = own + sizeBytes;
    if (sizeBytes > freeBytes) return false;
    if (own > 0 && all > SHARE_OF_FREE * (freeBytes - sizeBytes)) return false;
    this.take(tenant, sizeBytes);
    return true;
  }

  /** Whatever else is held. */
  take(tenant: TenantId, sizeBytes: number): void {
    this.#held.set(tenant, this.heldBy(tenant) + sizeBytes);
    this.#heldBytes += sizeBytes;
  }

  give(tenant: TenantId, sizeBytes: number): void {
    const left = this.heldBy(tenant) - sizeBytes;
    assert(left >= 0, 'bytes are given back once');
    this.#heldBytes -= sizeBytes;
    if (left === 0) this.#held.delete(tenant);
    else this.#held.set(tenant, left);
  }
}
