// `npm run bench:count`: what questions over many series cost: instants of all of them, counted,
// summed and found by labels, and values of labels. CPU time of the process in nanoseconds per
// series, the median of several runs and the first one, with all samples in the head, in parts, and
// in both. `--series N` of them, `--runs N`, `--only NAME`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { realClock } from '../src/app/real/clock.ts';
import { realFiles } from '../src/app/real/files.ts';
import { loadKernels } from '../src/app/real/kernels.ts';
import { realPrng } from '../src/app/real/prng.ts';
import { realScheduler } from '../src/app/real/scheduler.ts';
import { DirectoryBlobs } from '../src/blobs/directory-blobs.ts';
import { FilesCatalog } from '../src/catalog/files-catalog.ts';
import { openSegmentLog } from '../src/log/segment-log.ts';
import { BatchBuilder } from '../src/model/batch-builder.ts';
import { NUMERIC_KINDS } from '../src/model/columns.ts';
import { labelsFromObject } from '../src/model/labels.ts';
import { matcher } from '../src/model/matcher.ts';
import type { LeafGrouping, LeafPlan, ReadContext, Storage } from '../src/model/storage.ts';
import { openPrincipal } from '../src/model/tenant.ts';
import { openTsdb } from '../src/tsdb/tsdb.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const START_US = Date.UTC(2026, 0, 1) * 1000;
const BATCH_SERIES = 5000;
const STEP_US = 15_000_000;
const principal = openPrincipal('default');

const { values: options } = parseArgs({
  options: {
    series: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    in: { type: 'string', default: 'head,parts,both' },
  },
});
const seriesCount = Number(options.series);

/** Series of a cluster whose pods come and go: few namespaces, one uid each. */
function labelsOf(i: number): string[] {
  const pod = Math.floor(i / 20);
  return labelsFromObject({
    __name__: 'requests_total',
    job: 'kube',
    namespace: `ns-${pod % 50}`,
    pod: `web-${pod % 200}-${(Math.imul(pod, 0x85ebca6b) >>> 0).toString(36)}`,
    container: ['app', 'proxy', 'log'][i % 3]!,
    instance: `10.0.${(pod >> 5) & 255}.${pod & 31}:9090`,
    uid: `${(Math.imul(i, 0x9e3779b1) >>> 0).toString(16)}-${i.toString(36)}`,
  }) as string[];
}

async function write(storage: Storage, step: number): Promise<void> {
  for (let from = 0; from < seriesCount; from += BATCH_SERIES) {
    const builder = new BatchBuilder();
    const to = Math.min(from + BATCH_SERIES, seriesCount);
    for (let i = from; i < to; i++) {
      const ref = storage.resolve(principal.tenant, labelsOf(i));
      builder.f64(ref, START_US + step * STEP_US, 0, i * 0.25 + step);
    }
    const batch = builder.finish();
    const how = { principal, durability: 'sync', protocol: 'bench', batchId: undefined } as const;
    await storage.append(batch, how);
  }
}

function plan(pattern: Partial<Record<string, string>>, grouping?: LeafGrouping): LeafPlan {
  const more = Object.entries(pattern).map(([name, text]) => matcher(name, '=~', text!));
  return {
    matchers: [matcher('__name__', '=', 'requests_total'), ...more],
    startUs: START_US + 10 * STEP_US,
    endUs: START_US + 10 * STEP_US,
    stepUs: 0,
    windowUs: 0,
    lookbackUs: 300_000_000,
    bounds: 'left-open',
    kernel: 'last',
    args: [],
    grouping,
    kinds: NUMERIC_KINDS,
  };
}

const ALL = { mode: 'by', labels: [] } as const;
const selector = {
  matchers: plan({}).matchers,
  startUs: START_US,
  endUs: START_US + 20 * STEP_US,
  limit: 0,
};
const leaf =
  (one: LeafPlan) =>
  async (s: Storage, c: ReadContext): Promise<unknown> =>
    (await s.runLeaf(c, one)).groups.length;

const QUESTIONS: Readonly<Record<string, (s: Storage, c: ReadContext) => Promise<unknown>>> = {
  count: leaf(plan({}, { aggregation: 'count', ...ALL })),
  'sum by namespace': leaf(plan({}, { aggregation: 'sum', mode: 'by', labels: ['namespace'] })),
  'sum without uid': leaf(plan({}, { aggregation: 'sum', mode: 'without', labels: ['uid'] })),
  'count of a regex': leaf(plan({ pod: 'web-1[0-3]-.*' }, { aggregation: 'count', ...ALL })),
  'one of all': leaf(plan({ uid: '0+-0' })),
  'sum of a rate': leaf({
    ...plan({}, { aggregation: 'sum', ...ALL }),
    kernel: 'rate',
    windowUs: 300_000_000,
  }),
  'values of pod': async (s, c) => (await s.labelValues(c, 'pod', selector)).length,
  names: async (s, c) => (await s.labelNames(c, selector)).length,
  cardinality: async (s, c) => (await s.cardinality(c, { ...selector, limit: 10 })).seriesCount,
};

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function ask(storage: Storage, where: string): Promise<void> {
  if (!options.in.split(',').includes(where)) return;
  for (const [name, question] of Object.entries(QUESTIONS)) {
    if (!name.includes(options.only)) continue;
    const figures: number[] = [];
    let answer: unknown;
    for (let run = 0; run <= Number(options.runs); run++) {
      const pin = storage.pin();
      const { signal } = new AbortController();
      const budget = { take: () => undefined, give: () => undefined };
      const before = process.cpuUsage();
      answer = await question(storage, { principal, pin, signal, budget });
      const used = process.cpuUsage(before);
      figures.push((used.user + used.system) / 1000);
      pin.release();
    }
    const [first, ...others] = figures;
    const ms = median(others.length === 0 ? [first!] : others);
    console.log(
      `${where.padEnd(9)} ${name.padEnd(18)} ${ms.toFixed(1).padStart(8)} ms` +
        ` ${((ms / seriesCount) * 1e6).toFixed(0).padStart(7)} ns/series,` +
        ` first ${first!.toFixed(1)} ms, answer ${String(answer)}`,
    );
  }
}

loadKernels();
const directory = mkdtempSync(join(tmpdir(), 'orrery-count-'));
const storage = await openTsdb({
  log: await openSegmentLog({
    files: realFiles,
    directory: `${directory}/log`,
    prng: realPrng,
  }),
  blobs: await DirectoryBlobs.open(realFiles, `${directory}/blobs`),
  catalog: await FilesCatalog.open(realFiles, `${directory}/catalog`),
  clock: realClock,
  scheduler: realScheduler,
  prng: realPrng,
  settings: { headBytesMax: 2 ** 31, logTailMaxBytes: 2 ** 31 },
});
try {
  for (let step = 0; step < 4; step++) await write(storage, step);
  await ask(storage, 'head');
  await storage.flush();
  await ask(storage, 'parts');
  for (let step = 4; step < 8; step++) await write(storage, step);
  await ask(storage, 'both');
} finally {
  await storage.close();
  rmSync(directory, { recursive: true });
}
