// `npm run bench:append`: what a sample costs from columns to the head: encode, checksum, log (on
// disk, fdatasync in flight), decode, apply. CPU time of the process in nanoseconds a sample, the
// median of several rounds over a million series: in the order of their refs, in a random order
// that stays the same (what a scrape does), and in another random order each round. A round writes
// each series once, ten seconds after the one before, also by the storage's clock (`--apart 0`: as
// fast as it goes). Four batches are on their way at once. The columns are made once, so that no
// garbage is the benchmark's. `--series N`, `--batch N`, `--rounds N`, `--order "in order"` for one
// of them, `--late` for times below the watermark of write versions. Between two rounds the log is
// trimmed, as a flush would, so that its segments are recycled; with `--keep-log` each is filled
// with zeros first. No head snapshot is taken. The head is flushed once, behind the rounds: the
// memory of a head that was never used before is the system's to find and clear, page by page; of
// all later heads of a server it is that of the one before. So there are two lines for each order,
// the first head and the second.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { realClock } from '../src/app/real/clock.ts';
import { realFiles } from '../src/app/real/files.ts';
import { loadKernels } from '../src/app/real/kernels.ts';
import { realPrng } from '../src/app/real/prng.ts';
import { inputRead, realScheduler } from '../src/app/real/scheduler.ts';
import { DirectoryBlobs } from '../src/blobs/directory-blobs.ts';
import { FilesCatalog } from '../src/catalog/files-catalog.ts';
import type { Log } from '../src/log/log.ts';
import { openSegmentLog } from '../src/log/segment-log.ts';
import { KIND } from '../src/model/columns.ts';
import type { WriteBatch } from '../src/model/columns.ts';
import type { Storage } from '../src/model/storage.ts';
import { openPrincipal } from '../src/model/tenant.ts';
import type { Clock } from '../src/stdx/clock.ts';
import { RECORD_POINT_BYTES } from '../src/tsdb/limits.ts';
import { openTsdb } from '../src/tsdb/tsdb.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const LANES = 4;
const STEP_US = 10_000_000;
const TENANT = 'default';
const HEADS = 2;
const PRINCIPAL = openPrincipal(TENANT);

const { values: options } = parseArgs({
  options: {
    series: { type: 'string', default: '1000000' },
    batch: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '24' },
    order: { type: 'string' },
    late: { type: 'boolean', default: false },
    apart: { type: 'string', default: '10' },
    'keep-log': { type: 'boolean', default: false },
  },
});
const ORDERS = ['in order', 'at random', 'reshuffled'] as const;
type Order = (typeof ORDERS)[number];
const LATE_US = 86_400_000_000;
const startUs = realClock.nowMs() * 1000 - (options.late ? LATE_US : 0);
const seriesCount = Number(options.series);
const batchSize = Number(options.batch);
const roundCount = Number(options.rounds);
if (!(roundCount >= 3)) throw new Error('--rounds is 3 or more: the first and last do not count');
const apartMs = Number(options.apart) * 1000;
/** Rounds so far, of all orders: what the clock is ahead. */
let roundsBegun = 0;
const clock: Clock = {
  ...realClock,
  nowMs: () => realClock.nowMs() + roundsBegun * apartMs,
};

function openLog(data: string): Promise<Log> {
  const directory = `${data}/log`;
  return openSegmentLog({ files: realFiles, directory, prng: realPrng, inputRead });
}

async function open(data: string, log: Log): Promise<Storage> {
  return openTsdb({
    log,
    blobs: await DirectoryBlobs.open(realFiles, `${data}/blobs`),
    catalog: await FilesCatalog.open(realFiles, `${data}/catalog`),
    clock,
    scheduler: realScheduler,
    prng: realPrng,
    settings: {
      headBytesMax: 3 * 2 ** 30,
      // In the last round: a head that is cut for its size hands its memory on.
      logTailMaxBytes: seriesCount * RECORD_POINT_BYTES * (roundCount - 0.5),
      flushIntervalMs: 0,
      headSnapshotLogBytes: 0,
    },
  });
}

