/** Switches of the graph, below it: what they change is in the address. */
import type { ReactNode } from 'react';
import { ALL_SERIES, type ExploreState } from '../util/url-state.ts';

interface GraphToolsProps {
  readonly state: ExploreState;
  readonly onState: (state: ExploreState) => void;
}

export function GraphTools({ state, onState }: GraphToolsProps): ReactNode {
  const { isStacked, hasExemplars, pick } = state;
  return (
    <div className="graph-tools" role="group" aria-label="Graph">
      <button
        type="button"
        className="button toggle"
        aria-pressed={isStacked}
        onClick={() => onState({ ...state, isStacked: !isStacked })}
      >
        Stacked
      </button>
      <button
        type="button"
        className="button toggle"
        aria-pressed={hasExemplars}
        onClick={() => onState({ ...state, hasExemplars: !hasExemplars })}
      >
        Exemplars
      </button>
      {pick.kind !== 'all' && (
        <button
          type="button"
          className="button"
          onClick={() => onState({ ...state, pick: ALL_SERIES })}
        >
          Show all series
        </button>
      )}
    </div>
  );
}
