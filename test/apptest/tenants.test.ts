// Tenants of a real server: every operation of its OpenAPI document is asked and answers as the
// document says; the command line; a deletion leaves not a byte of the tenant in the data folder;
// what was acknowledged survives kill -9 in the middle of commits, and a deletion goes on after it.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SchemaChecker } from '../support/json-schema.ts';
import type { Schema } from '../support/json-schema.ts';
import { runCtl, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<
    Record<string, { readonly content: { readonly 'application/json': { schema: Schema } } }>
  >;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

let folder: string;
let orrery: RunningOrrery;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-tenants-'));
  orrery = await startOrrery(['--no-collect']);
});
after(async () => {
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

async function ask(server: RunningOrrery, method: string, path: string, body?: unknown) {
  const { status, text } = await server.get(`/orrery/v1${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status, json: JSON.parse(text) as Record<string, unknown> };
}

/** In an order in which each has what it needs; `{id}` is that of the last token. */
const QUESTIONS: readonly (readonly [
  method: string,
  path: string,
  body: object | undefined,
  status: number,
  at?: string,
])[] = [
  ['POST', '/tenants', { name: 'acme', limits: { 'active-series': 1000 } }, 201],
  ['POST', '/tenants', { name: 'acme' }, 409],
  ['POST', '/tenants', { name: '' }, 400],
  ['GET', '/tenants', undefined, 200],
  ['GET', '/tenants', undefined, 400, '?limit=0'],
  ['GET', '/tenants/{tenant}', undefined, 200],
  ['PATCH', '/tenants/{tenant}', { state: 'suspended' }, 200],
  ['PATCH', '/tenants/{tenant}', { state: 'gone' }, 400],
  ['PATCH', '/tenants/{tenant}', { state: 'active' }, 200],
  ['GET', '/tenants/{tenant}/limits', undefined, 200],
  ['PUT', '/tenants/{tenant}/limits', { 'active-series': 5 }, 200],
  ['PUT', '/tenants/{tenant}/limits', { 'active-series': null }, 400],
  ['PATCH', '/tenants/{tenant}/limits', { 'active-series': null }, 200],
  ['PATCH', '/tenants/{tenant}/limits', { nope: 1 }, 400],
  ['POST', '/tenants/{tenant}/tokens', { name: 'a', permissions: ['read'] }, 201],
  ['POST', '/tenants/{tenant}/tokens', { name: 'a' }, 400],
  ['GET', '/tenants/{tenant}/tokens', undefined, 200],
  ['GET', '/tenants/{tenant}/tokens/{id}', undefined, 200],
  ['DELETE', '/tenants/{tenant}/tokens/{id}', undefined, 200],
  ['GET', '/tenants/{tenant}/cardinality', undefined, 200, '?limit=3'],
  ['GET', '/tenants/{tenant}/cardinality', undefined, 400, '?limit=x'],
  ['GET', '/tenants/{tenant}/growth', undefined, 200, '?limit=3&metric=m'],
  ['GET', '/tenants/{tenant}/growth', undefined, 400, '?limit=0'],
  ['GET', '/tenants/{tenant}/usage', undefined, 200],
  ['GET', '/tenants/{tenant}/usage', undefined, 400, '?to=x'],
  ['GET', '/tenants/{tenant}/breaches', undefined, 200],
  ['GET', '/tenants/{tenant}/refused-lines', undefined, 200],
  ['GET', '/breaches', undefined, 200],
  ['GET', '/refused-lines', undefined, 200],
  ['GET', '/usage', undefined, 200, '?group=protocol'],
  ['GET', '/usage', undefined, 400, '?group=x'],
  ['GET', '/audit', undefined, 200, '?action=token.revoke&limit=2'],
  ['GET', '/audit', undefined, 400, '?end=now'],
  ['DELETE', '/tenants/{tenant}', undefined, 200],
  ['DELETE', '/tenants/{tenant}', undefined, 404],
  ['GET', '/whoami', undefined, 200],
  ['GET', '/openapi.json', undefined, 200],
];

test('the running server answers as its document says, every operation', async () => {
  const { status, text } = await orrery.get('/orrery/v1/openapi.json');
  assert.equal(status, 200);
  const document = JSON.parse(text) as Document;
  assert.match(document.openapi, /^3\.1\./);
  const checker = new SchemaChecker(document.components.schemas);
  const left = new Set(
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((key) => key !== 'parameters')
        .map((method) => `${method} ${path}`),
    ),
  );
  let id = '';
  for (const [method, path, body, expected, query = ''] of QUESTIONS) {
    const at = path.replace('{tenant}', 'acme').replace('{id}', id);
    const answer = await ask(orrery, method, at + query, body);
    const what = `${method} ${at}${query}: ${JSON.stringify(answer)}`;
    assert.equal(answer.status, expected, what);
    const { responses } = document.paths[`/orrery/v1${path}`]![method.toLowerCase()]!;
    const described = (responses[answer.status] ?? responses['default'])!;
    const { schema } = described.content['application/json'];
    assert.deepEqual(checker.problems(schema, answer.json), [], what);
    if (typeof answer.json['token'] === 'string') id = String(answer.json['id']);
    left.delete(`${method.toLowerCase()} /orrery/v1${path}`);
  }
  assert.deepEqual([...left], []);
});

async function ctl(...args: readonly string[]) {
  const { code, stdout, stderr } = await runCtl([...args, '--url', orrery.url]);
  return { code, stdout, stderr };
}

test('orrery tenant retention', async () => {
  assert.equal((await ctl('tenant', 'create', 'kept')).code, 0);
  const retention = (...flags: readonly string[]) => ctl('tenant', 'retention', 'kept', ...flags);
  const first = await retention();
  assert.match(first.stdout, /^tenant +kept\nlimits of +the server\ntime +none\nbytes +none\n/);
  const set = await retention('--time', '30d', '--bytes', '10GiB');
  assert.match(set.stdout, /limits of +its own\ntime +30d\nbytes +10GiB\nexpired before +\d{4}-/);
  const narrower = await retention('--time', '10d', '--json');
  const { own } = JSON.parse(narrower.stdout) as Record<string, unknown>;
  assert.deepEqual(own, { timeMs: 864_000_000, sizeBytes: 10 * 1024 ** 3 });
  assert.match((await retention('--bytes', 'none')).stdout, /\ntime +10d\nbytes +none\n/);
  assert.match((await retention('--default')).stdout, /limits of +the server\ntime +none\n/);
  for (const wrong of [
    ['--time', '0s'],
    ['--bytes', 'x'],
    ['--default', '--time', '1d'],
  ])
    assert.equal((await retention(...wrong)).code, 2, wrong.join(' '));
  const other = await ctl('tenant', 'show', 'kept', '--time', '1d');
  assert.deepEqual(
    [other.code, other.stderr],
    [2, 'orrery tenant: orrery tenant show takes none of --time, --bytes and --default\n'],
  );
  assert.equal((await ctl('tenant', 'delete', 'kept', '--yes')).code, 0);
});

test('orrery tenant and orrery token', async () => {
  const made = await ctl('tenant', 'create', 'shop', '--limit', 'active-series=9');
  assert.match(made.stdout, /^tenant +shop\nid +shop\nstate +active\n/, made.stderr);
  const again = await ctl('tenant', 'create', 'shop');
  assert.deepEqual(
    [again.code, again.stderr],
    [3, 'orrery tenant: there is a tenant "shop" already\n'],
  );
  const limits = await ctl('tenant', 'limits', 'shop', '--limit', 'labels-per-series=7');
  assert.match(limits.stdout, /active-series +9\nlabels-per-series +7\n/);
  const fewer = await ctl('tenant', 'limits', 'shop', '--limit', 'active-series=default', '--json');
  const { tenant, limits: own } = JSON.parse(fewer.stdout) as Record<string, unknown>;
  assert.deepEqual([tenant, own], ['shop', { 'labels-per-series': 7 }]);
  assert.match((await ctl('tenant', 'suspend', 'shop')).stdout, /state +suspended/);
  assert.match((await ctl('tenant', 'resume', 'shop')).stdout, /state +active/);
  assert.match((await ctl('tenant', 'rename', 'shop', 'store')).stdout, /tenant +store\nid +shop/);
  const flags = ['--name', 'agent', '--permission', 'read,write', '--label', 'env=prod'];
  const token = await ctl('token', 'create', 'store', ...flags, '--expires-in', '30d');
  assert.match(token.stdout, /^orr_[a-z2-7]{12}_[a-z2-7]{52}\n$/, token.stderr);
  const id = token.stdout.slice(4, 16);
  const list = await ctl('token', 'list', 'store');
  assert.match(list.stdout, new RegExp(`agent +${id} +active +read,write +env=prod`));
  assert.match((await ctl('token', 'revoke', 'store', id)).stdout, /\(agent\) is revoked\n$/);
  const bad = await ctl('token', 'create', 'store', '--name', 'x', '--permission', 'all');
  assert.equal(bad.code, 3);
  assert.match(bad.stderr, /\/permissions\/0 must be one of read, write/);
  const all = await ctl('tenant', 'list');
  assert.match(all.stdout, /^tenant +state +tokens +created +limits\n/);
  assert.match(all.stdout, /\nstore +active +0 +\d{4}-\d\d-\d\d \d\d:\d\d +labels-per-series=7\n/);
  assert.equal((await ctl('tenant', 'delete', 'store')).code, 2);
  const gone = await ctl('tenant', 'delete', 'store', '--yes');
  assert.match(gone.stdout, /^store is deleted: 0 series and 0 points are left\.\nWhat remains: /);
  assert.equal((await ctl('tenant', 'show', 'store')).code, 3);
  for (const wrong of [
    ['tenant'],
    ['tenant', 'lst'],
    ['token', 'list'],
    ['token', 'list', 'a', 'b'],
  ])
    assert.equal((await ctl(...wrong)).code, 2, wrong.join(' '));
  const tokenFile = join(folder, 'no-such');
  assert.equal((await ctl('tenant', 'list', '--token-file', tokenFile)).code, 2);
});

/** Files of a folder that hold the text. */
async function filesWith(directory: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name);
    if ((await stat(path)).isFile() && (await readFile(path)).includes(text)) found.push(name);
  }
  return found.toSorted();
}

const T_MS = Date.now() - 60_000;

async function writeSecrets(server: RunningOrrery, tenant: string, count = 200): Promise<void> {
  const lines = Array.from(
    { length: count },
    (_, i) => `secretive_metric{customer="verysecret${i}"} ${i} ${T_MS}\n`,
  );
  const page = `# HELP secretive_metric Confidential help.\n# TYPE secretive_metric gauge\n${lines.join('')}`;
  const answer = await server.post('/api/v1/import/prometheus', page, {
    headers: { 'X-Scope-OrgID': tenant },
  });
  assert.ok(answer.status < 300, answer.text);
}

async function countOf(server: RunningOrrery, tenant: string): Promise<string> {
  const query = new URLSearchParams({ query: 'count(secretive_metric)' }).toString();
  const headers = { 'X-Scope-OrgID': tenant };
  const { text } = await server.get(`/api/v1/query?${query}`, { headers });
  const { data } = JSON.parse(text) as { data: { result: { value: [number, string] }[] } };
  return data.result[0]?.value[1] ?? '0';
}

/** The name is nobody's: not even an empty answer comes for it. */
async function checkGone(server: RunningOrrery, tenant: string): Promise<void> {
  const headers = { 'X-Scope-OrgID': tenant };
  const { status, text } = await server.get('/api/v1/query?query=secretive_metric', { headers });
  assert.equal(status, 403, text);
  assert.match(text, /was renamed or removed/);
}

for (const shards of ['1', '2'])
  test(`a deleted tenant leaves nothing in the data folder, ${shards} shards`, async () => {
    const data = await mkdtemp(join(folder, 'data-'));
    const server = await startOrrery(['--no-collect', '--data', data, '--shards', shards]);
    await ask(server, 'POST', '/tenants', { name: 'doomed' });
    await writeSecrets(server, 'doomed');
    await server.post('/orrery/v1/admin/flush', '');
    await writeSecrets(server, 'doomed', 3);
    await server.post('/write?precision=ms', `kept value=1 ${T_MS}`);
    await server.post('/metrics/job/verysecret', 'secretive_push 1\n', {
      headers: { 'X-Scope-OrgID': 'doomed' },
    });
    const rules = '- target_label: verysecret\n  replacement: x\n';
    await ask(server, 'GET', '/tenants/doomed');
    const headers = { 'X-Scope-OrgID': 'doomed', 'Content-Type': 'application/yaml' };
    const put = await server.get('/orrery/v1/relabel', { method: 'PUT', body: rules, headers });
    assert.equal(put.status, 200, put.text);
    assert.equal(await countOf(server, 'doomed'), '200');
    assert.notDeepEqual(await filesWith(data, 'verysecret'), []);
    const tenantCount = async (): Promise<number> => {
      const { text } = await server.get('/orrery/v1/storage');
      return (JSON.parse(text) as { tenants: number }).tenants;
    };
    const countBefore = await tenantCount();
    // What the audit log has of deletes names what was there, and goes with it.
    const match = '/orrery/v1/delete?match[]={a="verysecret"}';
    const removed = await server.post(match, '', { headers: { 'X-Scope-OrgID': 'doomed' } });
    assert.equal(removed.status, 200, removed.text);
    const gone = await ask(server, 'DELETE', '/tenants/doomed');
    assert.equal(gone.status, 200, JSON.stringify(gone));
    assert.deepEqual(gone.json['left'], { series: 0, points: 0 });
    assert.equal(await tenantCount(), countBefore - 1);
    await checkGone(server, 'doomed');
    const audit = await ask(server, 'GET', '/audit?action=tenant.deleted');
    const [row] = audit.json['rows'] as { by: { peer: string } }[];
    assert.equal(row!.by.peer, '127.0.0.1');
    // Pushed groups are written again and again: not this one.
    await sleep(200);
    await server.post('/orrery/v1/admin/compact', '');
    await checkGone(server, 'doomed');
    const kept = await server.get('/api/v1/export?match[]=kept');
    assert.match(kept.text, /"values":\[1\]/);
    await server.stop();
    for (const text of ['verysecret', 'secretive', 'Confidential'])
      assert.deepEqual(await filesWith(data, text), [], text);
  });

/** Starts with a probe of the catalog's commits; undefined: it did not live until it was ready. */
async function startDying(data: string, commit: number): Promise<RunningOrrery | undefined> {
  const env = { ORRERY_TEST_KILL_AT: `commit:${commit}` };
  try {
    return await startOrrery(['--no-collect', '--data', data], { env });
  } catch (error) {
    assert.match(String(error), /ended with SIGKILL before it was ready/);
    return undefined;
  }
}

/** The first commit after a start on the folder. */
async function firstCommit(data: () => Promise<string>): Promise<number> {
  for (let commit = 1; commit < 20; commit++) {
    const server = await startDying(await data(), commit);
    await server?.stop();
    if (server !== undefined) return commit;
  }
  assert.fail('every start ends early');
}

test('kill -9 in the middle of commits: all that was acknowledged, each change whole', async () => {
  const fresh = () => mkdtemp(join(folder, 'data-'));
  const begin = await firstCommit(fresh);
  for (const later of [0, 5]) {
    const data = await fresh();
    const args = ['--no-collect', '--data', data];
    const first = (await startDying(data, begin + later))!;
    const acknowledged: string[] = [];
    for (let i = 0; i < 20; i++)
      try {
        const made = await ask(first, 'POST', '/tenants', { name: `t${i}` });
        assert.equal(made.status, 201);
        acknowledged.push(`t${i}`);
      } catch {
        // The server has died, as it should.
        break;
      }
    assert.ok(acknowledged.length < 20, 'it was not killed');
    await first.exited;
    const second = await startOrrery(args);
    const { json } = await ask(second, 'GET', '/tenants');
    const names = (json['tenants'] as { name: string }[])
      .map(({ name }) => name)
      .filter((name) => name !== 'default');
    for (const name of acknowledged) assert.ok(names.includes(name), name);
    assert.ok(names.length <= acknowledged.length + 1);
    const audit = await ask(second, 'GET', '/audit');
    const subjects = (audit.json['rows'] as { subject: string }[]).map(({ subject }) => subject);
    assert.deepEqual(subjects.toSorted(), names.toSorted());
    await second.stop();
  }
});

test('a deletion that kill -9 cuts short goes on at the start', async () => {
  const prepared = async (): Promise<string> => {
    const data = await mkdtemp(join(folder, 'data-'));
    const server = await startOrrery(['--no-collect', '--data', data]);
    await ask(server, 'POST', '/tenants', { name: 'doomed' });
    await writeSecrets(server, 'doomed');
    await server.post('/orrery/v1/admin/flush', '');
    await server.stop();
    return data;
  };
  const begin = await firstCommit(prepared);
  let cutShort = 0;
  for (const later of [0, 1, 3]) {
    const data = await prepared();
    const dying = (await startDying(data, begin + later))!;
    await assert.rejects(ask(dying, 'DELETE', '/tenants/doomed'));
    await dying.exited;
    const second = await startOrrery(['--no-collect', '--data', data]);
    const found = await ask(second, 'GET', '/tenants/doomed');
    if (found.json['state'] === 'active') {
      // Killed before anything was committed: it was not begun.
      assert.equal(await countOf(second, 'doomed'), '200');
      await second.stop();
      continue;
    }
    cutShort++;
    const deadlineMs = performance.now() + 20_000;
    while ((await ask(second, 'GET', '/tenants/doomed')).status === 200) {
      assert.ok(performance.now() < deadlineMs, 'the deletion does not go on');
      await sleep(50);
    }
    await checkGone(second, 'doomed');
    await second.stop();
    assert.deepEqual(await filesWith(data, 'verysecret'), []);
  }
  assert.ok(cutShort >= 1, 'no deletion was cut short');
});

test('a token for the command line comes from the environment or a file', async () => {
  const file = join(folder, 'token');
  await writeFile(file, 'orr_aaaaaaaaaaaa_x\n');
  // Open mode asks for none and takes any.
  const listed = await ctl('tenant', 'list', '--token-file', file, '--json');
  assert.ok((JSON.parse(listed.stdout) as { tenants: object[] }).tenants.length > 0);
});
