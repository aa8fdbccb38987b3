// Several shards written through a sender, as from another thread: every message and every answer
// is cloned, gives its buffers away and comes a turn later. What the contract promises and a sender
// does not (one ref for one series, whose it is) is added here.
import type { SeriesRef } from '../../src/model/columns.ts';
import { labelsKey } from '../../src/model/labels.ts';
import type { Labels } from '../../src/model/labels.ts';
import type { AppendOptions, Storage, StorageWriter } from '../../src/model/storage.ts';
import type { WriteBatch } from '../../src/model/columns.ts';
import type { TenantId } from '../../src/model/tenant.ts';
import { AppError } from '../../src/model/errors.ts';
import type { AppendAnswer, SentMessage } from '../../src/tsdb/crossing.ts';
import { ShardReceiver } from '../../src/tsdb/shard-receiver.ts';
import { ShardSender } from '../../src/tsdb/shard-sender.ts';
import { ShardedStorage } from '../../src/tsdb/sharded-storage.ts';
import { decodedLabels } from '../support/label-bytes.ts';
import type { StorageUnderTest } from './storage-case.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

export const NO_FILTER = {
  filter: (_tenant: TenantId, batch: WriteBatch): WriteBatch => batch,
  forget: (): void => undefined,
};

export interface Crossing {
  readonly sender: ShardSender;
  /** As they crossed. */
  readonly sent: SentMessage[];
  readonly answers: AppendAnswer[];
  resets: number;
}

interface CrossingOptions {
  readonly onReset: () => void;
  readonly seriesMax?: number | undefined;
  readonly admit?: (tenant: TenantId) => void;
}

/** A sender and its receiver over the storage. */
export function crossingTo(
  storage: Storage,
  { onReset, seriesMax, admit = () => undefined }: CrossingOptions,
): Crossing {
  if (!(storage instanceof ShardedStorage)) throw new TypeError('one shard has no senders');
  const sent: SentMessage[] = [];
  const answers: AppendAnswer[] = [];
  const receiver = new ShardReceiver({
    storage,
    admit,
    metadata: NO_FILTER,
    onFatal: () => undefined,
    answer: (answer) => {
      const copy = structuredClone(answer);
      answers.push(copy);
      queueMicrotask(() => sender.receive(copy));
    },
  });
  const sender: ShardSender = new ShardSender({
    shardCount: storage.shards.length,
    post: (message, transfer) => {
      const copy = structuredClone(message, { transfer });
      sent.push(copy);
      queueMicrotask(() => receiver.receive(copy));
    },
    onReset: () => {
      crossing.resets++;
      onReset();
    },
    ...(seriesMax === undefined ? {} : { seriesMax }),
  });
  const crossing: Crossing = { sender, sent, answers, resets: 0 };
  return crossing;
}

/** Refs by series, over a sender. */
class Remembering implements Omit<StorageWriter, 'delete'> {
  readonly #refs = new Map<string, SeriesRef>();
  readonly #tenants = new Map<SeriesRef, TenantId>();
  readonly #crossing: Crossing;
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#crossing = crossingTo(storage, { onReset: () => this.#forget() });
  }

  #forget(): void {
    this.#refs.clear();
    this.#tenants.clear();
  }

  resolve(tenant: TenantId, labels: Labels): SeriesRef {
    const key = `${tenant} ${labelsKey(labels)}`;
    let ref = this.#refs.get(key);
    if (ref === undefined) {
      ref = this.#crossing.sender.resolve(tenant, labels);
      this.#refs.set(key, ref);
      this.#tenants.set(ref, tenant);
    }
    return ref;
  }

  resolveBytes(tenant: TenantId, labels: Parameters<StorageWriter['resolveBytes']>[1]): SeriesRef {
    const key = `${tenant} ${labelsKey(decodedLabels(labels))}`;
    let ref = this.#refs.get(key);
    if (ref === undefined) {
      ref = this.#crossing.sender.resolveBytes(tenant, labels);
      this.#refs.set(key, ref);
      this.#tenants.set(ref, tenant);
    }
    return ref;
  }

  knows(tenant: TenantId, ref: SeriesRef): boolean {
    return this.#tenants.get(ref) === tenant && this.#crossing.sender.knows(tenant, ref);
  }

  splitOf(tenant: TenantId, name: string) {
    return this.#storage.splitOf(tenant, name);
  }

  /** Splits are sent where none is known, as the ingest does it. */
  async append(batch: WriteBatch, options: AppendOptions) {
    const { tenant } = options.principal;
    const splits = batch.splits.filter(
      ({ name }) => this.#storage.splitOf(tenant, name) === undefined,
    );
    try {
      return await this.#crossing.sender.append({ ...batch, splits }, options);
    } catch (error) {
      if (error instanceof AppError && error.code === 'stale-ref') this.#forget();
      throw error;
    }
  }
}

export class CrossingUnderTest implements StorageUnderTest {
  readonly storage: Storage;
  readonly #under: TsdbUnderTest;

  private constructor(under: TsdbUnderTest) {
    this.#under = under;
    const { storage } = under;
    const writer = new Remembering(storage);
    this.storage = new Proxy(storage, {
      get(_target, name) {
        const owner = (name in writer ? writer : storage) as unknown as Record<string, unknown>;
        const member = owner[String(name)];
        return typeof member === 'function' ? member.bind(owner) : member;
      },
    });
  }

  static async open(): Promise<CrossingUnderTest> {
    return new CrossingUnderTest(await new TsdbUnderTest({}, 3).open());
  }

  async reopen(): Promise<CrossingUnderTest> {
    return new CrossingUnderTest(await this.#under.reopen());
  }
}
