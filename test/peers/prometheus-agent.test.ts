// The newest Prometheus scrapes a page of this test, in protobuf, and Orrery's own /metrics, and
// sends what it scraped by remote write 1.0 and 2.0: as an agent, and as a server with types and
// units as labels, which puts them into the metadata of version 2.0. What was served is what is
// stored: values, native histograms, start times, exemplars, metadata.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';
import { referenceProgram } from '../differential/reference.ts';
import { TestProcess, freePort } from '../support/processes.ts';
import { CREATED_SEC, PAGE_CONTENT_TYPE, scrapedPage } from '../support/scraped-page.ts';

const SCRAPES_MIN = 6;
const WAIT_MS = 60_000;

interface Sender {
  readonly name: string;
  readonly isAgent: boolean;
  readonly features: string;
  /** Tenant by version of remote write. */
  readonly tenants: Readonly<Record<string, string>>;
}

const V1 = 'prometheus.WriteRequest';
const V2 = 'io.prometheus.write.v2.Request';
const SENDERS: readonly Sender[] = [
  {
    name: 'agent',
    isAgent: true,
    features: 'st-storage,exemplar-storage',
    tenants: { [V1]: 'agent-1', [V2]: 'agent-2' },
  },
  {
    name: 'server',
    isAgent: false,
    features: 'st-storage,exemplar-storage,type-and-unit-labels',
    tenants: { [V1]: 'server-1', [V2]: 'server-2' },
  },
];
const TENANTS = SENDERS.flatMap(({ tenants }) => Object.values(tenants));

let folder: string;
let orrery: RunningOrrery;
let target: Server;
const processes: TestProcess[] = [];
const pages = new Map<string, number>();

function configuration(sender: Sender, targetPort: number): string {
  const { host } = new URL(orrery.url);
  const writers = Object.entries(sender.tenants).map(
    ([message, tenant]) => `
  - url: ${orrery.url}/api/v1/write
    protobuf_message: ${message}
    send_exemplars: true
    send_native_histograms: true
    headers: { X-Scope-OrgID: ${tenant} }
    metadata_config: { send_interval: 1s }
    queue_config: { batch_send_deadline: 200ms }`,
  );
  return `
global: { scrape_interval: 500ms, scrape_timeout: 400ms, scrape_native_histograms: true }
scrape_configs:
  - job_name: page
    metrics_path: /${sender.name}
    static_configs: [{ targets: ['127.0.0.1:${targetPort}'] }]
  - job_name: orrery
    static_configs: [{ targets: ['${host}'] }]
remote_write:${writers.join('')}
`;
}

async function start(sender: Sender, program: string, targetPort: number): Promise<void> {
  const file = `${sender.name}.yml`;
  await writeFile(join(folder, file), configuration(sender, targetPort));
  const port = await freePort();
  const storage = sender.isAgent ? '--storage.agent.path' : '--storage.tsdb.path';
  const args = [
    `--config.file=${file}`,
    `${storage}=${join(folder, sender.name)}`,
    `--web.listen-address=127.0.0.1:${port}`,
    `--enable-feature=${sender.features}`,
    '--log.level=warn',
    ...(sender.isAgent ? ['--agent'] : []),
  ];
  const child = new TestProcess(program, args, folder);
  processes.push(child);
  await child.untilAnswers(`http://127.0.0.1:${port}/-/ready`, WAIT_MS);
}

