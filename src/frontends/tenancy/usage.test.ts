// Use on a door: of all for an admin of all, of its own for a tenant; JSON as the document says,
// CSV, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryCatalog } from '../../../test/contract/memory-planes.ts';
import { MemoryStorage } from '../../../test/contract/memory-storage.ts';
import { SchemaChecker } from '../../../test/support/json-schema.ts';
import type { Schema } from '../../../test/support/json-schema.ts';
import { openPrincipal } from '../../model/tenant.ts';
import type { Principal } from '../../model/tenant.ts';
import { SERVER_ACTOR } from '../../tenancy/audit.ts';
import { TenancyStore } from '../../tenancy/tenancy-store.ts';
import { UsageBook } from '../../tenancy/usage.ts';
import { openDoor, testScheduler } from '../http/testing.ts';
import type { TestDoor } from '../http/testing.ts';
import { openApiDocument } from './openapi.ts';
import { tenancyRoutes } from './routes.ts';
import type { TenancyApiDependencies } from './routes.ts';

const clock = { nowMs: () => Date.UTC(2026, 5, 1), monotonicMs: () => 0 };
const { components } = openApiDocument({ version: '1' }) as unknown as {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};
const checker = new SchemaChecker(components.schemas);

interface Body {
  readonly error?: { readonly code: string; readonly path?: string };
  readonly rows: readonly { readonly tenant: string; readonly points_written: number }[];
}

/** A token is the name of its tenant; none: open mode. */
function principalOf(token: string | undefined): Principal {
  if (token === undefined) return openPrincipal('default');
  const permissions = new Set(['read', 'admin'] as const);
  const principal = { ...openPrincipal(token), tokenId: 't', permissions };
  return token === 'part' ? { ...principal, tenant: 'used', maxTUs: 1 } : principal;
}

class Shop {
  readonly #door: TestDoor;
  readonly #usage: UsageBook;

  private constructor(door: TestDoor, usage: UsageBook) {
    this.#door = door;
    this.#usage = usage;
  }

  static async open(): Promise<Shop> {
    const catalog = new MemoryCatalog();
    const tenancy = await TenancyStore.open({ catalog, clock });
    for (const name of ['used', 'other', 'viewer'])
      await tenancy.createTenant({ name, limits: {} }, SERVER_ACTOR);
    const onError = (error: unknown): never => {
      throw error;
    };
    const usage = await UsageBook.open({ catalog, clock, scheduler: testScheduler, onError });
    const storage = new MemoryStorage(undefined, () => clock.nowMs());
    const looked = { usage, lookAtUsage: async () => undefined };
    // Nothing else is asked of these routes.
    const deps = { tenancy, storage, clock, ...looked } as unknown as TenancyApiDependencies;
    const authenticator = {
      admit: () => undefined,
      authenticate: ({ token }: { token: string | undefined }) => principalOf(token),
    };
    const isServerAdmin = ({ tokenId }: Principal) => tokenId === '';
    const who = { authenticator, isServerAdmin };
    return new Shop(await openDoor(tenancyRoutes(deps), {}, undefined, who), usage);
  }

  async close(): Promise<void> {
    this.#usage.stop();
    await this.#door.close();
  }

  get(path: string, token?: string): Promise<Response> {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    return fetch(`${this.#door.url}/orrery/v1${path}`, { headers });
  }

  async ask(path: string, token?: string): Promise<Body> {
    const response = await this.get(path, token);
    const json = (await response.json()) as Body;
    const schema = components.schemas[response.status === 200 ? 'Usage' : 'Error']!;
    assert.deepEqual(checker.problems(schema, json), [], path);
    return json;
  }

  async refused(path: string, expected: readonly unknown[], token?: string): Promise<void> {
    const { status } = await this.get(path, token);
    const { error } = await this.ask(path, token);
    assert.deepEqual([status, error?.code ?? error?.path], expected, path);
  }

