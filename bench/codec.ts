// `npm run bench:codec`: sizes and speeds of the codec on generated kinds of series, on classic
// and native histograms, on vectors of the head, and on real data: `--scrapes DIR` (text files in
// order of their names, one node_exporter scrape each, stamped 15 s apart), `--kepler DIR` (light
// curves). Everything is decoded and compared bit by bit. Sizes are bytes a sample; speeds million
// samples a second of processor time, one thread. `--kind TEXT` for some, `--block N` for shorter
// blocks, `--reference` without kernels, `--json` for programs.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { decodeBlock, encodeBlock } from '../src/codec/block.ts';
import { readHistograms, writeHistograms } from '../src/codec/column-histogram.ts';
import type { HistogramShape } from '../src/codec/column-histogram.ts';
import { readSiblingDoubles, writeSiblingDoubles } from '../src/codec/column-sibling.ts';
import {
  MODE,
  readColumn,
  readDoubles,
  readTimes,
  writeDoubles,
  writeTimes,
} from '../src/codec/column.ts';
import { createColumnKernel, kernelTarget, useColumnKernel } from '../src/codec/kernels.ts';
import { BLOCK_COUNT_MAX, VECTOR_COUNT_MAX } from '../src/codec/limits.ts';
import { ByteReader, ByteWriter } from '../src/codec/varint.ts';
import { encodeVector } from '../src/codec/vector-encode.ts';
import { VECTOR_SCRATCH_BYTES, createVectorKernel } from '../src/codec/vector-kernel.ts';
import { classicHistogram, seriesKinds, timeKinds } from './codec-kinds.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const STEP_US = 15e6;
const START_US = 1.76e15;
const SERIES_COUNT = 50;
const MEASURE_MS = 120;
const VECTOR_SERIES_COUNT = 20;

const { values: options } = parseArgs({
  options: {
    scrapes: { type: 'string' },
    kepler: { type: 'string' },
    kind: { type: 'string', default: '' },
    reference: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    block: { type: 'string', default: String(BLOCK_COUNT_MAX) },
  },
});

function moduleOf(name: string): WebAssembly.Module {
  const path = new URL(`../dist/wasm/${name}.wasm`, import.meta.url);
  return new WebAssembly.Module(readFileSync(path));
}

if (!options.reference) useColumnKernel(createColumnKernel(moduleOf('columns')));
const blockCount = Math.min(Number(options.block), BLOCK_COUNT_MAX);
const target = kernelTarget();
const columnOut = new ByteWriter(1 << 17);
const columnScratch = new ByteWriter(1 << 17);
const modeNames = Object.fromEntries(Object.entries(MODE).map(([name, mode]) => [mode, name]));

// ---------------------------------------------------------------- tables

type Row = Readonly<Record<string, string | number>>;
const results: Record<string, Row[]> = {};

function cell(value: string | number): string {
  return typeof value === 'string' ? value : value.toFixed(value < 10 ? 4 : 0).padStart(9);
}

/** Rows of one table as they come; with --json nothing is printed before the end. */
function report(table: string, row: Row): void {
  const rows = (results[table] ??= []);
  rows.push(row);
  if (options.json) return;
  const [name, ...cells] = Object.entries(row);
  const heads = cells.map(([head, value]) => (typeof value === 'string' ? head : head.padStart(9)));
  if (rows.length === 1) process.stdout.write(`\n${table.padEnd(28)}${heads.join(' ')}\n`);
  const line = cells.map(([, value]) => cell(value)).join(' ');
  process.stdout.write(`${String(name![1]).padEnd(28)}${line}\n`);
}

/** Million samples per second of processor time. */
function speed(samples: number, run: () => void): number {
  run();
  let best = 0;
  for (let round = 0; round < 3; round++) {
    const start = process.cpuUsage();
    let runs = 0;
    let spent = 0;
    do {
      run();
      runs++;
      const { user, system } = process.cpuUsage(start);
      spent = user + system;
    } while (spent < MEASURE_MS * 1000);
    best = Math.max(best, (samples * runs) / spent);
  }
  return best;
}

