/** The tabs of a result: arrow keys go through them, the address keeps the one that is open. */
import type { KeyboardEvent, ReactNode } from 'react';
import { EXPLORE_TABS, type ExploreTab } from '../util/url-state.ts';

interface ViewTabsProps {
  readonly id: string;
  readonly tab: ExploreTab;
  readonly onTab: (tab: ExploreTab) => void;
}

const NAMES: Readonly<Record<ExploreTab, string>> = {
  graph: 'Graph',
  table: 'Table',
  json: 'JSON',
  explain: 'Explain',
};

export function ViewTabs({ id, tab, onTab }: ViewTabsProps): ReactNode {
  const onKey = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const count = EXPLORE_TABS.length;
    const next = EXPLORE_TABS[(EXPLORE_TABS.indexOf(tab) + by + count) % count] ?? tab;
    onTab(next);
    document.getElementById(`${id}-${next}`)?.focus();
  };
  return (
    <div role="tablist" aria-label="View" className="tabs" onKeyDown={onKey}>
      {EXPLORE_TABS.map((name) => (
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
          {NAMES[name]}
        </button>
      ))}
    </div>
  );
}
