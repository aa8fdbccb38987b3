// Principals that may do less than all: those of one tenant, those that see a part of it, those
// whose writes bear labels. Through every route, whatever made them what they are.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { matcher } from '../../src/model/matcher.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import type { Permission, Principal } from '../../src/model/tenant.ts';
import { startProduct } from './isolation/product.ts';
import type { Product } from './isolation/product.ts';
import {
  contentOf,
  END_SEC,
  form,
  makeTenant,
  MARK,
  NO_MARK,
  NO_TOKEN,
  PUSHED,
  seedSecrets,
  STILL,
} from './isolation/secrets.ts';
import type { Asker } from './isolation/secrets.ts';
import { checkWalks, ROUTES } from './isolation/walk.ts';
import type { Walker } from './isolation/walk.ts';
import { VISITS } from './isolation/visits.ts';
import type { Guess } from './isolation/visits.ts';

const OWNER = 'owner-of-all';
/** Has nothing, and is there. */
const MORE = 'owner-of-more';
const EVERYTHING = form({ 'match[]': '{__name__=~".+"}' });

function principal(tenant: string, tokenId: string, more: Partial<Principal> = {}): Principal {
  return { ...openPrincipal(tenant), tokenId, ...more };
}

function walkers(
  ask: (token: string) => Asker,
  known: Pick<Guess, 'snapshot' | 'tokenId' | 'tenant'>,
): { readonly knowing: Walker; readonly guessing: Walker } {
  const guess = { queryId: '0123456789abcdef', ...known };
  const snapshot = `${known.snapshot.slice(0, -2)}zz`;
  return {
    knowing: {
      ask: ask('asker-1'),
      guess: { ...guess, mark: MARK, own: 'asker-1' },
    },
    guessing: {
      ask: ask('asker-2'),
      guess: {
        ...guess,
        mark: NO_MARK,
        own: 'asker-2',
        tenant: 'owner-of-none',
        snapshot,
        tokenId: NO_TOKEN,
      },
    },
  };
}

const products: Product[] = [];
after(() => Promise.all(products.map((product) => product.stop())));

async function opened(...given: Parameters<typeof startProduct>): Promise<Product> {
  const product = await startProduct(...given);
  products.push(product);
  return product;
}

async function snapshotOf(server: Asker): Promise<string> {
  const { status, text } = await server('POST', '/orrery/v1/admin/snapshot', { body: '' });
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { name: string }).name;
}

const COMMON = { server: openPrincipal('server'), owner: principal(OWNER, 'owner') };

for (const shards of [1, 3])
  test(`an admin of one tenant is none of another, ${shards} shards`, async () => {
    const product = await opened(
      {
        ...COMMON,
        'asker-1': principal('asker-1', 'one'),
        'asker-2': principal('asker-2', 'two'),
      },
      [STILL, `--shards=${shards}`],
    );
    const owner = product.as('owner');
    await makeTenant(product.as('server'), OWNER);
    const tokenId = await seedSecrets(owner, OWNER);
    const snapshot = await snapshotOf(product.as('server'));
    const before = await contentOf(owner, OWNER);
    const statuses = await checkWalks(
      walkers(product.as, { snapshot, tokenId, tenant: OWNER }),
      () => true,
    );
    // Everything about the whole server is refused, and the guessed tenant is not there.
    assert.ok(statuses.get(403)! >= 20 && statuses.get(404)! >= 10, JSON.stringify([...statuses]));
    assert.deepEqual(await contentOf(owner, OWNER), before);
  });

/** Shared by those who see a part of the tenant: a name that all have series of. */
async function seedShared(owner: Asker): Promise<void> {
  const line = (team: string, value: string): string =>
    `shared_metric{team="${team}",secret="${value}"} ${value === 'own' ? 1 : 424_242} ${END_SEC}000\n`;
  const page = ['asker-1', 'asker-2'].map((team) => line(team, 'own')).join('');
  const help = '# HELP shared_metric of all\n# TYPE shared_metric gauge\n';
  const body = help + page + line('b', 'hushvalue');
  const { status, text } = await owner('POST', '/api/v1/import/prometheus', { body });
  assert.equal(status, 204, text);
}