function bytesOf(values: ArrayBufferView): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function mustBeSame(name: string, a: ArrayBufferView, b: ArrayBufferView): void {
  if (!bytesOf(a).equals(bytesOf(b))) throw new Error(`${name}: a column does not come back`);
}

// ---------------------------------------------------------------- blocks

interface Piece {
  readonly kind: 0;
  readonly count: number;
  readonly tUs: Float64Array;
  readonly values: Float64Array;
  readonly subNs: undefined;
  readonly startUs: undefined;
  readonly position: undefined;
}

function pieces(series: readonly Float64Array[]): Piece[] {
  const none = { subNs: undefined, startUs: undefined, position: undefined };
  return series.flatMap((values) => {
    const out: Piece[] = [];
    for (let from = 0; from < values.length; from += blockCount) {
      const part = values.slice(from, from + blockCount);
      const tUs = Float64Array.from(part, (_, i) => START_US + (from + i) * STEP_US);
      out.push({ kind: 0, count: part.length, tUs, values: part, ...none });
    }
    return out;
  });
}

/** Value columns alone, and whole blocks with their own times. */
function measure(name: string, series: readonly Float64Array[], reference?: number): void {
  const blocks = pieces(series);
  const samples = blocks.reduce((sum, { count }) => sum + count, 0);
  const modes = new Map<string, number>();
  const columns = blocks.map(({ values, count }) => {
    columnOut.reset();
    writeDoubles(columnOut, columnScratch, values, count);
    const mode = modeNames[columnOut.bytes()[0]!]!;
    modes.set(mode, (modes.get(mode) ?? 0) + 1);
    return columnOut.take();
  });
  const encoded = blocks.map((block) => {
    encodeBlock(columnOut, block);
    return columnOut.take();
  });
  const decodeColumn = (i: number): Float64Array => {
    const { count } = blocks[i]!;
    const column = readColumn(new ByteReader(columns[i]!));
    return readDoubles(column, count, target.values.subarray(0, count));
  };
  for (const [i, block] of blocks.entries()) {
    mustBeSame(name, decodeColumn(i), block.values);
    const { values, tUs } = decodeBlock(encoded[i]!, 0);
    mustBeSame(name, values as Float64Array, block.values);
    mustBeSame(name, tUs, block.tUs);
  }
  const perSample = (list: readonly Uint8Array[]): number =>
    list.reduce((sum, { length }) => sum + length, 0) / samples;
  const encode = speed(samples, () => {
    for (const { values, count } of blocks) {
      columnOut.reset();
      writeDoubles(columnOut, columnScratch, values, count);
    }
  });
  const decode = speed(samples, () => {
    for (let i = 0; i < blocks.length; i++) decodeColumn(i);
  });
  const decodeBlocks = speed(samples, () => {
    for (const bytes of encoded) decodeBlock(bytes, 0, { target });
  });
  const size = perSample(columns);
  report(`blocks of ${blockCount}`, {
    name,
    value: size,
    ...(reference === undefined ? {} : { reference, ratio: size / reference }),
    block: perSample(encoded),
    encode,
    decode,
    'block dec': decodeBlocks,
    modes: [...modes].map(([mode, count]) => `${mode} ${count}`).join(', '),
  });
}

function measureTimes(name: string, tUs: Float64Array): void {
  const sizes = [120, 1024, 8192].map((count) => {
    let bytes = 0;
    let samples = 0;
    for (let from = 0; from + count <= tUs.length; from += count) {
      columnOut.reset();
      writeTimes(columnOut, columnScratch, tUs.slice(from, from + count), count);
      bytes += columnOut.size;
      samples += count;
    }
    return [String(count), bytes / samples] as const;
  });
  const count = tUs.length;
  const bytes = columnOut.take();
  const place = { count, firstUs: tUs[0]! };
  const decode = (): Float64Array =>
    readTimes(readColumn(new ByteReader(bytes)), place, target.tUs.subarray(0, count));
  mustBeSame(name, decode(), tUs);
  report('times', { name, ...Object.fromEntries(sizes), decode: speed(count, decode) });
}

// ---------------------------------------------------------------- histograms

