/** The form of Explore: what is typed lives here, so that a key redraws no graph. */
import type { ReactNode, RefObject } from 'react';
import { formatQuery } from '../api/client.ts';
import { useKeys } from '../hooks/use-keys.ts';
import { useQueryRows } from '../hooks/use-query-rows.ts';
import { QUERIES_MAX } from '../util/limits.ts';
import type { AskedQuery } from '../util/url-state.ts';
import type { ViewGrid } from '../util/view-grid.ts';
import { QueryRows, type QueryRow, type QueryRowsHandle } from './query-rows.tsx';
import { QueryTools } from './query-tools.tsx';
import type { Failed } from './result-view.ts';

interface ExploreQueriesProps {
  readonly queries: readonly AskedQuery[];
  readonly failed: readonly Failed[];
  /** The range that a cost is asked for. */
  readonly view: ViewGrid;
  readonly rowsRef: RefObject<QueryRowsHandle | null>;
  readonly onAsk: (queries: readonly AskedQuery[]) => void;
}

export function ExploreQueries(props: ExploreQueriesProps): ReactNode {
  const { queries, failed, view, rowsRef, onAsk } = props;
  const typed = useQueryRows(queries);
  const run = (): void => onAsk(typed.latest());
  useKeys({ 'Ctrl-Enter': run });
  const exprs = typed.rows.flatMap(({ text, isOff, isValid }) =>
    isOff || !isValid || text.trim() === '' ? [] : [text.trim()],
  );
  return (
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
          onAsk(typed.setOff(id, !isOff));
        }}
        onRemove={(id) => onAsk(typed.remove(id))}
      />
      <QueryTools
        exprs={exprs}
        asked={queries.find(({ isOff }) => !isOff)?.expr ?? ''}
        view={view}
        canAdd={typed.rows.length < QUERIES_MAX}
        onAdd={typed.add}
        onFormat={() => formatRows(typed.rows, rowsRef.current)}
      />
    </form>
  );
}

function formatRows(rows: readonly QueryRow[], handle: QueryRowsHandle | null): void {
  for (const { id, text, isValid } of rows) {
    if (!isValid || text.trim() === '') continue;
    formatQuery(text).then(
      (tidy) => handle?.setText(id, tidy),
      // A text the server cannot read stays as it is; running it says why.
      (error: unknown) => console.info('Not formatted:', error),
    );
  }
}
