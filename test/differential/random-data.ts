// The series that random expressions are about: counters, gauges, classic buckets, infos, native
// histograms of both kinds, and a name that has floats and histograms.
import { seededPrng } from '../../src/stdx/prng.ts';
import type { FittingSeries } from './fitting-series.ts';
import type { RandomMetric } from './random-expressions.ts';
import { writeWalks } from './remote-write.ts';
import { nativeWalkOf, walkOf } from './sample-walks.ts';

const JOBS = ['a', 'b'];
const INSTANCES = ['i1', 'i2', 'j3'];
const PLACE = { job: JOBS, instance: INSTANCES };
const LES = ['0.1', '0.5', '1', '2.5', '10', '+Inf'];
const SAMPLES = 240;
const STEP_MS = 15_000;

export const RANDOM_METRICS: readonly RandomMetric[] = [
  { name: 'requests_total', holds: 'floats', labels: { ...PLACE, code: ['200', '500'] } },
  { name: 'load', holds: 'floats', labels: { ...PLACE, zone: ['z1', 'z2'] } },
  { name: 'queue', holds: 'floats', labels: PLACE },
  { name: 'latency_bucket', holds: 'floats', labels: { ...PLACE, le: LES } },
  { name: 'target_info', holds: 'floats', labels: { ...PLACE, version: ['v1'] } },
  { name: 'build_info', holds: 'floats', labels: { ...PLACE, version: ['v2'] } },
  { name: 'latency', holds: 'histograms', labels: { ...PLACE, code: ['200', '500'] } },
  { name: 'custom', holds: 'histograms', labels: PLACE },
  {
    name: 'mixed',
    holds: 'both',
    labels: { ...PLACE, zone: ['z1', 'z2'] },
    apart: { label: 'zone', floats: 'z2', histograms: 'z1' },
  },
];

const GAUGES = new Set(['load', 'queue', 'mixed']);

function shapeOf(name: string): FittingSeries['shape'] {
  if (name.endsWith('_bucket')) return 'bucket';
  if (name.endsWith('_info')) return 'one';
  return GAUGES.has(name) ? 'gauge' : 'counter';
}

function* labelSets({ name, labels }: RandomMetric): Generator<Record<string, string>> {
  let sets: Record<string, string>[] = [{ __name__: name }];
  for (const [label, values] of Object.entries(labels))
    sets = sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value })));
  yield* sets;
}

/** Writes the same hour of samples to all; the largest magnitude among them. */
export async function writeRandomSeries(endMs: number, urls: readonly string[]): Promise<number> {
  const prng = seededPrng(7);
  const times = { startMs: endMs - (SAMPLES - 1) * STEP_MS, stepMs: STEP_MS, count: SAMPLES };
  const walks = [];
  const natives = [];
  for (const metric of RANDOM_METRICS)
    for (const labels of labelSets(metric)) {
      const isNative =
        metric.holds === 'histograms' || (metric.holds === 'both' && labels['zone'] === 'z1');
      if (isNative) natives.push(nativeWalkOf(labels, times, metric.name === 'custom', prng));
      else walks.push(walkOf({ labels, shape: shapeOf(metric.name) }, times, prng));
    }
  await writeWalks([...walks, ...natives], urls);
  const magnitudes = walks.flatMap(({ values }) => values.map(Math.abs).filter(Number.isFinite));
  return magnitudes.reduce((largest, value) => Math.max(largest, value), 0);
}
