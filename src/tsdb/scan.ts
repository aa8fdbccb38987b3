// What a scan over parts and head is asked for, and the cursors it is made of.
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { TenantId } from '../model/tenant.ts';
import type { Source, TimeRange } from './samples.ts';
import type { SeriesIndex } from './series-index.ts';
import type { View } from './view.ts';

export interface Scan {
  readonly tenant: TenantId;
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  readonly view: View;
  /** Of the head what was applied up to this moment. */
  readonly moment: number;
  readonly index: SeriesIndex;
  /** What is read will not be asked for again soon: merges and their proofs. */
  readonly isOnce?: boolean;
  /** Throws the reason where the caller does not want to go on. */
  readonly check: () => void;
  /** A later turn of the event loop, so that a long scan lets other work proceed. */
  readonly yieldTurn: () => Promise<void>;
}

/** One series of one cursor. */
export interface Row {
  readonly labels: Labels;
  /** Sources with deletes applied, oldest first. */
  sources(): Promise<Source[]>;
  /** True where a sample in the range certainly exists; undefined: look closer. */
  surely(): boolean | undefined;
  /** Is there a visible sample in the range? */
  exists(): Promise<boolean>;
}

export interface Cursor {
  /** The series at hand; undefined at the end, and where more must be loaded first. */
  row: Row | undefined;
  readonly needsLoad: boolean;
  advance(): void;
  load(): Promise<void>;
}
