// `npm run bench:disk`: bytes on disk of compacted parts, written through the real engine (log,
// head, flush, merge) and read back bit by bit. Columns: samples, series, bytes per sample of data
// and time columns, bytes per series of index and directory, bytes per sample of the whole folder
// when it is closed (log and catalog included).
//
//   --scrapes DIR   text files in order of their names, one node_exporter scrape each, stamped
//                   --step seconds apart (15)
//   --record DIR    first fills DIR from --url, --count times (2880), one a second
//   --kepler DIR    light curves (default: the folder beside the project, where it is)
//   --only TEXT     sets whose name contains it
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { loadKernels } from '../src/app/real/kernels.ts';
import { realClock } from '../src/app/real/clock.ts';
import { realFiles } from '../src/app/real/files.ts';
import { realPrng } from '../src/app/real/prng.ts';
import { realScheduler } from '../src/app/real/scheduler.ts';
import { DirectoryBlobs } from '../src/blobs/directory-blobs.ts';
import { SqliteCatalog } from '../src/catalog/sqlite-catalog.ts';
import { openSegmentLog } from '../src/log/segment-log.ts';
import { BatchBuilder } from '../src/model/batch-builder.ts';
import { ALL_KINDS } from '../src/model/columns.ts';
import { labelsFromObject, labelsKey } from '../src/model/labels.ts';
import type { Labels } from '../src/model/labels.ts';
import type { AppendOptions, Storage } from '../src/model/storage.ts';
import { DEFAULT_TENANT, openPrincipal } from '../src/model/tenant.ts';
import { seededPrng, randomUnit } from '../src/stdx/prng.ts';
import { ColumnCache } from '../src/tsdb/column-cache.ts';
import { ExtentCache, SectionCache } from '../src/tsdb/part-cache.ts';
import { Part } from '../src/tsdb/part-reader.ts';
import { openTsdb } from '../src/tsdb/tsdb.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

interface Series {
  readonly labels: Labels;
  readonly tUs: Float64Array;
  readonly values: Float64Array;
}

const START_US = 1.76e15;
/** Samples in one write, as a scraper or an importer sends them. */
const BATCH_SAMPLES = 10_000;

