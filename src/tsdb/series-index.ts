// The RAM index of one shard: label sets to refs, and per tenant postings by label pair. A ref is
// given by `resolve` at once; the series enters the postings with its first applied point. Refs are
// never reused inside a process; unused refs are forgotten with the process.
//
// Nothing of it is a JavaScript object per series: a label set is a row of pair numbers (pairs.ts),
// a pair is two symbols (symbols.ts), the hash from label set to ref is open addressing over the
// rows. Strings are made where somebody asks for labels.
import type { SeriesRef } from '../model/columns.ts';
import { compareUtf8, NO_LABELS } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { TenantId } from '../model/tenant.ts';
import { assert } from '../stdx/assert.ts';
import { grownU32, grownU8, IdList, mergeIds } from './growable.ts';
import { KeyOrder } from './key-order.ts';
import { Pairs } from './pairs.ts';
import { Symbols } from './symbols.ts';

const FIRST_CAPACITY = 1024;
/** Above this share of a tenant's series a pass in order beats a sort of what matches. */
const PASS_SHARE = 8;
const NO_REFS = new Uint32Array(0);

interface TenantIndex {
  readonly id: TenantId;
  readonly number: number;
  count: number;
  /** Indexed refs in label order; those in `unsorted` are not yet in it. */
  sorted: Uint32Array;
  readonly unsorted: IdList;
}

/** A matcher against rows. */
interface RowTest {
  /** Postings that hold every series it accepts; undefined: no list is that good. */
  readonly candidates: readonly number[] | undefined;
  accepts(ref: SeriesRef): boolean;
}

