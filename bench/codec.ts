// `npm run bench:codec`: size and speed of the block codec on generated kinds of series, and on
// real scrapes where a folder of them is given (`-- --scrapes DIR`: text files in order of their
// names, one scrape each). Every block is decoded and compared bit by bit. Sizes: bytes per sample
// of the value column alone and of whole blocks (header, aggregates, times on a grid of 15 s).
// Speeds: million samples a second of processor time, one thread, whole blocks. `--reference`:
// without kernels.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeBlock, encodeBlock } from '../src/codec/block.ts';
import { MODE, writeDoubles, writeTimes } from '../src/codec/column.ts';
import { createColumnKernel, kernelTarget, useColumnKernel } from '../src/codec/kernels.ts';
import { BLOCK_COUNT_MAX } from '../src/codec/limits.ts';
import { ByteWriter } from '../src/codec/varint.ts';
import { seriesKinds, timeKinds } from './codec-kinds.ts';

const STEP_US = 15e6;
const START_US = 1.76e15;
const SERIES_COUNT = 50;
const SAMPLE_COUNT = 8640;
const MEASURE_MS = 120;

const { values: options } = parseArgs({
  options: {
    scrapes: { type: 'string' },
    kind: { type: 'string' },
    reference: { type: 'boolean', default: false },
    block: { type: 'string', default: String(BLOCK_COUNT_MAX) },
  },
});
if (!options.reference) {
  const wasm = readFileSync(new URL('../dist/wasm/columns.wasm', import.meta.url));
  useColumnKernel(createColumnKernel(new WebAssembly.Module(wasm)));
}
const blockCount = Math.min(Number(options.block), BLOCK_COUNT_MAX);

const target = kernelTarget();
const columnOut = new ByteWriter(1 << 17);
const columnScratch = new ByteWriter(1 << 17);
const modeNames = Object.fromEntries(Object.entries(MODE).map(([name, mode]) => [mode, name]));

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

function bytesOf(values: Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function sameBits(a: Float64Array, b: Float64Array): boolean {
  return bytesOf(a).equals(bytesOf(b));
}

function measure(name: string, series: readonly Float64Array[]): void {
  const blocks = pieces(series);
  const samples = blocks.reduce((sum, { count }) => sum + count, 0);
  const modes = new Map<string, number>();
  let columnBytes = 0;
  const encoded = blocks.map((block) => {
    columnOut.reset();
    writeDoubles(columnOut, columnScratch, block.values, block.count);
    columnBytes += columnOut.size;
    const mode = modeNames[columnOut.bytes()[0]!]!;
    modes.set(mode, (modes.get(mode) ?? 0) + 1);
    columnOut.reset();
    encodeBlock(columnOut, block);
    return columnOut.take();
  });
  for (const [i, bytes] of encoded.entries()) {
    const { values, tUs } = decodeBlock(bytes, 0);
    if (!sameBits(values as Float64Array, blocks[i]!.values) || !sameBits(tUs, blocks[i]!.tUs))
      throw new Error(`${name}: block ${i} does not come back`);
  }
  const blockBytes = encoded.reduce((sum, { length }) => sum + length, 0);
  const encode = speed(samples, () => {
    for (const block of blocks) {
      columnOut.reset();
      encodeBlock(columnOut, block);
    }
  });
  const decode = speed(samples, () => {
    for (const bytes of encoded) decodeBlock(bytes, 0, { target });
  });
  const cells = [columnBytes / samples, blockBytes / samples].map((x) => x.toFixed(4).padStart(8));
  const speeds = [encode, decode].map((x) => x.toFixed(1).padStart(8));
  const used = [...modes].map(([mode, count]) => `${mode} ${count}`).join(', ');
  process.stdout.write(`${name.padEnd(26)}${cells.join('')}${speeds.join('')}  ${used}\n`);
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
    return (bytes / samples).toFixed(4).padStart(8);
  });
  process.stdout.write(`${name.padEnd(26)}${sizes.join('')}\n`);
}

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

process.stdout.write(`blocks of ${blockCount}\n${''.padEnd(26)}   value   block  encode  decode\n`);
if (options.scrapes === undefined) {
  for (const { name, make } of seriesKinds)
    if (options.kind === undefined || name.includes(options.kind))
      measure(
        name,
        Array.from({ length: SERIES_COUNT }, (_, i) => make(SAMPLE_COUNT, i)),
      );
  process.stdout.write(`\ntimes, bytes a sample${''.padEnd(5)}     120    1024    8192\n`);
  for (const { name, make } of timeKinds) measureTimes(name, make(8192, 9));
} else measure('scrapes', readScrapes(options.scrapes));
