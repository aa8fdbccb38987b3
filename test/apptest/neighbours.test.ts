// A tenant that floods and one that is quiet, on a real server: the quiet one's writes over HTTP
// and over TCP, its queries, and what administers the server are answered while the other one is
// refused by a limit, waits for one, or holds all the memory that bodies get, and while somebody
// tries bad tokens. What is quick is not timed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { REFUSAL_BURST_MS, REFUSALS_PER_SECOND } from '../../src/frontends/http/limits.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery, TextAnswer } from './harness.ts';
import { until } from './live-queries.ts';

const T = 1_750_000_000;
const FLOOD = 200;
const MIB = 1024 * 1024;
/** A little less than the largest body. */
const HELD_BYTES = 63.9 * MIB;

let orrery: RunningOrrery;
let admin = '';
const tokens = new Map<string, string>();

function bearer(token: string): { readonly headers: Record<string, string> } {
  return { headers: { Authorization: `Bearer ${token}` } };
}

async function administer(path: string, body: object): Promise<TextAnswer> {
  const answer = await orrery.post(path, JSON.stringify(body), bearer(admin));
  assert.equal(answer.status, 201, answer.text);
  return answer;
}

async function tenantWith(name: string, limits: Record<string, number>): Promise<void> {
  await administer('/orrery/v1/tenants', { name, limits });
  const permissions = ['read', 'write'];
  const made = await administer(`/orrery/v1/tenants/${name}/tokens`, { name: 't', permissions });
  tokens.set(name, (JSON.parse(made.text) as { token: string }).token);
}

before(async () => {
  const listeners = ['--graphite', '127.0.0.1:0', '--query-concurrency=2'];
  orrery = await startOrrery(['--no-collect', '--auth=token', ...listeners]);
  admin = (await readFile(`${orrery.data}/admin-token`, 'utf8')).trim();
  await tenantWith('quiet', {});
});
after(() => orrery.stop());

function write(tenant: string, lines: readonly string[]): Promise<TextAnswer> {
  return orrery.post('/write?precision=s', lines.join('\n'), bearer(tokens.get(tenant)!));
}

function ask(tenant: string, query: string, more: Record<string, string> = {}) {
  const params = new URLSearchParams({ query, time: `${T + 60}`, nocache: '1', ...more });
  return orrery.get(`/api/v1/query?${params.toString()}`, bearer(tokens.get(tenant)!));
}

async function valueOf(tenant: string, query: string): Promise<string | undefined> {
  const answer = await ask(tenant, query);
  assert.equal(answer.status, 200, answer.text);
  const { data } = JSON.parse(answer.text) as { data: { result: { value: [number, string] }[] } };
  return data.result[0]?.value[1];
}

/** Whatever tenants do. */
async function houseAnswers(): Promise<void> {
  for (const path of ['/-/healthy', '/-/ready'])
    assert.equal((await orrery.get(path)).status, 200, path);
  for (const path of ['/orrery/v1/tenants', '/metrics', '/orrery/v1/breaches'])
    assert.equal((await orrery.get(path, bearer(admin))).status, 200, path);
}

/** What a tenant was refused: it and admins of all see it, others not even that it is there. */
async function assertOnlyAdminsSee(tenant: string): Promise<void> {
  const ofQuiet = await orrery.get('/orrery/v1/tenants/quiet/breaches', bearer(admin));
  assert.equal(ofQuiet.text, '{"breaches":[]}');
  for (const what of ['breaches', 'refused-lines']) {
    const of = (name: string) => `/orrery/v1/tenants/${name}/${what}`;
    const own = await orrery.get(`/orrery/v1/${what}`, bearer(tokens.get(tenant)!));
    const asAdmin = await orrery.get(of(tenant), bearer(admin));
    assert.deepEqual([asAdmin.status, asAdmin.text], [200, own.text]);
    const foreign = await orrery.get(of(tenant), bearer(tokens.get('quiet')!));
    const unknown = await orrery.get(of('nowhere'), bearer(tokens.get('quiet')!));
    assert.deepEqual([foreign.status, unknown.status], [404, 404]);
    assert.equal(foreign.text.replaceAll(tenant, 'nowhere'), unknown.text);
  }
}

