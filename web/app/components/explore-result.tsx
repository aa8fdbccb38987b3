/** The answer to the queries as graph, table, JSON or explanation. */
import { lazy, memo, Suspense, useId, useRef, type ReactNode } from 'react';
import { useWidth } from '../hooks/use-width.ts';
import { GraphView } from './graph-view.tsx';
import type { ResultViewProps } from './result-view.ts';
import { TableView } from './table-view.tsx';
import { ViewTabs } from './view-tabs.tsx';

const JsonView = lazy(async () => ({ default: (await import('./json-view.tsx')).JsonView }));
const ExplainView = lazy(async () => ({
  default: (await import('./explain-view.tsx')).ExplainView,
}));

const VIEWS = { graph: GraphView, table: TableView, json: JsonView, explain: ExplainView };

export const ExploreResult = memo(function ExploreResult(
  view: Omit<ResultViewProps, 'width'>,
): ReactNode {
  const bodyRef = useRef<HTMLDivElement>(null);
  const width = useWidth(bodyRef);
  const id = useId();
  const { state, onState } = view;
  const View = VIEWS[state.tab];
  return (
    <div className="result">
      <ViewTabs id={id} tab={state.tab} onTab={(tab) => onState({ ...state, tab })} />
      <div ref={bodyRef} id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${state.tab}`}>
        <Suspense fallback={null}>{width > 0 && <View {...view} width={width} />}</Suspense>
      </div>
    </div>
  );
});
