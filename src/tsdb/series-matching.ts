// From matchers to the series of a tenant, in label order. Planning: of the matchers that name
// values, the one with the fewest series gives candidates from its value column, the others look at
// the candidates' rows; values that a regular expression may accept are narrowed by its prefix.
// Where no list is short, one pass over the series in order. Series newer than the base are looked
// at one by one and merged in.
import type { SeriesRef } from '../model/columns.ts';
import type { Matcher } from '../model/matcher.ts';
import { mergeIds } from './growable.ts';
import { MATCH_STEP_VALUES, SMALL_TENANT_SERIES } from './limits.ts';
import { MatchedValues } from './matched-values.ts';
import { slotOf } from './refs.ts';
import type { IndexTables, TenantSeries } from './tenant-series.ts';
import { pairNamed } from './value-column.ts';
import type { ValueColumn } from './value-column.ts';

/** Above this share of a tenant's series a pass in order beats a sort of what matches. */
const PASS_SHARE = 8;
/** A list this short ends the search for a shorter one. */
const SHORT_LIST = 64;

const encoder = new TextEncoder();

type RowTest = (ref: SeriesRef) => boolean;

/** Series of the base that one matcher accepts, by value. */
interface Candidates {
  readonly matcher: Matcher;
  readonly column: ValueColumn;
  /** Places of the accepted values in the column. */
  readonly values: readonly number[];
  readonly count: number;
}

interface Plan {
  /** Of the matchers that were looked at, the one with the fewest series. */
  readonly best: Candidates | undefined;
  /** Those that not all series of the base pass. */
  readonly rest: Set<Matcher>;
  /** One of them accepts nothing. */
  readonly isNone: boolean;
}

/** What a matcher can only accept where the label is there. */
function namesValues(one: Matcher): boolean {
  return one.type !== '!=' && one.type !== '!~' && !one.matches('');
}

function exactValues(one: Matcher): readonly string[] | undefined {
  return one.type === '=' ? [one.value] : one.regex?.literals;
}

export class SeriesMatching {
  readonly #tables: IndexTables;

  constructor(tables: IndexTables) {
    this.#tables = tables;
  }

  /** Borrowed, never changed. The caller has refreshed the tenant. */
  select(tenant: TenantSeries, matchers: readonly Matcher[]): Uint32Array {
    const { rows, order } = this.#tables;
    const found = this.#selectBase(tenant, matchers);
    if (tenant.tailCount === 0) return found;
    const tests = matchers.map((one) => this.#testOf(tenant, one));
    const newer = tenant.tail(rows).filter((ref) => tests.every((test) => test(ref)));
    if (newer.length === 0) return found;
    order.sort(newer);
    return found.length === 0 ? newer : mergeIds(found, newer, order.compare);
  }

  /**
   * As `select`, where the matchers leave a small share of the series; undefined where a pass over
   * all of them is as good.
   */
  selectFew(tenant: TenantSeries, matchers: readonly Matcher[]): Uint32Array | undefined {
    const { base } = tenant;
    if (base.length <= SMALL_TENANT_SERIES) return this.select(tenant, matchers);
    const { best, isNone } = this.#plan(tenant, matchers);
    const isFew = isNone || (best !== undefined && best.count * PASS_SHARE <= base.length);
    return isFew ? this.select(tenant, matchers) : undefined;
  }

  #selectBase(tenant: TenantSeries, matchers: readonly Matcher[]): Uint32Array {
    const { base } = tenant;
    if (matchers.length === 0 || base.length === 0) return base;
    if (base.length <= SMALL_TENANT_SERIES) return this.#filtered(tenant, base, matchers);
    const { best, rest, isNone } = this.#plan(tenant, matchers);
    if (isNone) return new Uint32Array(0);
    if (rest.size === 0) return base;
    if (best === undefined || best.count * PASS_SHARE > base.length)
      return this.#filtered(tenant, base, [...rest]);
    rest.delete(best.matcher);
    return this.#filtered(tenant, refsOf(base, best), [...rest]);
  }

