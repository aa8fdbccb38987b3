// The writing half of the storage in a thread that has none: it numbers series as they come, by
// shard, and sends the labels of each once, before or with the first batch that uses its number.
// The thread of the shards (shard-receiver.ts) knows what series a number means, refuses numbers of
// series that are gone, and decides where two threads disagree about the split of a name
// (docs/decisions/0030).
//
// Weaker than the contract of `resolve`: one series may get several numbers, since nobody here
// looks for one it has already. That costs four bytes there and changes no answer.
//
// Invariants. Messages arrive in the order in which they were sent. A number counts only in the
// epoch that gave it. `onReset` is called between two scans.
import type { NameSplit, SeriesRef, WriteBatch } from '../model/columns.ts';
import { AppError } from '../model/errors.ts';
import type { LabelBytes } from '../model/label-bytes.ts';
import type { Labels } from '../model/labels.ts';
import { REF_REFUSED } from '../model/storage.ts';
import type { AppendOptions, AppendResult, StorageWriter } from '../model/storage.ts';
import type { TenantId } from '../model/tenant.ts';
import { must } from '../stdx/assert.ts';
import { buffersOf, fromSentError, toSentOptions, toSentPart } from './crossing.ts';
import type { AppendAnswer, SentMessage, SentSeries } from './crossing.ts';
import { SENDER_SERIES_MAX, SENDER_SPLITS_MAX, SENT_SERIES_BYTES } from './limits.ts';
import { SeriesList } from './series-list.ts';
import { splitBatch } from './shard-batch.ts';
import { refOf, shardOfBytes, shardOfSeries } from './shard-of.ts';

export interface ShardSenderParts {
  readonly shardCount: number;
  /** Takes the buffers away. */
  readonly post: (message: SentMessage, buffers: ArrayBuffer[]) => void;
  /** No ref that was given before counts any more. */
  readonly onReset: () => void;
  /** Series that are numbered before it begins anew; default: SENDER_SERIES_MAX. */
  readonly seriesMax?: number;
}

interface Waiting {
  readonly tenant: TenantId;
  readonly epoch: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

type SplitsOfTenants = Map<TenantId, Map<string, NameSplit>>;

export class ShardSender implements Omit<StorageWriter, 'delete'> {
  readonly #parts: ShardSenderParts;
  #epoch = 0;
  /** By shard the number of the next series. */
  readonly #next: number[];
  /** Given in this epoch. */
  #seriesCount = 0;
  /** Not sent yet, in order. */
  #lists: SeriesList[] = [];
  /** By shard the list that goes on. */
  readonly #open: (SeriesList | undefined)[];
  readonly #gone = new Set<SeriesRef>();
  /** Series that the last answer refused; after the next one they may be asked for again. */
  readonly #refused = new Set<string>();
  /** Those that batches of this epoch brought, as long as nobody objects. */
  readonly #splits: SplitsOfTenants = new Map();
  /** Those that the storage told: the first of a name stays so, whatever epoch it is. */
  readonly #told: SplitsOfTenants = new Map();
  #splitCount = 0;
  #toldCount = 0;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(parts: ShardSenderParts) {
    this.#parts = parts;
    this.#next = Array.from({ length: parts.shardCount }, () => 0);
    this.#open = this.#next.map(() => undefined);
  }

  // -------------------------------------------------------------- series

  resolve(tenant: TenantId, labels: Labels): SeriesRef {
    const list = this.#listOf(tenant, shardOfSeries(tenant, labels, this.#next.length));
    list.addLabels(labels);
    return this.#number(list);
  }

  resolveBytes(tenant: TenantId, labels: LabelBytes): SeriesRef {
    const list = this.#listOf(tenant, shardOfBytes(tenant, labels, this.#next.length));
    list.addBytes(labels);
    return this.#number(list);
  }

