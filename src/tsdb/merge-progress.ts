// What merges have done and are doing, in numbers that only grow, for metrics and the page about
// the storage. Write amplification is (flushed + rewritten) / flushed bytes.
import type { StorageMerge } from '../model/storage.ts';
import type { MergeKind } from './merge-plan.ts';
import type { PartRow } from './part-format.ts';
import type { Part } from './part-reader.ts';

/** Inputs are read once, outputs once more for the proof. */
const PASSES = 2;

export class MergeProgress {
  flushedBytes = 0;
  rewrittenBytes = 0;
  readonly merges: Record<MergeKind | 'drop', number> = {
    divide: 0,
    rewrite: 0,
    merge: 0,
    widen: 0,
    drop: 0,
  };
  #running: Omit<StorageMerge, 'progress'> | undefined = undefined;
  #doneSamples = 0;
  #totalSamples = 0;

  flushed(row: PartRow): void {
    this.flushedBytes += row.sizeBytes;
  }

  begin(kind: MergeKind, inputs: readonly Part[]): void {
    this.#doneSamples = 0;
    this.#totalSamples = inputs.reduce((sum, { row }) => sum + row.sampleCount, 0) * PASSES;
    const sizeBytes = inputs.reduce((sum, { row }) => sum + row.sizeBytes, 0);
    this.#running = { kind, partCount: inputs.length, sizeBytes };
  }

  /** Samples read. */
  advance(count: number): void {
    this.#doneSamples += count;
  }

  end(): void {
    this.#running = undefined;
  }

  merged(kind: MergeKind | 'drop', outputs: readonly PartRow[]): void {
    this.merges[kind]++;
    for (const { sizeBytes } of outputs) this.rewrittenBytes += sizeBytes;
  }

  get running(): StorageMerge | undefined {
    if (this.#running === undefined) return undefined;
    const progress = Math.min(1, this.#doneSamples / Math.max(1, this.#totalSamples));
    return { ...this.#running, progress };
  }
}
