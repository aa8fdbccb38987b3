// The store of tenants and tokens on a real SQLite catalog and on one in memory: what is answered
// is there after a crash, what is refused changed nothing, listeners hear of changes in order,
// names and ids stay apart, bounds hold, the audit log has every change and no secret.
import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { MemoryCatalog } from '../../test/contract/memory-planes.ts';
import type { Catalog, CatalogTx } from '../catalog/catalog.ts';
import { SqliteCatalog } from '../catalog/sqlite-catalog.ts';
import { AppError } from '../model/errors.ts';
import { DEFAULT_TENANT } from '../model/tenant.ts';
import { FatalError } from '../stdx/assert.ts';
import type { Actor, AuditFilter } from './audit.ts';
import {
  AUDIT_ROWS_MAX,
  AUDIT_SHARE_MAX,
  RECORD_BYTES_MAX,
  REMOVED_IDS_KEPT,
  REVOKED_TOKENS_KEPT,
  TENANCY_PAGE_ROWS,
  TOKENS_PER_TENANT_MAX,
} from './limits.ts';
import type { TenancyChange } from './records.ts';
import { TenancyStore } from './tenancy-store.ts';
import type { TokenDraft } from './tenancy-store.ts';

const BY: Actor = { tokenId: 'opener', tokenName: 'first', tenant: 'default', peer: '127.0.0.1' };

let nowMs = 1_000;
const clock = { nowMs: () => nowMs++, monotonicMs: () => 0 };

function draft(id: string, more: Partial<TokenDraft> = {}): TokenDraft {
  return {
    id,
    hash: `hash-of-${id}`,
    name: `token ${id}`,
    scope: 'tenant',
    tenants: ['acme'],
    permissions: ['read'],
    labels: {},
    matchers: [],
    application: '',
    limits: {},
    ...more,
  };
}

/** The next commit fails, before or after it happened; nobody says which. */
class UnsureCatalog implements Catalog {
  readonly inner: Catalog;
  breakAt: 'before' | 'after' | undefined = undefined;
  /** Reads fail too, so that nobody learns what became of the commit. */
  isDown = false;

  constructor(inner: Catalog) {
    this.inner = inner;
  }

  async transact<T>(body: (tx: CatalogTx) => Promise<T>) {
    const unknown = new AppError('unavailable', 'catalog-commit-unknown', 'no answer');
    if (this.isDown) throw unknown;
    let wrote = false;
    const committed = await this.inner.transact(async (tx) => {
      const result = await body({
        get: (key) => tx.get(key),
        range: (...args) => tx.range(...args),
        set(key, value) {
          wrote = true;
          tx.set(key, value);
        },
        remove: (key) => tx.remove(key),
        removeRange: (begin, end) => tx.removeRange(begin, end),
      });
      if (wrote && this.breakAt === 'before') throw this.#broken(unknown);
      return result;
    });
    if (wrote && this.breakAt === 'after') throw this.#broken(unknown);
    return committed;
  }

  #broken(error: AppError): AppError {
    this.breakAt = undefined;
    this.isDown = true;
    return error;
  }

  backup = async () => undefined;
  checkpoint = async () => undefined;
  close = () => this.inner.close();
}

const NEWEST: AuditFilter = {
  tenant: undefined,
  action: undefined,
  startMs: 0,
  endMs: Infinity,
  before: Infinity,
  limit: 100,
};

async function history(store: TenancyStore, filter: Partial<AuditFilter> = {}) {
  const { rows } = await store.audit({ ...NEWEST, ...filter });
  return rows.map(({ action, subject }) => `${action} ${subject}`).toReversed();
}

/** Everything that can be read of a store. */
async function contents(store: TenancyStore): Promise<unknown> {
  const byId = <T extends { readonly id: string }>(all: Iterable<T>): T[] =>
    [...all].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const tenants = byId(store.tenants());
  return {
    tenants,
    names: tenants.map(({ name }) => store.tenantByName(name)?.id),
    pages: store.tenantsByName({ after: '', limit: 1e6 }).map(({ name }) => name),
    tokens: tenants.flatMap(({ id }) => byId(store.tokensOf(id))),
    tokenCount: store.tokenCount,
    audit: await store.audit({ ...NEWEST, limit: 1_000 }),
  };
}

