// `watchChanges` and `changeVersion` of the storage in memory: a list of all changes that are told.
import type { Labels } from '../../src/model/labels.ts';
import { labelValue, METRIC_NAME } from '../../src/model/labels.ts';
import type { TenantId } from '../../src/model/tenant.ts';

interface Change {
  readonly tenant: TenantId;
  readonly name: string;
  readonly tUs: number;
}

export class MemoryChanges {
  readonly #changes: Change[] = [];
  #watchedUs = Number.NEGATIVE_INFINITY;

  watch(belowUs: number): void {
    this.#watchedUs = Math.max(this.#watchedUs, belowUs);
  }

  written(tenant: TenantId, labels: Labels, tUs: number): void {
    if (tUs < this.#watchedUs) this.deleted(tenant, labels, tUs);
  }

  deleted(tenant: TenantId, labels: Labels, tUs: number): void {
    this.#changes.push({ tenant, name: labelValue(labels, METRIC_NAME), tUs });
  }

  version(
    tenant: TenantId,
    metricName: string | undefined,
    { startUs, endUs }: { readonly startUs: number; readonly endUs: number },
  ): number {
    const found = this.#changes.findLastIndex(
      (one) =>
        one.tenant === tenant &&
        (metricName === undefined || one.name === metricName) &&
        one.tUs >= startUs &&
        one.tUs <= endUs,
    );
    return found + 1;
  }
}
