// OpenTelemetry's SDK with both of its OTLP/HTTP exporters, and SenX' client of Warp 10, write as
// their users write. They are installed into a temporary folder, with exact versions.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';
import { ask, seriesIn } from '../support/prom-compare.ts';

const run = promisify(execFile);
const BASE_US = Date.UTC(2026, 5, 1) * 1000;

const OTLP_SCRIPT = `
import {
  AggregationTemporality, AggregationType, MeterProvider, PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { resourceFromAttributes } from '@opentelemetry/resources';
const [url, form, temporality] = process.argv.slice(2);
const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-' + form);
const temporalityPreference = AggregationTemporality[temporality];
const exporter = new OTLPMetricExporter({ url, temporalityPreference, compression: 'gzip' });
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
const provider = new MeterProvider({
  readers: [reader],
  resource: resourceFromAttributes({ 'service.name': form + '-' + temporality, 'host.name': 'h1' }),
  views: [{ instrumentName: 'size', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
});
const meter = provider.getMeter('lib', '1.0');
const orders = meter.createCounter('shop.orders', { description: 'Orders.' });
const wait = meter.createHistogram('wait', { unit: 's' });
const size = meter.createHistogram('size', { unit: 'By' });
const open = meter.createUpDownCounter('open');
const temp = meter.createObservableGauge('temp', { unit: 'Cel' });
temp.addCallback((to) => to.observe(21.5));
for (let round = 0; round < 2; round++) {
  orders.add(2, { region: 'eu' });
  wait.record(0.2);
  size.record(300);
  open.add(3);
  await provider.forceFlush();
}
await provider.shutdown();
`;

const WARP10_SCRIPT = `
import w10 from '@senx/warp10';
const client = new w10.Warp10({ endpoint: process.argv[2], silent: true });
const answer = await client.update('any', [
  {
    timestamp: ${BASE_US}, className: 'io.test', labels: { key: 'a,b' }, value: 54,
    lat: 48.5, lng: -4.5, elev: 1500,
  },
  '${BASE_US + 1}// io.test{key=c} 1.5',
  "${BASE_US + 2}// io.test{key=c} 'text'",
]);
const described = { className: 'io.test', labels: { key: 'c' }, attributes: { unit: 'm/s' } };
const meta = await client.meta('any', [described]);
const days = ['2026-05-31T00:00:00Z', '2026-06-02T00:00:00Z'];
const gone = await client.delete('any', '~io.*', { key: 'c' }, ...days);
console.log(JSON.stringify([answer, meta, gone]));
`;

let folder: string;
let orrery: RunningOrrery;

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
  ];
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags, ...packages], { cwd: folder });
  orrery = await startOrrery(['--no-collect']);
});

after(async () => {
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

async function values(query: string): Promise<string[]> {
  const answer = await ask(orrery.url, 'query', new URLSearchParams({ query }));
  return seriesIn(answer).map(({ value }) => value?.[1] ?? '');
}

for (const form of ['proto', 'http'])
  for (const temporality of ['CUMULATIVE', 'DELTA'])
    test(`@opentelemetry/sdk-metrics, ${form}, ${temporality}`, async () => {
      await writeFile(join(folder, 'otlp.mjs'), OTLP_SCRIPT);
      const args = ['otlp.mjs', `${orrery.url}/v1/metrics`, form, temporality];
      await run(process.execPath, args, { cwd: folder });
      const job = `job="${form}-${temporality}"`;
      assert.deepEqual(await values(`shop_orders_total{${job},region="eu"}`), ['4']);
      assert.deepEqual(await values(`wait_seconds_count{${job},otel_scope_name="lib"}`), ['2']);
      assert.deepEqual(await values(`wait_seconds_bucket{${job},le="5"}`), ['2']);
      assert.deepEqual(await values(`histogram_sum(size_bytes{${job}})`), ['600']);
      assert.deepEqual(await values(`open{${job}}`), ['6']);
      assert.deepEqual(await values(`temp_celsius{${job}}`), ['21.5']);
      assert.deepEqual(await values(`target_info{${job},host_name="h1"}`), ['1']);
    });

test('@senx/warp10 updates, describes and deletes', async () => {
  await writeFile(join(folder, 'warp10.mjs'), WARP10_SCRIPT);
  const { stdout } = await run(process.execPath, ['warp10.mjs', orrery.url], { cwd: folder });
  assert.deepEqual(JSON.parse(stdout), [
    { response: '', count: 3 },
    { response: '', count: 1 },
    { result: 'io.test{key=c}{unit=m%2Fs}\r\n' },
  ]);
  const exported = await orrery.get('/api/v1/export?exact=1&match[]={__name__="io.test"}');
  assert.match(exported.text, /"key":"a,b"/);
  assert.match(exported.text, /"latitude":\[48.5\],"longitude":\[-4.5\],"elevation":\[1.5\]/);
  assert.doesNotMatch(exported.text, /"key":"c"/);
});
