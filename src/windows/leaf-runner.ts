// runLeaf with the help of other threads. The calling thread selects and never decodes more than
// LEAF_IN_THREAD_SAMPLES, nor for longer than LEAF_IN_THREAD_MS: what comes after is copied into
// parcels (leaf-parcel.ts) that other threads work off (leaf-thread.ts), and their answers are
// merged in the order of the chunks. So the result has the same bits as runLeafInThread gives, for
// any number of threads.
//
// Samples that are objects (native histograms) stay here: the chunk that has one is computed in
// this thread, after everything before it has been merged. The calling thread works in slices of
// LEAF_SLICE_MS. What a parcel and its answer hold is taken from the query's budget.
//
// A thread that is lost fails this leaf only. Where a task throws (a damaged block), the leaf is
// repeated by runLeafInThread, whose reader names the place.
import { CodecError } from '../codec/varint.ts';
import type { Labels } from '../model/labels.ts';
import type { LeafPlan, LeafResult, ReadContext } from '../model/storage.ts';
import { AppError } from '../model/errors.ts';
import type { Clock } from '../stdx/clock.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { WorkerLostError } from '../stdx/worker-pool.ts';
import type { WorkerPool } from '../stdx/worker-pool.ts';
import { KernelRun, runStretch, stepsAtOnce, stretchesOf } from './kernels.ts';
import { runLeafInThread } from './leaf.ts';
import type { RunLeaf } from './leaf.ts';
import { isObjectKind, ItemDecoder, itemsIn } from './leaf-items.ts';
import type { LeafItem } from './leaf-items.ts';
import { ParcelWriter } from './leaf-parcel.ts';
import type { LeafParcel, LeafSpec, ParcelChunk } from './leaf-parcel.ts';
import { metricOf, mergeState, newLeafSink, SeriesSink } from './leaf-sink.ts';
import type { Group, LeafSink } from './leaf-sink.ts';
import { Slices } from './leaf-slices.ts';
import { chunkAnswerBytes, columnBytes, columnIn, statesIn } from './leaf-thread.ts';
import type { LeafAnswer } from './leaf-thread.ts';
import {
  LEAF_CHUNK_SERIES,
  LEAF_IN_THREAD_MS,
  LEAF_IN_THREAD_SAMPLES,
  PARCEL_BYTES,
  PARCEL_SAMPLES,
  PARCELS_PER_THREAD,
} from './limits.ts';
import type { SeriesSamples } from './samples.ts';
import { stepGrid } from './sliding.ts';
import { StepColumns } from './step-column.ts';
import type { StepColumn } from './step-column.ts';

export interface LeafRunnerOptions {
  readonly pool: WorkerPool<LeafParcel, LeafAnswer>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Instead of the bounds of the same names, for tests. */
  readonly inThreadSamples?: number;
  readonly parcelSamples?: number;
}

/** A `runLeaf` for storages of this process. */
export function leafRunner(options: LeafRunnerOptions): RunLeaf {
  let id = 0;
  return async (reader, context, plan) => {
    const leaf = new SharedLeaf(options, context, plan, ++id);
    try {
      return await leaf.run(reader);
    } catch (error) {
      // Neither knows which part and which place; the reader's own decoding says it.
      if (!(error instanceof TaskFailed || error instanceof CodecError)) throw error;
      leaf.drop();
      return await runLeafInThread(reader, context, plan);
    }
  };
}

/** Another thread threw; the cause is a copy without its class. */
class TaskFailed extends Error {}

/** What the calling thread knows of a chunk that another thread computes. */
interface SentChunk extends ParcelChunk {
  readonly labels: readonly Labels[];
  /** In the order of their numbers in the parcel. */
  readonly groups: readonly Group[];
}

interface SentParcel {
  readonly chunks: readonly SentChunk[];
  readonly heldBytes: number;
  readonly answer: Promise<LeafAnswer>;
}

class SharedLeaf {
  readonly #options: LeafRunnerOptions;
  readonly #context: ReadContext;
  readonly #plan: LeafPlan;
  readonly #spec: LeafSpec;
  readonly #run: KernelRun;
  readonly #sink: LeafSink;
  readonly #slices: Slices;
  readonly #decoder = new ItemDecoder();
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #columns: StepColumns;
  #column: StepColumn;
  #seriesRead = 0;
  #samplesRead = 0;
  /** What this thread has spent on samples. */
  #computedMs = 0;
  /** Series of the chunk at hand; their groups, where it is written into a parcel. */
  #labels: Labels[] = [];
  #groups: Group[] = [];
  #isPacked = false;
  /** Samples of the chunk at hand. */
  #chunkSamples = 0;
  #writer: ParcelWriter | undefined = undefined;
  #chunks: SentChunk[] = [];
  #sent: SentParcel[] = [];
  #spare: ArrayBuffer | undefined = undefined;

