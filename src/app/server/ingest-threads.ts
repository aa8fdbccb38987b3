// The threads of ingest as the thread of the shards sees them: started together on one port, heard,
// drained, ended. One that ends by itself ends the process: nobody would answer its connections.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Worker } from 'node:worker_threads';
import type { Refused } from '../../ingest/refused-lines.ts';
import type { TenantRules } from '../../ingest/relabel-table.ts';
import type { MetadataFilter } from '../../ingest/metadata-filter.ts';
import type { SeriesWatch } from '../../model/series-watch.ts';
import type { Principal, TenantId } from '../../model/tenant.ts';
import { errorMessage, FatalError, must } from '../../stdx/assert.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { AppendAnswer } from '../../tsdb/crossing.ts';
import { recordsOf } from '../../tenancy/tenant-lookup.ts';
import type { TenancyStore } from '../../tenancy/tenancy-store.ts';
import type { TenancyChange } from '../../tenancy/records.ts';
import { ShardReceiver } from '../../tsdb/shard-receiver.ts';
import type { ShardedStorage } from '../../tsdb/sharded-storage.ts';
import { PortStream } from '../real/port-stream.ts';
import { threadEnv } from '../real/thread-env.ts';
import type { TlsKeys } from '../../frontends/http/server.ts';
import type { IngestLimits } from '../../ingest/ingest.ts';
import type { Settings } from '../settings/flags.ts';
import { USES } from './ingest-protocol.ts';
import type {
  BreachTold,
  CountedRequests,
  FromIngest,
  IngestSetup,
  LimitTold,
  ToIngest,
} from './ingest-protocol.ts';

export interface IngestThreadsParts {
  readonly settings: Settings;
  /** undefined: HTTP without TLS. */
  readonly keys: TlsKeys | undefined;
  readonly threadCount: number;
  /** Of all threads together. */
  readonly limits: IngestLimits;
  readonly storage: ShardedStorage;
  /** Shared by all that write. */
  readonly metadata: MetadataFilter;
  /** All rules when the threads start. */
  readonly relabelling: IngestSetup['relabelling'];
  /** Who may write; changes of it reach all threads. */
  readonly tenancy: Pick<TenancyStore, 'tenants' | 'tokensOf' | 'onChange' | 'isRemoved'>;
  readonly onRefused: (refused: Refused) => void;
  readonly onBreach?: (breach: BreachTold) => void;
  readonly onRequests?: (requests: CountedRequests) => void;
  readonly logger: Logger;
  /** Throws AppError where the tenant may not write. */
  readonly admit: (tenant: TenantId) => void;
  /** Samples that go to the log, and (negative) those that did not come there. */
  readonly onSamples?: (principal: Principal, count: number, protocol: string) => void;
  readonly seriesWatch?: SeriesWatch;
  /** Serves a request that a thread does not serve itself. */
  readonly accept: (connection: Duplex) => void;
  readonly onFatal: (error: Error) => void;
  /** Start of a thread; default: ingest-thread.ts. */
  readonly module?: URL;
}

export class IngestThreads {
  readonly #threads: readonly IngestThread[];
  readonly address: AddressInfo;
  readonly #stopListening: () => void;

  private constructor(
    threads: readonly IngestThread[],
    address: AddressInfo,
    stopListening: () => void,
  ) {
    this.#threads = threads;
    this.address = address;
    this.#stopListening = stopListening;
  }

  /** Rejects with the error of `listen` where the address cannot be had. */
  static async start(parts: IngestThreadsParts): Promise<IngestThreads> {
    const { settings, keys, threadCount, limits, storage, relabelling, tenancy } = parts;
    const { http } = settings;
    const threads: IngestThread[] = [];
    const begin = (count: number, { host, port }: Settings['http']): Promise<AddressInfo[]> => {
      const { length: shardCount } = storage.shards;
      const tenants = storage.tenants().filter((id) => !tenancy.isRemoved(id));
      const setup: Omit<IngestSetup, 'uses'> = {
        threadCount,
        shardCount,
        settings,
        keys,
        limits,
        address: { host, port },
        tenants,
        tenancy: recordsOf(tenancy),
        relabelling,
      };
      while (threads.length < count) threads.push(new IngestThread(parts, setup, threads.length));
      return Promise.all(threads.map((thread) => thread.listening));
    };
    const stopListening = tenancy.onChange((change) => {
      for (const thread of threads) thread.changeTenancy(change);
    });
    try {
      // A free port is found by the first one: the system gives it to nobody else.
      const found = http.port === 0 ? await begin(1, http) : [await freeAddress(http)];
      const { address: host, port } = must(found[0], 'an address was found');
      const [first] = await begin(threadCount, { host, port });
      return new IngestThreads(threads, must(first, 'there are threads'), stopListening);
    } catch (error) {
      stopListening();
      await Promise.all(threads.map((thread) => thread.close()));
      throw error;
    }
  }

