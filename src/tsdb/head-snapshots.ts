// When head snapshots are taken, which one a start uses, and when they go. At most two of a shard
// exist: the newer is durable before the older is removed. None of them is ever needed.
import { crc32 } from '../codec/crc32.ts';
import { CodecError } from '../codec/varint.ts';
import type { Log } from '../log/log.ts';
import { AppError } from '../model/errors.ts';
import { errorMessage } from '../stdx/assert.ts';
import { oneAhead } from '../stdx/one-ahead.ts';
import { headSnapshotName, parseHeadSnapshotName } from './head-snapshot-format.ts';
import { readFooter, readHeadSnapshot } from './head-snapshot-read.ts';
import type { RestoredHead, SnapshotObject } from './head-snapshot-read.ts';
import { uniqueText } from './flush.ts';
import type { Generation } from './head.ts';
import { captureShard, headSnapshotChunks } from './head-snapshot-write.ts';
import type { AppliedLog, ShardCapture } from './head-snapshot-write.ts';
import {
  HEAD_SNAPSHOT_FLUSH_SHARE,
  HEAD_SNAPSHOT_NEAR_SHARE,
  HEAD_SNAPSHOT_SERIES_BYTES,
  HEAD_SNAPSHOT_SMALL_BYTES,
} from './limits.ts';
import { shardNames } from './names.ts';
import { DEFAULT_TSDB_SETTINGS, pageRules } from './settings.ts';
import type { TsdbOptions } from './settings.ts';
import type { ShardState } from './state.ts';

// ---------------------------------------------------------------- opening

/**
 * The head snapshot that fits the catalog's frontier and the log, read; undefined where there is
 * none. Removes all others.
 */
export async function openHeadSnapshot(
  options: TsdbOptions,
  frontier: number,
): Promise<RestoredHead | undefined> {
  const { blobs, mutations } = options;
  const { shard } = { ...DEFAULT_TSDB_SETTINGS, ...options.settings };
  const found: { readonly name: string; readonly sizeBytes: number; offset: number }[] = [];
  for await (const one of blobs.list(shardNames(shard).headSnapshots)) {
    const stretch = parseHeadSnapshotName(one.name);
    const isOfCatalog = stretch?.frontier === frontier || mutations?.skipHeadCheck === true;
    const offset = isOfCatalog ? (stretch?.offset ?? -1) : -1;
    found.push({ ...one, offset });
  }
  let restored: RestoredHead | undefined;
  for (const { name, sizeBytes, offset } of found.toSorted((a, b) => b.offset - a.offset)) {
    if (restored === undefined && offset >= 0 && mutations?.skipFrontier !== true)
      restored = await tryRead(options, { name, sizeBytes, blobs }, { shard, frontier });
    if (restored?.name !== name) await blobs.remove(name);
  }
  return restored;
}

/** undefined where it does not fit or is damaged; the latter is reported. */
async function tryRead(
  options: TsdbOptions,
  object: SnapshotObject,
  wanted: { readonly shard: number; readonly frontier: number },
): Promise<RestoredHead | undefined> {
  const rules = pageRules({ ...DEFAULT_TSDB_SETTINGS, ...options.settings });
  const skipCrc = options.mutations?.skipCrc === true;
  try {
    const footer = await readFooter(object);
    if (footer === undefined) return undefined;
    if (options.mutations?.skipHeadCheck !== true) {
      const { shard, frontier, offset } = footer;
      if (shard !== wanted.shard || frontier !== wanted.frontier) return undefined;
      reportShortLog(options, offset);
      if ((await recordCrc(options.log, offset - 1)) !== footer.recordCrc) return undefined;
    }
    return await readHeadSnapshot({ object, footer, rules, skipCrc });
  } catch (error) {
    const isUnreadable = error instanceof CodecError || error instanceof AppError;
    if (!isUnreadable) throw error;
    const reason = errorMessage(error);
    options.report?.({ kind: 'head-snapshot-damaged', blob: object.name, reason });
    return undefined;
  }
}

/** What a head snapshot has seen of the log was durable: a log that ends before it was cut. */
function reportShortLog({ log, report }: TsdbOptions, offset: number): void {
  const { endOffset } = log;
  if (endOffset >= offset) return;
  const reason = `the log ends at record ${endOffset}, a head snapshot has seen ${offset}: the end of its newest segment is gone`;
  report?.({ kind: 'log-damage', reason });
}

/** undefined where the log does not hold the record, or cannot read it. */
async function recordCrc(log: Log, offset: number): Promise<number | undefined> {
  if (offset < log.startOffset || offset >= log.endOffset) return undefined;
  for await (const record of log.read(offset))
    return record.offset === offset ? crc32(record.bytes) : undefined;
  return undefined;
}

// ---------------------------------------------------------------- keeping

/** What the replay of a tail costs, as bytes of a log of samples. */
interface ReplayCost {
  readonly tailBytes: number;
  /** Of the definitions of series that the generation uses. */
  readonly seriesBytes: number;
}

/** What was captured last. */
interface Taken extends ReplayCost {
  readonly seqMin: number;
  readonly offset: number;
}

function costOf(tailBytes: number, generation: Generation): ReplayCost {
  return { tailBytes, seriesBytes: generation.refs.count * HEAD_SNAPSHOT_SERIES_BYTES };
}

