// Snapshots of a running store, as front ends see them: folders that open as data folders of their
// own (docs/formats/snapshot.md). About the whole server, not about one tenant.

export interface SnapshotInfo {
  readonly name: string;
  readonly createdMs: number;
  /** Of each shard: it holds what the log said below. */
  readonly shards: readonly { readonly shard: number; readonly offset: number }[];
  /** Of all its files; those shared with the store are counted. */
  readonly sizeBytes: number;
  readonly fileCount: number;
  /** Why nothing more is known of it, where its description is damaged. */
  readonly problem?: string;
}

export interface SnapshotFile {
  /** Relative to the snapshot, separated by '/'. */
  readonly path: string;
  readonly sizeBytes: number;
}

export interface SnapshotKeeper {
  /**
   * Takes one; durable and complete when it resolves. `withHead` false: without what is not yet in
   * parts. Throws AppError limited/too-many-snapshots, unavailable/disk-full.
   */
  create(options: { readonly withHead: boolean }): Promise<SnapshotInfo>;
  /** Oldest first. */
  list(): Promise<readonly SnapshotInfo[]>;
  /** Throws AppError notFound/no-snapshot, as everything below. */
  get(name: string): Promise<SnapshotInfo>;
  files(name: string): Promise<readonly SnapshotFile[]>;
  /** One file in pieces, each borrowed until the next is asked for. */
  read(name: string, path: string): Promise<SnapshotContent>;
  remove(name: string): Promise<void>;
}

export interface SnapshotContent {
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}
