// The OpenTelemetry Collector takes numbered metrics and exports all of them by OTLP/HTTP to a
// server that lives and to one that is killed again and again, from its sending queue and by its
// own retries: in the end both hold the same points, and differences are summed up once.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededPrng } from '../../src/stdx/prng.ts';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';
import {
  NO_DIFFERENCE,
  exportedPoints,
  increaseOf,
  pointTexts,
  setDifference,
} from '../support/exported-points.ts';
import type { ExportedPoint } from '../support/exported-points.ts';
import { goProgram } from '../support/go-programs.ts';
import { MortalOrrery, lowPort } from '../support/mortal-orrery.ts';
import { TestProcess } from '../support/processes.ts';

const LIVES = { kills: 5, upMs: [600, 2500], downMs: [0, 1200] } as const;
const BASE_SEC = 1_780_272_000;
const SEND_EVERY_MS = 20;
const SHOPS = 5;
const CATCH_UP_MS = 60_000;
/** Of OTLP's AggregationTemporality. */
const DELTA = 1;
const CUMULATIVE = 2;

let folder: string;
let living: RunningOrrery;
let mortal: MortalOrrery;
let collector: TestProcess;
let receiverUrl: string;

/** One consumer: several send out of order, and a difference older than the last is refused. */
function configuration(receiverPort: number, telemetryPort: number): string {
  const exporter = (name: string, url: string): string => `
  otlp_http/${name}:
    endpoint: ${url}
    timeout: 5s
    sending_queue: { queue_size: 100000, num_consumers: 1 }
    retry_on_failure: { initial_interval: 100ms, max_interval: 500ms, max_elapsed_time: 0s }`;
  return `
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:${receiverPort} } } }
exporters:${exporter('living', living.url)}${exporter('mortal', mortal.url)}
service:
  pipelines:
    metrics: { receivers: [otlp], exporters: [otlp_http/living, otlp_http/mortal] }
  telemetry:
    metrics:
      level: detailed
      readers:
        - pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${telemetryPort} } } }
`;
}

let telemetryUrl: string;

before(async () => {
  const program = await goProgram('otelcol');
  folder = await mkdtemp(join(tmpdir(), 'orrery-collector-'));
  living = await startOrrery(['--no-collect']);
  mortal = await MortalOrrery.start();
  const [port, telemetryPort] = [await lowPort(), await lowPort()];
  receiverUrl = `http://127.0.0.1:${port}/v1/metrics`;
  telemetryUrl = `http://127.0.0.1:${telemetryPort}/metrics`;
  await writeFile(join(folder, 'collector.yaml'), configuration(port, telemetryPort));
  collector = new TestProcess(program, ['--config', 'collector.yaml'], folder);
  await collector.untilAnswers(telemetryUrl, 30_000);
});

after(async () => {
  await collector.end('SIGKILL');
  await mortal.end();
  await living.stop();
  await rm(folder, { recursive: true, force: true });
});

const attributes = (pairs: Readonly<Record<string, string>>) =>
  Object.entries(pairs).map(([key, stringValue]) => ({ key, value: { stringValue } }));

