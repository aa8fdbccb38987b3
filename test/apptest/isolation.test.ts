// Tenants of open mode do not see each other: every route of the table and every listener, with the
// names of another tenant. A new route is tried by existing (isolation/visits.ts says how).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '../../src/frontends/http/route.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';
import { LISTEN, LISTENERS, sendLines } from './isolation/lines.ts';
import {
  contentOf,
  makeTenant,
  MARK,
  NO_MARK,
  NO_TOKEN,
  SECRETS,
  seedSecrets,
  STILL,
} from './isolation/secrets.ts';
import type { Asker } from './isolation/secrets.ts';
import { checkWalks, replyOf } from './isolation/walk.ts';
import type { Guess } from './isolation/visits.ts';
import type { Walker } from './isolation/walk.ts';
import { liveQueries, stuckExport, until } from './live-queries.ts';

const OWNER = 'owner-of-all';

function asker(orrery: RunningOrrery, tenant: string): Asker {
  return async (method, path, init = {}) => {
    const headers = { ...(init.headers as Record<string, string>), 'X-Scope-OrgID': tenant };
    return await replyOf(await fetch(orrery.url + path, { ...init, method, headers }));
  };
}

/** Whoever reaches the listener of open mode may do what is about the whole server. */
function isOfTenant({ permission, path }: Route): boolean {
  const isAboutTenants = path.startsWith('/orrery/v1/tenants') || path === '/orrery/v1/usage';
  return (permission !== 'admin' && !isAboutTenants) || path === '/orrery/v1/relabel';
}

for (const shards of [1, 3])
  test(`as another tenant: not one byte, ${shards} shards`, { timeout: 240_000 }, async () => {
    const args = ['--no-collect', STILL, `--shards=${shards}`, ...LISTEN];
    const orrery = await startOrrery(args);
    try {
      const owner = asker(orrery, OWNER);
      await makeTenant(owner, OWNER);
      const tokenId = await seedSecrets(owner, OWNER);
      const live = await stuckExport(orrery, { tenant: OWNER, value: 'hushlive' });
      const row = await until(async () =>
        (await liveQueries(orrery, OWNER)).find(({ state }) => state !== 'waiting'),
      );
      const before = await contentOf(owner, OWNER);
      const walker = (
        own: string,
        guess: Pick<Guess, 'mark' | 'tenant' | 'queryId' | 'tokenId'>,
      ): Walker => ({
        ask: asker(orrery, own),
        guess: { ...guess, own, snapshot: 'none', ownTokenId: 'none' },
      });
      const knowing = walker('asker-1', { mark: MARK, tenant: OWNER, queryId: row.id, tokenId });
      const guessing = walker('asker-2', {
        mark: NO_MARK,
        tenant: 'owner-of-none',
        queryId: '0123456789abcdef',
        tokenId: NO_TOKEN,
      });
      const statuses = await checkWalks({ knowing, guessing }, isOfTenant);
      assert.ok(statuses.get(200)! > 500 && statuses.get(404)! > 4, JSON.stringify([...statuses]));
      for (const name of LISTENERS) {
        const lines = `put ${MARK}_metric 1 1 team=b\nstats\nversion\n${MARK}_metric 1 1\n${MARK}a b=\n`;
        const told = await sendLines(orrery, name, lines);
        for (const secret of SECRETS) assert.ok(!told.includes(secret), `${name}: ${told}`);
      }
      assert.deepEqual(await contentOf(owner, OWNER), before, 'nothing of the owner has changed');
      assert.equal((await liveQueries(orrery, OWNER)).length, 1, 'its query still runs');
      live.hangUp();
    } finally {
      await orrery.stop();
    }
  });
