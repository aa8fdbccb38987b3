// `npm run bench:append`: what a sample costs from columns to the head: encode, checksum, log (on
// disk, fdatasync in flight), decode, apply. CPU time of the process in nanoseconds a sample, the
// median of several rounds over a million series, in the order of their refs and in random order;
// a round writes each series once. Four batches are on their way at once. `--series N`,
// `--batch N`, `--rounds N`, `--order "in order"` for one of them.
import { mkdtemp, rm } from 'node:fs/promises';
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
import { KIND } from '../src/model/columns.ts';
import type { WriteBatch } from '../src/model/columns.ts';
import type { Storage } from '../src/model/storage.ts';
import { openPrincipal } from '../src/model/tenant.ts';
import { openTsdb } from '../src/tsdb/tsdb.ts';

const LANES = 4;
const START_US = 1_793_491_200_000_000;
const STEP_US = 10_000_000;
const TENANT = 'default';
const PRINCIPAL = openPrincipal(TENANT);

const { values: options } = parseArgs({
  options: {
    series: { type: 'string', default: '1000000' },
    batch: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '24' },
    order: { type: 'string' },
  },
});
const seriesCount = Number(options.series);
const batchSize = Number(options.batch);
const roundCount = Number(options.rounds);

async function open(data: string): Promise<Storage> {
  const log = await openSegmentLog({ files: realFiles, directory: `${data}/log`, prng: realPrng });
  return openTsdb({
    log,
    blobs: await DirectoryBlobs.open(realFiles, `${data}/blobs`),
    catalog: await FilesCatalog.open(realFiles, `${data}/catalog`),
    clock: realClock,
    scheduler: realScheduler,
    prng: realPrng,
    settings: { headBytesMax: 3 * 2 ** 30, logTailMaxBytes: 2 ** 40, flushIntervalMs: 0 },
  });
}

function refsInOrder(storage: Storage): Uint32Array {
  return Uint32Array.from({ length: seriesCount }, (_, i) =>
    storage.resolve(TENANT, ['__name__', 'bench', 'host', `h${i % 1000}`, 'i', String(i)]),
  );
}

function shuffled(refs: Uint32Array): Uint32Array {
  const out = refs.slice();
  let state = 1;
  for (let i = out.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const j = state % (i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

/** Batches of one round; made before the clock runs. */
function batches(refs: Uint32Array, round: number): WriteBatch[] {
  const out: WriteBatch[] = [];
  for (let from = 0; from < seriesCount; from += batchSize) {
    const some = refs.slice(from, from + batchSize);
    const count = some.length;
    const tUs = new Float64Array(count).fill(START_US + round * STEP_US);
    const values = Float64Array.from(some, (ref) => ref * 0.25 + round);
    const none = { rows: undefined, subNs: undefined, startUs: undefined, position: undefined };
    const points = [{ kind: KIND.f64, count, refs: some, tUs, values, ...none }];
    out.push({ points, metadata: [], exemplars: [], attributes: [], splits: [] });
  }
  return out;
}

async function write(storage: Storage, work: WriteBatch[]): Promise<void> {
  const lane = async (): Promise<void> => {
    for (let batch = work.pop(); batch !== undefined; batch = work.pop())
      await storage.append(batch, {
        principal: PRINCIPAL,
        durability: 'sync',
        protocol: 'bench',
        batchId: undefined,
      });
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function measure(storage: Storage, name: string, refs: Uint32Array): Promise<void> {
  const figures: number[] = [];
  for (let round = 0; round < roundCount; round++) {
    const work = batches(refs, round).toReversed();
    const before = process.cpuUsage();
    await write(storage, work);
    const used = process.cpuUsage(before);
    figures.push(((used.user + used.system) * 1000) / seriesCount);
  }
  const sorted = figures.slice(1).toSorted((a, b) => a - b);
  const mean = figures.reduce((a, b) => a + b, 0) / figures.length;
  console.log(
    `${name.padEnd(10)} ${sorted[sorted.length >> 1]!.toFixed(1).padStart(6)} ns/sample` +
      `  (least ${sorted[0]!.toFixed(1)}, mean ${mean.toFixed(1)}, first ${figures[0]!.toFixed(1)})` +
      `  RSS ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`,
  );
}

loadKernels();
for (const order of ['in order', 'at random']) {
  if (options.order !== undefined && options.order !== order) continue;
  const data = await mkdtemp(join(tmpdir(), 'orrery-append-'));
  const storage = await open(data);
  const refs = refsInOrder(storage);
  await measure(storage, order, order === 'in order' ? refs : shuffled(refs));
  // The data is thrown away: closing would flush it first.
  await rm(data, { recursive: true, force: true });
}
process.exit(0);
