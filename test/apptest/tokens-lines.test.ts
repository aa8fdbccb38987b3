// Tokens of lines: Graphite over TCP and UDP, OpenTSDB's telnet, InfluxDB's lines over TCP and UDP.
// Each line goes to the tenant of its own token, else of its connection's, else of the listener's;
// a line of nobody is lost and counted, and a token that is revoked ends on connections that are
// open. And the other modes: gateways that are believed, files of admin tokens.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportedPoints } from '../support/exported-points.ts';
import { runOrrery, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const LISTENERS = ['graphite', 'opentsdb-telnet', 'influx-tcp', 'influx-udp'] as const;
type Listener = (typeof LISTENERS)[number];
const LISTEN = LISTENERS.flatMap((name) => [`--${name}`, '127.0.0.1:0']);

/** A server with an admin, and what it is told with the admin's token. */
class House {
  readonly orrery: RunningOrrery;
  readonly #admin: string;

  private constructor(orrery: RunningOrrery, admin: string) {
    this.orrery = orrery;
    this.#admin = admin;
  }

  static async start(args: readonly string[]): Promise<House> {
    const orrery = await startOrrery(['--no-collect', ...args]);
    const admin = await readFile(`${orrery.data}/admin-token`, 'utf8');
    return new House(orrery, admin.trim());
  }

  port(name: Listener): number {
    return Number(String(this.orrery.ready[name]).split(':').at(-1));
  }

  async admin(method: string, path: string, body?: unknown): Promise<string> {
    const { status, text } = await this.orrery.get(path, {
      method,
      headers: { Authorization: `Bearer ${this.#admin}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    assert.ok(status < 300, `${method} ${path}: ${text}`);
    return text;
  }

  async token(tenant: string, draft: object): Promise<{ id: string; token: string }> {
    const path = `/orrery/v1/tenants/${tenant}/tokens`;
    const text = await this.admin('POST', path, { name: 't', ...draft });
    return JSON.parse(text) as { id: string; token: string };
  }

  async tenant(name: string): Promise<{ writer: string; writerId: string; reader: string }> {
    await this.admin('POST', '/orrery/v1/tenants', { name });
    const { token: writer, id: writerId } = await this.token(name, { permissions: ['write'] });
    const { token: reader } = await this.token(name, { permissions: ['read'] });
    return { writer, writerId, reader };
  }

  async lost(protocol: string): Promise<number> {
    const page = await this.admin('GET', '/metrics');
    const name = `orrery_lines_lost_total{protocol="${protocol}",reason="not authenticated"} `;
    const line = page.split('\n').find((one) => one.startsWith(name));
    return Number(line?.slice(name.length) ?? 0);
  }

  /** Names of the metrics of whoever may read with the token. */
  async names(reader: string): Promise<string[]> {
    const headers = { Authorization: `Bearer ${reader}` };
    const { text } = await this.orrery.get('/api/v1/label/__name__/values', { headers });
    return (JSON.parse(text) as { data: string[] }).data;
  }

  async untilNames(reader: string, expected: readonly string[]): Promise<void> {
    for (let i = 0; i < 100; i++) {
      if ((await this.names(reader)).length >= expected.length) break;
      await sleep(30);
    }
    assert.deepEqual(await this.names(reader), expected);
  }
}

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

/** Sends, and ends when the server has; what it said. */
async function talk(port: number, text: string): Promise<string> {
  const socket = await connect(port);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString()));
  const closed = once(socket, 'close');
  socket.end(text);
  await closed;
  return answer;
}

async function sendDatagrams(port: number, datagrams: readonly string[]): Promise<void> {
  const socket = dgram.createSocket('udp4');
  for (const text of datagrams)
    await new Promise<void>((resolve, reject) => {
      socket.send(text, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
  socket.close();
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (await isSo()) return;
    await sleep(30);
  }
  assert.fail(`${what} did not happen`);
}

test('lines go to the tenants of their tokens, over every listener', async () => {
  const house = await House.start(['--auth', 'token', ...LISTEN]);
  const { orrery } = house;
  const [a, b] = [await house.tenant('a'), await house.tenant('b')];
  const wrong = `orr_${'a'.repeat(12)}_${'b'.repeat(52)}`;
  const graphite = house.port('graphite');
  // One connection that carries lines of several, as relays do.
  await talk(
    graphite,
    `nobody.before 1 ${T}\n${a.writer}.g.one 1 ${T}\ng.two 2 ${T}\n${b.writer}.g.three;x=y 3 ${T}\n` +
      `${wrong}.g.lost 4 ${T}\n${b.reader}.g.readonly 4 ${T}\n${a.writer}@.g.four 5 ${T}\n`,
  );
  await house.untilNames(a.reader, ['g.four', 'g.one', 'g.two']);
  await house.untilNames(b.reader, ['g.three']);
  assert.equal(await house.lost('graphite'), 3);
  // Who sent one datagram has nothing to do with who sends the next.
  await sendDatagrams(graphite, [`${a.writer}.u.one 1 ${T}`, `u.lost 1 ${T}`]);
  await sendDatagrams(house.port('influx-udp'), [`${b.writer}.u,h=1 v=1 1`, 'u_lost v=1 1']);
  await house.untilNames(a.reader, ['g.four', 'g.one', 'g.two', 'u.one']);
  await house.untilNames(b.reader, ['g.three', 'u_v']);
  await until('loss', async () => (await house.lost('graphite')) === 4);
  await until('loss', async () => (await house.lost('influx')) === 1);
  await talk(house.port('influx-tcp'), `${a.writer}.tcp,h=a v=1 1\ntcp2 v=2 1\n`);
  await house.untilNames(a.reader, ['g.four', 'g.one', 'g.two', 'tcp2_v', 'tcp_v', 'u.one']);
  const telnet = house.port('opentsdb-telnet');
  const said = await talk(
    telnet,
    `put t.nobody ${T} 1 h=a\nauth ${wrong}\nauth basic me ${b.writer}\nput t.one ${T} 1 h=a\n` +
      `put ${a.writer}.t.two ${T} 1 h=a\nput t.three ${T} 1 h=a\n${a.writer} x\nexit\n`,
  );
  assert.match(
    said,
    /^put: this server asks for a token[^\n]*\nAUTH_FAIL\r\nAUTH_SUCCESS\r\nunknown/,
  );
  assert.ok(!said.includes(a.writer.slice(17)));
  assert.ok((await house.names(a.reader)).includes('t.two'));
  assert.deepEqual(await house.names(b.reader), ['g.three', 't.one', 't.three', 'u_v']);
  // What cannot be parsed shows its line, but not who sent it.
  await talk(graphite, `${a.writer}.bad 1 2 3 4\n${a.writer}.${'x'.repeat(70_000)} 1 1\n`);
  const headers = { Authorization: `Bearer ${a.reader}` };
  const { text: refused } = await orrery.get('/orrery/v1/refused-lines', { headers });
  assert.match(refused, /bad 1 2 3 4/);
  assert.match(refused, /longer than/);
  const output = orrery.output() + refused;
  for (const { writer } of [a, b]) assert.ok(!output.includes(writer.split('_')[2]!));
  assert.equal((await orrery.stop()).code, 0);
});

test('whoever tries tokens waits, others do not, and a token that was revoked delays no relay', async () => {
  const house = await House.start(['--auth', 'token', ...LISTEN]);
  const a = await house.tenant('a');
  const port = house.port('graphite');
  const wrong = (i: number) => `orr_${'a'.repeat(12)}_${String(i).padStart(6, 'b')}`;
  const lines = (count: number, token: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => `${token(i)}.lost 1 ${T}\n`).join('');
  const startedMs = performance.now();
  // 200 at once, 600 at 200 a second.
  const tried = talk(port, `${lines(800, wrong)}${a.writer}.behind 1 ${T}\n`);
  await until('loss', async () => (await house.lost('graphite')) > 200);
  await talk(port, `${a.writer}.beside 1 ${T}\n`);
  await house.untilNames(a.reader, ['beside']);
  await tried;
  assert.ok(performance.now() - startedMs > 2500);
  await house.untilNames(a.reader, ['behind', 'beside']);
  await sleep(1200);
  const relayMs = performance.now();
  const relayed = (i: number) => (i % 2 === 0 ? a.writer : wrong(0));
  await talk(port, `${lines(1000, relayed)}${a.writer}.relayed 1 ${T}\n`);
  assert.ok(performance.now() - relayMs < 10_000);
  await house.untilNames(a.reader, ['behind', 'beside', 'lost', 'relayed']);
  assert.equal(await house.lost('graphite'), 1300);
  assert.equal((await house.orrery.stop()).code, 0);
});

test('a token that is revoked ends on connections that are open', async () => {
  const house = await House.start(['--auth', 'token', ...LISTEN]);
  const a = await house.tenant('a');
  const sockets = await Promise.all(
    [house.port('graphite'), house.port('influx-tcp'), house.port('opentsdb-telnet')].map(connect),
  );
  const [graphite, influx, telnet] = sockets as [net.Socket, net.Socket, net.Socket];
  let said = '';
  telnet.on('data', (chunk) => (said += chunk.toString()));
  graphite.write(`${a.writer}.g 1 ${T}\n`);
  influx.write(`${a.writer}.i v=1 1\n`);
  telnet.write(`auth ${a.writer}\nput t ${T} 1 h=a\n`);
  await house.untilNames(a.reader, ['g', 'i_v', 't']);
  await house.admin('DELETE', `/orrery/v1/tenants/a/tokens/${a.writerId}`);
  await sleep(1_000);
  graphite.write(`g2 1 ${T}\n`);
  influx.write(`i2 v=1 1\n`);
  telnet.write(`put t2 ${T} 1 h=a\n`);
  await until('loss', async () => (await house.lost('graphite')) === 1);
  await until('loss', async () => (await house.lost('influx')) === 1);
  await until('refusal', async () => said.endsWith('put: the token was revoked\n'));
  assert.deepEqual(await house.names(a.reader), ['g', 'i_v', 't']);
  for (const socket of sockets) socket.destroy();
  assert.equal((await house.orrery.stop()).code, 0);
});

test('a listener bound to a token takes lines without one, and hears of another token', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-tokens-'));
  const data = join(folder, 'data');
  const file = join(folder, 'line-token');
  try {
    const first = await House.start(['--auth', 'token', '--data', data]);
    const [a, b] = [await first.tenant('a'), await first.tenant('b')];
    await first.orrery.stop();
    await writeFile(file, 'nothing good\n');
    const bound = ['--data', data, '--line-token-file', file, ...LISTEN];
    const refused = await runOrrery(['--no-collect', '--http', '127.0.0.1:0', ...bound]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /holds no token/);
    await writeFile(file, `${a.writer}\n`);
    const house = await House.start(['--auth', 'token', ...bound]);
    await sendDatagrams(house.port('graphite'), [`u.one 1 ${T}`, `${b.writer}.u.two 1 ${T}`]);
    await talk(house.port('opentsdb-telnet'), `put t.one ${T} 1 h=a\nexit\n`);
    await house.untilNames(a.reader, ['t.one', 'u.one']);
    await house.untilNames(b.reader, ['u.two']);
    await writeFile(file, `${b.writer}\n`);
    await sleep(1_500);
    await sendDatagrams(house.port('influx-udp'), ['u v=1 1']);
    await house.untilNames(b.reader, ['u.two', 'u_v']);
    assert.equal((await house.orrery.stop()).code, 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the admin token is kept while it is good, and made anew where nobody could administer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-tokens-'));
  const args = ['--auth', 'token', '--data', folder];
  const path = join(folder, 'admin-token');
  try {
    const first = await House.start(args);
    const token = await readFile(path, 'utf8');
    const other = await first.token('default', { permissions: ['admin'], scope: 'server' });
    await first.orrery.stop();
    const second = await House.start(args);
    assert.equal(await readFile(path, 'utf8'), token);
    // Somebody has another one: a file that is gone was put away on purpose.
    await rm(path);
    await second.orrery.stop();
    const third = await startOrrery(['--no-collect', ...args]);
    await assert.rejects(readFile(path), { code: 'ENOENT' });
    for (const id of [other.id, token.slice(4, 16)]) {
      const revoked = await third.get(`/orrery/v1/tenants/default/tokens/${id}?force=1`, {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${token.trim()}` },
      });
      assert.equal(revoked.status, 200, revoked.text);
    }
    await third.stop();
    const fourth = await House.start(args);
    assert.notEqual(await readFile(path, 'utf8'), token);
    await fourth.admin('GET', '/orrery/v1/tenants');
    await fourth.orrery.stop();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('with tokens a listener may be reached from outside, without them it is refused', async () => {
  const { orrery } = await House.start(['--auth', 'token', '--http', '0.0.0.0:0']);
  const { status } = await orrery.get('/api/v1/labels');
  assert.equal(status, 401);
  await orrery.stop();
  const refused = await runOrrery(['--http', '0.0.0.0:0']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /use --auth token, or --insecure/);
});

for (const shards of ['1', '3'])
  test(`a gateway is believed from its addresses alone, ${shards} shards`, async () => {
    const args = ['--auth', 'trusted-header', '--shards', shards];
    const house = await House.start(args);
    const { orrery } = house;
    const as = (tenant: string | undefined, more: Record<string, string> = {}) => ({
      headers: { ...more, ...(tenant !== undefined && { 'X-Scope-OrgID': tenant }) },
    });
    const line = `m v=1 ${T}000000000`;
    for (const tenant of ['x', 'y'])
      assert.equal((await orrery.post('/write', line, as(tenant))).status, 204);
    const points = await exportedPoints(orrery.url, 'x');
    assert.equal(points.length, 1);
    assert.deepEqual(await exportedPoints(orrery.url, 'z'), []);
    for (const path of ['/write', '/v1/metrics'])
      assert.equal((await orrery.post(path, line, as(undefined))).status, 401, path);
    assert.equal((await orrery.get('/orrery/v1/status', as('x'))).status, 403);
    assert.equal((await orrery.get('/metrics', as('x'))).status, 403);
    await house.admin('GET', '/metrics');
    await orrery.stop();
    const elsewhere = await House.start([...args, '--auth-trusted-from', '10.0.0.0/8,::2']);
    const refused = await elsewhere.orrery.post('/write', line, as('x'));
    assert.deepEqual([refused.status, /present a token/.test(refused.text)], [401, true]);
    const spoofed = as('x', { 'X-Forwarded-For': '10.0.0.1', Forwarded: 'for=10.0.0.1' });
    assert.equal((await elsewhere.orrery.post('/write', line, spoofed)).status, 401);
    assert.equal((await elsewhere.orrery.get('/api/v1/labels', spoofed)).status, 401);
    const { token } = await elsewhere.token('default', { permissions: ['write'] });
    const bearer = { headers: { Authorization: `Bearer ${token}` } };
    assert.equal((await elsewhere.orrery.post('/write', line, bearer)).status, 204);
    await elsewhere.orrery.stop();
  });
