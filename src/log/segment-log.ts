// The embedded log driver: recycled segment files, group commit with one datasync() in flight
// (docs/formats/segment.md). Owns every file of its folder. Invariants: segments are contiguous in
// offsets, the last one takes the appends; durableOffset <= endOffset and never falls; a segment is
// freed only after the current segment's header is durable.
import { AppError } from '../model/errors.ts';
import { assert, errorMessage, FatalError, must } from '../stdx/assert.ts';
import {
  createFile,
  FileError,
  fileErrorCode,
  type Files,
  makeDirectoryDurable,
} from '../stdx/files.ts';
import type { Prng } from '../stdx/prng.ts';
import { NO_PROBE } from '../stdx/probe.ts';
import type { Probe } from '../stdx/probe.ts';
import {
  FRAME_COPY_MAX_BYTES,
  RECORD_SIZE_MAX_BYTES,
  SEGMENT_SIZE_BYTES,
  SPARE_AT_RATIO,
} from './limits.ts';
import type { Appended, Log, LogDamage, LogOffset, LogRecord } from './log.ts';
import { SegmentCursor } from './segment-cursor.ts';
import type { Clock } from '../stdx/clock.ts';
import {
  type FreeFile,
  newSegment,
  type Segment,
  SegmentFiles,
  segmentName,
} from './segment-files.ts';
import { recoverLog, type RecoveredLog } from './segment-recovery.ts';
import {
  encodeFrameHeader,
  encodeHeaderBlock,
  encodeMark,
  FRAME_HEADER_BYTES,
  frameSizeBytes,
  HEADER_BLOCK_BYTES,
  MARK_POSITION,
} from './segment.ts';

/** Test-only: breaks one safety mechanism, so that a suite can prove that it goes red. */
export interface LogMutations {
  /** Checksums of frames are not compared. */
  readonly skipCrc?: boolean;
}

export interface SegmentLogOptions {
  readonly files: Files;
  /** Folder of the segments, `DATA/log`; created where missing. */
  readonly directory: string;
  /** Salts of segments. */
  readonly prng: Prng;
  readonly segmentSizeBytes?: number;
  readonly mutations?: LogMutations;
  readonly probe?: Probe;
  /**
   * Resolves when input that is there already was read: what it appends shares the sync that waits.
   * Default: at once.
   */
  readonly inputRead?: () => Promise<void>;
  /** Told how long each sync took. */
  readonly watch?: { readonly clock: Pick<Clock, 'monotonicMs'>; synced(durationMs: number): void };
}

/**
 * Opens or creates a log. Rejects with FatalError where a file cannot be read or is of a newer
 * version, AppError unavailable/disk-full where the first segment finds no space.
 */
export async function openSegmentLog(options: SegmentLogOptions): Promise<Log> {
  const segmentSizeBytes = options.segmentSizeBytes ?? SEGMENT_SIZE_BYTES;
  assert(segmentSizeBytes > 2 * HEADER_BLOCK_BYTES, 'a segment holds more than its header');
  const files = new SegmentFiles(options.files, options.directory, segmentSizeBytes);
  try {
    const recovered = await recoverLog(files, options.mutations?.skipCrc === true);
    const log = new SegmentLog(options, files, recovered);
    await log.begin();
    return log;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'ENOSPC') throw diskFull(error);
    throw new FatalError(`the log cannot be opened: ${error.message}`, { cause: error });
  }
}

function diskFull(cause: unknown): AppError {
  const message = `no space for the log (${errorMessage(cause)}): free disk space, writes go on then`;
  return new AppError('unavailable', 'disk-full', message, { retryAfterSec: 5, cause });
}

