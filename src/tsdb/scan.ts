// What a scan over parts and head is asked for, and the cursors it is made of.
import type { Samples } from '../model/columns.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { EncodedSamples } from '../model/storage.ts';
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
  /** Pieces left encoded may reach beyond the range, but not beyond this. */
  readonly bounds?: TimeRange;
  /** What is read will not be asked for again soon: merges and their proofs. */
  readonly isOnce?: boolean;
  /** Counts what is kept for the answer; throws AppError limited/query-memory. */
  readonly hold?: (sizeBytes: number) => void;
  /** Throws the reason where the caller does not want to go on. */
  readonly check: () => void;
  /** A later turn of the event loop, so that a long scan lets other work proceed. */
  readonly yieldTurn: () => Promise<void>;
}

/** Samples of one series in [minUs, maxUs], none of which another piece of its row repeats. */
export interface Piece {
  readonly minUs: number;
  readonly maxUs: number;
  readonly chunk: Samples | EncodedSamples;
}

/** One series of one cursor. */
export interface Row {
  readonly labels: Labels;
  /** Sources with deletes applied, oldest first. */
  sources(): Promise<Source[]>;
  /** Blocks left as they are; undefined where deletes or rewrites inside of it hide samples. */
  pieces(): Promise<readonly Piece[] | undefined>;
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