const folder = await fs.mkdtemp(`${tmpdir()}/orrery-tenancy-`);
after(() => fs.rm(folder, { recursive: true }));
let files = 0;

interface Harness {
  readonly name: string;
  /** A new catalog, and the same one again as another process finds it. */
  readonly make: () => Promise<{ open: () => Promise<Catalog> }>;
}

const HARNESSES: readonly Harness[] = [
  {
    name: 'memory',
    make: async () => {
      const catalog = new MemoryCatalog();
      return { open: async () => catalog };
    },
  },
  {
    name: 'SQLite',
    make: async () => {
      const path = `${folder}/${files++}.sqlite`;
      return { open: () => SqliteCatalog.open(path) };
    },
  },
];

function refusal(code: string): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === code;
}

for (const { name, make } of HARNESSES) {
  /** Runs on a fresh catalog; afterwards another opening must find what the store said. */
  const onStore = (
    what: string,
    body: (store: TenancyStore, changes: TenancyChange[]) => Promise<void>,
  ): void => {
    void test(`${name}: ${what}`, async () => {
      const { open } = await make();
      const catalog = await open();
      const store = await TenancyStore.open({ catalog, clock });
      const changes: TenancyChange[] = [];
      store.onChange((change) => changes.push(change));
      await body(store, changes);
      const seen = await contents(store);
      await catalog.close();
      const again = await open();
      assert.deepEqual(await contents(await TenancyStore.open({ catalog: again, clock })), seen);
      await again.close();
    });
  };

  onStore('the tenant "default" is there, and is neither renamed nor removed', async (store) => {
    assert.equal(store.tenantByName('default')?.state, 'active');
    assert.equal(store.tenantCount, 1);
    await store.changeTenant('default', { limits: () => ({ active_series: 5 }) }, BY);
    assert.deepEqual(store.tenant('default')?.limits, { active_series: 5 });
    for (const edit of [{ name: 'other' }, { state: 'suspended' }] as const)
      await assert.rejects(store.changeTenant('default', edit, BY), refusal('default-tenant'));
    await assert.rejects(store.beginRemoval('default', BY), refusal('default-tenant'));
  });

  onStore('tenants are created, limited, suspended, renamed', async (store, changes) => {
    const made = await store.createTenant({ name: 'acme', limits: { active_series: 7 } }, BY);
    assert.equal(made.id, 'acme');
    await assert.rejects(
      store.createTenant({ name: 'acme', limits: {} }, BY),
      refusal('tenant-exists'),
    );
    for (const bad of ['', '.', '../x', 'a/b', 'é', 'a'.repeat(129)])
      await assert.rejects(
        store.createTenant({ name: bad, limits: {} }, BY),
        refusal('tenant-name'),
      );
    await store.changeTenant('acme', { limits: (old) => ({ ...old, labels: 3 }) }, BY);
    await store.changeTenant('acme', { state: 'suspended' }, BY);
    await store.changeTenant('acme', { state: 'suspended' }, BY);
    await store.changeTenant('acme', { name: 'umbrella', state: 'active' }, BY);
    assert.equal(store.tenantByName('acme'), undefined);
    assert.equal(store.tenantByName('umbrella')?.id, 'acme');
    // The name is free again, the id is not.
    const second = await store.createTenant({ name: 'acme', limits: {} }, BY);
    assert.deepEqual([second.id, second.name], ['acme.2', 'acme']);
    await assert.rejects(
      store.changeTenant('acme', { name: 'acme' }, BY),
      refusal('tenant-exists'),
    );
    await assert.rejects(store.changeTenant('nobody', {}, BY), refusal('no-such-tenant'));
    assert.deepEqual(await history(store), [
      'tenant.create acme',
      'tenant.limits acme',
      'tenant.suspend acme',
      'tenant.change acme',
      'tenant.create acme',
    ]);
    assert.deepEqual(
      changes.map(({ kind, id, record }) => [
        kind,
        id,
        record && 'state' in record && record.state,
      ]),
      [
        ['tenant', 'acme', 'active'],
        ['tenant', 'acme', 'active'],
        ['tenant', 'acme', 'suspended'],
        ['tenant', 'acme', 'active'],
        ['tenant', 'acme.2', 'active'],
      ],
    );
  });

  onStore('names of objects in JavaScript are names', async (store) => {
    for (const id of ['__proto__', 'constructor', 'toString'])
      await store.createTenant({ name: id, limits: {} }, BY);
    assert.equal(store.tenantByName('hasOwnProperty'), undefined);
    assert.equal(store.tenantByName('__proto__')?.id, '__proto__');
    const labels = Object.fromEntries([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    const more = { tenants: ['__proto__'], labels };
    await store.createToken(draft('__proto__', more), BY);
    assert.deepEqual(Object.entries(store.token('__proto__')!.labels), Object.entries(labels));
    assert.equal(store.token('valueOf'), undefined);
  });

  onStore('tokens are created and revoked, and no row has a hash', async (store, changes) => {
    await store.createTenant({ name: 'acme', limits: {} }, BY);
    await store.createToken(draft('one', { matchers: ['{env="prod"}'] }), BY);
    await assert.rejects(store.createToken(draft('one'), BY), refusal('token-exists'));
    await assert.rejects(
      store.createToken(draft('two', { tenants: ['nobody'] }), BY),
      refusal('no-such-tenant'),
    );
    await store.createToken(draft('two', { tenants: ['acme', 'default'] }), BY);
    const revoked = await store.revokeToken('one', BY);
    assert.deepEqual(await store.revokeToken('one', BY), revoked);
    assert.ok(revoked.revokedMs! > revoked.createdMs);
    assert.deepEqual(
      [...store.tokensOf('acme')].map(({ id }) => id),
      ['one', 'two'],
    );
    assert.deepEqual(
      [...store.tokensOf('default')].map(({ id }) => id),
      ['two'],
    );
    await assert.rejects(store.revokeToken('three', BY), refusal('no-such-token'));
    assert.equal(changes.length, 4);
    const { rows } = await store.audit({ ...NEWEST, tenant: 'acme' });
    assert.equal(rows.length, 4);
    assert.doesNotMatch(JSON.stringify(rows), /hash/);
    assert.deepEqual(rows[0]!.by, BY);
    assert.partialDeepStrictEqual(rows[0], {
      action: 'token.revoke',
      before: { name: 'token one', matchers: ['{env="prod"}'] },
      after: { revokedMs: revoked.revokedMs },
    });
  });

  onStore('a removed tenant takes its tokens along, its id is not given again', async (store) => {
    await store.createTenant({ name: 'acme', limits: {} }, BY);
    await store.createToken(draft('own'), BY);
    await store.createToken(draft('shared', { tenants: ['default', 'acme'] }), BY);
    await store.beginRemoval('acme', BY);
    await store.beginRemoval('acme', BY);
    assert.equal(store.tenant('acme')?.state, 'deleting');
    await assert.rejects(store.createToken(draft('late'), BY), refusal('tenant-deleting'));
    await assert.rejects(
      store.changeTenant('acme', { state: 'active' }, BY),
      refusal('tenant-deleting'),
    );
    await store.endRemoval('acme', BY, { pointCount: 12 });
    assert.equal(store.tenant('acme'), undefined);
    assert.ok(store.isRemoved('acme'));
    assert.equal(store.token('own'), undefined);
    assert.deepEqual(store.token('shared')?.tenants, ['default']);
    const again = await store.createTenant({ name: 'acme', limits: {} }, BY);
    assert.equal(again.id, 'acme.2');
    assert.deepEqual(await history(store, { tenant: 'acme' }), [
      'tenant.create acme',
      'token.create own',
      'token.create shared',
      'tenant.delete acme',
      'tenant.deleted acme',
    ]);
    const { rows } = await store.audit({ ...NEWEST, action: 'tenant.deleted' });
    assert.deepEqual(rows[0]!.after, { pointCount: 12 });
  });

  onStore('bounds: tokens of a tenant, revoked ones, bytes of a record', async (store) => {
    await store.createTenant({ name: 'acme', limits: {} }, BY);
    const matchers = [`{env="${'x'.repeat(RECORD_BYTES_MAX)}"}`];
    await assert.rejects(
      store.createToken(draft('large', { matchers }), BY),
      refusal('record-too-large'),
    );
    for (let i = 0; i < REVOKED_TOKENS_KEPT + 2; i++) {
      await store.createToken(draft(`r${i}`), BY);
      await store.revokeToken(`r${i}`, BY);
    }
    assert.equal(store.tokenCount, REVOKED_TOKENS_KEPT);
    assert.equal(store.token('r1'), undefined);
    assert.ok(store.token('r2'));
  });

  test(`${name}: a commit of which nobody says what became of it`, async () => {
    for (const breakAt of ['before', 'after'] as const) {
      const { open } = await make();
      const catalog = new UnsureCatalog(await open());
      const store = await TenancyStore.open({ catalog, clock });
      const heard: string[] = [];
      store.onChange(({ id }) => heard.push(id));
      await store.createTenant({ name: 'a', limits: {} }, BY);
      catalog.breakAt = breakAt;
      await assert.rejects(
        store.createTenant({ name: 'b', limits: {} }, BY),
        refusal('catalog-commit-unknown'),
      );
      // Nothing is changed on top of what is not known.
      await assert.rejects(store.createTenant({ name: 'c', limits: {} }, BY));
      assert.deepEqual(heard, ['a']);
      catalog.isDown = false;
      await store.createTenant({ name: 'd', limits: {} }, BY);
      const expected = breakAt === 'after' ? ['a', 'b', 'd'] : ['a', 'd'];
      assert.deepEqual(heard, expected);
      assert.deepEqual(
        await history(store),
        expected.map((id) => `tenant.create ${id}`),
      );
      const seen = await contents(store);
      await catalog.close();
      const again = await open();
      assert.deepEqual(await contents(await TenancyStore.open({ catalog: again, clock })), seen);
      await again.close();
    }
  });

  test(`${name}: changes at once follow each other`, async () => {
    const { open } = await make();
    const catalog = await open();
    const store = await TenancyStore.open({ catalog, clock });
    const made = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        store.createTenant({ name: `t${i % 10}`, limits: {} }, BY),
      ),
    );
    assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 10);
    assert.equal(store.tenantCount, 11);
    const { rows } = await store.audit(NEWEST);
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      [10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
    );
    await catalog.close();
  });
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test('10,000 tenants are read in pages and listed by name', async () => {
  const catalog = new MemoryCatalog();
  const count = 10_000;
  await catalog.transact(async (tx) => {
    for (let i = 0; i < count; i++) {
      const id = `t${String(i).padStart(5, '0')}`;
      const record = { id, name: id, createdMs: i, state: 'active', limits: {} };
      tx.set(`tenancy/tenant/${id}`, encode(record));
    }
  });
  let asked = 0;
  const counting: Catalog = {
    transact: (body) => (asked++, catalog.transact(body)),
    backup: async () => undefined,
    checkpoint: async () => undefined,
    close: async () => undefined,
  };
  const store = await TenancyStore.open({ catalog: counting, clock });
  assert.ok(asked <= count / TENANCY_PAGE_ROWS + 5, `${asked} transactions`);
  assert.equal(store.tenantCount, count + 1);
  asked = 0;
  const names: string[] = [];
  for (let last = ''; ; last = names.at(-1)!) {
    const page = store.tenantsByName({ after: last, limit: 300 });
    names.push(...page.map(({ name }) => name));
    if (page.length < 300) break;
  }
  assert.equal(names.length, count + 1);
  assert.deepEqual(names, names.toSorted());
  assert.equal(asked, 0);
});

