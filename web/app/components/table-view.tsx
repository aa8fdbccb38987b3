/** The tables of instant queries at the end of the range: one row per series, exact values. */
import type { ReactNode } from 'react';
import { queryInstant } from '../api/client.ts';
import type { Answer, InstantResult } from '../api/types.ts';
import { useAsked } from '../hooks/use-asked.ts';
import { Notice } from '../ui/notice.tsx';
import type { Part } from '../util/ask-all.ts';
import { TABLE_ROWS_MAX } from '../util/limits.ts';
import { formatTime, pickLookbackSec, tryResolve } from '../util/time.ts';
import { viewGrid } from '../util/view-grid.ts';
import { toInstantRows, type InstantRow } from './instant-rows.ts';
import { InstantTable } from './instant-table.tsx';
import { PartErrors } from './part-errors.tsx';
import { Remarks } from './remarks.tsx';
import { ResultError } from './result-error.tsx';
import { ResultStatus } from './result-status.tsx';
import type { ResultViewProps } from './result-view.ts';
import { Wait } from './wait.tsx';

const WAIT_HEIGHT_PX = 240;

export function TableView(props: ResultViewProps): ReactNode {
  const { state, asked, nowMs, width, onRetry } = props;
  const { time } = state;
  const timeSec = (tryResolve(time.range, nowMs)?.endMs ?? nowMs) / 1000;
  // As far back as the graph's last step: what it draws at its end is a row here.
  const lookbackSec = pickLookbackSec(viewGrid(time, nowMs, width).grid.stepSec);
  const { request, error } = useAsked(props, [timeSec, lookbackSec], async (expr, signal) =>
    queryInstant({ expr, timeSec, lookbackSec }, signal),
  );
  const { data, isLoading, cancel } = request;
  const texts = asked.map(({ expr }) => expr);
  const hasData = data !== undefined;
  const parts = (data ?? []).map((part) => ({ ...part, rows: rowsOf(part) }));
  const rowCount = parts.reduce((sum, { rows }) => sum + rows.length, 0);
  return (
    <>
      <ResultStatus isLoading={isLoading} hasData={hasData} texts={texts} onCancel={cancel}>
        {hasData && (
          <span>
            {rowCount.toLocaleString('en')} {rowCount === 1 ? 'row' : 'rows'} at{' '}
            {formatTime(Math.floor(timeSec) * 1000, time.zone)}
          </span>
        )}
      </ResultStatus>
      {error !== undefined && (
        <ResultError error={error} expr={texts[0] ?? ''} hasData={hasData} onRetry={onRetry} />
      )}
      {!hasData && error === undefined && (
        <Wait height={WAIT_HEIGHT_PX} texts={texts} onCancel={cancel} />
      )}
      {hasData && <PartErrors parts={data} />}
      {parts.map((part) => part.answer !== undefined && <PartTable key={part.index} {...part} />)}
    </>
  );
}

type TablePart = Part<Answer<InstantResult>>;

function rowsOf({ answer }: TablePart): readonly InstantRow[] {
  return answer === undefined ? [] : toInstantRows(answer.data);
}

function PartTable(part: TablePart & { readonly rows: readonly InstantRow[] }): ReactNode {
  const { letter, expr, answer, rows } = part;
  return (
    <section aria-label={letter === '' ? 'Result' : `Result of ${letter}`}>
      {letter !== '' && (
        <h2 className="part-head">
          <span className="letter">{letter}</span> <code>{expr}</code>
        </h2>
      )}
      {answer !== undefined && <Remarks {...answer} />}
      {rows.length > TABLE_ROWS_MAX && (
        <Notice tone="warning">
          {rows.length.toLocaleString('en')} rows are too many to read; the first{' '}
          {TABLE_ROWS_MAX.toLocaleString('en')} are listed. Narrow the selector or aggregate with{' '}
          <code>sum by (…)</code>.
        </Notice>
      )}
      {rows.length === 0 ? (
        <p className="panel-empty" style={{ minHeight: WAIT_HEIGHT_PX }}>
          No series match at this time. Check the names, or move the end of the range.
        </p>
      ) : (
        <InstantTable rows={rows.slice(0, TABLE_ROWS_MAX)} expr={expr} letter={letter} />
      )}
    </section>
  );
}
