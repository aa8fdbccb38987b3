/** Who changed what of a tenant, the newest first. */
import type { ReactNode } from 'react';
import { auditRows, type AuditRow } from '../api/tenancy.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';
import { formatTime } from '../util/time.ts';
import { StatusSection } from './status-section.tsx';

interface AuditLogProps {
  readonly tenant: string;
  /** Another number: something was changed. */
  readonly round: number;
}

const HEIGHT_PX = 120;

export function AuditLog({ tenant, round }: AuditLogProps): ReactNode {
  const { data, error } = useRequest(String(round), tenant, async (signal) =>
    auditRows(tenant, signal),
  );
  return (
    <StatusSection
      title="Changes"
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data?.length === 0 && <p className="hint">Nobody changed anything of it yet.</p>}
      {data !== undefined && data.length > 0 && (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="List of changes">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">What</th>
                <th scope="col">Of</th>
                <th scope="col">By</th>
                <th scope="col">From</th>
              </tr>
            </thead>
            <tbody>
              {data.map((row) => (
                <ChangeRow key={row.seq} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </StatusSection>
  );
}

function ChangeRow({ row: { time, action, subject, by } }: { readonly row: AuditRow }): ReactNode {
  const who = by.token_name === '' ? by.token_id : by.token_name;
  return (
    <tr>
      <td className="nowrap">{formatTime(Date.parse(time), 'local')}</td>
      <td>{visible(action)}</td>
      <td>{visible(subject)}</td>
      <td>{who === '' ? <span className="hint">without a token</span> : visible(who)}</td>
      <td>{by.peer === '' ? '–' : visible(by.peer)}</td>
    </tr>
  );
}