test('the audit log: the oldest rows go, pages go on, time and action are filters', async () => {
  const catalog = new MemoryCatalog();
  const row = (seq: number) => ({
    seq,
    tMs: seq,
    action: seq % 100 === 0 ? 'tenant.suspend' : 'tenant.limits',
    by: BY,
    tenants: [seq % 2 === 0 ? 'even' : 'odd'],
    subject: 'x',
    before: null,
    after: null,
  });
  await catalog.transact(async (tx) => {
    for (let seq = 1; seq <= AUDIT_ROWS_MAX; seq++)
      tx.set(`tenancy/audit/${String(seq).padStart(16, '0')}`, encode(row(seq)));
  });
  const store = await TenancyStore.open({ catalog, clock });
  await store.createTenant({ name: 'a', limits: {} }, BY);
  await store.createTenant({ name: 'b', limits: {} }, BY);
  const keys = catalog.keys().filter((key) => key.startsWith('tenancy/audit/'));
  assert.equal(keys.length, AUDIT_ROWS_MAX);
  assert.equal(keys[0], 'tenancy/audit/0000000000000003');
  const found: number[] = [];
  let questions = 0;
  for (let before: number | undefined = Infinity; before !== undefined; questions++) {
    const filter: AuditFilter = { ...NEWEST, action: 'tenant.suspend', tenant: 'even', before };
    const answer = await store.audit({ ...filter, startMs: 10_000, endMs: 40_000 });
    found.push(...answer.rows.map(({ seq }) => seq));
    before = answer.next;
  }
  assert.ok(questions > 4, 'one question looks at a part only');
  assert.deepEqual(
    found,
    Array.from({ length: 301 }, (_, i) => 40_000 - 100 * i),
  );
});

