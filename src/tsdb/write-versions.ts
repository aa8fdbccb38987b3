// When what lies below the watched time last changed, so that a cache of results can tell exactly
// what is still right: a version per (tenant, hash of the metric name mod 256, bucket of time). The
// cache watches what it is about to keep (wall clock - 5 min and older): writes above the highest
// watched time move nothing, for nobody has kept what is above it, whatever clocks do; late writes
// and deletes move the versions of what they touch. Versions only grow; they and what is forgotten
// of them (more than the bound of buckets) err on the side of "changed".
//
// Conservative in one way more: a row of a batch stands for its series' metric name, a delete
// without an exact name for all names.
import { isConstant } from '../model/columns.ts';
import type { Points } from '../model/columns.ts';
import type { Matcher } from '../model/matcher.ts';
import { METRIC_NAME } from '../model/labels.ts';
import type { TenantId } from '../model/tenant.ts';
import { slotOf } from './refs.ts';
import { VERSION_BUCKET_US, VERSION_BUCKETS_MAX } from './limits.ts';

const NAME_SLOTS = 256;
/** Slot of changes to all names. */
const ALL_NAMES = NAME_SLOTS;
/** The key of a bucket and a slot: bucket * KEY_SLOTS + slot. */
const KEY_SLOTS = 512;

interface TenantVersions {
  /** By bucket and slot (KEY_SLOTS). */
  readonly buckets: Map<number, number>;
  /** By slot: the version at which its buckets were forgotten, or all of its time changed. */
  readonly floors: Float64Array;
  /** Batches and deletes. */
  count: number;
}

export class WriteVersions {
  readonly #tenants = new Map<TenantId, TenantVersions>();
  /** A change to any of these: 0 before the first. */
  #version = 0;
  /** Of tenants that are not known, and where the counts of new ones begin. */
  #floor = 0;
  #countFloor = 0;
  /** Writes at or above it move nothing. */
  #watchedUs = Number.NEGATIVE_INFINITY;
  /** By slot the last bucket that the batch at hand has moved. */
  readonly #moved = new Float64Array(NAME_SLOTS);

  #of(tenant: TenantId): TenantVersions {
    let versions = this.#tenants.get(tenant);
    if (versions === undefined) {
      const floors = new Float64Array(NAME_SLOTS + 1).fill(this.#floor);
      versions = { buckets: new Map(), floors, count: this.#countFloor };
      this.#tenants.set(tenant, versions);
    }
    return versions;
  }

  /** From now on writes below this time are told. */
  watch(belowUs: number): void {
    if (belowUs > this.#watchedUs) this.#watchedUs = belowUs;
  }

  /**
   * Points were applied. `nameSlots`: by slot of a series the slot of its metric name. At most one
   * comparison a sample that is not late, three one that is and lies where others of its batch did.
   */
  written(
    tenant: TenantId,
    { tUs, count }: Points,
    refs: Uint32Array,
    nameSlots: Uint8Array,
  ): void {
    if (count > 0) this.#of(tenant).count++;
    const watchedUs = this.#watchedUs;
    if (watchedUs === Number.NEGATIVE_INFINITY) return;
    if (count > 0 && tUs[0]! >= watchedUs && isConstant(tUs, count)) return;
    const moved = this.#moved;
    let isFirst = true;
    let bucket = 0;
    let startUs = 0;
    let endUs = 0;
    for (let i = 0; i < count; i++) {
      const at = tUs[i]!;
      if (at >= watchedUs) continue;
      if (!(at >= startUs && at < endUs)) {
        bucket = bucketOf(at);
        startUs = bucket * VERSION_BUCKET_US;
        endUs = startUs + VERSION_BUCKET_US;
      }
      if (isFirst) moved.fill(Number.NaN);
      isFirst = false;
      const slot = nameSlots[slotOf(refs[i]!)]!;
      if (moved[slot] === bucket) continue;
      moved[slot] = bucket;
      this.#move(this.#of(tenant), slot, bucket);
    }
  }

  /** A delete was applied. */
  deleted(
    tenant: TenantId,
    matchers: readonly Matcher[],
    { startUs, endUs }: { readonly startUs: number; readonly endUs: number },
  ): void {
    const versions = this.#of(tenant);
    versions.count++;
    const exact = matchers.find((one) => one.name === METRIC_NAME && one.type === '=');
    const slot = exact === undefined ? ALL_NAMES : nameSlot(exact.value);
    const first = bucketOf(startUs);
    const last = bucketOf(endUs);
    if (last - first < VERSION_BUCKETS_MAX)
      for (let bucket = first; bucket <= last; bucket++) this.#move(versions, slot, bucket);
    else versions.floors[slot] = ++this.#version;
  }

  /** Everything of it is deleted: to whoever kept something all of it has changed. */
  forget(tenant: TenantId): void {
    this.#countFloor = Math.max(this.#countFloor, this.countOf(tenant) + 1);
    this.#floor = ++this.#version;
    this.#tenants.delete(tenant);
  }

  get tenantCount(): number {
    return this.#tenants.size;
  }

  /** Grows with every batch of points and every delete. */
  countOf(tenant: TenantId): number {
    return this.#tenants.get(tenant)?.count ?? this.#countFloor;
  }

  #move({ buckets, floors }: TenantVersions, slot: number, bucket: number): void {
    if (buckets.size >= VERSION_BUCKETS_MAX) {
      buckets.clear();
      floors.fill(++this.#version);
    }
    buckets.set(bucket * KEY_SLOTS + slot, ++this.#version);
  }

  /**
   * A number that is the same as long as nothing that is watched has changed in [startUs, endUs],
   * for series with this metric name; undefined: of any name.
   */
  versionOf(
    tenant: TenantId,
    metricName: string | undefined,
    { startUs, endUs }: { readonly startUs: number; readonly endUs: number },
  ): number {
    const versions = this.#tenants.get(tenant);
    if (versions === undefined) return this.#floor;
    const { buckets, floors } = versions;
    const slot = metricName === undefined ? undefined : nameSlot(metricName);
    let version =
      slot === undefined ? Math.max(...floors) : Math.max(floors[slot]!, floors[ALL_NAMES]!);
    const first = bucketOf(startUs);
    const last = bucketOf(endUs);
    for (const [key, moved] of buckets) {
      if (moved <= version) continue;
      const bucket = Math.floor(key / KEY_SLOTS);
      const ofSlot = key - bucket * KEY_SLOTS;
      const isNamed = slot === undefined || ofSlot === slot || ofSlot === ALL_NAMES;
      if (isNamed && bucket >= first && bucket <= last) version = moved;
    }
    return version;
  }
}

function bucketOf(tUs: number): number {
  return Math.floor(tUs / VERSION_BUCKET_US);
}

/** Slot of a metric name: FNV-1a over UTF-16 units, folded. */
export function nameSlot(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  return (hash ^ (hash >>> 8)) & (NAME_SLOTS - 1);
}
