// Tokens that may do less than all: those of one tenant, those that see a part of it, those whose
// writes bear labels. Through every route of a server that asks for tokens, and every listener.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LISTEN, listenerLines, LISTENERS, sendLines } from './isolation/lines.ts';
import {
  contentOf,
  END_SEC,
  form,
  makeTenant,
  MARK,
  NO_MARK,
  NO_TOKEN,
  PUSHED,
  SECRETS,
  seedSecrets,
  STILL,
} from './isolation/secrets.ts';
import type { Asker } from './isolation/secrets.ts';
import { TokenHouse } from './isolation/token-house.ts';
import type { MadeToken } from './isolation/token-house.ts';
import { checkWalks, ROUTES } from './isolation/walk.ts';
import type { Walker } from './isolation/walk.ts';
import { VISITS } from './isolation/visits.ts';
import type { Guess } from './isolation/visits.ts';
import { liveQueries, stuckExport, until } from './live-queries.ts';

const OWNER = 'owner-of-all';
/** Has nothing, and is there. */
const MORE = 'owner-of-more';
const EVERYTHING = form({ 'match[]': '{__name__=~".+"}' });
const ASKERS = ['asker-1', 'asker-2'] as const;

function walkers(
  [one, two]: readonly [MadeToken, MadeToken],
  known: Pick<Guess, 'snapshot' | 'tokenId' | 'tenant' | 'queryId'>,
): { readonly knowing: Walker; readonly guessing: Walker } {
  const snapshot = `${known.snapshot.slice(0, -2)}zz`;
  return {
    knowing: {
      ask: one.ask,
      guess: { ...known, mark: MARK, own: ASKERS[0], ownTokenId: one.id },
    },
    guessing: {
      ask: two.ask,
      guess: {
        mark: NO_MARK,
        own: ASKERS[1],
        ownTokenId: two.id,
        tenant: 'owner-of-none',
        queryId: '0123456789abcdef',
        snapshot,
        tokenId: NO_TOKEN,
      },
    },
  };
}