test('writes over HTTP: the flood is refused with its limit, no point of the quiet one is', async () => {
  await tenantWith('flood', { 'samples-per-second': 5, 'samples-burst': 5 });
  await write(
    'flood',
    Array.from({ length: 1000 }, (_, i) => `m,i=${i} v=1 ${T}`),
  );
  await until(async () => ((await write('flood', [])).status === 429 ? true : undefined));
  const body = Array.from({ length: 500 }, (_, i) => `m,i=${i} v=2 ${T}`);
  const flood = Array.from({ length: FLOOD }, () => write('flood', body));
  const quiet: Promise<TextAnswer>[] = [];
  for (let i = 0; i < 20; i++) quiet.push(write('quiet', [`q,i=${i} v=${i} ${T}`]));
  await houseAnswers();
  for (const answer of await Promise.all(quiet)) assert.equal(answer.status, 204, answer.text);
  for (const answer of await Promise.all(flood)) {
    assert.equal(answer.status, 429, answer.text);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    const { limit } = JSON.parse(answer.text) as { limit: Record<string, unknown> };
    assert.equal(limit['id'], 'samples-per-second');
    assert.equal(limit['limit'], 5);
    assert.match(String(limit['contributors']), /^token [a-z2-7]{12}, influx$/);
    assert.equal(limit['docs'], 'docs/operations/limits.md#samples-per-second');
  }
  assert.equal(await valueOf('quiet', 'count(q_v)'), '20');
  assert.equal(await valueOf('flood', 'sum(m_v)'), '1000');
});

/** `lanes` senders of bad tokens, each as fast as it is answered; how many answers there were. */
async function floodOfBadTokens(lanes: number, meanwhile: () => Promise<void>): Promise<number> {
  const burst = (REFUSAL_BURST_MS / 1000) * REFUSALS_PER_SECOND;
  const state = { isOver: false, answered: 0 };
  const lane = async (i: number): Promise<void> => {
    // Nothing, what is none, and what has the form of one are told the same.
    const bad = [`orr_${'a'.repeat(12)}_${'b'.repeat(52)}`, 'nonsense', ''][i % 3]!;
    while (!state.isOver) {
      const { status, headers } = await orrery.post(
        '/write',
        'm v=1',
        bad === '' ? {} : bearer(bad),
      );
      assert.equal(status, 401);
      assert.match(String(headers.get('www-authenticate')), /^Bearer/);
      state.answered++;
    }
  };
  const all = Promise.all(Array.from({ length: lanes }, (_, i) => lane(i)));
  try {
    await until(async () => (state.answered > burst ? true : undefined));
    await meanwhile();
  } finally {
    state.isOver = true;
    await all;
  }
  return state.answered;
}

test('bad tokens: who sends them waits for his answers, and nobody else does', async () => {
  const beganMs = performance.now();
  const lanes = 32;
  const answered = await floodOfBadTokens(lanes, async () => {
    for (let i = 0; i < 40; i++) {
      const answer = await write('quiet', [`beside,i=${i} v=${i} ${T}`]);
      assert.equal(answer.status, 204, answer.text);
    }
    await houseAnswers();
    assert.equal(await valueOf('quiet', 'count(beside_v)'), '40');
    // One answer on a connection waits; a second request behind it is no reason for a second one.
    const pipelined = net.connect(orrery.port, '127.0.0.1');
    const one = 'GET /api/v1/labels HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n\r\n';
    pipelined.end(one.repeat(10));
    let text = '';
    for await (const chunk of pipelined as AsyncIterable<Buffer>) text += chunk.toString();
    assert.ok(text.split('HTTP/1.1 401').length - 1 < 10, text);
  });
  const seconds = (performance.now() - beganMs) / 1000;
  const most = (REFUSAL_BURST_MS / 1000 + seconds) * REFUSALS_PER_SECOND + lanes;
  assert.ok(answered <= most, `${answered} answers in ${seconds} s`);
});

interface Breach {
  readonly first: { readonly protocol: string } | null;
}