export class SeriesIndex {
  readonly symbols: Symbols;
  readonly #pairs = new Pairs();
  readonly #tenants = new Map<TenantId, TenantIndex>();
  readonly #byNumber: TenantIndex[] = [];
  /** Labels of ref r: pairs [starts[r], starts[r + 1]). */
  #starts = new Uint32Array(FIRST_CAPACITY + 1);
  #rows = new Uint32Array(FIRST_CAPACITY);
  #owners = new Uint32Array(FIRST_CAPACITY);
  #isIndexed = new Uint8Array(FIRST_CAPACITY);
  /** Ref + 1; 0 is free. */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);
  /** High bits of the hash in each slot: most probes end here, without a look at a row. */
  #tags = new Uint8Array(FIRST_CAPACITY * 2);
  /** Place of a ref in its tenant's `sorted`. */
  #ranks = new Uint32Array(FIRST_CAPACITY);
  #row = new Uint32Array(64);
  #lastOwner = -1;
  #lastLabels: Labels = NO_LABELS;
  #refCount = 0;
  #indexedCount = 0;

  /** The seed keeps outsiders from choosing labels that collide. */
  constructor(seed = 0) {
    this.symbols = new Symbols(seed);
  }

  /** Series with at least one applied point. */
  get indexedCount(): number {
    return this.#indexedCount;
  }

  #tenant(id: TenantId): TenantIndex {
    let tenant = this.#tenants.get(id);
    if (tenant === undefined) {
      const { length: number } = this.#byNumber;
      tenant = { id, number, count: 0, sorted: NO_REFS, unsorted: new IdList() };
      this.#tenants.set(id, tenant);
      this.#byNumber.push(tenant);
    }
    return tenant;
  }

  // -------------------------------------------------------------- refs

  resolve(tenantId: TenantId, labels: Labels): SeriesRef {
    const { number } = this.#tenant(tenantId);
    const count = labels.length >>> 1;
    this.#row = grownU32(this.#row, count);
    const row = this.#row;
    const { symbols } = this;
    let hash = number;
    // Neighbours share most of their labels: `row` still holds the pairs of the last label set.
    const last = this.#lastOwner === number ? this.#lastLabels : NO_LABELS;
    this.#lastOwner = number;
    this.#lastLabels = labels;
    for (let i = 0; i < count; i++) {
      const name = labels[2 * i]!;
      const value = labels[2 * i + 1]!;
      if (last[2 * i] !== name || last[2 * i + 1] !== value)
        row[i] = this.#pairs.intern(number, symbols.intern(name), symbols.intern(value));
      hash = mixed(hash, row[i]!);
    }
    const code = finished(hash);
    const mask = this.#slots.length - 1;
    let slot = code & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const ref = this.#slots[slot]! - 1;
      if (this.#tags[slot] === code >>> 24 && this.#isRow(ref, number, count)) return ref;
    }
    this.#slots[slot] = this.#refCount + 1;
    this.#tags[slot] = code >>> 24;
    return this.#add(number, count);
  }

  #isRow(ref: SeriesRef, owner: number, count: number): boolean {
    const start = this.#starts[ref]!;
    if (this.#starts[ref + 1]! - start !== count || this.#owners[ref] !== owner) return false;
    for (let i = 0; i < count; i++) if (this.#rows[start + i] !== this.#row[i]) return false;
    return true;
  }

  /** The row at hand as a new series, whose slot is set. */
  #add(owner: number, count: number): SeriesRef {
    const ref = this.#refCount++;
    const start = this.#starts[ref]!;
    this.#rows = grownU32(this.#rows, start + count);
    for (let i = 0; i < count; i++) this.#rows[start + i] = this.#row[i]!;
    if (ref + 1 === this.#starts.length) this.#starts = grownU32(this.#starts, ref + 2);
    this.#starts[ref + 1] = start + count;
    if (ref === this.#owners.length) {
      this.#owners = grownU32(this.#owners, ref + 1);
      this.#isIndexed = grownU8(this.#isIndexed, ref + 1);
    }
    this.#owners[ref] = owner;
    if (this.#refCount * 4 > this.#slots.length * 3) this.#rehash();
    return ref;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const tags = new Uint8Array(slots.length);
    const mask = slots.length - 1;
    for (let ref = 0; ref < this.#refCount; ref++) {
      let hash = this.#owners[ref]!;
      for (let at = this.#starts[ref]!; at < this.#starts[ref + 1]!; at++)
        hash = mixed(hash, this.#rows[at]!);
      const code = finished(hash);
      let slot = code & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = ref + 1;
      tags[slot] = code >>> 24;
    }
    this.#slots = slots;
    this.#tags = tags;
  }

  /** The symbols of a series, name, value, name, value …, to the start of `out`; their number. */
  symbolsOf(ref: SeriesRef, out: number[]): number {
    assert(ref >= 0 && ref < this.#refCount, 'the ref is known');
    let count = 0;
    for (let at = this.#starts[ref]!; at < this.#starts[ref + 1]!; at++) {
      const pair = this.#rows[at]!;
      out[count++] = this.#pairs.nameOf(pair);
      out[count++] = this.#pairs.valueOf(pair);
    }
    return count;
  }

  labelsOf(ref: SeriesRef): Labels {
    assert(ref >= 0 && ref < this.#refCount, 'the ref is known');
    const labels: string[] = [];
    for (let at = this.#starts[ref]!; at < this.#starts[ref + 1]!; at++) {
      const pair = this.#rows[at]!;
      labels.push(this.symbols.text(this.#pairs.nameOf(pair)));
      labels.push(this.symbols.text(this.#pairs.valueOf(pair)));
    }
    return labels;
  }

  /** undefined where the shard does not know the ref. */
  tenantOf(ref: SeriesRef): TenantId | undefined {
    return ref >= 0 && ref < this.#refCount ? this.#byNumber[this.#owners[ref]!]!.id : undefined;
  }

  /** The first of `count` refs that is not a series of the tenant; -1 where all are. */
  foreignRef(tenantId: TenantId, refs: Uint32Array, count: number): number {
    const owner = this.#tenants.get(tenantId)?.number ?? -1;
    const owners = this.#owners;
    const refCount = this.#refCount;
    for (let i = 0; i < count; i++)
      if (refs[i]! >= refCount || owners[refs[i]!] !== owner) return refs[i]!;
    return -1;
  }

  // -------------------------------------------------------------- postings

  /** Makes a series findable. */
  addToPostings(ref: SeriesRef): void {
    if (this.#isIndexed[ref] === 1) return;
    assert(ref >= 0 && ref < this.#refCount, 'the ref is known');
    this.#isIndexed[ref] = 1;
    this.#indexedCount++;
    const tenant = this.#byNumber[this.#owners[ref]!]!;
    tenant.count++;
    tenant.unsorted.push(ref);
    const end = this.#starts[ref + 1]!;
    for (let at = this.#starts[ref]!; at < end; at++) this.#pairs.post(this.#rows[at]!, ref);
  }

  /**
   * Series of a tenant that all matchers accept, in label order; borrowed, never changed.
   * Complexity: what matches, plus once per query the series that are new since the last one, plus
   * a pass over the tenant where there are.
   */
  select(tenantId: TenantId, matchers: readonly Matcher[]): Uint32Array {
    const tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) return NO_REFS;
    this.#sort(tenant);
    if (matchers.length === 0) return tenant.sorted;
    const tests = matchers.map((one) => this.#testOf(tenant, one));
    let chosen: RowTest | undefined;
    let best = tenant.count;
    for (const test of tests) {
      if (test.candidates === undefined) continue;
      const count = this.#countOf(test.candidates);
      if (chosen !== undefined && count >= best) continue;
      best = count;
      chosen = test;
    }
    if (chosen === undefined || best * PASS_SHARE > tenant.count)
      return tenant.sorted.filter((ref) => tests.every((test) => test.accepts(ref)));
    const rest = tests.filter((test) => test !== chosen);
    return this.#selectFrom(tenant, chosen.candidates!, best, rest);
  }

  #countOf(pairs: readonly number[]): number {
    return pairs.reduce((sum, pair) => sum + this.#pairs.seriesCount(pair), 0);
  }

  #selectFrom(
    tenant: TenantIndex,
    candidates: readonly number[],
    count: number,
    tests: readonly RowTest[],
  ): Uint32Array {
    const refs = new Uint32Array(count);
    let end = 0;
    for (const pair of candidates) end = this.#pairs.read(pair, refs, end);
    let kept = 0;
    for (let i = 0; i < end; i++) {
      const ref = refs[i]!;
      if (tests.every((test) => test.accepts(ref))) refs[kept++] = this.#ranks[ref]!;
    }
    const chosen = refs.subarray(0, kept).toSorted();
    for (let i = 0; i < kept; i++) chosen[i] = tenant.sorted[chosen[i]!]!;
    return chosen;
  }

  /** Label order, valid until the index changes: ranks of name and value make one number. */
  #order(): KeyOrder {
    const ranks = this.symbols.ranks();
    const { count } = this.symbols;
    const starts = this.#starts;
    const rows = this.#rows;
    const pairs = this.#pairs;
    return new KeyOrder((ref, depth) => {
      const at = starts[ref]! + depth;
      if (at >= starts[ref + 1]!) return -1;
      const pair = rows[at]!;
      return ranks[pairs.nameOf(pair)]! * count + ranks[pairs.valueOf(pair)]!;
    });
  }

  #sort(tenant: TenantIndex): void {
    if (tenant.unsorted.count === 0) return;
    const order = this.#order();
    const added = tenant.unsorted.view().slice();
    order.sort(added);
    const merged =
      tenant.sorted.length === 0 ? added : mergeIds(tenant.sorted, added, order.compare);
    this.#ranks = grownU32(this.#ranks, this.#refCount);
    tenant.sorted = merged;
    tenant.unsorted.clear();
    for (let rank = 0; rank < merged.length; rank++) this.#ranks[merged[rank]!] = rank;
  }

  // -------------------------------------------------------------- matchers

  #testOf(tenant: TenantIndex, one: Matcher): RowTest {
    const name = this.symbols.find(one.name);
    const ifAbsent = one.matches('');
    const values = this.#acceptedValues(tenant, one, name);
    if (values !== undefined) {
      const accepted = new Set(values);
      const [only] = values;
      return {
        candidates: values,
        accepts: (ref) => {
          const end = this.#starts[ref + 1]!;
          if (accepted.size === 1) {
            for (let at = this.#starts[ref]!; at < end; at++)
              if (this.#rows[at] === only) return true;
            return false;
          }
          const pair = this.#pairNamed(ref, name);
          return pair >= 0 && accepted.has(pair);
        },
      };
    }
    const verdicts = new Map<number, boolean>();
    const accepts = (ref: SeriesRef): boolean => {
      const pair = name < 0 ? -1 : this.#pairNamed(ref, name);
      if (pair < 0) return ifAbsent;
      let verdict = verdicts.get(pair);
      if (verdict === undefined)
        verdicts.set(pair, (verdict = one.matches(this.symbols.text(this.#pairs.valueOf(pair)))));
      return verdict;
    };
    return { candidates: undefined, accepts };
  }

  /** The pair of a series that has this name; -1 where it has none. */
  #pairNamed(ref: SeriesRef, name: number): number {
    const end = this.#starts[ref + 1]!;
    for (let at = this.#starts[ref]!; at < end; at++)
      if (this.#pairs.nameOf(this.#rows[at]!) === name) return this.#rows[at]!;
    return -1;
  }

  /** Pairs that the matcher accepts; undefined where series without the label count or too many. */
  #acceptedValues(tenant: TenantIndex, one: Matcher, name: number): number[] | undefined {
    if (one.type === '!=' || one.type === '!~' || one.matches('')) return undefined;
    if (name < 0) return [];
    const exact = one.type === '=' ? [one.value] : one.regex?.literals;
    if (exact !== undefined)
      return [...new Set(exact)]
        .map((text) => this.symbols.find(text))
        .map((value) => (value <= 0 ? -1 : this.#pairs.find(tenant.number, name, value)))
        .filter((pair) => pair >= 0);
    const out: number[] = [];
    for (const pair of this.#pairs.ofName(tenant.number, name))
      if (one.matches(this.symbols.text(this.#pairs.valueOf(pair)))) out.push(pair);
    return out;
  }

  /** Tenants with at least one applied point, sorted. */
  tenants(): TenantId[] {
    return this.#byNumber
      .filter((tenant) => tenant.count > 0)
      .map((tenant) => tenant.id)
      .toSorted(compareUtf8);
  }
}

function mixed(hash: number, pair: number): number {
  const next = Math.imul(hash ^ pair, 0x9e3779b1);
  return next ^ (next >>> 15);
}

function finished(hash: number): number {
  const next = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (next ^ (next >>> 13)) >>> 0;
}