const houses: TokenHouse[] = [];
const folder = await mkdtemp(join(tmpdir(), 'orrery-restrictions-'));
after(async () => {
  await Promise.all(houses.map((house) => house.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function opened(args: readonly string[]): Promise<TokenHouse> {
  const house = await TokenHouse.start(args);
  houses.push(house);
  return house;
}

async function snapshotOf(server: Asker): Promise<string> {
  const { status, text } = await server('POST', '/orrery/v1/admin/snapshot', { body: '' });
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { name: string }).name;
}

async function namesOf({ ask }: MadeToken): Promise<readonly string[]> {
  const { text } = await ask('GET', '/api/v1/label/__name__/values');
  return (JSON.parse(text) as { data: string[] }).data;
}

/** Lines of the asker with names of the owner, then of whoever the listener is bound to. */
async function tryListeners(
  { orrery }: TokenHouse,
  asker: MadeToken,
  bound: { readonly file: string; readonly to: MadeToken },
): Promise<void> {
  await writeFile(bound.file, `${bound.to.token}\n`);
  // The file is looked at once a second.
  await sleep(1_500);
  const ways = LISTENERS.map((name) => [name, name.endsWith('udp')] as const);
  for (const [name, isDatagram] of [...ways, ['graphite', true] as const])
    for (const [lead, mark] of [
      [asker.token, `${MARK}_metric`],
      ['', `${MARK}_bound`],
    ] as const) {
      const told = await sendLines(orrery, name, listenerLines(name, mark, lead), isDatagram);
      for (const secret of [...SECRETS, asker.token, bound.to.token])
        assert.ok(!told.includes(secret), `${name}: ${told}`);
    }
  const written = (mark: string): readonly string[] => [
    `${mark}.g`,
    `${mark}.h`,
    `${mark}.t`,
    `${mark}_tcp_v`,
    `${mark}_udp_v`,
  ];
  const isThere = async (of: MadeToken, mark: string): Promise<true | undefined> => {
    const names = await namesOf(of);
    return written(mark).every((name) => names.includes(name)) ? true : undefined;
  };
  await until(() => isThere(asker, `${MARK}_metric`));
  await until(() => isThere(bound.to, `${MARK}_bound`));
  assert.ok(!(await namesOf(asker)).some((name) => name.startsWith(`${MARK}_bound`)));
}

for (const shards of [1, 3])
  test(`all rights in one tenant are none in another, ${shards} shards`, async () => {
    const file = join(folder, `line-token-${shards}`);
    await writeFile(file, `orr_${NO_TOKEN}_${'a'.repeat(52)}\n`);
    const bound = [...LISTEN, '--line-token-file', file];
    const house = await opened([STILL, `--shards=${shards}`, ...bound]);
    await makeTenant(house.server, OWNER);
    for (const name of [...ASKERS, 'bound']) await house.tenant(name);
    const owner = await house.token(OWNER);
    const [one, two] = [await house.token(ASKERS[0]), await house.token(ASKERS[1])];
    const tokenId = await seedSecrets(owner.ask, OWNER);
    const snapshot = await snapshotOf(house.server);
    const who = { Authorization: `Bearer ${owner.token}` };
    const live = await stuckExport(house.orrery, { tenant: who, value: 'hushlive' });
    const { id: queryId } = await until(async () =>
      (await liveQueries(house.orrery, who)).find(({ state }) => state !== 'waiting'),
    );
    const before = await contentOf(owner.ask, OWNER);
    const known = { snapshot, tokenId, tenant: OWNER, queryId };
    const statuses = await checkWalks(walkers([one, two], known), () => true);
    // Everything about the whole server is refused, and the guessed tenant is not there.
    assert.ok(statuses.get(403)! >= 20 && statuses.get(404)! >= 10, JSON.stringify([...statuses]));
    await tryListeners(house, one, { file, to: await house.token('bound') });
    assert.deepEqual(await contentOf(owner.ask, OWNER), before, 'nothing of the owner has changed');
    assert.equal((await liveQueries(house.orrery, who)).length, 1, 'its query still runs');
    live.hangUp();
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
    const house = await opened([STILL, `--shards=${shards}`]);
    await makeTenant(house.server, OWNER);
    await makeTenant(house.server, MORE);
    const { ask: owner } = await house.token(OWNER);
    const seeing = (team: string): Promise<MadeToken> =>
      house.token(OWNER, { permissions: ['read', 'delete'], matchers: [`{team="${team}"}`] });
    const [one, two] = [await seeing(ASKERS[0]), await seeing(ASKERS[1])];
    const tokenId = await seedSecrets(owner, OWNER);
    await seedShared(owner);
    const snapshot = await snapshotOf(house.server);
    for (const [i, { ask }] of [one, two].entries()) {
      const { text } = await ask('GET', `/api/v1/export?${EVERYTHING}`);
      assert.match(text, new RegExp(`^[^\\n]*"team":"${ASKERS[i]}"[^\\n]*\\n$`), 'one series');
      const metadata = await ask('GET', '/api/v1/metadata');
      assert.deepEqual(Object.keys((JSON.parse(metadata.text) as { data: object }).data), [
        'shared_metric',
      ]);
    }
    const rest = `/api/v1/export?${form({ 'match[]': '{team!~"asker-.",__name__!~"push_.*"}' })}`;
    const before = (await owner('GET', rest)).text;
    const known = { snapshot, tokenId, tenant: MORE, queryId: 'fedcba9876543210' };
    await checkWalks(walkers([one, two], known), () => true);
    assert.equal((await owner('GET', rest)).text, before, 'deletes hide what is seen alone');
    const own = `/api/v1/export?${form({ 'match[]': '{team=~"asker-."}' })}`;
    assert.equal((await owner('GET', own)).text, '', 'and that they hide');
  });

const WRITES = ROUTES.filter(({ permission }) => permission === 'write');

/** Asks each writing route as it is visited, without those that take something away. */
async function writeAll(ask: Asker, own: string): Promise<void> {
  const ids = { queryId: 'x', snapshot: 'x', tokenId: 'x', ownTokenId: 'x' };
  const guess = { mark: MARK, own, tenant: 'x', ...ids };
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
  const house = await opened(['--scrape-interval=1s']);
  await house.tenant('shared');
  const forcing = (team: string): Promise<MadeToken> =>
    house.token('shared', { permissions: ['write'], labels: { team } });
  const [one, two] = [await forcing('one'), await forcing('two')];
  const { ask: all } = await house.token('shared');
  await writeAll(one.ask, 'one');
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
    await two.ask('DELETE', `/pushgateway${path}`, { body: '' });
  assert.deepEqual(await groups(), pushed, 'the groups of another are not reached');
});
