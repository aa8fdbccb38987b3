// `--scrape-config`: jobs of a Prometheus configuration against real targets, with relabelling of
// targets and of what they say, and another configuration while the server runs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCtl, runOrrery, startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const DEADLINE_MS = 30_000;
const PAGE = [
  '# TYPE requests counter',
  'requests{path="/a",pod="x1"} 1',
  'requests{path="/b",pod="x1"} 2',
  'up 7',
  'debug_a 1',
  'debug_b 2',
  '',
].join('\n');

let folder = '';
let host = '';
let orrery: RunningOrrery;
let page = PAGE;
const asked = new Map<string, string | undefined>();
const target = createServer(({ url = '', headers }, response) => {
  asked.set(url, headers.authorization);
  if (url.startsWith('/moved')) response.writeHead(302, { Location: '/metrics' }).end();
  else response.end(page);
});

function config(labels: string): string {
  return `
global: {scrape_interval: 300ms}
alerting: {}
scrape_configs:
- job_name: app
  metrics_path: /app
  params: {q: [one, two]}
  authorization: {type: Token, credentials_file: token}
  static_configs:
  - targets: ['${host}', 'left-out.test:1']
    labels: {team: a, __tmp_side: left}
  relabel_configs:
  - source_labels: [__address__]
    regex: left-out.*
    action: drop
  - source_labels: [__tmp_side]
    target_label: side
${labels}
  metric_relabel_configs:
  - source_labels: [__name__]
    regex: debug_.*
    action: drop
  - source_labels: [__name__]
    regex: up
    target_label: __name__
    replacement: app_up
  - regex: pod
    action: labeldrop
- job_name: limited
  sample_limit: 4
  static_configs: [{targets: ['${host}']}]
- job_name: small
  body_size_limit: 10B
  static_configs: [{targets: ['${host}']}]
- job_name: still
  metrics_path: /moved
  follow_redirects: false
  static_configs: [{targets: ['${host}']}]
- job_name: files
  file_sd_configs: [{files: ['found/some-*.json']}]
`;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-scrape-config-'));
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  host = `127.0.0.1:${(target.address() as AddressInfo).port}`;
  await mkdir(join(folder, 'found'));
  await put('token', 's3cret\n');
  await put('found/some-a.json', JSON.stringify([{ targets: [host], labels: { of: 'file' } }]));
  await put('found/other.json', JSON.stringify([{ targets: [host], labels: { of: 'other' } }]));
  await put('prometheus.yml', config(''));
  orrery = await startOrrery(['--no-collect', `--scrape-config=${folder}/prometheus.yml`]);
});
after(async () => {
  await orrery.stop();
  target.close();
  await rm(folder, { recursive: true, force: true });
});

function put(name: string, text: string): Promise<void> {
  return writeFile(join(folder, name), text);
}

/** Labels of the series that have a sample now, without the name's own quotes, sorted. */
async function series(selector: string): Promise<readonly string[]> {
  const { text } = await orrery.get(`/api/v1/query?query=${encodeURIComponent(selector)}`);
  const { data } = JSON.parse(text) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return data.result
    .map(({ metric, value }) => `${JSON.stringify(metric).replace(host, 'HOST')} ${value[1]}`)
    .toSorted();
}

async function until(selector: string, expected: readonly string[]): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await series(selector);
    if (JSON.stringify(found) === JSON.stringify(expected)) return;
    if (Date.now() > end) assert.deepEqual(found, expected, orrery.output());
    await sleep(100);
  }
}

const OWN = '"instance":"HOST","job":"app","side":"left","team":"a"';

test('targets and their series go through the rules of their job, what is about them does not', async () => {
  await until('{job="app",__name__!~"scrape_.*"}', [
    `{"__name__":"app_up",${OWN}} 7`,
    `{"__name__":"requests",${OWN.replace('"side"', '"path":"/a","side"')}} 1`,
    `{"__name__":"requests",${OWN.replace('"side"', '"path":"/b","side"')}} 2`,
    `{"__name__":"up",${OWN}} 1`,
  ]);
  const count = async (name: string) => (await series(`${name}{job="app"}`))[0]?.split(' ')[1];
  assert.equal(await count('scrape_samples_scraped'), '5');
  assert.equal(await count('scrape_samples_post_metric_relabeling'), '3');
  assert.equal(asked.get('/app?q=one&q=two'), 'Token s3cret');
  // A series that only goes by another name, or is dropped, has not ended.
  page = PAGE.replace('requests{path="/b",pod="x1"}', 'requests{path="/b",pod="x2"}');
  await sleep(1000);
  assert.equal((await series('requests{job="app",path="/b"}')).length, 1);
  page = PAGE.replace('requests{path="/b",pod="x1"} 2\n', '');
  await until('requests{job="app",path="/b"}', []);
  page = PAGE;
});