test('a full audit log: who fills it pushes out his own rows, not those of others', async () => {
  const catalog = new MemoryCatalog();
  const by = (tenant: string): Actor => ({ ...BY, tenant });
  const loudFrom = 1 + AUDIT_ROWS_MAX - AUDIT_ROWS_MAX * AUDIT_SHARE_MAX;
  await catalog.transact(async (tx) => {
    for (let seq = 1; seq <= AUDIT_ROWS_MAX; seq++) {
      const own = { action: 'rules.set', tenants: ['x'], subject: 'x', before: null, after: null };
      const row = { seq, tMs: seq, ...own, by: by(seq < loudFrom ? 'quiet' : 'loud') };
      // One of others, which is the oldest of all.
      const first = seq === 1 ? { by: by('other') } : {};
      tx.set(`tenancy/audit/${String(seq).padStart(16, '0')}`, encode({ ...row, ...first }));
    }
  });
  const keyOf = (seq: number): string => `tenancy/audit/${String(seq).padStart(16, '0')}`;
  const store = await TenancyStore.open({ catalog, clock });
  const deed = { action: 'rules.set' } as const;
  // Who has more than a tenth goes first, the heaviest of them.
  await store.record(deed, by('loud'));
  assert.ok(catalog.keys().includes(keyOf(1)) && !catalog.keys().includes(keyOf(2)));
  for (let i = 0; i < 4; i++) await store.record(deed, by(DEFAULT_TENANT));
  const keys = new Set(catalog.keys());
  assert.ok(keys.has(keyOf(1)) && keys.has(keyOf(loudFrom)) && !keys.has(keyOf(6)));
  assert.ok(keys.has(keyOf(7)));
  const count = (set: Iterable<string>): number =>
    [...set].filter((key) => key.startsWith('tenancy/audit/')).length;
  assert.equal(count(keys), AUDIT_ROWS_MAX);
  const { rows } = await store.audit({ ...NEWEST, before: 3, limit: 10 });
  assert.deepEqual(
    rows.map(({ seq, by: { tenant } }) => [seq, tenant]),
    [[1, 'other']],
  );
});

