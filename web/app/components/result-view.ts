/** What every view of the queries' results is given: the question, the moment, where to report. */
import type { ApiError } from '../api/api-error.ts';
import type { Asked } from '../util/ask-all.ts';
import type { ExploreState } from '../util/url-state.ts';

export interface ResultViewProps {
  readonly state: ExploreState;
  /** The queries that are on; at least one. */
  readonly asked: readonly Asked[];
  readonly nowMs: number;
  /** Pixels a graph has. */
  readonly width: number;
  readonly onState: (state: ExploreState) => void;
  readonly onZoom: (startSec: number, endSec: number) => void;
  /** Asks the same question again. */
  readonly onRetry: () => void;
  /** What failed, so that the editors can mark the place. */
  readonly onFailed: (failed: readonly Failed[]) => void;
}

export interface Failed {
  readonly index: number;
  readonly expr: string;
  readonly error: ApiError;
}
