// The RAM index of one shard: label sets to refs, and per tenant postings by label name and value.
// A ref is given by `resolve` at once; the series enters the postings with its first applied point.
// Refs are never reused inside a process; unused refs are forgotten with the process.
import type { SeriesRef } from '../model/columns.ts';
import { compareLabels, compareUtf8, labelsKey } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { matchesAll } from '../model/matcher.ts';
import type { Matcher } from '../model/matcher.ts';
import type { TenantId } from '../model/tenant.ts';
import { must } from '../stdx/assert.ts';

/** Growable ascending list of refs. */
class RefList {
  #refs = new Uint32Array(4);
  count = 0;

  push(ref: SeriesRef): void {
    if (this.count === this.#refs.length) {
      const grown = new Uint32Array(this.count * 2);
      grown.set(this.#refs);
      this.#refs = grown;
    }
    this.#refs[this.count++] = ref;
  }

  view(): Uint32Array {
    return this.#refs.subarray(0, this.count);
  }
}

interface TenantIndex {
  readonly id: TenantId;
  readonly refs: Map<string, SeriesRef>;
  readonly all: RefList;
  /** Indexed refs in label order; those in `unsorted` are not yet in it. */
  sorted: Uint32Array;
  unsorted: SeriesRef[];
  readonly postings: Map<string, Map<string, RefList>>;
}

export class SeriesIndex {
  readonly #tenants = new Map<TenantId, TenantIndex>();
  readonly #labels: Labels[] = [];
  readonly #owner: TenantIndex[] = [];
  readonly #isIndexed: boolean[] = [];
  /** One copy of each label text. */
  readonly #texts = new Map<string, string>();
  /** Place of a ref in its tenant's `sorted`. */
  #ranks = new Uint32Array(1024);
  #indexedCount = 0;

  /** Series with at least one applied point. */
  get indexedCount(): number {
    return this.#indexedCount;
  }

  #tenant(id: TenantId): TenantIndex {
    let tenant = this.#tenants.get(id);
    if (tenant === undefined) {
      tenant = {
        id,
        refs: new Map(),
        all: new RefList(),
        sorted: new Uint32Array(0),
        unsorted: [],
        postings: new Map(),
      };
      this.#tenants.set(id, tenant);
    }
    return tenant;
  }

  resolve(tenantId: TenantId, labels: Labels): SeriesRef {
    const tenant = this.#tenant(tenantId);
    const key = labelsKey(labels);
    let ref = tenant.refs.get(key);
    if (ref === undefined) {
      ref = this.#labels.length;
      tenant.refs.set(key, ref);
      this.#labels.push(labels.map((text) => this.#intern(text)));
      this.#owner.push(tenant);
      this.#isIndexed.push(false);
    }
    return ref;
  }

  #intern(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }

  labelsOf(ref: SeriesRef): Labels {
    return must(this.#labels[ref], 'the ref is known');
  }

  /** undefined where the shard does not know the ref. */
  tenantOf(ref: SeriesRef): TenantId | undefined {
    return this.#owner[ref]?.id;
  }

  /** Makes a series findable. */
  addToPostings(ref: SeriesRef): void {
    if (this.#isIndexed[ref] === true) return;
    this.#isIndexed[ref] = true;
    this.#indexedCount++;
    const tenant = must(this.#owner[ref], 'the ref is known');
    const labels = this.labelsOf(ref);
    tenant.all.push(ref);
    tenant.unsorted.push(ref);
    for (let i = 0; i < labels.length; i += 2) {
      let values = tenant.postings.get(labels[i]!);
      if (values === undefined) tenant.postings.set(labels[i]!, (values = new Map()));
      let list = values.get(labels[i + 1]!);
      if (list === undefined) values.set(labels[i + 1]!, (list = new RefList()));
      list.push(ref);
    }
  }

  /**
   * Series of a tenant that all matchers accept, in label order. Complexity: what matches, plus
   * once per query the series that are new since the last one, plus a pass over the tenant where
   * there are.
   */
  select(tenantId: TenantId, matchers: readonly Matcher[]): Uint32Array {
    const tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) return new Uint32Array(0);
    this.#sort(tenant);
    let lists: readonly RefList[] | undefined;
    let best = tenant.all.count;
    for (const one of matchers) {
      const candidates = candidateLists(tenant, one);
      if (candidates === undefined) continue;
      const count = candidates.reduce((sum, list) => sum + list.count, 0);
      if (lists !== undefined && count >= best) continue;
      best = count;
      lists = candidates;
    }
    if (lists === undefined)
      return tenant.sorted.filter((ref) => matchesAll(matchers, this.#labels[ref]!));
    const ranks: number[] = [];
    for (const list of lists)
      for (const ref of list.view())
        if (matchesAll(matchers, this.#labels[ref]!)) ranks.push(this.#ranks[ref]!);
    return Uint32Array.from(ranks)
      .toSorted()
      .map((rank) => tenant.sorted[rank]!);
  }

  #sort(tenant: TenantIndex): void {
    if (tenant.unsorted.length === 0) return;
    const labels = this.#labels;
    const added = tenant.unsorted.toSorted((a, b) => compareLabels(labels[a]!, labels[b]!));
    const old = tenant.sorted;
    const merged = new Uint32Array(old.length + added.length);
    let from = 0;
    for (const [i, ref] of added.entries()) {
      let low = from;
      let high = old.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (compareLabels(labels[old[middle]!]!, labels[ref]!) < 0) low = middle + 1;
        else high = middle;
      }
      merged.set(old.subarray(from, low), from + i);
      merged[low + i] = ref;
      from = low;
    }
    merged.set(old.subarray(from), from + added.length);
    if (labels.length > this.#ranks.length) {
      const longer = new Uint32Array(Math.max(labels.length, this.#ranks.length * 2));
      longer.set(this.#ranks);
      this.#ranks = longer;
    }
    tenant.sorted = merged;
    tenant.unsorted = [];
    for (let rank = 0; rank < merged.length; rank++) this.#ranks[merged[rank]!] = rank;
  }

  /** Tenants with at least one applied point, sorted. */
  tenants(): TenantId[] {
    return [...this.#tenants.values()]
      .filter((tenant) => tenant.all.count > 0)
      .map((tenant) => tenant.id)
      .toSorted(compareUtf8);
  }
}

/**
 * Disjoint postings that hold every series the matcher accepts; undefined: no list is that good.
 */
function candidateLists(tenant: TenantIndex, one: Matcher): RefList[] | undefined {
  if (one.type === '!=' || one.type === '!~' || one.matches('')) return undefined;
  const values = tenant.postings.get(one.name);
  if (values === undefined) return [];
  const exact = one.type === '=' ? [one.value] : one.regex?.literals;
  if (exact !== undefined)
    return exact.map((value) => values.get(value)).filter((list) => list !== undefined);
  const out: RefList[] = [];
  for (const [value, list] of values) if (one.matches(value)) out.push(list);
  return out;
}
