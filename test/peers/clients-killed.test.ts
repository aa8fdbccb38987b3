// Clients from npm and PyPI write numbered points to a server that is killed again and again, with
// the retries that they have, or with a loop of their user's where they have none. What a client
// was told is stored is there, and nothing that it did not send. Graphite's clients are told
// nothing: there, nothing is missing but what was on its way when the server died.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { seededPrng } from '../../src/stdx/prng.ts';
import { exportedPoints, increaseOf } from '../support/exported-points.ts';
import type { ExportedPoint } from '../support/exported-points.ts';
import { MortalOrrery, lowPort } from '../support/mortal-orrery.ts';

const run = promisify(execFile);
const LIVES = { kills: 4, upMs: [2500, 3500], downMs: [200, 1200] } as const;
const BASE_SEC = 1_780_272_000;
const ON_ITS_WAY_MS = 1500;
const STOP_FILE = 'stop';
const SCRIPT_TIMEOUT_MS = 180_000;

/** Prints what became of each export: time, value, whether it was acknowledged. */
const OTLP_SCRIPT = `
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AggregationTemporality, MeterProvider, PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { resourceFromAttributes } from '@opentelemetry/resources';
const [url, form, temporality] = process.argv.slice(2);
const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-' + form);
const temporalityPreference = AggregationTemporality[temporality];
const exporter = new OTLPMetricExporter({ url, temporalityPreference, compression: 'gzip' });
const results = [];
const send = exporter.export.bind(exporter);
exporter.export = (batch, done) => {
  const [point] = batch.scopeMetrics[0].metrics[0].dataPoints;
  const tMs = point.endTime[0] * 1000 + Math.floor(point.endTime[1] / 1e6);
  send(batch, (result) => {
    results.push([tMs, point.value, result.code === 0]);
    done(result);
  });
};
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 });
const provider = new MeterProvider({
  readers: [reader],
  resource: resourceFromAttributes({ 'service.name': form + '-' + temporality }),
});
const orders = provider.getMeter('lib').createCounter('orders');
while (!existsSync('${STOP_FILE}')) {
  orders.add(1);
  await provider.forceFlush().catch(() => undefined);
  await sleep(20);
}
console.log(JSON.stringify(results));
process.exit(0);
`;

/** Prints how many points were acknowledged; each is repeated until it is. */
const WARP10_SCRIPT = `
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import w10 from '@senx/warp10';
const client = new w10.Warp10({ endpoint: process.argv[2], silent: true });
let n = 0, repeats = 0;
while (!existsSync('${STOP_FILE}')) {
  try {
    await client.update('any', [(${BASE_SEC} + n) * 1000000 + '// killed.warp10{key=a} ' + n]);
    n++;
  } catch {
    repeats++;
    await sleep(50);
  }
}
console.log(JSON.stringify({ n, repeats }));
`;

/** Prints when each point was sent; one that could not be sent is sent again. */
const NPM_GRAPHITE_SCRIPT = `
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import graphite from 'graphite';
const client = graphite.createClient('plaintext://127.0.0.1:' + process.argv[2] + '/');
const write = (n) => new Promise((resolve, reject) =>
  client.write({ killed: { npm: n } }, (${BASE_SEC} + n) * 1000,
    (error) => (error ? reject(error) : resolve())));
const sentMs = [];
while (!existsSync('${STOP_FILE}')) {
  try {
    await write(sentMs.length);
    sentMs.push(Date.now());
    await sleep(10);
  } catch {
    await sleep(50);
  }
}
client.end();
console.log(JSON.stringify(sentMs));
`;

const GRAPHYTE_SCRIPT = `
import json, os, sys, time, graphyte
sender = graphyte.Sender('127.0.0.1', port=int(sys.argv[1]), raise_send_errors=True)
sent = []
while not os.path.exists('${STOP_FILE}'):
    try:
        sender.send('killed.graphyte', len(sent), timestamp=${BASE_SEC} + len(sent))
        sent.append(int(time.time() * 1000))
        time.sleep(0.01)
    except OSError:
        time.sleep(0.05)
print(json.dumps(sent))
`;

let folder: string;
let mortal: MortalOrrery;
/** What each script printed. */
const printed = new Map<string, unknown>();

const OTLP_RUNS = ['proto', 'http'].flatMap((form) =>
  ['CUMULATIVE', 'DELTA'].map((temporality) => ({ form, temporality })),
);