const { values: options } = parseArgs({
  options: {
    scrapes: { type: 'string', multiple: true, default: [] },
    step: { type: 'string', default: '15' },
    record: { type: 'string' },
    url: { type: 'string', default: 'http://127.0.0.1:9100/metrics' },
    count: { type: 'string', default: '2880' },
    kepler: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});

// ---------------------------------------------------------------- sets

async function record(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const count = Number(options.count);
  let at = readdirSync(folder).length;
  for (let next = Date.now(); at < count; at++, next += 1000) {
    await sleep(Math.max(0, next - Date.now()));
    const answer = await fetch(options.url);
    if (!answer.ok) throw new Error(`${options.url} answers ${answer.status}`);
    writeFileSync(join(folder, `${String(at).padStart(6, '0')}.txt`), await answer.text());
  }
}

/** The series of a line of exposition text. */
function scrapedLabels(text: string): Labels {
  const brace = text.indexOf('{');
  const pairs: Record<string, string> = { job: 'node', instance: 'localhost:9100' };
  pairs['__name__'] = brace < 0 ? text : text.slice(0, brace);
  for (const [, name, value] of text.slice(brace).matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
    pairs[name!] = value!;
  return labelsFromObject(pairs);
}

function scrapes(folder: string): Series[] {
  const stepUs = Number(options.step) * 1e6;
  const columns = new Map<string, { tUs: number[]; values: number[] }>();
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .toSorted();
  for (const [i, file] of files.entries())
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const end = line.lastIndexOf(' ');
      const name = line.slice(0, end);
      let column = columns.get(name);
      if (column === undefined) columns.set(name, (column = { tUs: [], values: [] }));
      column.tUs.push(START_US + i * stepUs);
      column.values.push(Number(line.slice(end + 1).replace('Inf', 'Infinity')));
    }
  return [...columns].map(([name, { tUs, values }]) => ({
    labels: scrapedLabels(name),
    tUs: Float64Array.from(tUs),
    values: Float64Array.from(values),
  }));
}

function lightCurves(folder: string): Series[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.csv.gz'))
    .toSorted()
    .map((file) => {
      const rows = gunzipSync(readFileSync(join(folder, file)))
        .toString()
        .trim()
        .split('\n')
        .slice(1);
      const cells = rows.map((row) => row.split(',').map(Number));
      return {
        labels: labelsFromObject({ __name__: 'sap.flux', star: file.split('.')[0]! }),
        tUs: Float64Array.from(cells, ([tUs]) => tUs!),
        values: Float64Array.from(cells, (row) => row[1]!),
      };
    });
}

const BOUNDS = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10'];

/**
 * Twelve buckets as a classic histogram shows them: about 20 requests a scrape, their latencies
 * log-normal around 30 ms.
 */
function histograms(): Series[] {
  const prng = seededPrng(7);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - randomUnit(prng))) * Math.cos(2 * Math.PI * randomUnit(prng));
  const sampleCount = 8640;
  const tUs = Float64Array.from({ length: sampleCount }, (_, i) => START_US + i * 15e6);
  return Array.from({ length: 20 }, (_h, h) => {
    const columns = [...BOUNDS, '+Inf'].map(() => new Float64Array(sampleCount));
    const counts = columns.map(() => 0);
    for (let i = 0; i < sampleCount; i++) {
      for (let left = Math.round(20 + 4 * normal()); left > 0; left--) {
        const seconds = Math.exp(-3.5 + 0.8 * normal());
        for (let b = 0; b < counts.length; b++)
          if (seconds <= Number(BOUNDS[b] ?? Infinity)) counts[b]!++;
      }
      for (let b = 0; b < counts.length; b++) columns[b]![i] = counts[b]!;
    }
    const name = 'http_request_duration_seconds_bucket';
    const own = { __name__: name, job: 'api', instance: `app-${h}:8080`, method: 'GET' };
    return columns.map((values, b) => ({
      labels: labelsFromObject({ ...own, le: BOUNDS[b] ?? '+Inf' }),
      tUs,
      values,
    }));
  }).flat();
}

// ---------------------------------------------------------------- the engine

async function open(folder: string): Promise<Storage> {
  await realFiles.makeDirectory(folder);
  const catalog = await SqliteCatalog.open(`${folder}/catalog.sqlite`, {});
  const blobs = await DirectoryBlobs.open(realFiles, `${folder}/blobs`);
  const log = await openSegmentLog({
    files: realFiles,
    directory: `${folder}/log`,
    prng: realPrng,
  });
  const planes = { log, blobs, catalog, clock: realClock, scheduler: realScheduler };
  return openTsdb({ ...planes, prng: realPrng });
}

const append: AppendOptions = {
  principal: openPrincipal(DEFAULT_TENANT),
  durability: 'async',
  protocol: 'bench',
  batchId: undefined,
};

/** Writes the samples in order of time, as they would come. */
async function write(storage: Storage, set: readonly Series[]): Promise<void> {
  const refs = set.map(({ labels }) => storage.resolve(DEFAULT_TENANT, labels));
  const next = set.map(() => 0);
  const longest = Math.max(...set.map(({ tUs }) => tUs.length));
  const rounds = Math.max(1, Math.floor(BATCH_SAMPLES / set.length));
  for (let start = 0; start < longest; start += rounds) {
    const builder = new BatchBuilder();
    for (let round = 0; round < rounds; round++)
      for (let s = 0; s < set.length; s++) {
        const { tUs, values } = set[s]!;
        const at = next[s]!;
        if (at === tUs.length) continue;
        builder.f64(refs[s]!, tUs[at]!, 0, values[at]!);
        next[s]!++;
      }
    await storage.append(builder.finish(), append);
  }
}

