// The limit of active series after a start: what was written within the hour is known and let in,
// whatever else is refused, and counts once; what is not finished or damaged is not believed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesCount } from '../../src/model/storage.ts';
import { REF_REFUSED } from '../../src/model/storage.ts';
import { labelsFromObject } from '../../src/model/labels.ts';
import type { LabelBytes } from '../../src/model/label-bytes.ts';
import { ACTIVE_WINDOW_SEC } from '../../src/tsdb/limits.ts';
import { asLabelBytes } from '../support/label-bytes.ts';
import { point, writeRows } from './rows.ts';
import { TsdbUnderTest } from './tsdb-under-test.ts';

const named = (n: number): Record<string, string> => ({ __name__: 'm', n: `${n}` });

/** A gate of so many series, as quotas have one. */
class Limited {
  readonly under: TsdbUnderTest;
  counts: ((tenant: string) => SeriesCount)[] = [];
  limit = 10;
  madeCount = 0;
  /** Called where a flush is about to commit. */
  onFlush: () => void = () => undefined;

  constructor(shards = 1) {
    const seriesGate = {
      admits: () => this.used < this.limit,
      made: () => void this.madeCount++,
      watch: (count: (tenant: string) => SeriesCount) => void this.counts.push(count),
    };
    const probe = (place: string): void => {
      if (place === 'flush') this.onFlush();
    };
    this.under = new TsdbUnderTest({ seriesGate, probe }, shards);
  }

  /** What is counted, and what was made and is on its way. */
  get used(): number {
    return this.counts.reduce((sum, count) => {
      const { active, reserved } = count('default');
      return sum + active + reserved;
    }, 0);
  }

  async open(): Promise<this> {
    this.counts = [];
    await this.under.open();
    return this;
  }

  write(from: number, to: number): Promise<unknown> {
    const rows = Array.from({ length: to - from }, (_, i) => point(named(from + i), 1, i));
    return writeRows(this.under.storage, rows);
  }

  resolve(n: number): number {
    return this.under.storage.resolve('default', labelsFromObject(named(n)));
  }

  resolveBytes(n: number): number {
    const labels = asLabelBytes([labelsFromObject(named(n))]).next().value as LabelBytes;
    return this.under.storage.resolveBytes('default', labels);
  }
}

for (const shards of [1, 3])
  test(`at its limit a tenant writes on after a start, ${shards} shards`, async () => {
    const one = await new Limited(shards).open();
    await one.write(0, 10);
    assert.equal(one.madeCount, 10);
    assert.equal(one.resolve(10), REF_REFUSED);
    await one.under.storage.flush();
    for (const how of ['kill', 'restart'] as const) {
      if (how === 'restart') await one.under.storage.close();
      await one.open();
      assert.equal(one.used, 10, how);
      assert.equal(one.resolve(10), REF_REFUSED);
      assert.equal(one.resolveBytes(11), REF_REFUSED);
      // Made again, and not yet written: no series more.
      for (let n = 0; n < 5; n++) assert.ok(one.resolve(n) >= 0);
      for (let n = 5; n < 10; n++) assert.ok(one.resolveBytes(n) >= 0);
      assert.equal(one.used, 10);
      await one.write(0, 5);
      assert.equal(one.used, 10);
      assert.equal(one.resolve(10), REF_REFUSED);
    }
    assert.equal(one.madeCount, 10, 'none of them was new');
    one.under.clock.ms += ACTIVE_WINDOW_SEC * 1000;
    assert.equal(one.used, 0);
    await one.write(20, 30);
    assert.equal(one.used, 10);
    assert.deepEqual(one.under.events, []);
  });

test('a flush that dies before its commit, or after it, leaves a count that is right', async () => {
  const one = await new Limited().open();
  await one.write(0, 4);
  await one.under.storage.flush();
  await one.write(3, 7);
  one.onFlush = () => {
    throw new Error('dies');
  };
  await assert.rejects(one.under.storage.flush(), /dies/);
  const lists = async (): Promise<readonly string[]> => {
    const names: string[] = [];
    for await (const { name } of one.under.blobs.list('seen/')) names.push(name);
    return names;
  };
  assert.equal((await lists()).length, 2);
  await one.open();
  assert.equal((await lists()).length, 1, 'that of the flush that was none is gone');
  assert.equal(one.used, 7);
  one.onFlush = () => undefined;
  await one.under.storage.flush();
  await one.open();
  assert.equal((await lists()).length, 1);
  assert.equal(one.used, 7);
});

test('a damaged list is named and left out: series count from their next write on', async () => {
  const one = await new Limited().open();
  await one.write(0, 4);
  await one.under.storage.flush();
  for await (const { name } of one.under.blobs.list('seen/')) {
    const bytes = await one.under.blobs.get(name);
    bytes[40]! ^= 1;
    await one.under.blobs.put(name, [bytes]);
  }
  await one.open();
  assert.deepEqual(
    one.under.events.map(({ kind }) => kind),
    ['seen-list-damaged'],
  );
  assert.equal(one.used, 0);
  await one.write(0, 2);
  assert.equal(one.used, 2);
  await one.under.storage.flush();
  await one.open();
  assert.equal(one.used, 2);
});
