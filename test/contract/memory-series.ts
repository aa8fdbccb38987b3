// What the storage in memory holds of a tenant: series with their points, exemplars and attributes,
// each in all of its versions.
import type { Exemplar, Metadata, NameSplit } from '../../src/model/columns.ts';
import type { Labels } from '../../src/model/labels.ts';
import type { DeleteRequest } from '../../src/model/storage.ts';
import type { Principal, TenantId } from '../../src/model/tenant.ts';
import type { PointValue } from './memory-columns.ts';

/** Versions of one thing in write order; undefined = deleted. */
export class Versioned<T> {
  #versions: { readonly sequence: number; readonly value: T | undefined }[] = [];

  set(sequence: number, value: T | undefined, keepOld: boolean): void {
    if (!keepOld) this.#versions = [];
    this.#versions.push({ sequence, value });
  }

  at(sequence: number): T | undefined {
    return this.#versions.findLast((version) => version.sequence <= sequence)?.value;
  }
}

export interface Slot {
  readonly tUs: number;
  readonly subNs: number;
  readonly versions: Versioned<PointValue>;
}

interface ExemplarSlot {
  readonly exemplar: Omit<Exemplar, 'ref'>;
  readonly versions: Versioned<Omit<Exemplar, 'ref'>>;
}
export class MemorySeries {
  readonly tenant: TenantId;
  readonly labels: Labels;
  readonly slots = new Map<string | number, Slot>();
  readonly exemplars = new Map<string, ExemplarSlot>();
  readonly attributes = new Map<string, Versioned<string>>();
  #sorted: Slot[] | undefined = undefined;

  constructor(tenant: TenantId, labels: Labels) {
    this.tenant = tenant;
    this.labels = labels;
  }

  slot(tUs: number, subNs: number): Slot {
    const key = subNs === 0 ? tUs : `${tUs}+${subNs}`;
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = { tUs, subNs, versions: new Versioned() };
      this.slots.set(key, slot);
      this.#sorted = undefined;
    }
    return slot;
  }

  /** Visible points in [startUs, endUs], in time order. */
  points(sequence: number, startUs: number, endUs: number): { slot: Slot; value: PointValue }[] {
    this.#sorted ??= [...this.slots.values()].toSorted(
      (a, b) => a.tUs - b.tUs || a.subNs - b.subNs,
    );
    const out = [];
    for (const slot of this.#sorted) {
      if (slot.tUs < startUs || slot.tUs > endUs) continue;
      const value = slot.versions.at(sequence);
      if (value !== undefined) out.push({ slot, value });
    }
    return out;
  }
}

export interface MemoryTenant {
  readonly series: Map<string, MemorySeries>;
  readonly metadata: Map<string, Versioned<Metadata>>;
  readonly splits: Map<string, Versioned<NameSplit>>;
  readonly batchIds: Set<string>;
}

/** Everything of a tenant that has no time. */
export function timelessOf({
  metadata,
  splits,
  series,
}: MemoryTenant): Iterable<Versioned<unknown>> {
  const attributes = [...series.values()].flatMap((one) => [...one.attributes.values()]);
  return [...metadata.values(), ...splits.values(), ...attributes];
}

/** Does a delete take all of its tenant? */
export function isOfAll(
  { matchers, startUs, endUs }: DeleteRequest,
  principal: Principal,
): boolean {
  const { forcedMatchers, minTUs, maxTUs } = principal;
  const [first, last] = [Math.max(startUs, minTUs), Math.min(endUs, maxTUs)];
  return matchers.length + forcedMatchers.length === 0 && first === -Infinity && last === Infinity;
}
