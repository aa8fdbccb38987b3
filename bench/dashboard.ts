// `npm run bench:dashboard [-- REFRESHES]`: what a dashboard costs that is looked at. A server
// takes six hours of scrapes of 50 hosts (3.9 M samples), and from then on a scrape every 15 s. 20
// panels over the last 6 h by 15 s, start and end on multiples of the step as Grafana makes them,
// are refreshed every 5 s, first with `nocache=1`, then as they are. Prints processor time of the
// server (user and system, all threads) for each, their ratio, and what the cache says of itself.
// The first refresh of each kind is not counted. Linux only: it reads /proc.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const MAIN = resolve(import.meta.dirname, '../src/app/server/main.ts');
const REFRESHES_DEFAULT = 12;
const REFRESH_MS = 5000;
const STEP_SEC = 15;
const RANGE_SEC = 6 * 3600;
const HOSTS = 50;
const FLUSHED_SEC = 900;
/** Unit of the times in /proc/PID/stat on every Linux that Node runs on. */
const TICK_MS = 10;

type Labels = Readonly<Record<string, string>>;
interface Series {
  readonly labels: Labels;
  readonly at: (tSec: number) => number;
}

const MODES = ['idle', 'iowait', 'irq', 'nice', 'softirq', 'steal', 'system', 'user'];
const BOUNDS = ['0.005', '0.01', '0.05', '0.1', '0.5', '1', '5', '10', '+Inf'];

function makeSeries(): Series[] {
  const out: Series[] = [];
  const startSec = Date.now() / 1000 - RANGE_SEC;
  const counter = (labels: Labels, perSec: number, phase: number): void => {
    const at = (tSec: number): number => {
      const grown = (tSec - startSec + 7200) * perSec;
      return Math.round((grown + Math.sin(tSec / 300 + phase) * perSec * 40) * 100) / 100;
    };
    out.push({ labels, at });
  };
  const gauge = (labels: Labels, mean: number, phase: number): void => {
    const at = (tSec: number): number => Math.round(mean * (1.2 + Math.sin(tSec / 900 + phase)));
    out.push({ labels, at });
  };
  for (let h = 0; h < HOSTS; h++) {
    const on = (name: string, labels: Labels = {}): Labels => {
      return {
        __name__: name,
        job: 'node',
        instance: `host-${h}:9100`,
        dc: `dc${h % 3}`,
        ...labels,
      };
    };
    for (let cpu = 0; cpu < 4; cpu++)
      for (const [m, mode] of MODES.entries())
        counter(on('node_cpu_seconds_total', { cpu: String(cpu), mode }), 0.9 / (m + 1), h + cpu);
    gauge(on('node_memory_MemAvailable_bytes'), 4e9, h);
    gauge(on('node_memory_MemTotal_bytes'), 16e9, 0);
    gauge(on('node_load1'), 3, h);
    for (const mountpoint of ['/', '/var', '/home', '/srv'])
      gauge(on('node_filesystem_avail_bytes', { mountpoint }), 9e10, h);
    for (const device of ['eth0', 'eth1']) {
      counter(on('node_network_receive_bytes_total', { device }), 40_000, h);
      counter(on('node_network_transmit_bytes_total', { device }), 20_000, h);
    }
    for (const [b, le] of BOUNDS.entries())
      counter(on('http_request_duration_seconds_bucket', { le }), 10 * (b + 1), h);
    for (const code of ['200', '404', '500'])
      counter(on('http_requests_total', { code }), code === '200' ? 80 : 2, h);
  }
  return out;
}

const PANELS = [
  'sum by (mode) (rate(node_cpu_seconds_total[5m]))',
  '100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle",dc="dc1"}[5m])))',
  'sum by (dc) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))',
  'topk(5, sum by (instance) (rate(node_cpu_seconds_total{mode="user"}[5m])))',
  'node_load1{dc="dc1"}',
  'max(node_load1)',
  'avg by (dc) (node_load1)',
  '1 - node_memory_MemAvailable_bytes{dc="dc1"} / node_memory_MemTotal_bytes',
  'sum(node_memory_MemAvailable_bytes)',
  'min by (dc) (node_memory_MemAvailable_bytes)',
  'sum by (instance) (rate(node_network_receive_bytes_total{dc="dc1"}[5m])) * 8',
  'sum by (device) (rate(node_network_transmit_bytes_total[5m])) * 8',
  'sum by (dc) (irate(node_network_receive_bytes_total{device="eth0"}[1m]))',
  'min by (mountpoint) (node_filesystem_avail_bytes)',
  'max(quantile_over_time(0.9, node_load1[30m]))',
  'histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))',
  'histogram_quantile(0.5, sum by (le, dc) (rate(http_request_duration_seconds_bucket[5m])))',
  'sum by (code) (rate(http_requests_total[5m]))',
  'sum(rate(http_requests_total{code="500"}[5m])) / sum(rate(http_requests_total[5m]))',
  'topk(5, max_over_time(node_load1[10m]))',
];

async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

interface Server {
  readonly url: string;
  readonly pid: number;
}

