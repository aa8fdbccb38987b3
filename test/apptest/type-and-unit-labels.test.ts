// `--type-and-unit-labels` at a real server: series of remote write 2.0 and of exposition text
// carry type and unit, functions drop them with the name, and the type says what is a counter.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeSnappy } from '../../src/codec/snappy.ts';
import { requestV2 } from '../support/remote-write-v2.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const TYPE = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect', '--type-and-unit-labels']);
});
after(() => orrery.stop());

interface Answer {
  readonly data: { readonly result: { readonly metric: object; readonly value: unknown[] }[] };
  readonly infos?: readonly string[];
}

async function ask(query: string): Promise<Answer> {
  const params = new URLSearchParams({ query, time: String(T) });
  const { text } = await orrery.get(`/api/v1/query?${params.toString()}`);
  return JSON.parse(text) as Answer;
}

const metrics = ({ data }: Answer): object[] => data.result.map(({ metric }) => metric);

test('metadata of remote write 2.0 and TYPE lines are labels', async () => {
  const samples = [0, 15, 30].map((age) => ({ value: 30 - age, tMs: (T - age) * 1000 }));
  const body = requestV2([
    {
      labels: ['__name__', 'spins', 'job', 'a'],
      samples,
      metadata: { type: 1, help: '', unit: 'turns' },
    },
    {
      labels: ['__name__', 'spins', 'job', 'b'],
      samples,
      metadata: { type: 2, help: '', unit: '' },
    },
  ]);
  const headers = { 'Content-Type': TYPE, 'Content-Encoding': 'snappy' };
  const wrote = await orrery.post('/api/v1/write', new Uint8Array(encodeSnappy(body)), { headers });
  assert.equal(wrote.status, 204, wrote.text);
  const page = `# TYPE warmth gauge\nwarmth{job="c"} 5 ${T * 1000}\n`;
  const put = await orrery.post('/api/v1/import/prometheus', page, {});
  assert.equal(put.status, 204, put.text);
  assert.deepEqual(metrics(await ask('sort_by_label({__name__=~".+"}, "job")')), [
    { __name__: 'spins', __type__: 'counter', __unit__: 'turns', job: 'a' },
    { __name__: 'spins', __type__: 'gauge', job: 'b' },
    { __name__: 'warmth', __type__: 'gauge', job: 'c' },
  ]);
});

test('they go with the name, and tell counters', async () => {
  assert.deepEqual(metrics(await ask('abs(spins{__type__="counter"})')), [{ job: 'a' }]);
  const counter = await ask('rate(spins{__type__="counter"}[1m])');
  assert.deepEqual([metrics(counter), counter.infos], [[{ job: 'a' }], undefined]);
  for (const query of ['rate(spins{job="b"}[1m])', 'sum(rate(spins[1m]))'])
    assert.match((await ask(query)).infos![0]!, /__type__ label is not set to "counter"/);
});

test('the feature is told', async () => {
  const { text } = await orrery.get('/api/v1/features');
  const { data } = JSON.parse(text) as { data: Record<string, Record<string, boolean>> };
  assert.deepEqual(
    [data['promql']!['type_and_unit_labels'], data['scrape']!['type_and_unit_labels']],
    [true, true],
  );
});