  #listOf(tenant: TenantId, shard: number): SeriesList {
    let list = this.#open[shard];
    if (list?.tenant === tenant) return list;
    this.#open[shard] = list = new SeriesList(shard, tenant, this.#next[shard]!);
    this.#lists.push(list);
    return list;
  }

  /** Numbers the series that was added last. */
  #number(list: SeriesList): SeriesRef {
    if (this.#refused.size > 0 && this.#refused.has(list.lastKey())) {
      list.removeLast();
      return REF_REFUSED;
    }
    const { shard } = list;
    this.#seriesCount++;
    const ref = refOf(this.#next[shard]!++, shard, this.#next.length);
    if (list.sizeBytes >= SENT_SERIES_BYTES) {
      const message = { kind: 'series', epoch: this.#epoch, series: this.#takeSeries() } as const;
      this.#parts.post(message, buffersOf(message));
    }
    return ref;
  }

  #takeSeries(): readonly SentSeries[] {
    if (this.#lists.length === 0) return [];
    const series = this.#lists.filter((list) => !list.isEmpty).map((list) => list.sent());
    this.#lists = [];
    this.#open.fill(undefined);
    return series;
  }

  knows(_tenant: TenantId, ref: SeriesRef): boolean {
    return !this.#gone.has(ref);
  }

  // -------------------------------------------------------------- splits

  splitOf(tenant: TenantId, name: string): NameSplit | undefined {
    return this.#told.get(tenant)?.get(name) ?? this.#splits.get(tenant)?.get(name);
  }

  #hearSplits(tenant: TenantId, splits: readonly NameSplit[]): void {
    if (this.#toldCount + splits.length > SENDER_SPLITS_MAX) {
      this.#told.clear();
      this.#toldCount = 0;
    }
    this.#toldCount += learn(this.#told, tenant, splits);
  }

  // -------------------------------------------------------------- appending

  append(batch: WriteBatch, options: AppendOptions): Promise<AppendResult> {
    const { tenant } = options.principal;
    const cut = splitBatch(batch, tenant, this.#next.length);
    const message = {
      kind: 'append',
      id: ++this.#lastId,
      epoch: this.#epoch,
      series: this.#takeSeries(),
      parts: cut.map((part) => part && toSentPart(part)),
      options: toSentOptions(options),
    } as const;
    this.#parts.post(message, buffersOf(message));
    this.#splitCount += learn(this.#splits, tenant, batch.splits);
    const { id, epoch } = message;
    const answered = new Promise<AppendResult>((resolve, reject) => {
      this.#waiting.set(id, { tenant, epoch, resolve, reject });
    });
    const { seriesMax = SENDER_SERIES_MAX } = this.#parts;
    const isFull = this.#seriesCount >= seriesMax || this.#splitCount >= SENDER_SPLITS_MAX;
    // The batch is on its way, and the scan that made it is over.
    if (isFull) this.#reset();
    return answered;
  }

  receive(answer: AppendAnswer): void {
    const waiting = must(this.#waiting.get(answer.id), 'an answer belongs to an append');
    this.#waiting.delete(answer.id);
    const { tenant, epoch, resolve, reject } = waiting;
    this.#refused.clear();
    switch (answer.kind) {
      case 'done':
        return resolve({ applied: answer.applied });
      case 'failed':
        if (answer.isVoid) this.#resetFrom(epoch);
        return reject(fromSentError(answer.error));
      case 'stale':
        if (epoch === this.#epoch) for (const ref of answer.gone) this.#gone.add(ref);
        for (const key of answer.refused) this.#refused.add(key);
        break;
      case 'void':
        this.#resetFrom(epoch);
        this.#hearSplits(tenant, answer.splits);
    }
    reject(new AppError('conflict', 'stale-ref', 'refs of the batch are not known any more'));
  }

  #resetFrom(epoch: number): void {
    if (epoch === this.#epoch) this.#reset();
  }

  /** Series that were not sent yet were numbered for nobody. */
  #reset(): void {
    this.#epoch++;
    this.#next.fill(0);
    this.#seriesCount = 0;
    this.#lists = [];
    this.#open.fill(undefined);
    this.#gone.clear();
    this.#splits.clear();
    this.#splitCount = 0;
    this.#parts.onReset();
  }
}

/** How many they were. */
function learn(known: SplitsOfTenants, tenant: TenantId, splits: readonly NameSplit[]): number {
  if (splits.length === 0) return 0;
  let ofTenant = known.get(tenant);
  if (ofTenant === undefined) known.set(tenant, (ofTenant = new Map()));
  for (const split of splits) ofTenant.set(split.name, split);
  return splits.length;
}
