/** The points that a dry run would store, and what is known of their series. */
import type { ReactNode } from 'react';
import type { DryPoint } from '../api/types.ts';
import { formatLabels, visible } from '../util/labels.ts';
import { formatTime } from '../util/time.ts';

export function DryPoints({ points }: { readonly points: readonly DryPoint[] }): ReactNode {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Points">
      <table>
        <thead>
          <tr>
            <th scope="col">Series</th>
            <th scope="col">Kind</th>
            <th scope="col" className="num">
              Value
            </th>
            <th scope="col">Time</th>
            <th scope="col">Known</th>
          </tr>
        </thead>
        <tbody>
          {points.map((point) => (
            <tr key={JSON.stringify([point.labels, point.tUs, point.kind])}>
              <th scope="row">
                <code>{formatLabels(point.labels)}</code>
              </th>
              <td>{visible(point.kind)}</td>
              <td className="num">{visible(point.value)}</td>
              <td className="nowrap">{formatTime(point.tUs / 1000, 'local')}</td>
              <td>{known(point)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function known({ isNewSeries, newestUs, isExpired }: DryPoint): string {
  if (isExpired) return 'older than what is kept';
  if (isNewSeries) return 'a new series';
  if (newestUs === null) return 'the series exists';
  return `the series exists, newest ${formatTime(newestUs / 1000, 'local')}`;
}
