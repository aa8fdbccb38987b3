// From columns to the log and from the log to the head. Memory is built only by decoding log bytes:
// a live append is applied by the same code that replays it, strictly in log order, after it is
// durable.
import type { Attribute, Exemplar, SeriesRef, WriteBatch } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { TenantId } from '../model/tenant.ts';
import type { AppendOptions, AppendResult } from '../model/storage.ts';
import { CodecError } from '../codec/varint.ts';
import { assert, BugError, errorMessage, FatalError } from '../stdx/assert.ts';
import {
  ASYNC_SYNC_DELAY_MS,
  BATCH_ID_SIZE_BYTES,
  HEAD_BYTES_PER_POINT,
  HEAD_BYTES_PER_RECORD_BYTE,
  RECORD_TIMES_MAX,
  REPLAY_TURN_BYTES,
  SHARE_OF_LEFT,
} from './limits.ts';
import { isOfAll } from './deletes.ts';
import type { AppliedLog } from './head-snapshot-write.ts';
import type { Generation } from './head.ts';
import { deadLetterName } from './names.ts';
import { decodeRecord } from './record-decode.ts';
import { encodeBatch, encodeDelete, inlineNumbers, refsOf } from './record-encode.ts';
import type { EncodedRecord, SeriesNumbers } from './record-encode.ts';
import { tailSizeOf } from './record-layout.ts';
import type { BatchRecord, DeleteRecord, RecordHeader } from './record-layout.ts';
import { SeriesWriter } from './record-series.ts';
import { ReplayRefs } from './replay-refs.ts';
import { SeriesMarks } from './series-marks.ts';
import type { ShardState } from './state.ts';
import { batchIdText, validateBatch, validateDelete } from './validate.ts';

interface Waiting {
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** As the tail of the log counts it. */
  readonly tailSize: number;
}

/** Series of a record's rows. */
interface RecordRefs {
  readonly refs: readonly Uint32Array[];
  readonly exemplars: readonly Exemplar[];
  readonly attributes: readonly Attribute[];
}

interface Cut {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Room for the series of the record at hand: it is applied before the next one is decoded. */
const recordRefs = new Uint32Array(RECORD_TIMES_MAX);

export class WritePath {
  readonly #state: ShardState;
  /** Appended and not yet applied, in log order. */
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Records below are applied. */
  #appliedEnd: number;
  readonly #marks: SeriesMarks;
  #cut: Cut | undefined = undefined;
  #syncTimer: (() => void) | undefined = undefined;
  readonly #afterApply: () => void;
  readonly #labels: SeriesWriter;
  /** Of the record session being replayed: ref in the records → ref here. */
  readonly #replayRefs = new ReplayRefs();
  #replaySession = -1;

