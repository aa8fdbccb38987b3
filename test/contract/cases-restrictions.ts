// A restriction is an intersection: whatever a restricted principal asks, it is answered what an
// unrestricted one is answered by a storage that holds only the points the restriction selects.
// What it deletes is hidden of these points alone. Random data, restrictions and questions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ALL_KINDS, KIND, NUMERIC_KINDS } from '../../src/model/columns.ts';
import { labelsFromObject, labelsKey } from '../../src/model/labels.ts';
import type { Labels } from '../../src/model/labels.ts';
import { matcher, matchesAll } from '../../src/model/matcher.ts';
import type { Matcher } from '../../src/model/matcher.ts';
import { pagesLabels } from '../../src/model/series-page.ts';
import type { LeafPlan, ReadContext, SeriesSelector, Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import type { Principal } from '../../src/model/tenant.ts';
import { appendOptions, withContext } from './contexts.ts';
import { MemoryStorage } from './memory-storage.ts';
import { f64Bits, readRowsIn, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import type { OpenStorage } from './storage-case.ts';

/** Histories per run of the suite. */
const RUNS = 30;
const TENANT = 'red';
const OPEN = openPrincipal(TENANT);
const EVER = { startUs: Number.NEGATIVE_INFINITY, endUs: Number.POSITIVE_INFINITY };
const FAMILIES = ['m', 'n', 'orphan'];
const NAMES = ['m', 'm_total', 'n', 'n_bucket'];

function seriesOf(i: number): Record<string, string> {
  const env = ['', 'prod', 'dev'][i % 3]!;
  return {
    __name__: NAMES[i % NAMES.length]!,
    i: String(i),
    ...(env === '' ? {} : { env }),
    ...(i % 2 === 0 ? {} : { dc: `d${i % 5}` }),
  };
}

const row: fc.Arbitrary<Row> = fc
  .record({
    series: fc.nat(23),
    tUs: fc.oneof(fc.nat(12), fc.constantFrom(-1, 1_700_000_000_000_000)),
    value: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -9, max: 9 }) },
      { weight: 1, arbitrary: fc.constant('text') },
    ),
  })
  .map(({ series, tUs, value }) =>
    typeof value === 'string'
      ? { series: seriesOf(series), tUs, kind: KIND.string, value }
      : { series: seriesOf(series), tUs, kind: KIND.f64, value: f64Bits(value) },
  );

/** All series at one time, so that blocks and columns are those of scrapes. */
const scrape: fc.Arbitrary<readonly Row[]> = fc
  .record({ tUs: fc.nat(12), times: fc.integer({ min: 1, max: 4 }) })
  .map(({ tUs, times }) =>
    Array.from({ length: times }, (_, k) => k).flatMap((k) =>
      Array.from({ length: 24 }, (_, i) => ({
        series: seriesOf(i),
        tUs: tUs + k,
        kind: KIND.f64,
        value: f64Bits(i * 2 + k),
      })),
    ),
  );

/** Some of them ask for what a restriction forbids, or try to widen it. */
const matchers: fc.Arbitrary<readonly Matcher[]> = fc.constantFrom(
  [],
  [matcher('__name__', '=', 'm')],
  [matcher('__name__', '=~', 'm|n.*')],
  [matcher('env', '=', 'prod')],
  [matcher('env', '=', 'dev')],
  [matcher('env', '=~', '.*')],
  [matcher('env', '=~', 'dev|')],
  [matcher('env', '!=', 'prod')],
  [matcher('env', '!~', 'prod|dev')],
  [matcher('env', '=', '')],
  [matcher('none', '=', ''), matcher('i', '=~', '1.*')],
  [matcher('dc', '!~', 'd1')],
  [matcher('none', '=', 'x')],
);

const time = fc.option(fc.integer({ min: -2, max: 14 }), { nil: undefined, freq: 3 });

const selector: fc.Arbitrary<SeriesSelector> = fc
  .record({ matchers, startUs: time, endUs: time })
  .map(({ matchers: some, startUs, endUs }) => ({
    matchers: some,
    startUs: startUs ?? EVER.startUs,
    endUs: endUs ?? EVER.endUs,
  }));

const principal: fc.Arbitrary<Principal> = fc
  .record({
    first: matchers,
    second: fc.oneof(fc.constant([]), matchers),
    minTUs: time,
    maxTUs: time,
  })
  .map(({ first, second, minTUs, maxTUs }) => ({
    ...OPEN,
    tokenId: 'token',
    forcedMatchers: [...first, ...second],
    minTUs: minTUs ?? EVER.startUs,
    maxTUs: maxTUs ?? EVER.endUs,
  }));

