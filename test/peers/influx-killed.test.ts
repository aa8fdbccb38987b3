// InfluxDB clients write numbered points to a server that is killed again and again and starts anew
// on its port and folder. They try again as they do by themselves; the one of 1.x gives up after
// some tries, and its user's loop goes on. What a client was told is stored is there, once, with
// its value, and nothing that it did not send.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { seededPrng } from '../../src/stdx/prng.ts';
import { exportedPoints } from '../support/exported-points.ts';
import { MortalOrrery } from '../support/mortal-orrery.ts';

const run = promisify(execFile);
const BASE_MS = Date.UTC(2026, 5, 1);
/** Down long enough for several tries of a client. */
const LIVES = { kills: 4, upMs: [2000, 3000], downMs: [400, 1200] } as const;
const STOP_FILE = 'stop';
const SCRIPT_TIMEOUT_MS = 180_000;

/** Each prints how many points it sent and was told are stored, and how often a try failed. */
const V2_SCRIPT = `
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { InfluxDB, Point } from '@influxdata/influxdb-client';
let stored = 0, failed = 0, lost = 0;
const api = new InfluxDB({ url: process.argv[2], token: 'any' }).getWriteApi('org', 'killed', 'ms', {
  batchSize: 20, flushInterval: 50, minRetryDelay: 50, maxRetryDelay: 300, maxRetryTime: 120000,
  maxRetries: 1000,
  writeSuccess: (lines) => { stored += lines.length; },
  writeFailed: (error, lines, attempt, expires) => {
    failed++;
    if (Date.now() >= expires) lost += lines.length;
  },
});
let sent = 0;
for (; !existsSync('${STOP_FILE}'); sent++) {
  api.writePoint(new Point('v2').intField('value', sent).timestamp(${BASE_MS} + sent));
  if (sent % 10 === 9) await sleep(5);
}
// Closing gives up what waits for another try.
for (let i = 0; i < 600 && stored + lost < sent; i++) {
  await api.flush(true).catch(() => undefined);
  await sleep(50);
}
await api.close();
console.log(JSON.stringify({ sent, stored, failed, lost }));
`;

const V1_SCRIPT = `
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Influx from 'influx';
const { hostname, port } = new URL(process.argv[2]);
const influx = new Influx.InfluxDB({ host: hostname, port: Number(port), database: 'killed',
  pool: { maxRetries: 3, requestTimeout: 5000 } });
let sent = 0, stored = 0, failed = 0;
while (!existsSync('${STOP_FILE}')) {
  const points = Array.from({ length: 20 }, (_, i) => ({ measurement: 'v1',
    fields: { value: sent + i }, timestamp: new Date(${BASE_MS} + sent + i) }));
  sent += points.length;
  for (;;) {
    try {
      await influx.writePoints(points, { precision: 'ms' });
      break;
    } catch {
      failed++;
      await sleep(50);
    }
  }
  stored += points.length;
  await sleep(10);
}
console.log(JSON.stringify({ sent, stored, failed, lost: 0 }));
`;

const V3_SCRIPT = `
import json, os, sys, time
from influxdb_client_3 import InfluxDBClient3, Point, WriteOptions
seen = {'sent': 0, 'stored': 0, 'failed': 0, 'lost': 0}
def success(conf, data):
    seen['stored'] += len(data.split(b'\\n'))
def error(conf, data, exception):
    seen['lost'] += len(data.split(b'\\n'))
def retry(conf, data, exception):
    seen['failed'] += 1
options = WriteOptions(batch_size=20, flush_interval=50, retry_interval=50, max_retry_delay=300,
    max_retry_time=120_000, max_retries=1000, use_v2_api=False, write_precision='ms')
client = InfluxDBClient3(host=sys.argv[1], token='any', database='killed', write_client_options={
    'write_options': options, 'success_callback': success, 'error_callback': error,
    'retry_callback': retry})
while not os.path.exists('${STOP_FILE}'):
    i = seen['sent']
    client.write(Point('v3').field('value', i).time(${BASE_MS} + i, 'ms'))
    seen['sent'] += 1
    if i % 10 == 9:
        time.sleep(0.005)
client.close()
print(json.dumps(seen))
`;

interface Told {
  readonly sent: number;
  readonly stored: number;
  readonly failed: number;
  readonly lost: number;
}

let folder: string;
let mortal: MortalOrrery;
const told = new Map<string, Told>();

async function script(name: string, command: string, file: string): Promise<void> {
  const options = { cwd: folder, timeout: SCRIPT_TIMEOUT_MS };
  const { stdout } = await run(command, [file, mortal.url], options);
  told.set(name, JSON.parse(stdout) as Told);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-killed-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  const packages = ['@influxdata/influxdb-client@1.35.0', 'influx@5.12.0'];
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags, ...packages], { cwd: folder });
  await run('python3', ['-m', 'venv', 'venv'], { cwd: folder });
  await run('venv/bin/pip', ['install', '-q', 'influxdb3-python==0.21.0'], { cwd: folder });
  await writeFile(join(folder, 'v1.mjs'), V1_SCRIPT);
  await writeFile(join(folder, 'v2.mjs'), V2_SCRIPT);
  await writeFile(join(folder, 'v3.py'), V3_SCRIPT);
  mortal = await MortalOrrery.start();
  const scripts = Promise.allSettled([
    script('v1', process.execPath, 'v1.mjs'),
    script('v2', process.execPath, 'v2.mjs'),
    script('v3', 'venv/bin/python', 'v3.py'),
  ]);
  try {
    await mortal.dieOften(seededPrng(7), LIVES);
  } finally {
    await writeFile(join(folder, STOP_FILE), '');
  }
  for (const result of await scripts) if (result.status === 'rejected') throw result.reason;
});

after(async () => {
  await mortal.end();
  await rm(folder, { recursive: true, force: true });
});

/** Times since BASE_MS with their values, in order of time. */
async function stored(name: string): Promise<number[][]> {
  const points = await exportedPoints(mortal.url, 'default', `{__name__="${name}",db="killed"}`);
  const pairs = points.map(({ tUs, value }) => [tUs / 1000 - BASE_MS, Number(value)]);
  return pairs.toSorted((a, b) => a[0]! - b[0]!);
}

for (const [name, client] of [
  ['v1', 'npm influx'],
  ['v2', 'npm @influxdata/influxdb-client'],
  ['v3', 'PyPI influxdb3-python'],
] as const)
  test(`${client}: nothing acknowledged is lost, nothing is doubled`, async (t) => {
    const { sent, failed, lost, ...acknowledged } = told.get(name)!;
    t.diagnostic(JSON.stringify({ sent, acknowledged, failed, lost }));
    assert.ok(sent > 1000, 'it hardly wrote');
    assert.ok(failed >= LIVES.kills, 'no try failed: it hardly met a dead server');
    // In the end it was told of every point that it is stored.
    assert.deepEqual([lost, acknowledged.stored], [0, sent]);
    const expected = Array.from({ length: sent }, (_, i) => [i, i]);
    assert.deepEqual(await stored(name), expected);
  });