  constructor(state: ShardState, afterApply: () => void) {
    this.#state = state;
    this.#appliedEnd = state.frontier;
    this.#afterApply = afterApply;
    this.#labels = new SeriesWriter(state.index);
    this.#marks = new SeriesMarks(state.index);
    state.memory.hold('index', () => this.#marks.sizeBytes);
    const { restored } = state;
    if (restored === undefined || restored.session < 0) return;
    // Records behind the head snapshot may use what its session had defined before.
    const refs = usedRefs(restored.generation);
    this.#replaySession = restored.session;
    this.#replayRefs.define(refs, Int32Array.from(refs));
  }

  /** Up to where the log is applied, for head snapshots. */
  get applied(): AppliedLog {
    return { offset: this.#appliedEnd, tailBytes: this.#state.tailBytes - this.#waitingBytes };
  }

  /** Does the log hold a use of the series since the last cut? */
  uses(ref: SeriesRef): boolean {
    return this.#marks.isDefined(ref);
  }

  // -------------------------------------------------------------- appending

  /** Throws what `append` refuses before it logs anything. */
  check(batch: WriteBatch, options: AppendOptions): void {
    this.#checkContent(batch, options);
    const { tenant } = options.principal;
    for (const { refs, count } of batch.points) {
      const foreign = this.#state.index.foreignRef(tenant, refs, count);
      if (foreign >= 0) this.#marks.check(tenant, foreign);
    }
    for (const { ref } of batch.exemplars) this.#marks.check(tenant, ref);
    for (const { ref } of batch.attributes) this.#marks.check(tenant, ref);
  }

  #checkContent(batch: WriteBatch, { principal, batchId }: AppendOptions): void {
    this.#state.checkOpen();
    this.#checkRoom(batch, principal.tenant);
    if (batchId !== undefined) batchIdText(batchId);
    validateBatch(batch, principal);
  }

  /** Refs are checked where the record numbers them. */
  async append(batch: WriteBatch, options: AppendOptions): Promise<AppendResult> {
    this.#checkContent(batch, options);
    const { tenant } = options.principal;
    // From the last look at the ids to the log there is no await.
    for (let claim = this.#claim(options); claim !== 'free'; claim = this.#claim(options)) {
      if (claim === 'applied') return { applied: false };
      await claim;
      this.#state.checkOpen();
    }
    const header = this.#header(options);
    const series = this.#number(batch, tenant);
    let done: Promise<void>;
    try {
      done = this.#log(header, encodeBatch(header, batch, series));
    } catch (error) {
      if (series.encoding === 'ref') this.#marks.forget(series.definitions);
      throw error;
    }
    const splitKeys = batch.splits.map((split) => `${tenant}/${split.name}`);
    for (const [i, key] of splitKeys.entries())
      if (!this.#state.splitsInFlight.has(key))
        this.#state.splitsInFlight.set(key, batch.splits[i]!);
    const finished = done.finally(() => {
      for (const key of splitKeys) this.#state.splitsInFlight.delete(key);
    });
    await this.#answer(finished, options);
    return { applied: true };
  }

  /** Logs a delete; false where its batch id had been seen. */
  async delete(
    request: Pick<DeleteRecord, 'matchers' | 'startUs' | 'endUs'>,
    options: AppendOptions,
  ): Promise<boolean> {
    this.#state.checkOpen();
    validateDelete(request, options.principal.tenant);
    for (let claim = this.#claim(options); claim !== 'free'; claim = this.#claim(options)) {
      if (claim === 'applied') return false;
      await claim;
      this.#state.checkOpen();
    }
    const header = this.#header(options);
    await this.#answer(this.#log(header, encodeDelete(header, request)), options);
    return true;
  }

  #checkRoom(batch: WriteBatch, tenant: TenantId): void {
    this.#state.disk.checkRoom();
    const { headBytes, settings, memory } = this.#state;
    const waitingBytes = this.#waitingBytes * HEAD_BYTES_PER_RECORD_BYTE;
    memory.checkRoom(waitingBytes, tenant);
    const expected = headBytes + waitingBytes;
    const leftBytes = settings.headBytesMax - expected;
    if (leftBytes >= 0 && !this.#isHeaviest(batch, tenant, { expected, leftBytes })) return;
    throw new AppError(
      'unavailable',
      'head-full',
      `the head takes ${expected} bytes, ${Math.round(this.#state.headBytesOf(tenant))} of them of ` +
        `this tenant, and waits for a flush, the limit is ${settings.headBytesMax} (a share of --memory)`,
      { retryAfterSec: 1 },
    );
  }

  /** Would the batch leave too little of the head to those who have little in it? */
  #isHeaviest(
    { points }: WriteBatch,
    tenant: TenantId,
    { expected, leftBytes }: { readonly expected: number; readonly leftBytes: number },
  ): boolean {
    let sizeBytes = 0;
    for (const { count } of points) sizeBytes += count * HEAD_BYTES_PER_POINT;
    // A batch that is nearly a head comes in where there is room, as it does alone.
    sizeBytes = Math.min(sizeBytes, this.#state.settings.headBytesMax / 4);
    const boundBytes = SHARE_OF_LEFT * (leftBytes - sizeBytes);
    // Nobody has more than all.
    if (expected + sizeBytes <= boundBytes) return false;
    const ownBytes = this.#state.headBytesOf(tenant);
    return ownBytes > 0 && ownBytes + sizeBytes > boundBytes;
  }

  /** May the batch id be used? A promise: a write with it is under way, look again afterwards. */
  #claim({ principal, batchId }: AppendOptions): 'free' | 'applied' | Promise<void> {
    if (batchId === undefined) return 'free';
    const id = batchIdText(batchId);
    if (this.#state.batchIds.has(principal.tenant, id)) return 'applied';
    return this.#state.batchIds.pending(principal.tenant, id) ?? 'free';
  }

  #header(options: AppendOptions): RecordHeader {
    const { log, clock, prng } = this.#state.options;
    return {
      offset: log.endOffset,
      durableOffset: log.durableOffset,
      session: this.#state.session,
      writtenMs: clock.nowMs(),
      tenant: options.principal.tenant,
      tokenId: options.principal.tokenId,
      protocol: options.protocol,
      batchId: options.batchId ?? prng.bytes(BATCH_ID_SIZE_BYTES),
      isClientBatchId: options.batchId !== undefined,
    };
  }

  /** Throws AppError stale-ref. */
  #number(batch: WriteBatch, tenant: TenantId): SeriesNumbers {
    const labels = this.#labels;
    if (this.#state.settings.seriesEncoding === 'inline') {
      for (const ref of refsOf(batch)) this.#marks.check(tenant, ref);
      return inlineNumbers(batch, labels);
    }
    const definitions: SeriesRef[] = [];
    const marks = this.#marks;
    try {
      for (const { refs, count } of batch.points) marks.define(tenant, refs, count, definitions);
      for (const { ref } of batch.exemplars) marks.defineOne(tenant, ref, definitions);
      for (const { ref } of batch.attributes) marks.defineOne(tenant, ref, definitions);
    } catch (error) {
      marks.forget(definitions);
      throw error;
    }
    return { encoding: 'ref', definitions, labels, numberOf: (ref) => ref };
  }

