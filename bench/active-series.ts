// `npm run bench:active`: what the exact count of active series costs over a restart, on the index
// of a shard with a million series of seven labels: the seen list of a flush (and the whole part
// beside it is not in the figure), its reading at a start, series that come back against series
// that are new, and series that leave because memory is short. CPU time of the process in
// nanoseconds a series, and bytes. At each step the count is asked and must be exact. `--series N`,
// `--rounds N`.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import type { Labels } from '../src/model/labels.ts';
import { parseSeenList, seenListChunks } from '../src/tsdb/seen-list.ts';
import { SeriesIndex } from '../src/tsdb/series-index.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);
const { values: options } = parseArgs({
  options: {
    series: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
  },
});
const SERIES = Number(options.series);
const NOW_MS = Date.UTC(2026, 10, 28);
const TENANT = 'default';
const BATCH = 10_000;

function labelsOf(i: number): Labels {
  const pod = Math.floor(i / 20);
  return [
    '__name__',
    `requests_${i % 20}_total`,
    'container',
    ['app', 'proxy', 'log'][i % 3]!,
    'instance',
    `10.0.${(pod >> 5) & 255}.${pod & 31}:9090`,
    'job',
    'kube',
    'namespace',
    `ns-${pod % 50}`,
    'pod',
    `web-${pod % 200}-${pod.toString(36)}`,
    'uid',
    `${(Math.imul(i, 0x9e3779b1) >>> 0).toString(16)}-${i.toString(36)}`,
  ];
}

const all = Array.from({ length: SERIES }, (_, i) => labelsOf(i));

async function measured<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  console.log(`  ${what}: ${(((user + system) * 1000) / SERIES).toFixed(0)} ns a series`);
  return result;
}

function resolveAll(index: SeriesIndex): Uint32Array {
  return Uint32Array.from(all, (labels) => index.resolve(TENANT, labels));
}

function apply(index: SeriesIndex, refs: Uint32Array, tMs: number): void {
  for (let from = 0; from < SERIES; from += BATCH)
    index.applied(TENANT, refs.subarray(from, from + BATCH), tMs);
}

function check(index: SeriesIndex, nowMs: number): void {
  assert.deepEqual(index.seriesCount(TENANT, nowMs), { active: SERIES, reserved: 0 });
}

async function listOf(index: SeriesIndex): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  const stretch = { shard: 0, frontier: 1, nowMs: NOW_MS + 20_000 };
  for await (const chunk of seenListChunks(index, stretch, () => undefined))
    chunks.push(chunk.slice());
  return new Uint8Array(Buffer.concat(chunks));
}

async function round(): Promise<void> {
  const index = new SeriesIndex(1);
  const refs = await measured('new series, resolved', () => resolveAll(index));
  await measured('new series, first points applied', () => apply(index, refs, NOW_MS));
  await measured('points of a later second applied', () => apply(index, refs, NOW_MS + 10_000));
  check(index, NOW_MS + 10_000);
  const list = await measured('seen list written', () => listOf(index));
  console.log(`  seen list: ${(list.length / SERIES).toFixed(1)} bytes a series`);
  const next = new SeriesIndex(2);
  await measured('seen list read and taken up', () => {
    const steps = next.takeSeen(parseSeenList(list), NOW_MS + 30_000);
    while (steps.next().done !== true);
  });
  check(next, NOW_MS + 30_000);
  const { sizeBytes } = next.seen.remembered;
  console.log(`  remembered: ${(sizeBytes / SERIES).toFixed(1)} bytes a series`);
  const again = await measured('series that come back, resolved', () => resolveAll(next));
  check(next, NOW_MS + 30_000);
  await measured('series that come back, first points applied', () =>
    apply(next, again, NOW_MS + 40_000),
  );
  check(next, NOW_MS + 40_000);
  await measured('series that leave before the hour is over', () => {
    const nowMs = NOW_MS + 600_000;
    const request = { nowMs, idleMs: 300_000, countMax: 16_384, isHeld: () => false };
    while (next.retire(request) > 0);
  });
  check(next, NOW_MS + 600_000);
  const kept = next.seen.remembered.sizeBytes;
  console.log(`  remembered: ${(kept / SERIES).toFixed(1)} bytes a series`);
}

for (let i = 1; i <= Number(options.rounds); i++) {
  console.log(`round ${i} of ${SERIES} series`);
  await round();
}
