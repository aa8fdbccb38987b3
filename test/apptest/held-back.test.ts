// Requests that are held back until who sent them may not do it any more: the last bytes of a body
// are kept until its token is revoked, its tenant suspended or removed, an answer is read slowly.
// Nothing of it happens then, at any row of the route table.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { productRoutes } from '../../src/app/server/routes.ts';
import type { RouteDependencies } from '../../src/app/server/routes.ts';
import { LINGER_MS } from '../../src/frontends/http/limits.ts';
import { routePaths } from '../../src/frontends/http/route.ts';
import { RawConnection } from '../support/raw-connection.ts';
import { TokenHouse } from './isolation/token-house.ts';

const TENANT = 'held';
const BODY = `m,secret=held v=1 1750000000\n`;
/** Rows with a body; `x` where the path has a name of somebody's choice. */
const ROWS = productRoutes({} as RouteDependencies)
  .filter(({ bodyLimitBytes, permission, tenantScope }) => {
    const isOfTenant = permission !== 'admin' || tenantScope !== 'server';
    return bodyLimitBytes > 0 && permission !== 'none' && permission !== 'metrics' && isOfTenant;
  })
  .flatMap((route) =>
    routePaths(route).map((path) => ({
      method: route.method,
      path: path.replace(':tenant', TENANT).replaceAll(/[:*]\w+/g, 'x'),
    })),
  );
const TYPES = new Map([
  ['/api/v1/write', 'application/x-protobuf\r\nContent-Encoding: snappy'],
  ['/v1/metrics', 'application/x-protobuf'],
]);

let house: TokenHouse;
before(async () => (house = await TokenHouse.start()));
after(() => house.stop());

interface Held {
  readonly row: string;
  readonly connection: RawConnection;
  readonly status: Promise<number | undefined>;
  isAnswered: boolean;
}

/** All of it but the last byte is sent. */
async function hold(method: string, path: string, token: string): Promise<Held> {
  const connection = await RawConnection.open(house.orrery.port);
  const known = [...TYPES].find(([end]) => path.endsWith(end))?.[1];
  const type = known ?? 'application/x-www-form-urlencoded';
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    `Authorization: Bearer ${token}`,
    `Content-Type: ${type}`,
    `Content-Length: ${BODY.length}`,
  ];
  connection.send(`${head.join('\r\n')}\r\n\r\n${BODY.slice(0, -1)}`);
  const status = connection.answer(method).then((answer) => {
    held.isAnswered = true;
    return answer?.status;
  });
  const held: Held = { row: `${method} ${path}`, connection, status, isAnswered: false };
  return held;
}

async function holdAll(token: string): Promise<readonly Held[]> {
  const all = await Promise.all(ROWS.map(({ method, path }) => hold(method, path, token)));
  await sleep(300);
  return all;
}

/** Rows that look at something before the body have answered; they linger a while for the rest. */
async function settled(all: readonly Held[]): Promise<void> {
  for (let count = -1; ;) {
    const answered = all.filter(({ isAnswered }) => isAnswered).length;
    if (answered === count) return;
    count = answered;
    await sleep(LINGER_MS + 500);
  }
}

/** Those that were not refused for something else before are answered by one of these. */
async function checkEnds(all: readonly Held[], ...wanted: readonly number[]): Promise<void> {
  await settled(all);
  const waiting = all.filter(({ isAnswered }) => !isAnswered);
  for (const { connection } of waiting) connection.send(BODY.slice(-1));
  for (const { row, status } of waiting)
    assert.ok(wanted.includes((await status) ?? 0), `${row}: ${await status}`);
  for (const { connection } of all) connection.close();
  assert.ok(waiting.length > 30, `${waiting.length} of ${all.length} were held back`);
}

async function told(path: string): Promise<string> {
  return (await house.server('GET', path)).text;
}

test('a token is revoked while bodies come: none of them does anything', async () => {
  await house.tenant(TENANT);
  const { id, token } = await house.token(TENANT);
  const all = await holdAll(token);
  const revoked = await house.server('DELETE', `/orrery/v1/tenants/${TENANT}/tokens/${id}`);
  assert.equal(revoked.status, 200, revoked.text);
  await checkEnds(all, 401);
  const { tokens } = JSON.parse(await told(`/orrery/v1/tenants/${TENANT}/tokens`)) as {
    readonly tokens: readonly { readonly id: string }[];
  };
  assert.deepEqual(
    tokens.map((one) => one.id),
    [id],
    'no token was made by the one that is revoked',
  );
  const reader = await house.token(TENANT);
  const exported = await reader.ask('GET', '/api/v1/export?match[]={__name__!=""}');
  assert.equal(exported.text, '');
});

test('a tenant is suspended, then removed, while bodies come: nothing of it comes back', async () => {
  const { token } = await house.token(TENANT);
  const suspended = await holdAll(token);
  const path = `/orrery/v1/tenants/${TENANT}`;
  const asked = await house.server('PATCH', path, { body: '{"state":"suspended"}' });
  assert.equal(asked.status, 200, asked.text);
  await checkEnds(suspended, 403);
  await house.server('PATCH', path, { body: '{"state":"active"}' });
  const removed = await holdAll(token);
  const deleted = await house.server('DELETE', path);
  assert.equal(deleted.status, 200, deleted.text);
  await checkEnds(removed, 401, 403);
  const page = await told('/metrics');
  assert.match(page, /^orrery_tsdb_head_samples 0$/m);
  const { tenants } = JSON.parse(await told('/orrery/v1/storage')) as { readonly tenants: number };
  assert.equal(tenants, 0);
});

test('an answer that is under way ends when its token is revoked', async () => {
  await house.tenant('slow');
  const { id, token, ask } = await house.token('slow');
  const lines = Array.from({ length: 20_000 }, (_, i) => `m v=${i}.123456 ${1_700_000_000 + i}`);
  for (let i = 0; i < 15; i++) {
    const body = lines.map((line) => line.replace('m ', `m,i=${i} `)).join('\n');
    const { status, text } = await ask('POST', '/write?precision=s', { body });
    assert.equal(status, 204, text);
  }
  const path = '/api/v1/export?exact=1&match[]={__name__!=""}';
  const whole = (await ask('GET', path)).text.length;
  const answer = await fetch(house.orrery.url + path, {
    headers: { Authorization: `Bearer ${token}`, 'Accept-Encoding': 'identity' },
  });
  assert.equal(answer.status, 200);
  const reader = answer.body!.getReader();
  let sizeBytes = (await reader.read()).value?.length ?? 0;
  const revoked = await house.server('DELETE', `/orrery/v1/tenants/slow/tokens/${id}`);
  assert.equal(revoked.status, 200, revoked.text);
  await assert.rejects(async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      sizeBytes += value.length;
    }
  }, 'the answer is cut, not ended');
  assert.ok(sizeBytes < whole, `${sizeBytes} of ${whole}`);
});