  /** Appends the record, which is copied; the promise resolves when it is durable and applied. */
  #log(header: RecordHeader, { bytes, crc }: EncodedRecord): Promise<void> {
    const { log } = this.#state.options;
    const { offset, durable } = log.append(bytes, crc);
    assert(offset === header.offset, 'records are numbered by the one appender');
    const tailSize = tailSizeOf(bytes);
    const kept = this.#state.headMemory.records.keep(bytes);
    this.#waiting.push({ offset, bytes: kept, tailSize });
    this.#waitingBytes += tailSize;
    this.#state.pacer.noteWrite();
    this.#state.progress.noteWrite();
    this.#state.flushPacer.noteWrite();
    this.#state.tailBytes += tailSize;
    const done = durable.then(
      () => this.#applyThrough(offset),
      (error: unknown) => {
        this.#state.fail(error);
        this.#cut?.reject(error);
        throw error;
      },
    );
    if (header.isClientBatchId)
      this.#state.batchIds.setPending(header.tenant, header.batchId.toHex(), done);
    return done;
  }

  /**
   * Sync: waits. Async: the record is synced within ASYNC_SYNC_DELAY_MS, failures are fatal
   * anyway.
   */
  async #answer(done: Promise<void>, { durability }: AppendOptions): Promise<void> {
    if (durability === 'sync') return done;
    done.catch(noop);
    const { log, scheduler } = this.#state.options;
    this.#syncTimer ??= scheduler.after(ASYNC_SYNC_DELAY_MS, () => {
      this.#syncTimer = undefined;
      log.sync().catch((error: unknown) => this.#state.fail(error));
    });
  }

  // -------------------------------------------------------------- applying

  #applyThrough(offset: number): void {
    let count = 0;
    let poison: unknown;
    for (const { offset: next, bytes, tailSize } of this.#waiting) {
      if (next > offset) break;
      count++;
      this.#waitingBytes -= tailSize;
      const error = this.#applyOne(bytes, next);
      this.#state.headMemory.records.drop(bytes);
      if (next === offset) poison = error;
    }
    if (count > 0) {
      this.#waiting = this.#waiting.slice(count);
      this.#afterApply();
    }
    if (poison !== undefined)
      throw new AppError('internal', 'poison-record', `record ${offset} could not be applied`, {
        cause: poison,
      });
  }

  /** Applies one record or sends it to the dead letters; returns why it was refused. */
  #applyOne(bytes: Uint8Array, offset: number): unknown {
    this.#rotateAt(offset);
    let refused: unknown;
    try {
      // The very bytes that were encoded: what a checksum guards against is behind the disk.
      const { headMemory, session } = this.#state;
      const { spreadTimes: times, spreadValues: values } = headMemory.scratch;
      const options = { skipCrc: true, ownSession: session, times, values, refs: recordRefs };
      const record = decodeRecord(bytes, offset, options);
      this.#apply(record, offset);
      this.#note(record, bytes);
      this.#meter(record);
    } catch (error) {
      // Applied in part: nothing may be written on top of it.
      if (error instanceof FatalError || error instanceof BugError) {
        this.#state.fail(error);
        throw error;
      }
      refused = error;
      this.#deadLetter(bytes, offset, error).catch((cause: unknown) =>
        this.#state.report({ kind: 'maintenance-failed', error: cause }),
      );
    }
    this.#appliedEnd = offset + 1;
    this.#rotateAt(this.#appliedEnd);
    return refused;
  }

  #note({ header }: BatchRecord | DeleteRecord, bytes: Uint8Array): void {
    this.#state.activeGeneration.written.add(header.tenant, bytes.length);
  }

  #meter(record: BatchRecord | DeleteRecord): void {
    const { options, settings } = this.#state;
    if (options.meter === undefined || record.kind !== 'batch') return;
    let count = 0;
    for (const set of record.batch.points) count += set.count;
    options.meter.applied(settings.shard, record.header, count);
  }

  async #deadLetter(bytes: Uint8Array, offset: number, error: unknown): Promise<void> {
    const blob = deadLetterName(this.#state.names, offset);
    this.#state.report({ kind: 'dead-letter', offset, blob, reason: errorMessage(error) });
    await this.#state.options.blobs.put(blob, [bytes.slice()]);
  }

  #apply(record: BatchRecord | DeleteRecord, offset: number): void {
    const { tenant, batchId, isClientBatchId, writtenMs } = record.header;
    if (record.kind === 'batch') this.#applyBatch(record, offset);
    else {
      const { view } = this.#state;
      const moment = this.#state.activeGeneration.markDelete();
      const { matchers, startUs, endUs } = record;
      const one = { offset, tenant, matchers, startUs, endUs, moment };
      this.#state.view = { ...view, deletes: [...view.deletes, one] };
      this.#state.writeVersions.deleted(tenant, matchers, one);
      if (isOfAll(one)) this.#state.forgetTenant(tenant);
    }
    if (isClientBatchId)
      this.#state.batchIds.add(tenant, { id: batchId.toHex(), offset, seenMs: writtenMs });
  }

  #applyBatch(record: BatchRecord, offset: number): void {
    const { index, activeGeneration: generation, tenants, writeVersions } = this.#state;
    const { batch, header } = record;
    const { tenant } = header;
    const { refs, exemplars, attributes } = this.#isOwn(record)
      ? ownRefs(batch)
      : this.#foreignRefs(record);
    // Nothing above changes anything; nothing below can fail.
    generation.applyPoints(batch.points, refs);
    for (const [i, set] of refs.entries()) {
      index.applied(tenant, set, header.writtenMs);
      writeVersions.written(tenant, batch.points[i]!, set, index.nameSlots);
    }
    if (refs.some((set) => set.length > 0) && !tenants.has(tenant)) tenants.set(tenant, false);
    for (const row of batch.metadata) generation.addMetadata({ ...row, tenant });
    for (const row of exemplars) generation.addExemplar(row);
    for (const row of attributes) generation.addAttribute(row);
    for (const split of batch.splits) this.#state.addSplit({ ...split, tenant }, offset);
  }

  /** Do the record's series numbers mean the same here? */
  #isOwn({ encoding, header }: BatchRecord): boolean {
    const { session } = this.#state;
    return encoding === 'ref' && header.session === session && header.offset >= session;
  }

  /** Defines the record's series; refs of all its rows. Throws CodecError where one has none. */
  #foreignRefs(record: BatchRecord): RecordRefs {
    const { index } = this.#state;
    const { tenant, session } = record.header;
    let known = this.#replayRefs;
    if (record.encoding === 'inline') known = new ReplayRefs();
    else if (session !== this.#replaySession) known.clear();
    if (record.encoding === 'ref') this.#replaySession = session;
    known.define(record.definitions.numbers, index.define(tenant, record.definitions));
    const { points, exemplars, attributes } = record.batch;
    const translated = (numbers: Uint32Array, count: number): Uint32Array => {
      const refs = new Uint32Array(count);
      const end = known.translate(numbers, 0, count, refs);
      if (end < count || index.foreignRef(tenant, refs, count) >= 0)
        throw new CodecError(`series ${numbers[end] ?? ''} was defined by no readable record`);
      return refs;
    };
    const sideRefs = (rows: readonly { readonly ref: SeriesRef }[]): Uint32Array =>
      translated(
        Uint32Array.from(rows, (row) => row.ref),
        rows.length,
      );
    const [exemplarRefs, attributeRefs] = [sideRefs(exemplars), sideRefs(attributes)];
    return {
      refs: points.map((set) => translated(set.refs, set.count)),
      exemplars: exemplars.map((row, i) => ({ ...row, ref: exemplarRefs[i]! })),
      attributes: attributes.map((row, i) => ({ ...row, ref: attributeRefs[i]! })),
    };
  }

  // -------------------------------------------------------------- replay

  /** Tells the meter of what parts or a head snapshot hold and it has not kept. */
  async meter(until: number): Promise<void> {
    const { options, settings, frontier } = this.#state;
    const { log, meter, scheduler } = options;
    if (meter === undefined) return;
    const { startOffset, endOffset } = log;
    const from = meter.begin(settings.shard, { startOffset, frontier, endOffset });
    if (from >= until) return;
    let readBytes = 0;
    for await (const { offset, bytes } of log.read(from)) {
      if (offset >= until) return;
      try {
        this.#meter(decodeRecord(bytes, offset));
      } catch (error) {
        // It was a dead letter when it was applied, and counted nowhere.
        if (!(error instanceof CodecError)) throw error;
      }
      readBytes += bytes.length;
      if (readBytes < REPLAY_TURN_BYTES) continue;
      readBytes = 0;
      await scheduler.yieldTurn();
    }
  }

  /** Streams the log from `from` into the head; bad records go to the dead letters. */
  async replay(from: number): Promise<void> {
    const { log, scheduler } = this.#state.options;
    this.#appliedEnd = from;
    let appliedBytes = 0;
    for await (const { offset, bytes } of log.read(from)) {
      try {
        const options = {
          ...this.#state.mutations,
          times: this.#state.headMemory.scratch.spreadTimes,
          values: this.#state.headMemory.scratch.spreadValues,
          refs: recordRefs,
        };
        const record = decodeRecord(bytes, offset, options);
        this.#apply(record, offset);
        this.#note(record, bytes);
        this.#meter(record);
      } catch (error) {
        await this.#deadLetter(bytes, offset, error);
      }
      this.#appliedEnd = offset + 1;
      this.#state.tailBytes += tailSizeOf(bytes);
      appliedBytes += bytes.length;
      if (appliedBytes >= REPLAY_TURN_BYTES) {
        appliedBytes = 0;
        await scheduler.yieldTurn();
      }
    }
    this.#appliedEnd = Math.max(this.#appliedEnd, log.endOffset);
    this.#replayRefs.clear();
  }

  // -------------------------------------------------------------- cutting

  /**
   * Freezes the open generation at the log's present end and opens the next one; resolves when
   * everything below is durable and applied. One cut at a time.
   */
  async cut(): Promise<void> {
    assert(this.#cut === undefined, 'one cut at a time');
    const { log } = this.#state.options;
    const offset = log.endOffset;
    if (offset === this.#state.activeGeneration.seqMin) return;
    this.#marks.cut();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#cut = { offset, resolve, reject };
    // The sync below may fail first; then nobody waits for the promise.
    promise.catch(noop);
    if (this.#state.mutations.skipFrontier === true) this.#appliedEnd = offset;
    this.#rotateAt(this.#appliedEnd);
    try {
      if (this.#cut !== undefined) await log.sync();
      await promise;
    } finally {
      this.#cut = undefined;
    }
  }

  #rotateAt(offset: number): void {
    const cut = this.#cut;
    if (cut === undefined || offset < cut.offset) return;
    const { view } = this.#state;
    this.#state.activeGeneration.seqMax = cut.offset;
    const generations = [...view.generations, this.#state.nextGeneration(cut.offset)];
    this.#state.view = { ...view, generations };
    this.#state.tailBytes = this.#waiting.reduce(
      (sum, one) => sum + (one.offset >= cut.offset ? one.tailSize : 0),
      0,
    );
    this.#cut = undefined;
    cut.resolve();
  }

  /** Resolves when nothing appended so far waits any more. */
  async drain(): Promise<void> {
    this.#syncTimer?.();
    this.#syncTimer = undefined;
    const { log } = this.#state.options;
    if (this.#state.fatal !== undefined) return;
    await log.sync();
    const last = this.#waiting.at(-1);
    if (last !== undefined) this.#applyThrough(last.offset);
  }
}

function ownRefs({ points, exemplars, attributes }: WriteBatch): RecordRefs {
  return { refs: points.map((set) => set.refs), exemplars, attributes };
}

function noop(): void {
  // Outcomes are looked at elsewhere.
}

/** Series that the records of a generation have used. */
function usedRefs({ refs, exemplars, attributes }: Generation): Uint32Array {
  const sides = [...exemplars, ...attributes].map(({ row }) => row.ref);
  const all = new Uint32Array(refs.count + sides.length);
  all.set(refs.view());
  all.set(sides, refs.count);
  return all;
}
