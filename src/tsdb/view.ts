// What can be read at one moment: parts in force, head generations, deletes. A view is immutable
// and replaced as a whole by apply, flush and merge; a pin holds one view and the moment up to
// which it sees the generations. Parts and generations that a newer view replaced go when no pin
// holds them any more.
import type { Pin } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import { AppError } from '../model/errors.ts';
import { assert, must } from '../stdx/assert.ts';
import type { Delete } from './deletes.ts';
import type { Generation } from './head.ts';
import type { Moments } from './moments.ts';
import type { Part } from './part-reader.ts';

export interface View {
  /** Ascending in (seqMin, name). */
  readonly parts: readonly Part[];
  /** Oldest first; the last one takes appends. */
  readonly generations: readonly Generation[];
  readonly deletes: readonly Delete[];
}

export class ShardPin implements Pin {
  readonly view: View;
  readonly moment: number;
  readonly owner: Pins;
  /** Per tenant: points below are expired, as of the pin. */
  readonly horizonUs: (tenant: TenantId) => number;
  isReleased = false;
  /** Why the generations of the view may not be read any more. */
  revoked: AppError | undefined = undefined;

  constructor(view: View, moment: number, owner: Pins, horizonUs: (tenant: TenantId) => number) {
    this.horizonUs = horizonUs;
    this.view = view;
    this.moment = moment;
    this.owner = owner;
  }

  /** Throws where the pin was taken away. */
  check(): void {
    if (this.revoked !== undefined) throw this.revoked;
  }

  release(): void {
    assert(!this.isReleased, 'a pin is released exactly once');
    this.isReleased = true;
    this.owner.released(this);
  }
}

export interface PinOptions {
  /** Bytes of dropped generations that pins may hold; the oldest pins go first. */
  readonly pinnedBytesMax: number;
  /** A mutation switch: nothing is held. */
  readonly ignorePins: boolean;
}

/** Live pins, and what waits for them. */
export class Pins {
  readonly #live = new Set<ShardPin>();
  readonly #moments: Moments;
  #retired: Part[] = [];
  #generations: Generation[] = [];
  readonly #remove: (part: Part) => void;
  readonly #options: PinOptions;

  /** `remove` is called once per retired part, when nothing can read it any more. */
  constructor(moments: Moments, remove: (part: Part) => void, options: PinOptions) {
    this.#moments = moments;
    this.#remove = remove;
    this.#options = options;
  }

  get count(): number {
    return this.#live.size;
  }

  pin(view: View, horizonUs: (tenant: TenantId) => number): ShardPin {
    const pin = new ShardPin(view, this.#moments.hold(), this, horizonUs);
    this.#live.add(pin);
    return pin;
  }

  released(pin: ShardPin): void {
    this.#live.delete(pin);
    this.#moments.release(pin.moment);
    this.#sweep();
  }

  retire(parts: readonly Part[]): void {
    this.#retired.push(...parts);
    this.#sweep();
  }

  /** The memory of a generation that is in parts by now. */
  retireGeneration(generation: Generation): void {
    this.#generations.push(generation);
    this.#sweep();
  }

  /** Bytes of generations that only pins hold. */
  get pinnedBytes(): number {
    return this.#generations.reduce((sum, one) => sum + one.sizeBytes, 0);
  }

  /** Generations that only pins hold. */
  get pinnedGenerations(): readonly Generation[] {
    return this.#generations;
  }

  #isHeld(holds: (view: View) => boolean): boolean {
    return !this.#options.ignorePins && this.#live.values().some((pin) => holds(pin.view));
  }

  #sweepGenerations(): void {
    const kept: Generation[] = [];
    for (const one of this.#generations)
      if (this.#isPinned(one)) kept.push(one);
      else one.drop();
    this.#generations = kept;
  }

  #isPinned(one: Generation): boolean {
    if (this.#options.ignorePins) return false;
    const live = this.#live.values();
    return live.some((pin) => pin.revoked === undefined && pin.view.generations.includes(one));
  }

  /** Takes the oldest pin that holds a dropped generation away from its query. */
  #revokeOldest(): void {
    const isHolding = ({ view, revoked }: ShardPin): boolean =>
      revoked === undefined && view.generations.some((one) => this.#generations.includes(one));
    const oldest = must(this.#live.values().find(isHolding), 'what is pinned has a pin');
    oldest.revoked = new AppError(
      'limited',
      'head-pinned',
      `running queries hold ${this.pinnedBytes} bytes of the head that were flushed meanwhile, the ` +
        `limit is ${this.#options.pinnedBytesMax} (a share of --memory): this one, the oldest, ` +
        'was cancelled',
    );
    this.#sweepGenerations();
  }

  #sweep(): void {
    this.#sweepGenerations();
    while (this.pinnedBytes > this.#options.pinnedBytesMax) this.#revokeOldest();
    // By blob: a later part may be the same blob with more deletes applied.
    const isHeld = ({ row }: Part): boolean =>
      this.#isHeld((view) => view.parts.some((part) => part.row.name === row.name));
    const free = this.#retired.filter((part) => !isHeld(part));
    this.#retired = this.#retired.filter(isHeld);
    for (const part of free) this.#remove(part);
  }
}
