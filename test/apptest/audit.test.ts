// The audit log of a server with tokens: every route that needs more than to read and to write has
// its row, with who did what, when and from where; a route that has none here fails. And the guard
// over the last admin, and the token of a scraper.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Asker, Reply } from './isolation/secrets.ts';
import { TokenHouse } from './isolation/token-house.ts';
import { ROUTES } from './isolation/walk.ts';

let house: TokenHouse;
let server: Asker;
let serverId: string;
before(async () => {
  house = await TokenHouse.start();
  ({ server } = house);
  const whoami = json(await server('GET', '/orrery/v1/whoami'));
  const { token } = whoami as { token: { id: string } };
  serverId = token.id;
});
after(() => house.stop());

function json({ text }: Reply): unknown {
  return JSON.parse(Buffer.from(text, 'latin1').toString());
}

interface Row {
  readonly seq: number;
  readonly time: string;
  readonly action: string;
  readonly tenants: readonly string[];
  readonly subject: string;
  readonly by: { readonly token_id: string; readonly token_name: string; readonly peer: string };
  readonly before: unknown;
  readonly after: Readonly<Record<string, unknown>> | null;
}

async function rowsOf(ask: Asker, search: string): Promise<readonly Row[]> {
  const answer = await ask('GET', `/orrery/v1/audit?${search}`);
  assert.equal(answer.status, 200, answer.text);
  return (json(answer) as { rows: readonly Row[] }).rows;
}

/** Number of the newest row. */
async function newest(log: string): Promise<Row | undefined> {
  return (await rowsOf(server, `limit=1&log=${log}`))[0];
}

interface Step {
  readonly method: string;
  /** Of the table. */
  readonly route: string;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly action: string;
}

const RETENTION = '/orrery/v1/tenants/:tenant/retention';
const SNAPSHOT = '/orrery/v1/admin/snapshot';
const TENANT = '/orrery/v1/tenants/:tenant';
const PROMETHEUS = '/api/v1/admin/tsdb';
const POINTS = 'match[]=gone&start=1&end=2';
const RULES = '- action: labeldrop\n  regex: x\n';

/** In an order in which each can be done. `TOKEN` and `NAME` are of what was made before. */
const STEPS: readonly Step[] = [
  { method: 'POST', route: '/orrery/v1/tenants', body: '{"name":"acme"}', action: 'tenant.create' },
  {
    method: 'PATCH',
    route: TENANT,
    path: '/orrery/v1/tenants/acme',
    body: '{"state":"suspended"}',
    action: 'tenant.suspend',
  },
  {
    method: 'PUT',
    route: `${TENANT}/limits`,
    path: '/orrery/v1/tenants/acme/limits',
    body: '{"query-series":7}',
    action: 'tenant.limits',
  },
  {
    method: 'PATCH',
    route: `${TENANT}/limits`,
    path: '/orrery/v1/tenants/acme/limits',
    body: '{"query-series":null}',
    action: 'tenant.limits',
  },
  {
    method: 'POST',
    route: `${TENANT}/tokens`,
    path: '/orrery/v1/tenants/acme/tokens',
    body: '{"name":"t","permissions":["read"]}',
    action: 'token.create',
  },
  {
    method: 'DELETE',
    route: `${TENANT}/tokens/:id`,
    path: '/orrery/v1/tenants/acme/tokens/TOKEN',
    action: 'token.revoke',
  },
  {
    method: 'PUT',
    route: RETENTION,
    path: '/orrery/v1/tenants/acme/retention',
    body: '{"timeMs":86400000}',
    action: 'retention.set',
  },
  {
    method: 'DELETE',
    route: RETENTION,
    path: '/orrery/v1/tenants/acme/retention',
    action: 'retention.set',
  },
  { method: 'DELETE', route: TENANT, path: '/orrery/v1/tenants/acme', action: 'tenant.deleted' },
  { method: 'PUT', route: '/orrery/v1/relabel', body: RULES, action: 'rules.set' },
  { method: 'DELETE', route: '/orrery/v1/relabel', action: 'rules.set' },
  ...(['POST', 'PUT'] as const).flatMap((method): Step[] => [
    {
      method,
      route: `${PROMETHEUS}/delete_series`,
      path: `${PROMETHEUS}/delete_series?${POINTS}`,
      action: 'points.delete',
    },
    { method, route: `${PROMETHEUS}/snapshot`, action: 'snapshot.create' },
    { method, route: `${PROMETHEUS}/clean_tombstones`, action: 'server.clean' },
  ]),
  ...(['GET', 'POST'] as const).map((method) => ({
    method,
    route: '/api/v0/delete',
    path: '/api/v0/delete?selector=gone%7B%7D&start=1&end=2',
    headers: { 'X-Warp10-Token': 'x' },
    action: 'points.delete',
  })),
  ...(['POST', 'DELETE'] as const).map((method) => ({
    method,
    route: '/orrery/v1/delete',
    path: `/orrery/v1/delete?${POINTS}`,
    action: 'points.delete',
  })),
  { method: 'POST', route: '/orrery/v1/admin/flush', action: 'server.flush' },
  ...(['POST', 'PUT'] as const).map((method) => ({
    method,
    route: '/-/reload',
    action: 'server.reload',
  })),
  { method: 'POST', route: '/orrery/v1/admin/compact', action: 'server.compact' },
  { method: 'POST', route: '/orrery/v1/admin/clean_tombstones', action: 'server.clean' },
  { method: 'POST', route: SNAPSHOT, action: 'snapshot.create' },
  {
    method: 'GET',
    route: `${SNAPSHOT}/:name/files/:path`,
    path: `${SNAPSHOT}/NAME/files/catalog.sqlite`,
    action: 'snapshot.read',
  },
  {
    method: 'DELETE',
    route: `${SNAPSHOT}/:name`,
    path: `${SNAPSHOT}/NAME`,
    action: 'snapshot.remove',
  },
];

