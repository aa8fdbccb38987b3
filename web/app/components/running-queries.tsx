/** The queries that run now, longest first, each with a button that ends it. */
import { useState, type ReactNode } from 'react';
import { cancelQuery, liveQueries } from '../api/client.ts';
import type { LiveQuery } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';
import { formatCount, formatValue } from '../util/unit.ts';
import { StatusSection } from './status-section.tsx';

interface RunningQueriesProps {
  readonly nowMs: number;
  /** The list is another now. */
  readonly onChanged: () => void;
}

const HEIGHT_PX = 80;

export function RunningQueries({ nowMs, onChanged }: RunningQueriesProps): ReactNode {
  const { data, error } = useRequest(String(nowMs), 'live', liveQueries);
  const [said, setSaid] = useState('');
  const end = (query: LiveQuery): void => {
    cancelQuery(query.id)
      .then(
        (isFound) => setSaid(isFound ? 'The query was cancelled.' : 'The query had ended before.'),
        (failure: unknown) => setSaid(failure instanceof Error ? failure.message : String(failure)),
      )
      .finally(onChanged);
  };
  const queries = (data ?? []).toSorted((a, b) => b.elapsedMs - a.elapsedMs);
  return (
    <StatusSection
      title="Running queries"
      note={<span role="status">{said}</span>}
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data?.length === 0 && (
        <p className="hint" style={{ minHeight: HEIGHT_PX }}>
          No query runs now.
        </p>
      )}
      {queries.length > 0 && (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="Queries">
          <table className="running">
            <thead>
              <tr>
                <th scope="col">Query</th>
                <th scope="col">State</th>
                <th scope="col" className="num">
                  Runs for
                </th>
                <th scope="col" className="num">
                  Samples read
                </th>
                <th scope="col">Done</th>
                <th scope="col">
                  <span className="visually-hidden">Action</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {queries.map((query) => (
                <QueryLine key={query.id} query={query} onEnd={end} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </StatusSection>
  );
}

interface QueryLineProps {
  readonly query: LiveQuery;
  readonly onEnd: (query: LiveQuery) => void;
}

function QueryLine({ query, onEnd }: QueryLineProps): ReactNode {
  const { text, language, tenant, state = 'running', lane, elapsedMs, cost, progress } = query;
  return (
    <tr>
      <th scope="row">
        <code>{visible(text)}</code>
        <span className="hint metric-help">
          {visible(language)}, tenant {visible(tenant)}
        </span>
      </th>
      <td>
        {visible(state)}
        {lane !== undefined && <span className="tag">{visible(lane)}</span>}
      </td>
      <td className="num">{formatValue(elapsedMs / 1000, { base: 'seconds', perSec: false })}</td>
      <td className="num">{cost === undefined ? '–' : formatCount(cost.samplesRead)}</td>
      <td className="nowrap">
        {progress == null ? (
          <span className="hint">not known</span>
        ) : (
          <>
            <progress value={progress} aria-label={`Done of ${text}`} />{' '}
            {Math.round(progress * 100)}%
          </>
        )}
      </td>
      <td className="num">
        <button type="button" className="button" onClick={() => onEnd(query)}>
          Cancel<span className="visually-hidden"> {text}</span>
        </button>
      </td>
    </tr>
  );
}
