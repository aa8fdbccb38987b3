// `npm run bench:merge`: CPU of flushes and merges over planes in RAM, per million samples: what a
// sample costs to move from the head into a part, and again each time a merge rewrites it (reading
// its inputs, encoding, proving the output). `--series N`, `--flushes N`, `--samples N` (a series
// and flush), `--overlap` rewrites a tenth of each flush in the next one, `--uids` gives each a
// label with a value of its own that says nothing of its place in the order of labels.
import { parseArgs } from 'node:util';
import { realClock } from '../src/app/real/clock.ts';
import { loadKernels } from '../src/app/real/kernels.ts';
import { realScheduler } from '../src/app/real/scheduler.ts';
import { BatchBuilder } from '../src/model/batch-builder.ts';
import { labelsFromObject } from '../src/model/labels.ts';
import type { Storage } from '../src/model/storage.ts';
import { seededPrng } from '../src/stdx/prng.ts';
import { appendOptions } from '../test/contract/contexts.ts';
import { TsdbUnderTest } from '../test/contract/tsdb-under-test.ts';
import { answerHelp } from './help.ts';

answerHelp(import.meta.filename);

const { values } = parseArgs({
  options: {
    series: { type: 'string', default: '1000' },
    flushes: { type: 'string', default: '8' },
    samples: { type: 'string', default: '360' },
    runs: { type: 'string', default: '3' },
    overlap: { type: 'boolean', default: false },
    uids: { type: 'boolean', default: false },
  },
});
const SERIES = Number(values.series);
const FLUSHES = Number(values.flushes);
const SAMPLES = Number(values.samples);
const START_US = 1_790_000_000_000_000;
const STEP_US = 10_000_000;

/** Counters, gauges and noisy doubles in turn. */
function valueOf(series: number, k: number, noise: number): number {
  if (series % 3 === 0) return k * (series % 11) + (noise % 5);
  if (series % 3 === 1) return (noise % 1000) / 10;
  return noise / 4294967296;
}

/** Unique, because the factor is odd. */
function uidOf(series: number): string {
  return (Math.imul(series, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
}

async function fill(storage: Storage, flush: number): Promise<void> {
  const prng = seededPrng(flush + 1);
  const refs = Array.from({ length: SERIES }, (_, i) =>
    storage.resolve(
      'default',
      labelsFromObject({
        __name__: `metric_${i % 50}`,
        instance: `host-${i}`,
        job: 'bench',
        ...(values.uids ? { uid: uidOf(i) } : {}),
      }),
    ),
  );
  const from = flush * SAMPLES - (values.overlap && flush > 0 ? Math.floor(SAMPLES / 10) : 0);
  for (let k = from; k < (flush + 1) * SAMPLES; k++) {
    const builder = new BatchBuilder();
    for (let i = 0; i < SERIES; i++)
      builder.f64(refs[i]!, START_US + k * STEP_US, 0, valueOf(i, k, prng.u32()));
    await storage.append(builder.finish(), appendOptions());
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const flushMs: number[] = [];
const mergeMs: number[] = [];
loadKernels();
const sampleCount = SERIES * FLUSHES * SAMPLES;
let sizeBytes = 0;
for (let run = 0; run < Number(values.runs); run++) {
  const under = await new TsdbUnderTest({
    clock: realClock,
    scheduler: realScheduler,
    settings: { flushIntervalMs: 0, logTailMaxBytes: 1e12 },
  }).open();
  let flushing = 0;
  for (let flush = 0; flush < FLUSHES; flush++) {
    await fill(under.storage, flush);
    const before = cpuMs();
    await under.storage.flush();
    flushing += cpuMs() - before;
  }
  flushMs.push(flushing);
  const before = cpuMs();
  await under.storage.compact();
  mergeMs.push(cpuMs() - before);
  sizeBytes = under.storage.stats().dataSizeBytes;
  await under.storage.close();
}
const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
const million = sampleCount / 1e6;
console.log(
  `${sampleCount} samples, ${(sizeBytes / sampleCount).toFixed(3)} B/sample; CPU ms per million: ` +
    `flush ${(median(flushMs) / million).toFixed(0)}, merge ${(median(mergeMs) / million).toFixed(0)}`,
);