test('every route that is for more than reading and writing has its row', async () => {
  const asked = new Set<string>();
  const made = { token: '', name: '' };
  for (const { method, route, path = route, body = '', headers = {}, action } of STEPS) {
    asked.add(`${method} ${route}`);
    const log = action === 'points.delete' ? 'deletes' : 'changes';
    const last = (await newest(log))?.seq ?? 0;
    const at = path.replace('TOKEN', made.token).replace('NAME', made.name);
    const init = method === 'GET' || (method === 'DELETE' && body === '') ? {} : { body };
    const reply = await server(method, at, { headers, ...init });
    assert.ok(reply.status < 300, `${method} ${at}: ${reply.status} ${reply.text.slice(0, 300)}`);
    const row = (await newest(log))!;
    assert.equal(row.action, action, `${method} ${route}`);
    assert.ok(row.seq > last, `${method} ${route} has no row`);
    assert.deepEqual(
      [row.by.token_id, row.by.token_name, row.by.peer],
      [serverId, 'first admin', '127.0.0.1'],
    );
    assert.ok(Math.abs(Date.parse(row.time) - Date.now()) < 60_000);
    assert.ok(!('failed' in (row.after ?? {})), JSON.stringify(row));
    if (action === 'token.create') made.token = (json(reply) as { id: string }).id;
    if (route === SNAPSHOT) made.name = (json(reply) as { name: string }).name;
  }
  const due = ROUTES.filter(
    ({ method, permission }) =>
      permission === 'delete' || (['admin', 'rules'].includes(permission) && method !== 'GET'),
  );
  for (const { method, path } of due)
    assert.ok(asked.has(`${method} ${path}`), `test/apptest/audit.test.ts: ${method} ${path}`);
});

