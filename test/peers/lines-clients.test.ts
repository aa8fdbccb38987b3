// Clients of Graphite and OpenTSDB from npm and PyPI write as their users write, and what they
// wrote reads back. They are installed into a temporary folder, with exact versions.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';

const run = promisify(execFile);
const POINTS = 500;
const BASE_MS = Date.UTC(2026, 5, 1);

const NPM_GRAPHITE = `
import graphite from 'graphite';
const client = graphite.createClient('plaintext://127.0.0.1:' + process.argv[2] + '/');
const write = (i) => new Promise((resolve, reject) =>
  client.write({ npm: { web01: { load: i / 8 } } }, ${BASE_MS} + i * 1000,
    (error) => (error ? reject(error) : resolve())));
const writeTagged = (i) => new Promise((resolve, reject) =>
  client.writeTagged({ 'npm.tagged': i }, { host: 'web01' }, ${BASE_MS} + i * 1000,
    (error) => (error ? reject(error) : resolve())));
const all = Array.from({ length: ${POINTS} }, (_, i) => [write(i), writeTagged(i)]);
await Promise.all(all.flat());
client.end();
`;

const GRAPHYTE = `
import sys, graphyte
sender = graphyte.Sender('127.0.0.1', port=int(sys.argv[1]), prefix='py', protocol=sys.argv[2])
for i in range(${POINTS}):
    sender.send('load', i / 8, timestamp=${BASE_MS / 1000} + i, tags={'by': sys.argv[2]})
sender.stop()
`;

const POTSDB = `
import sys, potsdb
client = potsdb.Client('127.0.0.1', port=int(sys.argv[1]), check_host=True)
for i in range(${POINTS}):
    client.send('pot.load', i / 8, timestamp=${BASE_MS / 1000} + i, host='web01', cpu='0')
client.wait()
`;

let folder: string;
let orrery: RunningOrrery;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-lines-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', 'graphite@0.1.4'];
  await run('npm', npm, { cwd: folder });
  await run('python3', ['-m', 'venv', 'venv'], { cwd: folder });
  await run('venv/bin/pip', ['install', '-q', 'graphyte==1.7.1', 'potsdb==1.0.3'], { cwd: folder });
  const args = ['--graphite', '127.0.0.1:0', '--opentsdb-telnet', '127.0.0.1:0'];
  orrery = await startOrrery(['--no-collect', ...args]);
});

after(async () => {
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

function portOf(flag: string): string {
  return String(orrery.ready[flag]).split(':')[1]!;
}

/** Values of a series in order of time, as soon as all of them are there. */
async function written(matcher: string): Promise<number[]> {
  let values: number[] = [];
  for (let i = 0; i < 100 && values.length < POINTS; i++) {
    const { text } = await orrery.get(`/api/v1/export?match[]=${encodeURIComponent(matcher)}`);
    const lines = text.split('\n').filter((line) => line !== '');
    values = lines.flatMap((line) => (JSON.parse(line) as { values: number[] }).values);
    if (values.length < POINTS) await sleep(50);
  }
  return values;
}

const eighths = Array.from({ length: POINTS }, (_, i) => i / 8);

test('npm graphite', async () => {
  await writeFile(join(folder, 'graphite.mjs'), NPM_GRAPHITE);
  await run(process.execPath, ['graphite.mjs', portOf('graphite')], { cwd: folder });
  assert.deepEqual(await written('{__name__="npm.web01.load"}'), eighths);
  const wholes = Array.from({ length: POINTS }, (_, i) => i);
  assert.deepEqual(await written('{__name__="npm.tagged",host="web01"}'), wholes);
});

for (const protocol of ['tcp', 'udp'])
  test(`PyPI graphyte over ${protocol}`, async () => {
    await writeFile(join(folder, 'graphyte_client.py'), GRAPHYTE);
    const args = ['graphyte_client.py', portOf('graphite'), protocol];
    await run('venv/bin/python', args, { cwd: folder });
    assert.deepEqual(await written(`{__name__="py.load",by="${protocol}"}`), eighths);
  });

test('PyPI potsdb', async () => {
  await writeFile(join(folder, 'potsdb_client.py'), POTSDB);
  await run('venv/bin/python', ['potsdb_client.py', portOf('opentsdb-telnet')], { cwd: folder });
  assert.deepEqual(await written('{__name__="pot.load",host="web01",cpu="0"}'), eighths);
});