before(async () => {
  const program = await referenceProgram();
  folder = await mkdtemp(join(tmpdir(), 'orrery-agent-'));
  orrery = await startOrrery(['--no-collect']);
  target = createServer((request, response) => {
    const n = (pages.get(request.url!) ?? 0) + 1;
    pages.set(request.url!, n);
    response.setHeader('Content-Type', PAGE_CONTENT_TYPE).end(scrapedPage(n));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => target.once('listening', resolve));
  const { port } = target.address() as AddressInfo;
  for (const sender of SENDERS) await start(sender, program, port);
});

after(async () => {
  for (const child of processes) await child.end('SIGKILL');
  target.close();
  await orrery.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Line {
  readonly metric: Readonly<Record<string, string>>;
  readonly kind: string;
  readonly values: readonly unknown[];
  readonly timestampsUs: readonly number[];
  readonly startUs?: readonly (number | null)[];
}

async function exported(tenant: string, selector: string): Promise<Line[]> {
  const search = new URLSearchParams([
    ['match[]', selector],
    ['exact', '1'],
  ]);
  const { text } = await orrery.get(`/api/v1/export?${search.toString()}`, {
    headers: { 'X-Scope-OrgID': tenant },
  });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

async function api(tenant: string, path: string): Promise<unknown> {
  const headers = { 'X-Scope-OrgID': tenant };
  const { text } = await orrery.get(`/api/v1/${path}`, { headers });
  return (JSON.parse(text) as { data: unknown }).data;
}

/** Points of a series, from several lines where it has them. */
async function pointsOf(tenant: string, selector: string) {
  const lines = await exported(tenant, selector);
  const first = lines[0] ?? { metric: {}, kind: '' };
  return {
    metric: first.metric,
    kind: first.kind,
    values: lines.flatMap(({ values }) => values),
    timesUs: lines.flatMap(({ timestampsUs }) => timestampsUs),
    startUs: lines.flatMap(({ startUs, values }) => startUs ?? values.map(() => null)),
  };
}

test('what was served is what is stored, by both versions', { timeout: 120_000 }, async () => {
  for (const tenant of TENANTS)
    for (let waitedMs = 0; ; waitedMs += 200) {
      const { values } = await pointsOf(tenant, 'visits_total');
      if (values.length >= SCRAPES_MIN) break;
      assert.ok(waitedMs < WAIT_MS, `${tenant} has only ${values.length} scrapes`);
      await sleep(200);
    }
  for (const tenant of TENANTS) {
    const visits = await pointsOf(tenant, 'visits_total');
    assert.partialDeepStrictEqual(visits.metric, { job: 'page', path: '/é' });
    // Every scrape once, in order.
    const numbers = visits.values.map((_, i) => i + Number(visits.values[0]));
    assert.deepEqual(visits.values, numbers, tenant);
    const warmth = await pointsOf(tenant, 'warmth');
    assert.deepEqual(
      warmth.values.slice(0, SCRAPES_MIN),
      numbers.slice(0, SCRAPES_MIN).map((n) => n / 3),
    );
    const latency = await pointsOf(tenant, 'latency_seconds');
    assert.equal(latency.kind, 'histogram');
    for (const [i, value] of latency.values.slice(0, SCRAPES_MIN).entries()) {
      const n = numbers[i]!;
      assert.partialDeepStrictEqual(value, {
        isInteger: true,
        schema: 3,
        zeroThreshold: 1e-9,
        zeroCount: n,
        count: n * 4,
        sum: n * 1.5,
        positiveSpans: [[-2, 2]],
        positiveBuckets: [n, n * 2],
      });
    }
    const wanted = tenant.endsWith('2') ? CREATED_SEC * 1e6 : null;
    for (const { startUs, values } of [visits, latency])
      assert.deepEqual(
        startUs,
        values.map(() => wanted),
        tenant,
      );
    for (const one of [warmth, latency])
      assert.deepEqual(one.timesUs.slice(0, SCRAPES_MIN), visits.timesUs.slice(0, SCRAPES_MIN));
  }
});

test('both versions of one sender say the same', async () => {
  for (const { tenants } of SENDERS) {
    const [first, second] = Object.values(tenants);
    for (const selector of ['visits_total', 'latency_seconds', 'orrery_build_info', 'up']) {
      const sets = await Promise.all(
        [first!, second!].map(async (tenant) => {
          const lines = await exported(tenant, selector);
          return lines.flatMap(({ metric, values, timestampsUs }) =>
            values.map((value, i) => JSON.stringify([metric, timestampsUs[i], value])),
          );
        }),
      );
      const [a, b] = sets.map((set) => new Set(set.slice(0, SCRAPES_MIN)));
      assert.ok(a!.size > 0, selector);
      assert.deepEqual(a, b, selector);
    }
  }
});

test("Orrery's own page arrives whole", async () => {
  const { text } = await orrery.get('/metrics');
  const names = new Set(text.match(/^orrery_[a-z0-9_]+/gm));
  for (const tenant of TENANTS) {
    const found = (await api(tenant, 'label/__name__/values')) as string[];
    assert.ok(names.size > 10, `only ${names.size} names`);
    assert.deepEqual(
      [...names].filter((name) => !found.includes(name)),
      [],
      tenant,
    );
  }
});

test('exemplars and metadata', { timeout: 60_000 }, async () => {
  for (const tenant of TENANTS) {
    const end = Math.floor(Date.now() / 1000) + 10;
    const range = `start=${end - 600}&end=${end}`;
    const list = (await api(tenant, `query_exemplars?query=visits_total&${range}`)) as {
      exemplars: { labels: Record<string, string>; value: string }[];
    }[];
    const exemplars = list.flatMap((one) => one.exemplars);
    // By version 2.0 this sender puts exemplars into series without a sample, which its own
    // receiver refuses, and so do we.
    assert.equal(exemplars.length > 0, tenant.endsWith('1'), tenant);
    for (const { labels, value } of exemplars)
      assert.equal(Number(value), Number(labels['trace_id']!.slice(1)) + 0.5);
    // It has metadata for version 2.0 only where types and units are labels, and no help then.
    if (tenant === 'agent-2') continue;
    const help = (text: string): string => (tenant === 'server-2' ? '' : text);
    const wanted = {
      visits_total: [{ type: 'counter', help: help('Visits.'), unit: 'visits' }],
      warmth: [{ type: 'gauge', help: help('How warm.'), unit: '' }],
      latency_seconds: [{ type: 'histogram', help: help('Waiting.'), unit: 'seconds' }],
    };
    for (let waitedMs = 0; ; waitedMs += 200) {
      const found = (await api(tenant, 'metadata')) as Record<string, unknown>;
      if (Object.keys(wanted).every((name) => found[name] !== undefined)) {
        assert.partialDeepStrictEqual(found, wanted, tenant);
        break;
      }
      assert.ok(
        waitedMs < 30_000,
        `${tenant} has no metadata: ${JSON.stringify(found).slice(0, 400)}`,
      );
      await sleep(200);
    }
  }
});
