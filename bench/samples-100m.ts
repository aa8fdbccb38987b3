// `npm run bench:100m [-- --memory SIZE] [--series N] [--samples N] [--jitter MS] [--json]`: many
// samples in little memory. A server with --memory 256MB takes 100 million samples (5000 counters,
// 20,000 samples of each, every write durable), then answers `sum(rate(x[5m]))` over all of them.
// With jitter each series has times of its own. Resident memory of the process is what the kernel
// says was its peak, for each stretch apart; the bound is --memory and a tenth more. Ends with 1
// where it was passed or an answer is wrong. Linux only: it reads /proc.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ask, bulkLoad, cpuMs, forgetPeak, resident, startServer } from './bulk.ts';
import type { BenchServer } from './bulk.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const { values } = parseArgs({
  options: {
    memory: { type: 'string', default: '256MB' },
    series: { type: 'string', default: '5000' },
    samples: { type: 'string', default: '20000' },
    query: { type: 'string', default: 'sum(rate(load_total[5m]))' },
    jitter: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});
const SERIES = Number(values.series);
const SAMPLES = Number(values.samples);
const STEP_MS = 15_000;
/** Of the query; 5000 steps over 20,000 samples. */
const STEP_SEC = 60;
const MB = 1e6;
const MIB = 2 ** 20 / MB;
const OVER = 1.1;

interface Stretch {
  readonly what: string;
  readonly wallSec: number;
  readonly cpuSec: number;
  readonly peakMB: number;
  readonly afterMB: number;
}

const stretches: Stretch[] = [];

async function stretch<T>(server: BenchServer, what: string, work: () => Promise<T>): Promise<T> {
  await forgetPeak(server.pid);
  const startMs = performance.now();
  const startCpuMs = await cpuMs(server.pid);
  const result = await work();
  const { nowBytes, peakBytes } = await resident(server.pid);
  stretches.push({
    what,
    wallSec: (performance.now() - startMs) / 1000,
    cpuSec: ((await cpuMs(server.pid)) - startCpuMs) / 1000,
    peakMB: peakBytes / MB,
    afterMB: nowBytes / MB,
  });
  return result;
}

async function memoryOf(server: BenchServer): Promise<string> {
  const { text } = await ask(`${server.url}/metrics`);
  const lines = text.split('\n').filter((line) => /^(orrery_memory|nodejs_)/.test(line));
  return lines.join('; ');
}

async function run(server: BenchServer): Promise<boolean> {
  const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
  const load = {
    name: 'load_total',
    series: SERIES,
    samplesEach: SAMPLES,
    stepMs: STEP_MS,
    endMs,
    jitterMs: Number(values.jitter),
  };
  const { refusals } = await stretch(server, 'load', () => bulkLoad(server.url, load));
  if (!values.json) console.log(`${refusals} writes were refused and sent again`);
  if (!values.json) console.log(await memoryOf(server));
  await stretch(server, 'flush', () =>
    ask(`${server.url}/orrery/v1/admin/flush`, { method: 'POST' }),
  );
  // Whole steps back from the last sample, so that each sample is in some window.
  const stepCount = Math.ceil(((SAMPLES - 1) * STEP_MS) / STEP_SEC / 1000);
  const endSec = endMs / 1000 + (load.jitterMs > 0 ? STEP_SEC : 0);
  const range = {
    start: `${endSec - stepCount * STEP_SEC}`,
    end: `${endSec}`,
    step: `${STEP_SEC}`,
  };
  let isRight = true;
  for (const [what, query] of [
    ['query', values.query],
    ['query again', values.query],
    ['count', 'sum(count_over_time(load_total[30d]))'],
  ] as const) {
    const isCount = what === 'count';
    const path = isCount ? 'query' : 'query_range';
    const times: Record<string, string> = isCount ? { time: range.end } : range;
    const params = new URLSearchParams({ query, nocache: '1', ...times });
    const answer = await stretch(server, what, () =>
      ask(`${server.url}/api/v1/${path}?${params.toString()}`),
    );
    if (answer.status !== 200) console.log(`${what}: ${answer.status} ${answer.text}`);
    const read = Number(answer.headers['x-orrery-samples-read']);
    const counted = Number(/"(\d+)"\]\}\]/.exec(answer.text)?.[1]);
    isRight &&= answer.status === 200 && (isCount ? counted : read) === SERIES * SAMPLES;
  }
  if (!values.json) console.log(await memoryOf(server));
  await stretch(server, 'compact', () =>
    ask(`${server.url}/orrery/v1/admin/compact`, { method: 'POST' }),
  );
  return isRight;
}

function boundMB(): number {
  const [, count, unit] = /^([\d.]+)\s*([A-Za-z]*)$/.exec(values.memory) ?? [];
  // As the setting is read: powers of 1024.
  const units: Record<string, number> = { M: MIB, G: MIB * 1024 };
  return Number(count) * (units[unit?.[0] ?? ''] ?? 1e-6);
}

const data = await mkdtemp(join(tmpdir(), 'orrery-100m-'));
try {
  const server = await startServer(['--data', data, '--memory', values.memory]);
  let isRight: boolean;
  try {
    isRight = await run(server);
  } finally {
    await server.stop();
  }
  const peakMB = Math.max(...stretches.map((one) => one.peakMB));
  const isWithin = peakMB <= boundMB() * OVER;
  const samples = SERIES * SAMPLES;
  if (values.json) console.log(JSON.stringify({ samples, stretches, peakMB, isRight, isWithin }));
  else {
    console.log(`${samples} samples, --memory ${values.memory}: peak ${peakMB.toFixed(0)} MB`);
    console.log('stretch          wall s    CPU s  peak MB  after MB');
    for (const { what, wallSec, cpuSec, peakMB: peak, afterMB } of stretches)
      console.log(
        `${what.padEnd(14)} ${wallSec.toFixed(1).padStart(8)} ${cpuSec.toFixed(1).padStart(8)} ` +
          `${peak.toFixed(0).padStart(8)} ${afterMB.toFixed(0).padStart(9)}`,
      );
    console.log(`${isRight ? 'right' : 'WRONG'}, ${isWithin ? 'within' : 'BEYOND'} the bound`);
  }
  if (!isRight || !isWithin) process.exitCode = 1;
} finally {
  await rm(data, { recursive: true, force: true });
}
