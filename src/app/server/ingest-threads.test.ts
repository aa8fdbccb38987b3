// Threads of ingest that go wrong: the process must hear of it in a sentence.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { DEFAULT_INGEST_LIMITS } from '../../ingest/ingest.ts';
import { MetadataFilter } from '../../ingest/metadata-filter.ts';
import { FatalError } from '../../stdx/assert.ts';
import type { ShardedStorage } from '../../tsdb/sharded-storage.ts';
import type { Settings } from '../settings/flags.ts';
import { IngestThreads } from './ingest-threads.ts';
import type { IngestThreadsParts } from './ingest-threads.ts';

function module(code: string): URL {
  const head = `import { parentPort, workerData } from 'node:worker_threads';
    const address = { address: workerData.address.host, port: workerData.address.port };
    const listening = () => parentPort.postMessage({ kind: 'listening', address });`;
  return new URL(`data:text/javascript,${encodeURIComponent(`${head}\n${code}`)}`);
}

async function started(code: string, changes: Partial<IngestThreadsParts> = {}) {
  const fatal: Error[] = [];
  const storage = { shards: [1, 2], tenants: () => [] } as unknown as ShardedStorage;
  const threads = await IngestThreads.start({
    settings: { http: { host: '127.0.0.1', port: 0 } } as Settings,
    threadCount: 2,
    keys: undefined,
    limits: DEFAULT_INGEST_LIMITS,
    storage,
    metadata: new MetadataFilter(),
    relabelling: { fallback: [], tenants: [] },
    tenancy: { tenants: none, tokensOf: none, onChange: () => noop, isRemoved: () => false },
    onRefused: noop,
    logger: { debug: noop, info: noop, warn: noop, error: noop },
    admit: noop,
    accept: noop,
    onFatal: (error) => fatal.push(error),
    module: module(code),
    ...changes,
  });
  after(() => threads.close());
  return { threads, fatal };
}

function* none(): Generator<never, void, void> {
  // Nobody has a record.
}

function noop(): void {
  // Nothing of it is looked at.
}

async function firstOf(list: readonly Error[]): Promise<Error> {
  while (list.length === 0) await new Promise((resolve) => setImmediate(resolve));
  return list[0]!;
}

test('a thread that ends by itself is fatal, one that is closed is not', async () => {
  const ending = await started(`listening(); setTimeout(() => process.exit(3), 20);`);
  const exited = await firstOf(ending.fatal);
  assert.ok(exited instanceof FatalError);
  assert.match(exited.message, /^the ingest thread [01] ended: exit code 3$/);
  const throwing = await started(`listening(); setTimeout(() => { throw new Error('odd'); }, 20);`);
  assert.match((await firstOf(throwing.fatal)).message, /^the ingest thread [01] ended: odd$/);
  const quiet = await started('listening(); setInterval(() => undefined, 1000);');
  await quiet.threads.close();
  assert.deepEqual(quiet.fatal, []);
});

test('a thread that cannot start ends the start with its reason', async () => {
  await assert.rejects(started(`throw new Error('bad start')`), /ended: bad start/);
  const unable = `parentPort.postMessage({ kind: 'unable', code: 'EADDRINUSE', message: 'no' });
    setInterval(() => undefined, 1000);`;
  await assert.rejects(started(unable), { code: 'EADDRINUSE' });
});

test('a port that somebody else shares with all is refused', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => {
    other.listen({ host: '127.0.0.1', port: 0, reusePort: true }, resolve);
  });
  const { port } = other.address() as AddressInfo;
  const settings = { http: { host: '127.0.0.1', port } } as Settings;
  await assert.rejects(started('listening();', { settings }), { code: 'EADDRINUSE' });
  await new Promise((resolve) => other.close(resolve));
});