test('rows that are none are refused at the start', async () => {
  const tenant = { id: 'a', name: 'a', createdMs: 1, state: 'active', limits: {} };
  const token = { ...draft('t'), createdMs: 1 };
  const { hash: _, ...noHash } = token;
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ['tenancy/tenant/a', new TextEncoder().encode('{')],
    ['tenancy/tenant/b', encode(tenant)],
    ['tenancy/tenant/a', encode({ ...tenant, state: 'odd' })],
    ['tenancy/tenant/a', encode({ ...tenant, limits: { a: 'b' } })],
    ['tenancy/token/t', encode(noHash)],
    ['tenancy/token/t', encode({ ...token, scope: 'all' })],
    ['tenancy/token/t', encode({ ...token, matchers: [1] })],
    ['tenancy/token/t', encode({ ...token, expiresMs: '1' })],
    ['tenancy/removed/a', encode({})],
    ['tenancy/audit/0000000000000002', encode({ seq: 1 })],
  ];
  for (const [key, value] of bad) {
    const catalog = new MemoryCatalog();
    await catalog.transact(async (tx) => tx.set(key, value));
    await assert.rejects(
      TenancyStore.open({ catalog, clock }),
      (error) => error instanceof FatalError && error.message.includes(key),
      key,
    );
  }
});