  constructor(options: LeafRunnerOptions, context: ReadContext, plan: LeafPlan, id: number) {
    const grid = stepGrid(plan.startUs, plan.endUs, plan.stepUs);
    const { kernel, windowUs, lookbackUs, bounds, args } = plan;
    this.#options = options;
    this.#context = context;
    this.#plan = plan;
    this.#spec = {
      id,
      kernel: { kernel, grid, windowUs, lookbackUs, bounds, args },
      aggregation: plan.grouping?.aggregation,
    };
    this.#run = new KernelRun(this.#spec.kernel);
    this.#sink = newLeafSink(plan, grid.count, context);
    this.#columns = new StepColumns(grid.count);
    this.#column = this.#columns.next();
    this.#slices = new Slices(options.clock, options.scheduler);
  }

  async run(reader: Parameters<RunLeaf>[0]): Promise<LeafResult> {
    const { signal } = this.#context;
    const stop = (): void => {
      Atomics.store(this.#stop, 0, 1);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.#read(reader);
      if (this.#writer !== undefined) await this.#endPacked(this.#writer, true);
      while (this.#sent.length > 0) await this.#mergeOldest();
      signal.throwIfAborted();
    } finally {
      stop();
      signal.removeEventListener('abort', stop);
      await this.#settle();
    }
    return {
      stepCount: this.#spec.kernel.grid.count,
      groups: await this.#sink.finish(this.#slices),
      annotations: this.#sink.notes.all(),
      seriesRead: this.#seriesRead,
      samplesRead: this.#samplesRead,
    };
  }

  /** Gives back what the groups took. */
  drop(): void {
    this.#sink.drop();
  }

  async #read(reader: Parameters<RunLeaf>[0]): Promise<void> {
    const { signal, principal } = this.#context;
    const { matchers, kinds } = this.#plan;
    const { startUs, endUs } = this.#run.sampleRange;
    const range = {
      startUs: Math.max(startUs, principal.minTUs),
      endUs: Math.min(endUs, principal.maxTUs),
    };
    const request = { matchers, kinds, startUs, endUs };
    for await (const { labels, chunks } of reader.selectBlocks(this.#context, request)) {
      signal.throwIfAborted();
      const items = itemsIn(chunks, kinds, range);
      if (items.length === 0) continue;
      this.#seriesRead++;
      await this.#add(labels, items);
      const pause = this.#slices.pause();
      if (pause !== undefined) await pause;
    }
  }

  /** One series; a chunk is packed from its first to its last series, or not at all. */
  async #add(labels: Labels, items: readonly LeafItem[]): Promise<void> {
    if (this.#labels.length === 0) {
      this.#isPacked = this.#isForThreads || this.#isLong(Infinity);
      this.#chunkSamples = 0;
    }
    this.#chunkSamples += items.reduce((sum, { from, to }) => sum + to - from, 0);
    if (this.#isPacked && items.some(({ chunk }) => isObjectKind(chunk.kind)))
      await this.#unpackChunk();
    this.#labels.push(labels);
    if (this.#isPacked) this.#pack(labels, items);
    else await this.#compute(labels, items);
    if (this.#labels.length < LEAF_CHUNK_SERIES) return;
    if (this.#isPacked) await this.#endPacked(this.#writer!, false);
    this.#labels = [];
  }

  get #isForThreads(): boolean {
    return (
      this.#samplesRead >= (this.#options.inThreadSamples ?? LEAF_IN_THREAD_SAMPLES) ||
      this.#computedMs >= LEAF_IN_THREAD_MS
    );
  }

  /** Whether so many samples are long work, by the kernel; of most kernels none are. */
  #isLong(sampleCount: number): boolean {
    return stepsAtOnce(this.#spec.kernel, sampleCount) < this.#spec.kernel.grid.count;
  }

  async #compute(labels: Labels, items: readonly LeafItem[]): Promise<void> {
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    const samples = this.#decoder.samplesOf(items, this.#run.isInstant);
    this.#samplesRead += samples.count + (samples.histograms?.count ?? 0);
    const { notes } = this.#sink;
    notes.metric = metricOf(labels);
    if (this.#isLong(samples.count)) await this.#computeLong(samples);
    else this.#run.run(samples, this.#column, notes.note);
    if (this.#sink.add(labels, this.#column)) this.#column = this.#columns.next();
    else this.#column.reset();
    this.#computedMs += clock.monotonicMs() - startMs;
  }

  /** Of what cannot cross: others proceed between stretches of steps. */
  async #computeLong(samples: SeriesSamples): Promise<void> {
    for (const stretch of stretchesOf(this.#spec.kernel, samples.count)) {
      this.#context.signal.throwIfAborted();
      runStretch(stretch, samples, this.#column, this.#sink.notes.note);
      const pause = this.#slices.pause();
      if (pause !== undefined) await pause;
    }
  }

  // -------------------------------------------------------------- parcels

  #pack(labels: Labels, items: readonly LeafItem[]): void {
    this.#writer ??= new ParcelWriter();
    let number = 0;
    if (!(this.#sink instanceof SeriesSink)) {
      const group = this.#sink.groupOf(labels);
      number = this.#groups.indexOf(group);
      if (number < 0) number = this.#groups.push(group) - 1;
    }
    this.#writer.add(number, items);
  }

  /** Computes here what was packed of the chunk at hand, and the rest of it as it comes. */
  async #unpackChunk(): Promise<void> {
    this.#isPacked = false;
    const series = this.#writer?.takeBack() ?? [];
    if (this.#writer !== undefined) await this.#send(this.#writer);
    while (this.#sent.length > 0) await this.#mergeOldest();
    this.#groups = [];
    for (const [i, items] of series.entries()) {
      await this.#compute(this.#labels[i]!, items);
      const pause = this.#slices.pause();
      if (pause !== undefined) await pause;
    }
  }

  /** Packed to see how much it is, which turned out to be little; nothing is under way. */
  get #isLittle(): boolean {
    const isFirst = this.#sent.length === 0 && this.#chunks.length === 0;
    return isFirst && !this.#isForThreads && !this.#isLong(this.#chunkSamples);
  }

  async #endPacked(writer: ParcelWriter, isLast: boolean): Promise<void> {
    if (this.#isPacked && this.#labels.length > 0 && this.#isLittle) await this.#unpackChunk();
    if (this.#isPacked && this.#labels.length > 0) {
      const chunk = writer.endChunk(this.#groups.length);
      this.#chunks.push({ ...chunk, labels: this.#labels, groups: this.#groups });
      this.#labels = [];
      this.#groups = [];
    }
    const isFull =
      writer.samples >= (this.#options.parcelSamples ?? PARCEL_SAMPLES) ||
      writer.sizeBytes + this.#answerBytes() >= PARCEL_BYTES;
    if (isFull || isLast) await this.#send(writer);
  }

  #answerBytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunkAnswerBytes(this.#spec, chunk), 0);
  }

  async #send(writer: ParcelWriter): Promise<void> {
    if (this.#chunks.length === 0) return;
    const { pool } = this.#options;
    while (this.#sent.length >= pool.threadCount * PARCELS_PER_THREAD) await this.#mergeOldest();
    const heldBytes = writer.sizeBytes + this.#answerBytes();
    this.#context.budget.take(heldBytes);
    const parcel = { spec: this.#spec, stop: this.#stop, ...writer.finish(this.#spare) };
    this.#spare = undefined;
    const answer = pool.run(parcel, [parcel.data, parcel.program.buffer]);
    // Looked at in order; meanwhile another may have ended the leaf.
    answer.catch(() => undefined);
    this.#sent.push({ chunks: this.#chunks, heldBytes, answer });
    this.#chunks = [];
  }

  async #mergeOldest(): Promise<void> {
    const parcel = this.#sent[0]!;
    let answer: LeafAnswer;
    try {
      answer = await parcel.answer;
    } catch (error) {
      this.#context.signal.throwIfAborted();
      if (error instanceof WorkerLostError)
        throw new AppError('unavailable', 'query-thread-lost', 'a thread of the query ended', {
          cause: error,
          retryAfterSec: 1,
        });
      throw new TaskFailed('a task failed', { cause: error });
    }
    this.#context.signal.throwIfAborted();
    this.#sent.shift();
    this.#context.budget.give(parcel.heldBytes);
    this.#merge(parcel.chunks, answer);
    this.#spare = answer.spent;
    const pause = this.#slices.pause();
    if (pause !== undefined) await pause;
  }

  #merge(chunks: readonly SentChunk[], { data, notes, samplesRead }: LeafAnswer): void {
    this.#samplesRead += samplesRead;
    const all = chunks.flatMap((chunk) => chunk.labels);
    for (const [number, level, code] of notes) {
      this.#sink.notes.metric = metricOf(all[number]!);
      this.#sink.notes.note(level, code);
    }
    const { count } = this.#spec.kernel.grid;
    let place = 0;
    for (const chunk of chunks) {
      const states = statesIn(data, place, this.#spec, chunk);
      if (states !== undefined)
        for (const [number, group] of chunk.groups.entries()) mergeState(group, states[number]!);
      else if (this.#sink instanceof SeriesSink)
        for (const [i, labels] of chunk.labels.entries())
          this.#sink.add(labels, columnIn(data, place + i * columnBytes(count), count));
      place += chunkAnswerBytes(this.#spec, chunk);
    }
  }

  /** Waits for what is still under way: nothing of this leaf outlives it. */
  async #settle(): Promise<void> {
    await Promise.allSettled(this.#sent.map((parcel) => parcel.answer));
    for (const parcel of this.#sent) this.#context.budget.give(parcel.heldBytes);
    this.#sent = [];
  }
}
