/** Explore: what do these queries say? Everything that decides the view is in the address. */
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { ExploreEmpty } from '../components/explore-empty.tsx';
import { ExploreQueries } from '../components/explore-queries.tsx';
import { ExploreResult } from '../components/explore-result.tsx';
import type { QueryRowsHandle } from '../components/query-rows.tsx';
import type { Failed } from '../components/result-view.ts';
import { Shell } from '../components/shell.tsx';
import { TimeControl } from '../components/time-control.tsx';
import { navigate } from '../hooks/use-location.ts';
import { useNow } from '../hooks/use-now.ts';
import { askedOf } from '../util/ask-all.ts';
import { toIso } from '../util/time.ts';
import {
  ALL_SERIES,
  formatExplore,
  parseExplore,
  type AskedQuery,
  type ExploreState,
} from '../util/url-state.ts';
import { viewGrid } from '../util/view-grid.ts';

/** Width that the cost of a query is asked for; the graph's own is known when it is there. */
const ESTIMATE_PX = 1200;

export function ExplorePage({ search }: { readonly search: string }): ReactNode {
  const state = useMemo(() => parseExplore(search), [search]);
  const asked = useMemo(() => askedOf(state.queries), [state]);
  const { nowMs, touch } = useNow(asked.length === 0 ? 0 : state.time.refreshSec);
  const [failed, setFailed] = useState<readonly Failed[]>([]);
  const rowsRef = useRef<QueryRowsHandle>(null);
  const ask = (queries: readonly AskedQuery[]): void => {
    // Series picked from one answer say nothing about another.
    const pick = isSame(queries, state.queries) ? state.pick : ALL_SERIES;
    go({ ...state, queries, pick });
    touch();
  };
  const title = asked.map(({ expr }) => expr).join(', ');
  useEffect(() => {
    document.title = title === '' ? 'Explore · Orrery' : `${title} · Orrery`;
  }, [title]);
  const zoom = useCallback(
    (startSec: number, endSec: number): void => {
      const range = { from: toIso(startSec * 1000), to: toIso(endSec * 1000) };
      go({ ...state, time: { ...state.time, range, refreshSec: 0 } });
      touch();
    },
    [state, touch],
  );
  const view = useMemo(() => viewGrid(state.time, nowMs, ESTIMATE_PX), [state, nowMs]);
  const controls = (
    <TimeControl
      time={state.time}
      onTime={(time) => {
        go({ ...state, time });
        touch();
      }}
    />
  );
  return (
    <Shell path="explore" onSlash={() => rowsRef.current?.focus()} controls={controls}>
      <h1 className="visually-hidden">Explore</h1>
      <ExploreQueries
        queries={state.queries}
        failed={failed}
        view={view}
        rowsRef={rowsRef}
        onAsk={ask}
      />
      {state.queries.length === 0 && (
        <ExploreEmpty onPick={(expr) => ask([{ expr, isOff: false }])} />
      )}
      {state.queries.length > 0 && asked.length === 0 && (
        <p className="panel-empty">All queries are left out. Ask one again by its letter.</p>
      )}
      {asked.length > 0 && (
        <ExploreResult
          state={state}
          asked={asked}
          nowMs={nowMs}
          onState={go}
          onZoom={zoom}
          onRetry={touch}
          onFailed={setFailed}
        />
      )}
    </Shell>
  );
}

function go(state: ExploreState): void {
  navigate({ path: 'explore', search: formatExplore(state) }, { replace: false });
}

function isSame(a: readonly AskedQuery[], b: readonly AskedQuery[]): boolean {
  return JSON.stringify(a.map(({ expr }) => expr)) === JSON.stringify(b.map(({ expr }) => expr));
}
