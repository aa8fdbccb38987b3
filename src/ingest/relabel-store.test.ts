// Rules in the catalog: versions, bounds, changes whose outcome is unknown, rows that are no rules.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Catalog, CatalogEntry, CatalogTx } from '../catalog/catalog.ts';
import { AppError } from '../model/errors.ts';
import { RelabelConfigError } from '../relabel/parse.ts';
import { FatalError } from '../stdx/assert.ts';
import { RELABEL_PAGE_ROWS, RELABEL_TENANTS_MAX } from './limits.ts';
import { readRelabelConfig, RelabelStore } from './relabel-store.ts';
import type { TenantRules } from './relabel-table.ts';

/** Rows in memory; `breakAt` makes the next commit fail before or after it happened. */
class MemoryCatalog implements Catalog {
  readonly rows = new Map<string, CatalogEntry>();
  version = 0;
  breakAt: 'before' | 'after' | undefined = undefined;

  async transact<T>(body: (tx: CatalogTx) => Promise<T>) {
    const writes: [string, Uint8Array | undefined][] = [];
    const result = await body({
      get: async (key) => this.rows.get(key),
      range: async (begin, end, { limit = 1000 } = {}) =>
        [...this.rows.values()]
          .filter(({ key }) => key >= begin && key < end)
          .toSorted((a, b) => (a.key < b.key ? -1 : 1))
          .slice(0, limit),
      set: (key, value) => void writes.push([key, value]),
      remove: (key) => void writes.push([key, undefined]),
      removeRange: () => assert.fail('not used'),
    });
    if (writes.length === 0) return { result, version: this.version };
    const { breakAt } = this;
    this.breakAt = undefined;
    if (breakAt !== 'before') this.#commit(writes);
    if (breakAt !== undefined)
      throw new AppError('unavailable', 'catalog-commit-unknown', 'no answer');
    return { result, version: this.version };
  }

  #commit(writes: readonly [string, Uint8Array | undefined][]): void {
    this.version++;
    for (const [key, value] of writes)
      if (value === undefined) this.rows.delete(key);
      else this.rows.set(key, { key, value, version: this.version });
  }

  backup = async () => undefined;
  checkpoint = async () => undefined;
  close = async () => undefined;
}

const RULE = '- target_label: a\n  replacement: ';

async function opened(catalog: Catalog, fallback?: string) {
  const changes: TenantRules[] = [];
  const store = await RelabelStore.open({
    catalog,
    fallback: fallback === undefined ? undefined : await readRelabelConfig(fallback),
    onChange: async (changed) => void changes.push(changed),
  });
  const put = async (tenant: string, text: string) =>
    await store.set(tenant, await readRelabelConfig(text));
  return { store, changes, put };
}

test('each change has a later version, in memory, in the row and for the threads', async () => {
  const catalog = new MemoryCatalog();
  const { store, changes, put } = await opened(catalog);
  assert.equal(store.of('t'), undefined);
  const first = await put('t', `${RULE}1`);
  const second = await put('t', `${RULE}2`);
  await store.remove('t');
  await store.remove('t');
  assert.ok(second.version > first.version);
  assert.deepEqual(
    changes.map(({ tenant, version, rules }) => [tenant, version, rules?.[0]?.replacement]),
    [
      ['t', first.version, '1'],
      ['t', second.version, '2'],
      ['t', catalog.version, undefined],
    ],
  );
  assert.equal(store.of('t'), undefined);
  assert.equal(catalog.rows.size, 0);
});

test('a store that is opened again has the rows and their versions, page by page', async () => {
  const catalog = new MemoryCatalog();
  const { put, store } = await opened(catalog);
  const count = RELABEL_PAGE_ROWS * 2 + 3;
  const before = store.all().tenants;
  for (let i = 0; i < count; i++) await put(`t${i}`, `${RULE}${i}`);
  assert.equal(store.changedSince(before).length, count);
  const again = await opened(catalog, `${RULE}all`);
  assert.deepEqual(again.store.changedSince(store.all().tenants), []);
  for (const i of [0, RELABEL_PAGE_ROWS, count - 1]) {
    assert.deepEqual(again.store.get(`t${i}`), store.get(`t${i}`));
    assert.equal(again.store.of(`t${i}`)?.version, store.get(`t${i}`).version);
  }
  assert.deepEqual(again.store.of('other')?.apply(['b', '1']), {
    kind: 'kept',
    labels: ['a', 'all', 'b', '1'],
  });
  await again.put('none', '[]');
  assert.equal(again.store.of('none'), undefined);
  assert.equal(again.store.get('none').source, 'tenant');
});

test('another default holds for all without rules of their own and has a version of its own', async () => {
  const { store, changes, put } = await opened(new MemoryCatalog(), `${RULE}all`);
  const own = await put('own', `${RULE}own`);
  const seen = new Set([own.version, store.get('t').version]);
  for (const value of ['b', 'c']) {
    await store.setDefault(await readRelabelConfig(`${RULE}${value}`));
    const { version, source, rules } = store.get('t');
    assert.deepEqual([source, rules[0]?.replacement], ['default', value]);
    assert.equal(store.of('t')?.version, version);
    assert.ok(!seen.has(version));
    seen.add(version);
  }
  // Nothing else than before: what rows mean need not be forgotten.
  await store.setDefault(await readRelabelConfig(`${RULE}c`));
  assert.equal(changes.filter(({ tenant }) => tenant === undefined).length, 2);
  assert.equal(store.all().fallback[0]?.replacement, 'c');
  assert.equal(store.get('own').version, own.version);
  await store.setDefault(await readRelabelConfig(''));
  assert.equal(store.of('t'), undefined);
});

test('a commit without an answer counts where it happened, and fails where it did not', async () => {
  const catalog = new MemoryCatalog();
  const { store, changes, put } = await opened(catalog);
  catalog.breakAt = 'after';
  const done = await put('t', `${RULE}1`);
  assert.equal(done.version, catalog.version);
  assert.equal(store.of('t')?.version, done.version);
  catalog.breakAt = 'before';
  await assert.rejects(put('t', `${RULE}2`), { code: 'catalog-commit-unknown' });
  assert.equal(store.of('t')?.version, done.version);
  catalog.breakAt = 'after';
  await store.remove('t');
  assert.equal(store.of('t'), undefined);
  assert.equal(changes.length, 2);
});

test('so many tenants have rules; one that gives them up makes room', async () => {
  const catalog = new MemoryCatalog();
  const { store, put } = await opened(catalog);
  for (let i = 0; i < RELABEL_TENANTS_MAX; i++) await put(`t${i}`, '[]');
  await assert.rejects(put('more', '[]'), { code: 'relabel-tenants', kind: 'limited' });
  await put('t0', `${RULE}1`);
  await store.remove('t1');
  await put('more', '[]');
});

test('a stored text that is no list of rules stops the start and names its row', async () => {
  const catalog = new MemoryCatalog();
  for (const text of ['- {action: explode}', '\xff']) {
    const value = Buffer.from(text, 'latin1');
    catalog.rows.set('relabel/t', { key: 'relabel/t', value, version: 1 });
    await assert.rejects(opened(catalog), (error) => {
      assert.ok(error instanceof FatalError);
      assert.match(error.message, /^catalog row relabel\/t is not readable/);
      return true;
    });
  }
  await assert.rejects(readRelabelConfig('- x'), RelabelConfigError);
});
