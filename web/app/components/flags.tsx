/** Version and flags in force. */
import type { ReactNode } from 'react';
import { serverFlags } from '../api/client.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';
import { StatusSection } from './status-section.tsx';

interface FlagsProps {
  readonly version: string | undefined;
  /** Of the Prometheus API that is spoken. */
  readonly apiLevel: string | undefined;
}

const HEIGHT_PX = 160;

export function Flags({ version, apiLevel }: FlagsProps): ReactNode {
  const { data, error } = useRequest('once', 'flags', serverFlags);
  return (
    <StatusSection
      title="Settings"
      note={
        version !== undefined &&
        `Orrery ${version}, speaks the API of Prometheus ${apiLevel ?? 'unknown'}`
      }
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data !== undefined && (
        <dl className="flags">
          {Object.entries(data).map(([name, value]) => (
            <div key={name}>
              <dt>
                <code>{visible(name)}</code>
              </dt>
              <dd>
                <code>{value === '' ? '(empty)' : visible(value)}</code>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </StatusSection>
  );
}