/** Buckets alone and each beside the bucket before it. */
function measureClassic(): void {
  const count = blockCount;
  const columns = classicHistogram(count, 1);
  const samples = count * columns.length;
  const none = new Float64Array(count);
  const write = (b: number): void => {
    const sibling = columns[b - 1] ?? none;
    writeSiblingDoubles(columnOut, columnScratch, columns[b]!, { sibling, count });
  };
  let alone = 0;
  const encoded = columns.map((values, b) => {
    columnOut.reset();
    writeDoubles(columnOut, columnScratch, values, count);
    alone += columnOut.size;
    columnOut.reset();
    write(b);
    return columnOut.take();
  });
  const buckets = columns.map(() => new Float64Array(count));
  const decode = (): void => {
    for (const [b, bytes] of encoded.entries())
      readSiblingDoubles(
        readColumn(new ByteReader(bytes)),
        buckets[b - 1] ?? none,
        count,
        buckets[b],
      );
  };
  decode();
  for (const [b, column] of columns.entries()) mustBeSame('classic histogram', buckets[b]!, column);
  report('histograms', {
    name: 'classic, 12 buckets',
    alone: alone / samples,
    beside: encoded.reduce((sum, { length }) => sum + length, 0) / samples,
    encode: speed(samples, () => {
      for (let b = 0; b < columns.length; b++) {
        columnOut.reset();
        write(b);
      }
    }),
    decode: speed(samples, decode),
  });
}

/** Native histograms with as many buckets: bytes a histogram and a bucket. */
function measureNative(): void {
  const count = Math.min(2048, blockCount);
  const columns = classicHistogram(count, 2);
  const values = Array.from({ length: count }, (_, i): HistogramShape => {
    const buckets = columns.map((column, b) => column[i]! - (columns[b - 1]?.[i] ?? 0));
    return {
      isInteger: true,
      schema: 3,
      zeroThreshold: 2.938_735_877_055_719e-39,
      zeroCount: 0,
      count: columns.at(-1)![i]!,
      sum: Math.round(columns.at(-1)![i]! * 41.6) / 1000,
      counterResetHint: 2,
      positiveSpans: [{ offset: -8, length: buckets.length }],
      positiveBuckets: Float64Array.from(buckets),
      negativeSpans: [],
      negativeBuckets: new Float64Array(0),
      customValues: new Float64Array(0),
    };
  });
  columnOut.reset();
  writeHistograms(columnOut, columnScratch, values, count);
  const bytes = columnOut.take();
  const decode = (): HistogramShape[] => readHistograms(readColumn(new ByteReader(bytes)), count);
  for (const [i, one] of decode().entries())
    mustBeSame('native histogram', one.positiveBuckets, values[i]!.positiveBuckets);
  report('native histograms', {
    name: 'one shape, 12 buckets',
    histogram: bytes.length / count,
    bucket: bytes.length / count / columns.length,
    encode: speed(count, () => {
      columnOut.reset();
      writeHistograms(columnOut, columnScratch, values, count);
    }),
    decode: speed(count, decode),
  });
}

// ---------------------------------------------------------------- vectors

/** Vectors of the head, decoded in place in a shared memory. */
function measureVectors(name: string, series: readonly Float64Array[]): void {
  const vectors = series.flatMap((values) => {
    const whole = Math.floor(values.length / VECTOR_COUNT_MAX);
    return Array.from({ length: whole }, (_, v) =>
      values.slice(v * VECTOR_COUNT_MAX, (v + 1) * VECTOR_COUNT_MAX),
    );
  });
  const memory = new WebAssembly.Memory({ initial: 256, maximum: 256, shared: true });
  const kernel = createVectorKernel(moduleOf('vector'), memory);
  const bytes = new Uint8Array(memory.buffer);
  const [scratchAt, outAt] = [65_536, 65_536 + VECTOR_SCRATCH_BYTES];
  const places: { readonly at: number; readonly end: number }[] = [];
  let at = outAt + VECTOR_COUNT_MAX * 8;
  const from = at;
  for (const values of vectors) {
    columnOut.reset();
    encodeVector(columnOut, values, VECTOR_COUNT_MAX);
    bytes.set(columnOut.bytes(), at);
    places.push({ at, end: at + columnOut.size });
    at += columnOut.size;
  }
  const back = new Float64Array(memory.buffer, outAt, VECTOR_COUNT_MAX);
  const decode = (v: number): void => {
    const { at: start, end } = places[v]!;
    if (kernel.decodeDoubles(scratchAt, start, end, VECTOR_COUNT_MAX, outAt) === 0)
      throw new Error(`${name}: vector ${v} is refused`);
  };
  for (const [v, values] of vectors.entries()) {
    decode(v);
    mustBeSame(name, back, values);
  }
  const samples = vectors.length * VECTOR_COUNT_MAX;
  report('vectors of the head', {
    name,
    size: (at - from) / samples,
    encode: speed(samples, () => {
      for (const values of vectors) {
        columnOut.reset();
        encodeVector(columnOut, values, VECTOR_COUNT_MAX);
      }
    }),
    decode: speed(samples, () => {
      for (let v = 0; v < places.length; v++) decode(v);
    }),
  });
}

