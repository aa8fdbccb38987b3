/** Where the data is: head, log and parts by shard, the merge that runs, space on the disk. */
import type { ReactNode } from 'react';
import { storageStatus } from '../api/client.ts';
import type { StorageShard } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { formatCount, formatValue, type Unit } from '../util/unit.ts';
import { StatusSection } from './status-section.tsx';

const BYTES: Unit = { base: 'bytes', perSec: false };
const HEIGHT_PX = 120;

export function StorageShards({ nowMs }: { readonly nowMs: number }): ReactNode {
  const { data, error } = useRequest(String(nowMs), 'storage', storageStatus);
  const disk = data?.shards[0]?.disk;
  return (
    <StatusSection
      title="Storage"
      note={
        disk != null &&
        `${formatValue(disk.freeBytes, BYTES)} free of ${formatValue(disk.totalBytes, BYTES)}`
      }
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data !== undefined && (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="Shards">
          <table className="shards">
            <thead>
              <tr>
                {HEADINGS.map(([text, isNumber]) => (
                  <th key={text} scope="col" className={isNumber ? 'num' : ''}>
                    {text}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.shards.map((shard) => (
                <ShardRow key={shard.shard} shard={shard} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </StatusSection>
  );
}

const HEADINGS: readonly (readonly [string, boolean])[] = [
  ['Shard', false],
  ['Samples in memory', true],
  ['Log', true],
  ['Parts', true],
  ['Samples in parts', true],
  ['Size of parts', true],
  ['Written per byte', true],
  ['Open deletes', true],
  ['Merge', false],
];

function ShardRow({ shard }: { readonly shard: StorageShard }): ReactNode {
  const { levels, merge, writeAmplification } = shard;
  const sum = (of: (level: (typeof levels)[number]) => number): number =>
    levels.reduce((total, level) => total + of(level), 0);
  const byLevel = levels.map(({ level, partCount }) => `level ${level}: ${partCount}`).join(', ');
  return (
    <tr>
      <th scope="row">{shard.shard}</th>
      <td className="num">{formatCount(shard.headSamples)}</td>
      <td className="num">{formatValue(shard.logSizeBytes, BYTES)}</td>
      <td className="num" title={byLevel}>
        {sum(({ partCount }) => partCount)}
      </td>
      <td className="num">{formatCount(sum(({ sampleCount }) => sampleCount))}</td>
      <td className="num">
        {formatValue(
          sum(({ sizeBytes }) => sizeBytes),
          BYTES,
        )}
      </td>
      <td className="num">
        {writeAmplification === null ? '–' : formatValue(writeAmplification, COUNT)}
      </td>
      <td className="num">{shard.openDeletes}</td>
      <td className="nowrap">
        {merge === null ? (
          <span className="hint">none</span>
        ) : (
          `${merge.kind}, ${Math.round(merge.progress * 100)}%`
        )}
      </td>
    </tr>
  );
}

const COUNT: Unit = { base: 'none', perSec: false };
