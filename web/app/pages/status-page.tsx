/** Status: what runs now, what is stored where, what takes the most series, how it is set. */
import { useEffect, type ReactNode } from 'react';
import { buildInfo } from '../api/client.ts';
import { Cardinality } from '../components/cardinality.tsx';
import { Flags } from '../components/flags.tsx';
import { RunningQueries } from '../components/running-queries.tsx';
import { Shell } from '../components/shell.tsx';
import { StorageShards } from '../components/storage-shards.tsx';
import { useNow } from '../hooks/use-now.ts';
import { useRequest } from '../hooks/use-request.ts';

/** Queries come and go in seconds, parts in minutes. */
const LIVE_EVERY_SEC = 2;
const STORAGE_EVERY_SEC = 15;

export function StatusPage(): ReactNode {
  const live = useNow(LIVE_EVERY_SEC);
  const stored = useNow(STORAGE_EVERY_SEC);
  const build = useRequest('once', 'build', buildInfo);
  const version = build.data?.revision?.match(/^orrery-(.+)$/)?.[1];
  useEffect(() => {
    document.title = 'Status · Orrery';
  }, []);
  return (
    <Shell path="status" controls={null}>
      <h1 className="visually-hidden">Status</h1>
      <div className="status">
        <RunningQueries nowMs={live.nowMs} onChanged={live.touch} />
        <StorageShards nowMs={stored.nowMs} />
        <Cardinality />
        <Flags version={version} apiLevel={build.data?.version} />
      </div>
    </Shell>
  );
}
