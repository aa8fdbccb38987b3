/** How full the host's filesystems are: one bar each, fullest first. */
import type { ReactNode } from 'react';
import { queryInstant } from '../api/client.ts';
import { useRequest } from '../hooks/use-request.ts';
import { LOOKBACK_MIN_SEC } from '../util/limits.ts';
import { formatValue } from '../util/unit.ts';
import { ErrorNote } from './error-note.tsx';
import { PanelNow } from './panel-now.tsx';
import { Wait } from './wait.tsx';

const BODY_HEIGHT_PX = 132;
/** As many bars as fit beside the charts. */
const ROWS_MAX = 4;
const RATIO = { base: 'ratio', perSec: false } as const;
const BYTES = { base: 'bytes', perSec: false } as const;

interface Filesystem {
  readonly mountpoint: string;
  readonly sizeBytes: number;
  readonly availBytes: number;
}

interface FilesystemsProps {
  /** Matchers of the job. */
  readonly job: string;
  readonly timeSec: number;
}

export function Filesystems({ job, timeSec }: FilesystemsProps): ReactNode {
  const { data, error } = useRequest(`${job} ${timeSec}`, job, async (signal) =>
    fetchFilesystems(job, timeSec, signal),
  );
  return (
    <section className="panel" aria-label="Filesystems">
      <header className="panel-head">
        <h3>Filesystems</h3>
        <PanelNow
          text={data === undefined ? undefined : headline(data)}
          isOld={error !== undefined}
        />
      </header>
      <div className="panel-body" style={{ height: BODY_HEIGHT_PX }}>
        {error !== undefined && data === undefined && <ErrorNote error={error} />}
        {error === undefined && data === undefined && <Wait height={BODY_HEIGHT_PX} />}
        {data?.length === 0 && <p className="panel-empty">No samples in this range yet</p>}
        <ul className="filesystems" hidden={data === undefined || data.length === 0}>
          {data?.slice(0, ROWS_MAX).map((entry) => (
            <li key={entry.mountpoint}>
              <span className="filesystem-name">{entry.mountpoint}</span>
              <span className="num">
                {formatValue(entry.sizeBytes - entry.availBytes, BYTES)} of{' '}
                {formatValue(entry.sizeBytes, BYTES)}
              </span>
              <meter
                min={0}
                max={1}
                high={0.9}
                value={usedRatio(entry)}
                aria-label={`${entry.mountpoint} used`}
              >
                {formatValue(usedRatio(entry), RATIO)}
              </meter>
            </li>
          ))}
        </ul>
      </div>
      <p className="panel-legend hint">
        {data !== undefined && data.length > ROWS_MAX && `and ${data.length - ROWS_MAX} less full`}
      </p>
    </section>
  );
}

function headline(found: readonly Filesystem[]): string {
  return found[0] === undefined ? '–' : formatValue(usedRatio(found[0]), RATIO);
}

function usedRatio(entry: Filesystem): number {
  return 1 - entry.availBytes / entry.sizeBytes;
}

async function fetchFilesystems(
  job: string,
  timeSec: number,
  signal: AbortSignal,
): Promise<readonly Filesystem[]> {
  const [sizes, avails] = await Promise.all([
    fetchByMount(`node_filesystem_size_bytes{${job}`, timeSec, signal),
    fetchByMount(`node_filesystem_avail_bytes{${job}`, timeSec, signal),
  ]);
  const found: Filesystem[] = [];
  for (const [mountpoint, sizeBytes] of sizes) {
    const availBytes = avails.get(mountpoint);
    if (availBytes === undefined || sizeBytes <= 0) continue;
    found.push({ mountpoint, sizeBytes, availBytes });
  }
  return found.toSorted((a, b) => usedRatio(b) - usedRatio(a));
}

async function fetchByMount(
  selector: string,
  timeSec: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  // Memory-backed filesystems say nothing about a disk.
  const expr = `${selector},fstype!~"tmpfs|ramfs|devtmpfs|squashfs"}`;
  const query = { expr, timeSec, lookbackSec: LOOKBACK_MIN_SEC };
  const { data } = await queryInstant(query, signal);
  if (data.resultType !== 'vector') return new Map();
  return new Map(
    data.result.map((entry) => [entry.metric['mountpoint'] ?? '?', Number(entry.value?.[1])]),
  );
}