  #plan(tenant: TenantSeries, matchers: readonly Matcher[]): Plan {
    const { base } = tenant;
    const rest = new Set(matchers);
    let best: Candidates | undefined;
    // Exact values first: they cost a look-up, an expression costs a test of each value.
    const planned = matchers.filter(namesValues).toSorted((a, b) => cost(a) - cost(b));
    for (const one of planned) {
      if (best !== undefined && best.count <= SHORT_LIST) break;
      if (best !== undefined && cost(one) > 0 && best.count * PASS_SHARE < base.length) break;
      const candidates = this.#candidates(tenant, one);
      if (candidates.count === 0) return { best: undefined, rest, isNone: true };
      if (candidates.count === base.length) rest.delete(one);
      else if (best === undefined || candidates.count < best.count) best = candidates;
    }
    return { best, rest, isNone: false };
  }

  #filtered(tenant: TenantSeries, refs: Uint32Array, matchers: readonly Matcher[]): Uint32Array {
    const tests = matchers.map((one) => this.#testOf(tenant, one));
    const [first] = tests;
    if (first === undefined) return refs;
    if (tests.length === 1) return refs.filter((ref) => first(ref));
    return refs.filter((ref) => tests.every((test) => test(ref)));
  }

  #candidates(tenant: TenantSeries, one: Matcher): Candidates {
    const { symbols } = this.#tables;
    const name = symbols.find(one.name);
    const none = { matcher: one, column: NO_COLUMN, values: [], count: 0 };
    if (name < 0) return none;
    const exact = exactValues(one);
    if (exact !== undefined && exact.every((text) => symbols.find(text) < 0)) return none;
    const column = tenant.column(this.#tables, name);
    const values =
      exact === undefined
        ? this.#acceptedValues(column, one)
        : [...new Set(exact)].map((text) => this.#placeOf(column, text)).filter((i) => i >= 0);
    let count = 0;
    for (const i of values) count += column.starts[i + 1]! - column.starts[i]!;
    return { matcher: one, column, values, count };
  }

  /** Place of a value in a column; -1 where it is not there. */
  #placeOf(column: ValueColumn, text: string): number {
    const { symbols, pairs } = this.#tables;
    const value = symbols.find(text);
    if (value < 0) return -1;
    const place = this.#lowerBound(column, symbols.bytes(value));
    const pair = column.pairs[place];
    return pair !== undefined && pairs.valueOf(pair) === value ? place : -1;
  }

  /** The first value of a column at or behind these bytes. */
  #lowerBound(column: ValueColumn, bytes: Uint8Array): number {
    const { symbols, pairs } = this.#tables;
    let low = 0;
    let high = column.pairs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const value = pairs.valueOf(column.pairs[middle]!);
      if (symbols.compareTo(value, bytes, 0, bytes.length) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #acceptedValues(column: ValueColumn, one: Matcher): readonly number[] {
    const known = column.matched.get(one);
    if (known !== undefined) return known;
    const out: number[] = [];
    const steps = this.#tries(column, one, out);
    while (steps.next().done !== true);
    column.matched.set(one, out);
    return out;
  }

  /** Into `out` go the places of the values that a regular expression accepts. */
  *#tries(column: ValueColumn, one: Matcher, out: number[]): Generator<void, void, void> {
    const { symbols, pairs } = this.#tables;
    const prefix = encoder.encode(one.regex?.prefix ?? '');
    let place = prefix.length === 0 ? 0 : this.#lowerBound(column, prefix);
    for (let left = MATCH_STEP_VALUES; place < column.pairs.length; place++) {
      const value = pairs.valueOf(column.pairs[place]!);
      if (prefix.length > 0 && !symbols.startsWith(value, prefix)) return;
      if (one.matches(symbols.text(value))) out.push(place);
      if (--left > 0) continue;
      left = MATCH_STEP_VALUES;
      yield;
    }
  }

  /**
   * Puts new series in order, where that is asked for and a question would do it, makes the columns
   * that `select` would, and finds out what it would ask of regular expressions: a third of a
   * millisecond or so of work between two steps. Where texts or the order of the series change
   * meanwhile, it ends.
   */
  *steps(
    tenant: TenantSeries | undefined,
    matchers: readonly Matcher[],
    isOrdered: boolean,
  ): Generator<void, void, void> {
    if (tenant === undefined) return;
    const { symbols } = this.#tables;
    if (isOrdered) yield* tenant.freshenSteps(this.#tables);
    const { base } = tenant;
    const isSmall = base.length <= SMALL_TENANT_SERIES || !tenant.isFresh;
    const named = isSmall ? [] : matchers.filter(namesValues);
    let isFew = false;
    for (const one of named) {
      const exact = exactValues(one);
      if (exact === undefined) continue;
      const name = symbols.find(one.name);
      if (name < 0 || exact.every((text) => symbols.find(text) < 0)) return;
      if ((yield* tenant.columnSteps(this.#tables, name)) === undefined) return;
      const { count } = this.#candidates(tenant, one);
      if (count <= SHORT_LIST) return;
      isFew ||= count * PASS_SHARE < base.length;
    }
    // Where few series have an exact value, expressions are tried on these alone.
    if (isFew) return;
    for (const one of named) {
      if (exactValues(one) !== undefined) continue;
      const name = symbols.find(one.name);
      if (name < 0) return;
      const column = yield* tenant.columnSteps(this.#tables, name);
      if (column === undefined) return;
      if (column.matched.get(one) !== undefined) continue;
      const out: number[] = [];
      for (const step of this.#tries(column, one, out)) {
        yield step;
        if (tenant.columns.get(name) !== column) return;
      }
      column.matched.set(one, out);
    }
  }

  /** A matcher against rows. */
  #testOf(tenant: TenantSeries, one: Matcher): RowTest {
    const { rows, pairs, symbols } = this.#tables;
    const name = symbols.find(one.name);
    const ifAbsent = one.matches('');
    if (name < 0) return () => ifAbsent;
    if (one.type === '=' && !ifAbsent) {
      const value = symbols.find(one.value);
      const wanted = value < 0 ? -1 : pairs.find(name, value);
      if (wanted < 0) return () => false;
      return (ref) => pairNamed(rows, pairs, slotOf(ref), name) === wanted;
    }
    const verdicts = this.#verdicts(tenant.columns.get(name), one);
    return (ref) => {
      const pair = pairNamed(rows, pairs, slotOf(ref), name);
      if (pair < 0) return ifAbsent;
      let verdict = verdicts.get(pair);
      if (verdict === undefined)
        verdicts.set(pair, (verdict = one.matches(symbols.text(pairs.valueOf(pair)))));
      return verdict;
    };
  }

  /** What is known of a matcher, by pairs. */
  #verdicts(column: ValueColumn | undefined, one: Matcher): Verdicts {
    const accepted = column?.matched.get(one);
    return column === undefined || accepted === undefined
      ? new Map()
      : new KnownVerdicts(this.#tables.pairs.end, column, accepted);
  }
}

type Verdicts = Pick<Map<number, boolean>, 'get' | 'set'>;

/** Of all values of a column what a matcher says, and room for what newer pairs are told. */
class KnownVerdicts implements Verdicts {
  readonly #byPair: Uint8Array;
  readonly #newer = new Map<number, boolean>();

  constructor(pairEnd: number, column: ValueColumn, accepted: readonly number[]) {
    this.#byPair = new Uint8Array(pairEnd);
    for (const pair of column.pairs) this.#byPair[pair] = REFUSED;
    for (const place of accepted) this.#byPair[column.pairs[place]!] = ACCEPTED;
  }

  get(pair: number): boolean | undefined {
    const known = this.#byPair[pair] ?? UNKNOWN;
    return known === UNKNOWN ? this.#newer.get(pair) : known === ACCEPTED;
  }

  set(pair: number, verdict: boolean): Map<number, boolean> {
    return this.#newer.set(pair, verdict);
  }
}

const UNKNOWN = 0;
const REFUSED = 1;
const ACCEPTED = 2;

const NO_COLUMN: ValueColumn = {
  pairs: new Uint32Array(0),
  starts: new Uint32Array(1),
  ranks: new Uint32Array(0),
  sizeBytes: 0,
  matched: new MatchedValues(),
};

/** Rough order of what it takes to find a matcher's values. */
function cost(one: Matcher): number {
  if (exactValues(one) !== undefined) return 0;
  return (one.regex?.prefix ?? '') === '' ? 2 : 1;
}

/** The refs of candidates, in label order. */
function refsOf(base: Uint32Array, { column, values, count }: Candidates): Uint32Array {
  const refs = new Uint32Array(count);
  let end = 0;
  for (const i of values)
    for (let at = column.starts[i]!; at < column.starts[i + 1]!; at++)
      refs[end++] = column.ranks[at]!;
  if (values.length > 1) refs.sort();
  for (let i = 0; i < count; i++) refs[i] = base[refs[i]!]!;
  return refs;
}