for (const shards of [1, 3])
  test(`who sees a part of a tenant is not told of the rest, ${shards} shards`, async () => {
    const permissions = new Set<Permission>(['read', 'delete']);
    const seeing = (team: string): Principal =>
      principal(OWNER, team, { permissions, forcedMatchers: [matcher('team', '=', team)] });
    const product = await opened(
      { ...COMMON, 'asker-1': seeing('asker-1'), 'asker-2': seeing('asker-2') },
      [STILL, `--shards=${shards}`],
    );
    const owner = product.as('owner');
    await makeTenant(product.as('server'), OWNER);
    await makeTenant(product.as('server'), MORE);
    const tokenId = await seedSecrets(owner, OWNER);
    await seedShared(owner);
    const snapshot = await snapshotOf(product.as('server'));
    for (const team of ['asker-1', 'asker-2']) {
      const { text } = await product.as(team)('GET', `/api/v1/export?${EVERYTHING}`);
      assert.match(text, new RegExp(`^[^\\n]*"team":"${team}"[^\\n]*\\n$`), 'one series');
      const metadata = await product.as(team)('GET', '/api/v1/metadata');
      assert.deepEqual(Object.keys((JSON.parse(metadata.text) as { data: object }).data), [
        'shared_metric',
      ]);
    }
    const rest = `/api/v1/export?${form({ 'match[]': '{team!~"asker-.",__name__!~"push_.*"}' })}`;
    const before = (await owner('GET', rest)).text;
    await checkWalks(walkers(product.as, { snapshot, tokenId, tenant: MORE }), () => true);
    assert.equal((await owner('GET', rest)).text, before, 'deletes hide what is seen alone');
    const own = `/api/v1/export?${form({ 'match[]': '{team=~"asker-."}' })}`;
    assert.equal((await owner('GET', own)).text, '', 'and that they hide');
  });

const WRITES = ROUTES.filter(({ permission }) => permission === 'write');

/** Asks each writing route as it is visited, without those that take something away. */
async function writeAll(ask: Asker, own: string): Promise<void> {
  const guess = { mark: MARK, own, tenant: 'x', queryId: 'x', snapshot: 'x', tokenId: 'x' };
  for (const { method, path } of WRITES.filter((route) => route.method !== 'DELETE'))
    for (const visit of VISITS.get(`${method} ${path}`)!(guess)) {
      const query = new URLSearchParams(visit.query).toString();
      const { job = '', job64 = '' } = visit.params ?? {};
      const filled = path
        .replace(':job64', job64)
        .replace(':job', job)
        .replace('*labels', 'team/b');
      const { headers = {}, body = '' } = visit;
      const more = method === 'POST' ? '&extra_label=team=b' : '';
      const { status, text } = await ask(method, `${filled}?${query}${more}`, { headers, body });
      assert.ok(status < 500 && status !== 403, `${path}: ${status} ${text}`);
    }
}

test('what is written bears the forced labels, by every route and for ever', async () => {
  const forcing = (team: string): Principal =>
    principal('shared', team, {
      permissions: new Set<Permission>(['write']),
      forcedLabels: ['team', team],
    });
  const product = await opened(
    { all: principal('shared', 'all'), one: forcing('one'), two: forcing('two') },
    ['--scrape-interval=1s'],
  );
  const all = product.as('all');
  await writeAll(product.as('one'), 'one');
  const groups = async (): Promise<unknown> =>
    (JSON.parse((await all('GET', '/pushgateway/api/v1/metrics')).text) as { data: unknown[] })
      .data;
  const pushed = await groups();
  assert.ok(JSON.stringify(pushed).includes(`${MARK}job`));
  // Longer than until the groups are written again.
  await sleep(1500);
  const { text } = await all('GET', `/api/v1/series?${EVERYTHING}&start=0&end=9000000000`);
  const series = (JSON.parse(text) as { data: { team?: string }[] }).data;
  assert.ok(series.length > 12, text);
  assert.deepEqual(
    series.filter(({ team }) => team !== 'one'),
    [],
  );
  for (const path of [PUSHED, `/metrics/job/${MARK}job/team/one`, `/metrics/job/${MARK}job`])
    await product.as('two')('DELETE', `/pushgateway${path}`, { body: '' });
  assert.deepEqual(await groups(), pushed, 'the groups of another are not reached');
});
