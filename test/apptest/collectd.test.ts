// collectd's JSON over HTTP: what is stored, and the answers to bodies that are not right.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import { exportedPoints } from '../support/exported-points.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(async () => {
  const exited = await orrery.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

const LIST = {
  values: [7, null, 0.5],
  dsnames: ['a', 'b', 'c'],
  dstypes: ['gauge', 'gauge', 'gauge'],
  time: 1_750_000_000.25,
  interval: 10,
  host: 'web01',
  plugin: 'df',
  plugin_instance: 'root',
  type: 'df_complex',
  type_instance: '',
};

async function post(body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const { status, text: answer } = await orrery.post('/collectd?extra_label=dc=ams', text, {
    headers: { 'Content-Type': 'application/json', ...headers },
  });
  return [status, answer];
}

test('lists are stored for the tenant that is named', async () => {
  assert.deepEqual(await post([LIST], { 'X-Scope-OrgID': 'other' }), [204, '']);
  const points = await exportedPoints(orrery.url, 'other');
  assert.deepEqual(
    points.map(({ labels, tUs, value }) => [labels['__name__'], labels['dc'], tUs, value]),
    [
      ['df_a', 'ams', 1_750_000_000_250_000, 7],
      ['df_c', 'ams', 1_750_000_000_250_000, 0.5],
    ],
  );
  assert.deepEqual(points[0]!.labels, {
    __name__: 'df_a',
    dc: 'ams',
    host: 'web01',
    instance: 'root',
    plugin: 'df',
    type: 'df_complex',
  });
});

test('good lists are kept beside bad ones; gzip', async () => {
  const body = zlib.gzipSync(JSON.stringify([LIST, { ...LIST, host: '' }, 5]));
  const headers = { 'Content-Encoding': 'gzip' };
  const { status, text } = await orrery.post('/collectd', new Uint8Array(body), { headers });
  assert.equal(status, 400);
  const lines = ['refused lists: 2, kept samples: 2', 'list 2: "host" is empty'];
  assert.equal(text, [...lines, 'list 3: not an object', ''].join('\n'));
  assert.equal((await exportedPoints(orrery.url, 'default')).length, 2);
});

test('a body that is none', async () => {
  assert.deepEqual(await post({}), [400, 'the JSON must be an array of value lists\n']);
  const [status, text] = await post('[{');
  assert.equal(status, 400);
  assert.match(String(text), /^not JSON: /);
  assert.deepEqual((await post('', { 'Content-Encoding': 'br' }))[0], 415);
  const get = await orrery.get('/collectd');
  assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST']);
});
