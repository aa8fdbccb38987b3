// The shards' end of one sender (shard-sender.ts): from the sender's numbers to refs of the shards,
// from its batches to appends. One for each sender; all run in the thread of the shards.
//
// Invariants. From the arrival of a batch to the shards' checks there is no await, so that what one
// sender wrote is seen by all before the next message is looked at. A batch with splits that was
// not applied makes the sender's epoch void: later batches of it may have relied on them.
import type { NameSplit, SeriesRef, WriteBatch } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import { LabelBytes } from '../model/label-bytes.ts';
import type { SeriesSender, SeriesWatch } from '../model/series-watch.ts';
import type { AppendResult, StorageWriter } from '../model/storage.ts';
import type { Principal, TenantId } from '../model/tenant.ts';
import { assert, FatalError } from '../stdx/assert.ts';
import { fromSentOptions, fromSentPart, NO_SERIES, toSentError } from './crossing.ts';
import type { AppendAnswer, SentMessage, SentSeries } from './crossing.ts';
import { IdList } from './growable.ts';
import { refsOf } from './record-encode.ts';
import { SeriesReader } from './series-list.ts';
import { isEmpty } from './shard-batch.ts';
import { localRef, shardOfRef } from './shard-of.ts';
import type { ShardedStorage } from './sharded-storage.ts';

export interface ShardReceiverParts {
  readonly storage: ShardedStorage;
  readonly answer: (answer: AppendAnswer) => void;
  /** Throws AppError where the tenant may not write. */
  readonly admit: (tenant: TenantId) => void;
  /** The metadata of a batch that the storage was not told before. */
  readonly metadata: {
    filter(tenant: TenantId, batch: WriteBatch): WriteBatch;
    forget(tenant: TenantId): void;
  };
  readonly onFatal: (error: Error) => void;
  /** Told of each series that was made for somebody. */
  readonly seriesWatch?: SeriesWatch | undefined;
  /** Told of samples that go to the log, and (negative) of those that did not come there. */
  readonly onSamples?: (principal: Principal, count: number, protocol: string) => void;
}

type Append = Extract<SentMessage, { kind: 'append' }>;

interface Defined {
  /** Keys of the series that may not be made now. */
  readonly refused: string[];
  /** Why the write that brought them is refused as a whole. */
  failure: AppError | undefined;
}

export class ShardReceiver {
  readonly #parts: ShardReceiverParts;
  readonly #labels = new LabelBytes();
  #epoch = 0;
  /** This epoch and those before do not count any more. */
  #voidEpoch = -1;
  /** By shard: ref of the shard by the sender's number. */
  #refs: IdList[];

  constructor(parts: ShardReceiverParts) {
    this.#parts = parts;
    this.#refs = parts.storage.shards.map(() => new IdList());
  }

  /** Bytes of the refs by number. */
  get sizeBytes(): number {
    return this.#refs.reduce((sum, { count }) => sum + count * 4, 0);
  }

  receive(message: SentMessage): void {
    if (message.epoch > this.#epoch) {
      this.#epoch = message.epoch;
      this.#refs = this.#refs.map(() => new IdList());
    }
    const defined = this.#define(message);
    if (message.kind === 'append') this.#append(message, defined);
  }

  #define(message: SentMessage): Defined {
    const defined: Defined = { refused: [], failure: undefined };
    if (message.epoch <= this.#voidEpoch) return defined;
    // Of a large body series come ahead of whoever sends them: the last ones say it.
    const sender = message.kind === 'append' ? message.options : undefined;
    for (const sent of message.series) this.#defineAll(sent, defined, sender);
    return defined;
  }

  #defineAll(sent: SentSeries, defined: Defined, sender: SeriesSender | undefined): void {
    const { shard, tenant, first } = sent;
    const storage = this.#parts.storage.shards[shard]!;
    const refs = this.#refs[shard]!;
    assert(refs.count === first, 'a sender numbers its series without gaps');
    const isAdmitted = this.#refusal(tenant) === undefined;
    const reader = new SeriesReader(sent, this.#labels);
    while (reader.next()) {
      let ref = NO_SERIES;
      try {
        if (isAdmitted) ref = this.#resolve(storage, tenant, sender);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        defined.failure ??= error;
      }
      if (ref < 0) defined.refused.push(reader.lastKey());
      refs.push(ref < 0 ? NO_SERIES : ref);
    }
  }

