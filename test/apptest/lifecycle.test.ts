// Starting and stopping a real server: the ready line, refusals in one sentence, draining, kill -9,
// and the collector's first scrapes.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOrrery, startOrrery } from './harness.ts';

test('--version, --help, unknown flags, unsafe addresses', async () => {
  assert.match((await runOrrery(['--version'])).stdout, /^orrery \d+\.\d+\.\d+\n$/);
  assert.match((await runOrrery(['serve', '--help'])).stdout, /--data DIR/);
  const unknown = await runOrrery(['serve', '--dta', 'x']);
  assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
  assert.equal(unknown.stderr, 'orrery: unknown flag --dta; did you mean --data?\n');
  const open = await runOrrery(['serve', '--http', '0.0.0.0:0']);
  assert.equal(open.code, 2);
  assert.match(open.stderr, /^orrery: 0\.0\.0\.0:0 is not a loopback address.*--insecure/);
});

test('a settings file is read, and its mistakes are named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-config-'));
  try {
    await writeFile(join(folder, 'orrery.yaml'), 'colect: false\n');
    const wrong = await runOrrery(['serve'], { cwd: folder });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /orrery\.yaml: unknown key colect; did you mean collect\?/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the ready line is JSON, SIGTERM drains and exits 0, data stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-life-'));
  const args = ['--no-collect', '--data', join(folder, 'data')];
  try {
    const first = await startOrrery(args);
    assert.equal(first.ready['msg'], 'ready');
    assert.equal(first.ready['pid'], first.pid);
    assert.equal((await first.get('/-/ready')).status, 200);
    assert.equal((await first.post('/write?precision=s', 'kept value=1 1750000000')).status, 204);
    const busy = await runOrrery(['serve', ...args, '--http', '127.0.0.1:0']);
    assert.equal(busy.code, 1, busy.stderr);
    assert.match(busy.stderr, /^orrery: [^\n]+\n$/, 'one sentence about the folder in use');
    const taken = await runOrrery([
      'serve',
      '--data',
      join(folder, 'd2'),
      '--http',
      `127.0.0.1:${first.port}`,
    ]);
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, /is in use by another process/);
    const stopped = await first.stop();
    assert.deepEqual([stopped.code, stopped.signal], [0, null], stopped.stdout);
    const second = await startOrrery(args);
    const read = () => second.get('/api/v1/export?match[]=kept');
    assert.match((await read()).text, /"values":\[1\]/);
    assert.equal((await second.post('/write?precision=s', 'kept value=2 1750000060')).status, 204);
    await second.kill();
    const third = await startOrrery(args);
    const kept = (await third.get('/api/v1/export?match[]=kept')).text;
    await third.stop();
    assert.match(kept, /\[1\].*\[2\]|\[1,2\]/s);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the collector shows this host and this server within seconds', async () => {
  const orrery = await startOrrery(['--collect-interval', '1s']);
  try {
    async function count(query: string): Promise<number> {
      const answer = await orrery.get(`/api/v1/query?query=${encodeURIComponent(query)}`);
      const json = JSON.parse(answer.text) as { data: { result: { value: [number, string] }[] } };
      return Number(json.data.result[0]?.value[1] ?? 0);
    }
    const rate = 'count(rate(node_cpu_seconds_total{job="node"}[1m]))';
    for (let waitedMs = 0; (await count(rate)) === 0 && waitedMs < 8000; waitedMs += 100)
      await sleep(100);
    assert.ok((await count(rate)) > 0, orrery.output());
    assert.equal(await count('sum(up)'), 2);
    assert.ok((await count('scrape_samples_scraped{job="orrery"}')) > 20);
    assert.ok((await count('node_memory_MemTotal_bytes{job="node"}')) > 1e6);
    assert.ok((await count('sum(orrery_ingest_samples_total{protocol="scrape"})')) > 100);
    assert.equal(await count('node_scrape_collector_success{collector="stat"}'), 1);
  } finally {
    await orrery.stop();
  }
});
