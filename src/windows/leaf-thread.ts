// The other thread's half of a leaf: runs the kernel over the series of a parcel and answers with
// the states of each chunk's groups, or with a column per series. The same code as in the calling
// thread, over the same numbers in the same order: the same bits.
import type { LeafAnnotation } from '../model/storage.ts';
import { addColumn, groupSlotsBytes, groupSlotsIn } from './groups.ts';
import type { GroupSlots } from './groups.ts';
import type { Note } from './float-kernels.ts';
import { KernelRun, runStretch, stepsAtOnce, stretchesOf } from './kernels.ts';
import { ItemDecoder } from './leaf-items.ts';
import { ParcelReader } from './leaf-parcel.ts';
import type { LeafParcel, LeafSpec, ParcelChunk } from './leaf-parcel.ts';
import type { SeriesSamples } from './samples.ts';
import { StepColumn } from './step-column.ts';

export interface LeafAnswer {
  /**
   * Chunk after chunk the states of its groups, or a column per series; unfinished where the
   * parcel was stopped.
   */
  readonly data: ArrayBuffer;
  readonly samplesRead: number;
  /** With the number of the series in the parcel. */
  readonly notes: readonly (readonly [number, LeafAnnotation['level'], string])[];
  /** The memory of the parcel, to be used again. */
  readonly spent: ArrayBuffer;
}

/** Bytes of a column: a double and a presence byte per step. */
export function columnBytes(stepCount: number): number {
  return stepCount * 8 + Math.ceil(stepCount / 8) * 8;
}

/** Bytes that a chunk takes in the answer. */
export function chunkAnswerBytes(
  { aggregation, kernel }: LeafSpec,
  { groupCount, seriesCount }: Pick<ParcelChunk, 'groupCount' | 'seriesCount'>,
): number {
  const { count } = kernel.grid;
  if (aggregation === undefined) return seriesCount * columnBytes(count);
  return groupCount * groupSlotsBytes(aggregation, count);
}

/** A column of an answer: values, then presence. */
export function columnIn(data: ArrayBuffer, place: number, stepCount: number): StepColumn {
  const values = new Float64Array(data, place, stepCount);
  return new StepColumn(stepCount, values, new Uint8Array(data, place + stepCount * 8, stepCount));
}

/** State that a thread keeps from parcel to parcel. */
export class LeafThread {
  #spec: LeafSpec | undefined = undefined;
  #run!: KernelRun;
  #column!: StepColumn;
  readonly #decoder = new ItemDecoder();

  /** Throws what the decoder throws where a block is damaged. */
  answer(parcel: LeafParcel): LeafAnswer {
    const { spec, chunks, stop } = parcel;
    if (this.#spec?.id !== spec.id) {
      this.#spec = spec;
      this.#run = new KernelRun(spec.kernel);
      this.#column = new StepColumn(spec.kernel.grid.count);
    }
    const size = chunks.reduce((sum, chunk) => sum + chunkAnswerBytes(spec, chunk), 0);
    const data = new ArrayBuffer(size);
    const notes: [number, LeafAnnotation['level'], string][] = [];
    const steps = spec.kernel.grid.count;
    let place = 0;
    let number = 0;
    let samplesRead = 0;
    for (const chunk of chunks) {
      const states = statesIn(data, place, spec, chunk);
      const reader = new ParcelReader(parcel.program, parcel.data, chunk.start);
      for (let i = 0; i < chunk.seriesCount; i++, number++) {
        if (Atomics.load(stop, 0) !== 0) return { data, samplesRead, notes, spent: parcel.data };
        const { group, items } = reader.series();
        const note: Note = (level, code) => {
          const isNew = !notes.some((one) => one[0] === number && one[2] === code);
          if (isNew) notes.push([number, level, code]);
        };
        const samples = this.#decoder.samplesOf(items, this.#run.isInstant);
        samplesRead += samples.count;
        const column = states === undefined ? columnIn(data, place, steps) : this.#column;
        if (!this.#runUnless(stop, samples, column, note))
          return { data, samplesRead, notes, spent: parcel.data };
        if (states === undefined) place += columnBytes(steps);
        else {
          addColumn(states[group]!, column, note);
          column.reset();
        }
      }
      if (states !== undefined) place += chunkAnswerBytes(spec, chunk);
    }
    return { data, samplesRead, notes, spent: parcel.data };
  }

  /** False where it was stopped between stretches of steps. */
  #runUnless(stop: Int32Array, samples: SeriesSamples, out: StepColumn, note: Note): boolean {
    const { spec } = this.#run;
    if (stepsAtOnce(spec, samples.count) === spec.grid.count) this.#run.run(samples, out, note);
    else
      for (const stretch of stretchesOf(spec, samples.count)) {
        if (Atomics.load(stop, 0) !== 0) return false;
        runStretch(stretch, samples, out, note);
      }
    return true;
  }
}

/** The states of a chunk's groups in the answer; undefined without grouping. */
export function statesIn(
  data: ArrayBuffer,
  place: number,
  { aggregation, kernel }: LeafSpec,
  { groupCount }: Pick<ParcelChunk, 'groupCount'>,
): GroupSlots[] | undefined {
  if (aggregation === undefined) return undefined;
  const { count } = kernel.grid;
  const size = groupSlotsBytes(aggregation, count);
  return Array.from({ length: groupCount }, (_, group) =>
    groupSlotsIn(data, place + group * size, aggregation, count),
  );
}