// ---------------------------------------------------------------- real data

/** One column per series of the exposition texts in `folder`; series of every scrape only. */
function readScrapes(folder: string): Float64Array[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .toSorted();
  const columns = new Map<string, Float64Array>();
  const seen = new Map<string, number>();
  for (const [i, file] of files.entries())
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const end = line.lastIndexOf(' ');
      const name = line.slice(0, end);
      let column = columns.get(name);
      if (column === undefined) columns.set(name, (column = new Float64Array(files.length)));
      column[i] = Number(line.slice(end + 1).replace('Inf', 'Infinity'));
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
  return [...columns].filter(([name]) => seen.get(name) === files.length).map(([, c]) => c);
}

/** Light curves with times of their own: bytes a point of times, of values, of both. */
function measureKepler(folder: string): void {
  let times = 0;
  let values = 0;
  let points = 0;
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.csv.gz'))) {
    const text = gunzipSync(readFileSync(join(folder, file))).toString();
    const rows = text.trim().split('\n').slice(1);
    const cells = rows.map((row) => row.split(',').map(Number));
    for (let from = 0; from < cells.length; from += blockCount) {
      const part = cells.slice(from, from + blockCount);
      const tUs = Float64Array.from(part, ([t]) => t!);
      const flux = Float64Array.from(part, (row) => row[1]!);
      const count = part.length;
      columnOut.reset();
      writeTimes(columnOut, columnScratch, tUs, count);
      times += columnOut.size;
      const place = { count, firstUs: tUs[0]! };
      const column = readColumn(new ByteReader(columnOut.bytes()));
      mustBeSame(file, readTimes(column, place, new Float64Array(count)), tUs);
      columnOut.reset();
      writeDoubles(columnOut, columnScratch, flux, count);
      values += columnOut.size;
      mustBeSame(file, readDoubles(readColumn(new ByteReader(columnOut.bytes())), count), flux);
      points += count;
    }
  }
  const both = (times + values) / points;
  report('Kepler', {
    name: `${points} points`,
    times: times / points,
    values: values / points,
    both,
  });
}

// ---------------------------------------------------------------- all of it

/** Series of one kind, each as long as a block may be. */
function seriesOf(
  count: number,
  make: (count: number, seed: number) => Float64Array,
): Float64Array[] {
  return Array.from({ length: count }, (_, i) => make(BLOCK_COUNT_MAX, i));
}

if (options.scrapes !== undefined) {
  const scrapes = readScrapes(options.scrapes);
  measure('scrapes', scrapes);
  if (!options.reference) measureVectors('scrapes', scrapes);
}
if (options.kepler !== undefined) measureKepler(options.kepler);
if (options.scrapes === undefined && options.kepler === undefined) {
  const kinds = seriesKinds.filter(({ name }) => name.includes(options.kind));
  for (const { name, make, reference } of kinds)
    measure(name, seriesOf(SERIES_COUNT, make), reference);
  if (!options.reference)
    for (const { name, make } of kinds) measureVectors(name, seriesOf(VECTOR_SERIES_COUNT, make));
  if (options.kind === '') {
    measureClassic();
    measureNative();
    for (const { name, make } of timeKinds) measureTimes(name, make(BLOCK_COUNT_MAX, 9));
  }
}
if (options.json) process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