function connect(): net.Socket {
  const port = Number(String(orrery.ready['graphite']).split(':').at(-1));
  return net.connect(port, '127.0.0.1');
}

test('lines over TCP: one sender waits for its limit, the other one is written', async () => {
  await tenantWith('waits', { 'samples-per-second': 1, 'samples-burst': 1 });
  const line = (tenant: string, i: number) => `${tokens.get(tenant)!}.l.i${i} ${i} ${T}\n`;
  const flood = connect();
  flood.on('error', () => undefined);
  await once(flood, 'connect');
  const lines = Array.from({ length: 2000 }, (_, i) => line('waits', i)).join('');
  flood.write(lines);
  await until(async () =>
    orrery.output().includes('lines wait') ? true : flood.write(lines) && undefined,
  );
  const quiet = connect();
  await once(quiet, 'connect');
  quiet.end(Array.from({ length: 30 }, (_, i) => line('quiet', i)).join(''));
  const count = 'count({__name__=~"l\\\\.i.*|l_i.*"})';
  await until(async () => ((await valueOf('quiet', count)) === '30' ? true : undefined));
  await houseAnswers();
  const seen = await orrery.get('/orrery/v1/breaches', bearer(tokens.get('waits')!));
  const { breaches } = JSON.parse(seen.text) as { breaches: Breach[] };
  assert.ok(
    breaches.some(({ first }) => first?.protocol === 'graphite'),
    seen.text,
  );
  await assertOnlyAdminsSee('waits');
  flood.destroy();
});

test('queries: the flood is refused for what it owes, the quiet one is answered', async () => {
  await tenantWith('asks', { 'query-cost-per-minute': 1 });
  assert.equal((await write('asks', [`a v=1 ${T}`])).status, 204);
  assert.equal(await valueOf('asks', 'a_v'), '1');
  const flood = Array.from({ length: FLOOD }, () => ask('asks', 'a_v'));
  for (let i = 0; i < 5; i++) assert.equal(await valueOf('quiet', 'vector(7)'), '7');
  await houseAnswers();
  for (const { status, text, headers } of await Promise.all(flood)) {
    assert.equal(status, 429, text);
    const { limit } = JSON.parse(text) as { limit: Record<string, unknown> };
    assert.deepEqual([limit['id'], limit['limit']], ['query-cost-per-minute', 1]);
    assert.match(String(limit['contributors']), /^token [a-z2-7]{12}, promql$/);
    assert.ok(Number(headers.get('retry-after')) > 0);
  }
});

/** Most of a body that never ends. */
async function holdBody(token: string, sizeBytes: number): Promise<net.Socket> {
  const socket = net.connect(orrery.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    `POST /write HTTP/1.1\r\nHost: 127.0.0.1:${orrery.port}\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Length: ${64 * MIB}\r\n\r\n`,
  );
  await new Promise((sent) => void socket.write(Buffer.alloc(Math.floor(sizeBytes)), sent));
  return socket;
}

async function bodyBytes(): Promise<number> {
  const { text } = await orrery.get('/metrics', bearer(admin));
  return Number(/^orrery_http_body_bytes_in_flight (\d+)$/m.exec(text)?.[1]);
}

test('memory of bodies: who holds all of his gets no more, the quiet one and the house do', async () => {
  await tenantWith('holds', {});
  const token = tokens.get('holds')!;
  const held: net.Socket[] = [];
  for (let i = 0; i < 4; i++) held.push(await holdBody(token, HELD_BYTES));
  await until(async () =>
    (await bodyBytes()) >= Math.floor(4 * HELD_BYTES) - 4 ? true : undefined,
  );
  const large = Array.from({ length: 60_000 }, (_, i) => `m,i=${i % 9} v=1234567890.5 ${T + i}`);
  const refused = await write('holds', large);
  assert.equal(refused.status, 503, refused.text);
  assert.match(refused.text, /of them are of this tenant/);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  assert.equal((await write('quiet', large)).status, 204);
  await tenantWith('more', {});
  await houseAnswers();
  for (const socket of held) socket.destroy();
  await until(async () => ((await bodyBytes()) < MIB ? true : undefined));
  assert.equal((await write('holds', large)).status, 204);
});
