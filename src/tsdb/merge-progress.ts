// What merges have done and are doing, in numbers that only grow, for metrics and the page about
// the storage. Write amplification is (flushed + rewritten) / flushed bytes.
import type { StorageMerge } from '../model/storage.ts';
import type { MergeControl } from './merge-control.ts';
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
  #control: MergeControl | undefined = undefined;
  #totalSamples = 0;

  flushed(row: PartRow): void {
    this.flushedBytes += row.sizeBytes;
  }

  begin(kind: MergeKind, inputs: readonly Part[], control: MergeControl): void {
    this.#control = control;
    this.#totalSamples = inputs.reduce((sum, { row }) => sum + row.sampleCount, 0) * PASSES;
    const sizeBytes = inputs.reduce((sum, { row }) => sum + row.sizeBytes, 0);
    this.#running = { kind, partCount: inputs.length, sizeBytes };
  }

  end(): void {
    this.#running = undefined;
    this.#control = undefined;
  }

  /** A write came. */
  noteWrite(): void {
    this.#control?.noteWrite();
  }

  /** What runs ends at its next pause with AppError unavailable/closed. */
  stop(): void {
    this.#control?.stop();
  }

  merged(kind: MergeKind | 'drop', outputs: readonly PartRow[]): void {
    this.merges[kind]++;
    for (const { sizeBytes } of outputs) this.rewrittenBytes += sizeBytes;
  }

  get running(): StorageMerge | undefined {
    if (this.#running === undefined) return undefined;
    const doneSamples = this.#control?.doneSamples ?? 0;
    const progress = Math.min(1, doneSamples / Math.max(1, this.#totalSamples));
    return { ...this.#running, progress };
  }
}
