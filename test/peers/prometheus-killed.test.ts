// The newest Prometheus as an agent sends all that it scrapes by remote write 1.0 and 2.0 to a
// server that lives and to one that is killed again and again. It repeats from its log what was not
// acknowledged: in the end both servers hold the same points, and each of them once.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededPrng } from '../../src/stdx/prng.ts';
import { startOrrery } from '../apptest/harness.ts';
import type { RunningOrrery } from '../apptest/harness.ts';
import { referenceProgram } from '../differential/reference.ts';
import {
  NO_DIFFERENCE,
  exportedPoints,
  pointTexts,
  setDifference,
} from '../support/exported-points.ts';
import { MortalOrrery } from '../support/mortal-orrery.ts';
import { TestProcess, freePort } from '../support/processes.ts';
import { PAGE_CONTENT_TYPE, scrapedPage } from '../support/scraped-page.ts';

const MESSAGES = {
  'version-1': 'prometheus.WriteRequest',
  'version-2': 'io.prometheus.write.v2.Request',
} as const;
const LIVES = { kills: 5, upMs: [600, 2500], downMs: [0, 1200] } as const;
const REPLICAS = ['a', 'b', 'c', 'd', 'e'] as const;
const CATCH_UP_MS = 60_000;
/** An exemplar this old was sent, or is missing. */
const SETTLED_SEC = 5;

let folder: string;
let living: RunningOrrery;
let mortal: MortalOrrery;
let target: Server;
let agent: TestProcess;
let agentUrl: string;
let pageCount = 0;

const pageTarget = (port: number, replica: string): string =>
  `{ targets: ['127.0.0.1:${port}'], labels: { replica: ${replica} } }`;

function configuration(targetPort: number): string {
  const writers = [living.url, mortal.url].flatMap((url) =>
    Object.entries(MESSAGES).map(
      ([tenant, message]) => `
  - url: ${url}/api/v1/write
    protobuf_message: ${message}
    send_exemplars: true
    send_native_histograms: true
    headers: { X-Scope-OrgID: ${tenant} }
    metadata_config: { send_interval: 1s }
    queue_config: { batch_send_deadline: 100ms, max_backoff: 500ms }`,
    ),
  );
  return `
global: { scrape_interval: 100ms, scrape_timeout: 100ms, scrape_native_histograms: true }
scrape_configs:
  - job_name: page
    static_configs:
${REPLICAS.map((replica) => `      - ${pageTarget(targetPort, replica)}`).join('\n')}
  - job_name: orrery
    scrape_interval: 500ms
    scrape_timeout: 500ms
    static_configs: [{ targets: ['${new URL(living.url).host}'] }]
remote_write:${writers.join('')}
`;
}

before(async () => {
  const program = await referenceProgram();
  folder = await mkdtemp(join(tmpdir(), 'orrery-killed-'));
  living = await startOrrery(['--no-collect']);
  // Threads of ingest and shards: each has a log of its own that comes back.
  mortal = await MortalOrrery.start(['--shards', '2']);
  target = createServer((_, response) => {
    response.setHeader('Content-Type', PAGE_CONTENT_TYPE).end(scrapedPage(++pageCount));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => target.once('listening', resolve));
  await writeFile(join(folder, 'agent.yml'), configuration((target.address() as AddressInfo).port));
  agentUrl = `http://127.0.0.1:${await freePort()}`;
  const args = [
    '--agent',
    '--config.file=agent.yml',
    `--storage.agent.path=${join(folder, 'agent')}`,
    `--web.listen-address=${new URL(agentUrl).host}`,
    '--enable-feature=st-storage,exemplar-storage',
    '--log.level=warn',
  ];
  agent = new TestProcess(program, args, folder);
  await agent.untilAnswers(`${agentUrl}/-/ready`, CATCH_UP_MS);
});

after(async () => {
  await agent.end('SIGKILL');
  target.close();
  await mortal.end();
  await living.stop();
  await rm(folder, { recursive: true, force: true });
});

async function pointsUntil(url: string, tenant: string, endUs: number) {
  return (await exportedPoints(url, tenant)).filter(({ tUs }) => tUs <= endUs);
}

/** The agent's own counter, by the server that it writes to. */
async function counted(name: string, url: string): Promise<number> {
  const text = await (await fetch(`${agentUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && line.includes(`url="${url}/`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

test('an agent repeats what it was not told is stored', { timeout: 240_000 }, async (t) => {
  await mortal.dieOften(seededPrng(1), LIVES);
  const endUs = Date.now() * 1000;
  await sleep(2000);
  for (const tenant of Object.keys(MESSAGES)) {
    for (let waitedMs = 0; ; waitedMs += 500) {
      const wanted = await pointsUntil(living.url, tenant, endUs);
      const found = await pointsUntil(mortal.url, tenant, endUs);
      const difference = setDifference(pointTexts(wanted), pointTexts(found));
      const isSame = difference.missingCount + difference.extraCount === 0;
      if (!isSame && waitedMs < CATCH_UP_MS) {
        await sleep(500);
        continue;
      }
      assert.deepEqual(difference, NO_DIFFERENCE, `${tenant}\n${agent.output}`);
      const visits = wanted.filter(({ labels }) => labels['__name__'] === 'visits_total');
      assert.ok(visits.length > 20, `only ${visits.length} pages were scraped`);
      t.diagnostic(`${tenant}: ${found.length} points, ${visits.length} pages`);
      break;
    }
  }
  const sent = (what: string, url: string) =>
    counted(`prometheus_remote_storage_${what}_total`, url);
  assert.ok((await sent('samples_retried', mortal.url)) > 0, 'no kill was noticed');
  assert.equal(await sent('samples_failed', mortal.url), 0);
  assert.equal(await sent('histograms_failed', mortal.url), 0);
  assert.equal(await sent('samples_failed', living.url), 0);
  t.diagnostic(
    `${mortal.deaths.length} kills, ${await sent('samples_retried', mortal.url)} samples and ` +
      `${await sent('histograms_retried', mortal.url)} histograms repeated`,
  );
});

test('exemplars and metadata are there after the kills', async () => {
  const end = Math.floor(Date.now() / 1000) + 10;
  const range = `start=${end - 600}&end=${end}`;
  const ask = async (url: string, path: string): Promise<unknown> => {
    const headers = { 'X-Scope-OrgID': 'version-1' };
    const response = await fetch(`${url}/api/v1/${path}`, { headers });
    return ((await response.json()) as { data: unknown }).data;
  };
  const exemplars = async (url: string): Promise<Set<string>> => {
    const path = `query_exemplars?query=visits_total&${range}`;
    const list = (await ask(url, path)) as { exemplars: { timestamp: number }[] }[];
    return new Set(list.flatMap((one) => one.exemplars.map((e) => JSON.stringify(e))));
  };
  const wanted = await exemplars(living.url);
  const found = await exemplars(mortal.url);
  assert.ok(wanted.size > 20);
  // What was scraped last, of any series, may be on its way to either.
  const settledSec = Date.now() / 1000 - SETTLED_SEC;
  const missing = [...wanted].filter((one) => {
    const { timestamp } = JSON.parse(one) as { timestamp: number };
    return timestamp < settledSec && !found.has(one);
  });
  assert.deepEqual(missing, []);
  for (const name of ['visits_total', 'latency_seconds'])
    assert.deepEqual(
      await ask(mortal.url, `metadata?metric=${name}`),
      await ask(living.url, `metadata?metric=${name}`),
    );
});
