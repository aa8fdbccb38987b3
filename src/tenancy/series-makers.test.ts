// Who made series: the first of each maker stays, what is kept spreads over the time, bounds hold,
// and the gate lets through what it let through before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabelBytes } from '../model/label-bytes.ts';
import { METRIC_NAME } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import { watchedResolver } from '../model/series-watch.ts';
import {
  MADE_GAP_MS,
  MADE_LABELS_LENGTH_MAX,
  MADE_PER_MAKER,
  MADE_SERIES_MAX,
  MAKERS_PER_METRIC,
  MAKING_METRICS_MAX,
} from './limits.ts';
import { SeriesMakers } from './series-makers.ts';

const START_MS = Date.UTC(2026, 10, 29);
const AGENT = { tokenId: 'agent', protocol: 'influx' };

function setUp() {
  const now = { ms: START_MS };
  const makers = new SeriesMakers({ nowMs: () => now.ms, monotonicMs: () => now.ms });
  return { now, makers };
}

function series(metric: string, more: readonly string[] = []): Labels {
  return [METRIC_NAME, metric, ...more];
}

function asBytes(texts: Labels): LabelBytes {
  const bytes = Buffer.from(texts.join(''));
  const labels = new LabelBytes();
  labels.open(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  labels.next();
  let at = 0;
  const ends = texts.map((text) => (at += Buffer.byteLength(text)));
  for (let i = 0; i < texts.length; i += 2)
    labels.push(i === 0 ? 0 : ends[i - 1]!, ends[i]!, ends[i]!, ends[i + 1]!);
  return labels;
}

test('by metric, token and protocol, in the order of their making', () => {
  const { now, makers } = setUp();
  makers.made('t', AGENT, series('m', ['a', '1']));
  now.ms++;
  makers.made('t', { ...AGENT, protocol: 'otlp' }, series('m', ['a', '2']));
  makers.made('t', AGENT, series('m', ['a', '3']));
  makers.made('t', AGENT, series('other'));
  makers.made('u', AGENT, series('m'));
  assert.deepEqual(makers.of('t', 'm'), [
    { ...AGENT, labels: series('m', ['a', '1']), madeMs: START_MS },
    {
      tokenId: 'agent',
      protocol: 'otlp',
      labels: series('m', ['a', '2']),
      madeMs: START_MS + 1,
    },
  ]);
  makers.forget('t');
  assert.deepEqual(makers.of('t', 'm'), []);
  assert.equal(makers.of('u', 'm').length, 1);
});

/** One behind the other in one body, each compared with the one before it. */
function* streamed(list: readonly Labels[]): Generator<LabelBytes, void, void> {
  const bytes = Buffer.from(list.flat().join(''));
  const labels = new LabelBytes();
  labels.open(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  let at = 0;
  for (const texts of list) {
    labels.next();
    const ends = texts.map((text) => (at += Buffer.byteLength(text)));
    for (let i = 0; i < texts.length; i += 2)
      labels.push(ends[i]! - Buffer.byteLength(texts[i]!), ends[i]!, ends[i]!, ends[i + 1]!);
    yield labels;
  }
}

test('series of one body are told apart by metric, wherever its name stands', () => {
  const { makers } = setUp();
  const first = [series('m', ['i', '0']), series('m', ['i', '1']), series('m', ['i', '2'])];
  const others = [series('n'), ['a', '1', METRIC_NAME, 'n'], ['a', '1', METRIC_NAME, 'n']];
  const last = [series('m', ['i', '3']), ['m', METRIC_NAME], series('m', ['i', '4']), ['m', 'm']];
  for (const labels of streamed([...first, ...others, ...last])) makers.made('t', AGENT, labels);
  const kept = ['m', 'n', ''].map((metric) => makers.of('t', metric).map(({ labels }) => labels));
  assert.deepEqual(kept, [[first[0]], [others[0]], [last[1]]]);
});

test('who was found quiet is quiet for its own metric, tenant and token, until the gap is over', () => {
  const { now, makers } = setUp();
  const counts = () =>
    ['t', 'u'].flatMap((tenant) => ['m', 'mm', 'é'].map((m) => makers.of(tenant, m).length));
  for (const metric of ['m', 'é'])
    for (let i = 0; i < 3; i++) makers.made('t', AGENT, asBytes(series(metric, ['i', `${i}`])));
  for (let i = 0; i < 3; i++) makers.made('t', AGENT, asBytes(series('m', ['i', `${i}`])));
  assert.deepEqual(counts(), [1, 0, 1, 0, 0, 0]);
  makers.made('u', AGENT, asBytes(series('m')));
  makers.made('t', { ...AGENT, tokenId: 'other' }, asBytes(series('m')));
  makers.made('t', AGENT, asBytes(series('mm')));
  makers.made('t', AGENT, asBytes(series('m')));
  assert.deepEqual(counts(), [2, 1, 1, 1, 0, 0]);
  now.ms += MADE_GAP_MS;
  makers.made('t', AGENT, asBytes(series('m')));
  makers.made('t', AGENT, asBytes(series('m')));
  assert.deepEqual(counts(), [3, 1, 1, 1, 0, 0]);
  makers.forget('t');
  makers.made('t', AGENT, asBytes(series('m')));
  assert.deepEqual(counts(), [1, 0, 0, 1, 0, 0]);
});

test('labels as bytes of a body are the same labels', () => {
  const { makers } = setUp();
  const texts = ['Zone', 'ä', METRIC_NAME, 'm', 'a', '1'];
  const labels = asBytes(texts);
  makers.made('t', AGENT, labels);
  labels.close();
  assert.deepEqual(makers.of('t', 'm')[0]?.labels, texts);
});

test('whenever a growth began, one of its series is kept, and the first of all', () => {
  const { now, makers } = setUp();
  const dayMs = 24 * 3_600_000;
  for (let i = 0; now.ms < START_MS + dayMs; now.ms += 1000)
    makers.made('t', AGENT, series('m', ['a', String(i++)]));
  const kept = makers.of('t', 'm');
  assert.ok(kept.length <= MADE_PER_MAKER && kept.length >= MADE_PER_MAKER / 2, `${kept.length}`);
  assert.equal(kept[0]?.madeMs, START_MS);
  const ends = [...kept.slice(1).map(({ madeMs }) => madeMs), START_MS + dayMs];
  const gaps = kept.map(({ madeMs }, i) => ends[i]! - madeMs);
  assert.ok(Math.max(...gaps) <= (4 * dayMs) / MADE_PER_MAKER, gaps.join(' '));
});

test('bounds: makers, metrics, all; labels that are too long', () => {
  const { now, makers } = setUp();
  makers.made('t', AGENT, series('long', ['a', 'x'.repeat(MADE_LABELS_LENGTH_MAX)]));
  assert.deepEqual(makers.of('t', 'long'), []);
  for (let i = 0; i < MAKERS_PER_METRIC + 5; i++)
    makers.made('t', { ...AGENT, tokenId: `t${i}` }, series('m'));
  assert.deepEqual(
    makers.of('t', 'm').map(({ tokenId }) => tokenId),
    Array.from({ length: MAKERS_PER_METRIC }, (_, i) => `t${i + 5}`),
  );
  for (let i = 0; i <= MAKING_METRICS_MAX; i++) makers.made('t', AGENT, series(`m${i}`));
  assert.deepEqual(makers.of('t', 'm'), [], 'it made none for longest');
  assert.deepEqual(makers.of('t', 'm0'), []);
  assert.equal(makers.of('t', `m${MAKING_METRICS_MAX}`).length, 1);
  // Of all tenants together.
  for (let i = 0; i < MADE_SERIES_MAX + 10; i++) makers.made(`u${i}`, AGENT, series('m'));
  assert.equal(makers.of('t', `m${MAKING_METRICS_MAX}`).length, 0);
  assert.equal(makers.of('u9', 'm').length, 0);
  assert.equal(makers.of('u10', 'm').length, 1);
  now.ms += MADE_GAP_MS;
  makers.made('u10', AGENT, series('m', ['a', '2']));
  assert.equal(makers.of('u10', 'm').length, 2);
  assert.equal(makers.of('u11', 'm').length, 0);
});

test('a series is told of where the storage made it, and only there', () => {
  const { makers } = setUp();
  const asked: string[] = [];
  const gate = makers.counting({
    admits: (tenant) => asked.push(`admits ${tenant}`) > 0,
    made: (tenant) => void asked.push(`made ${tenant}`),
    watch: (count) => void asked.push(`watch ${count('t').active}`),
  });
  gate.watch(() => ({ active: 7, reserved: 0 }));
  assert.equal(gate.admits('t'), true);
  const resolve = (tenant: string, labels: Labels) => {
    if (labels[1] === 'known') return 3;
    gate.made(tenant);
    return 4;
  };
  const resolver = watchedResolver({ resolve, resolveBytes: () => -1 }, makers, () => AGENT);
  assert.equal(resolver.resolve('t', series('known')), 3);
  assert.deepEqual(makers.of('t', 'known'), []);
  assert.equal(resolver.resolve('t', series('fresh')), 4);
  assert.equal(makers.of('t', 'fresh').length, 1);
  assert.deepEqual(asked, ['watch 7', 'admits t', 'made t']);
});
