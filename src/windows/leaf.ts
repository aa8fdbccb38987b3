// runLeafInThread: the reference of the storage contract's `runLeaf`, in the calling thread.
// Selects, runs the kernel series by series, aggregates by groups. Only one chunk of series
// (limits.ts) is held beside the groups. The result does not depend on how chunks are shared among
// workers (leaf-runner.ts).
import type { LeafPlan, LeafResult, ReadContext, StorageReader } from '../model/storage.ts';
import { KernelRun } from './kernels.ts';
import { metricOf, newLeafSink } from './leaf-sink.ts';
import { gatherSamples } from './samples.ts';
import { stepGrid } from './sliding.ts';
import { StepColumn } from './step-column.ts';

/** Evaluates a leaf plan over a reader; what a storage is given to answer `runLeaf` with. */
export type RunLeaf = (
  reader: Pick<StorageReader, 'select' | 'selectBlocks'>,
  context: ReadContext,
  plan: LeafPlan,
) => Promise<LeafResult>;

const WITHOUT_PAUSE = { pause: () => undefined };

/** Evaluates a leaf plan over `reader.select`. Rejects with the signal's reason when aborted. */
export async function runLeafInThread(
  reader: Pick<StorageReader, 'select'>,
  context: ReadContext,
  plan: LeafPlan,
): Promise<LeafResult> {
  const grid = stepGrid(plan.startUs, plan.endUs, plan.stepUs);
  const run = new KernelRun({ ...plan, grid });
  const sink = newLeafSink(plan, grid.count, context);
  const { notes } = sink;
  let seriesRead = 0;
  let samplesRead = 0;
  const request = { matchers: plan.matchers, kinds: plan.kinds, ...run.sampleRange };
  let column = new StepColumn(grid.count);
  for await (const series of reader.select(context, request)) {
    context.signal.throwIfAborted();
    const samples = gatherSamples(series.chunks, run.isInstant);
    seriesRead++;
    samplesRead += samples.count + (samples.histograms?.count ?? 0);
    notes.metric = metricOf(series.labels);
    run.run(samples, column, notes.note);
    if (sink.add(series.labels, column)) column = new StepColumn(grid.count);
    else column.reset();
  }
  return {
    stepCount: grid.count,
    groups: await sink.finish(WITHOUT_PAUSE),
    annotations: notes.all(),
    seriesRead,
    samplesRead,
  };
}