/** A disk that fails while the log is read. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof FileError)) return error;
  const message = `the log cannot be read: ${error.message}; check the disk, then start again`;
  return new FatalError(message, { cause: error });
}

interface Waiter {
  readonly offset: LogOffset;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class SegmentLog implements Log {
  readonly #options: SegmentLogOptions;
  readonly #files: SegmentFiles;
  readonly #skipCrc: boolean;
  readonly #probe: Probe;
  readonly #segmentSizeBytes: number;
  readonly #segments: Segment[];
  readonly #damage: LogDamage[];
  readonly #scratch = new Uint8Array(FRAME_COPY_MAX_BYTES);
  #endOffset: LogOffset;
  #durableOffset: LogOffset;
  #spare: FreeFile | undefined;
  /** Why the last attempt to prepare a spare failed. */
  #spareFailure: unknown;
  #preparing = false;
  #waiters: Waiter[] = [];
  /** Called after the next sync that begins from now on. */
  #roundWaiters: (() => void)[] = [];
  #syncing: Promise<void> | undefined;
  #failure: FatalError | undefined;
  #closing: Promise<void> | undefined;
  /** Maintenance (spare, trim, shrink, close) runs one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SegmentLogOptions, files: SegmentFiles, recovered: RecoveredLog) {
    this.#options = options;
    this.#files = files;
    this.#skipCrc = options.mutations?.skipCrc === true;
    this.#probe = options.probe ?? NO_PROBE;
    this.#segmentSizeBytes = options.segmentSizeBytes ?? SEGMENT_SIZE_BYTES;
    this.#segments = recovered.segments;
    this.#damage = recovered.damage;
    this.#endOffset = recovered.endOffset;
    this.#durableOffset = recovered.endOffset;
  }

  /** Makes the first segment of a new log. */
  async begin(): Promise<void> {
    if (this.#segments.length > 0) return;
    this.#spare = await this.#files.prepare();
    this.#rotate();
    await this.#current().file.datasync();
    this.#current().dirty = false;
  }

  get startOffset(): LogOffset {
    return must(this.#segments[0], 'a log has a segment').header.firstOffset;
  }

  get endOffset(): LogOffset {
    return this.#endOffset;
  }

  get durableOffset(): LogOffset {
    return this.#durableOffset;
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.usedBytes, 0);
  }

  get damage(): readonly LogDamage[] {
    return this.#damage;
  }

  append(bytes: Uint8Array, crc?: number): Appended {
    this.#needUsable();
    if (bytes.length > RECORD_SIZE_MAX_BYTES) {
      const message = `a log record of ${bytes.length} bytes is over the limit of ${RECORD_SIZE_MAX_BYTES}`;
      throw new AppError('tooLarge', 'record-too-large', message);
    }
    const sizeBytes = frameSizeBytes(bytes.length);
    this.#makeRoom(sizeBytes);
    const segment = this.#current();
    const offset = this.#endOffset;
    this.#write(segment, bytes, { offset, crc });
    this.#probe('append');
    segment.usedBytes += sizeBytes;
    segment.endOffset = offset + 1;
    segment.dirty = true;
    this.#endOffset = offset + 1;
    if (segment.usedBytes > this.#segmentSizeBytes * SPARE_AT_RATIO) this.#wantSpare();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Who does not wait (async writes) learns of a failure from the next append.
    promise.catch(() => undefined);
    this.#waiters.push({ offset, promise, resolve, reject });
    this.#startSync();
    return { offset, durable: promise };
  }

  async sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#waiters.at(-1)?.promise;
  }

  async *read(from: LogOffset): AsyncGenerator<LogRecord, void, undefined> {
    let next = Math.max(from, this.startOffset);
    while (next < this.#endOffset) {
      const segment = this.#segmentOf(next);
      // Appends may come while this waits: only what was looked at counts as read.
      const progress = { readUpTo: next };
      for await (const record of this.#readSegment(segment, progress)) {
        if (record.offset >= next) yield record;
      }
      next = Math.max(progress.readUpTo, this.startOffset);
    }
  }

  trim(offset: LogOffset): Promise<void> {
    return this.#maintain(async () => {
      assert(offset <= this.#endOffset, 'trim stays within the log');
      if (offset === this.#endOffset && this.#current().header.firstOffset < offset) {
        await this.#prepareSpare();
        if (offset === this.#endOffset && this.#spare !== undefined) this.#rotate();
      }
      const oldest = must(this.#segments[0], 'a log has a segment');
      if (this.#segments.length === 1 || oldest.endOffset > offset) return;
      await this.#syncRound();
      while (this.#segments.length > 1) {
        const first = must(this.#segments[0], 'a log has a segment');
        if (first.endOffset > offset) break;
        this.#probe('trim');
        await this.#release(first);
      }
      for (let i = this.#damage.length - 1; i >= 0; i--) {
        const damage = must(this.#damage[i], 'index within bounds');
        if (damage.endOffset <= this.startOffset) this.#damage.splice(i, 1);
      }
    });
  }

  /**
   * Moves on to a file without a free tail, so that nothing is cut while an append writes to it.
   */
  shrink(): Promise<void> {
    return this.#maintain(async () => {
      const spare = this.#spare;
      this.#spare = undefined;
      if (spare !== undefined) await this.#files.keepOrRemove(spare);
      await this.#files.removeFree();
      try {
        this.#spare = await this.#files.prepare({ zeroFilled: false });
      } catch (error) {
        if (fileErrorCode(error) === 'ENOSPC') return;
        throw error;
      }
      this.#rotate();
      await this.#syncRound();
      for (const segment of this.#segments.slice(0, -1)) {
        if (segment.endOffset === segment.header.firstOffset) await this.#release(segment);
        else if (segment.file.sizeBytes() > segment.usedBytes) {
          await segment.file.truncate(segment.usedBytes);
        }
      }
      await this.#files.removeFree();
    });
  }

  async writeEmpty(directory: string, offset: LogOffset): Promise<void> {
    const { files, prng } = this.#options;
    const header = { salt: prng.u32(), sequence: 1, firstOffset: offset, durableOffset: offset };
    const block = encodeHeaderBlock(header);
    block.set(encodeMark(header, offset), MARK_POSITION);
    await makeDirectoryDurable(files, directory);
    await createFile(files, `${directory}/${segmentName(1)}`, block);
    await files.syncDirectory(directory);
  }

  close(): Promise<void> {
    this.#closing ??= this.#exclusive(async () => {
      await this.#syncing;
      if (this.#failure === undefined) {
        const current = this.#current();
        await current.file.write(encodeMark(current.header, this.#durableOffset), MARK_POSITION);
        await current.file.datasync();
      }
      const spare = this.#spare === undefined ? [] : [this.#spare];
      await this.#files.closeAll([...this.#segments, ...spare]);
      if (this.#failure !== undefined) throw this.#failure;
    });
    return this.#closing;
  }

  #current(): Segment {
    return must(this.#segments.at(-1), 'a log has a segment');
  }

  #needUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    assert(this.#closing === undefined, 'append on a closed log');
  }

  /**
   * Moves on to the spare where the frame does not fit; a record larger than any segment grows one.
   */
  #makeRoom(sizeBytes: number): void {
    const current = this.#current();
    if (current.usedBytes + sizeBytes <= this.#segmentSizeBytes) return;
    if (this.#spare !== undefined) {
      if (current.endOffset > current.header.firstOffset) this.#rotate();
      return;
    }
    const failure = this.#spareFailure;
    this.#wantSpare();
    if (failure !== undefined) throw diskFull(failure);
  }

  /** Makes the spare the current segment; durable with the next sync. */
  #rotate(): void {
    const spare = must(this.#spare, 'rotation has a spare');
    const header = {
      salt: this.#options.prng.u32(),
      sequence: (this.#segments.at(-1)?.header.sequence ?? 0) + 1,
      firstOffset: this.#endOffset,
      durableOffset: this.#durableOffset,
    };
    try {
      spare.file.writeSync(encodeHeaderBlock(header), 0);
    } catch (error) {
      throw this.#writeFailed(error);
    }
    this.#probe('rotate');
    this.#spare = undefined;
    const segment = newSegment(spare, header);
    segment.dirty = true;
    this.#segments.push(segment);
  }

  #write(
    segment: Segment,
    bytes: Uint8Array,
    { offset, crc }: { readonly offset: LogOffset; readonly crc: number | undefined },
  ): void {
    const frame = { seed: segment.seed, offset, durableOffset: this.#durableOffset, crc };
    const length = FRAME_HEADER_BYTES + bytes.length;
    encodeFrameHeader(this.#scratch, bytes, frame);
    try {
      if (length <= FRAME_COPY_MAX_BYTES) {
        this.#scratch.set(bytes, FRAME_HEADER_BYTES);
        segment.file.writeSync(this.#scratch.subarray(0, length), segment.usedBytes);
      } else {
        const head = this.#scratch.subarray(0, FRAME_HEADER_BYTES);
        segment.file.writeSync(head, segment.usedBytes);
        segment.file.writeSync(bytes, segment.usedBytes + FRAME_HEADER_BYTES);
      }
    } catch (error) {
      throw this.#writeFailed(error);
    }
  }

  /** A full disk leaves the log as it was: the next append writes over the broken frame. */
  #writeFailed(error: unknown): Error {
    if (fileErrorCode(error) === 'ENOSPC') return diskFull(error);
    this.#fail(error);
    return must(this.#failure, 'a failed log says why');
  }

  #fail(error: unknown): void {
    this.#failure ??= new FatalError(
      `the log in '${this.#options.directory}' failed (${errorMessage(error)}): what was not yet ` +
        `acknowledged may be lost; check the disk, then start again`,
      { cause: error },
    );
    for (const waiter of this.#waiters) waiter.reject(this.#failure);
    this.#waiters = [];
  }

  /** Frees one segment, which is not the current one, after the current one's header is durable. */
  async #release(segment: Segment): Promise<void> {
    assert(segment !== this.#current(), 'the current segment stays');
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    segment.released = true;
    await this.#files.release(segment);
  }

  #startSync(): void {
    this.#syncing ??= this.#syncAll();
  }

  /** Resolves after a sync that began after the call; rejects where the log has failed. */
  async #syncRound(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#roundWaiters.push(resolve);
    this.#startSync();
    await promise;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Group commit: syncs until nothing is dirty. Never rejects: a failure is kept in #failure. */
  async #syncAll(): Promise<void> {
    for (;;) {
      await this.#options.inputRead?.();
      const dirty = this.#segments.filter((segment) => segment.dirty);
      const roundWaiters = this.#roundWaiters;
      this.#roundWaiters = [];
      if (dirty.length > 0 && this.#failure === undefined) await this.#syncSegments(dirty);
      for (const resolve of roundWaiters) resolve();
      const more = this.#roundWaiters.length > 0 || this.#segments.some((s) => s.dirty);
      if (!more || this.#failure !== undefined) break;
    }
    // In the same step as the last look at what is dirty: an append after it starts a new run.
    this.#syncing = undefined;
    for (const resolve of this.#roundWaiters.splice(0)) resolve();
  }

  async #syncSegments(dirty: readonly Segment[]): Promise<void> {
    const upTo = this.#endOffset;
    // Together with `upTo`: what is appended while the first one syncs needs another round.
    for (const segment of dirty) segment.dirty = false;
    const { watch } = this.#options;
    const startMs = watch?.clock.monotonicMs() ?? 0;
    try {
      for (const segment of dirty) await segment.file.datasync();
      watch?.synced(watch.clock.monotonicMs() - startMs);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#durableOffset = upTo;
    this.#wake(upTo);
  }

  #wake(upTo: LogOffset): void {
    const durable = this.#waiters.findIndex((waiter) => waiter.offset >= upTo);
    const woken = this.#waiters.splice(0, durable < 0 ? this.#waiters.length : durable);
    for (const waiter of woken) waiter.resolve();
  }

  #wantSpare(): void {
    if (this.#spare !== undefined || this.#preparing || this.#closing !== undefined) return;
    this.#preparing = true;
    const prepared = this.#exclusive(() => this.#prepareSpare());
    prepared
      .finally(() => {
        this.#preparing = false;
      })
      .catch((error: unknown) => {
        this.#fail(error);
      });
  }

  /** Resolves with or without a spare; #spareFailure tells why there is none. */
  async #prepareSpare(): Promise<void> {
    if (this.#spare !== undefined || this.#failure !== undefined) return;
    try {
      this.#spare = await this.#files.prepare();
      this.#spareFailure = undefined;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#spareFailure = error;
    }
  }

  /** Maintenance whose file errors leave the log in a state that only a new start can judge. */
  #maintain(task: () => Promise<void>): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        await task();
      } catch (error) {
        if (error instanceof FileError) this.#fail(error);
        throw this.#failure ?? error;
      }
    });
  }

  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(task, task);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #segmentOf(offset: LogOffset): Segment {
    const found = this.#segments.findLast((segment) => segment.header.firstOffset <= offset);
    return must(found, 'an offset from the start on is in a segment');
  }

  async *#readSegment(
    segment: Segment,
    progress: { readUpTo: LogOffset },
  ): AsyncGenerator<LogRecord, void, undefined> {
    const { file, seed } = segment;
    const cursor = new SegmentCursor({ file, seed, skipCrc: this.#skipCrc });
    let expected = segment.header.firstOffset;
    this.#files.beginRead(file);
    try {
      while (expected < segment.endOffset) {
        const item = await cursor.next(expected, segment.usedBytes);
        if (segment.released) return;
        if (item?.kind === 'frame') {
          expected++;
          progress.readUpTo = Math.max(progress.readUpTo, expected);
          yield { offset: item.offset, bytes: item.payload };
          continue;
        }
        const endOffset = Math.min(item?.endOffset ?? segment.endOffset, segment.endOffset);
        this.#noteDamage(segment, expected, endOffset, item?.reason);
        expected = endOffset;
        progress.readUpTo = Math.max(progress.readUpTo, expected);
        if (item === undefined) return;
      }
    } catch (error) {
      throw unreadable(error);
    } finally {
      await this.#files.endRead(file);
    }
  }

  /**
   * Damage found after the start is as loud as damage found by it; a known stretch is not repeated.
   */
  #noteDamage(segment: Segment, firstOffset: number, endOffset: number, reason?: string): void {
    const known = this.#damage.some(
      (damage) => damage.firstOffset <= firstOffset && endOffset <= damage.endOffset,
    );
    if (known) return;
    const why = reason ?? 'the rest of the segment is unreadable';
    this.#damage.push({ firstOffset, endOffset, file: segment.path, reason: why });
  }
}