test('limits and redirects of a job', async () => {
  await until('up{job=~"limited|small|still"}', [
    '{"__name__":"up","instance":"HOST","job":"limited"} 0',
    '{"__name__":"up","instance":"HOST","job":"small"} 0',
    '{"__name__":"up","instance":"HOST","job":"still"} 0',
  ]);
  const { text } = await orrery.get('/api/v1/targets');
  assert.match(text, /sample limit exceeded: 5 samples, the limit is 4/);
  assert.match(text, /the page has more than 10 bytes/);
  assert.match(text, /server returned HTTP status 302/);
  assert.equal((await series('{job="limited",path!=""}')).length, 0);
});

test('files of targets by their pattern, with the name of the job', async () => {
  await until('up{job="files"}', [
    '{"__name__":"up","instance":"HOST","job":"files","of":"file"} 1',
  ]);
  assert.deepEqual(await series('up{of="other"}'), []);
});

/** What the API says of targets and of rules. */
interface Told {
  readonly droppedTargets: readonly {
    readonly scrapePool: string;
    readonly discoveredLabels: Readonly<Record<string, string>>;
  }[];
  readonly droppedTargetCounts: Readonly<Record<string, number>>;
  readonly steps: readonly {
    readonly keep: boolean;
    readonly output: Readonly<Record<string, string>>;
    readonly rule: { readonly action: string };
  }[];
}

test('targets that rules leave out are shown, and what rules do is told', async () => {
  const json = async (path: string): Promise<Told> =>
    (JSON.parse((await orrery.get(path)).text) as { data: Told }).data;
  const { droppedTargets, droppedTargetCounts } = await json('/api/v1/targets');
  const [dropped] = droppedTargets;
  assert.equal(dropped?.scrapePool, 'app');
  assert.equal(dropped.discoveredLabels['__address__'], 'left-out.test:1');
  assert.equal(droppedTargetCounts['app'], 1);
  const labels = encodeURIComponent(JSON.stringify({ __address__: 'a:1', __tmp_side: 'up' }));
  const { steps } = await json(`/api/v1/targets/relabel_steps?scrapePool=app&labels=${labels}`);
  assert.deepEqual(
    steps.map(({ keep, output, rule }) => [rule.action, keep, output]),
    [
      ['drop', true, { __address__: 'a:1', __tmp_side: 'up' }],
      ['replace', true, { __address__: 'a:1', __tmp_side: 'up', side: 'up' }],
    ],
  );
});

test('another configuration counts while the server runs; a mistake changes nothing', async () => {
  await put('prometheus.yml', `${config('')}  wrong: 1\n`);
  const refused = await orrery.post('/-/reload', '');
  assert.equal(refused.status, 500);
  assert.match(refused.text, /--scrape-config .*: line \d+, column 3: there is no field "wrong"/);
  const more = '  - target_label: zone\n    replacement: z1';
  await put('prometheus.yml', config(more).replace('job_name: files', 'job_name: renamed'));
  assert.equal((await orrery.post('/-/reload', '')).status, 200);
  await until('app_up', [`{"__name__":"app_up",${OWN},"zone":"z1"} 7`]);
  // Series of jobs that are gone end at once, with what was about them.
  await until('up{job=~"files|renamed"}', [
    '{"__name__":"up","instance":"HOST","job":"renamed","of":"file"} 1',
  ]);
  assert.match(orrery.output(), /parts of the scrape configuration have no effect.*alerting/);
  assert.ok(!orrery.output().includes('s3cret'));
});

test('a configuration that is none ends the start and the check with its place', async () => {
  await put('bad.yml', 'scrape_configs:\n- job_name: a\n  oauth2: {}\n');
  const args = [`--scrape-config=${folder}/bad.yml`];
  const started = await runOrrery(['--no-collect', '--data', join(folder, 'data'), ...args]);
  assert.equal(started.code, 1);
  assert.match(started.stderr, /bad\.yml: line 3, column 3: oauth2 is not supported/);
  const checked = await runCtl(['check', 'config'], {
    env: { ORRERY_SCRAPE_CONFIG: join(folder, 'bad.yml') },
    cwd: folder,
  });
  assert.notEqual(checked.code, 0);
  assert.match(checked.stdout + checked.stderr, /oauth2 is not supported/);
});
