// Merges in a real thread, over real files: the parts that it writes are opened and read by the
// shard, what it throws keeps its class, and closing ends it.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { MergeParcel } from '../../src/app/real/merge-worker.ts';
import { realFiles } from '../../src/app/real/files.ts';
import { realScheduler } from '../../src/app/real/scheduler.ts';
import { ThreadPool } from '../../src/app/real/thread-pool.ts';
import { DirectoryBlobs } from '../../src/blobs/directory-blobs.ts';
import { partitionAt } from '../../src/tsdb/partitions.ts';
import type { MergeControl } from '../../src/tsdb/merge-control.ts';
import type { MergeAnswer, RunMerge } from '../../src/tsdb/merge-thread.ts';
import { checkRows, point, writeRows } from './rows.ts';
import type { Row } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const DAY_US = 86_400_000_000;
const NOW_US = partitionAt(Date.UTC(2026, 0, 1) * 1000, 1);

const module = new URL('../../src/app/real/merge-worker.ts', import.meta.url);
const pool = new ThreadPool<MergeParcel, MergeAnswer>({
  name: 'merge',
  module,
  threadCount: 1,
  scheduler: realScheduler,
  env: {},
});
after(() => pool.close());

async function opened(
  beforeMerge: (control: MergeControl) => void = () => undefined,
): Promise<{ under: TsdbUnderTest; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'orrery-merge-'));
  after(() => rm(directory, { recursive: true }));
  const blobs = await DirectoryBlobs.open(realFiles, directory);
  const runMerge: RunMerge = ({ task, control, share }) => {
    beforeMerge(control);
    return pool.run({ directory, task, share, memory: control.memory }, []);
  };
  return { under: await new TsdbUnderTest({ blobs, runMerge }).open(), directory };
}

async function flushed(under: TsdbUnderTest, days: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (let day = 0; day < days; day++) {
    const some = [point('m', NOW_US - day * DAY_US, day), point('n', NOW_US - day, day)];
    await writeRows(under.storage, some);
    await under.storage.flush();
    rows.push(...some);
  }
  return rows;
}

test('a thread merges: nothing is lost, the inputs go, nothing unfinished is left', async () => {
  const { under, directory } = await opened();
  const rows = await flushed(under, 6);
  assert.equal(under.storage.stats().partCount, 6);
  await under.storage.compact();
  const { partCount } = under.storage.stats();
  assert.ok(partCount < 6, `${partCount} parts`);
  assert.ok(pool.runningCount > 0, 'a thread did it');
  assert.deepEqual(under.storage.house()[0]!.merges.divide, 1);
  await checkRows(under.storage, rows);
  assert.deepEqual(await readdir(join(directory, '.tmp')), []);
  const files = await readdir(join(directory, 'parts/0'));
  assert.equal(files.length, partCount);
  await under.storage.close();
});

test('damage that the thread meets is told, and the part is left alone', async () => {
  const { under, directory } = await opened();
  await flushed(under, 3);
  const folder = join(directory, 'parts/0');
  const [first] = (await readdir(folder)).toSorted();
  await writeFile(join(folder, first!), 'no part');
  await under.storage.compact();
  const told = under.events.filter((event) => event.kind === 'corrupt');
  assert.ok(
    told.length > 0 && told.every((event) => 'blob' in event && event.blob.includes(first!)),
  );
  assert.ok((await readdir(folder)).includes(first!));
  assert.equal(under.storage.stats().partCount, 3);
  await under.storage.close();
});

test('a merge that is not wanted any more ends with an error of its class, and leaves nothing', async () => {
  const { under, directory } = await opened((control) => control.stop());
  const rows = await flushed(under, 3);
  const before = await readdir(join(directory, 'parts/0'));
  await assert.rejects(under.storage.compact(), { name: 'AppError', code: 'closed' });
  assert.deepEqual(await readdir(join(directory, 'parts/0')), before);
  assert.deepEqual(await readdir(join(directory, '.tmp')), []);
  await checkRows(under.storage, rows);
  await under.storage.close();
});
