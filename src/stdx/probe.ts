// Named places in the middle of work where a test ends the process or the simulated machine:
// between two steps that a crash may part. Called once a record, a flush, a merge, never a sample.

export type ProbePlace =
  /** A record is in the page cache and not yet synced. */
  | 'append'
  /** The header of a new segment is written and not yet synced. */
  | 'rotate'
  /** A level-0 part is stored and the catalog does not know it. */
  | 'flush'
  /** A commit of the catalog is sent and not confirmed. */
  | 'commit'
  /** The catalog's frontier has moved and a segment below it is about to be freed. */
  | 'trim'
  /** The outputs of a merge are stored and the catalog names the inputs. */
  | 'merge'
  /** A head snapshot is written but for its end, and has no name yet. */
  | 'head'
  /** Parts are linked and the catalog copied, and the snapshot has no name yet. */
  | 'snapshot'
  /** A file of a snapshot is being read for a backup. */
  | 'backup';

export type Probe = (place: ProbePlace) => void;

export const NO_PROBE: Probe = () => undefined;
