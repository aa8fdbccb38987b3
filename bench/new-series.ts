// `npm run bench:series`: new series through everything but HTTP: snappy, scan, row dictionary,
// resolve, log record, fdatasync, apply; a flush of them; then the same series three times more and
// another flush. CPU time of the process in microseconds per sample and resident memory, over the
// loads rw-churn and rw-steady of the peers harness (`gen.js` writes them).
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKernels } from '../src/app/real/kernels.ts';
import { realClock } from '../src/app/real/clock.ts';
import { realFiles } from '../src/app/real/files.ts';
import { realPrng } from '../src/app/real/prng.ts';
import { realScheduler } from '../src/app/real/scheduler.ts';
import { DirectoryBlobs } from '../src/blobs/directory-blobs.ts';
import { FilesCatalog } from '../src/catalog/files-catalog.ts';
import { decodeSnappy } from '../src/codec/snappy.ts';
import { scanWriteRequest } from '../src/formats/remote-write/write-request.ts';
import { Ingest } from '../src/ingest/ingest.ts';
import { openSegmentLog } from '../src/log/segment-log.ts';
import { openTsdb } from '../src/tsdb/tsdb.ts';
import { openPrincipal } from '../src/model/tenant.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const LOADS = join(process.env['PEERS_WORK'] ?? join(tmpdir(), 'peers-work'), 'loads');
const FRAME_HEAD_BYTES = 16;
const IN_FLIGHT = 4;

function* bodiesOf(file: Buffer): Generator<Uint8Array> {
  for (let at = 0; at + FRAME_HEAD_BYTES <= file.length;) {
    const end = at + FRAME_HEAD_BYTES + file.readUInt32LE(at);
    yield file.subarray(at + FRAME_HEAD_BYTES, end);
    at = end;
  }
}

interface Server {
  readonly ingest: Ingest;
  readonly storage: Awaited<ReturnType<typeof openTsdb>>;
}

async function open(directory: string): Promise<Server> {
  const files = realFiles;
  const log = await openSegmentLog({ files, directory: `${directory}/log`, prng: realPrng });
  const storage = await openTsdb({
    log,
    blobs: await DirectoryBlobs.open(files, `${directory}/blobs`),
    catalog: await FilesCatalog.open(files, `${directory}/catalog`),
    clock: realClock,
    scheduler: realScheduler,
    prng: realPrng,
  });
  return { storage, ingest: new Ingest({ storage, prng: realPrng }) };
}

async function write({ ingest }: Server, raw: Uint8Array): Promise<number> {
  const body = decodeSnappy(raw, 64_000_000);
  const { scan } = await ingest.write(openPrincipal('default'), {
    protocol: 'remote-write',
    profileKey: '',
    durability: 'sync',
    batchId: undefined,
    sizeBytes: body.length,
    scan: (dictionary, sink) => scanWriteRequest(body, body.length, dictionary, sink),
  });
  if (scan.errorCount > 0) throw new Error(scan.errors[0]?.reason);
  return scan.pointCount;
}

function report(
  name: string,
  before: NodeJS.CpuUsage,
  count: number,
  other: { readonly bytes: number },
): void {
  const used = process.cpuUsage(before);
  const totalUs = used.user + used.system;
  const rssMb = (process.memoryUsage.rss() - other.bytes) / 1e6;
  console.log(
    `${name.padEnd(10)} ${(totalUs / count).toFixed(3)} us/sample, ` +
      `${((count / totalUs) * 1e3).toFixed(0)} k/core-s, RSS without the load ${rssMb.toFixed(0)} MB`,
  );
}

async function run(server: Server, name: string): Promise<void> {
  const file = readFileSync(join(LOADS, `${name}.bin`));
  const before = process.cpuUsage();
  let count = 0;
  const bodies = bodiesOf(file);
  const lane = async (): Promise<void> => {
    for (const raw of bodies) {
      const written = await write(server, raw);
      count += written;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  report(name, before, count, { bytes: file.length });
  const beforeFlush = process.cpuUsage();
  await server.storage.flush();
  report('  flush', beforeFlush, count, { bytes: file.length });
}

if (!existsSync(join(LOADS, 'rw-churn.bin'))) {
  console.error('The loads are not here: run gen.js of the peers harness.');
  process.exit(2);
}
loadKernels();
const directory = mkdtempSync(join(tmpdir(), 'orrery-series-'));
const server = await open(directory);
try {
  for (const name of ['rw-churn', 'rw-steady']) await run(server, name);
} finally {
  await server.storage.close();
  rmSync(directory, { recursive: true });
}
