// Debian's Prometheus scrapes its node_exporter and remote-writes what it scraped to Orrery; both
// then give the same answers, over a range in which the target disappears. PEERS_SECONDS sets the
// length.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOrrery } from '../apptest/harness.ts';
import { TestProcess, freePort } from '../support/processes.ts';
import { ask, compareAnswers, seriesIn } from '../support/prom-compare.ts';

const SECONDS = Number(process.env['PEERS_SECONDS'] ?? 40);
const EXACT = { relative: 0, absolute: 0 };
const CLOSE = { relative: 1e-9, absolute: 0 };
const QUERIES = [
  'up',
  'node_load1',
  '{job="node",__name__=~"node_memory_Mem.+"}',
  'rate(node_cpu_seconds_total[10s])',
  'irate(node_cpu_seconds_total[10s])',
  'sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[10s]))',
  'sum without (cpu, mode) (increase(node_cpu_seconds_total[15s]))',
  '1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes',
  'count({job="node"})',
  'count by (__name__) ({job="node",__name__=~"node_network_.+"})',
  'topk(3, node_filesystem_avail_bytes)',
  'avg_over_time(node_load1[20s])',
  'max_over_time(node_procs_running[20s]) - min_over_time(node_procs_running[20s])',
  'quantile_over_time(0.9, scrape_duration_seconds[20s])',
  'count_over_time(up[20s])',
  'changes(up[30s])',
  'absent(up{job="node"} == 1)',
  'node_time_seconds - timestamp(node_time_seconds)',
  'node_load1 offset 5s',
  // Half a second aside: version 2 counts a sample on the left edge of a window, version 3 does
  // not.
  'max_over_time(rate(node_cpu_seconds_total[5s])[15s:5s] offset 500ms)',
  'node_filesystem_size_bytes * on (instance, device, mountpoint) group_left node_filesystem_readonly',
  'histogram_quantile(0.9, rate(prometheus_http_request_duration_seconds_bucket[10s]))',
  // Not rate: near a counter's zero version 3 extrapolates less far than version 2.
  'irate(prometheus_tsdb_head_samples_appended_total[5s])',
  'label_replace(up, "short", "$1", "instance", "(.*):.*")',
  'prometheus_build_info',
];

function configuration(exporterPort: number, selfPort: number, orreryUrl: string): string {
  return `
global: { scrape_interval: 1s, scrape_timeout: 900ms }
scrape_configs:
  - job_name: node
    static_configs: [{ targets: ['127.0.0.1:${exporterPort}'] }]
  - job_name: prometheus
    static_configs: [{ targets: ['127.0.0.1:${selfPort}'] }]
remote_write:
  - url: ${orreryUrl}/api/v1/write
`;
}

/** Until Orrery holds what was scraped up to `timeSec`: the same number of `up` samples. */
async function untilShipped(prom: string, ours: string, timeSec: number): Promise<void> {
  const form = new URLSearchParams({
    query: 'sum(count_over_time(up[1h]))',
    time: String(timeSec),
  });
  for (let tries = 0; tries < 300; tries++) {
    const [a, b] = await Promise.all([ask(prom, 'query', form), ask(ours, 'query', form)]);
    if (a.data?.result.length === 1 && compareAnswers(a, b, EXACT).length === 0) return;
    await sleep(100);
  }
  throw new Error('remote write did not catch up within 30 s');
}

test('what Prometheus scraped reads back the same', { timeout: 900_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-peer-'));
  const orrery = await startOrrery(['--no-collect']);
  const [exporterPort, promPort] = [await freePort(), await freePort()];
  await writeFile(join(folder, 'p.yml'), configuration(exporterPort, promPort, orrery.url));
  const exporter = new TestProcess(
    'prometheus-node-exporter',
    [`--web.listen-address=127.0.0.1:${exporterPort}`],
    folder,
  );
  const prometheus = new TestProcess(
    'prometheus',
    [
      '--config.file=p.yml',
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${promPort}`,
    ],
    folder,
  );
  const prom = `http://127.0.0.1:${promPort}`;
  try {
    await exporter.untilAnswers(`http://127.0.0.1:${exporterPort}/metrics`, 20_000);
    await prometheus.untilAnswers(`${prom}/-/ready`, 30_000);
    const startSec = Math.floor(Date.now() / 1000);
    await sleep(SECONDS * 600);
    await exporter.end('SIGTERM');
    await sleep(SECONDS * 400);
    const endSec = Math.floor(Date.now() / 1000) - 2;
    await untilShipped(prom, orrery.url, endSec);
    const differences: string[] = [];
    let compared = 0;
    for (const query of QUERIES) {
      const form = new URLSearchParams({
        query,
        start: String(startSec),
        end: String(endSec),
        step: '1',
      });
      const theirs = await ask(prom, 'query_range', form);
      const ours = await ask(orrery.url, 'query_range', form);
      for (const series of seriesIn(theirs)) compared += series.values?.length ?? 0;
      differences.push(...compareAnswers(theirs, ours, CLOSE).map((d) => `${query}: ${d}`));
    }
    console.log(`${QUERIES.length} range queries, ${compared} values compared`);
    assert.ok(compared > QUERIES.length * 10, `only ${compared} values compared`);
    assert.deepEqual(differences.slice(0, 20), []);
  } finally {
    await exporter.end('SIGKILL');
    await prometheus.end('SIGKILL');
    await orrery.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
