// The InfluxDB clients of npm and PyPI write as their users write, and what they wrote reads back.
// They are installed into a temporary folder, with exact versions.
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

const V3_SCRIPT = `
import sys
from influxdb_client_3 import InfluxDBClient3, Point, SYNCHRONOUS, WriteOptions
from influxdb_client_3.exceptions import InfluxDBPartialWriteError
v2 = sys.argv[2] == 'v2'
options = WriteOptions(write_type=SYNCHRONOUS.write_type, use_v2_api=v2, write_precision='ms')
client = InfluxDBClient3(host=sys.argv[1], token='any', database='farm',
    write_client_options={'write_options': options})
points = [Point('soil').tag('field', 'north, "old"').tag('by', sys.argv[2])
    .field('wet', i / 8).field('probes', i % 5).field('ok', i % 2 == 0)
    .field('note', 'line one\\nline "two"').time(${BASE_MS} + i * 1000, 'ms') for i in range(${POINTS})]
client.write(points)
print(client.get_server_version())
if not v2:
    try:
        client.write(['soil,by=bad wet=1 1', 'soil wet=', 'soil,by=bad wet=2 2'])
    except InfluxDBPartialWriteError as error:
        for line in error.line_errors:
            print(line.line_number, line.error_message, line.original_line)
        print(error.message)
client.close()
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
  await run('python3', ['-m', 'venv', 'venv'], { cwd: folder });
  await run('venv/bin/pip', ['install', '-q', 'influxdb3-python==0.21.0'], { cwd: folder });
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

for (const api of ['v2', 'v3'])
  test(`PyPI influxdb3-python over ${api} writes every field kind`, async () => {
    await writeFile(join(folder, 'v3.py'), V3_SCRIPT);
    const { stdout } = await run('venv/bin/python', ['v3.py', orrery.url, api], { cwd: folder });
    const labels = `db="farm",by="${api}",field='north, "old"'`;
    assert.equal(await countOf(`count_over_time(soil_wet{${labels}}[2h])`), POINTS);
    assert.equal(await countOf(`sum_over_time(soil_wet{${labels}}[2h])`), 1562187.5);
    assert.equal(await countOf(`sum_over_time(soil_ok{${labels}}[2h])`), POINTS / 2);
    assert.equal(await countOf(`sum_over_time(soil_probes{${labels}}[2h])`), POINTS * 2);
    const notes = `{__name__="soil_note",by="${api}"}`;
    const { text } = await orrery.get(
      `/api/v1/export?exact=1&match[]=${encodeURIComponent(notes)}`,
    );
    const exported = text.split('\n').filter((line) => line !== '');
    const values = exported.flatMap((line) => (JSON.parse(line) as { values: string[] }).values);
    assert.deepEqual([...new Set(values)], ['line one\nline "two"']);
    assert.equal(values.length, POINTS);
    const printed = stdout.trim().split('\n');
    assert.equal(printed[0], '1.8.10');
    if (api === 'v3') {
      assert.equal(printed[1], '2 missing field value soil wet=');
      assert.equal(printed[2], 'partial write of line protocol occurred:');
    }
  });
