// The log plane: an ordered, durable sequence of opaque records (docs/formats/log-record.md;
// their envelope is the driver's, docs/formats/segment.md). One
// appender; readers may run beside it. Offsets are dense record numbers starting at 0: record n is
// followed by n + 1, so [frontier, C) names whole records, and a Kafka driver can use Kafka's own.
//
// A record is acknowledged only after its `durable` promise resolved, which happens strictly in
// offset order. A failed sync is FATAL: `durable` rejects with FatalError, every later append
// rejects, and no byte is written to that segment again.

/** Dense record number; a safe integer. */
export type LogOffset = number;

export interface Appended {
  readonly offset: LogOffset;
  /** Resolves when this record and all before it are on stable storage. */
  readonly durable: Promise<void>;
}

export interface LogRecord {
  readonly offset: LogOffset;
  /** Borrowed until the next record is asked for. */
  readonly bytes: Uint8Array;
}

/** A stretch of the log that could not be read back, below the highest durable mark. */
export interface LogDamage {
  readonly firstOffset: LogOffset;
  /** Exclusive; the next readable record. */
  readonly endOffset: LogOffset;
  readonly file: string;
  readonly reason: string;
}

export interface Log {
  /** First offset still held. */
  readonly startOffset: LogOffset;
  /** Offset the next record will get. */
  readonly endOffset: LogOffset;
  /** Every record below is durable. */
  readonly durableOffset: LogOffset;
  /** Bytes on disk, free tails of segments excluded. */
  readonly sizeBytes: number;
  /** What open() found damaged and skipped: never silent, see docs/operations/failures.md. */
  readonly damage: readonly LogDamage[];
  /**
   * Copies `bytes` into the log. Synchronous up to the page cache. Throws AppError
   * unavailable/disk-full where no segment can be had (nothing appended), tooLarge/record-too-large
   * above RECORD_SIZE_MAX_BYTES. `crc`: crc32 of the bytes where the caller knows it.
   */
  append(bytes: Uint8Array, crc?: number): Appended;
  /** Resolves when everything appended so far is durable. */
  sync(): Promise<void>;
  /**
   * Records with offset >= from, in order, up to the end at the time of each step. What `damage`
   * names and what was trimmed meanwhile is skipped. Throws FatalError where the disk fails.
   */
  read(from: LogOffset): AsyncIterable<LogRecord>;
  /** Frees whole segments below `offset`; afterwards startOffset <= offset. */
  trim(offset: LogOffset): Promise<void>;
  /** Gives unused space back to the disk: free segments and the free tail of the last one. */
  shrink(): Promise<void>;
  /**
   * Makes in the folder `directory`, which is created, a log of its own that is empty and gives
   * `offset` to its next record: what a snapshot cut at `offset` goes on with. Durable when it
   * resolves; throws FileError.
   */
  writeEmpty(directory: string, offset: LogOffset): Promise<void>;
  /** Syncs and closes; idempotent. */
  close(): Promise<void>;
}
