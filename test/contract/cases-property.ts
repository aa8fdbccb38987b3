// Random operations on the storage under test and on the in-memory one: they must never differ, and
// a view pinned on both in the middle must stay equal to the end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KIND } from '../../src/model/columns.ts';
import { matcher } from '../../src/model/matcher.ts';
import { pagesLabels } from '../../src/model/series-page.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { appendOptions, withContext } from './contexts.ts';
import { MemoryStorage } from './memory-storage.ts';
import { f64Bits, readRows, readRowsIn, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import type { OpenStorage, StorageUnderTest } from './storage-case.ts';

/** Histories per run of the suite; the soak runs many more. */
const RUNS = 40;
const TENANTS = ['red', 'blue'];

type Operation =
  | { readonly kind: 'write'; readonly tenant: string; readonly rows: readonly Row[] }
  | {
      readonly kind: 'delete';
      readonly tenant: string;
      readonly pattern: string;
      readonly startUs: number;
      readonly endUs: number;
    }
  | { readonly kind: 'side'; readonly tenant: string; readonly series: number; readonly n: number }
  | { readonly kind: 'flush' | 'compact' | 'clean' | 'reopen' | 'pin' };

const seriesOf = (i: number): Record<string, string> =>
  i === 0 ? { __name__: 'm' } : { __name__: 'm', i: String(i) };

const value = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => ({ kind: KIND.f64, value: bits })),
  fc.integer({ min: -5, max: 5 }).map((n) => ({ kind: KIND.f64, value: f64Bits(n) })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => ({ kind: KIND.i64, value: bits })),
  fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => ({ kind: KIND.string, value: text })),
  fc.constantFrom(0, 1).map((bit) => ({ kind: KIND.boolean, value: bit })),
);

const row: fc.Arbitrary<Row> = fc
  .record({
    series: fc.nat(3),
    tUs: fc.oneof(fc.nat(8), fc.constantFrom(-1, 3_600_000_000, 1_700_000_000_000_000)),
    subNs: fc.constantFrom(0, 0, 0, 1),
    value,
    startUs: fc.option(fc.nat(3), { nil: undefined, freq: 4 }),
  })
  .map(({ series, tUs, subNs, value: v, startUs }) => ({
    series: seriesOf(series),
    tUs,
    subNs,
    ...v,
    ...(startUs === undefined ? {} : { startUs }),
  }));

const tenant = fc.constantFrom(...TENANTS);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      tenant,
      rows: fc.array(row, { maxLength: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      tenant,
      pattern: fc.constantFrom('', '1', '1|2', '.*'),
      startUs: fc.integer({ min: -2, max: 5 }),
      endUs: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(2 ** 52)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('side' as const),
      tenant,
      series: fc.nat(3),
      n: fc.nat(3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      { kind: 'flush' as const },
      { kind: 'flush' as const },
      { kind: 'compact' as const },
      { kind: 'clean' as const },
      { kind: 'reopen' as const },
      { kind: 'pin' as const },
    ),
  },
);

function writeSide(storage: Storage, one: Extract<Operation, { kind: 'side' }>): Promise<unknown> {
  const { n, series } = one;
  return writeRows(storage, [], { principal: openPrincipal(one.tenant) }, (b, ref) => {
    const target = ref(seriesOf(series));
    b.metadata({ family: `f${n}`, type: 'gauge', unit: String(series), help: '' });
    b.split({ name: `s${n}`, measurement: String(series), field: 'f' });
    b.attribute({ ref: target, key: `k${n}`, value: n === 0 ? '' : String(series) });
    b.exemplar({ ref: target, labels: ['n', String(n % 2)], tUs: n, subNs: 0, value: series });
  });
}

async function applyTo(storage: Storage, one: Operation): Promise<unknown> {
  if (one.kind === 'write')
    return writeRows(storage, one.rows, { principal: openPrincipal(one.tenant) });
  if (one.kind === 'delete')
    return storage.delete(
      {
        matchers: [matcher('i', '=~', one.pattern)],
        startUs: one.startUs,
        endUs: one.endUs,
        dryRun: false,
      },
      appendOptions({ principal: openPrincipal(one.tenant) }),
    );
  if (one.kind === 'side') return writeSide(storage, one);
  if (one.kind === 'flush') return storage.flush();
  if (one.kind === 'compact') return storage.compact();
  if (one.kind === 'clean') return storage.cleanTombstones();
}

/** Everything a tenant can read, as one comparable value. */
async function everything(storage: Storage): Promise<unknown> {
  const out: unknown[] = [];
  const all = {
    matchers: [],
    startUs: Number.NEGATIVE_INFINITY,
    endUs: Number.POSITIVE_INFINITY,
    limit: 0,
  };
  for (const name of TENANTS) {
    const principal = openPrincipal(name);
    out.push(await readRows(storage, { principal }));
    out.push(await readRows(storage, { principal, startUs: 2, endUs: 5, kinds: 0b000011 }));
    out.push(
      await withContext(
        storage,
        async (c) => [
          await storage.series(c, all),
          await pagesLabels(storage.seriesPages(c, all)),
          await pagesLabels(storage.seriesPages(c, { ...all, startUs: 2, endUs: 4, limit: 2 })),
          await storage.labelValues(c, 'i', { ...all, startUs: 3, endUs: 4 }),
          await storage.cardinality(c, all),
          await storage.metadata(c, { family: undefined, limit: 0 }),
          await storage.splits(c),
          await storage.exemplars(c, all),
          await storage.attributes(c, all),
        ],
        principal,
      ),
    );
  }
  return out;
}

interface Pinned {
  readonly check: () => Promise<void>;
  readonly release: () => void;
}

async function pinBoth(subject: Storage, model: Storage): Promise<Pinned> {
  const principal = openPrincipal(TENANTS[0]!);
  const { signal } = new AbortController();
  const budget = { take: () => undefined, give: () => undefined };
  const contexts = [subject, model].map((s) => ({ principal, signal, budget, pin: s.pin() }));
  return {
    check: async () =>
      assert.deepEqual(
        await readRowsIn(subject, contexts[0]!),
        await readRowsIn(model, contexts[1]!),
      ),
    release: () => {
      for (const { pin } of contexts) pin.release();
    },
  };
}

async function runOperations(open: OpenStorage, operations: readonly Operation[]): Promise<void> {
  let under: StorageUnderTest = await open();
  const model = new MemoryStorage();
  let pinned: Pinned | undefined;
  for (const one of operations) {
    if (one.kind === 'reopen' || one.kind === 'pin') {
      await pinned?.check();
      pinned?.release();
      pinned = undefined;
    }
    if (one.kind === 'reopen') under = await under.reopen();
    else if (one.kind === 'pin') pinned = await pinBoth(under.storage, model);
    else assert.deepEqual(await applyTo(under.storage, one), await applyTo(model, one));
  }
  assert.deepEqual(await everything(under.storage), await everything(model));
  // A tenant whose last point was deleted may stay listed.
  for (const name of model.tenants()) assert.ok(under.storage.tenants().includes(name));
  await pinned?.check();
  pinned?.release();
  await under.storage.close();
}

export function propertyTests(open: OpenStorage, runs = RUNS): void {
  test('random operations: never different from the in-memory storage', async () => {
    const operations = fc.array(operation, { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(operations, (list) => runOperations(open, list)),
      { numRuns: runs },
    );
  });
}