export class HeadSnapshots {
  readonly #state: ShardState;
  readonly #applied: () => AppliedLog;
  /** Objects that may exist. */
  #names: string[] = [];
  #last: Taken = { seqMin: -1, offset: -1, tailBytes: 0, seriesBytes: 0 };
  /** Finished ones of this process. */
  takenCount = 0;
  takenBytes = 0;
  #lastSizeBytes = 0;

  constructor(state: ShardState, applied: () => AppliedLog) {
    this.#state = state;
    this.#applied = applied;
    const { restored } = state;
    if (restored === undefined) return;
    const { name, frontier, offset, tailBytes, generation } = restored;
    this.#names.push(name);
    this.#last = { seqMin: frontier, offset, ...costOf(tailBytes, generation) };
  }

  /** Behind the last one, or behind the cut. */
  #behind(): ReplayCost {
    const { tailBytes, activeGeneration } = this.#state;
    const cost = costOf(tailBytes, activeGeneration);
    if (this.#last.seqMin !== activeGeneration.seqMin) return cost;
    return {
      tailBytes: cost.tailBytes - this.#last.tailBytes,
      seriesBytes: cost.seriesBytes - this.#last.seriesBytes,
    };
  }

  /**
   * Does the replay of what is behind cost as much as it should at most? Samples are replayed
   * faster than a head snapshot of them is written, and it is worth nothing once they are flushed:
   * where that is near, only new series ask for one. Behind a large one there may be more, so that
   * what is copied for a byte of log is bounded.
   */
  isDue(): boolean {
    const { headSnapshotLogBytes, logTailMaxBytes } = this.#state.settings;
    if (headSnapshotLogBytes === 0) return false;
    const { tailBytes, seriesBytes } = this.#behind();
    const large = this.#lastSizeBytes - HEAD_SNAPSHOT_SMALL_BYTES;
    if (tailBytes + seriesBytes < Math.max(headSnapshotLogBytes, large)) return false;
    const isFlushNear = this.#state.tailBytes > logTailMaxBytes * HEAD_SNAPSHOT_NEAR_SHARE;
    return !isFlushNear || this.isDueBeforeFlush();
  }

  /** Would a start during a flush, which is long for them, define many series anew? */
  isDueBeforeFlush(): boolean {
    const { headSnapshotLogBytes } = this.#state.settings;
    const { seriesBytes } = this.#behind();
    return (
      headSnapshotLogBytes > 0 && seriesBytes >= headSnapshotLogBytes * HEAD_SNAPSHOT_FLUSH_SHARE
    );
  }

  /** Would a start replay the whole tail for longer than this share of what is due? */
  isTailLong(share: number): boolean {
    const { settings, tailBytes, activeGeneration } = this.#state;
    const { headSnapshotLogBytes } = settings;
    const { seriesBytes } = costOf(tailBytes, activeGeneration);
    const replayBytes = tailBytes + seriesBytes;
    return headSnapshotLogBytes > 0 && replayBytes >= headSnapshotLogBytes * share;
  }

  /**
   * Takes one, where there is anything new and one generation holds it. Call in turn with flushes.
   * Throws AppError where there is no space; then the next one waits for as much log again.
   */
  async take(pause: () => Promise<void> | undefined): Promise<void> {
    const { view, disk, index, headBytes } = this.#state;
    const hasRoom = await disk.hasRoomFor(headBytes + index.sizeBytes, 'floor');
    const { offset, tailBytes } = this.#applied();
    const { activeGeneration } = this.#state;
    const { seqMin } = activeGeneration;
    if (view.generations.length > 1 || offset <= Math.max(seqMin, this.#last.offset)) return;
    this.#last = { seqMin, offset, ...costOf(tailBytes, activeGeneration) };
    if (!hasRoom) return;
    const capture = captureShard(this.#state, { offset, tailBytes });
    try {
      await this.#write(capture, pause);
    } finally {
      capture.release();
    }
  }

  async #write(capture: ShardCapture, pause: () => Promise<void> | undefined): Promise<void> {
    const { names, options, settings, probe } = this.#state;
    const { frontier, offset, sections } = capture;
    // So that a log that is shorter tells of damage.
    if (options.log.durableOffset < offset) await options.log.sync();
    const crc = await recordCrc(options.log, offset - 1);
    // The last record is damaged: there is nothing to know the log by.
    if (crc === undefined) return;
    const name = headSnapshotName(names, { frontier, offset }, uniqueText(this.#state));
    const older = this.#names;
    // Also one that failed late may be there.
    this.#names = [...older, name];
    const finish = (): void => {
      capture.check();
      probe('head');
    };
    const stretch = { shard: settings.shard, frontier, offset, recordCrc: crc };
    // The disk is slower than the copying: both at once.
    const chunks = oneAhead(headSnapshotChunks(sections, { stretch, pause, finish }));
    const { sizeBytes } = await options.blobs.put(name, chunks);
    this.takenCount++;
    this.takenBytes += sizeBytes;
    this.#lastSizeBytes = sizeBytes;
    await this.#remove(older);
  }

  /** After a flush: none of a stretch that is in parts stays. Throws where the disk fails. */
  async removeStale(): Promise<void> {
    if (this.#last.seqMin === this.#state.frontier) return;
    await this.#remove(this.#names);
  }

  async #remove(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.#state.options.blobs.remove(name);
      this.#names = this.#names.filter((one) => one !== name);
    }
  }
}
