// Clients of the Pushgateway from npm and PyPI push and delete as their users do, scrape what a
// client library serves, and what they pushed outlives a server that is killed. They are installed
// into a temporary folder, with exact versions.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';

const run = promisify(execFile);

/** Pushes 20 jobs, trying again until each is answered: the server is killed meanwhile. */
const NPM = `
import client from 'prom-client';
const [url, method] = process.argv.slice(2);
const registry = new client.Registry();
const gauge = new client.Gauge({ name: 'npm_last', help: 'x', labelNames: ['k'], registers: [registry] });
const histogram = new client.Histogram({ name: 'npm_seconds', help: 'y', buckets: [1, 2], registers: [registry] });
const gateway = new client.Pushgateway(url, { timeout: 2000 }, registry);
histogram.observe(1.5);
for (let job = 0; job < 20; job++) {
  gauge.set({ k: 'a b' }, job);
  for (;;) {
    try {
      const { resp } = await gateway[method]({ jobName: 'npm/' + job, groupings: { instance: 'i ' + job } });
      console.log(method + ' ' + job + ' ' + resp.statusCode);
      break;
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
`;

const PYTHON = `
import sys, time
from prometheus_client import CollectorRegistry, Counter, Histogram, delete_from_gateway, push_to_gateway, pushadd_to_gateway
url, what = sys.argv[1:]
for job in range(20):
    registry = CollectorRegistry()
    Counter('py_done', 'x', ['k'], registry=registry).labels('a"b').inc(job)
    Histogram('py_seconds', 'y', registry=registry, buckets=(1, 2)).observe(1.5)
    key = {'path': '/var/' + str(job), 'empty': ''}
    while True:
        try:
            if what == 'delete':
                delete_from_gateway(url, job='py', grouping_key=key, timeout=2)
            elif what == 'add':
                pushadd_to_gateway(url, job='py', registry=registry, grouping_key=key, timeout=2)
            else:
                push_to_gateway(url, job='py', registry=registry, grouping_key=key, timeout=2)
            print(what, job, flush=True)
            break
        except OSError:
            time.sleep(0.1)
    time.sleep(0.05)
`;

const SERVE = `
import sys, time
from prometheus_client import Counter, Histogram, start_http_server
Counter('served', 'x').inc(5)
Histogram('served_seconds', 'y', buckets=(1, 2)).observe(1.5)
server, _ = start_http_server(0, addr='127.0.0.1')
print(server.server_port, flush=True)
time.sleep(600)
`;

let folder: string;
let orrery: RunningOrrery;
const start = (http: string, ...more: string[]) =>
  startOrrery([
    '--no-collect',
    '--data',
    join(folder, 'data'),
    '--http',
    http,
    '--scrape-interval',
    '1s',
    ...more,
  ]);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-pushers-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', 'prom-client@15.1.3'];
  await run('npm', npm, { cwd: folder });
  await run('python3', ['-m', 'venv', 'venv'], { cwd: folder });
  await run('venv/bin/pip', ['install', '-q', 'prometheus-client==0.23.1'], { cwd: folder });
  await writeFile(join(folder, 'push.mjs'), NPM);
  await writeFile(join(folder, 'push.py'), PYTHON);
  await writeFile(join(folder, 'serve.py'), SERVE);
  orrery = await start('127.0.0.1:0');
});

after(async () => {
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

async function ask(query: string): Promise<number[]> {
  const { text } = await orrery.get(`/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = JSON.parse(text) as { data: { result: { value: [number, string] }[] } };
  return data.result.map(({ value }) => Number(value[1])).toSorted((a, b) => a - b);
}

/** Kills the server when the client has been answered some times, and starts it again. */
async function whileKilled(client: ChildProcess, killAfter: string): Promise<void> {
  let output = '';
  let killed: Promise<void> | undefined;
  const restart = async (): Promise<void> => {
    await orrery.kill();
    await sleep(300);
    orrery = await start(`127.0.0.1:${orrery.port}`);
  };
  client.stdout!.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.includes(killAfter)) killed ??= restart();
  });
  const [code] = (await once(client, 'exit')) as [number];
  assert.equal(code, 0, output);
  assert.ok(killed !== undefined, 'the server was killed');
  await killed;
  assert.equal(output.trim().split('\n').length, 20, output);
}

const twenty = Array.from({ length: 20 }, (_, i) => i);

test('npm prom-client pushes through a kill, and deletes', { timeout: 120_000 }, async () => {
  const push = (method: string) =>
    spawn(process.execPath, ['push.mjs', orrery.url, method], { cwd: folder });
  await whileKilled(push('push'), 'push 7 200');
  assert.deepEqual(await ask('npm_last{k="a b",job=~"npm/.+",instance=~"i .+"}'), twenty);
  assert.deepEqual(await ask('count(npm_seconds_bucket{le="2.0"} == 1)'), [20]);
  await whileKilled(push('pushAdd'), 'pushAdd 3 200');
  await sleep(1_500);
  assert.deepEqual(await ask('npm_last'), twenty);
  await whileKilled(push('delete'), 'delete 5 202');
  assert.deepEqual(await ask('{__name__=~"npm_.+|push_.+",job=~"npm.*"}'), []);
});

test(
  'PyPI prometheus-client pushes through a kill, and deletes',
  { timeout: 120_000 },
  async () => {
    const push = (what: string) => {
      return spawn(join(folder, 'venv/bin/python'), ['push.py', orrery.url, what], { cwd: folder });
    };
    await whileKilled(push('push'), 'push 7');
    assert.deepEqual(await ask('py_done_total{k="a\\"b",job="py",path=~"/var/.+"}'), twenty);
    await whileKilled(push('add'), 'add 3');
    await sleep(1_500);
    assert.deepEqual(await ask('py_done_total'), twenty);
    assert.deepEqual(await ask('count(py_seconds_bucket{le="2.0"} == 1)'), [20]);
    await whileKilled(push('delete'), 'delete 5');
    assert.deepEqual(await ask('{__name__=~"py_.+|push_.+",job="py"}'), []);
  },
);

test('what PyPI prometheus-client serves is scraped', { timeout: 60_000 }, async () => {
  const served = spawn(join(folder, 'venv/bin/python'), ['serve.py'], { cwd: folder });
  try {
    const [line] = (await once(served.stdout, 'data')) as [Buffer];
    await orrery.stop();
    const target = `job=py,interval=500ms,http://127.0.0.1:${line.toString().trim()}/metrics`;
    orrery = await start('127.0.0.1:0', '--scrape', target);
    for (let i = 0; i < 50 && (await ask('served_total')).length === 0; i++) await sleep(100);
    assert.deepEqual(await ask('served_total{job="py"}'), [5]);
    assert.deepEqual(await ask('served_seconds_bucket{le="2.0"}'), [1]);
    assert.deepEqual(await ask('up{job="py"}'), [1]);
  } finally {
    served.kill();
  }
});
