// The blob plane: immutable objects under names, on a folder or later on S3. A name is segments of
// [a-z0-9_-][a-z0-9._-]* joined by '/', at most BLOB_NAME_MAX_BYTES long; no name is a folder of
// another. `put` is atomic: after a crash the whole object is there or nothing of it; a put of an
// existing name replaces it. The interface throws AppError unavailable/disk-full where space is
// missing (retryable, nothing stored) and unavailable/blob-io where the disk failed.

export interface BlobInfo {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface BlobRange {
  readonly offset: number;
  readonly length: number;
}

export interface Blobs {
  /** Durable when it resolves. `chunks` are borrowed one at a time. */
  put(name: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<BlobInfo>;
  /**
   * Reads `range.length` bytes (all of the object without a range) into fresh memory, or into
   * `into`, which is exactly as long and is returned. Throws
   * AppError notFound/no-blob, corrupt/short-blob where the object ends before the range does.
   */
  get(name: string, range?: BlobRange, into?: Uint8Array): Promise<Uint8Array>;
  /** undefined where there is no such object. */
  head(name: string): Promise<BlobInfo | undefined>;
  /** Names that start with `prefix`, in UTF-8 byte order. */
  list(prefix: string): AsyncIterable<BlobInfo>;
  /** No error where it does not exist. */
  remove(name: string): Promise<void>;
  /**
   * Makes in the folder `directory`, which is created, a store of its own that holds these objects
   * as they are now, without copying bytes where the driver can. Durable when it resolves. Throws
   * AppError notFound/no-blob; nothing may be removed meanwhile.
   */
  backup(directory: string, names: Iterable<string>): Promise<void>;
  close(): Promise<void>;
}
