/** The answer to a query as graph or table. */
import { useId, useRef, type KeyboardEvent, type ReactNode } from 'react';
import { useWidth } from '../hooks/use-width.ts';
import type { ExploreTab } from '../util/url-state.ts';
import { GraphView } from './graph-view.tsx';
import type { ResultViewProps } from './result-view.ts';
import { TableView } from './table-view.tsx';

interface ExploreResultProps extends Omit<ResultViewProps, 'width'> {
  readonly onTab: (tab: ExploreTab) => void;
}

const TABS: readonly (readonly [ExploreTab, string])[] = [
  ['graph', 'Graph'],
  ['table', 'Table'],
];

export function ExploreResult({ onTab, ...view }: ExploreResultProps): ReactNode {
  const bodyRef = useRef<HTMLDivElement>(null);
  const width = useWidth(bodyRef);
  const id = useId();
  const { tab } = view.state;
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    const next = tab === 'graph' ? 'table' : 'graph';
    onTab(next);
    document.getElementById(`${id}-${next}`)?.focus();
  };
  return (
    <div className="result">
      <div role="tablist" aria-label="View" className="tabs" onKeyDown={onKey}>
        {TABS.map(([name, label]) => (
          <button
            key={name}
            id={`${id}-${name}`}
            type="button"
            role="tab"
            aria-selected={tab === name}
            aria-controls={`${id}-panel`}
            tabIndex={tab === name ? 0 : -1}
            onClick={() => onTab(name)}
          >
            {label}
          </button>
        ))}
      </div>
      <div ref={bodyRef} id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${tab}`}>
        {width > 0 && tab === 'graph' && <GraphView {...view} width={width} />}
        {width > 0 && tab === 'table' && <TableView {...view} width={width} />}
      </div>
    </div>
  );
}