async function script(name: string, command: string, args: readonly string[]): Promise<void> {
  const options = { cwd: folder, timeout: SCRIPT_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await run(command, [...args], options);
  printed.set(name, JSON.parse(stdout));
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-clients-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  const packages = [
    '@opentelemetry/api@1.10.0',
    '@opentelemetry/resources@3.1.1',
    '@opentelemetry/sdk-metrics@3.1.1',
    '@opentelemetry/exporter-metrics-otlp-proto@0.301.0',
    '@opentelemetry/exporter-metrics-otlp-http@0.301.0',
    '@senx/warp10@2.0.3',
    'graphite@0.1.4',
  ];
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags, ...packages], { cwd: folder });
  await run('python3', ['-m', 'venv', 'venv'], { cwd: folder });
  await run('venv/bin/pip', ['install', '-q', 'graphyte==1.7.1'], { cwd: folder });
  const graphitePort = await lowPort();
  mortal = await MortalOrrery.start(['--graphite', `127.0.0.1:${graphitePort}`]);
  await writeFile(join(folder, 'otlp.mjs'), OTLP_SCRIPT);
  await writeFile(join(folder, 'warp10.mjs'), WARP10_SCRIPT);
  await writeFile(join(folder, 'graphite.mjs'), NPM_GRAPHITE_SCRIPT);
  await writeFile(join(folder, 'graphyte_client.py'), GRAPHYTE_SCRIPT);
  const node = process.execPath;
  const port = String(graphitePort);
  const scripts = Promise.all([
    ...OTLP_RUNS.map(({ form, temporality }) => {
      const args = ['otlp.mjs', `${mortal.url}/v1/metrics`, form, temporality];
      return script(`${form}-${temporality}`, node, args);
    }),
    script('warp10', node, ['warp10.mjs', mortal.url]),
    script('graphite', node, ['graphite.mjs', port]),
    script('graphyte', 'venv/bin/python', ['graphyte_client.py', port]),
  ]);
  try {
    await mortal.dieOften(seededPrng(4), LIVES);
  } finally {
    await writeFile(join(folder, STOP_FILE), '');
    await scripts;
  }
});

after(async () => {
  await mortal.end();
  await rm(folder, { recursive: true, force: true });
});

const valuesByTime = (points: readonly ExportedPoint[]): Map<number, number> =>
  new Map(points.map(({ tUs, value }) => [Math.floor(tUs / 1000), Number(value)]));

for (const { form, temporality } of OTLP_RUNS)
  test(`@opentelemetry/sdk-metrics, ${form}, ${temporality}`, async (t) => {
    const job = `${form}-${temporality}`;
    const results = printed.get(job) as [number, number, boolean][];
    const acknowledged = results.filter(([, , isAcknowledged]) => isAcknowledged);
    const points = await exportedPoints(mortal.url, 'default', `orders_total{job="${job}"}`);
    t.diagnostic(`${results.length} exports, ${acknowledged.length} acknowledged`);
    assert.ok(acknowledged.length > 20, `only ${acknowledged.length} exports`);
    const stored = valuesByTime(points);
    assert.deepEqual(acknowledged.filter(([tMs]) => !stored.has(tMs)).slice(0, 5), []);
    const sent = new Map(results.map(([tMs, value]) => [tMs, value]));
    assert.deepEqual(
      [...stored].filter(([tMs]) => !sent.has(tMs)),
      [],
    );
    if (temporality === 'CUMULATIVE') {
      assert.deepEqual(
        [...stored].filter(([tMs, value]) => sent.get(tMs) !== value),
        [],
      );
      return;
    }
    // One that is not acknowledged is dropped by the client, and may be stored all the same.
    const total = (exports: readonly (readonly [number, number, boolean])[]): number =>
      exports.reduce((sum, [tMs, value]) => sum + (stored.has(tMs) ? value : 0), 0);
    assert.equal(increaseOf(points), total(results));
  });

test('@senx/warp10', async (t) => {
  const { n, repeats } = printed.get('warp10') as { n: number; repeats: number };
  t.diagnostic(`${n} points acknowledged, ${repeats} requests repeated`);
  assert.ok(n > 50 && repeats > 0);
  const points = await exportedPoints(mortal.url, 'default', '{__name__="killed.warp10"}');
  const wanted = Array.from({ length: n }, (_, i) => [(BASE_SEC + i) * 1000, i]);
  assert.deepEqual(
    [...valuesByTime(points)].toSorted(([a], [b]) => a - b),
    wanted,
  );
});

for (const client of ['graphite', 'graphyte'])
  test(`${client}, without acknowledgements`, async (t) => {
    const sentMs = printed.get(client) as number[];
    assert.ok(sentMs.length > 100);
    const name = client === 'graphite' ? 'killed.npm' : 'killed.graphyte';
    // The last lines may still be read.
    await sleep(1000);
    const points = await exportedPoints(mortal.url, 'default', `{__name__="${name}"}`);
    const stored = valuesByTime(points);
    t.diagnostic(`${sentMs.length - stored.size} of ${sentMs.length} lost on their way`);
    for (const [tMs, value] of stored) assert.equal(tMs, (BASE_SEC + value) * 1000);
    const isSafe = (ms: number): boolean => !mortal.mayHaveLost(ms, ON_ITS_WAY_MS);
    const missing = [...sentMs.keys()].filter(
      (n) => isSafe(sentMs[n]!) && !stored.has((BASE_SEC + n) * 1000),
    );
    assert.deepEqual(missing, []);
  });