test('rows say what was asked, without secrets; what only looks has none, what fails says so', async () => {
  await house.tenant('globex');
  const admin = await house.token('globex', { name: 'chief' });
  const remover = await house.token('globex', { name: 'remover', permissions: ['delete'] });
  const match = `{a="${admin.token}",b="${'x'.repeat(2000)}"}`;
  const search = new URLSearchParams({ 'match[]': match, start: '5', end: '7' }).toString();
  const dry = await remover.ask('POST', `/orrery/v1/delete?${search}&dry_run=1`);
  assert.equal(dry.status, 200, dry.text);
  assert.deepEqual(await rowsOf(admin.ask, 'log=deletes'), []);
  assert.equal((await remover.ask('POST', `/orrery/v1/delete?${search}`)).status, 200);
  const rows = await rowsOf(admin.ask, 'log=deletes');
  assert.equal(rows.length, 1);
  const { action, tenants, subject, by, after: told } = rows[0]!;
  assert.deepEqual([action, tenants, subject], ['points.delete', ['globex'], 'globex']);
  assert.deepEqual([by.token_id, by.token_name], [remover.id, 'remover']);
  const { selectors, ...rest } = told!;
  assert.deepEqual(rest, { protocol: 'orrery', selectorCount: 1, start: '5', end: '7' });
  const [text] = selectors as [string];
  assert.ok(text.startsWith(`{a="orr_${admin.id}_…",b="xxx`) && text.length < 600, text);
  // What tenants do to their points pushes out nothing that admins did.
  const created = await rowsOf(admin.ask, 'action=token.create');
  assert.deepEqual(
    created.map((row) => row.subject),
    [remover.id, admin.id],
  );
  // Of the whole server a tenant hears nothing.
  assert.equal((await server('POST', '/orrery/v1/admin/flush', { body: '' })).status, 200);
  assert.deepEqual(await rowsOf(admin.ask, 'action=server.flush'), []);
  assert.equal((await remover.ask('GET', '/orrery/v1/audit')).status, 403);
  const missing = await server('DELETE', `${SNAPSHOT}/nothing`);
  assert.equal(missing.status, 404, missing.text);
  assert.deepEqual(await rowsOf(server, 'action=snapshot.remove&limit=1000'), [
    ...(await rowsOf(server, 'action=snapshot.remove&limit=1')),
  ]);
});

test('tokens are listed page by page; deletes are told to who sees all of the tenant', async () => {
  await house.tenant('paged');
  const list = '/orrery/v1/tenants/paged/tokens';
  const made: string[] = [];
  for (let i = 0; i < 5; i++) made.push((await house.token('paged')).id);
  await server('DELETE', `${list}/${made[1]}`);
  const seen: string[] = [];
  for (let search = '?limit=2', page = 0; page < 3; page++) {
    const answer = json(await server('GET', list + search));
    const { tokens, next } = answer as { tokens: { id: string }[]; next: string | null };
    seen.push(...tokens.map(({ id }) => id));
    assert.equal(next, page < 2 ? seen.at(-1) : null);
    search = `?limit=2&after=${next}`;
  }
  assert.deepEqual(seen, made);
  assert.equal((await server('GET', `${list}?after=nobody`)).status, 404);
  const part = await house.token('paged', { matchers: ['{a="b"}'] });
  assert.equal((await part.ask('GET', '/orrery/v1/audit')).status, 200);
  const deletes = await part.ask('GET', '/orrery/v1/audit?log=deletes');
  assert.equal(deletes.status, 403);
  assert.match(deletes.text, /restricted-token/);
});

test('the last admin of the server stays, unless it is forced', async () => {
  const refused = async (reply: Promise<Reply>): Promise<void> => {
    const { status, text } = await reply;
    assert.equal(status, 409, text);
    assert.match(text, /"code":"last-server-admin"/);
  };
  const revoke = (tenant: string, id: string, more = '') =>
    server('DELETE', `/orrery/v1/tenants/${tenant}/tokens/${id}${more}`);
  const root = { name: 'root', permissions: ['admin'], scope: 'server' };
  await refused(revoke('default', serverId));
  // One that ends soon, or has not begun, is none that is left.
  await house.token('default', { ...root, expires_in: '1h' });
  await house.token('default', { ...root, not_before: '2099-01-01T00:00:00Z' });
  await house.token('default', { permissions: ['read'] });
  await refused(revoke('default', serverId));
  await house.tenant('admins');
  const other = await house.token('admins', root);
  const spare = await revoke('default', other.id);
  assert.equal(spare.status, 404, 'it is a token of another tenant');
  const first = await other.ask('DELETE', `/orrery/v1/tenants/default/tokens/${serverId}`);
  assert.equal(first.status, 200, first.text);
  const own = '/orrery/v1/tenants/admins';
  await refused(other.ask('DELETE', `${own}/tokens/${other.id}`));
  await refused(other.ask('PATCH', own, { body: '{"state":"suspended"}' }));
  await refused(other.ask('DELETE', own));
  assert.equal((await other.ask('PATCH', own, { body: '{"name":"chiefs"}' })).status, 200);
  const forced = await other.ask('DELETE', `/orrery/v1/tenants/chiefs/tokens/${other.id}?force=1`);
  assert.equal(forced.status, 200, forced.text);
  assert.equal((await other.ask('GET', '/orrery/v1/tenants')).status, 401);
});