  count(): void {
    const usage = this.#usage;
    const batch = (offset: number, tenant: string, tokenId: string, protocol: string) => ({
      offset,
      tenant,
      tokenId,
      protocol,
      writtenMs: clock.nowMs(),
    });
    usage.applied(0, batch(0, 'used', 't1', 'influx'), 7);
    usage.applied(0, batch(1, 'used', 't2', 'influx'), 5);
    usage.applied(0, batch(2, 'other', '', 'graphite'), 3);
    usage.countRequests({ tenant: 'used', tokenId: 't1', protocol: 'influx' }, 2);
    const asked = { tenant: 'used', tokenId: 't1', protocol: 'promql' };
    usage.countQuery(asked, { samplesRead: 40, cost: 140 });
    usage.look('used', 48, 1000);
    usage.look('used', 40, 900);
  }
}

const NO_USE = {
  points_written: 0,
  points_read: 0,
  queries: 0,
  query_cost: 0,
  requests: 0,
  active_series: 0,
  series_days: 0,
  bytes_stored: 0,
  byte_days: 0,
};

test('use: of all for an admin of all, of its own for a tenant, as JSON and as CSV', async (t) => {
  const shop = await Shop.open();
  t.after(() => shop.close());
  shop.count();
  const hour = '2026-06-01T00:00:00.000Z';
  const used = { tenant: 'used', tenant_id: 'used' };
  const own = await shop.ask('/tenants/used/usage');
  const whole = {
    from: '2026-05-31T01:00:00.000Z',
    to: '2026-06-01T01:00:00.000Z',
    group: ['hour', 'tenant', 'token', 'protocol'],
  };
  const asked = { points_read: 40, queries: 1, query_cost: 140, requests: 1 };
  const kept = { active_series: 48, series_days: 2, bytes_stored: 900, byte_days: 900 / 24 };
  assert.deepEqual(own, {
    ...whole,
    rows: [
      { hour, ...used, token: '', protocol: 'storage', ...NO_USE, ...kept },
      { hour, ...used, token: 't1', protocol: 'influx', ...NO_USE, points_written: 7, requests: 2 },
      { hour, ...used, token: 't1', protocol: 'promql', ...NO_USE, ...asked },
      { hour, ...used, token: 't2', protocol: 'influx', ...NO_USE, points_written: 5 },
    ],
  });
  const all = await shop.ask(`/usage?group=tenant&from=${hour}`);
  assert.deepEqual(
    all.rows.map((row) => [row.tenant, row.points_written]),
    [
      ['other', 3],
      ['used', 12],
    ],
  );
  const one = await shop.get('/usage?tenant=other&group=protocol&format=csv');
  assert.equal(one.headers.get('content-type'), 'text/csv; charset=utf-8');
  assert.equal(
    await one.text(),
    'protocol,points_written,points_read,queries,query_cost,requests,active_series,series_days,' +
      'bytes_stored,byte_days\r\ngraphite,3,0,0,0,0,0,0,0,0\r\n',
  );
  assert.deepEqual((await shop.ask('/usage', 'viewer')).rows, []);
  assert.deepEqual((await shop.ask('/usage?tenant=viewer', 'viewer')).rows, []);
  for (const path of ['/usage?tenant=used', '/usage?tenant=nobody', '/tenants/used/usage'])
    await shop.refused(path, [404, 'no-such-tenant'], 'viewer');
  await shop.refused('/usage?tenant=nobody', [404, 'no-such-tenant']);
  await shop.refused('/usage', [403, 'restricted-token'], 'part');
  const long = await shop.ask('/usage?group=tenant&from=2000-01-01T00:00:00Z');
  assert.deepEqual(long.rows.length, 2, 'from when there are rows');
  assert.deepEqual((await shop.ask(`/usage?from=${hour}&to=2026-05-01T00:00:00Z`)).rows, []);
  for (const query of ['group=day', 'format=xml', 'from=now', 'x=1'])
    await shop.refused(`/usage?${query}`, [400, 'bad-field']);
});
