// What grew since yesterday on a real server, with one shard and with several: counts by metric,
// label and value, and the token and protocol whose new series were the first. Series that the
// server forgot and that come again are no new ones; who sees a part hears of that part alone.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { runCtl, startOrrery } from './harness.ts';
import type { RunningOrrery, TextAnswer } from './harness.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

interface Grown {
  readonly name: string;
  readonly series: number;
  readonly before: number;
}

interface Maker {
  readonly time: string;
  readonly token: string;
  readonly protocol: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface Growth {
  readonly now: { readonly series: number };
  readonly before: { readonly series: number };
  readonly growth_by_metric: readonly (Grown & { readonly started_by: Maker | null })[];
  readonly growth_by_label: readonly Grown[];
  readonly growth_by_label_value: readonly Grown[];
  readonly growth_by_values: readonly object[];
  readonly makers_since: string;
}

interface Token {
  readonly id: string;
  readonly token: string;
}

class Shop {
  readonly orrery: RunningOrrery;
  readonly #admin: string;

  private constructor(orrery: RunningOrrery, admin: string) {
    this.orrery = orrery;
    this.#admin = admin;
  }

  static async open(args: readonly string[], admin?: string): Promise<Shop> {
    const orrery = await startOrrery(['--auth=token', '--no-collect', ...args]);
    const token = admin ?? (await readFile(`${orrery.data}/admin-token`, 'utf8')).trim();
    return new Shop(orrery, token);
  }

  get admin(): string {
    return this.#admin;
  }

  ask(path: string, token: string, init: RequestInit = {}): Promise<TextAnswer> {
    return this.orrery.get(path, { ...init, headers: { Authorization: `Bearer ${token}` } });
  }