async function write(url: string, series: readonly Series[], fromSec: number, toSec: number) {
  const times: number[] = [];
  for (let t = fromSec; t <= toSec; t += STEP_SEC) times.push(t);
  const lines = series.map(({ labels, at }) =>
    JSON.stringify({
      metric: labels,
      values: times.map(at),
      timestamps: times.map((t) => t * 1000),
    }),
  );
  for (let i = 0; i < lines.length; i += 200) {
    const body = lines.slice(i, i + 200).join('\n');
    const answer = await fetch(`${url}/api/v1/import`, { method: 'POST', body });
    if (answer.status !== 204) throw new Error(await answer.text());
  }
}

/** All panels, one after the other; bytes of the answers. */
async function refresh({ url }: Server, extra: string): Promise<number> {
  const endSec = Math.floor(Date.now() / 1000 / STEP_SEC) * STEP_SEC;
  const startSec = endSec - RANGE_SEC;
  let sizeBytes = 0;
  for (const query of PANELS) {
    const params = { query, start: `${startSec}`, end: `${endSec}`, step: `${STEP_SEC}` };
    const path = `/api/v1/query_range?${new URLSearchParams(params).toString()}${extra}`;
    const answer = await fetch(url + path);
    const body = await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`${query}: ${Buffer.from(body).toString()}`);
    sizeBytes += body.byteLength;
  }
  return sizeBytes;
}

interface Figures {
  /** Of a refresh, mean. */
  readonly cpuMs: number;
  /** The same of those that found a new scrape: one in three. */
  readonly newCpuMs: number;
  readonly sizeBytes: number;
}

function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / Math.max(1, numbers.length);
}

async function watched(server: Server, extra: string, refreshes: number): Promise<Figures> {
  await refresh(server, extra);
  const all: number[] = [];
  const afterScrape: number[] = [];
  let sizeBytes = 0;
  for (let i = 0; i < refreshes; i++) {
    // Between two scrapes, whose writes are not what is measured.
    await sleep(REFRESH_MS - ((Date.now() + REFRESH_MS / 2) % REFRESH_MS));
    const isNew = (Date.now() / 1000) % STEP_SEC < REFRESH_MS / 1000;
    const before = await cpuMs(server.pid);
    sizeBytes = await refresh(server, extra);
    const took = (await cpuMs(server.pid)) - before;
    all.push(took);
    if (isNew) afterScrape.push(took);
  }
  return { cpuMs: meanOf(all), newCpuMs: meanOf(afterScrape), sizeBytes };
}

async function run(server: Server, refreshes: number): Promise<void> {
  const series = makeSeries();
  const nowSec = Math.floor(Date.now() / 1000 / STEP_SEC) * STEP_SEC;
  // As on a server that runs: what is older than a flush interval is in parts, the rest in memory.
  await write(server.url, series, nowSec - RANGE_SEC - 1800, nowSec - FLUSHED_SEC);
  await fetch(`${server.url}/orrery/v1/admin/flush`, { method: 'POST' });
  await write(server.url, series, nowSec - FLUSHED_SEC + STEP_SEC, nowSec);
  let lastSec = nowSec;
  const scraping = setInterval(() => {
    const toSec = Math.floor(Date.now() / 1000 / STEP_SEC) * STEP_SEC;
    if (toSec === lastSec) return;
    const fromSec = lastSec + STEP_SEC;
    lastSec = toSec;
    write(server.url, series, fromSec, toSec).catch((error: unknown) => console.error(error));
  }, 1000);
  try {
    const without = await watched(server, '&nocache=1', refreshes);
    const withCache = await watched(server, '', refreshes);
    const share = (100 * withCache.cpuMs) / without.cpuMs;
    const text = (figures: Figures): string =>
      `${figures.cpuMs.toFixed(0)} ms of CPU a refresh (${figures.newCpuMs.toFixed(0)} after a ` +
      `scrape), ${(figures.sizeBytes / 1e6).toFixed(1)} MB`;
    console.log(`${PANELS.length} panels, ${series.length} series, ${refreshes} refreshes`);
    console.log(`nocache=1: ${text(without)}`);
    console.log(`cache:     ${text(withCache)} (${share.toFixed(1)} %)`);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    for (const line of metrics.split('\n'))
      if (line.startsWith('orrery_query_cache')) console.log(line);
  } finally {
    clearInterval(scraping);
  }
}

const data = await mkdtemp(join(tmpdir(), 'orrery-dashboard-'));
const args = [MAIN, 'serve', '--no-collect', '--data', data, '--http', '127.0.0.1:0'];
const child = spawn(process.execPath, [...args, '--log-format', 'json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = once(child, 'exit');
try {
  let text = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('"ready"')) break;
  }
  child.stdout.resume();
  const url = /"url":"([^"]+)"/.exec(text)?.[1];
  if (url === undefined || child.pid === undefined) throw new Error(`no server: ${text}`);
  await run({ url, pid: child.pid }, Number(process.argv[2] ?? REFRESHES_DEFAULT));
} finally {
  child.kill('SIGTERM');
  await exited;
  await rm(data, { recursive: true, force: true });
}
