// The collector scrapes other processes: what it asks for, each format, labels, what `up` and its
// companions say, staleness when a series, an answer or a target goes, files of targets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { bytesField, doubleField, varintBytes, varintField } from '../support/protobuf-writer.ts';
import { zigzagField } from '../support/protobuf-writer.ts';
import type { RunningOrrery } from './harness.ts';
import { startOrrery } from './harness.ts';

const DEADLINE_MS = 30_000;

let server: Server;
let host: string;
let folder: string;
let orrery: RunningOrrery;
const asked: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];
/** Answers by path. */
const pages = new Map<string, (response: ServerResponse) => void>();

function text(body: string, type = 'text/plain; version=0.0.4') {
  return (response: ServerResponse): void => {
    response.writeHead(200, { 'Content-Type': type, 'Content-Encoding': 'gzip' });
    response.end(gzipSync(body));
  };
}

function nativeFamily(): Uint8Array {
  const histogram = bytesField(7, [
    ...varintField(1, 3),
    ...doubleField(2, 4.5),
    ...zigzagField(5, 0),
    ...doubleField(6, 0.001),
    ...bytesField(12, [...zigzagField(1, 0), ...varintField(2, 2)]),
    ...zigzagField(13, 1),
    ...zigzagField(13, 1),
  ]);
  const message = [
    ...bytesField(1, 'native_seconds'),
    ...varintField(3, 4),
    ...bytesField(4, histogram),
  ];
  return Uint8Array.from([...varintBytes(message.length), ...message]);
}

const classicPage = `# TYPE h histogram
h_bucket{le="1"} 2
h_bucket{le="2"} 3
h_bucket{le="+Inf"} 4
h_sum 9
h_count 4
`;

before(async () => {
  server = createServer((request, response) => {
    asked.push({ url: request.url!, headers: request.headers });
    const answer = pages.get(request.url!);
    if (answer !== undefined) answer(response);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'orrery-targets-'));
  pages.set('/metrics', text('# TYPE a counter\na{job="own",x="1"} 5\na{job="own",x="2"} 6\n'));
  pages.set(
    '/om',
    text('# TYPE b counter\nb_total 7\n# EOF\n', 'application/openmetrics-text; version=1.0.0'),
  );
  pages.set('/proto', (response) => {
    response.setHeader(
      'Content-Type',
      'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
    );
    response.end(nativeFamily());
  });
  pages.set('/classic', text(classicPage));
  pages.set('/moved', (response) => response.writeHead(302, { Location: '/om' }).end());
  pages.set('/slow', () => undefined);
  pages.set('/bad', text('c{ 1\n'));
  const target = (options: string, path: string) => [
    '--scrape',
    `${options},http://${host}${path}`,
  ];
  orrery = await startOrrery([
    '--no-collect',
    ...target('job=plain,interval=300ms,label.env=prod', '/metrics'),
    ...target('job=honoring,interval=300ms,honor_labels=true', '/metrics'),
    ...target('job=om,interval=300ms', '/om'),
    ...target('job=proto,interval=300ms', '/proto'),
    ...target('job=classic,interval=300ms,convert_classic_histograms_to_nhcb=true', '/classic'),
    ...target('job=moved,interval=300ms', '/moved'),
    ...target('job=slow,interval=300ms,timeout=100ms', '/slow'),
    ...target('job=bad,interval=300ms', '/bad'),
    ...target('job=none,interval=300ms', '/none'),
    '--scrape-file-sd',
    folder,
    '--scrape-interval',
    '300ms',
  ]);
});

after(async () => {
  await orrery.stop();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

type Result = readonly {
  readonly metric: Record<string, string>;
  readonly value: [number, string];
}[];

async function ask(query: string): Promise<Result> {
  const { text: body } = await orrery.get(`/api/v1/query?query=${encodeURIComponent(query)}`);
  return (JSON.parse(body) as { data: { result: Result } }).data.result;
}

/** Asks until the answer is right. */
async function until(query: string, expected: readonly string[]): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const values = (await ask(query)).map(({ value }) => value[1]).toSorted();
    if (JSON.stringify(values) === JSON.stringify(expected)) return;
    if (Date.now() > end) assert.deepEqual(values, expected, query);
    await sleep(100);
  }
}

