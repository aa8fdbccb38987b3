/** Explore: what does this query say? Everything that decides the view is in the address. */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { ExploreEmpty } from '../components/explore-empty.tsx';
import { ExploreResult } from '../components/explore-result.tsx';
import { MetricHint } from '../components/metric-hint.tsx';
import { QueryEditor, type QueryEditorHandle } from '../components/query-editor.tsx';
import { Shell } from '../components/shell.tsx';
import { TimeControl } from '../components/time-control.tsx';
import { navigate } from '../hooks/use-location.ts';
import { useKeys } from '../hooks/use-keys.ts';
import { useNow } from '../hooks/use-now.ts';
import { toIso } from '../util/time.ts';
import { formatExplore, parseExplore, type ExploreState } from '../util/url-state.ts';

export function ExplorePage({ search }: { readonly search: string }): ReactNode {
  const state = parseExplore(search);
  const { draft, setDraft, latestRef } = useDraft(state.expr);
  const { nowMs, touch } = useNow(state.expr === '' ? 0 : state.time.refreshSec);
  const editorRef = useRef<QueryEditorHandle>(null);
  const focusEditor = (): void => editorRef.current?.focus();
  const go = (next: ExploreState): void => {
    navigate({ path: 'explore', search: formatExplore(next) }, { replace: false });
    touch();
  };
  const run = (): void => go({ ...state, expr: latestRef.current.trim() });
  useKeys({ 'Ctrl-Enter': run });
  useEffect(() => {
    document.title = state.expr === '' ? 'Explore · Orrery' : `${state.expr} · Orrery`;
  }, [state.expr]);
  const zoom = (startSec: number, endSec: number): void => {
    const range = { from: toIso(startSec * 1000), to: toIso(endSec * 1000) };
    go({ ...state, time: { ...state.time, range, refreshSec: 0 } });
  };
  return (
    <Shell
      path="explore"
      onSlash={focusEditor}
      controls={<TimeControl time={state.time} onTime={(time) => go({ ...state, time })} />}
    >
      <h1 className="visually-hidden">Explore</h1>
      <form
        className="query"
        role="search"
        aria-label="Query"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <QueryEditor ref={editorRef} value={draft} asked={state.expr} onChange={setDraft} />
        <button type="submit" className="button primary run" title="Ctrl Enter">
          Run
        </button>
      </form>
      <MetricHint expr={state.expr} />
      {state.expr === '' ? (
        <ExploreEmpty onPick={(expr) => go({ ...state, expr })} />
      ) : (
        <ExploreResult
          state={state}
          nowMs={nowMs}
          onTab={(tab) => go({ ...state, tab })}
          onZoom={zoom}
          onRetry={touch}
        />
      )}
    </Shell>
  );
}

interface Draft {
  readonly draft: string;
  readonly setDraft: (text: string) => void;
  /** What was typed last, also before it is rendered: Ctrl-Enter may follow at once. */
  readonly latestRef: React.RefObject<string>;
}

/** The text being typed. Going back or opening a link replaces it with the address's query. */
function useDraft(expr: string): Draft {
  const [draft, setShown] = useState(expr);
  const latestRef = useRef(expr);
  const [lastExpr, setLastExpr] = useState(expr);
  if (lastExpr !== expr) {
    setLastExpr(expr);
    setShown(expr);
  }
  useEffect(() => {
    latestRef.current = expr;
  }, [expr]);
  const setDraft = (text: string): void => {
    latestRef.current = text;
    setShown(text);
  };
  return { draft, setDraft, latestRef };
}