const leaf: fc.Arbitrary<LeafPlan> = fc
  .record({
    matchers,
    startUs: fc.integer({ min: -1, max: 14 }),
    steps: fc.constantFrom(0, 1, 4, 9),
    windowUs: fc.constantFrom(1, 3, 20),
    kernel: fc.constantFrom(...(['last', 'rate', 'sum', 'count', 'max', 'present'] as const)),
    grouping: fc.constantFrom(
      undefined,
      { aggregation: 'sum', mode: 'by', labels: [] } as const,
      { aggregation: 'count', mode: 'by', labels: ['env'] } as const,
      { aggregation: 'max', mode: 'without', labels: ['i', 'env'] } as const,
    ),
  })
  .map(({ steps, windowUs, kernel, ...rest }) => ({
    ...rest,
    kernel,
    endUs: rest.startUs + steps,
    stepUs: steps === 0 ? 0 : 1,
    windowUs: kernel === 'last' ? 0 : windowUs,
    lookbackUs: windowUs,
    bounds: 'left-open' as const,
    args: [],
    kinds: NUMERIC_KINDS,
  }));

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      rows: fc.oneof(fc.array(row, { maxLength: 20 }), scrape),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('side' as const),
      series: fc.nat(23),
      tUs: fc.nat(12),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      isRestricted: fc.boolean(),
      dryRun: fc.boolean(),
      selector,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('flush' as const, 'compact') }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** The storage under test, one with all points, and one with those that the restriction selects. */
class World {
  readonly subject: Storage;
  readonly whole = new MemoryStorage();
  readonly cut = new MemoryStorage();
  readonly #who: Principal;
  readonly #written = new Map<string, Labels>();

  constructor(subject: Storage, who: Principal) {
    this.subject = subject;
    this.#who = who;
  }

  #isVisible(series: Row['series'], tUs: number): boolean {
    const { forcedMatchers, minTUs, maxTUs } = this.#who;
    const isIn = tUs >= minTUs && tUs <= maxTUs;
    return isIn && matchesAll(forcedMatchers, labelsFromObject(series));
  }

  async apply(one: Operation): Promise<void> {
    if (one.kind === 'write') {
      for (const { series } of one.rows) {
        const labels = labelsFromObject(series);
        this.#written.set(labelsKey(labels), labels);
      }
      await writeRows(this.subject, one.rows, { principal: OPEN });
      await writeRows(this.whole, one.rows, { principal: OPEN });
      const visible = one.rows.filter(({ series, tUs }) => this.#isVisible(series, tUs));
      await writeRows(this.cut, visible, { principal: OPEN });
    } else if (one.kind === 'side') await this.#writeSides(one);
    else if (one.kind === 'delete') await this.#delete(one);
    else if (one.kind === 'flush') await this.subject.flush();
    else await this.subject.compact();
  }

  async #writeSides({ series: i, tUs }: Extract<Operation, { kind: 'side' }>): Promise<void> {
    const series = seriesOf(i);
    for (const storage of [this.subject, this.whole, this.cut])
      await writeRows(storage, [], { principal: OPEN }, (b, ref) => {
        const help = `help ${i}`;
        b.metadata({ family: FAMILIES[i % FAMILIES.length]!, type: 'gauge', unit: '', help });
        b.split({ name: NAMES[i % NAMES.length]!, measurement: 'm', field: String(i) });
        if (storage === this.cut && !this.#isVisible(series, tUs)) return;
        b.exemplar({ ref: ref(series), labels: ['n', '1'], tUs, subNs: 0, value: i });
      });
    // Attributes have no time.
    const { forcedMatchers } = this.#who;
    for (const storage of [this.subject, this.whole, this.cut])
      if (storage !== this.cut || matchesAll(forcedMatchers, labelsFromObject(series)))
        await writeRows(storage, [], { principal: OPEN }, (b, ref) =>
          b.attribute({ ref: ref(series), key: 'k', value: String(i) }),
        );
  }

  async #delete(one: Extract<Operation, { kind: 'delete' }>): Promise<void> {
    const { dryRun, isRestricted } = one;
    const request = { ...one.selector, dryRun };
    const options = appendOptions({ principal: OPEN });
    const { forcedMatchers, minTUs, maxTUs } = this.#who;
    const narrowed = {
      matchers: [...request.matchers, ...forcedMatchers],
      startUs: Math.max(request.startUs, minTUs),
      endUs: Math.min(request.endUs, maxTUs),
      dryRun,
    };
    // A delete of everything takes what has no time; one that is restricted is not of everything.
    const asked = isRestricted ? narrowed : request;
    const inCut = await this.cut.delete(asked, options);
    await this.whole.delete(asked, options);
    const deleting = appendOptions({ principal: isRestricted ? this.#who : OPEN });
    const counts = await this.subject.delete(request, deleting);
    if (isRestricted) assert.deepEqual(counts, inCut);
  }

  /** Series that match, whatever has become of them. */
  #writtenOf(some: readonly Matcher[]): readonly Labels[] {
    const all = [...some, ...this.#who.forcedMatchers];
    return [...this.#written.values()].filter((one) => matchesAll(all, one));
  }

  async check(selectors: readonly SeriesSelector[], leaves: readonly LeafPlan[]): Promise<void> {
    const { subject, cut, whole } = this;
    assert.deepEqual(await contentOf(subject, OPEN), await contentOf(whole, OPEN));
    await withContext(
      subject,
      (restricted) =>
        withContext(
          cut,
          async (open) => {
            const names = await cut.labelValues(open, '__name__', {
              matchers: [],
              ...EVER,
              limit: 0,
            });
            await this.#checkTables(restricted, open, names);
            for (const one of [{ matchers: [], ...EVER }, ...selectors]) {
              assert.deepEqual(
                await answers(subject, restricted, one),
                await answers(cut, open, one),
              );
              await this.#checkEstimate(restricted, one);
            }
            for (const one of leaves)
              assert.deepEqual(
                await leafOf(subject, restricted, one),
                await leafOf(cut, open, one),
              );
          },
          OPEN,
        ),
      this.#who,
    );
  }

  /** Metadata and splits of names that are seen, under every limit. */
  async #checkTables(
    restricted: ReadContext,
    open: ReadContext,
    names: readonly string[],
  ): Promise<void> {
    const { subject, cut } = this;
    const isFree = this.#who.forcedMatchers.length === 0 && !this.#hasTime;
    const shown = (family: string): boolean =>
      isFree ||
      names.some((name) => name === family || /^_(?:total|bucket)$/.test(after(name, family)));
    const all = { family: undefined, limit: 0 };
    const families = (await cut.metadata(open, all)).filter(({ family }) => shown(family));
    assert.deepEqual(await subject.metadata(restricted, all), families);
    assert.deepEqual(
      await subject.metadata(restricted, { family: undefined, limit: 1 }),
      families.slice(0, 1),
    );
    for (const family of FAMILIES)
      assert.deepEqual(
        await subject.metadata(restricted, { family, limit: 0 }),
        families.filter((one) => one.family === family),
      );
    const splits = await cut.splits(open);
    assert.deepEqual(
      await subject.splits(restricted),
      splits.filter(({ name }) => isFree || names.includes(name)),
    );
  }

  get #hasTime(): boolean {
    const { minTUs, maxTUs } = this.#who;
    return minTUs > EVER.startUs || maxTUs < EVER.endUs;
  }

  /** Estimates may be too high, never by what the principal does not see. */
  async #checkEstimate(context: ReadContext, one: SeriesSelector): Promise<void> {
    const { seriesCount, sampleCount, byLabel } = await this.subject.estimate(context, {
      ...one,
      labelLimit: 9,
    });
    const written = this.#writtenOf(one.matchers);
    const countMax = written.length;
    const known = new Set(written.flatMap((labels) => labels.filter((_, i) => i % 2 === 0)));
    assert.ok(seriesCount <= countMax, `${seriesCount} series of ${countMax}`);
    if (countMax === 0) assert.equal(sampleCount, 0);
    for (const { name, valueCount } of byLabel) {
      assert.ok(valueCount > 0 && valueCount <= countMax);
      assert.ok(known.has(name), `${name} is a label of others`);
    }
  }
}