  #resolve(
    storage: Pick<StorageWriter, 'resolveBytes'>,
    tenant: TenantId,
    sender: SeriesSender | undefined,
  ): SeriesRef {
    const { seriesWatch } = this.#parts;
    const labels = this.#labels;
    const before = seriesWatch?.madeCount;
    const ref = storage.resolveBytes(tenant, labels);
    if (sender !== undefined && seriesWatch?.madeCount !== before)
      seriesWatch?.made(tenant, sender, labels);
    return ref;
  }

  #refusal(tenant: TenantId): AppError | undefined {
    try {
      this.#parts.admit(tenant);
      return undefined;
    } catch (error) {
      if (error instanceof AppError) return error;
      throw error;
    }
  }

  #append(message: Append, { refused, failure }: Defined): void {
    const { id, epoch, parts } = message;
    const { answer } = this.#parts;
    const options = fromSentOptions(message.options);
    const { tenant } = options.principal;
    // What it brings that is not the first of its name is told at once: of many batches under way
    // each would otherwise end an epoch of its own.
    if (epoch <= this.#voidEpoch)
      return answer({ kind: 'void', id, splits: this.#older(tenant, parts) });
    const refusal = failure ?? this.#refusal(tenant);
    if (refusal !== undefined) return this.#refuse(message, tenant, refusal);
    const splits = this.#older(tenant, parts);
    if (splits.length > 0) {
      this.#voidEpoch = epoch;
      return answer({ kind: 'void', id, splits });
    }
    const batches = this.#batches(tenant, parts);
    if (batches === undefined) {
      const gone = this.#select(parts, (ref) => ref === NO_SERIES);
      return answer({ kind: 'stale', id, gone, refused });
    }
    // All of it was metadata that is known.
    if (parts.some(isThere) && !batches.some(isThere))
      return answer({ kind: 'done', id, applied: false });
    let stored: Promise<AppendResult>;
    try {
      stored = this.#parts.storage.appendParts(batches, options);
    } catch (error) {
      return this.#refuse(message, tenant, error);
    }
    const samples = batches.reduce((sum, batch) => sum + sampleCount(batch), 0);
    const { principal, protocol } = options;
    const count = (change: number) => this.#parts.onSamples?.(principal, change, protocol);
    count(samples);
    void stored.then(
      ({ applied }) => {
        if (!applied) count(-samples);
        return answer({ kind: 'done', id, applied });
      },
      (error: unknown) => {
        count(-samples);
        return this.#refuse(message, tenant, error);
      },
    );
  }

  /** undefined: some series is gone. */
  #batches(tenant: TenantId, parts: Append['parts']): (WriteBatch | undefined)[] | undefined {
    const batches: (WriteBatch | undefined)[] = [];
    for (const [shard, part] of parts.entries()) {
      const batch = part && fromSentPart(part, this.#refs[shard]!.view());
      if (part !== undefined && batch === undefined) return undefined;
      batches.push(batch);
    }
    const { metadata } = this.#parts;
    return batches.map((batch) => {
      const fresh = batch && metadata.filter(tenant, batch);
      return fresh === undefined || isEmpty(fresh) ? undefined : fresh;
    });
  }

  /** Splits of the storage that differ from those of the batch. */
  #older(tenant: TenantId, parts: Append['parts']): NameSplit[] {
    const older: NameSplit[] = [];
    for (const [shard, part] of parts.entries())
      for (const split of part?.batch.splits ?? []) {
        const known = this.#parts.storage.shards[shard]!.splitOf(tenant, split.name);
        if (known === undefined) continue;
        if (known.measurement !== split.measurement || known.field !== split.field)
          older.push(known);
      }
    return older;
  }

  /** The sender's refs, each once, whose refs of the shard are wanted. */
  #select(
    parts: Append['parts'],
    isWanted: (ref: SeriesRef, shard: number) => boolean,
  ): SeriesRef[] {
    const found = new Set<SeriesRef>();
    for (const [shard, part] of parts.entries()) {
      const refs = this.#refs[shard]!;
      for (const number of part === undefined ? [] : refsOf(part.batch)) {
        const ref = refs.view()[number] ?? NO_SERIES;
        if (isWanted(ref, shard)) found.add(number * this.#refs.length + shard);
      }
    }
    return [...found];
  }

  /** Nothing was stored, or as much as the storage says. */
  #refuse({ id, epoch, parts }: Append, tenant: TenantId, error: unknown): void {
    const { storage, answer, metadata } = this.#parts;
    metadata.forget(tenant);
    const hasSplits = parts.some((part) => part !== undefined && part.batch.splits.length > 0);
    // An epoch that has ended is void already, and its numbers mean other series now.
    const isOver = epoch !== this.#epoch;
    if (hasSplits && !isOver) this.#voidEpoch = epoch;
    const isStale = error instanceof AppError && error.code === 'stale-ref';
    if (isStale && (hasSplits || isOver)) return answer({ kind: 'void', id, splits: [] });
    if (isStale) {
      const gone = this.#select(parts, (ref, shard) => !storage.shards[shard]!.knows(tenant, ref));
      for (const ref of gone) {
        const refs = this.#refs[shardOfRef(ref, this.#refs.length)]!;
        refs.view()[localRef(ref, this.#refs.length)] = NO_SERIES;
      }
      return answer({ kind: 'stale', id, gone, refused: [] });
    }
    if (error instanceof FatalError) this.#parts.onFatal(error);
    answer({ kind: 'failed', id, error: toSentError(error), isVoid: hasSplits });
  }
}

function isThere(part: object | undefined): boolean {
  return part !== undefined;
}

function sampleCount(batch: WriteBatch | undefined): number {
  let count = 0;
  for (const set of batch?.points ?? []) count += set.count;
  return count;
}
