// Kills a real server again and again under a writer that records every acknowledged point, while
// flushes and merges are forced, and checks after each restart what came back.
import { setTimeout as sleep } from 'node:timers/promises';
import { seededPrng, randomInt, randomUnit } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { laneOf, pointKey, WriteOracle } from './write-oracle.ts';
import type { Operation, PointValue, ReadBack } from './write-oracle.ts';

const LANES = 4;
const SERIES_PER_LANE = 3;
const TIMES_PER_SERIES = 300;
const POINTS_PER_WRITE_MAX = 40;
const DELETE_SHARE = 0.06;
const FLUSH_EVERY_MS = 2000;
const BASE_MS = Date.UTC(2026, 0, 1);

export interface RunningServer {
  readonly url: string;
  /** SIGKILL, resolves when the process is gone. */
  kill(): Promise<void>;
}

export interface DurabilityReport {
  readonly kills: number;
  readonly acknowledgedPoints: number;
  readonly acknowledgedDeletes: number;
  readonly violations: readonly string[];
}

const tenantOf = (lane: number): string => (lane % 2 === 0 ? 'default' : 'other');

function seriesName(lane: number, index: number): string {
  return `${lane}/${index}`;
}

function nextOperation(prng: Prng, lane: number, counter: { value: number }): Operation {
  const series = seriesName(lane, randomInt(prng, SERIES_PER_LANE));
  if (randomUnit(prng) < DELETE_SHARE) {
    const startMs = BASE_MS + randomInt(prng, TIMES_PER_SERIES) * 1000;
    return { kind: 'delete', series, start: startMs, end: startMs + randomInt(prng, 60) * 1000 };
  }
  const points = [];
  for (let i = randomInt(prng, POINTS_PER_WRITE_MAX); i >= 0; i--)
    points.push({
      series: seriesName(lane, randomInt(prng, SERIES_PER_LANE)),
      t: BASE_MS + randomInt(prng, TIMES_PER_SERIES) * 1000,
      value: counter.value++,
    });
  return { kind: 'write', points };
}

function requestOf(url: string, operation: Operation): { url: string; body: string } {
  if (operation.kind === 'delete') {
    const [lane, index] = operation.series.split('/');
    const query = new URLSearchParams({
      'match[]': `kill_points{lane="${lane}",index="${index}"}`,
      start: String(operation.start / 1000),
      end: String(operation.end / 1000),
    });
    return { url: `${url}/api/v1/admin/tsdb/delete_series?${query.toString()}`, body: '' };
  }
  const lines = operation.points.map((p) => {
    const [lane, index] = p.series.split('/');
    return `kill_points,lane=${lane},index=${index} value=${p.value} ${p.t}`;
  });
  return { url: `${url}/write?precision=ms`, body: lines.join('\n') };
}

/** One writer; returns when the connection breaks (the kill). Any refusal is an error. */
async function writeUntilKilled(
  url: string,
  oracle: WriteOracle,
  next: () => Operation,
  tenant: string,
): Promise<void> {
  for (;;) {
    const operation = next();
    const request = requestOf(url, operation);
    const sent = oracle.begin(operation);
    let response: Response;
    try {
      const headers = { 'X-Scope-OrgID': tenant };
      response = await fetch(request.url, { method: 'POST', body: request.body, headers });
      await response.arrayBuffer();
    } catch {
      // The process was killed under the request: whether it took effect is open.
      return;
    }
    if (!response.ok) throw new Error(`${request.url} answered ${response.status}`);
    sent.acknowledge();
  }
}

async function housekeep(url: string, stopped: { value: boolean }): Promise<void> {
  for (let round = 0; !stopped.value; round++) {
    const path = round % 2 === 0 ? 'flush' : 'compact';
    try {
      await fetch(`${url}/orrery/v1/admin/${path}`, { method: 'POST' });
    } catch {
      return; // killed
    }
    for (let waited = 0; waited < FLUSH_EVERY_MS && !stopped.value; waited += 50) await sleep(50);
  }
}

async function readBack(url: string): Promise<ReadBack> {
  const out = new Map<string, Map<string, PointValue>>();
  for (const tenant of ['default', 'other']) {
    const response = await fetch(`${url}/api/v1/export?match[]=kill_points`, {
      headers: { 'X-Scope-OrgID': tenant },
    });
    if (!response.ok) throw new Error(`export answered ${response.status}`);
    for (const line of (await response.text()).split('\n')) {
      if (line === '') continue;
      const row = JSON.parse(line) as {
        metric: { lane: string; index: string };
        values: number[];
        timestamps: number[];
      };
      const name = seriesName(Number(row.metric.lane), Number(row.metric.index));
      const lane = laneOf(name);
      const points = out.get(lane) ?? new Map<string, PointValue>();
      out.set(lane, points);
      row.timestamps.forEach((tMs, i) => points.set(pointKey(name, tMs), row.values[i]!));
    }
  }
  return out;
}

/** Runs `kills` rounds; each lives between 0.3 and 3 seconds under load. */
export async function durabilityRun(
  start: () => Promise<RunningServer>,
  options: { readonly kills: number; readonly seed: number },
): Promise<DurabilityReport> {
  const prng = seededPrng(options.seed);
  const oracle = new WriteOracle();
  const counter = { value: 1 };
  const violations: string[] = [];
  for (let kill = 0; kill < options.kills; kill++) {
    const server = await start();
    const stopped = { value: false };
    const lanes = Array.from({ length: LANES }, (_, lane) =>
      writeUntilKilled(
        server.url,
        oracle,
        () => nextOperation(prng, lane, counter),
        tenantOf(lane),
      ),
    );
    const housekeeper = housekeep(server.url, stopped);
    await sleep(300 + randomInt(prng, 2700));
    await server.kill();
    stopped.value = true;
    await Promise.all([...lanes, housekeeper]);
    const again = await start();
    try {
      violations.push(...oracle.settle(await readBack(again.url)).map((v) => `kill ${kill}: ${v}`));
    } finally {
      await again.kill();
    }
  }
  const { acknowledgedPoints, acknowledgedDeletes } = oracle;
  return { kills: options.kills, acknowledgedPoints, acknowledgedDeletes, violations };
}
