// What a real server counts of a known load: two protocols, two tokens, one and several shards, to
// the unit on a clean stop; after kill -9 no acknowledged point is missing and none is there that
// was not sent; what reads of other forms than queries count; what the command line and CSV show.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { bytesField, varintField } from '../support/protobuf-writer.ts';
import { runCtl, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T_SEC = 1_750_000_000;
const T_MS = T_SEC * 1000;

interface Row {
  readonly tenant: string;
  readonly token: string;
  readonly protocol: string;
  readonly points_written: number;
  readonly points_read: number;
  readonly queries: number;
  readonly query_cost: number;
  readonly requests: number;
  readonly active_series: number;
  readonly bytes_stored: number;
}

interface Known {
  readonly id: string;
  readonly token: string;
}

class Shop {
  readonly data: string;
  readonly #shards: string;
  orrery!: RunningOrrery;
  #isStarted = false;
  admin = '';

  constructor(data: string, shards: string) {
    this.data = data;
    this.#shards = shards;
  }

  async start(): Promise<void> {
    const args = ['--auth', 'token', '--no-collect', '--data', this.data, '--shards', this.#shards];
    this.orrery = await startOrrery(args, { env: { ORRERY_TEST_HEAD_LOG_BYTES: '100000' } });
    this.#isStarted = true;
    this.admin = (await readFile(join(this.data, 'admin-token'), 'utf8')).trim();
  }

  async end(): Promise<void> {
    if (this.#isStarted) await this.orrery.kill();
  }

  async ask(method: string, path: string, token: string, body?: unknown) {
    const { status, text } = await this.orrery.get(`/orrery/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status, text };
  }

  async tenant(name: string): Promise<void> {
    const { status, text } = await this.ask('POST', '/tenants', this.admin, { name });
    assert.equal(status, 201, text);
  }

  async token(tenant: string): Promise<Known> {
    const draft = { name: 't', permissions: ['read', 'write'] };
    const made = await this.ask('POST', `/tenants/${tenant}/tokens`, this.admin, draft);
    assert.equal(made.status, 201, made.text);
    return JSON.parse(made.text) as Known;
  }

  async rows(token: string, query: string): Promise<readonly Row[]> {
    const { status, text } = await this.ask('GET', `/usage?${query}`, token);
    assert.equal(status, 200, text);
    return (JSON.parse(text) as { rows: readonly Row[] }).rows;
  }

  /** By token and protocol. */
  async written(): Promise<Map<string, number>> {
    const rows = await this.rows(this.admin, 'group=token,protocol');
    const found = new Map<string, number>();
    for (const row of rows)
      if (row.points_written > 0) found.set(`${row.token} ${row.protocol}`, row.points_written);
    return found;
  }

  async writeInflux({ token }: Known, batch: number, count: number): Promise<boolean> {
    const lines = Array.from(
      { length: count },
      (_, i) => `m,i=${i % 20} v=${batch} ${T_SEC + batch * 100 + Math.floor(i / 20)}\n`,
    );
    return await this.#post('/write?precision=s', token, lines.join(''));
  }

  async writePut({ token }: Known, batch: number, count: number): Promise<boolean> {
    const points = Array.from({ length: count }, (_, i) => ({
      metric: 'p',
      timestamp: T_MS + batch * 1000 + Math.floor(i / 20),
      value: i,
      tags: { i: String(i % 20) },
    }));
    return await this.#post('/api/put', token, JSON.stringify(points));
  }

  async #post(path: string, token: string, body: string): Promise<boolean> {
    try {
      const headers = { Authorization: `Bearer ${token}` };
      const { status, text } = await this.orrery.post(path, body, { headers });
      assert.ok(status < 300, `${status} ${text}`);
      return true;
    } catch (error) {
      // The server was killed under it.
      if (error instanceof TypeError) return false;
      throw error;
    }
  }
}

async function withShop(shards: string, body: (shop: Shop) => Promise<void>): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'orrery-usage-'));
  const shop = new Shop(data, shards);
  try {
    await shop.start();
    await body(shop);
    const exited = await shop.orrery.stop();
    assert.equal(exited.code, 0, exited.stdout + exited.stderr);
  } finally {
    await shop.end();
    await rm(data, { recursive: true, force: true });
  }
}

for (const shards of ['1', '3'])
  test(`a known load is counted to the unit, ${shards} shards`, () =>
    withShop(shards, async (shop) => {
      await shop.tenant('acme');
      const tokens = [await shop.token('acme'), await shop.token('acme')];
      const expected = new Map<string, number>();
      const add = (key: string, count: number) =>
        expected.set(key, (expected.get(key) ?? 0) + count);
      for (let i = 0; i < 12; i++) {
        const one = tokens[i % 2]!;
        await shop.writeInflux(one, i, 10 + i);
        await shop.writePut(one, i, 5 + i);
        add(`${one.id} influx`, 10 + i);
        add(`${one.id} opentsdb`, 5 + i);
      }
      assert.deepEqual(await shop.written(), expected);
      const headers = { Authorization: `Bearer ${tokens[0]!.token}` };
      const asked = await shop.orrery.get(`/api/v1/query?query=m_v&time=${T_SEC}`, { headers });
      assert.equal(asked.status, 200, asked.text);
      await shop.orrery.stop();
      await shop.start();
      assert.deepEqual(await shop.written(), expected);
      const rows = await shop.rows(tokens[1]!.token, 'group=token,protocol');
      const [first] = rows.filter(({ queries }) => queries > 0);
      assert.deepEqual([first?.token, first?.protocol], [tokens[0]!.id, 'promql']);
      assert.deepEqual([first?.queries, first?.requests], [1, 1]);
      assert.ok((first?.points_read ?? 0) > 0);
      const influx = rows.find(
        ({ token, protocol }) => token === tokens[0]!.id && protocol === 'influx',
      );
      assert.equal(influx?.requests, 6);
      assert.equal(rows.find(({ protocol }) => protocol === 'storage')?.active_series, 36);
    }));

test('after kill -9 all that was acknowledged is counted, and nothing that was not sent', () =>
  withShop('2', async (shop) => {
    await shop.tenant('acme');
    const tokens = [await shop.token('acme'), await shop.token('acme')];
    const acknowledged = new Map<string, number>();
    const sent = new Map<string, number>();
    let batch = 0;
    const add = (to: Map<string, number>, key: string) => to.set(key, (to.get(key) ?? 0) + 50);
    const writer = async (one: Known, protocol: 'influx' | 'opentsdb', signal: AbortSignal) => {
      const key = `${one.id} ${protocol}`;
      while (!signal.aborted) {
        add(sent, key);
        const args = [one, batch++, 50] as const;
        const writing = protocol === 'influx' ? shop.writeInflux(...args) : shop.writePut(...args);
        if (!(await writing)) return;
        add(acknowledged, key);
      }
    };
    for (const ms of [250, 900, 1700]) {
      const end = new AbortController();
      const writers = tokens.flatMap((one) => [
        writer(one, 'influx', end.signal),
        writer(one, 'opentsdb', end.signal),
      ]);
      await sleep(ms);
      await shop.orrery.kill();
      end.abort();
      await Promise.all(writers);
      await shop.start();
      const counted = await shop.written();
      for (const [key, most] of sent) {
        const least = acknowledged.get(key) ?? 0;
        const found = counted.get(key) ?? 0;
        assert.ok(least <= found && found <= most, `${least} ${found} ${most}`);
        // What was under way was stored or not: from now on it is known.
        acknowledged.set(key, found);
        sent.set(key, found);
      }
    }
    for (const [key, count] of acknowledged) assert.ok(count > 0, `${key} hardly wrote`);
  }));

test('exports, federation and remote read count every point that they read, as queries do', () =>
  withShop('1', async (shop) => {
    await shop.tenant('acme');
    const { token } = await shop.token('acme');
    const headers = { Authorization: `Bearer ${token}` };
    const nowMs = Date.now();
    const lines = Array.from({ length: 60 }, (_, i) => `m,i=${i % 3} v=${i} ${nowMs - i}`);
    const wrote = await shop.orrery.post('/write?precision=ms', lines.join('\n'), { headers });
    assert.equal(wrote.status, 204, wrote.text);
    for (const path of [
      '/api/v1/export?match[]=m_v',
      '/api/v1/export/csv?match[]=m_v&format=__value__',
      '/federate?match[]=m_v',
    ]) {
      const read = await shop.orrery.get(path, { headers });
      assert.equal(read.status, 200, read.text);
    }
    const query = [
      ...varintField(1, 0),
      ...varintField(2, nowMs),
      ...bytesField(3, [...bytesField(2, '__name__'), ...bytesField(3, 'm_v')]),
    ];
    // In one message, and as a stream of chunks.
    for (const acceptedType of [0, 1]) {
      const body = Uint8Array.from([...bytesField(1, query), ...varintField(2, acceptedType)]);
      const read = await shop.orrery.post('/api/v1/read', new Uint8Array(encodeSnappy(body)), {
        headers: {
          ...headers,
          'Content-Type': 'application/x-protobuf',
          'Content-Encoding': 'snappy',
        },
      });
      assert.equal(read.status, 200, read.text);
    }
    const rows = await shop.rows(token, 'group=protocol');
    assert.deepEqual(
      rows
        .filter(({ queries }) => queries > 0)
        .map((row) => [row.protocol, row.queries, row.points_read, row.query_cost]),
      [
        ['export', 2, 120, 720],
        ['federate', 1, 60, 360],
        ['remote-read', 2, 120, 720],
      ],
    );
  }));

test('CSV and the command line', () =>
  withShop('1', async (shop) => {
    await shop.tenant('acme');
    const one = await shop.token('acme');
    await shop.writeInflux(one, 1, 30);
    const { url } = shop.orrery;
    const run = (...args: readonly string[]) =>
      runCtl(['usage', ...args, '--url', url, '--token', shop.admin]);
    const table = await run('--tenant', 'acme');
    assert.match(table.stdout, /^tenant +token +protocol +written +read /, table.stderr);
    assert.match(table.stdout, new RegExp(`acme +${one.id} +influx +30 +0 +0 +0 +1 +0 +0`));
    const csv = await run('--csv', '--group', 'tenant', '--from', 'now-1h');
    assert.match(csv.stdout, /^tenant,tenant_id,points_written,.*\r\nacme,acme,30,0,0,0,1,20,/);
    const json = await run('--json', '--tenant', 'nobody');
    assert.deepEqual([json.code, json.stdout], [3, '']);
    assert.equal((await run('--csv', '--json')).code, 2);
    const gone = await shop.ask('DELETE', '/tenants/acme', shop.admin);
    assert.equal(gone.status, 200, gone.text);
    const [row] = await shop.rows(shop.admin, 'tenant=acme&group=protocol');
    assert.deepEqual([row?.protocol, row?.points_written], ['influx', 30]);
  }));
