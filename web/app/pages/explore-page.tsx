/** Explore: what do these queries say? Everything that decides the view is in the address. */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { formatQuery } from '../api/client.ts';
import { ExploreEmpty } from '../components/explore-empty.tsx';
import { ExploreResult } from '../components/explore-result.tsx';
import { QueryRows, type QueryRowsHandle } from '../components/query-rows.tsx';
import { QueryTools } from '../components/query-tools.tsx';
import type { Failed } from '../components/result-view.ts';
import { Shell } from '../components/shell.tsx';
import { TimeControl } from '../components/time-control.tsx';
import { useKeys } from '../hooks/use-keys.ts';
import { navigate } from '../hooks/use-location.ts';
import { useNow } from '../hooks/use-now.ts';
import { useQueryRows } from '../hooks/use-query-rows.ts';
import { askedOf } from '../util/ask-all.ts';
import { QUERIES_MAX } from '../util/limits.ts';
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
  const state = parseExplore(search);
  const asked = askedOf(state.queries);
  const typed = useQueryRows(state.queries);
  const { nowMs, touch } = useNow(asked.length === 0 ? 0 : state.time.refreshSec);
  const [failed, setFailed] = useState<readonly Failed[]>([]);
  const rowsRef = useRef<QueryRowsHandle>(null);
  const go = (next: ExploreState): void => {
    navigate({ path: 'explore', search: formatExplore(next) }, { replace: false });
  };
  const ask = (queries: readonly AskedQuery[]): void => {
    // Series picked from one answer say nothing about another.
    const pick = isSame(queries, state.queries) ? state.pick : ALL_SERIES;
    go({ ...state, queries, pick });
    touch();
  };
  const run = (): void => ask(typed.latest());
  useKeys({ 'Ctrl-Enter': run });
  const title = asked.map(({ expr }) => expr).join(', ');
  useEffect(() => {
    document.title = title === '' ? 'Explore · Orrery' : `${title} · Orrery`;
  }, [title]);
  const onZoom = (startSec: number, endSec: number): void => {
    const range = { from: toIso(startSec * 1000), to: toIso(endSec * 1000) };
    go({ ...state, time: { ...state.time, range, refreshSec: 0 } });
    touch();
  };
  const format = (): void => {
    for (const { id, text, isValid } of typed.rows) {
      if (!isValid || text.trim() === '') continue;
      formatQuery(text).then(
        (tidy) => rowsRef.current?.setText(id, tidy),
        // A text the server cannot read stays as it is; running it says why.
        (error: unknown) => console.info('Not formatted:', error),
      );
    }
  };
  const exprs = typed.rows.flatMap(({ text, isOff, isValid }) =>
    isOff || !isValid || text.trim() === '' ? [] : [text.trim()],
  );
  return (
    <Shell
      path="explore"
      onSlash={() => rowsRef.current?.focus()}
      controls={
        <TimeControl
          time={state.time}
          onTime={(time) => {
            go({ ...state, time });
            touch();
          }}
        />
      }
    >
      <h1 className="visually-hidden">Explore</h1>
      <form
        className="queries"
        role="search"
        aria-label="Query"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <QueryRows
          ref={rowsRef}
          rows={typed.rows}
          failed={failed}
          onText={typed.setText}
          onToggle={(id) => {
            const isOff = typed.rows.find((row) => row.id === id)?.isOff ?? false;
            ask(typed.setOff(id, !isOff));
          }}
          onRemove={(id) => ask(typed.remove(id))}
        />
        <QueryTools
          exprs={exprs}
          asked={asked[0]?.expr ?? ''}
          view={viewGrid(state.time, nowMs, ESTIMATE_PX)}
          canAdd={typed.rows.length < QUERIES_MAX}
          onAdd={typed.add}
          onFormat={format}
        />
      </form>
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
          onZoom={onZoom}
          onRetry={touch}
          onFailed={setFailed}
        />
      )}
    </Shell>
  );
}

function isSame(a: readonly AskedQuery[], b: readonly AskedQuery[]): boolean {
  return JSON.stringify(a.map(({ expr }) => expr)) === JSON.stringify(b.map(({ expr }) => expr));
}
