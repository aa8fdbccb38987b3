// Names inside a data folder. Backups hold the same names, so that a restore is a copy.

/** The catalog; its lock keeps a second process out. */
export const CATALOG_FILE = 'catalog.sqlite';
export const BLOBS_FOLDER = 'blobs';
export const SNAPSHOTS_FOLDER = 'snapshots';
/** A restore on its way; the server does not start on it. */
export const RESTORING_FOLDER = '.restoring';

export function logFolder(shard: number): string {
  return shard === 0 ? 'log' : `log-${shard}`;
}

export function isLogFolder(name: string): boolean {
  return /^log(?:-[1-9]\d*)?$/.test(name);
}