  async make<T>(path: string, draft: object): Promise<T> {
    const init = { method: 'POST', body: JSON.stringify(draft) };
    const made = await this.ask(`/orrery/v1/${path}`, this.#admin, init);
    assert.equal(made.status, 201, made.text);
    return JSON.parse(made.text) as T;
  }

  token(name: string, more: object = {}): Promise<Token> {
    const draft = { name, permissions: ['read', 'write'], ...more };
    return this.make('tenants/shop/tokens', draft);
  }

  async write(token: Token, path: string, body: string): Promise<void> {
    const wrote = await this.ask(path, token.token, { method: 'POST', body });
    assert.equal(wrote.status, 204, wrote.text);
  }

  text(token: Token, lines: readonly string[]): Promise<void> {
    return this.write(token, '/api/v1/import/prometheus', `${lines.join('\n')}\n`);
  }

  async growth(token: string, query = ''): Promise<Growth> {
    const { status, text } = await this.ask(`/orrery/v1/tenants/shop/growth${query}`, token);
    assert.equal(status, 200, text);
    return JSON.parse(text) as Growth;
  }
}

async function oldAndNew(shop: Shop): Promise<{ early: Token; late: Token }> {
  await shop.make('tenants', { name: 'shop' });
  const [early, late] = [await shop.token('early'), await shop.token('late')];
  const nowMs = Date.now() - MINUTE_MS;
  const old = (tMs: number) => ['a', 'b'].map((path) => `hits{env="prod",path="${path}"} 1 ${tMs}`);
  await shop.text(early, [...old(nowMs - DAY_MS), ...old(nowMs), `gone 1 ${nowMs - DAY_MS}`]);
  const lines = Array.from({ length: 7 }, (_, i) => `hits,env=test,path=x${i} value=1 ${nowMs}`);
  // One that names them as the other protocol does: the field is the value.
  const mapped = lines.map((line) => line.replace('hits,', 'hits_of_lines,'));
  await shop.write(late, '/write?precision=ms', mapped.join('\n'));
  const more = Array.from({ length: 3 }, (_, i) => `hits{env="test",path="y${i}"} 1 ${nowMs}`);
  await shop.text(late, more);
  return { early, late };
}

for (const shards of [1, 2])
  test(`growth since yesterday, and who began it, ${shards} shards`, async () => {
    const shop = await Shop.open([`--shards=${shards}`]);
    try {
      const { early, late } = await oldAndNew(shop);
      const found = await shop.growth(early.token);
      assert.deepEqual([found.now.series, found.before.series], [12, 3]);
      const metrics = found.growth_by_metric.map(({ name, series, before, started_by: by }) => {
        return [name.replace(/_value$/, ''), series, before, by?.token, by?.protocol];
      });
      assert.deepEqual(metrics, [
        ['hits_of_lines', 7, 0, late.id, 'influx'],
        ['hits', 5, 2, late.id, 'prometheus-text'],
      ]);
      const [, hits] = found.growth_by_metric;
      assert.deepEqual(hits?.started_by?.labels, { __name__: 'hits', env: 'test', path: 'y0' });
      assert.ok(Math.abs(Date.parse(hits.started_by.time) - Date.now()) < 10 * MINUTE_MS);
      const grew = (rows: readonly Grown[], name: string) => rows.find((row) => row.name === name);
      const path = grew(found.growth_by_label, 'path');
      assert.deepEqual(path, { name: 'path', series: 12, before: 2 });
      const env = grew(found.growth_by_label_value, 'env=test');
      assert.deepEqual(env, { name: 'env=test', series: 10, before: 0 });
      assert.equal(grew(found.growth_by_label_value, 'env=prod'), undefined, 'it did not grow');
      const one = await shop.growth(shop.admin, '?metric=hits&limit=1');
      assert.deepEqual(one.growth_by_label_value, [{ name: 'env=test', series: 3, before: 0 }]);
      assert.deepEqual(one.growth_by_values, [{ name: 'path', values: 5, before: 2 }]);
      await part(shop);
      await commands(shop, late);
    } finally {
      await shop.orrery.stop();
    }
  });

/** Another tenant's is not there, a part is that part. */
async function part(shop: Shop): Promise<void> {
  const narrow = await shop.token('narrow', { matchers: ['{env="prod"}'], permissions: ['read'] });
  const found = await shop.growth(narrow.token);
  assert.deepEqual([found.now.series, found.before.series, found.growth_by_metric], [2, 2, []]);
  const others = await shop.token('test', { matchers: ['{env="test"}'], permissions: ['read'] });
  const rows = (await shop.growth(others.token)).growth_by_metric;
  assert.deepEqual(
    rows.map(({ series, before, started_by: by }) => [series, before, by]),
    [
      [7, 0, null],
      [3, 0, null],
    ],
  );
  const other = await shop.ask('/orrery/v1/tenants/default/growth', narrow.token);
  assert.equal(other.status, 404, other.text);
}

async function commands(shop: Shop, late: Token): Promise<void> {
  const ctl = (...args: readonly string[]) =>
    runCtl(['tenant', ...args, '--url', shop.orrery.url, '--token', late.token]);
  const table = await ctl('growth', 'shop');
  assert.equal(table.code, 0, table.stderr);
  assert.match(table.stdout, /^12 series in the last hour, 3 a day before\n/);
  assert.match(table.stdout, /\nwho began it is known since \d{4}-\d\d-\d\d/);
  assert.match(table.stdout, new RegExp(`\\nhits +\\+3 +5 +2 +\\S+ \\S+ +${late.id} +prometheus`));
  const json = await ctl('growth', 'shop', '--metric', 'hits', '--top', '1', '--json');
  const { growth_by_metric: rows } = JSON.parse(json.stdout) as Growth;
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['hits'],
  );
  const names = await ctl('cardinality', 'shop', '--metric', 'hits');
  assert.match(names.stdout, /^5 series\n\nmetric +series\nhits +5\n/);
  assert.equal((await ctl('list', '--top', '3')).code, 2);
}

test('what a start forgot and a sender writes again is not new', async () => {
  const first = await Shop.open([]);
  const { data } = first.orrery;
  const { early } = await oldAndNew(first);
  const flushed = await first.ask('/orrery/v1/admin/flush', first.admin, { method: 'POST' });
  assert.ok(flushed.status < 300, flushed.text);
  await first.orrery.kill();
  const again = await Shop.open(['--data', data], first.admin);
  try {
    const lines = ['a', 'b'].map((path) => `hits{env="prod",path="${path}"} 1 ${Date.now()}`);
    await again.text(early, lines);
    const { growth_by_metric: rows, makers_since: since } = await again.growth(early.token);
    const hits = rows.find(({ name }) => name === 'hits');
    assert.deepEqual(hits, { name: 'hits', series: 5, before: 2, started_by: null });
    assert.ok(Date.now() - Date.parse(since) < 10 * MINUTE_MS);
  } finally {
    await again.orrery.stop();
  }
});