/** Throws where a bit differs. */
async function verify(storage: Storage, set: readonly Series[]): Promise<void> {
  const missing = new Map(set.map((one) => [labelsKey(one.labels), one]));
  const pin = storage.pin();
  const budget = { take: () => undefined, give: () => undefined };
  const context = {
    principal: append.principal,
    pin,
    signal: new AbortController().signal,
    budget,
  };
  const everything = { matchers: [], startUs: -Infinity, endUs: Infinity, kinds: ALL_KINDS };
  for await (const { labels, chunks } of storage.select(context, everything)) {
    const { tUs, values } = missing.get(labelsKey(labels))!;
    missing.delete(labelsKey(labels));
    let at = 0;
    for (const chunk of chunks) {
      const same =
        sameBits(tUs.subarray(at, at + chunk.count), chunk.tUs) &&
        sameBits(values.subarray(at, at + chunk.count), chunk.values as Float64Array);
      if (!same) throw new Error(`${labels.join(' ')} is not what was written`);
      at += chunk.count;
    }
    if (at !== tUs.length) throw new Error(`${labels.join(' ')}: ${at} samples of ${tUs.length}`);
  }
  pin.release();
  if (missing.size > 0) throw new Error(`${missing.size} series are missing`);
}

function sameBits(a: Float64Array, b: Float64Array): boolean {
  return bytesOf(a).equals(bytesOf(b));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function folderBytes(folder: string): number {
  return globSync('**/*', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** Bytes of data and time columns, and of everything else, in all parts. */
async function partBytes(folder: string): Promise<{ data: number; rest: number }> {
  const blobs = await DirectoryBlobs.open(realFiles, `${folder}/blobs`);
  let data = 0;
  let rest = 0;
  for await (const { name, sizeBytes } of blobs.list('parts/')) {
    const row = { name, sizeBytes, level: 1, partitionUs: 0, seqMin: 0, seqMax: 0, deletesEnd: 0 };
    const totals = { minUs: 0, maxUs: 0, seriesCount: 0, sampleCount: 0 };
    const context = {
      blobs,
      cache: new SectionCache(1e6),
      extents: new ExtentCache(1e6),
      columns: new ColumnCache(0),
      skipCrc: false,
      onCorrupt: () => undefined,
    };
    const tenants = await new Part({ ...row, ...totals }, context).tenants();
    const own = tenants.reduce((sum, { dataSizeBytes }) => sum + dataSizeBytes, 0);
    data += own;
    rest += sizeBytes - own;
  }
  await blobs.close();
  return { data, rest };
}

async function measure(name: string, make: () => Series[]): Promise<void> {
  if (!name.includes(options.only)) return;
  const set = make();
  const samples = set.reduce((sum, { tUs }) => sum + tUs.length, 0);
  const folder = mkdtempSync(join(tmpdir(), 'orrery-disk-'));
  try {
    const storage = await open(folder);
    await write(storage, set);
    const start = process.cpuUsage();
    await storage.compact();
    const { user, system } = process.cpuUsage(start);
    await verify(storage, set);
    await storage.close();
    const { data, rest } = await partBytes(folder);
    const cells = [
      String(samples).padStart(10),
      String(set.length).padStart(8),
      (data / samples).toFixed(4).padStart(10),
      (rest / set.length).toFixed(1).padStart(10),
      (folderBytes(folder) / samples).toFixed(3).padStart(10),
      ((user + system) / samples).toFixed(3).padStart(10),
    ];
    process.stdout.write(`${name.padEnd(24)}${cells.join('')}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

loadKernels();
if (options.record !== undefined) await record(options.record);
process.stdout.write(
  `${''.padEnd(24)}   samples  series    data/sample  index/series  all/sample  compact us/sample\n`,
);
for (const folder of [
  ...options.scrapes,
  ...(options.record === undefined ? [] : [options.record]),
])
  await measure(`scrapes ${folder}`, () => scrapes(folder));
const shared = process.env['ORRERY_SHARED'] ?? join(import.meta.dirname, '..', '..', 'shared');
const kepler = options.kepler ?? resolve(shared, 'data/exoplanets/hew');
if (existsSync(kepler)) await measure('light curves', () => lightCurves(kepler));
await measure('classic histograms', histograms);