  get dictionaryBytes(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.dictionaryBytes, 0);
  }

  get inFlightBytes(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.inFlightBytes, 0);
  }

  /** What each of them counts, as a page of metrics. */
  pages(): Promise<readonly string[]> {
    return Promise.all(this.#threads.map((thread) => thread.page()));
  }

  /** As HttpServer.renewKeys, of all of them. */
  renewKeys(keys: TlsKeys): void {
    for (const thread of this.#threads) thread.renewKeys(keys);
  }

  /** Resolves when all of them write by these rules. */
  async relabel(rules: TenantRules): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.relabel(rules)));
  }

  /** Tells all of them what a limit refuses. */
  tellLimit(told: LimitTold): void {
    for (const thread of this.#threads) thread.tellLimit(told);
  }

  /** As HttpServer.drain, of all of them at once. */
  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.drain(graceMs)));
  }

  async close(): Promise<void> {
    this.#stopListening();
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

/**
 * The address, when nobody listens there: threads that share a port would share it with another
 * process, too.
 */
function freeAddress(wanted: { readonly host: string; readonly port: number }) {
  return new Promise<AddressInfo>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(wanted, () => {
      const address = probe.address() as AddressInfo;
      probe.close(() => resolve(address));
    });
  });
}

class IngestThread {
  readonly #parts: IngestThreadsParts;
  readonly #index: number;
  readonly #worker: Worker;
  readonly #receiver: ShardReceiver;
  readonly #listening = Promise.withResolvers<AddressInfo>();
  readonly #drained = Promise.withResolvers<void>();
  readonly #uses = new Int32Array(new SharedArrayBuffer(8));
  /** Asked for, in order. */
  readonly #pages: ((text: string) => void)[] = [];
  readonly #relabelled: (() => void)[] = [];
  /** That go out with this turn of the event loop. */
  #answers: AppendAnswer[] = [];
  #isListening = false;
  #isClosing = false;

  constructor(parts: IngestThreadsParts, setup: Omit<IngestSetup, 'uses'>, index: number) {
    const { storage, metadata, admit, onFatal, onSamples, seriesWatch } = parts;
    this.#parts = parts;
    this.#index = index;
    this.#receiver = new ShardReceiver({
      storage,
      metadata,
      admit,
      onFatal,
      answer: (answer) => this.#answer(answer),
      ...(onSamples && { onSamples }),
      seriesWatch,
    });
    const module = parts.module ?? new URL('./ingest-thread.ts', import.meta.url);
    const name = `ingest-${index}`;
    const workerData: IngestSetup = { ...setup, uses: this.#uses };
    this.#worker = new Worker(module, { name, workerData, env: threadEnv() });
    this.#worker.on('message', (message: FromIngest) => this.#hear(message));
    this.#worker.on('error', (error) => this.#lost(errorMessage(error), error));
    this.#worker.on('exit', (code) => this.#lost(`exit code ${code}`, undefined));
  }

  get listening(): Promise<AddressInfo> {
    return this.#listening.promise;
  }

  get dictionaryBytes(): number {
    return Atomics.load(this.#uses, USES.dictionaries) * 1024 + this.#receiver.sizeBytes;
  }

  get inFlightBytes(): number {
    return Atomics.load(this.#uses, USES.bodies) * 1024;
  }

  #post(message: ToIngest): void {
    this.#worker.postMessage(message);
  }

  /** One sync of a log answers many writes: a message for all of them costs what one costs. */
  #answer(answer: AppendAnswer): void {
    if (this.#answers.push(answer) > 1) return;
    setImmediate(() => {
      const answers = this.#answers;
      this.#answers = [];
      this.#post({ kind: 'answers', answers });
    });
  }

  #hear(message: FromIngest): void {
    switch (message.kind) {
      case 'sent':
        return this.#receiver.receive(message.message);
      case 'connection':
        return this.#parts.accept(new PortStream(message.port, message.peer));
      case 'log':
        return this.#parts.logger[message.level](message.message, message.fields);
      case 'refused':
        return this.#parts.onRefused(message.refused);
      case 'breach':
        return this.#parts.onBreach?.(message.breach);
      case 'requests':
        for (const one of message.requests) this.#parts.onRequests?.(one);
        return;
      case 'relabelled':
        return must(this.#relabelled.shift(), 'rules were sent')();
      case 'page':
        return must(this.#pages.shift(), 'a page was asked for')(message.text);
      case 'listening':
        this.#isListening = true;
        return this.#listening.resolve(message.address);
      case 'unable':
        return this.#listening.reject(
          Object.assign(new Error(message.message), { code: message.code }),
        );
      case 'drained':
        return this.#drained.resolve();
    }
  }

  #lost(why: string, cause: unknown): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const error = new FatalError(`the ingest thread ${this.#index} ended: ${why}`, { cause });
    if (this.#isListening) this.#parts.onFatal(error);
    else this.#listening.reject(error);
  }

  relabel(rules: TenantRules): Promise<void> {
    return new Promise((resolve) => {
      this.#relabelled.push(resolve);
      this.#post({ kind: 'relabel', rules });
    });
  }

  changeTenancy(change: TenancyChange): void {
    if (!this.#isClosing) this.#post({ kind: 'tenancy', change });
  }

  page(): Promise<string> {
    return new Promise((resolve) => {
      this.#pages.push(resolve);
      this.#post({ kind: 'metrics' });
    });
  }

  renewKeys(keys: TlsKeys): void {
    this.#post({ kind: 'keys', keys });
  }

  tellLimit(told: LimitTold): void {
    if (!this.#isClosing) this.#post({ kind: 'limit', told });
  }

  drain(graceMs: number): Promise<void> {
    this.#post({ kind: 'drain', graceMs });
    return this.#drained.promise;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#worker.terminate();
  }
}
