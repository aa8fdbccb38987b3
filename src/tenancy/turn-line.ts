// A line in which tenants take turns, whoever came first: one that sends a thousand things at once
// delays another's by what one turn allows, not by a thousand. A turn allows so much cost; a tenant
// of weight 3 has three times as much of it. Within a tenant the oldest goes first.
//
// Deficit round robin (Shreedhar and Varghese, 1995): what a tenant did not use up is kept while it
// waits, so that a costly thing passes after some rounds, and no sooner.
import type { TenantId } from '../model/tenant.ts';
import { TURN_ROUNDS_MAX } from './limits.ts';

export interface Place {
  readonly tenant: TenantId;
  readonly cost: number;
  /** At least 1. */
  readonly weight: number;
}

interface Waiting<T> {
  readonly place: Place;
  readonly item: T;
}

interface Own<T> {
  /** Never empty. */
  readonly waiting: Waiting<T>[];
  /** What may still go in this turn. */
  credit: number;
}

export class TurnLine<T> {
  readonly #turnCost: number;
  /** In the order of their next turns. */
  readonly #owners = new Map<TenantId, Own<T>>();
  #count = 0;

  /** `turnCost`: of one turn of a tenant of weight 1. */
  constructor(turnCost: number) {
    this.#turnCost = turnCost;
  }

  get count(): number {
    return this.#count;
  }

  countOf(tenant: TenantId): number {
    return this.#owners.get(tenant)?.waiting.length ?? 0;
  }

  tenants(): Iterable<TenantId> {
    return this.#owners.keys();
  }

  push(place: Place, item: T): void {
    const own = this.#owners.get(place.tenant);
    if (own === undefined)
      this.#owners.set(place.tenant, { waiting: [{ place, item }], credit: this.#turn(place) });
    else own.waiting.push({ place, item });
    this.#count += 1;
  }

  /** The oldest of the tenant whose turn it is; it stays. */
  peek(): T | undefined {
    for (;;) {
      const [entry] = this.#owners;
      if (entry === undefined) return undefined;
      const [tenant, own] = entry;
      const { place, item } = own.waiting[0]!;
      if (this.#owners.size === 1 || own.credit >= this.#cost(place)) return item;
      this.#putBack(tenant, own);
    }
  }

  /** The oldest of the tenant whose turn it is. */
  shift(): T | undefined {
    if (this.peek() === undefined) return undefined;
    const [entry] = this.#owners;
    const [tenant, own] = entry!;
    const { place, item } = own.waiting.shift()!;
    own.credit = Math.max(0, own.credit - this.#cost(place));
    this.#count -= 1;
    const next = own.waiting[0];
    if (next === undefined) this.#owners.delete(tenant);
    else if (own.credit < this.#cost(next.place)) this.#putBack(tenant, own);
    return item;
  }

  /** Its turn is over, and it has the next one to come. */
  #putBack(tenant: TenantId, own: Own<T>): void {
    own.credit += this.#turn(own.waiting[0]!.place);
    this.#owners.delete(tenant);
    this.#owners.set(tenant, own);
  }

  #turn({ weight }: Place): number {
    return this.#turnCost * weight;
  }

  /** Nothing waits for more rounds than that. */
  #cost({ cost }: Place): number {
    return Math.min(cost, this.#turnCost * TURN_ROUNDS_MAX);
  }

  remove(tenant: TenantId, item: T): void {
    const own = this.#owners.get(tenant);
    const at = own?.waiting.findIndex((one) => one.item === item) ?? -1;
    if (own === undefined || at < 0) return;
    own.waiting.splice(at, 1);
    this.#count -= 1;
    if (own.waiting.length === 0) this.#owners.delete(tenant);
  }

  /** The tenant's newest. */
  last(tenant: TenantId): T | undefined {
    return this.#owners.get(tenant)?.waiting.at(-1)?.item;
  }
}
