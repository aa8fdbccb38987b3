// What pushed groups take, by tenant and together. A tenant may take half of what the others leave:
// so a tenant alone has half, and whoever comes next still finds room, whatever the others push.
import { AppError } from '../../model/errors.ts';
import type { TenantId } from '../../model/tenant.ts';
import { PUSH_BYTES_MAX, PUSH_GROUP_BYTES_MAX, PUSH_GROUPS_MAX } from '../limits.ts';

export interface PushBounds {
  readonly groupBytesMax: number;
  readonly groupsMax: number;
  readonly bytesMax: number;
}

const BOUNDS: PushBounds = {
  groupBytesMax: PUSH_GROUP_BYTES_MAX,
  groupsMax: PUSH_GROUPS_MAX,
  bytesMax: PUSH_BYTES_MAX,
};

interface Taken {
  groups: number;
  bytes: number;
}

export class PushRoom {
  readonly #bounds: PushBounds;
  readonly #tenants = new Map<TenantId, Taken>();
  readonly #all: Taken = { groups: 0, bytes: 0 };

  constructor(bounds = BOUNDS) {
    this.#bounds = bounds;
  }

  /**
   * Throws AppError tooLarge where a group of so many bytes may not take the place of one of
   * `before` (undefined: of none). What becomes no larger always may.
   */
  check(tenant: TenantId, sizeBytes: number, before: number | undefined): void {
    const { groupBytesMax, groupsMax, bytesMax } = this.#bounds;
    if (sizeBytes > groupBytesMax)
      throw tooLarge(`a group may take ${groupBytesMax} bytes, this one takes ${sizeBytes}`);
    const own = this.#tenants.get(tenant) ?? { groups: 0, bytes: 0 };
    const bytes = own.bytes - (before ?? 0) + sizeBytes;
    const bytesShare = half(bytesMax - (this.#all.bytes - own.bytes));
    if (sizeBytes > (before ?? 0) && bytes > bytesShare)
      throw tooLarge(
        `the groups of a tenant may take ${bytesShare} bytes now, half of what others leave of ` +
          `${bytesMax}, and these would take ${bytes}: delete some`,
      );
    const groupsShare = half(groupsMax - (this.#all.groups - own.groups));
    if (before === undefined && own.groups >= groupsShare)
      throw tooLarge(
        `a tenant may have ${groupsShare} groups now, half of what others leave of ` +
          `${groupsMax}: delete some`,
      );
  }

  /** A group is there, in place of one of `before` bytes. */
  put(tenant: TenantId, sizeBytes: number, before: number | undefined): void {
    let own = this.#tenants.get(tenant);
    if (own === undefined) this.#tenants.set(tenant, (own = { groups: 0, bytes: 0 }));
    for (const taken of [own, this.#all]) {
      taken.bytes += sizeBytes - (before ?? 0);
      if (before === undefined) taken.groups++;
    }
  }

  /** A group of so many bytes is gone. */
  drop(tenant: TenantId, sizeBytes: number): void {
    const own = this.#tenants.get(tenant);
    if (own === undefined) return;
    for (const taken of [own, this.#all]) {
      taken.bytes -= sizeBytes;
      taken.groups--;
    }
    if (own.groups === 0) this.#tenants.delete(tenant);
  }
}

function half(count: number): number {
  return Math.max(0, Math.floor(count / 2));
}

function tooLarge(message: string): AppError {
  return new AppError('tooLarge', 'pushed-too-much', message);
}