test('full: tokens of a tenant, remembered ids', async () => {
  const catalog = new MemoryCatalog();
  await catalog.transact(async (tx) => {
    const tenant = { id: 'acme', name: 'acme', createdMs: 1, state: 'active', limits: {} };
    tx.set('tenancy/tenant/acme', encode(tenant));
    for (let i = 0; i < TOKENS_PER_TENANT_MAX; i++)
      tx.set(`tenancy/token/t${i}`, encode({ ...draft(`t${i}`), createdMs: i }));
    for (let i = 0; i < REMOVED_IDS_KEPT; i++)
      tx.set(`tenancy/removed/gone${i}`, encode({ removedMs: i + 1 }));
  });
  const store = await TenancyStore.open({ catalog, clock });
  await assert.rejects(store.createToken(draft('more'), BY), refusal('tenant-tokens'));
  await store.revokeToken('t0', BY);
  await store.createToken(draft('more'), BY);
  assert.ok(store.isRemoved('gone0'));
  await store.beginRemoval('acme', BY);
  await store.endRemoval('acme', BY, {});
  assert.deepEqual([store.isRemoved('gone0'), store.isRemoved('gone1')], [false, true]);
  assert.equal(store.tokenCount, 0);
});

test('deletes of points have a log of their own, which forgets a tenant', async () => {
  const catalog = new MemoryCatalog();
  const store = await TenancyStore.open({ catalog, clock });
  await store.createTenant({ name: 'acme', limits: {} }, BY);
  const ofAcme: Actor = { ...BY, tenant: 'acme' };
  for (let i = 0; i < 2 * TENANCY_PAGE_ROWS + 3; i++)
    await store.record(
      { action: 'points.delete', after: { selectors: [`s${i}`] } },
      i % 2 === 0 ? BY : ofAcme,
    );
  await store.record({ action: 'server.flush', tenants: [] }, BY);
  const changes = await store.audit({ ...NEWEST, limit: 10 });
  assert.deepEqual(
    changes.rows.map(({ action, subject, tenants }) => [action, subject, tenants.length]),
    [
      ['server.flush', '', 0],
      ['tenant.create', 'acme', 1],
    ],
  );
  const own = { ...NEWEST, tenant: 'acme', limit: 5_000 };
  assert.equal((await store.audit(own, 'deletes')).rows.length, TENANCY_PAGE_ROWS + 1);
  await store.forgetDeletes('acme');
  assert.deepEqual((await store.audit(own, 'deletes')).rows, []);
  const { rows } = await store.audit({ ...NEWEST, limit: 5_000 }, 'deletes');
  assert.equal(rows.length, TENANCY_PAGE_ROWS + 2);
  assert.equal(rows[0]!.subject, 'default');
  const again = await TenancyStore.open({ catalog, clock });
  await again.record({ action: 'points.delete' }, BY);
  const [newest] = (await again.audit({ ...NEWEST, limit: 1 }, 'deletes')).rows;
  assert.equal(newest!.seq, rows[0]!.seq + 1);
});