/** The n-th message: for each shop a gauge, counters of both temporalities, both histograms. */
function message(n: number): string {
  const startTimeUnixNano = `${BASE_SEC}000000000`;
  const timeUnixNano = `${BASE_SEC + n}000000000`;
  const each = (fields: (shop: number) => Record<string, unknown>) =>
    Array.from({ length: SHOPS }, (_, shop) => ({
      attributes: attributes({ shop: `s${shop}` }),
      startTimeUnixNano,
      timeUnixNano,
      ...fields(shop),
    }));
  const sum = (aggregationTemporality: number, fields: (shop: number) => object) => ({
    aggregationTemporality,
    isMonotonic: true,
    dataPoints: each((shop) => ({
      ...fields(shop),
      ...(aggregationTemporality === DELTA
        ? { startTimeUnixNano: `${BASE_SEC + n - 1}000000000` }
        : {}),
    })),
  });
  const metrics = [
    { name: 'warmth', gauge: { dataPoints: each((shop) => ({ asDouble: n + shop / 8 })) } },
    { name: 'orders', sum: sum(CUMULATIVE, (shop) => ({ asInt: String(n * 10 + shop) })) },
    { name: 'visits', sum: sum(DELTA, () => ({ asInt: '1' })) },
    {
      name: 'waiting',
      histogram: {
        aggregationTemporality: CUMULATIVE,
        dataPoints: each(() => ({
          count: String(3 * n),
          sum: 1.5 * n,
          bucketCounts: [String(n), String(n * 2)],
          explicitBounds: [1],
        })),
      },
    },
    {
      name: 'sizes',
      exponentialHistogram: {
        aggregationTemporality: CUMULATIVE,
        dataPoints: each(() => ({
          count: String(4 * n),
          sum: 2.5 * n,
          scale: 3,
          zeroCount: String(n),
          positive: { offset: -2, bucketCounts: [String(n), String(n * 2)] },
        })),
      },
    },
  ];
  return JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: attributes({ 'service.name': 'shop', 'host.name': 'h1' }) },
        scopeMetrics: [{ scope: { name: 'lib' }, metrics }],
      },
    ],
  });
}

/** How many messages the collector took. */
async function sendUntil(isOver: () => boolean): Promise<number> {
  const headers = { 'Content-Type': 'application/json' };
  let n = 1;
  for (; !isOver(); n++) {
    const response = await fetch(receiverUrl, { method: 'POST', body: message(n), headers });
    assert.equal(response.status, 200, await response.text());
    await sleep(SEND_EVERY_MS);
  }
  return n - 1;
}

const isVisits = ({ labels }: ExportedPoint): boolean => labels['__name__'] === 'visits_total';

async function bothServers() {
  const [wanted, found] = await Promise.all([
    exportedPoints(living.url, 'default'),
    exportedPoints(mortal.url, 'default'),
  ]);
  const rest = (points: readonly ExportedPoint[]): Set<string> =>
    pointTexts(points.filter((point) => !isVisits(point)));
  const differences = setDifference(rest(wanted), rest(found));
  return { wanted, found, differences };
}

test('the collector repeats what was not acknowledged', { timeout: 240_000 }, async (t) => {
  let isOver = false;
  const sending = sendUntil(() => isOver);
  try {
    await mortal.dieOften(seededPrng(3), LIVES);
  } finally {
    isOver = true;
    await sending;
  }
  const messages = await sending;
  assert.ok(messages > 100, `only ${messages} messages`);
  for (let waitedMs = 0; ; waitedMs += 500) {
    const { wanted, found, differences } = await bothServers();
    const orders = wanted.filter(({ labels }) => labels['__name__'] === 'orders_total');
    const isAllThere =
      differences.missingCount + differences.extraCount === 0 &&
      orders.length === messages * SHOPS &&
      found.filter(isVisits).length === messages * SHOPS;
    if (!isAllThere && waitedMs < CATCH_UP_MS) {
      await sleep(500);
      continue;
    }
    assert.deepEqual(differences, NO_DIFFERENCE, collector.output);
    assert.equal(orders.length, messages * SHOPS);
    for (const points of [wanted, found]) {
      const series = Map.groupBy(points.filter(isVisits), (point) => point.series);
      assert.equal(series.size, SHOPS);
      for (const one of series.values()) {
        assert.equal(one.length, messages);
        assert.equal(increaseOf(one), messages, 'differences are summed up once');
      }
    }
    t.diagnostic(`${mortal.deaths.length} kills, ${messages} messages, ${found.length} points`);
    break;
  }
  const telemetry = await (await fetch(telemetryUrl)).text();
  assert.doesNotMatch(telemetry, /^otelcol_exporter_(send|enqueue)_failed\S* [1-9]/m);
});
