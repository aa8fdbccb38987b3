// Tokens of random shapes on a real server: what each is told is what an unrestricted token is told
// by a tenant that holds only what the shape may see; no answer of any route has a word of what it
// may not; what it deletes it could see, and what it writes bears its labels within its time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Route } from '../../src/frontends/http/route.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import { LISTEN, listenerLines, LISTENERS, sendLines } from './isolation/lines.ts';
import { MARK, STILL } from './isolation/secrets.ts';
import {
  ofKey,
  pointKey,
  pointsOf,
  randomShape,
  secretSeries,
  seedSeries,
  timesOf,
} from './isolation/shapes.ts';
import type { SecretSeries, Shape } from './isolation/shapes.ts';
import { TokenHouse } from './isolation/token-house.ts';
import type { MadeToken } from './isolation/token-house.ts';
import { VISITS } from './isolation/visits.ts';
import { checkSame, walk } from './isolation/walk.ts';
import type { Walker } from './isolation/walk.ts';

/** One shape a seed. */
const SEEDS: readonly (readonly [shards: number, seeds: readonly number[]])[] = [
  [1, [1, 2, 3, 4]],
  [3, [5, 6]],
];

function walker(own: string, { ask, id: ownTokenId }: MadeToken): Walker {
  const ids = { queryId: '0123456789abcdef', tokenId: 'a'.repeat(12), snapshot: 'none' };
  return { ask, guess: { mark: MARK, own, ownTokenId, tenant: 'somebody-else', ...ids } };
}

/** Says something about the tenant's points, and may be cut to a part of them. */
function isReading({ permission, tenantScope, isWhole, method }: Route): boolean {
  return (
    permission === 'read' && tenantScope === 'tenant' && isWhole !== true && method !== 'DELETE'
  );
}

/** A tenant with points of which a token sees a part, and one with that part alone. */
interface Scene {
  readonly house: TokenHouse;
  readonly shape: Shape;
  readonly series: readonly SecretSeries[];
  readonly tenant: string;
  readonly whole: MadeToken;
  readonly token: MadeToken;
}

async function setScene(house: TokenHouse, seed: number): Promise<Scene> {
  const prng = seededPrng(seed);
  const shape = randomShape(prng);
  const series = secretSeries(prng, `s${seed}`);
  const tenant = `house-${seed}`;
  await house.tenant(tenant);
  const whole = await house.token(tenant);
  const token = await house.token(tenant, shape.draft);
  await seedSeries(whole.ask, series, timesOf({ minSec: -Infinity, maxSec: Infinity }));
  return { house, shape, series, tenant, whole, token };
}

async function checkReads({ house, shape, series, tenant, whole, token }: Scene): Promise<void> {
  const { permissions } = shape.draft;
  if (!permissions.includes('read')) return;
  const mirror = `mirror-${tenant.slice(6)}`;
  await house.tenant(mirror);
  const filler = await house.token(mirror);
  const open = await house.token(mirror, { permissions });
  const seen = series.filter(({ labels }) => shape.accepts(labels));
  await seedSeries(filler.ask, seen, timesOf(shape));
  // Results of who sees all are kept first, under the same questions.
  for (const { query } of VISITS.get('GET /api/v1/query_range')!(walker(tenant, whole).guess)) {
    const search = new URLSearchParams(query).toString();
    for (let i = 0; i < 2; i++) await whole.ask('GET', `/api/v1/query_range?${search}`);
  }
  const count = await checkSame(walker(tenant, token), walker(mirror, open), isReading);
  assert.ok(count > 300, `${count} answers`);
}

/** Every route and listener with the token; no word of what it may not see. */
async function checkTold(scene: Scene, secrets: readonly string[]): Promise<void> {
  const { house, shape, series, tenant, token } = scene;
  const isReader = shape.draft.permissions.includes('read');
  const seesSome = isReader && timesOf(shape).length > 0;
  const own = new Set(
    series.filter(({ labels }) => seesSome && shape.accepts(labels)).map(({ secret }) => secret),
  );
  const hidden = secrets.filter((secret) => !own.has(secret));
  const check = (what: string, text: string): void => {
    const told = hidden.find((secret) => text.includes(secret));
    assert.equal(told, undefined, `${what} tells ${told}: ${text.slice(0, 500)}`);
  };
  for (const { what, text } of await walk(walker(tenant, token), () => true)) check(what, text);
  for (const name of LISTENERS) {
    const lines = listenerLines(name, `${MARK}_line`, token.token);
    check(name, await sendLines(house.orrery, name, lines));
  }
  // Datagrams are answered by nobody.
  await sleep(300);
}

function checkChanges(
  { shape, series }: Scene,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): void {
  const { permissions, labels: forced } = shape.draft;
  const isSeen = ({ sec, labels }: ReturnType<typeof ofKey>): boolean =>
    shape.accepts(labels) && sec >= shape.minSec && sec <= shape.maxSec;
  const mayDelete = permissions.includes('delete');
  for (const key of before.keys())
    assert.equal(after.has(key), !(mayDelete && isSeen(ofKey(key))), `deleted: ${key}`);
  for (const [key, value] of after) {
    if (before.has(key)) {
      assert.equal(value, before.get(key), `overwritten: ${key}`);
      continue;
    }
    assert.ok(permissions.includes('write'), `written: ${key}`);
    const { sec, labels } = ofKey(key);
    for (const [name, text] of Object.entries(forced)) assert.equal(labels[name], text, key);
    assert.ok(sec >= shape.minSec && sec <= shape.maxSec, `its time: ${key}`);
  }
  const first = series[0]!;
  assert.ok(before.has(pointKey(first.labels, timesOf(shape)[0] ?? 0)) || !timesOf(shape).length);
}

for (const [shards, seeds] of SEEDS)
  test(`tokens of shapes ${seeds.join(', ')}, ${shards} shards`, { timeout: 300_000 }, async () => {
    const house = await TokenHouse.start([STILL, `--shards=${shards}`, ...LISTEN]);
    try {
      const secrets: string[] = [];
      const untouched: { readonly scene: Scene; readonly points: unknown }[] = [];
      for (const seed of seeds) {
        const scene = await setScene(house, seed);
        secrets.push(...scene.series.map(({ secret }) => secret));
        const told = `seed ${seed}: ${JSON.stringify(scene.shape.draft)}`;
        try {
          await checkReads(scene);
          const before = await pointsOf(scene.whole.ask);
          await checkTold(scene, secrets);
          const points = await pointsOf(scene.whole.ask);
          checkChanges(scene, before, points);
          untouched.push({ scene, points });
        } catch (error) {
          throw new Error(told, { cause: error });
        }
      }
      for (const { scene, points } of untouched)
        assert.deepEqual(await pointsOf(scene.whole.ask), points, 'what others did is not here');
    } finally {
      await house.stop();
    }
  });