test('a classic histogram is kept as a native one where the target says so', async () => {
  await until('histogram_count(h{job="classic"})', ['4']);
  await until('histogram_quantile(0.5, h{job="classic"})', ['1']);
  await until('h_bucket{job="classic"}', []);
  // Gone from the page, it ends as any other series does.
  pages.set('/classic', text('other 1\n'));
  await until('histogram_count(h{job="classic"})', []);
});

test('text, with labels of the target; its own move aside unless they are honored', async () => {
  await until('a{job="plain",exported_job="own",env="prod"}', ['5', '6']);
  await until('a{job="own"}', ['5', '6']);
  const [series] = await ask('a{job="own",x="1"}');
  assert.deepEqual(series!.metric, { __name__: 'a', instance: host, job: 'own', x: '1' });
});

test('OpenMetrics, protobuf with native histograms, redirects', async () => {
  await until('b_total{job="om"}', ['7']);
  await until('b_total{job="moved"}', ['7']);
  await until('histogram_count(native_seconds{job="proto"})', ['3']);
});

test('what it asks for', async () => {
  await until('up{job="plain"}', ['1']);
  const { headers } = asked.find(({ url }) => url === '/metrics')!;
  assert.match(
    headers.accept!,
    /^application\/vnd\.google\.protobuf;proto=io\.prometheus\.client\.MetricFamily;encoding=delimited/,
  );
  assert.match(headers.accept!, /application\/openmetrics-text;version=1\.0\.0/);
  assert.equal(headers['accept-encoding'], 'gzip');
  assert.equal(headers['x-prometheus-scrape-timeout-seconds'], '0.3');
});

test('the report of each scrape', async () => {
  await until('scrape_samples_scraped{job="plain"}', ['2']);
  await until('scrape_samples_post_metric_relabeling{job="proto"}', ['1']);
  await until('scrape_series_added{job="om"}', ['0']);
  assert.ok(Number((await ask('scrape_duration_seconds{job="plain"}'))[0]!.value[1]) < 30);
  for (const job of ['slow', 'bad', 'none']) await until(`up{job="${job}"}`, ['0']);
});

test('the page of targets', async () => {
  for (const job of ['slow', 'bad', 'none', 'plain']) await until(`count(up{job="${job}"})`, ['1']);
  const { text: body } = await orrery.get('/api/v1/targets');
  const { activeTargets } = (
    JSON.parse(body) as { data: { activeTargets: Record<string, unknown>[] } }
  ).data;
  const by = (job: string) => activeTargets.find(({ scrapePool }) => scrapePool === job)!;
  assert.equal(by('plain')['health'], 'up');
  assert.equal(by('plain')['scrapeUrl'], `http://${host}/metrics`);
  assert.equal(by('plain')['scrapeInterval'], '300ms');
  assert.deepEqual(by('plain')['labels'], { env: 'prod', instance: host, job: 'plain' });
  assert.match(String(by('slow')['lastError']), /no answer within 100 ms/);
  assert.match(String(by('bad')['lastError']), /the page has 1 bad lines, line 1/);
  assert.match(String(by('none')['lastError']), /server returned HTTP status 404 Not Found/);
});

test('a series that goes, and an answer that fails, end at once', async () => {
  await until('count(a{job="plain"})', ['2']);
  pages.set('/metrics', text('a{x="1"} 5\n'));
  await until('count(a{job="plain"})', ['1']);
  await until('count(a{job="own"})', []);
  const page = pages.get('/om')!;
  pages.delete('/om');
  await until('b_total', []);
  await until('up{job="om"}', ['0']);
  pages.set('/om', page);
  await until('b_total{job="om"}', ['7']);
});

test('files of targets: both forms, labels, changes; a target that goes is gone', async () => {
  pages.set('/file', text('f 1\n'));
  pages.set('/file?x=y', text('f 2\n'));
  const labels = { env: 'test', __metrics_path__: '/file' };
  const json = join(folder, 'web.json');
  await writeFile(json, JSON.stringify([{ targets: [host], labels }]));
  await writeFile(
    join(folder, 'other.yml'),
    `- targets: ['${host}']\n  labels:\n    job: yaml\n    __metrics_path__: /file\n    __param_x: y\n`,
  );
  await until('f{job="web",env="test"}', ['1']);
  await until('f{job="yaml"}', ['2']);
  await writeFile(json, 'not json');
  await sleep(6_000);
  await until('f{job="web"}', ['1']);
  await writeFile(json, '[]');
  await until('f{job="web"}', []);
  await until('up{job="web"}', []);
  await until('f{job="yaml"}', ['2']);
});