function refsInOrder(storage: Storage): Uint32Array {
  return Uint32Array.from({ length: seriesCount }, (_, i) =>
    storage.resolve(TENANT, ['__name__', 'bench', 'host', `h${i % 1000}`, 'i', String(i)]),
  );
}

let state = 1;

function shuffle(refs: Uint32Array): void {
  for (let i = refs.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const j = state % (i + 1);
    [refs[i], refs[j]] = [refs[j]!, refs[i]!];
  }
}

/** The columns of a round, cut into batches, which are views of them. */
class Round {
  readonly refs: Uint32Array;
  readonly tUs = new Float64Array(seriesCount);
  readonly values = new Float64Array(seriesCount);
  readonly batches: readonly WriteBatch[];

  constructor(refs: Uint32Array) {
    this.refs = refs;
    const none = { rows: undefined, subNs: undefined, startUs: undefined, position: undefined };
    this.batches = Array.from({ length: Math.ceil(seriesCount / batchSize) }, (_, i) => {
      const [from, to] = [i * batchSize, Math.min((i + 1) * batchSize, seriesCount)];
      const points = {
        kind: KIND.f64,
        count: to - from,
        refs: refs.subarray(from, to),
        tUs: this.tUs.subarray(from, to),
        values: this.values.subarray(from, to),
        ...none,
      };
      return { points: [points], metadata: [], exemplars: [], attributes: [], splits: [] };
    });
  }

  /** Made before the clock runs. `number`: of the round, of all heads. */
  fill(number: number, order: Order): void {
    const isFirst = number % roundCount === 0;
    if (order === 'reshuffled' || (order === 'at random' && isFirst)) shuffle(this.refs);
    this.tUs.fill(startUs + number * STEP_US);
    for (let i = 0; i < seriesCount; i++) this.values[i] = this.refs[i]! * 0.25 + number;
  }
}

async function write(storage: Storage, batches: readonly WriteBatch[]): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let batch = batches[next++]; batch !== undefined; batch = batches[next++])
      await storage.append(batch, {
        principal: PRINCIPAL,
        durability: 'sync',
        protocol: 'bench',
        batchId: undefined,
      });
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

function nsASample(used: NodeJS.CpuUsage): number {
  return ((used.user + used.system) * 1000) / seriesCount;
}

/** One head; its last round, in which the flush begins, does not count. */
async function measure(storage: Storage, log: Log, order: Order, head: number): Promise<void> {
  const work = new Round(refsInOrder(storage));
  const figures: number[] = [];
  for (let round = 0; round < roundCount; round++) {
    work.fill(head * roundCount + round, order);
    roundsBegun++;
    const before = process.cpuUsage();
    await write(storage, work.batches);
    figures.push(nsASample(process.cpuUsage(before)));
    if (!options['keep-log']) await log.trim(log.endOffset);
  }
  await storage.flush();
  const later = figures.slice(1, -1);
  const sorted = later.toSorted((a, b) => a - b);
  const mean = later.reduce((a, b) => a + b, 0) / later.length;
  console.log(
    `${order.padEnd(10)} ${head === 0 ? 'first head' : 'next head '}` +
      ` ${sorted[sorted.length >> 1]!.toFixed(1).padStart(6)} ns/sample` +
      `  (least ${sorted[0]!.toFixed(1)}, mean ${mean.toFixed(1)}, first ${figures[0]!.toFixed(1)})` +
      `  RSS ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`,
  );
}

loadKernels();
for (const order of ORDERS) {
  if (options.order !== undefined && options.order !== order) continue;
  const data = await mkdtemp(join(tmpdir(), 'orrery-append-'));
  const log = await openLog(data);
  const storage = await open(data, log);
  for (let head = 0; head < HEADS; head++) await measure(storage, log, order, head);
  // The data is thrown away: closing would flush it first.
  await rm(data, { recursive: true, force: true });
}
process.exit(0);
