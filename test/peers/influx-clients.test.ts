// The two InfluxDB clients of npm write as their users write, and what they wrote reads back. They
// are installed into a temporary folder, with exact versions.
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
const POINTS = 5000;
const BASE_MS = Date.UTC(2026, 5, 1);

const V2_SCRIPT = `
import { InfluxDB, Point } from '@influxdata/influxdb-client';
const api = new InfluxDB({ url: process.argv[2], token: 'any' }).getWriteApi('org', 'sensors', 'ms');
api.useDefaultTags({ site: 'north wing' });
for (let i = 0; i < ${POINTS}; i++)
  api.writePoint(new Point('room climate').tag('room', 'a,b=' + (i % 10)).floatField('temp', i / 8)
    .intField('people', i % 7).booleanField('open', i % 2 === 0).stringField('note', 'x "' + i + '"')
    .timestamp(${BASE_MS} + i * 1000));
await api.close();
`;

const V1_SCRIPT = `
import Influx from 'influx';
const url = new URL(process.argv[2]);
const influx = new Influx.InfluxDB({ host: url.hostname, port: Number(url.port), database: 'shop' });
const points = [];
for (let i = 0; i < ${POINTS}; i++)
  points.push({ measurement: 'orders', tags: { region: 'eu west' }, fields: { total: i + 0.5 },
    timestamp: new Date(${BASE_MS} + i * 1000) });
await influx.writePoints(points, { precision: 'ms' });
`;

let folder: string;
let orrery: RunningOrrery;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-clients-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  const packages = ['@influxdata/influxdb-client@1.35.0', 'influx@5.12.0'];
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], {
    cwd: folder,
  });
  orrery = await startOrrery(['--no-collect']);
});

after(async () => {
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

async function countOf(query: string): Promise<number> {
  const time = String(BASE_MS / 1000 + POINTS);
  const answer = await ask(orrery.url, 'query', new URLSearchParams({ query, time }));
  return Number(seriesIn(answer)[0]?.value?.[1]);
}

test('@influxdata/influxdb-client writes every field kind', async () => {
  await writeFile(join(folder, 'v2.mjs'), V2_SCRIPT);
  await run(process.execPath, ['v2.mjs', orrery.url], { cwd: folder });
  const labels = '{"room climate_temp",site="north wing",db="sensors"}';
  assert.equal(await countOf(`sum(count_over_time(${labels}[2h]))`), POINTS);
  assert.equal(await countOf('sum(sum_over_time({"room climate_temp"}[2h]))'), 1562187.5);
  assert.equal(await countOf('sum(sum_over_time({"room climate_open"}[2h]))'), POINTS / 2);
  assert.equal(await countOf('count({"room climate_people",room="a,b=3"})'), 1);
  const exported = await fetch(
    `${orrery.url}/api/v1/export?exact=1&match[]=${encodeURIComponent('{"room climate_note"}')}`,
  );
  assert.match(await exported.text(), /x \\"4999\\"/);
});

test('influx writes to a database', async () => {
  await writeFile(join(folder, 'v1.mjs'), V1_SCRIPT);
  await run(process.execPath, ['v1.mjs', orrery.url], { cwd: folder });
  const query = 'sum(sum_over_time(orders_total{db="shop",region="eu west"}[2h]))';
  assert.equal(await countOf(query), (POINTS * (POINTS - 1)) / 2 + POINTS * 0.5);
});
