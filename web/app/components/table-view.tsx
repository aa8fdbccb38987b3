/** The table of an instant query at the end of the range: one row per series, exact values. */
import type { ReactNode } from 'react';
import { queryInstant } from '../api/client.ts';
import { useRequest } from '../hooks/use-request.ts';
import { Notice } from '../ui/notice.tsx';
import { RANGE_POINTS_MAX, TABLE_ROWS_MAX } from '../util/limits.ts';
import { formatTime, pickLookbackSec, pickStepSec, tryResolve } from '../util/time.ts';
import type { ResultViewProps } from './result-view.ts';
import { InstantTable } from './instant-table.tsx';
import { toInstantRows } from './instant-rows.ts';
import { Remarks } from './remarks.tsx';
import { ResultError } from './result-error.tsx';
import { shownError } from './shown-error.ts';
import { ResultStatus } from './result-status.tsx';
import { Wait } from './wait.tsx';

const WAIT_HEIGHT_PX = 240;

export function TableView({ state, nowMs, width, onRetry }: ResultViewProps): ReactNode {
  const { expr, time } = state;
  const resolved = tryResolve(time.range, nowMs);
  const timeSec = (resolved?.endMs ?? nowMs) / 1000;
  const rangeSec = timeSec - (resolved?.startMs ?? nowMs) / 1000;
  // As far back as the graph's last step: what it draws at its end is a row here.
  const lookbackSec = pickLookbackSec(pickStepSec(rangeSec, Math.min(width, RANGE_POINTS_MAX)));
  const key = JSON.stringify([expr, timeSec, lookbackSec, nowMs]);
  const request = useRequest(key, expr, async (signal) =>
    queryInstant({ expr, timeSec, lookbackSec }, signal),
  );
  const { data: answer, isLoading, cancel } = request;
  const error = shownError(request);
  const rows = answer === undefined ? [] : toInstantRows(answer.data);
  return (
    <>
      <ResultStatus isLoading={isLoading} hasData={answer !== undefined} onCancel={cancel}>
        {answer !== undefined && (
          <span>
            {rows.length} {rows.length === 1 ? 'row' : 'rows'} at{' '}
            {formatTime(Math.floor(timeSec) * 1000, time.zone)}
          </span>
        )}
      </ResultStatus>
      {error !== undefined && (
        <ResultError error={error} expr={expr} hasData={answer !== undefined} onRetry={onRetry} />
      )}
      {answer === undefined && error === undefined && (
        <Wait height={WAIT_HEIGHT_PX} onCancel={cancel} />
      )}
      {answer !== undefined && <Remarks answer={answer} />}
      {rows.length > TABLE_ROWS_MAX && (
        <Notice tone="warning">
          {rows.length.toLocaleString('en')} rows are too many to read; the first {TABLE_ROWS_MAX}{' '}
          are listed. Narrow the selector or aggregate with <code>sum by (…)</code>.
        </Notice>
      )}
      {answer !== undefined && rows.length === 0 && (
        <p className="panel-empty" style={{ minHeight: WAIT_HEIGHT_PX }}>
          No series match at this time. Check the names, or move the end of the range.
        </p>
      )}
      {rows.length > 0 && <InstantTable rows={rows.slice(0, TABLE_ROWS_MAX)} expr={expr} />}
    </>
  );
}
