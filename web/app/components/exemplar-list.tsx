/** The exemplars of the graph as a table: what the diamonds say, for eyes, keys and copying. */
import type { ReactNode } from 'react';
import type { FoundExemplars } from '../hooks/use-exemplars.ts';
import { formatLabels } from '../util/labels.ts';
import { EXEMPLARS_MAX } from '../util/limits.ts';
import { formatTime, type Zone } from '../util/time.ts';
import { ErrorNote } from './error-note.tsx';

interface ExemplarListProps {
  readonly found: FoundExemplars;
  readonly zone: Zone;
}

export function ExemplarList({ found, zone }: ExemplarListProps): ReactNode {
  const { marks, isLoading, error } = found;
  if (error !== undefined) return <ErrorNote error={error} />;
  if (marks.length === 0) {
    return (
      <p className="hint">
        {isLoading ? 'Looking for exemplars' : 'No exemplars were written with these series.'}
      </p>
    );
  }
  return (
    <details className="exemplars">
      <summary>
        {marks.length === EXEMPLARS_MAX ? `The newest ${EXEMPLARS_MAX}` : marks.length} exemplars
      </summary>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Exemplars">
        <table className="instant">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Labels</th>
              <th scope="col">Series</th>
              <th scope="col" className="num">
                Value
              </th>
            </tr>
          </thead>
          <tbody>
            {marks.map((mark) => (
              <tr key={mark.id}>
                <td className="nowrap">{formatTime(Math.round(mark.sec * 1000), zone)}</td>
                <td>{formatLabels(mark.labels)}</td>
                <td>{formatLabels(mark.series)}</td>
                <td className="num">{mark.exact}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
