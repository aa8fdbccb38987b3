// One life of the simulated server: writers, a housekeeper and a reader under pins on one opened
// storage, each answer compared with the oracle at once. An error that the life's faults do not
// explain is a violation.
import type { AppendOptions, DeleteResult, Storage } from '../../src/model/storage.ts';
import { AppError } from '../../src/model/errors.ts';
import { openPrincipal } from '../../src/model/tenant.ts';
import { errorMessage, FatalError } from '../../src/stdx/assert.ts';
import { randomInt, randomUnit } from '../../src/stdx/prng.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { checkRead, hiddenBy } from '../support/write-oracle.ts';
import type { Operation, Sent, WriteOracle } from '../support/write-oracle.ts';
import {
  batchOf,
  checkQueries,
  deleteOf,
  readAll,
  ReadViolation,
  tenantOf,
} from './engine-model.ts';
import type { OperationSource } from './engine-model.ts';
import type { Machine } from './world.ts';

const KNOWN_BATCHES_MAX = 10;
/** Batch ids are remembered for ten minutes; the rest is time for a slow disk. */
const RESEND_WITHIN_MS = 5 * 60_000;
/** An async write is safe after one second on a sound disk. */
const ASYNC_SAFE_MS = 1100;
const RETRY_MS = 100;
/** Waiting for the first success after the disk has healed: longer than any retry takes. */
export const RECOVERY_MS = 60_000;

/** A batch and its id, as often as it is sent. */
interface Batch {
  readonly operation: Operation;
  readonly batchId: Uint8Array;
  readonly firstSentMs: number;
  /** Of the clock: a jump between two sends makes the memory of ids uncertain. */
  readonly jumpCount: number;
  sent: Sent;
  /** Known to have been applied once; a refusal later on does not undo that. */
  isApplied: boolean;
  /** Refused so often in a row. */
  refusalCount: number;
}

/** What one lane's writer knows, deaths included. */
export class Writer {
  readonly lane: number;
  readonly source: OperationSource;
  /** Acknowledged lately. */
  known: Batch[] = [];
  /** Sent and neither acknowledged nor refused, or refused for now. */
  unanswered: Batch | undefined = undefined;

  constructor(lane: number, source: OperationSource) {
    this.lane = lane;
    this.source = source;
  }
}

export interface LifeOptions {
  readonly machine: Machine;
  readonly storage: Storage;
  readonly oracle: WriteOracle;
  readonly prng: Prng;
  readonly writers: readonly Writer[];
  /** Every point ever sent. */
  readonly sentPoints: Set<string>;
  /** Operating errors are to be expected. */
  readonly isFaulty: boolean;
  /** Only a lack of space is: nothing may be fatal. */
  readonly isFullOnly: boolean;
  /** How many times slower than usual the disk is. */
  readonly slowness: number;
  /** Flushes and merges are asked for; else they come by themselves. */
  readonly hasHousekeeper: boolean;
  readonly jumpCount: () => number;
  readonly violate: (text: string) => void;
  readonly trace: (text: string) => void;
}

export class Life {
  readonly #options: LifeOptions;
  isOver = false;
  /** Writers finish what they are at. */
  isStopping = false;
  /** Lanes that had a success since it was emptied last. */
  readonly successes = new Set<number>();

  constructor(options: LifeOptions) {
    this.#options = options;
  }

  start(): Promise<unknown> {
    const writers = this.#options.writers.map((writer) => this.#guard(this.#write(writer)));
    if (this.#options.hasHousekeeper) void this.#guard(this.#keepHouse());
    void this.#guard(this.#readPinned());
    return Promise.all(writers);
  }

  /** Ends the life at an error; says whether the error was one to be expected. */
  async #guard(task: Promise<void>): Promise<void> {
    try {
      await task;
    } catch (error) {
      this.#judge(error);
      this.isOver = true;
    }
  }

