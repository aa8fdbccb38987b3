/** What every view of a query's result is given: the question, the moment, and where to report. */
import type { ExploreState } from '../util/url-state.ts';

export interface ResultViewProps {
  readonly state: ExploreState;
  readonly nowMs: number;
  /** Pixels a graph has. */
  readonly width: number;
  readonly onZoom: (startSec: number, endSec: number) => void;
  /** Asks the same question again. */
  readonly onRetry: () => void;
}
