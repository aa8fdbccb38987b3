/** Rows of the tenant that were refused: how many for which reason, and the last of them. */
import type { ReactNode } from 'react';
import { refusedRows } from '../api/client.ts';
import type { RefusedRow, RefusedRows as Refused } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';
import { formatTime } from '../util/time.ts';
import { StatusSection } from './status-section.tsx';

const HEIGHT_PX = 80;

const REASONS: Readonly<Record<string, string>> = {
  malformed: 'cannot be read',
  'label-limits': 'labels beyond the limits',
  'series-limit': 'no room for a new series',
  relabelling: 'rules made too much of it',
  'time-range': 'time not allowed by the token',
  'not-parsed': 'reached no parser',
  request: 'requests that reached no parser',
};

interface RefusedRowsProps {
  readonly nowMs: number;
  /** Default: the reader's own. */
  readonly tenant?: string;
}

export function RefusedRows({ nowMs, tenant }: RefusedRowsProps): ReactNode {
  const { data, error } = useRequest(String(nowMs), `refused ${tenant}`, async (signal) =>
    refusedRows(tenant, signal),
  );
  return (
    <StatusSection
      title="Refused rows"
      note={data && `${data.count.toLocaleString('en')} since the server started`}
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data?.count === 0 && (
        <p className="hint" style={{ minHeight: HEIGHT_PX }}>
          No row of this tenant was refused.
        </p>
      )}
      {data !== undefined && data.count > 0 && <Rows refused={data} />}
    </StatusSection>
  );
}

function Rows({ refused: { counts, lines } }: { readonly refused: Refused }): ReactNode {
  return (
    <>
      <ul className="refused-counts" aria-label="By reason">
        {counts.map(({ protocol, reason, count }) => (
          <li key={`${protocol} ${reason}`}>
            <strong className="num">{count.toLocaleString('en')}</strong> {visible(protocol)},{' '}
            {REASONS[reason] ?? visible(reason)}
          </li>
        ))}
      </ul>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Last refused rows">
        <table className="refused">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Protocol</th>
              <th scope="col">From</th>
              <th scope="col" className="num">
                Line
              </th>
              <th scope="col">Reason</th>
            </tr>
          </thead>
          <tbody>
            {keyed(lines).map(([key, line]) => (
              <Row key={key} row={line} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Equal rows are told apart by how many of them came before. */
function keyed(lines: readonly RefusedRow[]): readonly (readonly [string, RefusedRow])[] {
  const seen = new Map<string, number>();
  return lines.map((line) => {
    const text = JSON.stringify(line);
    const count = seen.get(text) ?? 0;
    seen.set(text, count + 1);
    return [`${text} ${count}`, line];
  });
}

function Row({ row }: { readonly row: RefusedRow }): ReactNode {
  const { timeMs, protocol, peer, line, reason } = row;
  return (
    <tr>
      <td className="nowrap">{formatTime(timeMs, 'local')}</td>
      <td>{visible(protocol)}</td>
      <td>{peer === '' ? '–' : visible(peer)}</td>
      <td className="num">{line === 0 ? '–' : line}</td>
      <td className="refused-reason">{visible(reason)}</td>
    </tr>
  );
}