  #judge(error: unknown): void {
    const { machine, isFaulty, isFullOnly, violate, trace } = this.#options;
    trace(`over: ${errorMessage(error)}`);
    if (!machine.files.alive || this.isOver) return;
    if (this.isStopping && error instanceof AppError && error.code === 'closed') return;
    if (error instanceof ReadViolation) violate(error.message);
    else if (error instanceof AppError && error.kind === 'unavailable' && isFaulty) return;
    else if (error instanceof FatalError && isFaulty && !isFullOnly) return;
    else violate(`unexpected: ${String(error)} ${stackOf(error)}`);
  }

  /** A refusal to live with: it is tried again later. */
  #isRefusal(error: unknown): boolean {
    if (!(error instanceof AppError)) return false;
    if (error.code === 'head-full') return true;
    const isOver = error.code === 'storage-failed' || error.code === 'poison-record';
    return this.#options.isFaulty && error.kind === 'unavailable' && !isOver;
  }

  // -------------------------------------------------------------- writing

  async #write(writer: Writer): Promise<void> {
    const { machine, prng } = this.#options;
    while (!this.isStopping && !this.isOver && machine.files.alive) {
      const choice = randomUnit(prng);
      if (writer.unanswered === undefined && choice < 0.15) await this.#resend(writer);
      else if (writer.unanswered === undefined && choice < 0.2) await this.#dryRun(writer);
      else await this.#sendNext(writer);
      await machine.scheduler.sleep(randomUnit(prng) * 10);
    }
  }

  async #sendNext(writer: Writer): Promise<void> {
    const { machine, prng, oracle } = this.#options;
    const batch = writer.unanswered ?? this.#newBatch(writer);
    if (batch.sent.fate === 'applied') batch.isApplied = true;
    const fate = batch.isApplied ? 'applied' : batch.sent.fate;
    // Sent anew it is the lane's newest operation, whatever became of it.
    if (batch.sent.fate !== undefined) batch.sent = oracle.begin(batch.operation);
    const isExact = oracle.openCount(String(writer.lane)) === 1;
    const { operation } = batch;
    const hidden =
      operation.kind === 'delete' && fate === undefined && isExact
        ? hiddenBy(oracle.acknowledgedState(String(writer.lane)), operation)
        : undefined;
    const isAsync = randomInt(prng, 5) === 0;
    writer.unanswered = batch;
    const name = `lane ${writer.lane} ${batch.operation.kind} ${batch.batchId.toHex().slice(0, 8)}`;
    this.#options.trace(`${name}: sent (${fate ?? 'new'})${isAsync ? ' async' : ''}`);
    try {
      if (operation.kind === 'write') {
        const { applied } = await this.#append(writer, batch, isAsync);
        if (fate !== undefined) this.#checkApplied(batch, applied, fate);
        else if (!applied) throw new ReadViolation('a batch sent for the first time counts twice');
      } else {
        const counts = await this.#delete(writer, batch);
        if (hidden !== undefined) this.#checkCounts(counts, hidden, operation.series);
      }
    } catch (error) {
      if (!this.#isRefusal(error) || !machine.files.alive) throw error;
      batch.sent.refuse();
      this.#options.trace(`${name}: refused, ${errorMessage(error)}`);
      await this.#waitForRoom(batch);
      return;
    }
    this.#options.trace(`${name}: answered`);
    this.#answered(writer, batch, isAsync && batch.operation.kind === 'write');
  }

  /** Back pressure ends by itself on a sound disk. */
  async #waitForRoom(batch: Batch): Promise<void> {
    const { machine, slowness, isFaulty } = this.#options;
    const retryMs = RETRY_MS * Math.sqrt(slowness);
    if (!isFaulty && ++batch.refusalCount * retryMs > RECOVERY_MS * slowness)
      throw new ReadViolation(`a write is refused ${batch.refusalCount} times`);
    await machine.scheduler.sleep(retryMs);
  }

  #newBatch(writer: Writer): Batch {
    const { machine, prng, oracle, sentPoints, jumpCount } = this.#options;
    const operation = writer.source.next();
    if (operation.kind === 'write')
      for (const { series, t, value } of operation.points)
        sentPoints.add(`${series} at ${t}: ${value}`);
    return {
      operation,
      batchId: prng.bytes(16),
      firstSentMs: machine.clock.monotonicMs(),
      jumpCount: jumpCount(),
      sent: oracle.begin(operation),
      isApplied: false,
      refusalCount: 0,
    };
  }

  #answered(writer: Writer, batch: Batch, isAsync: boolean): void {
    const { machine, slowness, isFaulty } = this.#options;
    if (!machine.files.alive) return;
    writer.unanswered = undefined;
    this.successes.add(writer.lane);
    if (batch.operation.kind === 'write' && !isAsync) writer.known.push(batch);
    if (writer.known.length > KNOWN_BATCHES_MAX) writer.known.shift();
    if (!isAsync) batch.sent.acknowledge();
    else if (slowness === 1 && !isFaulty)
      machine.scheduler.after(ASYNC_SAFE_MS, () => {
        if (machine.files.alive && batch.sent.fate === undefined) batch.sent.acknowledge();
      });
  }

  #appendOptions(lane: number, batchId: Uint8Array | undefined): AppendOptions {
    const principal = openPrincipal(tenantOf(lane));
    return { principal, durability: 'sync', protocol: 'sim', batchId };
  }

  #append(
    { lane }: Writer,
    { operation, batchId }: Batch,
    isAsync: boolean,
  ): Promise<{ readonly applied: boolean }> {
    const points = operation.kind === 'write' ? operation.points : [];
    const batch = batchOf(this.#options.storage, lane, points);
    const options = this.#appendOptions(lane, batchId);
    return this.#options.storage.append(
      batch,
      isAsync ? { ...options, durability: 'async' } : options,
    );
  }

  #delete({ lane }: Writer, { operation, batchId }: Batch): Promise<DeleteResult> {
    if (operation.kind !== 'delete') throw new Error('a delete is a delete');
    const request = deleteOf(operation, false);
    return this.#options.storage.delete(request, this.#appendOptions(lane, batchId));
  }

  /** Are ids as old as this batch's surely remembered? */
  #isRemembered({ firstSentMs, jumpCount }: Batch): boolean {
    const { machine } = this.#options;
    const ageMs = machine.clock.monotonicMs() - firstSentMs;
    return ageMs < RESEND_WITHIN_MS && jumpCount === this.#options.jumpCount();
  }

  #checkApplied(batch: Batch, applied: boolean, fate: Sent['fate']): void {
    if (fate === 'either') return;
    if (fate === 'lost' && !applied)
      throw new ReadViolation('a batch that was lost is not taken when it is sent again');
    if (fate === 'applied' && applied && this.#isRemembered(batch))
      throw new ReadViolation('a batch that was kept is applied a second time');
  }

  /** Sent again although acknowledged: nothing may change, however much was written since. */
  async #resend(writer: Writer): Promise<void> {
    const { prng } = this.#options;
    writer.known = writer.known.filter((batch) => this.#isRemembered(batch));
    const batch = writer.known[randomInt(prng, Math.max(1, writer.known.length))];
    if (batch === undefined) return;
    try {
      const { applied } = await this.#append(writer, batch, false);
      if (applied) throw new ReadViolation('an acknowledged batch is applied a second time');
    } catch (error) {
      if (!this.#isRefusal(error)) throw error;
    }
  }

  async #dryRun({ lane, source }: Writer): Promise<void> {
    const { oracle, storage } = this.#options;
    if (oracle.openCount(String(lane)) > 0) return;
    const operation = source.delete();
    const expected = hiddenBy(oracle.acknowledgedState(String(lane)), operation);
    try {
      const request = deleteOf(operation, true);
      const counts = await storage.delete(request, this.#appendOptions(lane, undefined));
      this.#checkCounts(counts, expected, operation.series);
    } catch (error) {
      if (!this.#isRefusal(error)) throw error;
    }
  }

  #checkCounts(counts: DeleteResult, pointCount: number, series: string): void {
    const seriesCount = Math.min(1, pointCount);
    if (counts.pointCount === pointCount && counts.seriesCount === seriesCount) return;
    throw new ReadViolation(
      `a delete of ${series} counts ${JSON.stringify(counts)}, there are ${pointCount}`,
    );
  }

  // -------------------------------------------------------------- keeping house, reading

  async #keepHouse(): Promise<void> {
    const { machine, prng, storage } = this.#options;
    while (!this.isStopping && !this.isOver) {
      await machine.scheduler.sleep(randomUnit(prng) * 80);
      try {
        if (randomInt(prng, 3) === 0) await storage.compact();
        else await storage.flush();
      } catch (error) {
        if (!this.#isRefusal(error)) throw error;
        await machine.scheduler.sleep(RETRY_MS);
      }
    }
  }

  /** What one pin shows is what the oracle says, and does not change while others write. */
  async #readPinned(): Promise<void> {
    const { machine, prng, storage } = this.#options;
    let pauseMs = 5;
    while (!this.isStopping && !this.isOver) {
      await machine.scheduler.sleep(randomUnit(prng) * pauseMs);
      pauseMs = 100;
      const pin = storage.pin();
      try {
        await this.#readTwice(pin);
      } catch (error) {
        if (!this.#isRefusal(error)) throw error;
      } finally {
        if (machine.files.alive) pin.release();
      }
    }
  }

  async #readTwice(pin: ReturnType<Storage['pin']>): Promise<void> {
    const { machine, prng, storage, oracle } = this.#options;
    const candidates = oracle.candidates();
    // Reading first would warm the caches that hide a part that is gone.
    const isLate = randomInt(prng, 2) > 0;
    if (isLate) await this.#letTimePass();
    const before = await readAll(storage, pin);
    if (!machine.files.alive) return;
    const wrong = checkRead(before, candidates);
    if (wrong.length > 0) throw new ReadViolation(`under a pin: ${wrong.join('; ')}`);
    if (randomInt(prng, 3) === 0) await checkQueries(storage, pin, before);
    if (isLate) return;
    await this.#letTimePass();
    const again = await readAll(storage, pin);
    const moved = checkRead(again, new Map([...before].map(([lane, state]) => [lane, [state]])));
    if (moved.length > 0) throw new ReadViolation(`a pinned view changed: ${moved.join('; ')}`);
  }

  async #letTimePass(): Promise<void> {
    const { machine, prng, storage, hasHousekeeper } = this.#options;
    if (hasHousekeeper && randomInt(prng, 4) > 0) await storage.compact();
    await machine.scheduler.sleep(randomUnit(prng) * 40);
  }
}

function stackOf(error: unknown): string {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  return lines.slice(1, 4).join(' ').replaceAll(/\s+/g, ' ');
}