function after(name: string, family: string): string {
  return name.startsWith(family) ? name.slice(family.length) : '';
}

function contentOf(storage: Storage, who: Principal): Promise<unknown> {
  return withContext(storage, (context) => readRowsIn(storage, context), who);
}

async function answers(
  storage: Storage,
  context: ReadContext,
  asked: SeriesSelector,
): Promise<Record<string, unknown>> {
  const all = { ...asked, limit: 0 };
  const some = { ...asked, limit: 2 };
  return {
    rows: await readRowsIn(storage, context, { ...asked, kinds: ALL_KINDS }),
    names: await storage.labelNames(context, all),
    someNames: await storage.labelNames(context, some),
    values: await storage.labelValues(context, 'env', all),
    ids: await storage.labelValues(context, 'i', all),
    someIds: await storage.labelValues(context, 'i', some),
    metrics: await storage.labelValues(context, '__name__', all),
    series: await storage.series(context, all),
    someSeries: await storage.series(context, some),
    pages: await pagesLabels(storage.seriesPages(context, all)),
    cardinality: await storage.cardinality(context, all),
    someCardinality: await storage.cardinality(context, some),
    exemplars: await storage.exemplars(context, asked),
    attributes: await storage.attributes(context, asked),
  };
}

async function leafOf(storage: Storage, context: ReadContext, plan: LeafPlan): Promise<unknown> {
  const { groups, seriesRead, stepCount } = await storage.runLeaf(context, plan);
  return {
    seriesRead,
    stepCount,
    groups: groups.map(({ labels, present, values }) => ({
      labels,
      slots: Array.from(present, (one, k) => (one === 0 ? undefined : values[k])),
    })),
  };
}

export function restrictionTests(open: OpenStorage): void {
  test('a restricted principal sees what an open one sees of the data it selects', async () => {
    await fc.assert(
      fc.asyncProperty(
        principal,
        fc.array(operation, { minLength: 1, maxLength: 12 }),
        fc.array(selector, { minLength: 1, maxLength: 4 }),
        fc.array(leaf, { minLength: 1, maxLength: 6 }),
        async (who, operations, selectors, leaves) => {
          const under = await open();
          const world = new World(under.storage, who);
          for (const one of operations) await world.apply(one);
          await world.check(selectors, leaves);
          await under.storage.flush();
          await world.check(selectors, leaves);
          await under.storage.close();
        },
      ),
      { numRuns: RUNS },
    );
  });
}
